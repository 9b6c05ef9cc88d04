"""Reservations: units taken of caps for a cleared request, then confirmed, released or expired.

A reservation is settled once. Settling it again in the same way gets the first answer.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import msgspec
from django.db import DEFAULT_DB_ALIAS, connection, transaction

from licensing.decision.request import CapFacts, Request
from licensing.idempotency import KeyConflict
from licensing.models import CapReservation, LicenseeTerms, ReservedUnits
from licensing.prepared_statements import fetch_prepared
from licensing.quantities import measured
from licensing.wire.faults import Fault
from licensing.words import Meter, ReservationState
from talent.database.sql import sql_file
from talent.errors import Refused

from .years import Years

AT_ONCE = 1_000  # reservations that one sweep expires

SETTLED_YEARS = sql_file(__file__, "settled_years.sql")
SETTLE = sql_file(__file__, "settle.sql", settled_years=SETTLED_YEARS)
EXPIRE = sql_file(__file__, "expire.sql", settled_years=SETTLED_YEARS)


class NotReserved(Refused):
    """A decision that reserved nothing can be neither confirmed nor released."""

    code = "not_reserved"

    def __init__(self) -> None:
        super().__init__("This clearance reserved nothing. Ask anew and reserve.")


class AlreadySettled(Refused):
    """The reservation was settled in another way before."""

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


# Reserving


def reserve_units(request: Request, caps: Iterable[CapFacts], years: Years) -> list[ReservedUnits]:
    """Take a cleared request's units from its caps; return the rows that hold them, unsaved.

    A soft cap grants past its limit: `over` is the part past it. Units of a meter that no cap
    counts are held as well, without a year, so that the permit clears no more than these.
    """
    units = {meter: sent for meter, sent in request.units if sent}
    rows = [_reserve(cap, units[cap.meter], years) for cap in caps if cap.meter in units]
    capped = {row.meter for row in rows}
    return rows + [
        ReservedUnits(meter=meter, units=sent)
        for meter, sent in units.items()
        if meter not in capped
    ]


def _reserve(cap: CapFacts, units: Decimal, years: Years) -> ReservedUnits:
    year = years.of(cap)
    over = year.reserve(units)
    return ReservedUnits(cap_year_id=year.pk, meter=cap.meter, units=units, over=over)


# Settling


@dataclass(frozen=True, slots=True)
class _Settlement:
    """How a reservation is to be settled. `quantities` are the units to confirm, by meter.

    Without them, all of its units are.
    """

    decision_id: int
    terms: LicenseeTerms
    at: datetime
    state: ReservationState
    idempotency_key: str
    quantities: Mapping[str, Decimal] | None = None

    @property
    def digest(self) -> bytes:
        """The SHA-256 that a repeat has in common with the first; instant and key do not count."""
        plain = None
        if self.quantities is not None:
            plain = {meter: f"{units.normalize():f}" for meter, units in self.quantities.items()}
        sent = msgspec.json.encode([self.state.value, plain], order="deterministic")
        return hashlib.sha256(sent).digest()


def confirm(
    *,
    decision_id: int,
    terms: LicenseeTerms,
    at: datetime,
    quantities: Mapping[str, Decimal] | None = None,
    idempotency_key: str = "",
) -> CapReservation:
    """Count reserved units as used, all of them or the quantities by meter; free the rest.

    The same confirmation again gets the first answer. Raises NotReserved, AlreadySettled,
    ReservationExpired, NotTheReservedUnits, KeyConflict.
    """
    settlement = _Settlement(
        decision_id, terms, at, ReservationState.CONFIRMED, idempotency_key, quantities
    )
    if quantities is None:
        return _settle(settlement)
    # What is checked must still be so when it is settled, so both are one transaction.
    with transaction.atomic():
        _check_units(decision_id, terms, quantities)
        return _settle(settlement)


def release(
    *, decision_id: int, terms: LicenseeTerms, at: datetime, idempotency_key: str = ""
) -> CapReservation:
    """Free the reserved units that were not reported yet. The same again gets the first answer.

    Raises NotReserved, AlreadySettled, ReservationExpired, KeyConflict.
    """
    return _settle(_Settlement(decision_id, terms, at, ReservationState.RELEASED, idempotency_key))


@transaction.atomic
def expire(*, at: datetime, limit: int = AT_ONCE) -> int:
    """Settle open reservations whose time is over, the oldest first; return how many."""
    lapsed = CapReservation.objects.lapsed(at).order_by("expires_at")[:limit]
    ids = sorted(lapsed.values_list("pk", flat=True))
    # A reservation that is being confirmed at this moment is left to whoever confirms it.
    still_lapsed = CapReservation.objects.lapsed(at).filter(pk__in=ids).order_by("pk")
    locked = still_lapsed.select_for_update(skip_locked=True, no_key=True)
    return _end([row.pk for row in locked], ReservationState.EXPIRED)


@transaction.atomic
def release_units(*, decision_ids: Collection[int], at: datetime) -> int:
    """Free what open reservations still hold, since their permits were taken back.

    Returns how many were open. Uses of before that are reported later still draw on them.
    """
    rows = CapReservation.objects.filter(
        pk__in=decision_ids, state=ReservationState.OPEN, expires_at__gt=at
    )
    locked = rows.order_by("pk").select_for_update(no_key=True)
    return _end([row.pk for row in locked], ReservationState.RELEASED, at)


def _end(ids: list[int], state: ReservationState, at: datetime | None = None) -> int:
    with connection.cursor() as cursor:
        cursor.execute(EXPIRE, {"ids": ids, "state": state.value, "at": at})
        return int(cursor.rowcount)


def _settle(settlement: _Settlement) -> CapReservation:
    """Settle in one statement; where that settles nothing, look up why not."""
    quantities = settlement.quantities
    rows = fetch_prepared(
        SETTLE,
        {
            "id": settlement.decision_id,
            "terms": settlement.terms.pk,
            "at": settlement.at,
            "state": settlement.state.value,
            "key": settlement.idempotency_key,
            "digest": settlement.digest,
            "quantities": None if quantities is None else msgspec.json.encode(quantities).decode(),
        },
    )
    return _from_columns(*rows[0]) if rows else _settled_before(settlement)


def _from_columns(*columns: object) -> CapReservation:
    names = [field.attname for field in CapReservation._meta.concrete_fields]
    return CapReservation.from_db(DEFAULT_DB_ALIAS, names, columns)


def _settled_before(settlement: _Settlement) -> CapReservation:
    """Return the reservation if it was settled in the same way before; refuse otherwise.

    Raises NotReserved, AlreadySettled, ReservationExpired, KeyConflict.
    """
    reservation = CapReservation.objects.filter(
        pk=settlement.decision_id, decision__terms=settlement.terms
    ).first()
    if reservation is None:
        raise NotReserved
    if reservation.state in (ReservationState.OPEN, ReservationState.EXPIRED):
        raise ReservationExpired(reservation.expires_at)
    known = bytes(reservation.settled_digest or b"")
    if known == settlement.digest:
        return reservation
    key = settlement.idempotency_key
    if key and key == reservation.settled_key:
        raise KeyConflict(sent=settlement.digest, known=known)
    raise AlreadySettled(reservation.state)


def _check_units(decision_id: int, terms: LicenseeTerms, quantities: Mapping[str, Decimal]) -> None:
    """Lock a reservation, if it is open, and refuse quantities that cannot be confirmed of it.

    Raises NotTheReservedUnits.
    """
    open_reservation = CapReservation.objects.filter(
        pk=decision_id, decision__terms=terms, state=ReservationState.OPEN
    )
    if not open_reservation.select_for_update(of=("self",), no_key=True).exists():
        return
    rows = list(ReservedUnits.objects.filter(reservation=decision_id).order_by("pk"))
    for row in rows:
        _check_row(row, quantities.get(row.meter, row.drawn))
    others = set(quantities) - {row.meter for row in rows}
    if others:
        other = min(others)
        raise NotTheReservedUnits(other, f"No {Meter(other).label.lower()} were reserved.")


def _check_row(row: ReservedUnits, confirmed: Decimal) -> None:
    if confirmed > row.units:
        most = f"Confirm at most the {measured(row.units, row.meter)} reserved."
        raise NotTheReservedUnits(row.meter, most)
    if confirmed < row.drawn:
        least = f"Confirm at least the {measured(row.drawn, row.meter)} reported."
        raise NotTheReservedUnits(row.meter, least)
