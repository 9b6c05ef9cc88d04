"""Explained: each line of a price says how it came about, and an accountant gets the same."""

from dataclasses import replace
from decimal import Decimal as D

import pytest

from licensing.agreements.rates.explained import as_json, example, factors_in_words, in_words
from licensing.models import Bracket, RateCard, RateLine
from licensing.pricing import PriceBracket, PriceTerms, Rise, Rises, price, price_period
from licensing.words import Pricing

BRACKETS = (PriceBracket(D(100), D("3.90"), D(25)), PriceBracket(None, D("3.50")))
GRADUATED = PriceTerms(Pricing.GRADUATED, "EUR", brackets=BRACKETS)


def told(terms, quantity, factors=""):
    return [
        in_words(as_json(line), meter="lines", currency="EUR", locale="en", factors=factors)
        for line in price(terms, D(quantity)).lines
    ]


def test_each_bracket_says_its_quantity_and_price():
    # 25 + 390 + 20.333 × 3.50 = 71.1655; 486.1655 are payable as 486.17.
    assert told(GRADUATED, "120.333") == [
        "bracket 1: fee of 25 = 25 EUR",
        "bracket 1: 100 lines × 3.9 = 390 EUR",
        "bracket 2: 20.333 lines × 3.5 = 71.1655 EUR",
        "rounded = 0.0045 EUR",
    ]


def test_a_factor_a_discount_and_an_escalator_are_named():
    terms = PriceTerms(
        Pricing.PER_UNIT,
        "EUR",
        unit_price=D("0.10"),
        factor=D("1.5"),
        discount=D(10),
        rises=Rises(prices=Rise(D("1.0609"), "+3 % a year")),
    )
    named = factors_in_words([[["territory", "JP", "1.5"]]], "en")

    # 1,000 × 0.10 × 1.5 × 1.0609 = 159.135; less 15.9135 is 143.2215.
    assert told(terms, "1000", named) == [
        "1,000 lines × 0.1 × 1.5 (Territory Japan × 1.5) × 1.0609 (+3 % a year) = 159.135 EUR",
        "discount of 10 % on 159.135 = -15.9135 EUR",
        "rounded = -0.0015 EUR",
    ]


def test_a_top_up_says_to_which_part_of_the_minimum_and_what_counts_elsewhere():
    terms = PriceTerms(
        Pricing.PER_UNIT, "EUR", unit_price=D(2), minimum=D(900), days=31, of_days=92
    )
    used = price_period(terms, {D("1.5"): D(10)})

    # 900 × 31/92 = 303.26; 10 × 2 × 1.5 = 30 were charged at the other factor.
    (line,) = used[D(1)].lines
    words = in_words(as_json(line), meter="lines", currency="EUR", locale="en")
    assert words == (
        "up to the minimum of 303.26 for 31 of 92 days, of which 30 is charged elsewhere"
        " = 273.26 EUR"
    )


@pytest.mark.parametrize(
    ("terms", "quantity", "words"),
    [
        ({"kind": Pricing.PACKAGE, "unit_price": D(15), "package_size": D(10)}, "11",
         "2 packages × 15 = 30 EUR"),
        ({"kind": Pricing.FLAT, "unit_price": D(900), "days": 31, "of_days": 92}, "0",
         "flat fee of 900 × 31 of 92 days = 303.260869565217 EUR"),
        ({"kind": Pricing.PERCENTAGE, "unit_price": D("8.5")}, "200",
         "8.5 % of revenue of 200 = 17 EUR"),
    ],
)  # fmt: skip
def test_each_kind_of_price_has_its_words(terms, quantity, words):
    assert told(PriceTerms(currency="EUR", **terms), quantity)[0] == words


def test_lines_kept_from_before_bounds_were_named_are_still_told():
    terms = replace(GRADUATED, minimum=D(1000))
    old = as_json(price(terms, D(0)).lines[-1])
    del old["bound"]

    words = in_words(old, meter="lines", currency="EUR", locale="en")
    assert words == "up to the minimum = 975 EUR"


def test_two_ways_to_one_factor_are_both_named():
    ways = [[["territory", "FR", "1.5"]], [["language", "ja", "1.5"], ["real_time", "yes", "1"]]]

    assert factors_in_words(ways, "en") == (
        "Territory France × 1.5 or Language Japanese × 1.5, Real-time generation × 1"
    )


def test_a_worked_example_reaches_past_what_is_free_and_into_the_last_bracket(agreement):
    card = RateCard.objects.create(agreement=agreement, effective_from="2026-01-01")
    words = RateLine.objects.create(
        card=card, code="w", label="Words", meter="words", pricing="graduated", free_quantity=50
    )
    Bracket.objects.create(line=words, up_to=500, unit_price=D("0.10"))
    Bracket.objects.create(line=words, unit_price=D("0.02"))

    assert example(words, "EUR", "en") == (
        "1,000 words a period cost €59.00: 50 words free; bracket 1: 500 words × 0.1 = 50 EUR; "
        "bracket 2: 450 words × 0.02 = 9 EUR."
    )
