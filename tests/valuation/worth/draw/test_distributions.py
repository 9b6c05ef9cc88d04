"""Distributions beside those of OpenTURNS, and by their known moments."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from valuation.worth.draw.distributions import (
    Discrete,
    Fixed,
    ImpossibleDistribution,
    Lognormal,
    Normal,
    Pert,
    Triangular,
    Uniform,
)

SHARES = np.linspace(0.0005, 0.9995, 1_999)
EVENLY = (np.arange(200_000) + 0.5) / 200_000


@pytest.fixture(scope="module")
def ot():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import openturns

        return openturns


def judged(distribution):
    return np.array([distribution.computeQuantile(share)[0] for share in SHARES])


def test_quantiles_are_those_of_openturns(ot):
    # PERT of 2, 3, 10 is the beta of 1 + 4/8 and 1 + 28/8 over 2 to 10.
    truncated = ot.TruncatedDistribution(ot.Normal(310.0, 60.0), 250.0, 400.0)
    pairs = [
        (Uniform(-1, 4), ot.Uniform(-1.0, 4.0)),
        (Triangular(1, 1.5, 5), ot.Triangular(1.0, 1.5, 5.0)),
        (Pert(2, 3, 10), ot.Beta(1.5, 4.5, 2.0, 10.0)),
        (Normal(310, 60), ot.Normal(310.0, 60.0)),
        (Normal(310, 60, 250, 400), truncated),
    ]
    for ours, theirs in pairs:
        np.testing.assert_allclose(ours.at(SHARES), judged(theirs), rtol=2e-6, err_msg=repr(ours))


def test_nine_in_ten_lognormal_values_lie_between_its_two_figures(ot):
    low, high = Lognormal(20, 500).at(np.array([0.05, 0.95]))

    assert (low, high) == (pytest.approx(20), pytest.approx(500))
    # ln 20 and ln 500 are 1.6449 deviations from the middle.
    theirs = ot.LogNormal(float(np.log(20 * 500) / 2), float(np.log(25) / 2 / 1.6448536269514722))
    np.testing.assert_allclose(Lognormal(20, 500).at(SHARES), judged(theirs), rtol=1e-9)


@pytest.mark.parametrize(
    ("distribution", "mean", "variance"),
    [
        # (2 + 4·3 + 10)/6 = 4; (4 − 2)(10 − 4)/7 = 12/7.
        (Pert(2, 3, 10), 4, 12 / 7),
        # (1 + 1.5 + 5)/3 = 2.5; (1 + 2.25 + 25 − 1.5 − 5 − 7.5)/18 = 14.25/18.
        (Triangular(1, 1.5, 5), 2.5, 14.25 / 18),
        (Triangular(1, 1, 4), 2, 0.5),
        (Uniform(0, 6), 3, 3),
        (Discrete((10, 0), (1, 3)), 2.5, 18.75),
        (Fixed(7), 7, 0),
    ],
)
def test_moments_are_those_worked_out_by_hand(distribution, mean, variance):
    values = distribution.at(EVENLY)

    assert values.mean() == pytest.approx(mean, rel=1e-4)
    assert values.var() == pytest.approx(variance, rel=1e-3)


figures = st.floats(-1e6, 1e6)


@given(st.lists(figures, min_size=3, max_size=3, unique=True).map(sorted))
def test_values_lie_within_the_bounds_and_rise_with_their_share(bounds):
    low, _, high = bounds
    for distribution in (Uniform(low, high), Triangular(*bounds), Pert(*bounds)):
        values = distribution.at(SHARES)
        slack = 1e-9 * (abs(low) + abs(high))
        assert values.min() >= low - slack
        assert values.max() <= high + slack
        assert (np.diff(values) >= -slack).all()


def test_discrete_values_come_as_often_as_their_probability():
    values = Discrete((5, 1, 3), (0.5, 0.25, 0.25)).at(EVENLY)

    assert [np.mean(values == value) for value in (1, 3, 5)] == [0.25, 0.25, 0.5]


@pytest.mark.parametrize(
    "impossible",
    [
        lambda: Uniform(2, 2),
        lambda: Triangular(1, 5, 4),
        lambda: Pert(4, 3, 9),
        lambda: Normal(0, 0),
        lambda: Normal(0, 1, 3, 2),
        lambda: Normal(0, 1, 20, 30),
        lambda: Lognormal(0, 5),
        lambda: Lognormal(5, 5),
        lambda: Discrete((), ()),
        lambda: Discrete((1, 2), (1,)),
        lambda: Discrete((1, 2), (0, 0)),
        lambda: Discrete((1, 2), (2, -1)),
        lambda: Fixed(float("nan")),
        lambda: Uniform(0, float("inf")),
    ],
)
def test_figures_that_contradict_each_other_are_refused(impossible):
    with pytest.raises(ImpossibleDistribution):
        impossible()
