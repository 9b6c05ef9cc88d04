"""Quality: what it costs to mend what a twin gets wrong, beside shooting it again.

Artifacts come in classes (eyes, tongue and phonemes, lighting, hands …), each with how many there
are in a finished minute, how long one takes to mend, and what an hour of the artist costs. Rates
are uncertain, so that a probability says how likely the pickup shoot is to be cheaper.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from talent.errors import Refused
from valuation.worth.draw.distributions import Distribution, Fixed, Pert
from valuation.worth.draw.points import blocks

ZERO = Decimal(0)
MINUTES_AN_HOUR = Decimal(60)
DRAWS, SEED = 4096, 7


class BadRates(Refused):
    """A rate, a time or a cost is below zero, or a range is upside down."""

    code = "bad_quality_rates"


@dataclass(frozen=True, slots=True)
class ArtifactClass:
    """One kind of artifact: how many in a finished minute, and what mending one costs."""

    name: str
    low: Decimal
    rate: Decimal
    high: Decimal
    minutes: Decimal
    an_hour: Decimal
    source: str
    is_assumption: bool = True

    def __post_init__(self) -> None:
        if not ZERO <= self.low <= self.rate <= self.high:
            raise BadRates(f"{self.name}: the rate lies between its lowest and its highest.")
        if self.minutes < 0 or self.an_hour < 0:
            raise BadRates(f"{self.name}: minutes and costs are zero or more.")

    @property
    def each(self) -> Decimal:
        """What mending one costs."""
        return self.minutes / MINUTES_AN_HOUR * self.an_hour


@dataclass(frozen=True, slots=True)
class Shoot:
    """A pickup shoot: days, what a day costs, and what it costs besides (travel, sets)."""

    days: Decimal
    a_day: Decimal
    besides: Decimal = ZERO

    def __post_init__(self) -> None:
        if min(self.days, self.a_day, self.besides) < 0:
            raise BadRates("Days and costs of a shoot are zero or more.")

    @property
    def cost(self) -> Decimal:
        return self.days * self.a_day + self.besides


@dataclass(frozen=True, slots=True)
class ClassCost:
    artifact: ArtifactClass
    count: Decimal
    cost: Decimal


@dataclass(frozen=True, slots=True)
class Against:
    """Mending against shooting; `crossover` is the artifacts a minute at which both cost the same.

    `chance` is the probability that the shoot is cheaper. `crossover` is None where mending costs
    nothing, whatever there is to mend.
    """

    classes: tuple[ClassCost, ...]
    mending: Decimal
    shooting: Decimal
    rate: Decimal
    crossover: Decimal | None
    chance: float

    @property
    def mends(self) -> bool:
        """Whether mending is the cheaper of the two."""
        return self.mending <= self.shooting


def against(classes: Sequence[ArtifactClass], minutes: Decimal, shoot: Shoot) -> Against:
    """Compare mending some finished minutes with a pickup shoot. Raises BadRates.

    The crossover keeps the proportions of the classes.
    """
    if minutes <= 0:
        raise BadRates("There is at least some finished film.")
    costs = tuple(
        ClassCost(one, one.rate * minutes, one.rate * minutes * one.each) for one in classes
    )
    mending = sum((one.cost for one in costs), ZERO)
    rate = sum((one.rate for one in classes), ZERO)
    crossover = rate * shoot.cost / mending if mending else None
    chance = _chance(classes, minutes, shoot)
    return Against(costs, mending, shoot.cost, rate, crossover, chance)


def _chance(classes: Sequence[ArtifactClass], minutes: Decimal, shoot: Shoot) -> float:
    """Return how often, of seeded draws of the rates, mending costs more than the shoot."""
    if not classes:
        return 0.0
    dearer = 0
    for shares in blocks(len(classes), DRAWS, SEED):
        costs = sum(
            (_rate(one).at(shares[:, place]) * float(minutes * one.each)
             for place, one in enumerate(classes)),
            np.zeros(len(shares)),
        )  # fmt: skip
        dearer += int(np.count_nonzero(costs > float(shoot.cost)))
    return dearer / DRAWS


def _rate(one: ArtifactClass) -> Distribution:
    if one.low == one.high:
        return Fixed(float(one.rate))
    return Pert(float(one.low), float(one.rate), float(one.high))
