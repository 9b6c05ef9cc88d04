"""Specimens: what a rate card cannot price is refused before it counts, by the line's name."""

from datetime import date
from decimal import Decimal as D

import pytest

from licensing.agreements import agreements
from licensing.agreements.rates.rate_cards import CardIncomplete
from licensing.agreements.rates.specimens import quantities_to_try
from licensing.models import Agreement, Bracket, Multiplier, RateCard, RateLine
from licensing.pricing import PriceBracket, PriceTerms
from licensing.words import Pricing


@pytest.fixture
def card(agreement):
    return RateCard.objects.create(agreement=agreement, effective_from=date(2026, 1, 1))


def line(card, *brackets, **fields):
    given = {"code": "line", "label": "Dubbed lines", "meter": "lines", "unit_price": 2}
    kind = {"pricing": "graduated" if brackets else "per_unit"}
    row = RateLine.objects.create(card=card, **{**given, **kind, **fields})
    for up_to, unit_price in brackets:
        Bracket.objects.create(line=row, up_to=up_to, unit_price=unit_price)


def refused(card):
    with pytest.raises(CardIncomplete) as refusal:
        agreements.refuse_unclear(card)
    return str(refusal.value)


def test_a_price_is_tried_at_and_around_each_edge():
    brackets = (PriceBracket(D(100), D(2)), PriceBracket(None, D(1)))
    terms = PriceTerms(Pricing.GRADUATED, "EUR", brackets=brackets, free_quantity=D(10))

    assert quantities_to_try(terms) == [
        D(0), D(1), D("9.999999"), D(10), D("10.000001"),
        D("109.999999"), D(110), D("110.000001"), D(10) ** 13,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"pricing": "flat", "free_quantity": 5}, "is a flat fee, which has no quantity"),
        ({"pricing": "flat", "round_quantity": "per_event_up"}, "is a flat fee"),
        ({"pricing": "percentage"}, "is a percentage of lines: only revenue has one"),
        ({"territories": ["Frankreich"]}, "names a territory that there is not: Frankreich"),
        ({"languages": ["klingonisch?"]}, "names a language that there is not"),
    ],
)
def test_a_line_that_says_what_its_price_has_no_use_for_is_refused(card, fields, told):
    line(card, **fields)

    assert f"“Dubbed lines” {told}" in refused(card)


def test_brackets_in_the_wrong_places_are_refused_by_name(card):
    line(card, (100, 2), (None, 1))
    agreements.refuse_unclear(card)

    Bracket.objects.filter(up_to=None).update(up_to=200)
    assert "One bracket of “Dubbed lines”, the last, has no end" in refused(card)


def test_a_currency_that_nobody_is_paid_in_is_found_now(card):
    line(card)
    Agreement.objects.update(currency="XAU")
    card.agreement.refresh_from_db()

    assert "“Dubbed lines” cannot be priced. “XAU” is not a currency" in refused(card)


@pytest.mark.parametrize(
    ("dimension", "value"),
    [("real_time", "maybe"), ("exclusivity", "ja"), ("territory", "Paris"), ("language", "??")],
)
def test_a_multiplier_that_no_use_could_meet_is_refused(card, dimension, value):
    line(card)
    Multiplier.objects.create(card=card, dimension=dimension, value=value, factor=2)

    assert f"names “{value}”, which no use has" in refused(card)


def test_multipliers_that_come_to_a_factor_that_no_reading_keeps_are_refused(card):
    line(card)
    Multiplier.objects.create(card=card, dimension="territory", value="FR", factor=D("1.33333"))
    agreements.refuse_unclear(card)
    Multiplier.objects.create(card=card, dimension="language", value="fr", factor=D("1.0001"))

    assert "a factor of more than 8 decimal places" in refused(card)
