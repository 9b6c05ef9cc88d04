"""Values: what each placeholder says for one agreement, in words; empty where nothing is agreed."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from licensing.models import Advance, Cap, Grant, Guarantee, RateLine
from licensing.quantities import measured
from licensing.words import (
    CapturedKind,
    Channel,
    Exclusivity,
    GuaranteePeriod,
    PaidBackFrom,
    Pricing,
    RetentionEnds,
)
from talent import locales
from talent.consent.scope import language_name
from talent.models import Performer
from talent.periods import OF_AGE, local_day
from talent.territories import place_name
from talent.words import BrandCategory, DelegateKind, Exclusion, LegalClass, Right, Tier, Use

from .gathered import Gathered

Values = dict[str, str]

RETENTION = {
    RetentionEnds.WITH_THE_AGREEMENT: "the end of this agreement",
    RetentionEnds.PURPOSE_MET: "the day on which the purpose of the licensed Uses is met",
    RetentionEnds.LAST_INTERACTION: "the Performer's last interaction with the holder",
}
SPANS = {
    "hours": "approval_hours capture_notice_hours",
    "days": (
        "retention_days withdrawal_notice_days audit_notice_days usage_report_days statement_days "
        "payment_days renewal_notice_days transfer_answer_days cure_days"
    ),
    "years": "audit_years_back confidential_years",
}
PERCENTAGES = ("late_interest_percent", "audit_shortfall_percent", "minor_trust_percent")
BACK = {
    PaidBackFrom.GROSS: "use pays it back before more is owed",
    PaidBackFrom.NET: "it is kept from what would be payable",
    PaidBackFrom.NOTHING: "nothing pays it back",
}


def values_of(gathered: Gathered) -> Values:
    """Return the words of every placeholder."""
    return {
        **_parties(gathered),
        **_of_twin(gathered),
        **_of_deal(gathered),
        **_of_grants(gathered),
        **_of_money(gathered),
        **_of_capture(gathered),
        **_spans(gathered),
    }


def full_name(performer: Performer) -> str:
    """Name a performer by law, and how the trade knows them."""
    if performer.legal_name and performer.legal_name != performer.name:
        return f"{performer.legal_name}, professionally known as {performer.name}"
    return performer.name


def _parties(gathered: Gathered) -> Values:
    agreement, deal = gathered.agreement, gathered.deal
    agency, licensee, terms = agreement.agency, agreement.licensee, gathered.licensee_terms
    country = place_name(agency.country)
    notices = [terms.contact if terms else "", licensee.billing_email]
    counsel = [deal.counsel_name, deal.counsel_firm] if deal else []
    guardian, estate = (
        gathered.delegate(DelegateKind.GUARDIAN),
        gathered.delegate(DelegateKind.ESTATE),
    )
    authority = [str(estate.user), estate.authority] if estate else []
    return {
        "reference": agreement.reference,
        "agency": agency.name,
        "agency_address": _joined([*agency.address.splitlines(), country]),
        "licensee": f"{licensee.name} ({place_name(licensee.country)})",
        "licensee_notices": _joined(notices),
        "counsel": _joined(counsel),
        "guardian": str(guardian.user) if guardian else "",
        "estate": _joined(authority) if estate and estate.authority else "",
        "court_approval": deal.court_approval if deal else "",
    }


def _of_twin(gathered: Gathered) -> Values:
    twin, performer = gathered.agreement.twin, gathered.performer
    return {
        "performer": full_name(performer) if performer else "",
        "twin": twin.name,
        "tier": Tier(twin.tier).label.lower(),
        "legal_class": LegalClass(twin.legal_class).label.lower(),
        "captured_on": _day(twin.captured_on, gathered),
        "died_on": _day(performer.died_on if performer else None, gathered),
        "of_age_on": _day(_of_age_on(performer), gathered),
        "domicile": place_name(performer.domicile) if performer and performer.domicile else "",
        "sources": _listed(
            f"{full_name(row.performer)} (weight {locales.quantity(row.weight, gathered.locale)})"
            for row in gathered.sources
        ),
        "union_notice_on": _day(twin.union_notice_on, gathered),
        "union_notice_reference": twin.union_notice_reference,
        "guild": gathered.agreement.get_guild_display() if _has_guild(gathered) else "",
    }


def _has_guild(gathered: Gathered) -> bool:
    return bool(gathered.agreement.guild != "none")


def _of_age_on(performer: Performer | None) -> date | None:
    """Return the birthday on which a performer comes of age; of the 29 February, the day after."""
    if performer is None or performer.born_on is None:
        return None
    year = performer.born_on.year + OF_AGE
    try:
        return performer.born_on.replace(year=year)
    except ValueError:
        return date(year, 3, 1)


def _of_deal(gathered: Gathered) -> Values:
    deal, agreement = gathered.deal, gathered.agreement
    last = agreement.ends_at and local_day(
        agreement.ends_at - timedelta(microseconds=1), agreement.time_zone
    )
    categories = deal.exclusive_in if deal and deal.exclusivity == Exclusivity.CATEGORY else ()
    return {
        "kind": deal.get_kind_display() if deal else "",
        "governing_law": place_name(deal.governing_law) if deal and deal.governing_law else "",
        "starts_on": _day(gathered.starts_on, gathered),
        "last_day": _day(last, gathered),
        "productions": _listed(row.title for row in gathered.productions),
        "exclusive_in": _listed(BrandCategory(code).label.lower() for code in categories),
        "credit": deal.credit if deal else "",
    }


def _of_grants(gathered: Gathered) -> Values:
    grants = gathered.grants
    places = {code for grant in grants for code in grant.territories or ()}
    anywhere = any(grant.territories is None for grant in grants)
    languages = {tag for grant in grants for tag in grant.languages or ()}
    any_language = any(grant.languages is None for grant in grants)
    return {
        "grants": grants_in_words(grants),
        "description": _sentence(gathered.agreement.description),
        "territories": ("all territories" if anywhere else _names(map(place_name, places)))
        if grants
        else "",
        "languages": ("all languages" if any_language else _names(map(language_name, languages)))
        if grants
        else "",
        "asks": _listed(sorted({grant_in_words(grant) for grant in gathered.asks})),
        "exclusions": _names(
            Exclusion(code).label.lower() for grant in grants for code in grant.exclusions
        ),
        "caps": _listed(cap_in_words(cap, gathered.locale) for cap in gathered.caps),
    }


def grants_in_words(grants: Iterable[Grant]) -> str:
    """Say the grants shortly: "voice for dubbing and ADR, face for series"."""
    uses = defaultdict(list)
    for grant in grants:
        uses[Right(grant.right).label.lower()].append(use_in_words(grant.use))
    return _listed(f"{right} for {_listed(of)}" for right, of in uses.items())


def grant_in_words(grant: Grant) -> str:
    return f"{Right(grant.right).label.lower()} for {use_in_words(grant.use)}"


def use_in_words(use: str) -> str:
    label = Use(use).label
    return label if label.isupper() else label.lower()


def cap_in_words(cap: Cap, locale: str) -> str:
    """Say a cap: "at most 5,000 lines a fiscal year, in cinema"."""
    where = _names(Channel(code).label.lower() for code in cap.channels or ())
    said = f"at most {measured(cap.limit, cap.meter, locale)} a fiscal year"
    said += f", on {where}" if where else ""
    return said + ("" if cap.hard else ", what is more being overage")


def _of_money(gathered: Gathered) -> Values:
    agreement, locale = gathered.agreement, gathered.locale
    factors = gathered.real_time_factors()
    return {
        "currency": f"{locales.currency_name(agreement.currency, locale)} ({agreement.currency})",
        "rating_period": agreement.get_rating_period_display().lower(),
        "guarantees": _listed(_guarantee(row, gathered) for row in gathered.guarantees),
        "advances": _listed((_advance(row, gathered) for row in gathered.advances), between="; "),
        "contribution_plan": f"{agreement.get_contribution_plan_display()} "
        f"({agreement.get_contribution_class_display().lower()}), paid by "
        f"{_first_lower(agreement.get_contributions_paid_by_display())}",
        "real_time_factor": _names(locales.quantity(one, locale) for one in factors),
    }


def _guarantee(row: Guarantee, gathered: Gathered) -> str:
    amount = locales.money(row.amount, gathered.agreement.currency, gathered.locale)
    since = f" from {_day(row.starts_on, gathered)}" if row.starts_on else ""
    until = f" until before {_day(row.ends_on, gathered)}" if row.ends_on else ""
    return f"{amount} for {_first_lower(GuaranteePeriod(row.period).label)}{since}{until}"


def _advance(row: Advance, gathered: Gathered) -> str:
    amount = locales.money(row.amount, gathered.agreement.currency, gathered.locale)
    back = BACK[PaidBackFrom(row.paid_back_from)]
    return f"{amount} {_first_lower(row.label)}, due on {_day(row.due_on, gathered)} ({back})"


def _of_capture(gathered: Gathered) -> Values:
    deal = gathered.deal
    if deal is None:
        return dict.fromkeys(
            ["captures", "capture_boundary", "capture_reason", "holder", "retention_ends"], ""
        )
    return {
        "captures": _names(CapturedKind(code).label.lower() for code in deal.captures),
        "capture_boundary": _sentence(deal.capture_boundary),
        "capture_reason": _sentence(deal.capture_reason),
        "holder": deal.held_by.name if deal.held_by else gathered.agreement.agency.name,
        "retention_ends": RETENTION[RetentionEnds(deal.retention_ends)],
    }


def _spans(gathered: Gathered) -> Values:
    found = {}
    for unit, names in SPANS.items():
        for name in names.split():
            found[name] = span(_number(gathered, name), unit)
    for name in PERCENTAGES:
        value = getattr(gathered.deal, name, None)
        found[name] = "" if value is None else locales.percent(value, gathered.locale)
    return found


def _number(gathered: Gathered, name: str) -> int | None:
    if name == "approval_hours":
        return gathered.licensee_terms.approval_hours if gathered.licensee_terms else None
    number: int | None = getattr(gathered.deal, name, None)
    return number


def span(number: int | None, unit: str) -> str:
    """Write a span of time: "1 day", "30 days"; nothing where none is agreed."""
    if number is None:
        return ""
    return f"{number} {unit.removesuffix('s') if number == 1 else unit}"


def numbers_of(gathered: Gathered) -> dict[str, set[Decimal]]:
    """Return the figures that the terms have, by what they are of."""
    found: dict[str, set[Decimal]] = defaultdict(set)
    for unit, names in SPANS.items():
        numbers = (_number(gathered, name) for name in names.split())
        found[unit] |= {Decimal(number) for number in numbers if number is not None}
    for unit, figure in _figures(gathered):
        if figure:
            found[unit].add(figure)
    return found


def _figures(gathered: Gathered) -> Iterator[tuple[str, Decimal]]:
    percentages: list[Any] = [getattr(gathered.deal, name, None) for name in PERCENTAGES]
    for value in percentages:
        if value is not None:
            yield "percent", value
    for cap in gathered.caps:
        yield cap.meter, cap.limit
    amounts = [*(row.amount for row in gathered.guarantees)]
    for amount in [*amounts, *(row.amount for row in gathered.advances)]:
        yield "money", amount
    for card in gathered.cards:
        for line in card.lines.all():
            yield from _figures_of(line)


def _figures_of(line: RateLine) -> Iterator[tuple[str, Decimal]]:
    price = "percent" if line.pricing == Pricing.PERCENTAGE else "money"
    yield price, line.unit_price
    yield "money", line.minimum
    yield "money", line.maximum or Decimal(0)
    yield "percent", line.discount_percent
    yield line.meter, line.free_quantity
    yield line.meter, line.package_size or Decimal(0)
    for bracket in line.brackets.all():
        yield price, bracket.unit_price
        yield "money", bracket.flat
        yield line.meter, bracket.up_to or Decimal(0)


def _day(day: date | None, gathered: Gathered) -> str:
    return "" if day is None else locales.day(day, gathered.locale)


def _sentence(text: str) -> str:
    text = " ".join(text.split())
    return text if not text or text.endswith((".", "!", "?")) else f"{text}."


def _first_lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _joined(parts: Iterable[str]) -> str:
    return ", ".join(part.strip() for part in parts if part.strip())


def _names(words: Iterable[str]) -> str:
    return _listed(sorted(set(words)))


def _listed(words: Iterable[str], between: str = ", ") -> str:
    """Join words as a sentence does; where they hold commas, by semicolons."""
    words = [word for word in words if word]
    if len(words) > 1 and (between != ", " or any("," in word for word in words)):
        return "; ".join(words)
    return locales.listed(words, "en")
