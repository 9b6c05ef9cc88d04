"""Heartbeats: whether a permit holds now, decided anew on the facts of today."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from licensing.decision.decision import decide, from_json
from licensing.decision.request import CapFacts, Request
from licensing.facts.facts import facts_for
from licensing.models import CapReservation, Permit, ReservedUnits
from licensing.words import Outcome, PermitStatus, ReservationState

NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """What the desk says of a permit now, with the reason and the units that are left."""

    permit: Permit
    status: PermitStatus
    reason: str
    units_left: tuple[tuple[str, Decimal], ...]


def heartbeat(*, permit: Permit, at: datetime) -> Heartbeat:
    """Say whether a permit holds now, decided anew on today's facts.

    Its own reserved units count as room. A permit that begins later is judged as of then.
    """
    decision = permit.decision
    reservation = CapReservation.objects.get(pk=permit.pk)
    rows = list(reservation.units.select_related("cap_year"))
    left = tuple(sorted({row.meter: row.left for row in rows}.items()))
    status, reason = _recorded(permit, reservation, at)
    if status is PermitStatus.VALID and not any(units for _meter, units in left):
        status, reason = PermitStatus.EXPIRED, "All of its units are used."
    if status is PermitStatus.VALID:
        request = replace(
            from_json(Request, decision.request), at=max(at, permit.starts_at), units=left
        )
        (facts,) = facts_for([request], terms=decision.terms, known_at=at)
        own = dict(_own(rows, reservation))
        caps = tuple(_without(cap, *own.get(cap.id, (NOTHING, NOTHING))) for cap in facts.caps)
        now = decide(request, replace(facts, caps=caps), at)
        if now.outcome is not Outcome.CLEARED:
            status, reason = PermitStatus.WITHDRAWN, now.studio_text
    return Heartbeat(permit, status, reason, left)


def _recorded(
    permit: Permit, reservation: CapReservation, at: datetime
) -> tuple[PermitStatus, str]:
    """Say what the records alone tell: taken back, released, past its time."""
    revocation = getattr(permit, "revocation", None)
    if revocation is not None and at >= revocation.revoked_at:
        return PermitStatus.WITHDRAWN, revocation.reason
    if reservation.state == ReservationState.RELEASED:
        return PermitStatus.WITHDRAWN, "Its units were released."
    if at >= permit.expires_at:
        return PermitStatus.EXPIRED, "Its time is over."
    if reservation.state != ReservationState.CONFIRMED and at >= reservation.expires_at:
        return PermitStatus.EXPIRED, "Its reservation expired."
    return PermitStatus.VALID, ""


def _own(
    rows: list[ReservedUnits], reservation: CapReservation
) -> Iterator[tuple[str, tuple[Decimal, Decimal]]]:
    """Yield, by cap, what of its used and reserved units is the permit's own and not yet drawn."""
    confirmed = reservation.state == ReservationState.CONFIRMED
    for row in rows:
        if row.cap_year is not None:
            own = (row.left, NOTHING) if confirmed else (NOTHING, row.left)
            yield str(row.cap_year.cap_id), own


def _without(cap: CapFacts, used: Decimal, reserved: Decimal) -> CapFacts:
    return replace(cap, used=cap.used - used, reserved=cap.reserved - reserved)
