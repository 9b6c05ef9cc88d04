"""Break-even: for a studio and for an independent."""

from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from valuation.worth.advice.break_even import (
    BadBudget,
    Buyer,
    Capital,
    bifurcation,
    break_even,
    smallest_budget,
)

CAPITAL = Capital(once=D(1_000_000), a_title=D(60_000), an_hour=D(2_500), saved_share=D("0.02"))


def test_a_studio_breaks_even_and_an_independent_never_does():
    studio = break_even(CAPITAL, Buyer("Studio", D(50_000_000), D(2)))
    independent = break_even(CAPITAL, Buyer("Independent", D(2_000_000), D(2)))

    # 2 % of 50 M is 1 M, less 60,000 and 2 × 2,500: 935,000 a title; 1,000,000 / 935,000 → 2.
    assert (studio.gain_a_title, studio.titles) == (935_000, 2)
    assert round(studio.hours, 4) == D("2.1390")
    # 2 % of 2 M is 40,000: each title costs 25,000 more than it saves.
    assert (independent.gain_a_title, independent.titles) == (-25_000, None)
    # 2 % of 3.25 M is 65,000, just what a title costs: what gains nothing never pays, either.
    assert break_even(CAPITAL, Buyer("Even", D(3_250_000), D(2))).titles is None
    # Two titles: (500,000 + 60,000 + 5,000) / 2 %.
    assert smallest_budget(CAPITAL, D(2), 2) == 28_250_000


@given(
    once=st.integers(1, 10**7), a_title=st.integers(0, 10**5), share=st.integers(1, 100),
    titles=st.integers(1, 50),
)  # fmt: skip
def test_at_the_smallest_budget_a_twin_pays_for_itself_after_just_so_many_titles(
    once, a_title, share, titles
):
    capital = Capital(D(once), D(a_title), D(0), D(share) / 100)
    least = smallest_budget(capital, D(0), titles)

    (at,) = bifurcation(capital, D(0), [least * (1 + D("1e-12"))])
    (below,) = bifurcation(capital, D(0), [least * D("0.999")])
    assert at.titles <= titles
    assert below.titles is None or below.titles >= titles


def test_what_saves_nothing_never_pays_and_a_bad_budget_is_refused():
    assert smallest_budget(Capital(D(1), D(0), D(0), D(0)), D(1), 1) is None
    with pytest.raises(BadBudget):
        Capital(D(-1), D(0), D(0), D(0))
    with pytest.raises(BadBudget):
        smallest_budget(CAPITAL, D(1), 0)
