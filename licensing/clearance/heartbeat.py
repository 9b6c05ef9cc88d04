"""Heartbeats: whether a permit holds now, decided anew on the facts of today."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from licensing.decision.decision import Decision, decide, from_json
from licensing.decision.request import CapFacts, Request
from licensing.facts.facts import facts_for
from licensing.models import CapReservation, Permit, ReservedUnits
from licensing.words import Meter, Outcome, PermitStatus, ReservationState

NOTHING = Decimal(0)

Units = tuple[tuple[str, Decimal], ...]  # by meter


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """What the desk says of a permit now, with the reason and the units that are left."""

    permit: Permit
    status: PermitStatus
    reason: str
    units_left: Units


@dataclass(frozen=True, slots=True)
class OwnUnits:
    """The part of a cap's used and reserved units that belongs to a permit."""

    used: Decimal = NOTHING
    reserved: Decimal = NOTHING


def heartbeat(*, permit: Permit, at: datetime) -> Heartbeat:
    """Say whether a permit holds now: by its records, and by deciding anew on today's facts.

    A permit that begins later is judged as of then.
    """
    reservation = CapReservation.objects.get(pk=permit.pk)
    rows = list(reservation.units.select_related("cap_year"))
    left = tuple(sorted({row.meter: row.left for row in rows}.items()))
    status, reason = _status_by_records(permit, reservation, at)
    if status is PermitStatus.VALID and not any(units for _meter, units in left):
        status, reason = PermitStatus.EXPIRED, "All of its units are used."
    if status is PermitStatus.VALID:
        own = dict(_own_units(rows, reservation))
        decision = _decide_anew(permit, left, own, at)
        if decision.outcome is not Outcome.CLEARED:
            status, reason = PermitStatus.WITHDRAWN, decision.studio_text
    return Heartbeat(permit, status, reason, left)


def _decide_anew(
    permit: Permit, left: Units, own: Mapping[str, OwnUnits], at: datetime
) -> Decision:
    """Decide the permit's request for the units that are left; its own units count as room.

    A meter that the permit does not name is zero of it.
    """
    stored = permit.decision
    units = dict.fromkeys(Meter.codes(), NOTHING) | dict(left)
    begins = max(at, permit.starts_at)
    request = replace(
        from_json(Request, stored.request), at=begins, units=tuple(sorted(units.items()))
    )
    (facts,) = facts_for([request], terms=stored.terms, known_at=at, own=stored.pk)
    caps = tuple(_without(cap, own.get(cap.id, OwnUnits())) for cap in facts.caps)
    return decide(request, replace(facts, caps=caps), at)


def _status_by_records(
    permit: Permit, reservation: CapReservation, at: datetime
) -> tuple[PermitStatus, str]:
    """Return the status by records alone: taken back, released or past its time; else valid."""
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


def _own_units(
    rows: Iterable[ReservedUnits], reservation: CapReservation
) -> Iterator[tuple[str, OwnUnits]]:
    """Yield, by cap, what of its used and reserved units is the permit's own and not yet drawn.

    What was confirmed counts as used beforehand.
    """
    confirmed = reservation.state == ReservationState.CONFIRMED
    for row in rows:
        if row.cap_year is not None:
            own = OwnUnits(used=row.left) if confirmed else OwnUnits(reserved=row.left)
            yield str(row.cap_year.cap_id), own


def _without(cap: CapFacts, own: OwnUnits) -> CapFacts:
    return replace(cap, used=cap.used - own.used, reserved=cap.reserved - own.reserved)
