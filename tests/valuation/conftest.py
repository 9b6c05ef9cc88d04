"""A small agency whose one agreement is rated, and a way to make its usage happen."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal as D
from typing import Any

import pytest

from licensing.models import (
    Agreement,
    Bracket,
    Licensee,
    LicenseeTerms,
    Multiplier,
    RateCard,
    RateLine,
    UsageBatch,
    UsageEvent,
)
from talent.models import Agency, Beneficiary, DigitalTwin, Performer, Representation

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
            UsageEvent(batch=batch, seat=seat, **{meter: D(quantity)}, **{**defaults, **fields})
            for seat, quantity in enumerate(quantities)
        )
        return batch


@pytest.fixture
def world(db):
    agency = Agency.objects.create(name="Harbour Example", slug="harbour", country="US")
    performer = Performer.objects.create(name="Ada Example")
    beneficiary = Beneficiary.objects.create(name="Ada Example", performer=performer)
    Representation.objects.create(
        agency=agency, performer=performer, commission_percent=D(10), starts_on=date(2026, 1, 1)
    )
    twin = DigitalTwin.objects.create(
        name="Ada's voice",
        performer=performer,
        tier="dynamic_behavioral_emulator",
        legal_class="employment_based",
    )
    licensee = Licensee.objects.create(
        name="Orbit Example", slug="orbit", kind="studio", country="US"
    )
    terms = LicenseeTerms.objects.create(agency=agency, licensee=licensee)
    agreement = Agreement.objects.create(
        agency=agency,
        licensee=licensee,
        twin=twin,
        reference="HAR-1",
        status="signed",
        signed_at=datetime(2026, 6, 1, tzinfo=UTC),
        starts_at=datetime(2026, 7, 1, tzinfo=UTC),
        currency="USD",
    )
    card = RateCard.objects.create(agreement=agreement, effective_from=JULY)
    return World(agency, performer, beneficiary, twin, licensee, terms, agreement, card)
