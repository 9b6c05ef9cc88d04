"""Draws: a reported use takes its units from the permit that its event carries, until none is left.

The permits of a batch are read together and locked, as is what their reservations hold.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import connection
from django.db.models import QuerySet

from licensing.caps.years import Years
from licensing.decision.request import Request
from licensing.models import CapReservation, Permit, PermitRevocation, ReservedUnits
from licensing.words import ReservationState
from talent.database.sql import sql_file

from .claims import Claims, NoPermit, kid_of, mismatch, read_permit
from .keys import public_halves

NOTHING = Decimal(0)
NO_UNITS = "no units left"

DRAW = sql_file(__file__, "draw.sql")


@dataclass(slots=True)
class Draw:
    """What one use takes from its permit: units by meter, and whether that covers all of it.

    `over` is its part past a soft cap, in the meter whose largest part is past. `used_already` are
    the units by cap year that a confirmation has counted as used before.
    """

    permit_id: int
    units: Mapping[str, Decimal]
    covers: bool
    over: Decimal
    used_already: dict[int, Decimal]
    over_meter: str = ""


@dataclass(slots=True)
class LockedPermit:
    """A permit's claims with what its reservation still holds; the reservation is locked."""

    claims: Claims
    revoked_at: datetime | None
    rows: list[ReservedUnits]
    holds_units: bool
    is_open: bool

    def fault(self, use: Request, *, agency: str) -> str:
        """Say why the permit does not cover a use; empty if it does."""
        difference = mismatch(self.claims, use, agency=agency)
        if difference:
            return difference
        if self.revoked_at is not None and use.at is not None and use.at >= self.revoked_at:
            return "revoked"
        return "" if self.holds_units else NO_UNITS


class Permits:
    """The permits of a batch by their tokens, drawn on in memory, then written."""

    def __init__(self, tokens: Iterable[str], *, at: datetime):
        """Check the tokens' signatures and lock their reservations until the transaction ends.

        Takes a fixed number of queries, none where there are no tokens.
        """
        self._faults: dict[str, str] = {}
        self._permits: dict[str, LockedPermit] = {}
        claims = self._check(set(tokens))
        if claims:
            self._lock(claims, at)

    def _check(self, tokens: set[str]) -> dict[str, Claims]:
        keys = public_halves({kid_of(token) for token in tokens}) if tokens else {}
        claims = {}
        for token in tokens:
            try:
                claims[token] = read_permit(token, keys)
            except NoPermit as no:
                self._faults[token] = no.code.replace("_", " ")
        return claims

    def _lock(self, claims: Mapping[str, Claims], at: datetime) -> None:
        numbers = {stated.number for stated in claims.values()}
        # In the order of their ids, as everybody locks reservations, and before the caps' years.
        in_order = CapReservation.objects.filter(pk__in=numbers).order_by("pk")
        reservations = {row.pk: row for row in in_order.select_for_update(no_key=True)}
        issued = {row.token: row for row in _issued(numbers)}
        units: dict[int, list[ReservedUnits]] = {number: [] for number in numbers}
        for row in ReservedUnits.objects.filter(reservation__in=numbers).order_by("pk"):
            units[row.reservation_id].append(row)
        for token, stated in claims.items():
            if token not in issued:
                self._faults[token] = "not issued"
                continue
            revocation = getattr(issued[token], "revocation", None)
            self._permits[token] = LockedPermit(
                stated,
                revocation and revocation.revoked_at,
                units[stated.number],
                _holds_units(reservations[stated.number], revocation, at),
                reservations[stated.number].state == ReservationState.OPEN,
            )

    @property
    def year_ids(self) -> set[int]:
        """The ids of the caps' years of which the permits' reservations hold units."""
        rows = (row for permit in self._permits.values() for row in permit.rows)
        return {row.cap_year_id for row in rows if row.cap_year_id is not None}

    def draw(self, token: str, use: Request, years: Years, *, agency: str) -> Draw | str:
        """Take a use's units from its permit, or say why the permit does not cover it.

        `years` hold the years of the permits' caps, under lock.
        """
        permit = self._permits.get(token)
        if permit is None:
            return self._faults[token]
        return permit.fault(use, agency=agency) or _draw(permit, use, years)

    def write(self) -> None:
        """Write what was drawn, in one statement."""
        rows = [row for permit in self._permits.values() for row in permit.rows]
        if not rows:
            return
        with connection.cursor() as cursor:
            cursor.execute(
                DRAW, {"ids": [row.pk for row in rows], "drawn": [row.drawn for row in rows]}
            )


def _issued(numbers: Collection[int]) -> QuerySet[Permit]:
    return Permit.objects.filter(pk__in=numbers).select_related("revocation")


def _holds_units(
    reservation: CapReservation, revocation: PermitRevocation | None, at: datetime
) -> bool:
    """Tell whether a use may draw on a reservation.

    One that was released because its permit was taken back is still drawn on by uses of before,
    which are reported later.
    """
    if reservation.state == ReservationState.OPEN:
        return bool(reservation.expires_at > at)
    if reservation.state == ReservationState.RELEASED and revocation is not None:
        return bool(reservation.settled_at == revocation.revoked_at)
    return bool(reservation.state == ReservationState.CONFIRMED)


def _draw(permit: LockedPermit, use: Request, years: Years) -> Draw | str:
    """Draw a use's units. A meter that the permit does not name is zero of it."""
    left = {row.meter: row.left for row in permit.rows}
    taken = {meter: min(units, left.get(meter, NOTHING)) for meter, units in use.units}
    if not any(taken.values()):
        return NO_UNITS
    whole = all(taken[meter] == units for meter, units in use.units)
    draw = Draw(permit.claims.number, taken, whole, NOTHING, {})
    for row in permit.rows:
        if row.meter in taken:
            _draw_row(row, taken[row.meter], draw, years, is_open=permit.is_open)
    return draw


def _draw_row(
    row: ReservedUnits, units: Decimal, draw: Draw, years: Years, *, is_open: bool
) -> None:
    """Draw units of a row, and take them out of what its cap's year reserves.

    The units of a confirmed row count as used already, and are not reserved any more; neither are
    those of a permit that was taken back.
    """
    row.drawn += units
    past = min(units, row.drawn - (row.units - row.over))
    share = draw.over / draw.units[draw.over_meter] if draw.over_meter else NOTHING
    if units and past / units > share:
        draw.over, draw.over_meter = past, row.meter
    if row.cap_year_id is None:
        return
    if is_open:
        years.by_id(row.cap_year_id).free(units)
    elif row.confirmed is not None:
        draw.used_already[row.cap_year_id] = units
