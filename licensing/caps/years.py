"""Caps: their years under lock, and the units that cleared requests reserve of them.

Whoever moves caps locks reservations first and years second, each in the order of their ids, so
that nobody waits in a circle. What an open reservation holds ends with its time, whether or not
the sweep has come by.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

from django.db import connection, transaction

from licensing.decision.dimensions import counts
from licensing.decision.request import CapFacts, Request
from licensing.models import Cap, ReservedUnits
from talent.periods import local_day

from .alerts import raise_alerts
from .burn_down import zone_of

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

    @property
    def is_full(self) -> bool:
        return self.used + self.reserved >= self.limit


WANTED = """
    SELECT year.id FROM licensing_capyear year
    JOIN unnest(%(caps)s::bigint[], %(days)s::date[]) AS asked (cap_id, starts_on)
        USING (cap_id, starts_on)
    UNION SELECT unnest(%(pks)s::bigint[])
"""

# Three statements in one round trip, each with a snapshot of its own: the years that are missing
# are made in one order for everybody, all are locked in the order of their ids, and what they
# hold is read after the lock, since a sweep that was waited for has changed both columns.
LOCK = f"""
    INSERT INTO licensing_capyear (cap_id, starts_on, reserved, used)
    SELECT cap_id, starts_on, 0, 0
    FROM unnest(%(caps)s::bigint[], %(days)s::date[]) AS asked (cap_id, starts_on)
    WHERE NOT EXISTS (
        SELECT FROM licensing_capyear year
        WHERE year.cap_id = asked.cap_id AND year.starts_on = asked.starts_on
    )
    ORDER BY cap_id, starts_on
    ON CONFLICT (cap_id, starts_on) DO NOTHING;

    SELECT FROM licensing_capyear WHERE id IN ({WANTED}) ORDER BY id FOR NO KEY UPDATE;

    SELECT year.id, year.cap_id, year.starts_on, cap."limit", year.used,
           year.reserved - coalesce(lapsed.held, 0)
    FROM licensing_capyear year
    JOIN licensing_cap cap ON cap.id = year.cap_id
    LEFT JOIN (
        SELECT units.cap_year_id, sum(units.units - units.drawn) AS held
        FROM licensing_capreservation reservation
        JOIN licensing_reservedunits units ON units.reservation_id = reservation.decision_id
        WHERE reservation.state = 'open' AND reservation.expires_at <= %(at)s
            AND units.cap_year_id IN ({WANTED})
        GROUP BY units.cap_year_id
    ) lapsed ON lapsed.cap_year_id = year.id
    WHERE year.id IN ({WANTED})
"""  # noqa: S608 (our own text)


class Years:
    """The years of some caps, moved in memory; locked until the transaction ends, or as read."""

    def __init__(self, keys: Iterable[YearKey], *, pks: Iterable[int] = (), at: datetime):
        """Lock the years of the keys, which are made where they are missing, and those of pks."""
        self._at = at
        self._balances: dict[YearKey, Balance] = {}
        self._by_pk: dict[int, Balance] = {}
        keys, pks = sorted(set(keys)), sorted(set(pks))
        if keys or pks:
            self._lock(keys, pks)

    @classmethod
    def as_read(cls, caps: Iterable[Cap], *, at: datetime) -> "Years":
        """Return years as they were read with their caps, unlocked: what is taken is a guess."""
        years = cls((), at=at)
        for cap in caps:
            for year in cap.years.all():
                years._add((cap.pk, year.starts_on), year.pk, cap.limit, year.used, year.held)
        return years

    def _lock(self, keys: list[YearKey], pks: list[int]) -> None:
        asked = {"caps": [cap for cap, _ in keys], "days": [day for _, day in keys]}
        with connection.cursor() as cursor:
            cursor.execute(LOCK, {**asked, "pks": pks, "at": self._at})
            while cursor.nextset():
                pass
            rows = cursor.fetchall()
        for pk, cap_id, starts_on, limit, used, held in rows:
            self._add((cap_id, starts_on), pk, limit, used, held)

    def _add(self, key: YearKey, pk: int, limit: Decimal, used: Decimal, reserved: Decimal) -> None:
        balance = Balance(pk, limit, used, reserved, used, reserved)
        self._balances[key] = self._by_pk[pk] = balance

    def __contains__(self, key: YearKey) -> bool:
        return key in self._balances

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

    def moved(self) -> list[Balance]:
        return [balance for balance in self._by_pk.values() if balance.moved]

    def write(self) -> None:
        """Write what was moved, in one statement, and raise the alerts that it causes."""
        moved = self.moved()
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


@transaction.atomic
def limits_changed(caps: Collection[int], *, at: datetime) -> None:
    """Raise what changed limits have come to mean for this fiscal year, each alert once as ever."""
    changed = Cap.objects.filter(pk__in=caps).select_related("agreement").prefetch_related("years")
    this_year = [
        year.pk
        for cap in changed
        for year in cap.years.all()
        if year.starts_on == cap.year_of(local_day(at, zone_of(cap))).starts_on
    ]
    years = Years((), pks=this_year, at=at)
    balances = [years.by_pk(pk) for pk in this_year]
    raise_alerts({one.pk: (one.limit, NOTHING, one.used + one.reserved) for one in balances}, at=at)


def key_of(cap: CapFacts) -> YearKey:
    if cap.starts_on is None:
        raise ValueError(f"Cap {cap.id} was loaded without its year.")
    return int(cap.id), cap.starts_on


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
