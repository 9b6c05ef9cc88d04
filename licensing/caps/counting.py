"""Counting: a cap that is added counts from the log all that is in force since its start.

Whoever records uses holds a shared lock from before it reads the caps until it has counted its
uses against them; whoever adds a cap holds it alone. So no use falls between the two.

Events that were archived lie in files, which this room cannot read: `usage/archive` adds them up.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db import connection, transaction

from licensing.models import Cap, CapYear
from licensing.words import Meter
from talent.database.sql import sql_file
from talent.models import DigitalTwin
from talent.periods import local_day

from .years import raise_alerts_of_new_limits

# Waits for those who record uses at this moment, and keeps others from reading the caps.
LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('licensing_cap', 0))"

USED_IN_LOG = sql_file(
    __file__,
    "used_in_log.sql",
    quantities=" ".join(f"WHEN '{meter}' THEN event.{meter}" for meter in Meter.codes()),
)


UsedByMonth = Mapping[date, Decimal]  # by the first day of a month, in the cap's meter


@dataclass(frozen=True, slots=True)
class Counted:
    """Which uses a cap counts: of its agreement or its twins, with its meter, on its days.

    `channels` is None for every channel, `ends_on` the day after the last, None for none. Days are
    those of a use's own agreement, else in UTC, as when the use was recorded.
    """

    meter: str
    agreement: int | None
    twins: list[int]
    channels: list[str] | None
    starts_on: date
    ends_on: date | None


def counted_by(cap: Cap) -> Counted:
    """Return which uses a cap counts. One query for a performer's."""
    return Counted(
        cap.meter, cap.agreement_id, _twins_of(cap), cap.channels, cap.starts_on, cap.ends_on
    )


def not_yet_counting(caps: Collection[int]) -> list[Cap]:
    """Return those of these caps that count nothing yet, in the order of their ids."""
    rows = Cap.objects.filter(pk__in=caps, years=None).select_related("agreement")
    return list(rows.order_by("pk"))


@transaction.atomic
def count_from_log(
    caps: Collection[int], *, archived: Mapping[int, UsedByMonth], at: datetime
) -> None:
    """Begin to count with caps that were just added, and raise the alerts that this causes.

    To be called in the transaction that adds them. Each fiscal year with uses gets its row, as does
    the present one, and from then on what the cap counts is fixed. A cap that counts already is
    left as it is. `archived` is what they count of archived events, by the caps' ids.
    """
    if not caps:
        return
    with connection.cursor() as cursor:
        cursor.execute(LOCK)
    added = not_yet_counting(caps)
    years = [year for cap in added for year in _years(cap, archived.get(cap.pk, {}), at)]
    CapYear.objects.bulk_create(years)
    raise_alerts_of_new_limits({year.cap_id for year in years}, at=at)


def _years(cap: Cap, archived: UsedByMonth, at: datetime) -> list[CapYear]:
    used: dict[date, Decimal] = {}
    for month_on, quantity in [*_used_by_month(cap), *archived.items()]:
        starts_on = cap.year_of(month_on).starts_on
        used[starts_on] = used.get(starts_on, Decimal(0)) + quantity
    today = max(local_day(at, cap.time_zone), cap.starts_on)
    used.setdefault(cap.year_of(today).starts_on, Decimal(0))
    return [
        CapYear(cap=cap, starts_on=starts_on, used=quantity)
        for starts_on, quantity in sorted(used.items())
    ]


def _used_by_month(cap: Cap) -> Iterable[tuple[date, Decimal]]:
    with connection.cursor() as cursor:
        cursor.execute(USED_IN_LOG, asdict(counted_by(cap)))
        return list(cursor.fetchall())


def _twins_of(cap: Cap) -> list[int]:
    """Return the twins whose uses a cap on a twin or performer counts, composites among them."""
    if cap.twin_id is not None:
        return [cap.twin_id]
    if cap.performer_id is None:
        return []
    twins = DigitalTwin.objects.of_performers([cap.performer_id])
    return sorted(set(twins.values_list("pk", flat=True)))
