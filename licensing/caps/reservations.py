"""Settling: a reservation is confirmed, released or expires, once; a repeat gets that answer."""

import hashlib
from collections.abc import Mapping
from contextlib import nullcontext
from datetime import datetime
from decimal import Decimal

import msgspec
from django.db import DEFAULT_DB_ALIAS, connection, transaction

from licensing.idempotency import KeyConflict
from licensing.models import CapReservation, LicenseeTerms, ReservedUnits
from licensing.prepared_statements import fetched
from licensing.quantities import measured
from licensing.wire.faults import Fault
from licensing.words import Meter, ReservationState
from talent.errors import Refused

AT_ONCE = 1_000

# Frees what reservations hold and counts what is confirmed and not yet drawn as used. Years are
# moved in the order of their ids, as by everybody; `moved` are rows of reserved units. A part
# that calls a function runs only where it is read: each statement reads `years`.
MOVE = """
    freed AS (
        SELECT cap_year_id, sum(units - drawn) AS reserved,
               sum(coalesce(confirmed - drawn, 0)) AS used
        FROM moved WHERE cap_year_id IS NOT NULL GROUP BY cap_year_id
    ), years AS (
        SELECT count(licensing_settle_units(cap_year_id, reserved, used))
        FROM (SELECT * FROM freed ORDER BY cap_year_id) AS in_order
    )
"""

# One that others settle at this moment is waited for and then not open any more: nothing is
# settled twice. The units are read as they are after that wait, since they are updated too.
SETTLE = f"""
    WITH settled AS (
        UPDATE licensing_capreservation reservation
        SET state = %(state)s::text, settled_at = %(at)s::timestamptz, settled_key = %(key)s::text,
            settled_digest = %(digest)s::bytea
        WHERE reservation.decision_id = %(id)s::bigint AND %(terms)s::bigint = (
            SELECT terms_id FROM licensing_clearancedecision WHERE id = %(id)s::bigint
        ) AND reservation.settled_at IS NULL AND reservation.expires_at > %(at)s::timestamptz
        RETURNING reservation.*
    ), moved AS (
        UPDATE licensing_reservedunits held
        SET confirmed = CASE
            WHEN %(state)s::text <> 'confirmed' THEN NULL
            WHEN %(quantities)s::jsonb IS NULL THEN held.units
            ELSE coalesce((%(quantities)s::jsonb ->> held.meter)::numeric, held.drawn)
        END
        FROM settled WHERE held.reservation_id = settled.decision_id
        RETURNING held.*
    ), {MOVE}
    SELECT {", ".join(f"settled.{field.column}" for field in CapReservation._meta.concrete_fields)}
    FROM settled, years
"""  # noqa: S608 (our own text)

EXPIRE = f"""
    WITH settled AS (
        UPDATE licensing_capreservation SET state = 'expired', settled_at = expires_at
        WHERE decision_id = ANY(%(ids)s) RETURNING decision_id
    ), moved AS (
        SELECT held.* FROM licensing_reservedunits held
        JOIN settled ON settled.decision_id = held.reservation_id
    ), {MOVE}
    SELECT decision_id FROM settled, years
"""  # noqa: S608 (our own text)


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
    with connection.cursor() as cursor:
        cursor.execute(EXPIRE, {"ids": ids})
        return cursor.rowcount


def _settled(
    decision_id: int,
    terms: LicenseeTerms,
    at: datetime,
    state: ReservationState,
    digest: bytes,
    idempotency_key: str,
    quantities: Mapping[str, Decimal] | None = None,
) -> CapReservation:
    """Settle in one statement; where that settles nothing, the reservation says why."""
    settling = {
        "id": decision_id,
        "terms": terms.pk,
        "at": at,
        "state": state.value,
        "key": idempotency_key,
        "digest": digest,
        "quantities": None if quantities is None else msgspec.json.encode(quantities).decode(),
    }
    with transaction.atomic() if quantities is not None else nullcontext():
        if quantities is not None:
            _check_units(decision_id, terms, quantities)
        found = fetched(SETTLE, settling)
    if found:
        return _loaded(*found[0])
    reservation = CapReservation.objects.filter(pk=decision_id, decision__terms=terms).first()
    if reservation is None:
        raise NotReserved
    if reservation.state == ReservationState.OPEN:
        raise ReservationExpired(reservation.expires_at)
    return _again(reservation, digest, idempotency_key)


def _loaded(*columns: object) -> CapReservation:
    names = [field.attname for field in CapReservation._meta.concrete_fields]
    return CapReservation.from_db(DEFAULT_DB_ALIAS, names, columns)


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


def _check_units(decision_id: int, terms: LicenseeTerms, quantities: Mapping[str, Decimal]) -> None:
    """Lock an open reservation and refuse quantities that it can't be confirmed with."""
    waiting = CapReservation.objects.filter(
        pk=decision_id, decision__terms=terms, state=ReservationState.OPEN
    )
    if not waiting.select_for_update(of=("self",), no_key=True).exists():
        return
    rows = list(ReservedUnits.objects.filter(reservation=decision_id).order_by("pk"))
    for row in rows:
        _check(row, quantities.get(row.meter, row.drawn))
    others = set(quantities) - {row.meter for row in rows}
    if others:
        other = min(others)
        raise NotTheReservedUnits(other, f"No {Meter(other).label.lower()} were reserved.")


def _check(row: ReservedUnits, confirmed: Decimal) -> None:
    if confirmed > row.units:
        most = f"Confirm at most the {measured(row.units, row.meter)} reserved."
        raise NotTheReservedUnits(row.meter, most)
    if confirmed < row.drawn:
        least = f"Confirm at least the {measured(row.drawn, row.meter)} reported."
        raise NotTheReservedUnits(row.meter, least)


def _digest(state: ReservationState, quantities: Mapping[str, Decimal] | None) -> bytes:
    plain = quantities and {meter: f"{sent.normalize():f}" for meter, sent in quantities.items()}
    said = msgspec.json.encode([state.value, plain], order="deterministic")
    return hashlib.sha256(said).digest()
