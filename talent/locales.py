"""How a reader's locale writes days, numbers and money. Locales are BCP 47 tags such as "de-DE"."""

import re
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Literal
from zoneinfo import ZoneInfo, available_timezones

import pycountry
from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_datetime, format_interval, format_time
from babel.lists import format_list
from babel.localedata import locale_identifiers
from babel.numbers import (
    format_compact_currency,
    format_currency,
    format_decimal,
    format_percent,
    get_currency_name,
    get_currency_precision,
    get_decimal_symbol,
    get_group_symbol,
    get_territory_currencies,
)
from iso4217 import Currency

# A language, or one as a country writes it: without scripts and variants.
_WRITTEN = re.compile(r"[a-z]{2,3}(-[A-Z]{2})?")
FALLBACK = Locale("en")
# A minus sign, since a hyphen before a figure is too short to be seen.
MINUS = "\N{MINUS SIGN}"
# Digits of an amount that the desk keeps, and of a group of thousands.
LONGEST_AMOUNT, THOUSANDS = 20, 3
MILLION = 1_000_000


@cache
def known(tag: str) -> Locale:
    """Return the locale of a tag; of its language if the region is unknown; else English."""
    for candidate in (tag, tag.split("-")[0]):
        try:
            return Locale.parse(candidate, sep="-")
        except (UnknownLocaleError, ValueError):
            continue
    return FALLBACK


@cache
def known_zone(name: str) -> bool:
    """Tell whether an IANA zone has this name."""
    return name in available_timezones()


@cache
def known_currency(code: str) -> bool:
    """Tell whether ISO 4217 has the code, of money that can be paid: gold has none."""
    try:
        return Currency(code).exponent is not None
    except ValueError:
        return False


@cache
def countries(locale: str) -> list[tuple[str, str]]:
    """Return every country's code and its name in a locale, in the order of names."""
    codes = (country.alpha_2 for country in pycountry.countries)
    return _by_name((code, f"{territory(code, locale)} ({code})") for code in codes)


@cache
def currencies(locale: str) -> list[tuple[str, str]]:
    """As `countries`, of the currencies that `known_currency` knows."""
    codes = (one.value for one in Currency if known_currency(one.value))
    names = known(locale).currencies
    return _by_name((code, f"{names.get(code, code)} ({code})") for code in codes)


@cache
def zones(_locale: str) -> list[tuple[str, str]]:
    """Return every zone's name twice: whoever knows a zone knows it by its place."""
    return [(name, name.replace("_", " ")) for name in sorted(available_timezones())]


@cache
def written_locales(locale: str) -> list[tuple[str, str]]:
    """As `countries`, of the languages, also as one country writes them."""
    tags = (name.replace("_", "-") for name in locale_identifiers())
    plain = [tag for tag in tags if _WRITTEN.fullmatch(tag)]
    return _by_name((tag, language(tag, locale)) for tag in plain)


@cache
def known_written(tag: str) -> bool:
    """Tell whether days and figures can be written as in a locale."""
    return known(tag).language == tag.split("-")[0].lower()


def _by_name(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return sorted(pairs, key=lambda pair: pair[1])


@cache
def currency_of(country: str) -> str | None:
    """Return the ISO 4217 code of what is paid with in a country today."""
    tender = get_territory_currencies(country)
    return tender[-1] if tender else None


@cache
def known_country(code: str) -> bool:
    """Tell whether ISO 3166 has a country of this code."""
    return pycountry.countries.get(alpha_2=code) is not None


def amount(value: Decimal, currency: str, locale: str) -> str:
    """Write money without its currency: "−1,234.50"; yen without decimals."""
    places = get_currency_precision(currency)
    pattern = "#,##0." + "0" * places if places else "#,##0"
    return _minus(format_decimal(value, pattern, locale=known(locale)))


def money(value: Decimal, currency: str, locale: str) -> str:
    """Write money with its currency: "−$1,234.50", "−1.234,50 €"."""
    return _minus(format_currency(value, currency, locale=known(locale)))


def unit_price(value: Decimal, currency: str, locale: str) -> str:
    """Write a unit price with its currency: its decimals at least, six at most: "$0.0025"."""
    places = get_currency_precision(currency)
    pattern = known(locale).currency_formats["standard"].pattern
    digits = ("0." if places < 6 else "0") + "0" * places + "#" * (6 - places)
    return _minus(
        format_currency(value, currency, pattern.replace("0.00", digits), locale=known(locale),
                        currency_digits=False)
    )  # fmt: skip


def about(value: Decimal, currency: str, locale: str) -> str:
    """Write money to three figures, without its small change: "−$412,000", "35.300 €"."""
    figures = value.adjusted() - 2 if value else 0
    near = round(value, -figures) if figures > 0 else round(value)
    return whole_money(Decimal(near), currency, locale)


def whole_money(value: Decimal, currency: str, locale: str) -> str:
    """Write money to the whole unit: "−$412,345", "35.312 €"."""
    near = round(value)
    pattern = known(locale).currency_formats["standard"].pattern.replace(".00", "")
    return _minus(
        format_currency(near, currency, pattern, locale=known(locale), currency_digits=False)
    )


def short_money(value: Decimal, currency: str, locale: str) -> str:
    """Write money as short as a label of a chart: "$412K", "−$1.2M"."""
    places = 1 if abs(value) >= MILLION else 0
    return _minus(
        format_compact_currency(value, currency, locale=known(locale), fraction_digits=places)
    )


@cache
def compact_scale(locale: str) -> list[tuple[Decimal, str, str]]:
    """Return how large numbers are shortened, the largest first: by what, and what stands around.

    In English (1000, "", "K") among others; in German nothing below a million is shortened.
    """
    found: dict[Decimal, tuple[str, str]] = {}
    for power, pattern in known(locale).compact_decimal_formats["short"]["other"].items():
        # A pattern quotes what else would mean something in it: "Mio'.'".
        around = pattern.prefix[0].replace("'", ""), pattern.suffix[0].replace("'", "")
        zeros = pattern.pattern.count("0")
        if any(around):
            found.setdefault(Decimal(power) / 10 ** (zeros - 1), around)
    return [(by, *found[by]) for by in sorted(found, reverse=True)]


@cache
def chart_locale(locale: str) -> dict[str, dict[str, object]]:
    """Return how d3, which writes the axes of charts, is told to write numbers and days."""
    wide, short = (known(locale).months["format"][width] for width in ("wide", "abbreviated"))
    days, brief = (known(locale).days["format"][width] for width in ("wide", "abbreviated"))
    week = (6, 0, 1, 2, 3, 4, 5)
    percent = known(locale).percent_formats[None]
    number: dict[str, object] = {
        "decimal": get_decimal_symbol(known(locale)),
        "thousands": get_group_symbol(known(locale)),
        "grouping": [3],
        "currency": ["", ""],
        "percent": percent.suffix[0] or "%",
        "minus": MINUS,
    }
    time: dict[str, object] = {
        "dateTime": "%x, %X", "date": "%Y-%m-%d", "time": "%H:%M:%S", "periods": ["AM", "PM"],
        "days": [days[day] for day in week], "shortDays": [brief[day] for day in week],
        "months": [wide[month] for month in range(1, 13)],
        "shortMonths": [short[month] for month in range(1, 13)],
    }  # fmt: skip
    return {"number": number, "time": time}


def rate(value: Decimal, currency: str, locale: str) -> str:
    """Write a unit price: the currency's decimals at least, six at most."""
    places = get_currency_precision(currency)
    pattern = "#,##0." + "0" * places + "#" * (6 - places)
    return _minus(format_decimal(value, pattern, locale=known(locale)))


def quantity(value: Decimal, locale: str) -> str:
    """Write a quantity with as many decimals as it has, three at most."""
    return _minus(format_decimal(value, "#,##0.###", locale=known(locale)))


def percent(value: Decimal, locale: str) -> str:
    """Write a percentage; `value` is in per cent (10 means 10 %)."""
    pattern = known(locale).percent_formats[None].pattern.replace("0%", "0.##%")
    pattern = pattern.replace("0\xa0%", "0.##\xa0%")
    return _minus(format_percent(value / 100, pattern, locale=known(locale)))


def currency_name(currency: str, locale: str) -> str:
    """Return a currency's plural name in the reader's locale: "US dollars"."""
    return get_currency_name(currency, 2, locale=known(locale))


def day(value: date, locale: str) -> str:
    return format_date(value, "long", locale=known(locale))


def short_day(value: date, locale: str) -> str:
    return format_date(value, "medium", locale=known(locale))


def month(value: date, locale: str) -> str:
    return format_date(value, "LLLL y", locale=known(locale))


def short_month(value: date, locale: str) -> str:
    return format_date(value, "LLL", locale=known(locale))


def period(starts_on: date, ends_on: date, locale: str) -> str:
    """Write a half-open period by its first and its last day."""
    last = ends_on - timedelta(days=1)
    return format_interval(starts_on, last, "yMMMd", locale=known(locale))


def instant(value: datetime, time_zone: str, locale: str) -> str:
    """Write an aware instant as a date and time of the given zone."""
    return format_datetime(value, "medium", tzinfo=ZoneInfo(time_zone), locale=known(locale))


def minute(value: datetime, time_zone: str, locale: str) -> str:
    """Write an aware instant to the minute in the given zone, with the zone's abbreviation."""
    at = value.astimezone(ZoneInfo(time_zone))
    written = format_time(at, "short", locale=known(locale))
    return f"{short_day(at.date(), locale)}, {written} {at.tzname()}"


def language(tag: str, locale: str) -> str:
    """Name a BCP 47 language; a tag without a known name is returned as it is."""
    try:
        name = Locale.parse(tag, sep="-").get_display_name(known(locale))
    except (UnknownLocaleError, ValueError):
        name = None
    return name or tag


def territory(code: str, locale: str) -> str:
    """Name an ISO 3166 territory; an unknown code is returned as it is."""
    return str(known(locale).territories.get(code, code))


def listed(
    items: list[str], locale: str, *, joined_by: Literal["standard", "or"] = "standard"
) -> str:
    """Join words as a sentence does: "French and German"; joined_by "or" for alternatives."""
    return format_list(items, style=joined_by, locale=known(locale))


def _minus(text: str) -> str:
    return text.replace("-", MINUS)


# An amount, perhaps with a currency's code or sign before or after it.
AMOUNT = re.compile(r"(?:[A-Z]{3}|[$€£¥])?\s*([-−]?\d[\d.,'’\s]*)(?:[A-Z]{3}|[$€£¥])?")


def written_amounts(text: str) -> set[Decimal]:
    """Return what a person may mean by an amount: “1,234.50”, “1.234,50 €”, “1 234.5”, “-12”.

    The last point or comma parts the decimals, unless three digits follow it: then it may part the
    thousands as well. Nothing, for what is no amount.
    """
    if not (written := AMOUNT.fullmatch(text.strip())):
        return set()
    bare = written.group(1)
    sign, digits = (-1, bare[1:]) if bare[0] in "-−" else (1, bare)
    digits = re.sub(r"['’\s]", "", digits)
    head, mark, tail = digits, "", ""
    if found := re.search(r"[.,](?=\d*$)", digits):
        head, mark, tail = digits[: found.start()], found.group(), digits[found.end() :]
    whole = re.sub(r"[.,]", "", head)
    if not whole or len(whole + tail) > LONGEST_AMOUNT:
        return set()
    means = {Decimal(f"{whole}.{tail}" if tail else whole)}
    if mark and len(tail) == THOUSANDS:
        means.add(Decimal(whole + tail))
    return {sign * amount for amount in means}
