"""Fiscal years of caps: locked, changed in memory by the same sums everywhere, written back.

Whoever changes them locks reservations first and years second, each in the order of their ids, so
that no two wait for each other in a circle. An open reservation whose time is over holds nothing,
whether or not the sweep has settled it yet.

Two functions of the database do the same sums for a year that nobody has locked, within one
statement: `licensing_reserve_units` (a clearance with room to spare) and `licensing_settle_units`
(the end of a reservation). A migration makes them.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

from django.db import connection, transaction

from licensing.decision.dimensions import counts_channel
from licensing.decision.request import CapFacts, Request
from licensing.models import Cap
from licensing.models.caps import lapsed_units
from talent.database.sql import sql_file
from talent.periods import local_day

from .alerts import Rise, raise_alerts

NOTHING = Decimal(0)

YearKey = tuple[int, date]  # a cap's id and the first day of its fiscal year

LOCK = sql_file(
    __file__, "lock_years.sql", lapsed_units=lapsed_units("year.id", "%(at)s::timestamptz")
)
MOVE = sql_file(__file__, "move_years.sql")


@dataclass(slots=True)
class Balance:
    """What a cap's year has used and what open reservations hold of it, in the cap's meter.

    Every change of these two figures is a method here; no other code computes them.
    """

    pk: int
    limit: Decimal
    used: Decimal
    reserved: Decimal
    used_before: Decimal
    reserved_before: Decimal

    def past_limit(self, units: Decimal, *, used_already: Decimal = NOTHING) -> Decimal:
        """Return the part of further units that is past the limit, zero within it.

        Units that others have reserved are not free. `used_already` is the part of `units` that
        `used` counts already, because the use's permit was confirmed.
        """
        past = self.used - used_already + self.reserved + units - self.limit
        return max(NOTHING, min(units, past))

    def reserve(self, units: Decimal) -> Decimal:
        """Reserve units, also past the limit; return the part that is past it."""
        past = self.past_limit(units)
        self.reserved += units
        return past

    def free(self, units: Decimal) -> None:
        """Take units that a use has drawn out of what is reserved; `use` counts them as used."""
        self.reserved -= units

    def use(self, units: Decimal) -> None:
        """Count units as used."""
        self.used += units

    def give_back(self, units: Decimal) -> None:
        """Take units of a replaced use out of what is used, down to zero at most.

        A cap that was set up after that use never counted it.
        """
        self.used = max(NOTHING, self.used - units)

    @property
    def is_full(self) -> bool:
        return self.used + self.reserved >= self.limit

    @property
    def is_changed(self) -> bool:
        return (self.used, self.reserved) != (self.used_before, self.reserved_before)

    @property
    def rise(self) -> Rise:
        before = self.used_before + self.reserved_before
        return Rise(self.pk, self.limit, before, self.used + self.reserved)


class Years:
    """The balances of some caps' fiscal years; changed in memory, then written."""

    def __init__(self, *, at: datetime):
        self._at = at
        self._balances: dict[YearKey, Balance] = {}
        self._by_id: dict[int, Balance] = {}

    @classmethod
    def as_read(cls, caps: Iterable[Cap], *, at: datetime) -> "Years":
        """Return the years that were read with their caps; unlocked, so others may change them."""
        years = cls(at=at)
        for cap in caps:
            for year in cap.years.all():
                key = (cap.pk, year.starts_on)
                years._add(key, year.pk, cap.limit, year.used, year.still_reserved)
        return years

    @classmethod
    def lock(cls, keys: Iterable[YearKey], *, ids: Iterable[int] = (), at: datetime) -> "Years":
        """Lock years until the transaction ends, and return them, in one round trip.

        They are the years of `keys`, which are created where missing, and those with one of the
        `ids`. Takes no query where both are empty.
        """
        years = cls(at=at)
        keys, ids = sorted(set(keys)), sorted(set(ids))
        if keys or ids:
            years._lock(keys, ids)
        return years

    def _lock(self, keys: list[YearKey], ids: list[int]) -> None:
        caps, days = [cap for cap, _day in keys], [day for _cap, day in keys]
        with connection.cursor() as cursor:
            cursor.execute(LOCK, {"caps": caps, "days": days, "pks": ids, "at": self._at})
            while cursor.nextset():
                pass
            rows = cursor.fetchall()
        for pk, cap_id, starts_on, limit, used, reserved in rows:
            self._add((cap_id, starts_on), pk, limit, used, reserved)

    def _add(self, key: YearKey, pk: int, limit: Decimal, used: Decimal, reserved: Decimal) -> None:
        balance = Balance(pk, limit, used, reserved, used, reserved)
        self._balances[key] = self._by_id[pk] = balance

    def __contains__(self, key: YearKey) -> bool:
        return key in self._balances

    def of(self, cap: CapFacts) -> Balance:
        """Return the balance of a cap's year. Raises KeyError for a year that is not here."""
        return self._balances[year_key(cap)]

    def by_id(self, pk: int) -> Balance:
        """Return the balance of the year with an id. Raises KeyError for one not here."""
        return self._by_id[pk]

    def caps_now(self, caps: Iterable[CapFacts]) -> tuple[CapFacts, ...]:
        """Return caps with the balances of their years; without a year here a cap is unchanged."""
        return tuple(
            replace(cap, used=self.of(cap).used, reserved=self.of(cap).reserved)
            if year_key(cap) in self._balances
            else cap
            for cap in caps
        )

    def changes(self) -> list[Balance]:
        """Return the balances that differ from what was read."""
        return [balance for balance in self._by_id.values() if balance.is_changed]

    def write(self) -> None:
        """Write all changes in one statement, and raise the alerts that they cause."""
        changes = self.changes()
        if not changes:
            return
        with connection.cursor() as cursor:
            cursor.execute(
                MOVE,
                {
                    "ids": [year.pk for year in changes],
                    "used": [year.used - year.used_before for year in changes],
                    "reserved": [year.reserved - year.reserved_before for year in changes],
                },
            )
        raise_alerts([year.rise for year in changes], at=self._at)


@transaction.atomic
def raise_alerts_of_new_limits(caps: Collection[int], *, at: datetime) -> None:
    """Raise the alerts that changed limits of these caps cause in their present fiscal years.

    An alert that was raised before is not raised again.
    """
    changed = Cap.objects.filter(pk__in=caps).select_related("agreement").prefetch_related("years")
    this_year = [
        year.pk
        for cap in changed
        for year in cap.years.all()
        if year.starts_on == cap.year_of(local_day(at, cap.time_zone)).starts_on
    ]
    years = Years.lock((), ids=this_year, at=at)
    rises = [replace(years.by_id(pk).rise, before=NOTHING) for pk in this_year]
    raise_alerts(rises, at=at)


def year_key(cap: CapFacts) -> YearKey:
    """Return the key of a cap's year. Raises ValueError for facts that name no year."""
    if cap.starts_on is None:
        raise ValueError(f"Cap {cap.id} was loaded without its year.")
    return int(cap.id), cap.starts_on


def caps_consumed(caps: Iterable[CapFacts], request: Request) -> list[CapFacts]:
    """Return the caps that a use consumes: those of its channel whose meter it carries."""
    meters = {meter for meter, _units in request.units}
    return [cap for cap in caps if cap.meter in meters and counts_channel(cap, request.channel)]
