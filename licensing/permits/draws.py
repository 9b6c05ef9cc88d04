"""Permits that events carry: checked, and drawn on until their units are gone."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import connection

from licensing.caps.years import Years
from licensing.decision.request import CapFacts, Request
from licensing.models import CapReservation, Permit, ReservedUnits
from licensing.words import ReservationState

from . import claims
from .claims import Claims, NoPermit, mismatch
from .keys import public_halves

NOTHING = Decimal(0)


@dataclass(slots=True)
class Draw:
    """What one use takes from its permit: units by meter, and whether that covers all of it.

    `over` is its part past a soft cap, in the meter whose largest part is past.
    """

    permit_id: int
    units: dict[str, Decimal]
    covers: bool
    over: Decimal
    confirmed_years: dict[int, Decimal]
    over_meter: str = ""


@dataclass(slots=True)
class Held:
    """A permit's claims with what its reservation still holds, under our lock."""

    claims: Claims
    revoked_at: datetime | None
    reservation: CapReservation
    rows: list[ReservedUnits]
    usable: bool

    def left(self, meter: str) -> Decimal | None:
        """Return the units left in a meter; None in one that was not granted."""
        return next((row.left for row in self.rows if row.meter == meter), None)

    def fault(self, use: Request, *, agency: str) -> str:
        """Say why the permit does not speak for a use; empty if it does."""
        found = mismatch(self.claims, use, agency=agency)
        if found:
            return found
        if self.revoked_at is not None and use.at is not None and use.at >= self.revoked_at:
            return "revoked"
        return "" if self.usable else "no units left"


class Permits:
    """The permits of a batch: their keys, revocations and reservations, loaded once and locked."""

    def __init__(self, tokens: Iterable[str], *, at: datetime):
        self._faults: dict[str, str] = {}
        self._held: dict[str, Held] = {}
        read = self._checked(set(tokens))
        if read:
            self._load(read, at)

    def _checked(self, tokens: set[str]) -> dict[str, Claims]:
        keys = public_halves({claims.kid_of(token) for token in tokens}) if tokens else {}
        found = {}
        for token in tokens:
            try:
                found[token] = claims.read(token, keys)
            except NoPermit as no:
                self._faults[token] = no.code.replace("_", " ")
        return found

    def _load(self, read: dict[str, Claims], at: datetime) -> None:
        numbers = {one.number for one in read.values()}
        locked = CapReservation.objects.filter(pk__in=numbers).order_by("pk")
        reservations = {row.pk: row for row in locked.select_for_update(no_key=True)}
        stored = Permit.objects.select_related("revocation").in_bulk(numbers)
        rows: dict[int, list[ReservedUnits]] = {}
        for row in ReservedUnits.objects.filter(reservation__in=numbers).order_by("pk"):
            rows.setdefault(row.reservation_id, []).append(row)
        shared: dict[int, Held] = {}
        for token, one in read.items():
            reservation = reservations.get(one.number)
            if reservation is None or stored[one.number].token != token:
                self._faults[token] = "not issued"
                continue
            revocation = getattr(stored[one.number], "revocation", None)
            self._held[token] = shared.setdefault(
                one.number,
                Held(
                    one,
                    revocation and revocation.revoked_at,
                    reservation,
                    rows.get(one.number, []),
                    _usable(reservation, at),
                ),
            )

    @property
    def years(self) -> set[int]:
        """The ids of the caps' years that the reservations hold."""
        rows = (row for held in self._held.values() for row in held.rows)
        return {row.cap_year_id for row in rows if row.cap_year_id is not None}

    def drawn(
        self, token: str, use: Request, counted: Iterable[CapFacts], years: Years, *, agency: str
    ) -> Draw | str:
        """Take a use's units from its permit, or say why the permit does not speak for it."""
        held = self._held.get(token)
        if held is None:
            return self._faults[token]
        return held.fault(use, agency=agency) or _drawn(held, use, counted, years)

    def write(self) -> None:
        """Write what was drawn, in one statement."""
        rows = {row.pk: row.drawn for held in self._held.values() for row in held.rows}
        if not rows:
            return
        with connection.cursor() as cursor:
            cursor.execute(
                """
                UPDATE licensing_reservedunits held SET drawn = now.drawn
                FROM unnest(%s::bigint[], %s::numeric[]) AS now (id, drawn)
                WHERE held.id = now.id AND held.drawn <> now.drawn
                """,
                [list(rows), list(rows.values())],
            )


def _usable(reservation: CapReservation, at: datetime) -> bool:
    if reservation.state == ReservationState.OPEN:
        return reservation.expires_at > at
    return reservation.state == ReservationState.CONFIRMED


def _drawn(held: Held, use: Request, counted: Iterable[CapFacts], years: Years) -> Draw | str:
    left = {meter: held.left(meter) for meter, _units in use.units}
    taken = {
        meter: min(units, left[meter]) for meter, units in use.units if left[meter] is not None
    }
    if not any(taken.values()):
        return "no units left"
    whole = all(taken[meter] == units for meter, units in use.units if meter in taken)
    granted = all(cap.meter in taken for cap in counted)
    draw = Draw(held.claims.number, taken, whole and granted, NOTHING, {})
    for row in held.rows:
        if row.meter in taken:
            _take(row, taken[row.meter], draw, years, is_open=row.confirmed is None)
    return draw


def _take(row: ReservedUnits, units: Decimal, draw: Draw, years: Years, *, is_open: bool) -> None:
    """Move units from reserved; those confirmed count as used already."""
    row.drawn += units
    past = min(units, row.drawn - (row.units - row.over))
    share = draw.over / draw.units[draw.over_meter] if draw.over_meter else NOTHING
    if units and past / units > share:
        draw.over, draw.over_meter = past, row.meter
    if row.cap_year_id is None:
        return
    if is_open:
        years.by_id(row.cap_year_id).free(units)
    else:
        draw.confirmed_years[row.cap_year_id] = units
