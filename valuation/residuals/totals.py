"""Usage totals: new leaves summed once, by what rates can see, in one pass of SQL."""

from datetime import date
from typing import Any

from django.db import connection
from django.db.models import Sum

from licensing.models import RateLine
from licensing.words import Meter
from talent.periods import Days
from valuation.models import NightRun, NightShard, UsageTotal
from valuation.residuals.pricing import PER_EVENT
from valuation.residuals.rating import Cell
from valuation.words import ShardStatus

METERS = [meter.value for meter in Meter]
DIMENSIONS = (
    "production_id",
    "right",
    "use",
    "territory",
    "language",
    "channel",
    "prompt_class",
    "real_time",
    "standing",
)

KEPT = ("run_id", "month_on", "events", "uniform", "first_index", "last_index")

Row = dict[str, Any]

# Leaves of agreements with a rate that rounds each event are kept apart by their quantities,
# so that every event of such a total can still be rounded by itself.
SUM_NEW_LEAVES = """
    INSERT INTO valuation_usagetotal (
        run_id, agency_id, agreement_id, month_on, {dimensions}, uniform,
        events, first_index, last_index, {meters}
    )
    SELECT %(run)s, event.agency_id, event.agreement_id,
           date_trunc('month', event.occurred_at AT TIME ZONE
                      coalesce(agreement.time_zone, 'UTC'))::date,
           {event_dimensions}, {uniform},
           count(*), min(batch.first_index + event.seat), max(batch.first_index + event.seat),
           {sums}
    FROM licensing_usageevent event
    JOIN licensing_usagebatch batch ON batch.id = event.batch_id
    LEFT JOIN licensing_agreement agreement ON agreement.id = event.agreement_id
    {join}
    WHERE batch.first_index >= %(from)s AND batch.first_index < %(to)s AND event.kind = 'use'
    GROUP BY event.agency_id, event.agreement_id, 4, {event_dimensions} {apart}
"""
ROUNDED = """
    LEFT JOIN (
        SELECT DISTINCT card.agreement_id
        FROM licensing_rateline line JOIN licensing_ratecard card ON card.id = line.card_id
        WHERE line.round_quantity = ANY(%(per_event)s)
    ) rounded ON rounded.agreement_id = event.agreement_id
"""
APART = """,
    rounded.agreement_id, CASE WHEN rounded.agreement_id IS NOT NULL THEN ROW({quantities}) END
"""


def add_new_leaves(run: NightRun) -> int:
    """Add the run's leaves [from_index, to_index) to the totals; return how many they are."""
    quoted = [f'"{name}"' for name in DIMENSIONS]
    quantities = [f'event."{meter}"' for meter in METERS]
    statement = SUM_NEW_LEAVES.format(
        dimensions=", ".join(quoted),
        meters=", ".join(f'"{meter}"' for meter in METERS),
        event_dimensions=", ".join(f"event.{name}" for name in quoted),
        sums=", ".join(f"sum({quantity})" for quantity in quantities),
        **_apart(quantities),
    )
    with connection.cursor() as cursor:
        # For this transaction: else the planner sorts the events on disk instead of hashing.
        cursor.execute("SET LOCAL work_mem = '256MB'")
        cursor.execute(
            statement,
            {
                "run": run.pk,
                "from": run.from_index,
                "to": run.to_index,
                "per_event": [rounding.value for rounding in PER_EVENT],
            },
        )
    return UsageTotal.objects.filter(run=run).aggregate(sum=Sum("events"))["sum"] or 0


def _apart(quantities: list[str]) -> dict[str, str]:
    """Say how uniform totals are kept apart; comparing all quantities is dear where none are."""
    per_event = [rounding.value for rounding in PER_EVENT]
    if not RateLine.objects.filter(round_quantity__in=per_event).exists():
        return {"uniform": "false", "join": "", "apart": ""}
    return {
        "uniform": "rounded.agreement_id IS NOT NULL",
        "join": ROUNDED,
        "apart": APART.format(quantities=", ".join(quantities)),
    }


def last_rated(agreement_id: int) -> tuple[int, date | None]:
    """Return the last night that rated an agreement, and the day it was for (0, None: none)."""
    done = NightShard.objects.filter(agreement=agreement_id, status=ShardStatus.DONE.value)
    last = done.order_by("-run").values_list("run", "run__as_of").first()
    return last or (0, None)


def unrated(run: NightRun, agreement_id: int, last_run_id: int) -> list[Row]:
    """Return the totals of new leaves: those of nights after the last that rated them."""
    return _rows(agreement=agreement_id, run__gt=last_run_id, run__lte=run.pk)


def between(run: NightRun, agreement_id: int, days: Days) -> list[Row]:
    """Return an agreement's totals of the months within some days, of all nights to this one."""
    return _rows(
        agreement=agreement_id,
        run__lte=run.pk,
        month_on__gte=days.starts_on,
        month_on__lt=days.ends_on,
    )


def _rows(**conditions: Any) -> list[Row]:
    totals = UsageTotal.objects.filter(**conditions).order_by("pk")
    return list(totals.values(*KEPT, *DIMENSIONS, *METERS))


def cell_of(row: Row) -> Cell:
    """Return one total as the cell that rating works on."""
    dimensions = {name: row[name] for name in DIMENSIONS}
    quantities = {meter: row[meter] for meter in METERS if row[meter] is not None}
    return Cell(**dimensions, quantities=quantities, events=row["events"], uniform=row["uniform"])
