"""Usage totals: what sealed leaves add, grouped by all that a rate can depend on.

Those of a stretch are added up during the day (`valuation/residuals/stretches.py`), those of the
rest by the night that reads it.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Max, Q

from licensing.models import Agreement, UsageSum
from licensing.usage.totals import check, of_leaves, sums
from licensing.usage.totals.check import Difference
from licensing.usage.totals.statements import DIMENSIONS, METERS, TERMS, quoted
from talent.database import binary_rows
from talent.database.sql import Sql, among, sql_file
from talent.errors import Refused
from talent.periods import Days, months_later, starts_at
from valuation.models import (
    NightRun,
    NightShard,
    RatedAgreement,
    UsageMonth,
    UsageStretch,
    UsageTotal,
)
from valuation.residuals.rating import UsageCell
from valuation.words import RunStatus, ShardStatus

# Nights that have rated an agreement's leaves, all or but for what they set aside.
RATED = [ShardStatus.DONE.value, ShardStatus.PARTLY.value]

COLUMNS = (
    *("agreement_id", "month_on", *DIMENSIONS, *TERMS),
    *("uniform", "events", "leaves", "first_index", "last_index", *METERS),
)
_SELECTED = ", ".join(f'total."{name}"' for name in COLUMNS)
SINCE = sql_file(__file__, "totals_since.sql", columns=_SELECTED)
COME_DUE = sql_file(__file__, "totals_come_due.sql", columns=_SELECTED)
OF_PERIODS = sql_file(__file__, "totals_of_periods.sql", columns=_SELECTED)

# What the pricing of a total hangs on besides its kind, its day or each of its events, is told one
# by one: it has none.
_SEEN = ", ".join([quoted(DIMENSIONS), *(f'"{meter}" IS NULL' for meter in METERS)])
KIND = f"""
    CASE WHEN counts_from IS NULL AND whole IS NULL AND NOT uniform
         THEN md5(ROW({_SEEN})::text)::uuid END
"""


def _months(whose: str) -> Sql:
    return sql_file(
        __file__,
        "months_of_totals.sql",
        meters=quoted(METERS),
        sums=", ".join(f'sum("{meter}")' for meter in METERS),
        whose=whose,
    )


MONTHS = _months("agreement_id = ANY(%(agreements)s::bigint[])")
MONTHS_OF_NOBODY = _months("agreement_id IS NULL")


class MonthIsArchived(Refused):
    """A month has to be added up anew from its events, but they were archived."""

    code = "month_is_archived"


class MonthCell(NamedTuple):
    """The use of one month, or part of one, that is equal in everything a rate depends on."""

    month_on: date
    cell: UsageCell

    @property
    def has_happened(self) -> bool:
        """Whether it is of use that had happened by the night's day."""
        return self.cell.counts_from is None

    @property
    def hides_its_events(self) -> bool:
        """Whether it does not say how much each of its events carries."""
        return not self.cell.uniform and abs(self.cell.events) != 1


# By agreement's id.
Cells = Mapping[int, Sequence[MonthCell]]


def add_up_old_batches(*, from_index: int, to_index: int) -> int:
    """Store the sums of batches among these leaves that came before the desk kept any.

    Those before them, which earlier nights have read, have no sums either until the first such
    night. Returns how many batches there were.
    """
    first = 0 if not UsageSum.objects.exists() else from_index
    return sums.store_missing_sums(from_index=first, to_index=to_index)


def add_new_leaves(run: NightRun, agreement_ids: Sequence[int] | None) -> None:
    """Store the totals of those of a run's leaves that were not added up before it began.

    Of some agreements; None: of use that names no agreement.
    """
    add_up(
        from_index=max(run.from_index, run.added_until),
        to_index=run.to_index,
        agreement_ids=agreement_ids,
    )


def add_up(*, from_index: int, to_index: int, agreement_ids: Sequence[int] | None) -> None:
    """Store what the leaves [from_index, to_index) about some agreements add up to.

    None: about use that names no agreement.
    """
    if from_index == to_index:
        return
    of_leaves.insert_totals(
        table=UsageTotal._meta.db_table,
        told={"kind": KIND},
        from_index=from_index,
        to_index=to_index,
        agreement_ids=agreement_ids,
    )
    statement = MONTHS_OF_NOBODY if agreement_ids is None else MONTHS
    agreements = list(agreement_ids or ())
    with connection.cursor() as cursor:
        cursor.execute(
            statement, {"from_index": from_index, "to_index": to_index, "agreements": agreements}
        )


def agreements_used(run: NightRun) -> set[int]:
    """Return ids of the agreements that a run's leaves are about."""
    added_until = max(run.from_index, run.added_until)
    added_up = UsageMonth.objects.between(run.from_index, added_until).exclude(agreement=None)
    return {
        *added_up.order_by().values_list("agreement", flat=True).distinct(),
        *of_leaves.agreements_used(from_index=added_until, to_index=run.to_index),
    }


def differences_from_sums() -> Iterator[Difference]:
    """Compare all that is added up with the sums of its leaves.

    What a night that is still running adds up is left out.
    """
    yield from check.compare_totals(table=UsageTotal._meta.db_table, to_index=_all_added_up_to())


def months_that_differ() -> Iterator[Difference]:
    """Compare what pages and statements show by month and use with the totals."""
    yield from check.compare_rows(
        keys=("agency_id", "agreement_id", "month_on", "use", "standing", "counts_from"),
        ours=UsageMonth._meta.db_table,
        theirs=UsageTotal._meta.db_table,
    )


def _all_added_up_to() -> int:
    running = NightRun.objects.filter(status=RunStatus.RUNNING.value).first()
    return max(running.from_index, running.added_until) if running else added_up_to()


def added_up_to() -> int:
    """Return the index up to which leaves are added up, or a night that has begun does so."""
    stretches = UsageStretch.objects.aggregate(end=Max("to_index"))["end"] or 0
    nights = NightRun.objects.aggregate(end=Max("to_index"))["end"] or 0
    return max(stretches, nights)


def last_day_rated() -> date:
    """Return the day of the last run; before the first run, the first day that there is."""
    return (
        NightRun.objects.standing().order_by("-pk").values_list("as_of", flat=True).first()
        or date.min
    )


# How far agreements are rated


@dataclass(frozen=True, slots=True)
class LastRated:
    """The last run that rated an agreement, the last of those not taken back, and its day.

    Ids are 0 where there is none. `terms` is what the last run was rated by.
    """

    run_id: int = 0
    to_index: int = 0
    standing_run_id: int = 0
    as_of: date | None = None
    terms: str | None = None


def last_rated(agreement_ids: Sequence[int]) -> dict[int, LastRated]:
    """Return by agreement how far it is rated; those that never were are left out."""
    terms: dict[int, str] = {}
    last: dict[int, LastRated] = {}
    rated = RatedAgreement.objects.filter(agreement__in=among(agreement_ids)).values_list(
        "agreement", "terms", "run", "run__to_index", "run__as_of", "run__taken_back_at"
    )
    for pk, terms[pk], run_id, to_index, as_of, taken_back_at in rated:
        if taken_back_at is None:
            last[pk] = LastRated(run_id, to_index, run_id, as_of, terms[pk])
    # A night of theirs was taken back, or rated them before the desk kept how far.
    others = NightShard.objects.filter(
        agreement__in=among(set(agreement_ids) - last.keys()), status__in=RATED
    )
    stands = Q(run__taken_back_at=None)
    runs = others.values_list("agreement").annotate(
        last_run=Max("run"),
        end=Max("run__to_index"),
        last_standing=Max("run", filter=stands),
        # The day of a night that was taken back was wrong.
        day=Max("run__as_of", filter=stands),
    )
    for pk, run_id, to_index, standing_run_id, as_of in runs:
        last[pk] = LastRated(run_id, to_index, standing_run_id or 0, as_of, terms.get(pk))
    return last


# Totals as cells


def new_cells(run: NightRun, last: Mapping[int, LastRated]) -> Cells:
    """Return what is new by a run for each agreement since it was rated, total by total."""
    return _cells(SINCE, since(run, last), run.as_of)


def since(run: NightRun, last: Mapping[int, LastRated]) -> dict[str, Any]:
    """Return the parameters of statements about what is new since agreements were rated."""
    rated_to = [one.to_index for one in last.values()]
    return {
        "from_index": run.from_index,
        "to_index": run.to_index,
        "agreements": list(last),
        "rated_to": rated_to,
    }


def cells_come_due(run: NightRun, last: Mapping[int, LastRated]) -> Cells:
    """Return what an agreement's last night read too early for it, and has happened by now."""
    rated = {pk: one for pk, one in last.items() if one.as_of is not None}
    parameters = {
        "agreements": list(rated),
        "rated_to": [one.to_index for one in rated.values()],
        "days": [one.as_of for one in rated.values()],
        "as_of": run.as_of,
    }
    return _cells(COME_DUE, parameters, run.as_of) if rated else {}


def cells_of_periods(
    run: NightRun, periods: Iterable[tuple[int, Days]]
) -> dict[tuple[int, date], list[MonthCell]]:
    """Return all use of some agreements' periods, by agreement and first day of the period."""
    wanted = list(periods)
    if not wanted:
        return {}
    parameters = {
        "to_index": run.to_index,
        "agreements": [pk for pk, _ in wanted],
        "starts": [days.starts_on for _, days in wanted],
        "ends": [days.ends_on for _, days in wanted],
    }
    cells = _cells(OF_PERIODS, parameters, run.as_of)
    return {
        (pk, days.starts_on): [
            cell for cell in cells.get(pk, ()) if days.starts_on <= cell.month_on < days.ends_on
        ]
        for pk, days in wanted
    }


def with_parts_told_apart(
    run: NightRun,
    agreement: Agreement,
    cells: Sequence[MonthCell],
    *,
    cuts: Sequence[date],
    rounds_each_event: bool,
) -> Sequence[MonthCell]:
    """Return a period's use with those months in parts in which one of `cuts` lies.

    The first day of a part stands in `month_on`. Where a rate `rounds_each_event`, months from
    before it are taken apart too. Both are added up again, event by event. Raises MonthIsArchived.
    """
    again = {cut.replace(day=1) for cut in cuts}
    if rounds_each_event:
        again |= {cell.month_on for cell in cells if cell.hides_its_events}
    left = [cell for cell in cells if cell.month_on not in again]
    for month_on in again:
        whole = [cell for cell in cells if cell.month_on == month_on]
        left += _in_parts(run, agreement, month_on, cuts, whole)
    return left


def cell_of(row: Mapping[str, Any], as_of: date) -> MonthCell:
    """Return a usage total, as a dict by `COLUMNS`, as rating works on it on a night's day."""
    return _month_cell([row[name] for name in COLUMNS], as_of)


def _month_cell(row: Sequence[Any], as_of: date) -> MonthCell:
    (
        _, month_on, production_id, right, use, territory, language, channel, prompt_class,
        real_time, standing, treatment, counts_from, whole, uniform, events, leaves, first_index,
        last_index, *quantities,
    ) = row  # fmt: skip
    by_meter = {
        meter: quantity
        for meter, quantity in zip(METERS, quantities, strict=True)
        if quantity is not None
    }
    ahead = None if counts_from is None or counts_from <= as_of else counts_from
    # In the order of its fields: there are many.
    cell = UsageCell(
        right, use, territory, language, channel, prompt_class, by_meter, real_time, standing,
        treatment, production_id, events, leaves, uniform, _decimals(whole), ahead,
        first_index, last_index,
    )  # fmt: skip
    return MonthCell(month_on, cell)


def _decimals(whole: str | dict[str, str] | None) -> dict[str, Decimal] | None:
    """Return JSON as quantities; Django's fields read it, its cursors do not."""
    if whole is None:
        return None
    told = json.loads(whole) if isinstance(whole, str) else whole
    return {meter: Decimal(text) for meter, text in told.items()}


def _cells(statement: str, parameters: Mapping[str, Any], as_of: date) -> Cells:
    cells: dict[int, list[MonthCell]] = defaultdict(list)
    for row in binary_rows.execute(statement, parameters).fetchall():
        cells[row[0]].append(_month_cell(row, as_of))
    return cells


def _in_parts(
    run: NightRun,
    agreement: Agreement,
    month_on: date,
    cuts: Sequence[date],
    whole: Sequence[MonthCell],
) -> list[MonthCell]:
    """Add a month's events up again, in parts that begin on its first day and on each cut."""
    ends_on = months_later(month_on, 1)
    starts = sorted({month_on, *(cut for cut in cuts if month_on <= cut < ends_on)})
    cells: list[MonthCell] = []
    for start, end in zip(starts, [*starts[1:], ends_on], strict=True):
        part = of_leaves.totals_of_days(
            agreement_id=agreement.pk,
            since=starts_at(start, agreement.time_zone),
            until=starts_at(end, agreement.time_zone),
            to_index=run.to_index,
        )
        cells += [cell_of(row | {"month_on": start}, run.as_of) for row in part]
    if sum(cell.cell.leaves for cell in cells) != sum(cell.cell.leaves for cell in whole):
        raise MonthIsArchived(
            f"{month_on:%B %Y} has to be added up again, because a share changes within it or a "
            "rate rounds each event, and its events are in the archive. Have the change begin "
            "with a later month."
        )
    return cells
