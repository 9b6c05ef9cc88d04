"""Distributions of uncertain inputs, as inverse distribution functions over columns of draws.

Every distribution turns shares of probability (an array between 0 and 1, both left out) into
values, the lowest share into the lowest value. So evenly spread shares make evenly spread draws,
and inputs that move together are shares that move together.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, ndtr, ndtri

from talent.errors import Refused

Draws = NDArray[np.float64]

# PERT's: the mean is (low + 4 × most likely + high) / 6.
WEIGHT_OF_MODE = 4
# The share of a normal distribution that lies below its 95 % quantile, in standard deviations.
P95 = float(ndtri(0.95))
# Below this, what lies between the bounds is no share of a normal distribution any more.
SMALLEST_SHARE = 1e-9


# A beta distribution's inverse is slow, so it is looked up between these normal deviates, over
# which it is smooth: the error is below a millionth of the distribution's width.
NODES = np.linspace(-8.3, 8.3, 8_193)


class ImpossibleDistribution(Refused):
    """The figures of a distribution contradict each other."""

    code = "impossible_distribution"


class Distribution(Protocol):
    """What an uncertain input may come to."""

    def at(self, shares: Draws) -> Draws:
        """Return the values below which these shares of probability lie."""


@dataclass(frozen=True, slots=True)
class Fixed:
    """A known value."""

    value: float

    def __post_init__(self) -> None:
        _need_numbers(self.value)

    def at(self, shares: Draws) -> Draws:
        return np.full_like(shares, self.value)


@dataclass(frozen=True, slots=True)
class Uniform:
    """Anything between two bounds is equally likely."""

    low: float
    high: float

    def __post_init__(self) -> None:
        _need_numbers(self.low, self.high)
        _need(self.low < self.high, "The lowest value must be below the highest.")

    def at(self, shares: Draws) -> Draws:
        return self.low + shares * (self.high - self.low)


@dataclass(frozen=True, slots=True)
class Triangular:
    """Rises in a straight line from the lowest value to the most likely one, and falls again."""

    low: float
    mode: float
    high: float

    def __post_init__(self) -> None:
        _need_order(self.low, self.mode, self.high)

    def at(self, shares: Draws) -> Draws:
        width, rise, fall = self.high - self.low, self.mode - self.low, self.high - self.mode
        rising = self.low + np.sqrt(shares * width * rise)
        falling = self.high - np.sqrt((1 - shares) * width * fall)
        return np.where(shares * width < rise, rising, falling)


@dataclass(frozen=True, slots=True)
class Pert:
    """As triangular, but smooth, and nearer to the most likely value (a scaled beta)."""

    low: float
    mode: float
    high: float

    def __post_init__(self) -> None:
        _need_order(self.low, self.mode, self.high)

    def at(self, shares: Draws) -> Draws:
        width = self.high - self.low
        alpha = 1 + WEIGHT_OF_MODE * (self.mode - self.low) / width
        beta = 1 + WEIGHT_OF_MODE * (self.high - self.mode) / width
        return self.low + width * _between_nodes(ndtri(shares), _beta_at_nodes(alpha, beta))


@dataclass(frozen=True, slots=True)
class Normal:
    """Symmetric about its mean, cut off at the bounds."""

    mean: float
    deviation: float
    low: float = -np.inf
    high: float = np.inf

    def __post_init__(self) -> None:
        _need_numbers(self.mean, self.deviation)
        _need(self.deviation > 0, "The standard deviation must be above zero.")
        _need(self.low < self.high, "The lowest value must be below the highest.")
        below, above = self._shares_at_bounds()
        _need(above - below > SMALLEST_SHARE, "Hardly any value lies between these bounds.")

    def at(self, shares: Draws) -> Draws:
        below, above = self._shares_at_bounds()
        return self.mean + self.deviation * ndtri(below + shares * (above - below))

    def _shares_at_bounds(self) -> tuple[float, float]:
        return (
            float(ndtr((self.low - self.mean) / self.deviation)),
            float(ndtr((self.high - self.mean) / self.deviation)),
        )


@dataclass(frozen=True, slots=True)
class Lognormal:
    """Above zero and skewed: nine in ten values lie between `low` and `high` (P5 and P95)."""

    low: float
    high: float

    def __post_init__(self) -> None:
        _need_numbers(self.low, self.high)
        _need(0 < self.low < self.high, "Both values are above zero, the low one below the high.")

    def at(self, shares: Draws) -> Draws:
        middle = (np.log(self.low) + np.log(self.high)) / 2
        deviation = (np.log(self.high) - np.log(self.low)) / (2 * P95)
        return np.asarray(np.exp(middle + deviation * ndtri(shares)))


@dataclass(frozen=True, slots=True)
class Discrete:
    """One of some values, each with a probability; probabilities need not sum to 1."""

    values: tuple[float, ...]
    weights: tuple[float, ...]
    _upto: Draws = field(init=False, repr=False, compare=False)
    _sorted: Draws = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        _need(
            0 < len(self.values) == len(self.weights), "Each value has a probability, none is left."
        )
        _need(
            min(self.weights) >= 0 and sum(self.weights) > 0,
            "Probabilities are zero or more, and one of them is above zero.",
        )
        _need_numbers(*self.values, *self.weights)
        order = np.argsort(self.values, kind="stable")
        upto = np.cumsum(np.asarray(self.weights, dtype=float)[order])
        object.__setattr__(self, "_sorted", np.asarray(self.values, dtype=float)[order])
        object.__setattr__(self, "_upto", upto / upto[-1])

    def at(self, shares: Draws) -> Draws:
        return np.asarray(self._sorted[np.searchsorted(self._upto, shares, side="left")])


# By the stored word of a distribution, what makes it of its figures.
KINDS: Mapping[str, Callable[..., Distribution]] = {
    "fixed": Fixed,
    "uniform": Uniform,
    "triangular": Triangular,
    "pert": Pert,
    "normal": Normal,
    "lognormal": Lognormal,
    "discrete": Discrete,
}


def _between_nodes(deviates: Draws, at_nodes: Draws) -> Draws:
    """Interpolate. The nodes are evenly spaced, so the one below is reckoned and not searched."""
    last = len(NODES) - 1
    places = np.clip((deviates - NODES[0]) * (last / (NODES[-1] - NODES[0])), 0, last)
    below = np.minimum(places.astype(np.int64), last - 1)
    return np.asarray(at_nodes[below] + (places - below) * np.diff(at_nodes)[below])


@lru_cache(maxsize=256)
def _beta_at_nodes(alpha: float, beta: float) -> Draws:
    return np.asarray(betaincinv(alpha, beta, ndtr(NODES)), dtype=np.float64)


def _need_numbers(*figures: float) -> None:
    _need(bool(np.isfinite(figures).all()), "Every figure is a number.")


def _need_order(low: float, mode: float, high: float) -> None:
    _need_numbers(low, mode, high)
    _need(low < high, "The lowest value must be below the highest.")
    _need(low <= mode <= high, "The most likely value must lie between the lowest and the highest.")


def _need(holds: bool, otherwise: str) -> None:  # noqa: FBT001 - reads as a sentence
    if not holds:
        raise ImpossibleDistribution(otherwise)
