"""Legal exposure: what could be claimed for what a twin was built from. Beside V, never in it.

Each path is something that the twin's rights, its uses or its builds rest on. Probability × capital
at risk is reckoned for those that somebody assessed and that are not licensed. A path that nobody
assessed is unknown: it has no amount, and is never counted as zero.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from talent.errors import Refused
from valuation.worth.draw.formula import Conversion

ZERO, ONE = Decimal(0), Decimal(1)


class BadRisk(Refused):
    """A probability is not from 0 to 1, or capital at risk is below zero."""

    code = "bad_legal_risk"


class PathState(StrEnum):
    """How far a path is known to be licensed."""

    LICENSED = "licensed"
    UNLICENSED = "unlicensed"
    CONTAMINATED = "contaminated"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Assessment:
    """How likely a claim is, and how much is at risk, as somebody said from a day on.

    `conversion` makes the capital the scenario's currency; None: it is in it. Raises BadRisk.
    """

    probability: Decimal
    at_risk: Decimal
    currency: str
    source: str
    on: date
    conversion: Conversion | None = None

    def __post_init__(self) -> None:
        if not ZERO <= self.probability <= ONE or self.at_risk < 0:
            raise BadRisk("A probability is from 0 to 1, and capital at risk is zero or more.")

    @property
    def exposure(self) -> Decimal:
        """Probability × capital at risk in the scenario's currency, not rounded."""
        rate = ONE if self.conversion is None else self.conversion.rate
        return self.probability * self.at_risk * rate


@dataclass(frozen=True, slots=True)
class Path:
    """One path from a twin to what it rests on, with what could be claimed for it.

    `key` is the same for the path in every plan of an agency. `on` is the day of what `source`
    tells. Without an assessment nobody said what could be claimed.
    """

    name: str
    state: PathState
    key: str = ""
    source: str = ""
    on: date | None = None
    assessment: Assessment | None = None

    @property
    def exposure(self) -> Decimal | None:
        """What could be claimed; zero of what is licensed; None: nobody assessed it."""
        if self.state is PathState.LICENSED:
            return ZERO
        return None if self.assessment is None else self.assessment.exposure


@dataclass(frozen=True, slots=True)
class LegalExposure:
    """What could be claimed in all, in one currency and not rounded, and what is not known."""

    paths: tuple[Path, ...]
    total: Decimal
    unknown: tuple[Path, ...]

    @property
    def assessed(self) -> tuple[Path, ...]:
        """The paths that are not licensed, and of which somebody said what could be claimed."""
        return tuple(
            path
            for path in self.paths
            if path.assessment is not None and path.state is not PathState.LICENSED
        )


def legal_exposure(paths: Sequence[Path]) -> LegalExposure:
    """Add up what could be claimed for paths; those without an amount are listed apart."""
    known = [path.exposure for path in paths if path.exposure is not None]
    unknown = tuple(path for path in paths if path.exposure is None)
    return LegalExposure(tuple(paths), sum(known, ZERO), unknown)
