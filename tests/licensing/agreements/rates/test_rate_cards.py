"""Rate cards: entered on one page with all that they need, and never over what was priced."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from licensing.agreements.rates import rate_cards
from licensing.models import Agreement, Bracket, RateCard, RateLine
from tests.factories import NOW, admin_page, messages_of, record_consent, sign_in, sign_on_paper
from tests.pages import form_on

TODAY = timezone.localdate()
SOON = (TODAY + timedelta(days=40)).replace(day=1)
LINE = {
    "lines-0-code": "words",
    "lines-0-label": "Words",
    "lines-0-meter": "words",
    "lines-0-pricing": "per_unit",
    "lines-0-unit_price": "2",
}
GRADUATED = {
    **LINE,
    "lines-0-pricing": "graduated",
    "lines-0-minimum": "50",
    "lines-0-territories": "FR",
    "lines-0-brackets-0-up_to": "100",
    "lines-0-brackets-0-unit_price": "2",
    "lines-0-brackets-1-unit_price": "1.5",
}


@pytest.fixture
def rated(agreement):
    """A signed agreement with rates since it began."""
    card = RateCard.objects.create(agreement=agreement, effective_from="2026-01-01")
    RateLine.objects.create(
        card=card, code="words", label="Words", meter="words", pricing="per_unit", unit_price=2
    )
    return agreement


def entered(user, agreement, starts_on, **fields):
    client, url = sign_in(user), f"{admin_page(RateCard)}?agreement={agreement.pk}"
    return client.post(url, form_on(client, url) | {"effective_from": str(starts_on)} | fields)


def test_a_card_is_entered_with_its_lines_conditions_and_brackets_on_one_page(affairs, rated):
    answer = entered(affairs, rated, SOON, **GRADUATED)

    assert answer.status_code == 302, answer.context["errors"]
    line = RateLine.objects.get(card__effective_from=SOON)
    assert (line.minimum, line.territories) == (50, ["FR"])
    tops = line.brackets.order_by("up_to").values_list("up_to", "unit_price")
    assert list(tops) == [(100, 2), (None, Decimal("1.5"))]


def test_a_bracket_is_changed_where_the_card_is(affairs, rated):
    entered(affairs, rated, SOON, **GRADUATED)
    card = RateCard.objects.get(effective_from=SOON)
    client, url = sign_in(affairs), admin_page(RateCard, card.pk)
    sent = form_on(client, url)
    assert sent["lines-0-brackets-0-up_to"] == ["100"]

    assert client.post(url, sent | {"lines-0-brackets-0-up_to": "200"}).status_code == 302
    assert Bracket.objects.filter(line__card=card, up_to=200).exists()
    refused = client.post(url, form_on(client, url) | {"lines-0-brackets-1-DELETE": "on"})
    assert "or usage above it would be free" in str(refused.context["errors"])
    gone = client.post(url, form_on(client, url) | {"lines-0-DELETE": "on"})
    assert "A card has a line at least" in str(gone.context["errors"])
    assert Bracket.objects.filter(line__card=card).count() == 2


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"lines-TOTAL_FORMS": "0"}, "A card has a line at least"),
        ({}, "This field is required"),
        ({**LINE, "lines-0-pricing": "graduated"}, "is priced by brackets and has none"),
        ({**LINE, "lines-0-pricing": "volume"}, "is priced by brackets and has none"),
        ({**GRADUATED, "lines-0-pricing": "per_unit"}, "has brackets, which per unit prices"),
        ({**GRADUATED, "lines-0-brackets-1-up_to": "900"}, "or usage above it would be free"),
    ],
)
def test_a_card_that_would_price_nothing_is_refused(affairs, rated, fields, told):
    answer = entered(affairs, rated, SOON, **fields)

    assert told in str(answer.context["errors"])
    assert RateCard.objects.count() == 1


def test_a_card_dated_back_counts_for_nothing_until_two_people_say_so(affairs, rated):
    """Case g01: posted money would be priced anew, by one person and without a word."""
    refused = entered(affairs, rated, date(2026, 8, 1))
    assert "This field is required" in str(refused.context["errors"])
    saved = entered(affairs, rated, date(2026, 8, 1), **LINE)

    told = messages_of(saved)
    assert "These rates count for nothing yet: ask for them here; somebody else approves" in told
    assert "use since 2026-08-01 would be priced anew, and the difference posted" in told
    assert [str(card.effective_from) for card in rated.rate_cards.agreed()] == ["2026-01-01"]


def test_who_made_a_card_dates_it_anew_or_takes_it_out(affairs, rated):
    entered(affairs, rated, date(2026, 8, 1), **LINE)
    card = RateCard.objects.get(effective_from="2026-08-01")
    client, url = sign_in(affairs), admin_page(RateCard, card.pk)
    anew = form_on(client, url) | {"effective_from": str(SOON)}

    assert client.post(url, anew).status_code == 302
    client.post(admin_page(RateCard, card.pk, name="delete"), {"post": "yes"})
    assert rated.rate_cards.count() == 1


def test_no_agreement_is_signed_with_rates_that_price_nothing(agreement, terms):
    record_consent(performer=agreement.twin.performer)
    Agreement.objects.filter(pk=agreement.pk).update(status="draft", signed_at=None)
    card = RateCard.objects.create(agreement=agreement, effective_from="2026-01-01")
    with pytest.raises(rate_cards.CardIncomplete):
        sign_on_paper(agreement=agreement, at=NOW, by=None)
    RateLine.objects.create(card=card, code="w", label="W", meter="words", pricing="graduated")
    with pytest.raises(rate_cards.CardIncomplete):
        sign_on_paper(agreement=agreement, at=NOW, by=None)


def test_an_agreements_page_leads_to_its_rates_and_to_new_ones(affairs, rated):
    client = sign_in(affairs)
    page = client.get(admin_page(Agreement, rated.pk))
    card = rated.rate_cards.get()

    assert admin_page(RateCard, card.pk) in page.text
    Agreement.objects.filter(pk=rated.pk).update(status="draft", signed_at=None)
    leads = client.get(admin_page(Agreement, rated.pk, name="add_rates"))
    assert leads.url == f"{admin_page(RateCard)}?agreement={rated.pk}"


class TestWhatALineSays:
    """Each figure of a line is entered where its card is, with its unit and what it comes to."""

    FIGURES = {
        **LINE,
        "lines-0-free_quantity": "100",
        "lines-0-discount_percent": "10",
        "lines-0-minimum": "50",
        "lines-0-maximum": "900",
        "lines-0-cut_period": "by_days",
    }

    def test_all_its_figures_are_entered_on_one_page(self, affairs, rated):
        answer = entered(affairs, rated, SOON, **self.FIGURES)

        assert answer.status_code == 302, answer.context["errors"]
        line = RateLine.objects.get(card__effective_from=SOON)
        assert (line.free_quantity, line.discount_percent, line.maximum, line.cut_period) == (
            100, 10, 900, "by_days",
        )  # fmt: skip

    def test_the_page_says_units_and_works_an_example(self, affairs, rated):
        entered(affairs, rated, SOON, **self.FIGURES)
        card = RateCard.objects.get(effective_from=SOON)

        page = sign_in(affairs).get(admin_page(RateCard, card.pk)).text

        money = rated.currency
        assert f"In {money}: the least a period costs, used or not." in page
        assert "In words: so much of each period costs nothing" in page
        # 900 × 2 = 1,800, less 10 % = 1,620, down to 900.
        assert "1,000 words a period cost" in page
        assert f"100 words free; 900 words × 2 = 1800 {money}; discount of 10 %" in page
        assert f"down to the maximum of 900 = -720 {money}." in page

    def test_who_approves_reads_every_figure(self, affairs, rated):
        entered(affairs, rated, SOON, **self.FIGURES, **TestEscalators.YEARLY)
        card = RateCard.objects.get(effective_from=SOON)

        page = sign_in(affairs).get(admin_page(RateCard, card.pk, name="ask_for_rates")).text

        for words in (
            rated.currency, "100 of a period free", "10 % off", "at least 50 a period",
            "at most 900 a period",
            "cut periods: by days", "+3 % each year from January 2199: prices per unit and package",
        ):  # fmt: skip
            assert words in page

    def test_a_card_that_cannot_count_yet_says_so_when_it_is_saved(self, affairs, rated):
        saved = entered(affairs, rated, SOON, **{**LINE, "lines-0-pricing": "percentage"})

        assert "It cannot count yet. “Words” is a percentage of words" in messages_of(saved)


class TestEscalators:
    YEARLY = {
        "escalators-TOTAL_FORMS": "1",
        "escalators-0-raises": ["prices"],
        "escalators-0-first_on": "2199-01-01",
        "escalators-0-every": "year",
        "escalators-0-percent": "3",
        "escalators-0-months_before": "0",
    }

    def test_they_are_entered_with_the_card_and_fixed_with_it(self, affairs, rated):
        answer = entered(affairs, rated, SOON, **LINE, **self.YEARLY)

        assert answer.status_code == 302, answer.context["errors"]
        (escalator,) = RateCard.objects.get(effective_from=SOON).escalators.all()
        assert (escalator.percent, escalator.raises) == (3, ["prices"])

    @pytest.mark.parametrize(
        ("field", "value", "told"),
        [
            ("percent", "", "An escalator has a percentage, or an index with its base month."),
            ("percent", "-100", "A step takes less than all."),
            ("first_on", "2199-01-02", "Steps and base months are first days of months."),
        ],
    )
    def test_one_that_says_nothing_is_refused(self, affairs, rated, field, value, told):
        wrong = {**self.YEARLY, f"escalators-0-{field}": value}

        answer = entered(affairs, rated, SOON, **LINE, **wrong)

        assert told in str(answer.context["errors"])

    def test_one_that_steps_within_a_period_is_said_and_not_asked_for(self, affairs, rated):
        wrong = {**self.YEARLY, "escalators-0-first_on": "2199-02-01"}

        saved = entered(affairs, rated, SOON, **LINE, **wrong)

        assert "would step within a rating period" in messages_of(saved)
