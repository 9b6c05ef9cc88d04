"""Usage totals: what each night's new leaves added, by what a rate may look at."""

from datetime import date
from typing import Any

from django.db.models import Sum

from licensing.usage import totals as usage_totals
from licensing.usage.totals import DIMENSIONS, METERS
from talent.periods import Days
from valuation.models import NightRun, NightShard, UsageTotal
from valuation.residuals.rating import UsageCell
from valuation.words import ShardStatus

# A usage total by column: rows are many, and a dict is made faster than a model.
Row = dict[str, Any]
SPAN = ("run_id", "month_on", "events", "leaves", "uniform", "first_index", "last_index")
COLUMNS = (*SPAN, *DIMENSIONS, *METERS)


def add_new_leaves(run: NightRun) -> int:
    """Store the totals of the run's leaves [from_index, to_index); return how many leaves."""
    usage_totals.insert_totals(
        table=UsageTotal._meta.db_table,
        keys={"run_id": run.pk},
        from_index=run.from_index,
        to_index=run.to_index,
    )
    return UsageTotal.objects.filter(run=run).aggregate(sum=Sum("leaves"))["sum"] or 0


def last_rated(agreement_id: int) -> tuple[int, date | None]:
    """Return the last night that rated an agreement, and the day it was for (0, None: none)."""
    done = NightShard.objects.filter(agreement=agreement_id, status=ShardStatus.DONE.value)
    last = done.order_by("-run").values_list("run", "run__as_of").first()
    return last or (0, None)


def unrated(run: NightRun, agreement_id: int, last_run_id: int) -> list[Row]:
    """Return an agreement's totals of the nights after the last that rated it, up to this one."""
    return _rows(agreement=agreement_id, run__gt=last_run_id, run__lte=run.pk)


def between(run: NightRun, agreement_id: int, days: Days) -> list[Row]:
    """Return an agreement's totals of the months within some days, of all nights to this one."""
    return _rows(
        agreement=agreement_id,
        run__lte=run.pk,
        month_on__gte=days.starts_on,
        month_on__lt=days.ends_on,
    )


def cell_of(row: Row) -> UsageCell:
    """Return one total as the cell that rating works on."""
    return UsageCell(
        **{name: row[name] for name in DIMENSIONS},
        quantities={meter: row[meter] for meter in METERS if row[meter] is not None},
        events=row["events"],
        leaves=row["leaves"],
        uniform=row["uniform"],
    )


def _rows(**conditions: Any) -> list[Row]:
    totals = UsageTotal.objects.filter(**conditions).order_by("pk")
    return list(totals.values(*COLUMNS))
