"""How the demo's summer was put right: a report that was amended, a use that was ruled on."""

from datetime import datetime

from licensing.models import EventKey, LicenseeTerms
from licensing.usage.events.event_types import AMENDMENT
from licensing.usage.recording.messages import BatchOrigin
from licensing.usage.recording.record import record_events
from licensing.usage.rulings import rule
from licensing.words import Door, Treatment
from likenessdesk.demo.summer import event, revenue_report
from likenessdesk.demo.terms import DEALS
from talent.models import Agency
from talent.words import Role

REPORTED = "NOR-2026-006"
RULED = "MER-2026-001-advert"
REASON = "They had no leave to advertise. They pay the price for that, and took it down."


def correct(at: datetime) -> int:
    """Amend September's revenue, which came in short, and rule on the ship's advertisement.

    The ruling charges what the agreement says for unlicensed use; the use stays uncleared.
    """
    deal = next(deal for deal in DEALS if deal.reference == REPORTED)
    terms = LicenseeTerms.objects.get(agency__slug=deal.house, licensee__slug=deal.studio)
    origin = BatchOrigin(terms=terms, door=Door.API, received_at=at, actor="demo")
    first = event(deal, "revenue-9", at, {})
    replaces = {"replaces": {"source": first.source, "id": first.id}}
    data = replaces | revenue_report(9, "20480.10")
    amendment = event(deal, "revenue-9-corrected", at, data, type=AMENDMENT.type)
    corrected = len(record_events([amendment], origin))
    _rule(at)
    return corrected + 1


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
