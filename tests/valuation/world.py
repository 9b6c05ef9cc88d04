"""One agreement that is rated, and ways to make its usage happen."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal as D
from typing import Any

from licensing.models import (
    Agreement,
    Bracket,
    Licensee,
    LicenseeTerms,
    Multiplier,
    RateCard,
    RateLine,
    Replacement,
    UsageBatch,
    UsageEvent,
)
from licensing.usage import rulings
from licensing.words import Treatment
from talent.models import (
    Agency,
    Beneficiary,
    CompositeSource,
    DigitalTwin,
    Performer,
    TaxCertificate,
    User,
)
from tests.factories import make_persona
from valuation.models import Statement

JULY, OCTOBER = date(2026, 7, 1), date(2026, 10, 1)
TONIGHT = datetime(2026, 11, 22, 3, tzinfo=UTC)


@dataclass
class World:
    """One performer's voice, licensed to one studio in dollars, rated by the quarter."""

    agency: Agency
    performer: Performer
    beneficiary: Beneficiary
    twin: DigitalTwin
    licensee: Licensee
    terms: LicenseeTerms
    agreement: Agreement
    card: RateCard

    def line(self, *brackets: tuple[str | None, str], **fields: Any) -> RateLine:
        """Add a rate line; brackets are (up to, unit price)."""
        defaults = {"code": "lines", "label": "Dubbed lines", "meter": "lines"}
        pricing = {"pricing": "graduated" if brackets else "per_unit"}
        line = RateLine.objects.create(card=self.card, **{**defaults, **pricing, **fields})
        for up_to, price in brackets:
            Bracket.objects.create(line=line, up_to=up_to and D(up_to), unit_price=D(price))
        return line

    def factor(self, dimension: str, value: str, factor: str) -> None:
        Multiplier.objects.create(
            card=self.card, dimension=dimension, value=value, factor=D(factor)
        )

    def use(self, *quantities: str, on: str = "2026-07-15", **fields: Any) -> UsageBatch:
        """Make uses happen in one batch: one event per quantity of the meter `lines`."""
        meter = fields.pop("meter", "lines")
        batch = UsageBatch.objects.create(
            terms=self.terms, door="api", received_at=TONIGHT, size=len(quantities)
        )
        defaults = {
            "agency": self.agency,
            "licensee": self.licensee,
            "agreement": self.agreement,
            "twin": self.twin,
            "occurred_at": datetime.fromisoformat(f"{on}T12:00:00+00:00"),
            "right": "voice",
            "use": "dubbing",
            "territory": "US",
            "language": "fr",
            "channel": "streaming",
            "standing": "cleared",
            "entry": bytes(65),
        }
        UsageEvent.objects.bulk_create(
            UsageEvent(batch=batch, seat=seat, **{**defaults, **fields, meter: D(quantity)})
            for seat, quantity in enumerate(quantities)
        )
        return batch

    def amend(self, event: UsageEvent, quantity: str, **fields: Any) -> UsageEvent:
        """Replace an event by an amendment: its facts, but for what is told here."""
        kept = ("twin", "agreement", "occurred_at", "right", "use", "territory", "language",
                "channel", "standing")  # fmt: skip
        told = {name: getattr(event, name) for name in kept} | fields
        batch = self.use(quantity, kind="amendment", about=event.pk, **told)
        amendment = UsageEvent.objects.get(batch=batch)
        Replacement.objects.create(
            event_id=event.pk, amendment_id=amendment.pk, replaced_at=TONIGHT
        )
        return amendment

    def rule(self, event: UsageEvent, treatment: str) -> None:
        """Rule on an event that is outside the consent."""
        by, _ = User.objects.get_or_create(email="affairs@northlight.example")
        rulings.rule(
            event_id=event.pk,
            treatment=Treatment(treatment),
            reason="Agreed.",
            by=by,
            role="business_affairs",
            at=TONIGHT,
        )


def give_certificate(beneficiary: Beneficiary, percent: str = "0", **fields: Any) -> TaxCertificate:
    """File a tax form of a beneficiary: a W-9, unless the fields say otherwise."""
    defaults = {
        "form": "w9",
        "residence": "US",
        "rate_source": "W-9",
        "signed_on": date(2025, 1, 1),
    }
    return TaxCertificate.objects.create(
        beneficiary=beneficiary, withholding_percent=D(percent), **{**defaults, **fields}
    )


def make_composite(world: World, **weights: str) -> DigitalTwin:
    """Have the agreement be about a composite of new performers, by name and weight."""
    twin = make_persona(world.agency, name="Chorus")
    for name, weight in weights.items():
        performer = Performer.objects.create(name=name)
        give_certificate(Beneficiary.objects.create(name=name, performer=performer))
        CompositeSource.objects.create(twin=twin, performer=performer, weight=D(weight))
    Agreement.objects.update(twin=twin)
    return twin


def issue_july_statement(world: World, *, closing: str = "0") -> Statement:
    """Close the period from July with a statement that says nothing but a closing balance."""
    return Statement.objects.create(
        kind="beneficiary",
        agency=world.agency,
        beneficiary=world.beneficiary,
        currency="USD",
        period_on=JULY,
        period_ends_on=OCTOBER,
        number="X-1",
        from_index=0,
        to_index=1,
        opening=0,
        earned=0,
        received=0,
        deductions=0,
        net=D(closing),
        closing=D(closing),
        outstanding=0,
        due_on=date(2026, 11, 29),
        content={},
    )
