"""Usage totals: what each night's new leaves add, grouped by all that a rate can depend on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Max, Q, Sum

from licensing.models import Agreement
from licensing.usage import totals as usage_totals
from licensing.usage.totals import DIMENSIONS, METERS, TERMS
from talent.errors import Refused
from talent.periods import Days, months_later, starts_at
from valuation.models import NightRun, NightShard, UsageTotal
from valuation.residuals.rating import UsageCell
from valuation.words import ShardStatus

# Nights that have rated an agreement's leaves, all or but for what they set aside.
RATED = [ShardStatus.DONE.value, ShardStatus.PARTLY.value]

# A usage total as a dict by column: there are many rows, and dicts are faster than models.
Row = dict[str, Any]
SPAN = ("run_id", "month_on", "events", "leaves", "uniform", "first_index", "last_index")
COLUMNS = (*SPAN, *DIMENSIONS, *TERMS, *METERS)


class MonthIsArchived(Refused):
    """A month has to be added up anew from its events, but they were archived."""

    code = "month_is_archived"


def add_new_leaves(run: NightRun) -> int:
    """Store the totals of the run's leaves [from_index, to_index); return the number of leaves."""
    usage_totals.insert_totals(
        table=UsageTotal._meta.db_table,
        keys={"run_id": run.pk},
        from_index=run.from_index,
        to_index=run.to_index,
        zone=run.zone,
    )
    return UsageTotal.objects.filter(run=run).aggregate(sum=Sum("leaves"))["sum"] or 0


@dataclass(frozen=True, slots=True)
class LastRated:
    """The last run that rated an agreement, the last of those not taken back, and its day."""

    run_id: int
    standing_run_id: int
    as_of: date | None


def last_rated(agreement_id: int) -> LastRated:
    """Return when an agreement was rated last; ids are 0 if it never was."""
    done = NightShard.objects.filter(agreement=agreement_id, status__in=RATED)
    last = done.aggregate(
        last_run=Max("run"),
        standing=Max("run", filter=Q(run__taken_back_at=None)),
        # The day of a night that was taken back was wrong.
        as_of=Max("run__as_of", filter=Q(run__taken_back_at=None)),
    )
    return LastRated(last["last_run"] or 0, last["standing"] or 0, last["as_of"])


def last_day_rated() -> date:
    """Return the day of the last run; before the first run, the first day that there is."""
    return (
        NightRun.objects.standing().order_by("-pk").values_list("as_of", flat=True).first()
        or date.min
    )


def unrated(run: NightRun, agreement_id: int, last_run_id: int) -> list[Row]:
    """Return an agreement's totals from runs after `last_run_id`, up to and including `run`."""
    return _rows(agreement=agreement_id, run__gt=last_run_id, run__lte=run.pk)


def between(
    run: NightRun,
    agreement: Agreement,
    days: Days,
    *,
    cuts: Sequence[date],
    rounds_each_event: bool,
) -> list[Row]:
    """Return an agreement's totals of the months within `days`, from all runs up to `run`.

    A month in which one of `cuts` lies is told in parts, whose first days stand in `month_on`.
    Where a rate `rounds_each_event`, totals from before it are taken apart. Raises MonthIsArchived.
    """
    rows = _rows(
        agreement=agreement.pk,
        run__lte=run.pk,
        month_on__gte=days.starts_on,
        month_on__lt=days.ends_on,
    )
    to_add_up_again = {cut.replace(day=1) for cut in cuts}
    if rounds_each_event:
        to_add_up_again |= {row["month_on"] for row in rows if _hides_its_events(row)}
    for month_on in to_add_up_again:
        whole = [row for row in rows if row["month_on"] == month_on]
        rows = [row for row in rows if row["month_on"] != month_on]
        rows += _in_parts(run, agreement, month_on, cuts, whole)
    return rows


def months_of(run: NightRun, agreement_id: int) -> set[date]:
    """Return the months for which an agreement has totals of runs up to `run`."""
    totals = UsageTotal.objects.filter(agreement=agreement_id, run__lte=run.pk)
    return set(totals.values_list("month_on", flat=True).distinct())


def come_due(agreement_id: int, last_run_id: int, days: Days) -> list[Row]:
    """Return an agreement's totals that a run up to `last_run_id` read too early for them.

    They began to count after the first of `days`, the day of that run, and by the last.
    """
    return _rows(
        agreement=agreement_id,
        run__lte=last_run_id,
        counts_from__gt=days.starts_on,
        counts_from__lte=days.ends_on,
    )


def cell_of(row: Row, as_of: date) -> UsageCell:
    """Return a usage total as the UsageCell that `rating` works on, as of a night's day."""
    return UsageCell(
        **{name: row[name] for name in DIMENSIONS},
        quantities={meter: row[meter] for meter in METERS if row[meter] is not None},
        events=row["events"],
        leaves=row["leaves"],
        uniform=row["uniform"],
        first_index=row["first_index"],
        last_index=row["last_index"],
        whole=row["whole"] and {meter: Decimal(text) for meter, text in row["whole"].items()},
        counts_from=None if counts_by(row, as_of) else row["counts_from"],
    )


def counts_by(row: Row, as_of: date) -> bool:
    """Tell whether what a total tells of has happened by a night's day."""
    return row["counts_from"] is None or row["counts_from"] <= as_of


def _hides_its_events(row: Row) -> bool:
    """Tell whether a total does not say how much each of its events carries."""
    return not row["uniform"] and abs(row["events"]) != 1


def _in_parts(
    run: NightRun,
    agreement: Agreement,
    month_on: date,
    cuts: Sequence[date],
    whole: Sequence[Row],
) -> list[Row]:
    """Add a month's events up again, in parts that begin on its first day and on each cut."""
    ends_on = months_later(month_on, 1)
    starts = sorted({month_on, *(cut for cut in cuts if month_on <= cut < ends_on)})
    rows: list[Row] = []
    for start, end in zip(starts, [*starts[1:], ends_on], strict=True):
        part = usage_totals.totals_of_days(
            agreement_id=agreement.pk,
            since=starts_at(start, agreement.time_zone),
            until=starts_at(end, agreement.time_zone),
            to_index=run.to_index,
            zone=run.zone,
        )
        rows += [row | {"month_on": start} for row in part]
    if sum(row["leaves"] for row in rows) != sum(row["leaves"] for row in whole):
        raise MonthIsArchived(
            f"{month_on:%B %Y} has to be added up again, because a share changes within it or a "
            "rate rounds each event, and its events are in the archive. Have the change begin "
            "with a later month."
        )
    return rows


def _rows(**conditions: Any) -> list[Row]:
    totals = UsageTotal.objects.filter(**conditions).order_by("pk")
    return list(totals.values(*COLUMNS))
