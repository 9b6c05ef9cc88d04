"""Legal exposure: what could be claimed for what a twin was built from. Beside V, never in it.

Each path is something that the twin's rights or its builds rest on. Probability × capital at risk
is reckoned for those that are contaminated or unlicensed; a path of which nothing is known here, or
not what could be claimed, is said to be unknown, and has no amount.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from talent.errors import Refused

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
class Path:
    """One path from a twin to what it rests on, with what could be claimed for it.

    None: nobody said how likely a claim is, or how large. `on` is the day of what `source` tells.
    """

    name: str
    state: PathState
    probability: Decimal | None = None
    at_risk: Decimal | None = None
    source: str = ""
    on: date | None = None

    def __post_init__(self) -> None:
        if not ZERO <= (self.probability or ZERO) <= ONE or (self.at_risk or ZERO) < 0:
            raise BadRisk(f"{self.name}: a probability from 0 to 1, and capital of zero or more.")

    @property
    def exposure(self) -> Decimal | None:
        """Probability × capital at risk; zero of what is licensed; None: not known here."""
        if self.state is PathState.LICENSED:
            return ZERO
        if self.state is PathState.UNKNOWN or self.probability is None or self.at_risk is None:
            return None
        return self.probability * self.at_risk


@dataclass(frozen=True, slots=True)
class LegalExposure:
    """What could be claimed in all, in one currency and not rounded, and what is not known."""

    paths: tuple[Path, ...]
    total: Decimal
    unknown: tuple[Path, ...]


def legal_exposure(paths: Sequence[Path]) -> LegalExposure:
    """Add up what could be claimed for paths; those without an amount are listed apart."""
    known = [path.exposure for path in paths if path.exposure is not None]
    unknown = tuple(path for path in paths if path.exposure is None)
    return LegalExposure(tuple(paths), sum(known, ZERO), unknown)
