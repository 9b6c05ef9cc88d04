"""The figures of an input as people fill them in, and the distribution that they make.

A fixed input has its middle figure; uniform has low and high; triangular and PERT all three; normal
has the middle as its mean, a deviation and, if told, bounds; lognormal has its P5 and P95 as low
and high; a discrete one has values with weights, written as “0: 60, 40000: 40”.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

import numpy as np

from valuation.words import Spreading
from valuation.worth.draw.distributions import (
    Discrete,
    Distribution,
    Draws,
    Fixed,
    ImpossibleDistribution,
    Lognormal,
    Normal,
    Pert,
    Triangular,
    Uniform,
)

# Where a curve begins and ends: a lognormal and a normal have no ends of their own.
EDGE = 0.002
POINTS = 61


@dataclass(frozen=True, slots=True)
class InputFigures:
    """What somebody filled in; what the distribution does not need is left out."""

    spreading: Spreading
    low: Decimal | None = None
    middle: Decimal | None = None
    high: Decimal | None = None
    deviation: Decimal | None = None
    values: str = ""

    def distribution(self) -> Distribution:
        """Return what the figures make. Raises ImpossibleDistribution, with what to fill in."""
        missing = [
            NAMES[name] for name in NEEDS[self.spreading] if getattr(self, name) in (None, "")
        ]
        if missing:
            raise ImpossibleDistribution(
                f"A distribution that is “{self.spreading.label}” needs: {', '.join(missing)}."
            )
        return _MAKERS[self.spreading](self)

    def only_needed(self) -> "InputFigures":
        """Return the figures without what the distribution does not use."""
        used = {*NEEDS[self.spreading], *MAY_HAVE.get(self.spreading, ())}
        kept = {name: getattr(self, name) for name in NAMES if name in used}
        return InputFigures(self.spreading, **kept)

    @property
    def is_fixed(self) -> bool:
        return self.spreading == Spreading.FIXED


NAMES = {
    "low": "the lowest value",
    "middle": "the most likely value",
    "high": "the highest value",
    "deviation": "the standard deviation",
    "values": "values with their weights",
}
NEEDS: Mapping[Spreading, tuple[str, ...]] = {
    Spreading.FIXED: ("middle",),
    Spreading.UNIFORM: ("low", "high"),
    Spreading.TRIANGULAR: ("low", "middle", "high"),
    Spreading.PERT: ("low", "middle", "high"),
    Spreading.NORMAL: ("middle", "deviation"),
    Spreading.LOGNORMAL: ("low", "high"),
    Spreading.DISCRETE: ("values",),
}
MAY_HAVE: Mapping[Spreading, tuple[str, ...]] = {Spreading.NORMAL: ("low", "high")}


def weighted_values(text: str) -> list[tuple[Decimal, Decimal]]:
    """Read values with weights, as “0: 60, 40000: 40”. Raises ImpossibleDistribution."""
    pairs = []
    for part in filter(None, (one.strip() for one in text.split(","))):
        value, separator, weight = part.partition(":")
        try:
            pairs.append((Decimal(value.strip()), Decimal(weight.strip().removesuffix("%"))))
        except InvalidOperation:
            separator = ""
        if not separator:
            raise ImpossibleDistribution(
                f"“{part}” is no value with a weight. Write them as in 0: 60, 40000: 40."
            )
    return pairs


def curve_of(distribution: Distribution) -> list[tuple[float, float]]:
    """Return points of a distribution's density, as (value, height); the highest is 1.

    What has no density, fixed values and discrete ones, has a point for each value, of its weight.
    """
    if isinstance(distribution, Fixed):
        return [(distribution.value, 1.0)]
    if isinstance(distribution, Discrete):
        top = max(distribution.weights)
        pairs = zip(distribution.values, distribution.weights, strict=True)
        return sorted((value, weight / top) for value, weight in pairs)
    shares = np.linspace(EDGE, 1 - EDGE, 2_001)
    values = distribution.at(shares)
    heights, edges = np.histogram(values, bins=POINTS, weights=np.ones_like(values))
    heights = _smoothed(heights.astype(float))
    middles = (edges[:-1] + edges[1:]) / 2
    top = float(heights.max())
    ends = [(float(edges[0]), 0.0)], [(float(edges[-1]), 0.0)]
    curve = [(float(x), float(y) / top) for x, y in zip(middles, heights, strict=True)]
    return [*ends[0], *curve, *ends[1]]


def _smoothed(heights: Draws) -> Draws:
    """Take the mean of each three neighbours: counts of even shares jump by one."""
    padded = np.concatenate([heights[:1], heights, heights[-1:]])
    return np.asarray((padded[:-2] + padded[1:-1] + padded[2:]) / 3)


def _normal(figures: InputFigures) -> Distribution:
    low = -np.inf if figures.low is None else float(figures.low)
    high = np.inf if figures.high is None else float(figures.high)
    return Normal(_float(figures.middle), _float(figures.deviation), low, high)


def _discrete(figures: InputFigures) -> Distribution:
    pairs = weighted_values(figures.values)
    return Discrete(
        tuple(float(value) for value, _ in pairs), tuple(float(weight) for _, weight in pairs)
    )


def _float(figure: Decimal | None) -> float:
    # `distribution` has looked for what is missing.
    return float(figure or 0)


_MAKERS: Mapping[Spreading, Callable[[InputFigures], Distribution]] = {
    Spreading.FIXED: lambda one: Fixed(_float(one.middle)),
    Spreading.UNIFORM: lambda one: Uniform(_float(one.low), _float(one.high)),
    Spreading.TRIANGULAR: lambda one: Triangular(
        _float(one.low), _float(one.middle), _float(one.high)
    ),
    Spreading.PERT: lambda one: Pert(_float(one.low), _float(one.middle), _float(one.high)),
    Spreading.NORMAL: _normal,
    Spreading.LOGNORMAL: lambda one: Lognormal(_float(one.low), _float(one.high)),
    Spreading.DISCRETE: _discrete,
}
