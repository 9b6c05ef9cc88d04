from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensing.money import (
    MixedCurrencies,
    Money,
    NothingToSplitBy,
    NotPayable,
    UnknownCurrency,
    allocate,
    rounded,
    smallest_unit,
)

CENTS = st.integers(-(10**12), 10**12).map(lambda cents: D(cents).scaleb(-2))
WEIGHTS = st.lists(
    st.decimals(0, 1000, places=3, allow_nan=False, allow_infinity=False), min_size=1, max_size=8
).filter(any)


@pytest.mark.parametrize(
    ("currency", "unit"),
    [("USD", "0.01"), ("EUR", "0.01"), ("JPY", "1"), ("KRW", "1"), ("KWD", "0.001")],
)
def test_the_smallest_unit_is_the_currencys_own(currency, unit):
    assert smallest_unit(currency) == D(unit)


@pytest.mark.parametrize("currency", ["", "usd", "US", "ABC", "XAU", "XXX", "XTS"])
def test_what_is_no_money_is_refused_by_name(currency):
    with pytest.raises(UnknownCurrency, match=f"“{currency}”"):
        smallest_unit(currency)


@pytest.mark.parametrize(
    ("amount", "currency", "expected"),
    [
        ("0.005", "USD", "0.01"),
        ("0.015", "USD", "0.02"),
        ("0.0049999", "USD", "0.00"),
        ("-0.005", "USD", "-0.01"),
        ("2.5", "JPY", "3"),
        ("0.0005", "KWD", "0.001"),
        ("123456789012345678901234567890.125", "USD", "123456789012345678901234567890.13"),
    ],
)
def test_halves_are_rounded_away_from_zero(amount, currency, expected):
    result = rounded(D(amount), currency)

    assert str(result) == expected


@pytest.mark.parametrize(
    ("amount", "weights", "currency", "parts"),
    [
        ("10.00", ["1", "2"], "USD", ["3.33", "6.67"]),
        ("0.01", ["1", "1", "1"], "USD", ["0.01", "0.00", "0.00"]),
        ("-0.01", ["1", "1", "1"], "USD", ["-0.01", "0.00", "0.00"]),
        ("100", ["1", "1", "1"], "JPY", ["34", "33", "33"]),
        ("-10.00", ["1", "2"], "USD", ["-3.33", "-6.67"]),
        ("0.05", ["0", "0.3", "0.7", "0"], "USD", ["0.00", "0.02", "0.03", "0.00"]),
        ("7.00", ["5"], "USD", ["7.00"]),
        ("0.00", ["1", "1"], "USD", ["0.00", "0.00"]),
    ],
)
def test_parts_add_up_to_the_whole(amount, weights, currency, parts):
    result = allocate(D(amount), [D(weight) for weight in weights], currency)

    assert [str(part) for part in result] == parts
    assert sum(result) == D(amount)


@given(amount=CENTS, weights=WEIGHTS)
def test_every_split_conserves_the_total_and_strays_by_less_than_a_unit(amount, weights):
    parts = allocate(amount, weights, "USD")

    assert sum(parts) == amount
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - amount * weight / sum(weights)) < D("0.0100001")
        assert weight or part == 0


@given(amount=CENTS, weights=WEIGHTS)
def test_a_reversal_splits_into_the_reversed_parts(amount, weights):
    back = [-part for part in allocate(-amount, weights, "USD")]

    assert back == allocate(amount, weights, "USD")


@pytest.mark.parametrize("weights", [[], [D(0)], [D(0), D(0)], [D(2), D(-1)]])
def test_a_split_by_nothing_is_refused(weights):
    with pytest.raises(NothingToSplitBy):
        allocate(D("1.00"), weights, "USD")


def test_an_amount_finer_than_its_currency_is_not_split():
    with pytest.raises(NotPayable, match=r"0\.005 USD"):
        allocate(D("0.005"), [D(1)], "USD")


def test_money_of_one_currency_adds_and_subtracts():
    assert Money(D("1.10"), "USD") + Money(D("2.00"), "USD") == Money(D("3.10"), "USD")
    assert Money(D("1.10"), "USD") - Money(D("2.00"), "USD") == Money(D("-0.90"), "USD")


def test_money_of_two_currencies_does_not_mix():
    with pytest.raises(MixedCurrencies, match=r"1 USD and 1 EUR"):
        Money(D(1), "USD") + Money(D(1), "EUR")
    with pytest.raises(MixedCurrencies):
        Money(D(1), "USD") - Money(D(1), "EUR")
