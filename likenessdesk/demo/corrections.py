"""How the demo's summer was put right: reports that were amended, a use that was ruled on."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from licensing.models import EventKey, LicenseeTerms
from licensing.usage.events.cloudevents import Envelope
from licensing.usage.events.event_types import AMENDMENT
from licensing.usage.recording.messages import BatchOrigin
from licensing.usage.recording.record import record_events
from licensing.usage.rulings import rule
from licensing.words import Door, Meter, Treatment
from likenessdesk.demo.summer import LATE, envelopes, event, revenue_report
from likenessdesk.demo.terms import DEALS, Deal
from talent.models import Agency
from talent.words import Role

REPORTED = "NOR-2026-006"
REPORTED_LATE = "MER-2026-008"
# A scene was cut by twenty seconds before the film was delivered.
CUT, CUT_TO = "MER-2026-004-0009", "10.7"
RULED = "MER-2026-001-advert"
REASON = "They had no leave to advertise. They pay the price for that, and took it down."


def correct(at: datetime) -> int:
    """Amend September's revenue, which came in short, and rule on the ship's advertisement.

    The ruling charges what the agreement says for unlicensed use; the use stays uncleared.
    """
    deal = _deal(REPORTED)
    first = event(deal, "revenue-9", at, {})
    corrected = _send(deal, _amendment(deal, first, revenue_report(9, "20480.10")), at)
    _rule(at)
    return corrected + 1


def correct_what_was_paid(at: datetime) -> None:
    """Report a reel late, and a scene shorter than it was paid for.

    Both come after a night has rated the summer and matched what was paid for it.
    """
    late = _deal(REPORTED_LATE)
    _send(late, event(late, LATE.id, LATE.at, dict(LATE.data)), at)
    reference = CUT.rpartition("-")[0]
    deal = _deal(reference)
    first = next(envelope for envelope in envelopes(reference) if envelope.id == CUT)
    shorter = {**first.data, "quantities": {Meter.SECONDS.value: CUT_TO}}
    _send(deal, _amendment(deal, first, shorter), at)


def report_less(reference: str, at: datetime) -> None:
    """Have a studio say that the first use of an agreement was half of what it reported."""
    deal = _deal(reference)
    first = envelopes(reference)[0]
    told = dict(first.data)
    halves = {meter: f"{Decimal(str(n)) / 2:f}" for meter, n in dict(told["quantities"]).items()}
    _send(deal, _amendment(deal, first, {**told, "quantities": halves}), at)


def was_corrected() -> bool:
    """Tell whether what was paid for has been corrected already."""
    return EventKey.objects.filter(key=f"{REPORTED_LATE}-{LATE.id}").exists()


def _deal(reference: str) -> Deal:
    return next(deal for deal in DEALS if deal.reference == reference)


def _amendment(deal: Deal, first: Envelope, data: Mapping[str, object]) -> Envelope:
    replaces = {"replaces": {"source": first.source, "id": first.id}}
    number = first.id.removeprefix(f"{deal.reference}-")
    at = datetime.fromisoformat(first.time or "")
    return event(deal, f"{number}-corrected", at, {**replaces, **data}, type=AMENDMENT.type)


def _send(deal: Deal, envelope: Envelope, at: datetime) -> int:
    terms = LicenseeTerms.objects.get(agency__slug=deal.house, licensee__slug=deal.studio)
    origin = BatchOrigin(terms=terms, door=Door.API, received_at=at, actor="demo")
    return len(record_events([envelope], origin))


def _rule(at: datetime) -> None:
    agency = Agency.objects.get(slug="meridian")
    seats = agency.memberships.filter(role=Role.BUSINESS_AFFAIRS.value)
    rule(
        event_id=EventKey.objects.get(key=RULED).event_id,
        treatment=Treatment.UNLICENSED,
        reason=REASON,
        by=seats.order_by("pk").first().user,
        role=Role.BUSINESS_AFFAIRS.value,
        at=at,
    )
