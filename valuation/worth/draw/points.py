"""Draws: points that fill the unit cube evenly, and shares of inputs that move together.

Points are a Sobol sequence with Owen's scrambling (Owen 1998), seeded: the same seed gives the same
points. Correlation is a Gaussian copula: shares become normal deviates, those are mixed by
the Cholesky factor of the correlation matrix, and become shares again.
"""

from collections.abc import Iterator

import numpy as np
from scipy.special import ndtr, ndtri
from scipy.stats import qmc

from talent.errors import Refused
from valuation.worth.draw.distributions import Draws

# A block of 64 thousand points of twenty inputs is 10 MB.
BLOCK = 2**16
MOST_DRAWS = 2**20
MOST_INPUTS = 500
SYMMETRIC_TO = 1e-12


class BadDraws(Refused):
    """A number of draws or inputs is out of its bounds, or a correlation matrix is none."""

    code = "bad_draws"


def blocks(inputs: int, draws: int, seed: int) -> Iterator[Draws]:
    """Yield points of the unit cube, (rows, inputs) and together `draws` rows. Raises BadDraws.

    `draws` is a power of two: only then is every part of a Sobol sequence filled evenly.
    """
    if not 0 < inputs <= MOST_INPUTS or not 0 < draws <= MOST_DRAWS or draws & (draws - 1):
        raise BadDraws(
            f"Draws are a power of two up to {MOST_DRAWS:,}, of at most {MOST_INPUTS} inputs."
        )
    sequence = qmc.Sobol(inputs, scramble=True, rng=np.random.default_rng(seed))
    for _ in range(0, draws, BLOCK):
        yield inside(sequence.random(min(draws, BLOCK)))


def inside(points: Draws) -> Draws:
    """Keep points off the faces of the cube, where a normal deviate is infinite."""
    return np.clip(points, np.finfo(float).tiny, 1 - np.finfo(float).epsneg)


def factor_of(correlation: Draws) -> Draws:
    """Return the Cholesky factor of a correlation matrix. Raises BadDraws if it is none."""
    square = correlation.ndim == 2 and correlation.shape[0] == correlation.shape[1]
    if not square or np.abs(correlation - correlation.T).max() > SYMMETRIC_TO:
        raise BadDraws("A correlation matrix is symmetric.")
    if np.abs(np.diag(correlation) - 1).max() > SYMMETRIC_TO:
        raise BadDraws("Every input is correlated with itself by 1.")
    try:
        return np.asarray(np.linalg.cholesky(correlation), dtype=np.float64)
    except np.linalg.LinAlgError:
        raise BadDraws(
            "These correlations contradict each other: no inputs can move together like this."
        ) from None


def move_together(points: Draws, factor: Draws) -> Draws:
    """Return shares of inputs that are correlated by the matrix of this Cholesky factor."""
    return inside(ndtr(ndtri(points) @ factor.T))
