"""Rates: which lines of a rate card are alternatives that nothing tells apart. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations

from talent.consent.matrix import covers

CONDITIONS = ("rights", "uses", "territories", "languages", "channels", "prompt_classes")
WITHIN_ANOTHER = ("territories", "languages")  # `fr` covers `fr-CA`


@dataclass(frozen=True, slots=True)
class Alternative:
    """What a rate line of a charge group rates; None is any."""

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
        named = sum(getattr(self, condition) is not None for condition in CONDITIONS)
        return named + (self.production is not None)


def equals(lines: Iterable[Alternative]) -> list[tuple[Alternative, Alternative]]:
    """List pairs of one charge group that could rate the same use and are equally specific."""
    grouped = [line for line in lines if line.charge_group]
    return [pair for pair in combinations(grouped, 2) if _equal(*pair)]


def _equal(one: Alternative, other: Alternative) -> bool:
    return (
        (one.charge_group, one.unlicensed, one.specificity)
        == (other.charge_group, other.unlicensed, other.specificity)
        and (None in (one.production, other.production) or one.production == other.production)
        and all(_meet(condition, one, other) for condition in CONDITIONS)
    )


def _meet(condition: str, one: Alternative, other: Alternative) -> bool:
    """Tell whether some value satisfies a condition of both lines."""
    ours, theirs = getattr(one, condition), getattr(other, condition)
    if ours is None or theirs is None:
        return frozenset() not in (ours, theirs)
    if condition not in WITHIN_ANOTHER:
        return bool(ours & theirs)
    return any(covers(theirs, code) for code in ours) or any(covers(ours, code) for code in theirs)
