"""Writes the demo's licensees, productions and agreements into the desk."""

from datetime import UTC, date, datetime
from decimal import Decimal

from licensing.agreements import agreements
from licensing.models import (
    Advance,
    Agreement,
    AgreementFact,
    Bracket,
    Brand,
    Cap,
    Grant,
    Guarantee,
    Licensee,
    LicenseeTerms,
    Multiplier,
    Production,
    RateCard,
    RateLine,
)
from likenessdesk.demo.papers import sign_on_paper, write_deal_terms
from likenessdesk.demo.terms import DEALS, STUDIOS, TITLES, Deal, Licence, Price
from talent.models import Agency, DigitalTwin, User
from talent.periods import starts_at
from talent.words import BrandCategory

TERM = (date(2026, 7, 1), date(2027, 7, 1))
SIGNED_AT = datetime(2026, 6, 22, 16, 0, tzinfo=UTC)


BRANDS = (
    ("Specimen Fizz", "specimen-fizz", BrandCategory.SOFT_DRINKS),
    ("Placeholder Motors", "placeholder-motors", BrandCategory.CARS),
)


def write_business() -> None:
    """Write licensees, productions, and agreements with their grants, rates and caps."""
    for studio in STUDIOS:
        Licensee.objects.create(
            slug=studio.slug,
            name=studio.name,
            kind=studio.kind.value,
            country=studio.country,
            billing_email=f"billing@{studio.slug}.example",
        )
    for name, slug, category in BRANDS:
        Brand.objects.create(name=name, slug=slug, categories=[category.value])
    for title in TITLES:
        Production.objects.create(
            licensee=Licensee.objects.get(slug=title.studio),
            title=title.title,
            kind=title.kind.value,
            eidr=title.eidr,
            photography_starts_on=title.photography_starts_on,
        )
    for deal in DEALS:
        write_deal(deal)


def write_deal(deal: Deal) -> None:
    """Draft an agreement and sign it, as it was signed on paper before the desk opened."""
    agency = Agency.objects.get(slug=deal.house)
    licensee = Licensee.objects.get(slug=deal.studio)
    signer = User.objects.get(memberships__agency=agency, memberships__role="business_affairs")
    LicenseeTerms.objects.get_or_create(agency=agency, licensee=licensee)
    agreement = agreements.draft(
        agency=agency,
        licensee=licensee,
        twin=DigitalTwin.objects.get(name=deal.twin),
        reference=deal.reference,
        currency=deal.currency,
        starts_at=starts_at(TERM[0], deal.time_zone),
        ends_at=starts_at(TERM[1], deal.time_zone),
        at=SIGNED_AT,
        by=signer,
        time_zone=deal.time_zone,
        engagement=deal.engagement.value,
        guild=deal.guild.value,
        description=deal.description,
        reserve_percent=deal.reserve.percent if deal.reserve else 0,
        reserve_periods=deal.reserve.periods if deal.reserve else 0,
    )
    agreement.productions.add(Production.objects.get(title=deal.title))
    write_terms(agreement, deal)
    write_deal_terms(agreement)
    sign_on_paper(agreement, at=SIGNED_AT, by=signer)


def write_terms(agreement: Agreement, deal: Deal) -> None:
    for licence in deal.licences:
        write_grant(agreement, licence)
    for fact, holds, evidence in deal.stated:
        AgreementFact.objects.create(
            agreement=agreement, fact=fact.value, holds=holds, evidence=evidence
        )
    write_rates(agreement, deal)
    write_money(agreement, deal)
    for limit in deal.limits:
        Cap.objects.create(
            agreement=agreement,
            meter=limit.meter.value,
            limit=limit.limit,
            hard=limit.hard,
            starts_on=TERM[0],
        )


def write_money(agreement: Agreement, deal: Deal) -> None:
    """Write what an agreement promises beside its rates."""
    if deal.least:
        Guarantee.objects.create(
            agreement=agreement, amount=deal.least.amount, period=deal.least.period.value
        )
    if deal.ahead:
        Advance.objects.create(
            agreement=agreement,
            label=deal.ahead.label,
            amount=deal.ahead.amount,
            due_on=deal.ahead.due_on,
        )


def write_grant(agreement: Agreement, licence: Licence) -> None:
    Grant.objects.create(
        agreement=agreement,
        right=licence.right.value,
        use=licence.use.value,
        territories=None if licence.territories is None else list(licence.territories),
        languages=None if licence.languages is None else list(licence.languages),
        channels=None if licence.channels is None else [c.value for c in licence.channels],
        real_time=licence.real_time,
        exclusions=[one.value for one in licence.exclusions],
    )


def write_rates(agreement: Agreement, deal: Deal) -> None:
    card = RateCard.objects.create(agreement=agreement, effective_from=TERM[0], source=deal.source)
    for price in deal.prices:
        write_line(card, price)
    for times in deal.multipliers:
        Multiplier.objects.create(
            card=card, dimension=times.factor.value, value=times.value, factor=times.times
        )


def write_line(card: RateCard, price: Price) -> None:
    line = RateLine.objects.create(
        card=card,
        code=price.code,
        label=price.label,
        meter=price.meter.value,
        pricing=price.pricing.value,
        unit_price=price.unit_price,
        package_size=price.package_size,
        minimum=price.minimum,
        charge_group=price.charge_group,
        unlicensed=price.unlicensed,
        prompt_classes=price.prompt_classes and [c.value for c in price.prompt_classes],
        round_quantity=price.rounding.value,
        scale_portion=price.scale_portion,
    )
    Bracket.objects.bulk_create(
        Bracket(line=line, up_to=up_to, unit_price=Decimal(unit_price))
        for up_to, unit_price in price.brackets
    )
