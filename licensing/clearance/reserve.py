"""Holdings: what a cleared request holds, its reservation and the permit that proves it."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from licensing.caps.reservations import reserve_units
from licensing.caps.years import Years, caps_consumed, year_key
from licensing.decision.request import CapFacts, Facts, Request
from licensing.models import (
    CapReservation,
    ClearanceDecision,
    Permit,
    ReservedUnits,
)
from licensing.permits.claims import MOST_MINUTES, Claims, claims_of, sign, unchanged_until
from licensing.permits.keys import Signing
from licensing.words import Outcome
from talent.periods import starts_at

# A studio's clock may be this much behind the desk's; a use of then counts as one of now.
SKEW = timedelta(minutes=5)
AHEAD = timedelta(minutes=MOST_MINUTES)


@dataclass(slots=True)
class Holding:
    """Units taken from caps, with the span in which the permit counts."""

    request: Request
    units: list[ReservedUnits]
    starts_at: datetime
    expires_at: datetime
    held_until: datetime


def begins(at: datetime, asked_at: datetime) -> datetime:
    """Return when a use that shall be reserved begins: not before it is asked for."""
    return asked_at if asked_at - SKEW <= at < asked_at else at


def held(
    request: Request, facts: Facts, years: Years, *, minutes: int, zone: str, at: datetime
) -> Holding | None:
    """Take a cleared request's units from its caps; None where nothing can be reserved.

    That is a use of the past, one too far ahead, and one whose ground ends within its second.
    The permit ends with what the decision stands on, at the latest with the reservation or the
    caps' fiscal year in the agreement's zone.
    """
    if request.at is None or not at <= request.at <= at + AHEAD:
        return None
    until = request.at + timedelta(minutes=minutes)
    caps = caps_consumed(facts.caps, request)
    latest = min([until, *(starts_at(_next_year(cap), zone) for cap in caps)])
    ends = unchanged_until(request, facts, latest=latest).replace(microsecond=0)
    begun = request.at.replace(microsecond=0)
    if ends <= begun:
        return None
    return Holding(request, reserve_units(request, caps, years), begun, ends, until)


def not_held(decision: ClearanceDecision) -> str:
    """Say why a cleared request that asked to reserve holds nothing; empty if there is no why."""
    asked = decision.request.get("reserve") and decision.outcome == Outcome.CLEARED
    if not asked or getattr(decision, "reservation", None) is not None:
        return ""
    if decision.at < decision.known_at:
        return "Nothing is reserved for a use of the past; report it."
    if decision.at > decision.known_at + AHEAD:
        return f"Units are reserved at most {AHEAD.days} days ahead; ask again nearer the day."
    return "Nothing is reserved: what the clearance stands on ends at once."


def hold(row: ClearanceDecision, holding: Holding | None, signing: Signing) -> None:
    """Give a decision, which has its number, the reservation and permit of what it holds, unsaved.

    Without a holding it has neither, and knows that without asking the database.
    """
    if holding is None:
        row._state.fields_cache |= {"reservation": None, "permit": None}
        return
    reservation = CapReservation(
        decision=row, reserved_at=row.known_at, expires_at=holding.held_until
    )
    reservation._prefetched_objects_cache = {"units": holding.units}
    for units in holding.units:
        units.reservation = reservation
    Permit(
        decision=row,
        key_id=signing.key.pk,
        starts_at=holding.starts_at,
        expires_at=holding.expires_at,
        token=sign(_claims(row, holding), signing.key.private, kid=signing.key.kid),
    )


def _claims(row: ClearanceDecision, holding: Holding) -> Claims:
    return claims_of(
        holding.request,
        number=row.pk,
        agency=row.terms.agency.slug,
        issued_at=row.known_at,
        starts_at=holding.starts_at,
        expires_at=holding.expires_at,
    )


def _next_year(cap: CapFacts) -> date:
    _cap, starts_on = year_key(cap)
    return starts_on.replace(year=starts_on.year + 1)
