"""Schedules: the terms as tables, each row from one row of the agreement."""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any

from licensing.agreements.rates import escalators, explained
from licensing.models import Cap, Grant, RateCard, RateLine
from licensing.pricing import UnpriceableTerms
from licensing.quantities import measured
from licensing.words import (
    Channel,
    Escalates,
    Factor,
    Meter,
    Pricing,
    PromptClass,
    RoundQuantity,
)
from talent import locales
from talent.consent.scope import brand_in_words, language_name
from talent.territories import place_name
from talent.words import Exclusion, Right, Use

from .gathered import Gathered
from .values import Values, use_in_words

Table = dict[str, Any]


def schedules_of(gathered: Gathered, values: Values) -> list[Table]:
    """Return the schedules of an agreement: what is granted, paid, limited, captured and kept."""
    grants, rates = list(map(_grant, gathered.grants)), list(_rates(gathered))
    caps, kept = [_cap(row, gathered) for row in gathered.caps], list(_capture(gathered, values))
    return [
        _schedule("A", "Grants", GRANT_COLUMNS, grants, _grants_notes(gathered)),
        _schedule("B", "Rates", RATE_COLUMNS, rates, list(_rate_notes(gathered))),
        _schedule("C", "Limits", CAP_COLUMNS, caps, [] if caps else [NO_CAPS]),
        _schedule("D", "Capture and retention", PAIR_COLUMNS, kept, []),
    ]


NO_CAPS = "No limit on quantities is agreed: the description and the grants are the limits."
GRANT_COLUMNS = ["Right", "Use", "Where", "Languages", "Channels", "Conditions"]
RATE_COLUMNS = ["Line", "Price", "Counts", "Worked example"]
CAP_COLUMNS = ["Counts", "Limit a fiscal year", "Past the limit", "On", "From", "Until"]
PAIR_COLUMNS = ["What", "Agreed"]


def _schedule(
    letter: str, title: str, columns: list[str], rows: Sequence[list[str]], notes: list[str]
) -> Table:
    return {
        "letter": letter, "title": title, "columns": columns, "rows": list(rows), "notes": notes,
    }  # fmt: skip


def _grant(grant: Grant) -> list[str]:
    return [
        Right(grant.right).label,
        Use(grant.use).label,
        _where(grant),
        _languages(grant),
        _names((Channel(code).label.lower() for code in grant.channels or ()), "all"),
        _conditions(grant),
    ]


def _where(grant: Grant) -> str:
    where = _names(map(place_name, grant.territories or ()), "everywhere")
    left_out = _names(map(place_name, grant.territories_excluded))
    return f"{where}, except {left_out}" if left_out else where


def _languages(grant: Grant) -> str:
    said = [_names(map(language_name, grant.languages or ()), "all")]
    said += [
        f"in {place_name(row['territory'])} only {_names(map(language_name, row['languages']))}"
        for row in grant.languages_in
    ]
    return "; ".join(said)


def _conditions(grant: Grant) -> str:
    brands = _names(map(brand_in_words, grant.brands or ()))
    excluded = _names(Exclusion(code).label.lower() for code in grant.exclusions)
    said = [
        "also in real time" if grant.real_time else "not in real time",
        f"only for {brands}" if brands else "",
        f"not with {excluded}" if excluded else "",
    ]
    return "; ".join(filter(None, said))


def _grants_notes(gathered: Gathered) -> list[str]:
    asks = {grant.pk for grant in gathered.asks}
    asked = [
        f"{Right(row.right).label} for {use_in_words(row.use)}" for row in gathered.grants
        if row.pk in asks
    ]  # fmt: skip
    return [f"Needs the Performer's approval each time: {'; '.join(asked)}."] if asked else []


def _rates(gathered: Gathered) -> Iterator[list[str]]:
    for card in gathered.cards:
        for line in sorted(card.lines.all(), key=lambda line: line.code):
            since = locales.day(card.effective_from, gathered.locale)
            label = line.label if len(gathered.cards) == 1 else f"{line.label} (from {since})"
            yield [label, _price(line, gathered), _counts(line), _example(line, gathered)]


def _price(line: RateLine, gathered: Gathered) -> str:
    currency, locale = gathered.agreement.currency, gathered.locale
    unit = Meter(line.meter).label.lower()
    brackets = sorted(line.brackets.all(), key=lambda row: (row.up_to is None, row.up_to or 0))
    said = [_plain_price(line, unit, currency, locale)] if not brackets else []
    for row in brackets:
        reach = f"up to {locales.quantity(row.up_to, locale)}" if row.up_to else "beyond"
        fee = f" and {locales.money(row.flat, currency, locale)} once" if row.flat else ""
        said.append(f"{reach} {unit}: {_rate(row.unit_price, line, currency, locale)} each{fee}")
    said += [text for text in _bounds(line, currency, locale) if text]
    return "; ".join(said)


def _plain_price(line: RateLine, unit: str, currency: str, locale: str) -> str:
    rate = _rate(line.unit_price, line, currency, locale)
    if line.pricing == Pricing.FLAT:
        return f"{rate} each period, flat"
    if line.pricing == Pricing.PERCENTAGE:
        return f"{rate} of revenue"
    if line.pricing == Pricing.PACKAGE and line.package_size:
        return f"{rate} for each {measured(line.package_size, line.meter, locale)}, begun or full"
    return f"{rate} for {measured(Decimal(1), line.meter, locale)}"


def _rate(price: Decimal, line: RateLine, currency: str, locale: str) -> str:
    if line.pricing == Pricing.PERCENTAGE:
        return locales.percent(price, locale)
    return f"{locales.rate(price, currency, locale)} {currency}"


def _bounds(line: RateLine, currency: str, locale: str) -> Iterator[str]:
    if line.free_quantity:
        yield f"{measured(line.free_quantity, line.meter, locale)} of each period free"
    if line.discount_percent:
        yield f"{locales.percent(line.discount_percent, locale)} off"
    if line.minimum:
        yield f"at least {locales.money(line.minimum, currency, locale)} a period"
    if line.maximum is not None:
        yield f"at most {locales.money(line.maximum, currency, locale)} a period"


def _counts(line: RateLine) -> str:
    said = [
        _names((Right(code).label.lower() for code in line.rights or ()), ""),
        _names((use_in_words(code) for code in line.uses or ()), ""),
        _names(map(place_name, line.territories or ())),
        _names(map(language_name, line.languages or ())),
        _names(Channel(code).label.lower() for code in line.channels or ()),
        _names(PromptClass(code).label.lower() for code in line.prompt_classes or ()),
        "use outside the consent" if line.unlicensed else "",
        RoundQuantity(line.round_quantity).label.lower()
        if line.round_quantity != RoundQuantity.NEVER
        else "",
        f"alternative in “{line.charge_group}”" if line.charge_group else "",
    ]
    return "; ".join(filter(None, said)) or "every use"


def _example(line: RateLine, gathered: Gathered) -> str:
    try:
        return explained.example(line, gathered.agreement.currency, gathered.locale)
    except UnpriceableTerms:
        return "cannot be priced yet"


def _rate_notes(gathered: Gathered) -> Iterator[str]:
    for card in gathered.cards:
        yield from _factors(card, gathered)
        for row in card.escalators.all():
            raised = _names(Escalates(code).label.lower() for code in row.raises)
            yield f"{escalators.in_words(row)}: {raised}."
        if card.source:
            yield f"Source of the prices: {card.source}."


def _factors(card: RateCard, gathered: Gathered) -> Iterator[str]:
    for row in sorted(card.multipliers.all(), key=lambda row: (row.dimension, row.value)):
        times = locales.quantity(row.factor, gathered.locale)
        where = {
            Factor.REAL_TIME: "Real-time generation",
            Factor.EXCLUSIVITY: "Exclusive use",
        }.get(Factor(row.dimension), row.value_in_words())
        yield f"{where}: prices × {times}."


def _cap(cap: Cap, gathered: Gathered) -> list[str]:
    return [
        Meter(cap.meter).label,
        locales.quantity(cap.limit, gathered.locale),
        "refused" if cap.hard else "allowed, as overage",
        _names((Channel(code).label.lower() for code in cap.channels or ()), "all channels"),
        locales.day(cap.starts_on, gathered.locale),
        locales.day(cap.ends_on, gathered.locale) if cap.ends_on else "end of the term",
    ]


def _capture(gathered: Gathered, values: Values) -> Iterator[list[str]]:
    rows = {
        "What is captured": values["captures"] or "nothing new",
        "Boundary": values["capture_boundary"],
        "Reason": values["capture_reason"],
        "Notice before a session": values["capture_notice_hours"],
        "Kept by": values["holder"],
        "Destroyed": f"within {values['retention_days']} of {values['retention_ends']}"
        if values["retention_days"]
        else "",
    }
    for name, said in rows.items():
        if said:
            yield [name, said]


def _names(words: Iterable[str], empty: str = "") -> str:
    return locales.listed(sorted(set(words)), "en") or empty
