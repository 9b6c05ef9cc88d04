"""The price of planned quantities is that of the pricing code, for whole columns at once."""

from dataclasses import replace
from decimal import Decimal as D

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from licensing.pricing import PriceBracket, PriceTerms, Rise, Rises, price_period
from licensing.words import Pricing, RoundQuantity
from valuation.cash.waterfall import true_up
from valuation.worth.draw.plan_prices import compiled
from valuation.worth.draw.planned_lines import (
    PlannedLine,
    PlannedPeriod,
    PlannedUse,
    PricedAmount,
    Product,
    ToppedUp,
)

amounts = st.decimals(0, 1_000, places=4)
factors = st.decimals(0, 5, places=2)
risen = st.decimals("0.1", 4, places=6).map(lambda times: Rise(times, "a step"))
days = st.sampled_from([{}, {"days": 31, "of_days": 92}, {"days": 0, "of_days": 30}])
# Of so many months each part is a finite decimal.
MONTHS = st.sampled_from([1, 2, 4, 5, 8])
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
        discount=D(draw(st.integers(0, 100))),
        minimum=draw(st.sampled_from([None, bounds[0]])),
        maximum=draw(st.sampled_from([None, bounds[1] * 1_000])),
        rounding=draw(st.sampled_from([RoundQuantity.NEVER, RoundQuantity.PER_PERIOD_UP])),
        step=D(draw(st.integers(1, 60))),
        **draw(days),
        rises=Rises(*draw(st.tuples(risen, risen, risen))),
    )


@given(terms=terms(), quantities=quantities, factor=factors)
def test_a_compiled_line_costs_what_pricing_says_before_it_is_rounded(terms, quantities, factor):
    """With what escalators made of it, at any multiplier, for whole periods and cut ones."""
    found = compiled(terms).of({factor: np.array(quantities, dtype=float)})

    for place, quantity in enumerate(quantities):
        exact = sum(one.exact for one in price_period(terms, {factor: quantity}).values())
        amount = sum(float(np.broadcast_to(one, len(quantities))[place]) for one in found.values())
        # A reading of another factor is rounded before the minimum tops it up.
        assert amount == pytest.approx(float(exact), rel=1e-9, abs=1e-6 if factor == 1 else 0.006)


@given(
    terms=terms(),
    uses=st.dictionaries(factors, st.decimals(0, 10_000, places=3), min_size=1, max_size=3),
    elsewhere=st.decimals(0, 5_000, places=2),
)
def test_uses_of_several_multipliers_share_what_a_period_has_once(terms, uses, elsewhere):
    """Its free quantity, minimum and maximum; each reading is rounded, so cents may differ."""
    found = compiled(terms).of(
        {factor: np.array([float(quantity)]) for factor, quantity in uses.items()},
        elsewhere=float(elsewhere),
    )

    priced = price_period(terms, uses, elsewhere)
    for factor in {*found, *priced}:
        exact = float(priced[factor].exact) if factor in priced else 0.0
        amount = float(found.get(factor, np.zeros(1))[0])
        assert amount == pytest.approx(exact, rel=1e-9, abs=0.02)


@given(
    terms=terms(),
    plans=st.lists(
        st.tuples(st.decimals(0, 10_000, places=2), st.integers(0, 9), MONTHS, factors),
        min_size=1,
        max_size=3,
    ),
    window=st.tuples(st.integers(0, 14), st.integers(0, 14)).map(sorted),
    promised=amounts,
    earned=amounts,
)
@settings(max_examples=60)
def test_items_of_one_line_cost_what_its_quarters_do_and_a_guarantee_tops_them_up(
    terms, plans, window, promised, earned
):
    """Quarters are priced month by month, as nights do: by what is used by its end."""
    line = PlannedLine(
        tuple(PlannedPeriod(at, at + 3, compiled(terms), of=at) for at in range(0, 18, 3)),
        {place: PlannedUse(begins, months, factor)
         for place, (_, begins, months, factor) in enumerate(plans)},
    )  # fmt: skip
    products = {place: Product(float(quantity)) for place, (quantity, *_) in enumerate(plans)}
    items = tuple(PricedAmount(line, place, products, Product(1.0)) for place in products)
    topped_up = ToppedUp(float(promised), float(earned), *window, items)

    in_all = sum(float(item.of({})[0]) for item in items)
    assert in_all == pytest.approx(float(_by_nights(terms, plans, 18)), rel=1e-9, abs=0.2)
    used = _by_nights(terms, plans, window[1]) - _by_nights(terms, plans, window[0])
    assert float(topped_up.of({})[0]) == pytest.approx(
        float(true_up(promised, earned + used)), rel=1e-9, abs=0.2
    )


def _by_nights(terms, plans, until):
    """Price each quarter by what is used of it before a month; a minimum is owed at its end."""
    sum_ = D(0)
    for begins in range(0, until, 3):
        ends = min(begins + 3, until)
        used = {}
        for quantity, first, months, factor in plans:
            part = max(0, min(ends, first + months) - max(begins, first))
            if part:
                used[factor] = used.get(factor, D(0)) + quantity * part / months
        if used:
            owed = terms if ends == begins + 3 else replace(terms, minimum=None)
            sum_ += sum(one.exact for one in price_period(owed, used).values())
    return sum_


def test_a_graduated_plan_is_priced_by_hand():
    # 100 at 2.00 = 200; 50 more at 1.50 = 75, with 10 for entering: 285; a step of 10 % later
    # prices are 313.5, of which the fee does not rise: 312.5. At 1.2 all of it is 375.
    graduated = PriceTerms(
        Pricing.GRADUATED,
        "USD",
        brackets=(PriceBracket(D(100), D(2)), PriceBracket(None, D("1.5"), D(10))),
    )
    risen = replace(graduated, rises=Rises(prices=Rise(D("1.1"), "+10 %")))

    assert compiled(graduated).of({D(1): np.array([0.0, 100.0, 150.0])})[D(1)].tolist() == [
        0.0, 200.0, 285.0,
    ]  # fmt: skip
    assert compiled(risen).of({D("1.2"): np.array([150.0])})[D("1.2")][0] == pytest.approx(375)


def test_a_part_of_a_fee_is_that_of_its_days():
    # 900 a quarter of 92 days, of which 31 count: 900 × 31/92.
    fee = PriceTerms(Pricing.FLAT, "USD", unit_price=D(900), days=31, of_days=92)

    assert compiled(fee).of({})[D(1)][0] == pytest.approx(900 * 31 / 92)


def test_a_minimum_is_owed_once_its_quarter_is_over():
    # 30 a month at 1.00; the quarter owes 300. Of a guarantee of 100 for its first month 70 are
    # missing, of one for the whole quarter nothing.
    least = PriceTerms(Pricing.PER_UNIT, "USD", unit_price=D(1), minimum=D(300))
    line = PlannedLine((PlannedPeriod(0, 3, compiled(least), of=0),), {0: PlannedUse(0, 3)})
    items = (PricedAmount(line, 0, {0: Product(90.0)}, Product(1.0)),)

    assert ToppedUp(100.0, 0.0, 0, 1, items).of({}) == pytest.approx(70)
    assert ToppedUp(100.0, 0.0, 0, 3, items).of({}) == 0
    assert items[0].of({}) == pytest.approx(300)
