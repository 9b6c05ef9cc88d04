"""Counting: a cap that is added counts from the log all that is in force since its start.

Whoever records uses holds a shared lock from before it reads the caps until it has counted its
uses against them; whoever adds a cap holds it alone. So no use falls between the two.
"""

from collections.abc import Collection
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


@transaction.atomic
def count_from_log(caps: Collection[int], *, at: datetime) -> None:
    """Begin to count with caps that were just added, and raise the alerts that this causes.

    To be called in the transaction that adds them. Each fiscal year with uses gets its row, as does
    the present one, and from then on what the cap counts is fixed. A cap that counts already is
    left as it is.
    """
    if not caps:
        return
    with connection.cursor() as cursor:
        cursor.execute(LOCK)
    added = Cap.objects.filter(pk__in=caps, years=None).select_related("agreement").order_by("pk")
    years = [year for cap in added for year in _years(cap, at)]
    CapYear.objects.bulk_create(years)
    raise_alerts_of_new_limits({year.cap_id for year in years}, at=at)


def _years(cap: Cap, at: datetime) -> list[CapYear]:
    used: dict[date, Decimal] = {}
    for month_on, quantity in _used_by_month(cap):
        starts_on = cap.year_of(month_on).starts_on
        used[starts_on] = used.get(starts_on, Decimal(0)) + quantity
    today = max(local_day(at, cap.time_zone), cap.starts_on)
    used.setdefault(cap.year_of(today).starts_on, Decimal(0))
    return [
        CapYear(cap=cap, starts_on=starts_on, used=quantity)
        for starts_on, quantity in sorted(used.items())
    ]


def _used_by_month(cap: Cap) -> list[tuple[date, Decimal]]:
    with connection.cursor() as cursor:
        cursor.execute(
            USED_IN_LOG,
            {
                "meter": cap.meter,
                "agreement": cap.agreement_id,
                "twins": _twins_of(cap),
                "channels": cap.channels,
                "starts_on": cap.starts_on,
                "ends_on": cap.ends_on,
            },
        )
        return list(cursor.fetchall())


def _twins_of(cap: Cap) -> list[int]:
    """Return the twins whose uses a cap on a twin or performer counts, composites among them."""
    if cap.twin_id is not None:
        return [cap.twin_id]
    if cap.performer_id is None:
        return []
    twins = DigitalTwin.objects.of_performers([cap.performer_id])
    return sorted(set(twins.values_list("pk", flat=True)))
