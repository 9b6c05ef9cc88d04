"""Sensitivity indices beside the known ones of public functions, and beside SALib's."""

import warnings

import numpy as np
import pytest
from scipy.special import ndtri

from valuation.worth.draw.sensitivity import NothingVaries, shapley_effects, sobol_indices, tornado

POINTS = 2**13
# Four standard errors, and no error is smaller than this.
ERRORS, LEAST = 4, 1e-4


def ishigami(points):
    x = -np.pi + 2 * np.pi * points
    return np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])


# V = a²/8 + bπ⁴/5 + b²π⁸/18 + 1/2 with a = 7, b = 0.1 (Ishigami and Homma 1990).
ISHIGAMI = [(0.313905, 0.557589), (0.442411, 0.442411), (0.0, 0.243684)]
A = np.array([0, 1, 4.5, 9, 99, 99, 99, 99])


def g_function(points):
    return np.prod((np.abs(4 * points - 2) + A) / (1 + A), axis=1)


def g_indices():
    """Return the exact ones: V_i = 1/(3 (1 + a_i)²) (Saltelli and Sobol 1995)."""
    parts = 1 / (3 * (1 + A) ** 2)
    variance = np.prod(1 + parts) - 1
    return [
        (part / variance, part * np.prod(1 + np.delete(parts, place)) / variance)
        for place, part in enumerate(parts)
    ]


BOREHOLE = {
    "num_vars": 8,
    "names": ["rw", "r", "Tu", "Hu", "Tl", "Hl", "L", "Kw"],
    "bounds": [[0.05, 0.15], [100, 50_000], [63_070, 115_600], [990, 1110], [63.1, 116],
               [700, 820], [1120, 1680], [9855, 12_045]],
}  # fmt: skip


def borehole(points):
    low, high = np.array(BOREHOLE["bounds"]).T
    rw, r, tu, hu, tl, hl, length, kw = (low + points * (high - low)).T
    log = np.log(r / rw)
    return 2 * np.pi * tu * (hu - hl) / (log * (1 + 2 * length * tu / (log * rw**2 * kw) + tu / tl))


def assert_agrees(estimate, share):
    assert abs(estimate.share - share) <= ERRORS * max(estimate.error, LEAST)


@pytest.mark.parametrize(("function", "known"), [(ishigami, ISHIGAMI), (g_function, g_indices())])
def test_indices_are_those_known_within_four_standard_errors(function, known):
    found = sobol_indices(function, len(known), points=POINTS, seed=7)

    for indices, (first, total) in zip(found, known, strict=True):
        assert_agrees(indices.first, first)
        assert_agrees(indices.total, total)


def test_indices_of_the_borehole_are_those_of_salib():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from SALib.analyze import sobol as analyze
        from SALib.sample import sobol as sample

        points = sample.sample({**BOREHOLE, "bounds": [[0, 1]] * 8}, 2**13, seed=1)
        theirs = analyze.analyze(BOREHOLE, borehole(points), seed=1)

    found = sobol_indices(borehole, 8, points=POINTS, seed=7)

    # SALib's intervals are of 95 %: 1.96 standard errors.
    for place, indices in enumerate(found):
        for ours, name in ((indices.first, "S1"), (indices.total, "ST")):
            error = np.hypot(max(ours.error, LEAST), theirs[f"{name}_conf"][place] / 1.96)
            assert abs(ours.share - theirs[name][place]) <= ERRORS * error


def test_shapley_effects_share_what_moves_together():
    # V = z₁ + z₂ + z₃, z₂ and z₃ correlated by ½: the variance is 1 + 3, shared 1 : 1.5 : 1.5.
    correlation = np.array([[1, 0, 0], [0, 1, 0.5], [0, 0.5, 1]])

    found = shapley_effects(
        lambda shares: ndtri(shares).sum(axis=1), correlation, orders=2_000, seed=7
    )

    for effect, share in zip(found, (0.25, 0.375, 0.375), strict=True):
        assert_agrees(effect, share)
    assert sum(effect.share for effect in found) == pytest.approx(1)


def test_shapley_effects_of_independent_inputs_lie_between_their_sobol_indices():
    found = shapley_effects(ishigami, np.eye(3), orders=3_000, seed=7)

    # Half of the interaction of the first and the third belongs to each: 0.1219.
    for effect, share in zip(found, (0.4357, 0.4424, 0.1218), strict=True):
        assert_agrees(effect, share)


def test_a_tornado_moves_one_input_at_a_time():
    # 10 u₁ − u₂: at the medians 4.5; u₁ from 0.1 to 0.9 gives 0.5 and 8.5.
    swings = tornado(lambda points: 10 * points[:, 0] - points[:, 1], 2)

    assert [(swing.at_low, swing.at_high) for swing in swings] == [
        (pytest.approx(0.5), pytest.approx(8.5)),
        (pytest.approx(4.9), pytest.approx(4.1)),
    ]
    assert swings[1].width == pytest.approx(0.8)


def test_the_same_seed_gives_the_same_indices():
    once = sobol_indices(ishigami, 3, points=256, seed=3)

    assert sobol_indices(ishigami, 3, points=256, seed=3) == once
    assert sobol_indices(ishigami, 3, points=256, seed=4) != once


def test_where_nothing_varies_nothing_is_explained():
    with pytest.raises(NothingVaries):
        sobol_indices(lambda points: np.full(len(points), 5.0), 2, points=256, seed=7)
    with pytest.raises(NothingVaries):
        shapley_effects(lambda points: np.full(len(points), 5.0), np.eye(2), orders=10, seed=7)
