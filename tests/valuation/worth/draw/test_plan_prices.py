"""The price of planned quantities is that of the pricing code, for whole columns at once."""

from decimal import Decimal as D

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensing.pricing import PriceBracket, PriceTerms, price
from licensing.words import Pricing, RoundQuantity
from valuation.worth.draw.plan_prices import compiled

amounts = st.decimals(0, 1_000, places=4)
quantities = st.lists(st.decimals(0, 100_000, places=3), min_size=1, max_size=20)


@st.composite
def brackets(draw):
    tops = sorted(draw(st.sets(st.integers(1, 90_000), max_size=4)))
    return tuple(
        PriceBracket(top and D(top), draw(amounts), draw(amounts)) for top in (*tops, None)
    )


@st.composite
def terms(draw):
    kind = draw(st.sampled_from(list(Pricing)))
    bounds = sorted(draw(st.tuples(amounts, amounts)))
    bracketed = kind in {Pricing.GRADUATED, Pricing.VOLUME}
    return PriceTerms(
        kind,
        "USD",
        unit_price=draw(amounts),
        brackets=draw(brackets()) if bracketed or kind == Pricing.PERCENTAGE else (),
        package_size=D(draw(st.integers(1, 1_000))),
        free_quantity=D(draw(st.integers(0, 100))),
        factor=draw(st.decimals(0, 5, places=2)),
        discount=D(draw(st.integers(0, 100))),
        minimum=draw(st.sampled_from([None, bounds[0]])),
        maximum=draw(st.sampled_from([None, bounds[1] * 1_000])),
        rounding=draw(st.sampled_from([RoundQuantity.NEVER, RoundQuantity.PER_PERIOD_UP])),
        step=D(draw(st.integers(1, 60))),
    )


@given(terms=terms(), quantities=quantities)
def test_a_compiled_line_costs_what_pricing_says_before_it_is_rounded(terms, quantities):
    found = compiled(terms).of(np.array(quantities, dtype=float))

    for quantity, amount in zip(quantities, found, strict=True):
        exact = float(price(terms, quantity).exact)
        assert amount == pytest.approx(exact, rel=1e-9, abs=1e-6)


def test_a_graduated_plan_is_priced_by_hand():
    # 100 at 2.00 = 200; 50 more at 1.50 = 75, with 10 for entering: 285.
    graduated = PriceTerms(
        Pricing.GRADUATED,
        "USD",
        brackets=(PriceBracket(D(100), D(2)), PriceBracket(None, D("1.5"), D(10))),
    )

    assert compiled(graduated).of(np.array([0.0, 100.0, 150.0])).tolist() == [0.0, 200.0, 285.0]


def test_a_part_of_a_fee_is_that_of_its_days():
    # 900 a quarter of 92 days, of which 31 count: 900 × 31/92.
    fee = PriceTerms(Pricing.FLAT, "USD", unit_price=D(900), days=31, of_days=92)

    assert compiled(fee).of(np.zeros(1))[0] == pytest.approx(900 * 31 / 92)
