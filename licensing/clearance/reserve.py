"""Reserving for a cleared request: its units of caps, and the permit that proves it."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from licensing.caps.reservations import reserve_units
from licensing.caps.years import Years, caps_consumed, year_key
from licensing.decision.request import CapFacts, Facts, Request
from licensing.models import CapReservation, ClearanceDecision, Permit, ReservedUnits
from licensing.permits.claims import MOST_MINUTES, claims_of, sign, unchanged_until
from licensing.permits.keys import SealedKey
from licensing.words import Outcome
from talent.periods import starts_at

# A studio's clock may be this much behind the desk's; a use that it dates so counts as one of now.
SKEW = timedelta(minutes=5)
AHEAD = timedelta(minutes=MOST_MINUTES)


@dataclass(frozen=True, slots=True)
class NewReservation:
    """Units taken from caps until `reserved_until`, and the span in which the permit counts.

    `approvals` are the names of those that the clearance stands on.
    """

    request: Request
    units: list[ReservedUnits]
    starts_at: datetime
    expires_at: datetime
    reserved_until: datetime
    approvals: tuple[str, ...] = ()


def start_of(at: datetime, asked_at: datetime) -> datetime:
    """Return when a use to be reserved begins; one up to `SKEW` ago begins when it is asked for."""
    return asked_at if asked_at - SKEW <= at < asked_at else at


def reserve(
    request: Request, facts: Facts, years: Years, *, minutes: int, zone: str, at: datetime
) -> NewReservation | None:
    """Take a cleared request's units from its caps; None where nothing can be reserved.

    Nothing is reserved for a use of the past, for one too far ahead, and where a fact that
    cleared the use ends within the same second. `minutes` is how long units are reserved from the
    start of the use, `zone` the agreement's time zone, `at` the instant of asking.

    The permit ends when such a fact ends, at the latest with the reservation or with the caps'
    fiscal year in that zone.
    """
    if request.at is None or not at <= request.at <= at + AHEAD:
        return None
    until = request.at + timedelta(minutes=minutes)
    caps = caps_consumed(facts.caps, request)
    latest = min([until, *(starts_at(_next_year(cap), zone) for cap in caps)])
    # A permit's instants are whole seconds.
    expires_at = unchanged_until(request, facts, latest=latest).replace(microsecond=0)
    begins_at = request.at.replace(microsecond=0)
    if expires_at <= begins_at:
        return None
    units = reserve_units(request, caps, years)
    return NewReservation(request, units, begins_at, expires_at, until)


def why_nothing_reserved(decision: ClearanceDecision) -> str:
    """Say why a cleared request that asked to reserve holds no units; empty if it holds some.

    Empty as well where it was not cleared or did not ask.
    """
    asked = decision.request.get("reserve") and decision.outcome == Outcome.CLEARED
    if not asked or getattr(decision, "reservation", None) is not None:
        return ""
    if decision.at < decision.known_at:
        return "Nothing is reserved for a use of the past; report it."
    if decision.at > decision.known_at + AHEAD:
        return f"Units are reserved at most {AHEAD.days} days ahead; ask again nearer the day."
    return "Nothing is reserved: what the clearance stands on ends at once."


def attach_reservation(row: ClearanceDecision, new: NewReservation | None, key: SealedKey) -> None:
    """Set the reservation and the signed permit of a numbered decision; nothing is saved.

    Without a reservation both are set to none, so that reading them takes no query.
    """
    if new is None:
        row._state.fields_cache |= {"reservation": None, "permit": None}
        return
    reservation = CapReservation(
        decision=row, reserved_at=row.known_at, expires_at=new.reserved_until
    )
    reservation.__dict__["_prefetched_objects_cache"] = {"units": new.units}
    for units in new.units:
        units.reservation = reservation
    claims = claims_of(
        new.request,
        number=row.pk,
        agency=row.terms.agency.slug,
        issued_at=row.known_at,
        starts_at=new.starts_at,
        expires_at=new.expires_at,
        approvals=new.approvals,
        try_out=bool((row.facts.get("agreement") or {}).get("try_out")),
    )
    Permit(
        decision=row,
        key_id=key.pk,
        starts_at=new.starts_at,
        expires_at=new.expires_at,
        token=sign(claims, key.private, kid=key.kid),
    )


def _next_year(cap: CapFacts) -> date:
    _cap, starts_on = year_key(cap)
    return starts_on.replace(year=starts_on.year + 1)
