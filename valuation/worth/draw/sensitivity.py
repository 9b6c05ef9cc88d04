"""What V depends on: a tornado of single inputs, Sobol indices, and Shapley effects.

Sobol indices are estimated as Saltelli et al. 2010 (first order) and Jansen 1999 (total) do, from
two independent blocks of points. They need independent inputs. Where inputs move together, Shapley
effects (Owen 2014) share the variance among them without doubt; they are estimated over random
orders of the inputs as Song, Nelson and Staum 2016 do. Each estimate comes with its standard error
over independent repetitions.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from talent.errors import Refused
from valuation.worth.draw.distributions import Draws
from valuation.worth.draw.points import blocks, inside

REPETITIONS = 8
LOW, MIDDLE, HIGH = 0.1, 0.5, 0.9
# For each order of the inputs and each place in it: what varies is drawn so often, given the rest.
DRAWS_WITHIN = 3

Worth = Callable[[Draws], Draws]


class NothingVaries(Refused):
    """All draws come to the same, so nothing explains their variance."""

    code = "nothing_varies"


@dataclass(frozen=True, slots=True)
class Swing:
    """V with one input at its P10 and at its P90, and all others at their medians."""

    at_low: float
    at_high: float

    @property
    def width(self) -> float:
        return abs(self.at_high - self.at_low)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A share of V's variance (0 to 1, but for the error), with its standard error."""

    share: float
    error: float


@dataclass(frozen=True, slots=True)
class Indices:
    """An input's share of V's variance: by itself, and with all it does together with others."""

    first: Estimate
    total: Estimate


def tornado(worth: Worth, inputs: int) -> tuple[Swing, ...]:
    """Return how far each input alone moves V."""
    points = np.full((2 * inputs, inputs), MIDDLE)
    for column in range(inputs):
        points[2 * column : 2 * column + 2, column] = LOW, HIGH
    values = worth(points)
    return tuple(
        Swing(float(low), float(high)) for low, high in zip(values[::2], values[1::2], strict=True)
    )


def sobol_indices(worth: Worth, inputs: int, *, points: int, seed: int) -> tuple[Indices, ...]:
    """Return the indices of independent inputs, from `points` (a power of two, at least 16) times
    (inputs + 2) values of V. Raises NothingVaries.
    """
    each = points // REPETITIONS
    found = np.stack(
        [_indices_once(worth, inputs, each, seed + turn) for turn in range(REPETITIONS)]
    )
    return tuple(
        Indices(_estimate(found[:, 0, column]), _estimate(found[:, 1, column]))
        for column in range(inputs)
    )


def _indices_once(worth: Worth, inputs: int, points: int, seed: int) -> Draws:
    """Return first and total indices, (2, inputs)."""
    both = np.concatenate(list(blocks(2 * inputs, points, seed)))
    one, other = both[:, :inputs], both[:, inputs:]
    at_one, at_other = worth(one), worth(other)
    variance = _variance(np.concatenate([at_one, at_other]))
    indices = np.empty((2, inputs))
    for column in range(inputs):
        mixed = one.copy()
        mixed[:, column] = other[:, column]
        at_mixed = worth(mixed)
        indices[0, column] = np.mean((at_other - variance.mean) * (at_mixed - at_one))
        indices[1, column] = np.mean((at_one - at_mixed) ** 2) / 2
    return indices / variance.value


def shapley_effects(
    worth: Worth, correlation: Draws, *, orders: int, seed: int
) -> tuple[Estimate, ...]:
    """Return each input's share of V's variance; the shares sum to 1.

    `worth` takes shares of the inputs that already move together; `orders` is the number of random
    orders in each repetition. Raises NothingVaries.
    """
    found = np.stack(
        [_effects_once(worth, correlation, orders, seed + turn) for turn in range(REPETITIONS)]
    )
    return tuple(_estimate(found[:, column]) for column in range(len(correlation)))


def _effects_once(worth: Worth, correlation: Draws, orders: int, seed: int) -> Draws:
    rng, inputs = np.random.default_rng(seed), len(correlation)
    order = rng.permuted(np.tile(np.arange(inputs), (orders, 1)), axis=1)
    factors = np.linalg.cholesky(correlation[order[:, :, None], order[:, None, :]])

    def values(known: int, times: int) -> Draws:
        """Return V, (orders, times), with the first inputs of each order drawn once for all."""
        deviates = rng.standard_normal((orders, times, inputs))
        deviates[:, 1:, :known] = deviates[:, :1, :known]
        together = np.empty_like(deviates)
        np.put_along_axis(together, order[:, None, :], deviates @ factors.transpose(0, 2, 1), 2)
        shares = inside(ndtr(together.reshape(-1, inputs)))
        return worth(shares).reshape(orders, times)

    variance = _variance(values(0, 2 * inputs))
    # What is left of the variance once the first inputs of an order are known.
    left = np.zeros((orders, inputs + 1))
    left[:, 0] = variance.value
    for known in range(1, inputs):
        left[:, known] = values(known, DRAWS_WITHIN).var(axis=1, ddof=1)
    effects = np.zeros(inputs)
    np.add.at(effects, order, left[:, :-1] - left[:, 1:])
    return effects / orders / variance.value


@dataclass(frozen=True, slots=True)
class _Variance:
    mean: float
    value: float


def _variance(values: Draws) -> _Variance:
    variance = float(values.var())
    if variance <= np.finfo(float).eps * float(np.abs(values).max()) ** 2:
        raise NothingVaries("All draws come to the same.")
    return _Variance(float(values.mean()), variance)


def _estimate(found: Draws) -> Estimate:
    return Estimate(float(found.mean()), float(found.std(ddof=1) / np.sqrt(len(found))))
