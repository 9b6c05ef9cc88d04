"""Settling: a reservation is confirmed, released or expires, once; a repeat gets that answer."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

import msgspec
from django.db import connection, transaction
from django.db.models import F

from licensing.models import CapReservation, LicenseeTerms, ReservedUnits
from licensing.usage.cloudevents import Fault
from licensing.words import Meter, ReservationState
from talent.errors import Refused

from .clearances import KeyConflict

AT_ONCE = 1_000

# Moves a settled reservation's units: reserved goes down, what is confirmed and not yet drawn
# counts as used. Years are locked in the order of their ids, as by everybody.
MOVE = """
    WITH freed AS (
        SELECT cap_year_id, sum(units - drawn) AS held,
               sum(coalesce(confirmed - drawn, 0)) AS used
        FROM licensing_reservedunits
        WHERE reservation_id = ANY(%(ids)s) AND cap_year_id IS NOT NULL
        GROUP BY cap_year_id
    ), locked AS (
        SELECT id FROM licensing_capyear WHERE id IN (SELECT cap_year_id FROM freed)
        ORDER BY id FOR NO KEY UPDATE
    )
    UPDATE licensing_capyear year
    SET reserved = year.reserved - freed.held, used = year.used + freed.used
    FROM freed JOIN locked ON locked.id = freed.cap_year_id
    WHERE year.id = freed.cap_year_id
"""


class NotReserved(Refused):
    """A decision that holds nothing can be neither confirmed nor released."""

    code = "not_reserved"

    def __init__(self):
        super().__init__("This clearance reserved nothing. Ask anew and reserve.")


class AlreadySettled(Refused):
    """The reservation was settled otherwise before."""

    code = "already_settled"

    def __init__(self, state: str):
        was = ReservationState(state).label.lower()
        super().__init__(f"This reservation was {was} before. Ask for a new clearance.")


class ReservationExpired(Refused):
    """The reservation's time was over before it was settled."""

    code = "reservation_expired"

    def __init__(self, expires_at: datetime):
        super().__init__(
            f"This reservation expired at {expires_at.isoformat()}. Ask for a new clearance."
        )


class NotTheReservedUnits(Refused):
    """More is confirmed than was reserved, less than was reported already, or another meter."""

    code = "not_the_reserved_units"

    def __init__(self, meter: str, sentence: str):
        super().__init__(sentence)
        self.faults = (Fault(f"/quantities/{meter}", sentence, self.code),)


def confirm(
    *,
    decision_id: int,
    terms: LicenseeTerms,
    at: datetime,
    quantities: Mapping[str, Decimal] | None = None,
    idempotency_key: str = "",
) -> CapReservation:
    """Count reserved units as used, all of them or the quantities named; free the rest.

    The same confirmation again gets the first answer. Raises NotReserved, AlreadySettled,
    ReservationExpired, NotTheReservedUnits, KeyConflict.
    """
    digest = _digest(ReservationState.CONFIRMED, quantities)
    return _settled(
        decision_id, terms, at, ReservationState.CONFIRMED, digest, idempotency_key, quantities
    )


def release(
    *, decision_id: int, terms: LicenseeTerms, at: datetime, idempotency_key: str = ""
) -> CapReservation:
    """Free the reserved units that were not reported yet. The same again gets the first answer.

    Raises NotReserved, AlreadySettled, ReservationExpired, KeyConflict.
    """
    digest = _digest(ReservationState.RELEASED, None)
    return _settled(decision_id, terms, at, ReservationState.RELEASED, digest, idempotency_key)


@transaction.atomic
def expire(*, at: datetime, limit: int = AT_ONCE) -> int:
    """Settle open reservations whose time is over, the oldest first; return how many that was."""
    lapsed = CapReservation.objects.lapsed(at).order_by("expires_at")[:limit]
    ids = sorted(lapsed.values_list("pk", flat=True))
    # One that is being confirmed at this moment is left to who does it.
    open_still = CapReservation.objects.lapsed(at).filter(pk__in=ids).order_by("pk")
    ids = [row.pk for row in open_still.select_for_update(skip_locked=True, no_key=True)]
    if not ids:
        return 0
    _move(ids)
    return CapReservation.objects.filter(pk__in=ids).update(
        state=ReservationState.EXPIRED.value, settled_at=F("expires_at")
    )


@transaction.atomic
def _settled(
    decision_id: int,
    terms: LicenseeTerms,
    at: datetime,
    state: ReservationState,
    digest: bytes,
    idempotency_key: str,
    quantities: Mapping[str, Decimal] | None = None,
) -> CapReservation:
    reservations = CapReservation.objects.filter(decision__terms=terms)
    reservation = (
        reservations.select_for_update(of=("self",), no_key=True).filter(pk=decision_id).first()
    )
    if reservation is None:
        raise NotReserved
    if reservation.state != ReservationState.OPEN:
        return _again(reservation, digest, idempotency_key)
    if reservation.expires_at <= at:
        raise ReservationExpired(reservation.expires_at)
    if state is ReservationState.CONFIRMED:
        _confirm_units(reservation, quantities)
    _move([reservation.pk])
    reservation.state, reservation.settled_at = state.value, at
    reservation.settled_key, reservation.settled_digest = idempotency_key, digest
    reservation.save(update_fields=["state", "settled_at", "settled_key", "settled_digest"])
    return reservation


def _again(reservation: CapReservation, digest: bytes, idempotency_key: str) -> CapReservation:
    """Answer a repeat with what was settled first; refuse to settle otherwise."""
    if reservation.state == ReservationState.EXPIRED:
        raise ReservationExpired(reservation.expires_at)
    known = bytes(reservation.settled_digest or b"")
    if known == digest:
        return reservation
    if idempotency_key and idempotency_key == reservation.settled_key:
        raise KeyConflict(sent=digest, known=known)
    raise AlreadySettled(reservation.state)


def _confirm_units(reservation: CapReservation, quantities: Mapping[str, Decimal] | None) -> None:
    rows = list(ReservedUnits.objects.filter(reservation=reservation).order_by("pk"))
    for row in rows:
        row.confirmed = row.units if quantities is None else quantities.get(row.meter, row.drawn)
        _check(row)
    others = set(quantities or ()) - {row.meter for row in rows}
    if others:
        other = min(others)
        raise NotTheReservedUnits(other, f"No {Meter(other).label.lower()} were reserved.")
    ReservedUnits.objects.bulk_update(rows, ["confirmed"])


def _check(row: ReservedUnits) -> None:
    meter = Meter(row.meter).label.lower()
    if row.confirmed > row.units:
        most = f"Only {row.units.normalize():f} {meter} are reserved; confirm at most that."
        raise NotTheReservedUnits(row.meter, most)
    if row.confirmed < row.drawn:
        least = f"{row.drawn.normalize():f} {meter} are reported; confirm at least that."
        raise NotTheReservedUnits(row.meter, least)


def _move(ids: list[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(MOVE, {"ids": ids})


def _digest(state: ReservationState, quantities: Mapping[str, Decimal] | None) -> bytes:
    plain = quantities and {meter: f"{sent.normalize():f}" for meter, sent in quantities.items()}
    said = msgspec.json.encode([state.value, plain], order="deterministic")
    return hashlib.sha256(said).digest()
