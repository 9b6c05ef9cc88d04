"""What stretches of the log add up to: from the sums of its batches, or event by event."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Max, Min

from licensing.models import UsageBatch, UsageSum
from licensing.usage.totals.statements import (
    BUCKET,
    COLUMNS,
    DIMENSIONS,
    METERS,
    OTHER_LEAVES,
    PARAMETERS,
    PLACE,
    TERMS,
    USES,
    of_events,
    quoted,
)
from talent.database.sql import Sql, sql_file


def _of_sums(whose: str) -> Sql:
    return sql_file(
        __file__,
        "totals_of_sums.sql",
        columns=quoted([*PLACE, *DIMENSIONS, *TERMS, "uniform"], "sample."),
        sums=",\n".join(
            # Filtered, because PostgreSQL keeps room for each sum that has met a row, null or not.
            f'sum("{meter}") FILTER (WHERE "{meter}" IS NOT NULL) AS "{meter}"'
            for meter in METERS
        ),
        meters=quoted(METERS, "total."),
        whose=whose,
    )


OF_AGREEMENTS = _of_sums("sum.agreement_id = ANY(%(agreements)s::bigint[])")
OF_NO_AGREEMENT = _of_sums("sum.agreement_id IS NULL")


def insert_totals(
    *,
    table: str,
    told: Mapping[str, str],
    from_index: int,
    to_index: int,
    agreement_ids: Sequence[int] | None,
) -> None:
    """Insert what the leaves [from_index, to_index) about some agreements add up to, by their sums.

    The table is the caller's: it has the columns of `COLUMNS`, quantities in the units of their
    meters, and those of `told`, which gives for each how it follows from these, in SQL. Without
    agreements (None) the uses that name none are added up. Call it in a transaction, whose
    settings it changes.
    """
    span = batches_between(from_index, to_index)
    if span is None:
        return
    of_sums = OF_NO_AGREEMENT if agreement_ids is None else OF_AGREEMENTS
    statement = f"""
        INSERT INTO "{table}" ({quoted([*COLUMNS, *told])})
        SELECT {", ".join([quoted(COLUMNS), *told.values()])}
        FROM ({of_sums}) totals
        ORDER BY agreement_id, month_on
    """  # noqa: S608 - names of tables and columns
    with connection.cursor() as cursor:
        # For this transaction: hash all buckets at once, and do not compile for so short a time.
        cursor.execute("SET LOCAL work_mem = '128MB'; SET LOCAL jit = off")
        cursor.execute(statement, {**span, "agreements": list(agreement_ids or ())})


def agreements_used(*, from_index: int, to_index: int) -> set[int]:
    """Return ids of the agreements that the leaves [from_index, to_index) are about."""
    span = batches_between(from_index, to_index)
    if span is None:
        return set()
    sums = UsageSum.objects.filter(
        batch__gte=span["first_batch"],
        batch__lte=span["last_batch"],
        batch__first_index__gte=from_index,
        batch__first_index__lt=to_index,
        agreement__isnull=False,
    )
    return set(sums.order_by().values_list("agreement", flat=True).distinct())


def totals_of_days(
    *, agreement_id: int, since: datetime, until: datetime, to_index: int, from_index: int = 0
) -> list[dict[str, Any]]:
    """Add up one agreement's leaves [from_index, to_index) about use in [since, until), by events.

    Each row is a dict by the names of `COLUMNS`. Use whose events were archived is not in it.
    """
    parameters = {
        **PARAMETERS,
        "agreement": agreement_id,
        "since": since,
        "until": until,
        "from_index": from_index,
        "to_index": to_index,
    }
    rows: list[dict[str, Any]] = []
    for totals in (USES, OTHER_LEAVES):
        rows += _rows(_of_days(totals), parameters, COLUMNS)
    return rows


def leaves_of_days(
    *,
    agreement_id: int,
    since: datetime,
    until: datetime,
    from_index: int,
    to_index: int,
    after: int,
    at_most: int,
) -> tuple[list[dict[str, Any]], int | None]:
    """Tell leaf by leaf what `totals_of_days` adds up, from the first leaf after `after`.

    Each row is a dict by the names of `COLUMNS` and `event_id`, the event that it is about: an
    amendment has a row that takes back what it replaces, and one of its own. Returns about
    `at_most` rows, and the last leaf of these, to go on after; None where there are no more.
    """
    parameters = {
        **PARAMETERS,
        "agreement": agreement_id,
        "since": since,
        "until": until,
        "from_index": from_index,
        "to_index": to_index,
        "after": after,
        "at_most": at_most,
    }
    rows = _rows(EACH_LEAF, parameters, ("event_id", *COLUMNS))
    if len(rows) < at_most:
        return rows, None
    # The last leaf may have more rows than were asked for; it begins the next page.
    last = rows[-1]["first_index"]
    whole = [row for row in rows if row["first_index"] != last]
    return (whole, whole[-1]["first_index"]) if whole else (rows, last)


def _rows(
    statement: str, parameters: Mapping[str, Any], names: Sequence[str]
) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _leaves(totals: str) -> str:
    return f"""
        SELECT event_id, {quoted([*PLACE, *DIMENSIONS, *TERMS, "uniform"])},
               events::bigint, leaves::bigint,
               first_index + first_seat AS first_index, first_index + last_seat AS last_index,
               {quoted(METERS)}
        FROM ({of_events(totals, "of one agreement", "per leaf")}) totals
    """  # noqa: S608 - names of columns


EACH_LEAF = f"""
    SELECT {quoted(["event_id", *COLUMNS])}
    FROM (({_leaves(USES)}) UNION ALL ({_leaves(OTHER_LEAVES)})) leaf
    WHERE first_index > %(after)s
    ORDER BY first_index, events, event_id
    LIMIT %(at_most)s
"""  # noqa: S608 - names of columns


def _of_days(totals: str) -> str:
    sums = ", ".join(f'sum("{name}") AS "{name}"' for name in METERS)
    return f"""
        SELECT {quoted([*PLACE, *DIMENSIONS, *TERMS, "uniform"])},
               sum(events)::bigint, sum(leaves)::bigint,
               min(first_index + first_seat), max(first_index + last_seat), {sums}
        FROM ({of_events(totals, "of one agreement")}) totals
        GROUP BY {quoted(BUCKET)}
    """  # noqa: S608 - names of columns


def batches_between(from_index: int, to_index: int) -> dict[str, int] | None:
    """Return the parameters of statements about the batches of some leaves; None: there is none."""
    batches = UsageBatch.objects.sealed_between(from_index, to_index)
    ids = batches.aggregate(first=Min("pk"), last=Max("pk"))
    if ids["first"] is None:
        return None
    return {
        "from_index": from_index,
        "to_index": to_index,
        "first_batch": ids["first"],
        "last_batch": ids["last"],
    }
