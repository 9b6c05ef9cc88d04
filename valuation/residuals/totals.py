"""Usage totals: what each night's new leaves add, grouped by all that a rate can depend on."""

from datetime import date
from typing import Any

from django.db.models import Sum

from licensing.usage import totals as usage_totals
from licensing.usage.totals import DIMENSIONS, METERS
from talent.periods import Days
from valuation.models import NightRun, NightShard, UsageTotal
from valuation.residuals.rating import UsageCell
from valuation.words import ShardStatus

# A usage total as a dict by column: there are many rows, and dicts are faster than models.
Row = dict[str, Any]
SPAN = ("run_id", "month_on", "events", "leaves", "uniform", "first_index", "last_index")
COLUMNS = (*SPAN, *DIMENSIONS, *METERS)


def add_new_leaves(run: NightRun) -> int:
    """Store the totals of the run's leaves [from_index, to_index); return the number of leaves."""
    usage_totals.insert_totals(
        table=UsageTotal._meta.db_table,
        keys={"run_id": run.pk},
        from_index=run.from_index,
        to_index=run.to_index,
    )
    return UsageTotal.objects.filter(run=run).aggregate(sum=Sum("leaves"))["sum"] or 0


def last_rated(agreement_id: int) -> tuple[int, date | None]:
    """Return the id and the day of the last run that rated an agreement; (0, None) if none did."""
    done = NightShard.objects.filter(agreement=agreement_id, status=ShardStatus.DONE.value)
    last = done.order_by("-run").values_list("run", "run__as_of").first()
    return last or (0, None)


def unrated(run: NightRun, agreement_id: int, last_run_id: int) -> list[Row]:
    """Return an agreement's totals from runs after `last_run_id`, up to and including `run`."""
    return _rows(agreement=agreement_id, run__gt=last_run_id, run__lte=run.pk)


def between(run: NightRun, agreement_id: int, days: Days) -> list[Row]:
    """Return an agreement's totals of the months within `days`, from all runs up to `run`."""
    return _rows(
        agreement=agreement_id,
        run__lte=run.pk,
        month_on__gte=days.starts_on,
        month_on__lt=days.ends_on,
    )


def cell_of(row: Row) -> UsageCell:
    """Return a usage total as the UsageCell that `rating` works on."""
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
