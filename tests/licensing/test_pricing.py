import json
from dataclasses import replace
from decimal import Decimal as D
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensing.money import rounded
from licensing.pricing import (
    NO_RISE,
    PriceBracket,
    PriceTerms,
    Rise,
    Rises,
    UnpriceableTerms,
    event_quantity,
    period_quantity,
    price,
    price_period,
    sum_of,
)
from licensing.words import PricePart, Pricing, RoundQuantity

VECTORS = json.loads((Path(__file__).parents[1] / "valuation/vectors/rating.json").read_text())
MODELS = {
    "unit": Pricing.PER_UNIT,
    "graduated": Pricing.GRADUATED,
    "volume": Pricing.VOLUME,
    "package": Pricing.PACKAGE,
    "graduated_percentage": Pricing.PERCENTAGE,
}


def decimal(text):
    return None if text is None else D(text)


def brackets(tiers):
    return tuple(
        PriceBracket(
            decimal(tier["up_to"]), D(tier.get("unit", tier.get("rate_percent"))), D(tier["flat"])
        )
        for tier in tiers
    )


def terms_of(case):
    shape = case["price"]
    return PriceTerms(
        kind=MODELS[case["model"]],
        currency="USD",
        unit_price=D(shape.get("unit", shape.get("package_price", 0))),
        brackets=brackets(shape.get("tiers", [])),
        package_size=D(shape.get("package_size", 1)),
        free_quantity=D(shape.get("free_units", 0)),
        minimum=decimal(shape.get("minimum")),
        maximum=decimal(shape.get("maximum")),
    )


@pytest.mark.parametrize("case", VECTORS["prices"], ids=lambda case: case["id"])
def test_prices_agree_with_two_billing_engines(case):
    terms, booked = terms_of(case), D(0)

    for quantity, difference in case["phases"]:
        priced = price(terms, D(quantity))
        reached = priced.gross if "rounding" in case else priced.exact
        assert reached - booked == D(difference)
        booked = reached


@pytest.mark.parametrize("case", VECTORS["minimums"], ids=lambda case: case["id"])
def test_a_minimum_tops_up_what_was_used(case):
    cents = D("0.01")
    terms = PriceTerms(
        Pricing.PER_UNIT, "EUR", unit_price=cents, minimum=case["minimum_cents"] * cents
    )

    top_up = price(terms, D(case["used_cents"])).lines[-1]

    assert top_up.part == PricePart.MINIMUM
    assert top_up.amount == case["true_up_cents"] * cents


GRADUATED = PriceTerms(
    Pricing.GRADUATED,
    "USD",
    brackets=(
        PriceBracket(D(100), D("3.90")),
        PriceBracket(D(300), D("3.50")),
        PriceBracket(None, D("3.105")),
    ),
)


def test_a_graduated_price_says_what_each_bracket_costs():
    priced = price(GRADUATED, D(351))

    # 100 × 3.90 = 390; 200 × 3.50 = 700; 51 × 3.105 = 158.355; 1248.355, payable 1248.36.
    assert [(line.part.value, line.bracket, line.amount) for line in priced.lines] == [
        ("units", 1, D("390")),
        ("units", 2, D("700")),
        ("units", 3, D("158.355")),
        ("rounding", None, D("0.005")),
    ]
    assert priced.gross == D("1248.36")


def test_the_factor_multiplies_the_price_and_leaves_the_brackets_alone():
    priced = price(replace(GRADUATED, factor=D("7.5")), D(120))

    # 100 × 3.90 × 7.5 = 2925; 20 × 3.50 × 7.5 = 525.
    assert priced.gross == D("3450.00")
    assert [line.quantity for line in priced.lines] == [D(100), D(20)]


def test_a_flat_fee_is_multiplied_too():
    terms = PriceTerms(
        Pricing.VOLUME, "USD", brackets=(PriceBracket(None, D(2), D(10)),), factor=D("1.5")
    )

    assert price(terms, D(3)).gross == D("24.00")


def test_revenue_pays_its_percentage():
    terms = PriceTerms(Pricing.PERCENTAGE, "USD", unit_price=D("8.5"))

    assert price(terms, D("1234.56")).gross == D("104.94")


def test_a_flat_price_is_owed_for_a_silent_period():
    assert price(PriceTerms(Pricing.FLAT, "JPY", unit_price=D(25000)), D(0)).gross == D(25000)


def test_the_first_brackets_flat_fee_is_owed_at_zero_and_no_later_one():
    terms = PriceTerms(
        Pricing.GRADUATED,
        "USD",
        brackets=(PriceBracket(D(5), D(0), D(100)), PriceBracket(None, D(1), D(50))),
    )

    assert [price(terms, D(q)).gross for q in ("0", "5", "5.001")] == [100, 100, D("150.00")]


def test_free_units_come_before_the_first_package():
    terms = PriceTerms(
        Pricing.PACKAGE, "USD", unit_price=D(15), package_size=D(10), free_quantity=D(5)
    )

    assert [price(terms, D(q)).gross for q in (0, 5, 6, 15, 16)] == [0, 0, 15, 15, 30]


@pytest.mark.parametrize(
    ("currency", "gross"), [("USD", "0.33"), ("JPY", "0"), ("KWD", "0.333"), ("CLF", "0.3333")]
)
def test_money_is_rounded_at_its_currencys_precision(currency, gross):
    terms = PriceTerms(Pricing.PER_UNIT, currency, unit_price=D("0.33333"))

    assert str(price(terms, D(1)).gross) == gross


def test_long_quantities_and_prices_lose_no_digit():
    terms = PriceTerms(
        Pricing.PER_UNIT,
        "USD",
        unit_price=D("1234567890.123456789012"),
        factor=D("1.00000000001"),
    )
    quantity = D("98765432109876.123456")

    # Worked in whole numbers: 1234567890123456789012 × 98765432109876123456 × 100000000001.
    whole = 1234567890123456789012 * 98765432109876123456 * 100000000001
    assert price(terms, quantity).exact == D(f"{whole}e-29")


@pytest.mark.parametrize(
    ("mode", "step", "quantity", "counted"),
    [
        (RoundQuantity.PER_PERIOD_UP, "1", "12.01", "13"),
        (RoundQuantity.PER_PERIOD_UP, "1", "12", "12"),
        (RoundQuantity.PER_PERIOD_UP, "60", "61", "120"),
        (RoundQuantity.PER_PERIOD_NEAREST, "1", "12.5", "13"),
        (RoundQuantity.PER_PERIOD_NEAREST, "1", "12.49", "12"),
        (RoundQuantity.PER_PERIOD_NEAREST, "0.5", "12.2", "12.0"),
        (RoundQuantity.PER_PERIOD_NEAREST, "3", "1.4999999999999999999999999999999", "0"),
        (RoundQuantity.PER_EVENT_UP, "1", "12.01", "12.01"),
        (RoundQuantity.NEVER, "1", "12.01", "12.01"),
    ],
)
def test_a_periods_quantity_is_rounded_to_its_step_before_it_is_priced(
    mode, step, quantity, counted
):
    terms = PriceTerms(Pricing.PER_UNIT, "USD", unit_price=D(1), rounding=mode, step=D(step))

    assert period_quantity(D(quantity), mode, D(step)) == D(counted)
    assert price(terms, D(quantity)).exact == D(counted)


@pytest.mark.parametrize(
    ("mode", "counted"),
    [
        (RoundQuantity.PER_EVENT_UP, "13"),
        (RoundQuantity.PER_EVENT_NEAREST, "12"),
        (RoundQuantity.PER_PERIOD_UP, "12.3"),
        (RoundQuantity.NEVER, "12.3"),
    ],
)
def test_an_events_quantity_is_rounded_only_by_lines_that_round_each_event(mode, counted):
    assert event_quantity(D("12.3"), mode, D(1)) == D(counted)


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": Pricing.GRADUATED},
        {"kind": Pricing.VOLUME, "brackets": (PriceBracket(D(5), D(1)),)},
        {
            "brackets": (
                PriceBracket(D(5), D(1)),
                PriceBracket(D(5), D(2)),
                PriceBracket(None, D(3)),
            )
        },
        {"brackets": (PriceBracket(None, D(1)), PriceBracket(None, D(3)))},
        {"brackets": (PriceBracket(D(0), D(1)), PriceBracket(None, D(3)))},
        {"package_size": D(0)},
        {"step": D(0)},
        {"factor": D(-1)},
        {"minimum": D(2), "maximum": D(1)},
    ],
)
def test_terms_that_cannot_be_priced_are_refused(wrong):
    with pytest.raises(UnpriceableTerms):
        PriceTerms(**{"kind": Pricing.PERCENTAGE, "currency": "USD", **wrong})


def test_a_cumulative_quantity_below_zero_is_a_bug():
    with pytest.raises(ValueError, match="-1"):
        price(GRADUATED, D(-1))


def test_each_factor_climbs_its_own_brackets():
    priced = price_period(GRADUATED, {D(1): D(120), D("1.5"): D(120)})

    assert {factor: reading.gross for factor, reading in priced.items()} == {
        D(1): D("460.00"),  # 390 + 20 × 3.50
        D("1.5"): D("690.00"),  # the same again, times 1.5
    }


def test_the_minimum_of_a_period_is_topped_up_once_whatever_its_factors():
    terms = replace(GRADUATED, minimum=D(1000))

    priced = price_period(terms, {D("1.5"): D(10), D(2): D(10)})

    # 58.50 + 78.00 were used, so 863.50 are missing.
    assert [line.part for line in priced[D(1)].lines] == [PricePart.MINIMUM]
    assert priced[D(1)].gross == D("863.50")
    assert sum(reading.gross for reading in priced.values()) == D(1000)


def test_a_period_that_reached_its_minimum_needs_no_reading_for_it():
    priced = price_period(replace(GRADUATED, minimum=D(50)), {D("1.5"): D(10)})

    assert list(priced) == [D("1.5")]


def test_a_silent_period_owes_its_minimum_and_its_flat_fee():
    flat = PriceTerms(Pricing.FLAT, "USD", unit_price=D(500), factor=D(3))

    assert price_period(replace(GRADUATED, minimum=D(50)), {})[D(1)].gross == D(50)
    assert price_period(flat, {})[D(1)].gross == D(500)
    assert price_period(flat, {D(2): D(9)}) == price_period(flat, {})


QUANTITIES = st.decimals(0, 100_000, places=4, allow_nan=False, allow_infinity=False)
PRICES = st.decimals(0, 1_000, places=5, allow_nan=False, allow_infinity=False)
RISES = st.sampled_from([NO_RISE, Rise(D("1.0609"), "twice 3 %"), Rise(D("0.95"), "less")])
FACTORS = st.sampled_from([D(1), D("0.5"), D("1.3333"), D("7.5")])


@st.composite
def any_terms(draw, kinds=tuple(Pricing)):
    tops = draw(st.lists(QUANTITIES.filter(bool), unique=True, max_size=4))
    rows = [*sorted(tops), None]
    return PriceTerms(
        kind=draw(st.sampled_from(kinds)),
        currency=draw(st.sampled_from(["USD", "JPY", "KWD"])),
        unit_price=draw(PRICES),
        brackets=tuple(PriceBracket(top, draw(PRICES), draw(PRICES)) for top in rows),
        package_size=draw(QUANTITIES.filter(bool)),
        free_quantity=draw(QUANTITIES),
        factor=draw(FACTORS),
        discount=draw(st.sampled_from([D(0), D("12.5"), D(100)])),
        minimum=draw(st.none() | PRICES),
        days=draw(st.sampled_from([31, 92])),
        of_days=92,
        rises=Rises(*(draw(RISES) for _part in range(3))),
        rounding=draw(st.sampled_from(list(RoundQuantity))),
        step=draw(st.sampled_from([D(1), D("0.1"), D(60)])),
    )


@given(terms=any_terms(), quantity=QUANTITIES)
def test_the_lines_add_up_to_the_gross_and_say_how(terms, quantity):
    priced = price(terms, quantity)

    assert sum_of(priced.lines) == priced.gross
    assert sum(line.part == PricePart.ROUNDING for line in priced.lines) <= 1
    for line in priced.lines:
        in_full = line.quantity * line.unit_price * line.factor * line.rise.times / line.divisor
        assert abs(line.amount - in_full) < D("1E-9"), "An accountant gets the same."


@given(terms=any_terms(), quantity=QUANTITIES)
def test_money_is_rounded_once_by_no_more_than_half_a_unit(terms, quantity):
    half = {"USD": D("0.005"), "JPY": D("0.5"), "KWD": D("0.0005")}[terms.currency]

    priced = price(terms, quantity)

    assert abs(priced.gross - priced.exact) <= half


@given(terms=any_terms(), steps=st.lists(QUANTITIES, min_size=1, max_size=5))
def test_posting_differences_night_by_night_ends_where_one_night_would(terms, steps):
    posted = reached = D(0)
    for step in steps:
        reached += step
        posted += price(terms, reached).gross - posted

    assert posted == price(terms, reached).gross
    assert price(terms, reached).gross - posted == 0


@given(
    terms=any_terms((Pricing.PER_UNIT, Pricing.GRADUATED, Pricing.PACKAGE, Pricing.PERCENTAGE)),
    one=QUANTITIES,
    other=QUANTITIES,
)
def test_more_use_never_costs_less(terms, one, other):
    less, more = sorted([one, other])

    assert price(terms, less).gross <= price(terms, more).gross


@given(
    terms=any_terms(tuple(kind for kind in Pricing if kind != Pricing.FLAT)),
    quantities=st.dictionaries(FACTORS, QUANTITIES, max_size=4),
)
def test_a_periods_readings_reach_its_minimum_together(terms, quantities):
    priced = price_period(terms, quantities)

    assert set(quantities) <= set(priced) <= {*quantities, D(1)}
    if terms.minimum is not None:
        gross = sum(reading.gross for reading in priced.values())
        part = terms.minimum * terms.rises.bounds.times * terms.days / terms.of_days
        assert gross >= rounded(part, terms.currency)
