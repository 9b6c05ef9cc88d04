from datetime import UTC, date, datetime
from decimal import Decimal as D

import pytest

from talent import locales


@pytest.mark.parametrize(
    ("value", "currency", "locale", "written"),
    [
        ("1234.5", "USD", "en-US", "1,234.50"),
        ("-1234.5", "USD", "en-US", "−1,234.50"),
        ("-1234.5", "EUR", "de-DE", "−1.234,50"),
        ("1234567", "JPY", "en-US", "1,234,567"),
        ("0", "KWD", "en-GB", "0.000"),
        ("98765432109876543.21", "USD", "en-US", "98,765,432,109,876,543.21"),
    ],
)
def test_amounts_have_the_decimals_of_their_currency(value, currency, locale, written):
    assert locales.amount(D(value), currency, locale) == written


@pytest.mark.parametrize(
    ("value", "currency", "locale", "written"),
    [
        ("-2566", "USD", "en-US", "−$2,566.00"),
        ("-2566", "EUR", "de-DE", "−2.566,00\xa0€"),
        ("2566", "JPY", "en-US", "¥2,566"),
    ],
)
def test_money_carries_its_currency(value, currency, locale, written):
    assert locales.money(D(value), currency, locale) == written


@pytest.mark.parametrize(
    ("value", "written"), [("60", "60.00"), ("0.4", "0.40"), ("0.0002", "0.0002"), ("3.9", "3.90")]
)
def test_unit_prices_keep_their_small_decimals(value, written):
    assert locales.rate(D(value), "USD", "en-US") == written


@pytest.mark.parametrize(
    ("value", "locale", "written"),
    [("136.000", "en-US", "136"), ("0.125", "de-DE", "0,125"), ("-4", "en-US", "−4")],
)
def test_quantities_show_no_empty_decimals(value, locale, written):
    assert locales.quantity(D(value), locale) == written


@pytest.mark.parametrize(
    ("value", "locale", "written"),
    [("10", "en-US", "10%"), ("8.5", "en-US", "8.5%"), ("8.5", "de-DE", "8,5\xa0%")],
)
def test_percentages_are_given_in_per_cent(value, locale, written):
    assert locales.percent(D(value), locale) == written


def test_a_half_open_period_is_written_by_its_last_day():
    quarter = locales.period(date(2026, 7, 1), date(2026, 10, 1), "en-GB")

    assert "30 Sept 2026" in quarter
    assert "Oct" not in quarter


def test_an_instant_is_written_in_the_readers_zone():
    noon = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)

    assert "23 Nov 2026" in locales.instant(noon, "Asia/Tokyo", "en-GB")


@pytest.mark.parametrize("tag", ["", "xx-YY", "not a tag", "en-ZZ"])
def test_an_unknown_locale_reads_english(tag):
    assert locales.day(date(2026, 11, 29), tag)


def test_languages_and_territories_are_named():
    assert locales.language("fr", "en-US") == "French"
    assert locales.language("pt-BR", "en-US") == "Portuguese (Brazil)"
    assert locales.language("zz-unknown", "en-US") == "zz-unknown"
    assert locales.territory("DE", "de-DE") == "Deutschland"
    assert locales.territory("QQ", "en-US") == "QQ"


def test_lists_read_as_a_sentence_does():
    assert locales.listed(["French", "German"], "en-US") == "French and German"
    assert locales.listed(["French", "German"], "en-US", joined_by="or") == "French or German"


@pytest.mark.parametrize(
    ("text", "amounts"),
    [
        ("1234.5", {"1234.5"}),
        ("1,234.50", {"1234.50"}),
        ("1.234,50 €", {"1234.50"}),
        ("CHF 1'234.50", {"1234.50"}),
        ("1 234", {"1234"}),
        ("1,234", {"1234", "1.234"}),
        ("−12", {"-12"}),
        ("0", {"0"}),
        ("", set()),
        ("Ada", set()),
        ("12 of 13", set()),
        ("1-2", set()),
        ("9" * 40, set()),
    ],
)
def test_an_amount_is_read_as_it_is_written_anywhere(text, amounts):
    assert locales.written_amounts(text) == {D(one) for one in amounts}
