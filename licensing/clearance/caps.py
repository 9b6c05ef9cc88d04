"""Caps: their years under lock, and the units that cleared requests reserve of them.

Whoever moves caps locks reservations first and years second, each in the order of their ids, so
that nobody waits in a circle. What an open reservation holds ends with its time, whether or not
the sweep has come by.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

from django.db import connection
from django.db.models import F, Sum

from licensing.models import CapReservation, CapYear, ReservedUnits

from .alerts import raise_alerts
from .dimensions import counts
from .question import CapFacts, Request

NOTHING = Decimal(0)

YearKey = tuple[int, date]


@dataclass(slots=True)
class Balance:
    """What a cap's year has used, and what open reservations hold of it, under our lock."""

    pk: int
    limit: Decimal
    used: Decimal
    reserved: Decimal
    used_before: Decimal
    reserved_before: Decimal

    @property
    def moved(self) -> bool:
        return (self.used, self.reserved) != (self.used_before, self.reserved_before)


class Years:
    """The years of some caps, locked until the transaction ends; moved in memory, written once."""

    def __init__(self, keys: Iterable[YearKey], *, pks: Iterable[int] = (), at: datetime):
        """Lock the years of the keys, which are made where they are missing, and those of pks."""
        self._at = at
        self._balances: dict[YearKey, Balance] = {}
        self._by_pk: dict[int, Balance] = {}
        wanted = {*_existing(set(keys)), *pks}
        if wanted:
            self._lock(wanted)

    def _lock(self, pks: set[int]) -> None:
        locked = list(
            CapYear.objects.filter(pk__in=pks)
            .select_related("cap")
            .order_by("pk")
            .select_for_update(of=("self",), no_key=True)
        )
        # Read after the lock: a sweep that was waited for has changed both columns.
        lapsed = dict(
            ReservedUnits.objects.filter(
                cap_year__in=pks, reservation__in=CapReservation.objects.lapsed(self._at)
            )
            .values_list("cap_year")
            .annotate(sum=Sum(F("units") - F("drawn")))
            .order_by()
        )
        for year in locked:
            held = year.reserved - lapsed.get(year.pk, NOTHING)
            balance = Balance(year.pk, year.cap.limit, year.used, held, year.used, held)
            self._balances[year.cap_id, year.starts_on] = self._by_pk[year.pk] = balance

    def of(self, cap: CapFacts) -> Balance:
        return self._balances[key_of(cap)]

    def by_pk(self, pk: int) -> Balance:
        return self._by_pk[pk]

    def seen(self, caps: Iterable[CapFacts]) -> tuple[CapFacts, ...]:
        """Return caps with what they have used and reserved by now."""
        return tuple(
            replace(cap, used=self.of(cap).used, reserved=self.of(cap).reserved)
            if key_of(cap) in self._balances
            else cap
            for cap in caps
        )

    def write(self) -> None:
        """Write what was moved, in one statement, and raise the alerts that it causes."""
        moved = [balance for balance in self._by_pk.values() if balance.moved]
        if not moved:
            return
        with connection.cursor() as cursor:
            cursor.execute(
                """
                UPDATE licensing_capyear year
                SET used = year.used + moved.used, reserved = year.reserved + moved.reserved
                FROM unnest(%s::bigint[], %s::numeric[], %s::numeric[])
                    AS moved (id, used, reserved)
                WHERE year.id = moved.id
                """,
                [
                    [balance.pk for balance in moved],
                    [balance.used - balance.used_before for balance in moved],
                    [balance.reserved - balance.reserved_before for balance in moved],
                ],
            )
        raise_alerts(
            {
                balance.pk: (
                    balance.limit,
                    balance.used_before + balance.reserved_before,
                    balance.used + balance.reserved,
                )
                for balance in moved
            },
            at=self._at,
        )


def key_of(cap: CapFacts) -> YearKey:
    if cap.starts_on is None:
        raise ValueError(f"Cap {cap.id} was loaded without its year.")
    return int(cap.id), cap.starts_on


def _existing(keys: set[YearKey]) -> list[int]:
    """Return the ids of the years, made where they were missing."""
    if not keys:
        return []
    found = _ids(keys)
    missing = sorted(keys - found.keys())
    if missing:
        # In one order for everybody, so that two makers can't wait for each other.
        CapYear.objects.bulk_create(
            [CapYear(cap_id=cap, starts_on=starts_on) for cap, starts_on in missing],
            ignore_conflicts=True,
        )
        found = _ids(keys)
    return [found[key] for key in keys]


def _ids(keys: set[YearKey]) -> dict[YearKey, int]:
    rows = CapYear.objects.filter(
        cap__in={cap for cap, _ in keys}, starts_on__in={starts_on for _, starts_on in keys}
    )
    found = {(cap, day): pk for pk, cap, day in rows.values_list("pk", "cap", "starts_on")}
    return {key: pk for key, pk in found.items() if key in keys}


# Reserving


def counted(caps: Iterable[CapFacts], request: Request) -> list[CapFacts]:
    """Return the caps that a use consumes: those of its channel whose meter it carries."""
    meters = {meter for meter, _units in request.units}
    return [cap for cap in caps if cap.meter in meters and counts(cap, request.channel)]


def reserved(request: Request, caps: Iterable[CapFacts], years: Years) -> list[ReservedUnits]:
    """Take a cleared request's units from its caps; return the rows that hold them, unsaved.

    A soft cap grants past its limit; the part past it is told in `over`. A meter that no cap
    counts is held too, without a year, so that a permit's units end.
    """
    units = {meter: sent for meter, sent in request.units if sent}
    taken = [_taken(cap, units[cap.meter], years) for cap in caps if cap.meter in units]
    capped = {row.meter for row in taken}
    return taken + [
        ReservedUnits(meter=meter, units=sent)
        for meter, sent in units.items()
        if meter not in capped
    ]


def _taken(cap: CapFacts, units: Decimal, years: Years) -> ReservedUnits:
    balance = years.of(cap)
    balance.reserved += units
    past = balance.used + balance.reserved - balance.limit
    over = min(units, max(past, NOTHING))
    return ReservedUnits(cap_year_id=balance.pk, meter=cap.meter, units=units, over=over)
