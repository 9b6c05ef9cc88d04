"""Escalators: what a rate card's amounts have risen to, stepping with rating periods."""

from datetime import date
from decimal import Decimal as D

import pytest

from licensing.agreements import agreements, amendments
from licensing.agreements.rates.escalators import (
    IndexFigureMissing,
    in_words,
    refuse_unsteady,
    rises_on,
    steps_by,
)
from licensing.agreements.rates.price_terms import terms_of
from licensing.agreements.rates.rate_cards import CardIncomplete
from licensing.agreements.rates.terms_digest import digests_of_terms
from licensing.models import Agreement, Escalator, IndexFigure, PriceIndex, RateCard, RateLine
from licensing.pricing import price, sum_of

JULY, NEW_YEAR = date(2026, 7, 1), date(2027, 1, 1)


@pytest.fixture
def card(agreement):
    card = RateCard.objects.create(agreement=agreement, effective_from=JULY)
    RateLine.objects.create(
        card=card, code="w", label="Words", meter="words", pricing="per_unit",
        unit_price=D("0.10"), minimum=D(50),
    )  # fmt: skip
    return card


def escalator(card, **fields):
    given = {"raises": ["prices"], "first_on": NEW_YEAR, "every": "year"}
    if "index" not in fields:
        given["percent"] = D(3)
    return Escalator.objects.create(card=card, **{**given, **fields})


@pytest.fixture
def index():
    index = PriceIndex.objects.create(name="Consumer prices", source="An office")
    for month_on, figure in [("2026-06-01", "120"), ("2026-11-01", "123"), ("2027-11-01", "125")]:
        IndexFigure.objects.create(index=index, month_on=month_on, figure=D(figure))
    return index


@pytest.mark.parametrize(
    ("every", "day", "steps"),
    [
        ("year", date(2026, 12, 31), 0),
        ("year", NEW_YEAR, 1),
        ("year", date(2027, 12, 31), 1),
        ("year", date(2028, 1, 1), 2),
        ("quarter", date(2027, 4, 1), 2),
        ("", date(2199, 1, 1), 1),
        ("year", date(9999, 12, 31), 7973),
    ],
)
def test_it_steps_on_its_first_day_and_after_each_period(every, day, steps):
    assert steps_by(Escalator(first_on=NEW_YEAR, every=every), day) == steps


def test_steps_compound_in_full_and_money_is_rounded_once(card):
    escalator(card)
    day = date(2029, 1, 1)

    rises = rises_on(card, day)
    priced = price(terms_of(card.lines.get(), "EUR", rises=rises), D(1000))

    # 0.10 × 1.03³ = 0.1092727 a word; rounded each year it would have been 0.11.
    assert rises.prices.times == D("1.092727")
    assert rises.prices.name == "+3 % each year from January 2027, 3 steps"
    assert priced.gross == D("109.27")
    assert sum_of(priced.lines) == priced.gross


def test_it_raises_what_it_names_and_nothing_else(card):
    escalator(card, raises=["bounds"], percent=D(10))

    terms = terms_of(card.lines.get(), "EUR", rises=rises_on(card, NEW_YEAR))

    # 100 words cost 10.00; the minimum of 50 has become 55.
    top_up = price(terms, D(100)).lines[-1]
    assert (top_up.amount, top_up.bound.amount) == (D("45.00"), D(55))
    assert top_up.bound.rise.name == "+10 % each year from January 2027, 1 step"


def test_several_multiply(card):
    escalator(card, percent=D(10))
    escalator(card, percent=D(-5), first_on=date(2027, 4, 1), every="")

    assert rises_on(card, date(2027, 4, 1)).prices.times == D("1.045")


def test_by_an_index_an_amount_goes_where_the_index_went(card, index):
    escalator(card, index=index, base_on=date(2026, 6, 1), months_before=2)

    assert rises_on(card, NEW_YEAR).prices.times == D("1.025")  # 123 / 120
    assert rises_on(card, date(2028, 1, 1)).prices.times == D("1.041666666666666666666667")
    with pytest.raises(IndexFigureMissing, match="Consumer prices for November 2028"):
        rises_on(card, date(2029, 1, 1))


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"first_on": JULY}, "begins before its rates have counted"),
        ({"first_on": date(2027, 2, 1)}, "would step within a rating period"),
        ({"every": "month"}, "would step within a rating period, which is a quarter"),
    ],
)
def test_one_that_would_step_within_a_rating_period_is_refused(card, fields, told):
    escalator(card, **fields)

    with pytest.raises(CardIncomplete, match=told):
        agreements.refuse_unclear(card)


def test_an_index_whose_base_is_not_entered_prices_nothing_and_is_refused(card, index):
    escalator(card, index=index, base_on=date(2026, 5, 1))

    with pytest.raises(CardIncomplete, match=r"has no base.+Consumer prices for May 2026"):
        agreements.refuse_unclear(card)


def test_a_year_that_begins_in_february_steps_in_february(card):
    Agreement.objects.update(rating_period="year", fiscal_year_start_month=2)
    card.agreement.refresh_from_db()
    one = escalator(card, first_on=date(2027, 2, 1))

    refuse_unsteady(card)
    assert in_words(one) == "+3 % each year from February 2027"


def test_what_is_approved_names_the_escalators(card, index):
    before = amendments.card_terms(card)
    assert "escalators" not in before, "Amendments from before there were any would not hold."
    escalator(card, index=index, base_on=date(2026, 6, 1))

    (told,) = amendments.card_terms(card)["escalators"]
    assert told["named"] == "as Consumer prices has since June 2026 each year from January 2027"


def test_terms_differ_by_an_escalator_and_by_a_figure_of_its_index(card, index):
    def digest():
        return digests_of_terms()[0].digest

    seen = [digest()]
    IndexFigure.objects.filter(month_on="2026-06-01").update(figure=D(121))
    assert digest() == seen[0], "Nothing follows the index yet."
    escalator(card, index=index, base_on=date(2026, 6, 1))
    seen.append(digest())
    IndexFigure.objects.filter(month_on="2026-06-01").update(figure=D(120))
    seen.append(digest())
    assert len(set(seen)) == 3
