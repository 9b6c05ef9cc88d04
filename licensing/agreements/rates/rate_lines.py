"""Rate lines: finds two of a charge group that fit one use without one being more specific."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations

from talent.consent.scope import covers
from talent.errors import Refused

CONDITIONS = ("rights", "uses", "territories", "languages", "channels", "prompt_classes")
WITHIN_ANOTHER = ("territories", "languages")  # `fr` covers `fr-CA`


class EqualRateLines(Refused):
    """Two alternatives of a charge group may rate the same use, and neither is more specific."""

    code = "equal_rate_lines"


@dataclass(frozen=True, slots=True)
class Alternative:
    """What a rate line of a charge group rates. None: anything."""

    code: str
    charge_group: str
    unlicensed: bool = False
    rights: frozenset[str] | None = None
    uses: frozenset[str] | None = None
    territories: frozenset[str] | None = None
    languages: frozenset[str] | None = None
    channels: frozenset[str] | None = None
    prompt_classes: frozenset[str] | None = None
    production: str | None = None

    @property
    def specificity(self) -> int:
        """How many conditions the line sets; the most specific alternative rates a use."""
        conditions = sum(getattr(self, condition) is not None for condition in CONDITIONS)
        return conditions + (self.production is not None)


def refuse_equal(alternatives: Iterable[Alternative]) -> None:
    """Raise EqualRateLines if two lines of a charge group fit one use, neither more specific."""
    grouped = [line for line in alternatives if line.charge_group]
    for line, other in combinations(grouped, 2):
        if _are_equal(line, other):
            raise EqualRateLines(
                f"Rate lines {line.code} and {other.code} of the charge group "
                f"“{line.charge_group}” rate the same use; make one more specific."
            )


def _are_equal(line: Alternative, other: Alternative) -> bool:
    return (
        (line.charge_group, line.unlicensed, line.specificity)
        == (other.charge_group, other.unlicensed, other.specificity)
        and (None in (line.production, other.production) or line.production == other.production)
        and all(_can_meet(condition, line, other) for condition in CONDITIONS)
    )


def _can_meet(condition: str, line: Alternative, other: Alternative) -> bool:
    """Tell whether some value satisfies a condition of both lines."""
    ours, theirs = getattr(line, condition), getattr(other, condition)
    if ours is None or theirs is None:
        return frozenset() not in (ours, theirs)
    if condition not in WITHIN_ANOTHER:
        return bool(ours & theirs)
    return any(covers(theirs, code) for code in ours) or any(covers(ours, code) for code in theirs)
