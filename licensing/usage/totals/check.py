"""The checks: events are added up again and compared with sums, and sums with totals, by bucket."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection

from licensing.models import EventArchive, UsageBatch, UsageSum
from licensing.usage.totals.statements import (
    DIMENSIONS,
    METERS,
    OTHER_LEAVES,
    PLACE,
    USES,
    of_batches,
    of_events,
    quoted,
)
from licensing.usage.totals.sums import slices
from talent.database.sql import sql_file

# Not by what was kept apart, since rates that round each event come and go.
BUCKET = (*PLACE, *DIMENSIONS, "counts_from")
BUCKET_OF_BATCH = ("batch_id", *BUCKET)
FIGURES = ("events", "leaves", *METERS)

ARCHIVED = sql_file(__file__, "archived_batches.sql")


def _differences_between(keys: Sequence[str], ours: str, *theirs: str) -> str:
    """Return a statement of the buckets in which some rows say something else than others do."""

    def figures(rows: str, sign: str) -> str:
        told = ", ".join(f'{sign}"{name}" AS "{name}"' for name in FIGURES)
        return f"SELECT {quoted(keys)}, {told} FROM {rows}"  # noqa: S608 - names of columns

    # Less the others, so that what agrees comes to nothing.
    told = " UNION ALL ".join([figures(ours, ""), *(figures(rows, "-") for rows in theirs)])
    return f"""
        SELECT {quoted(keys)}, {", ".join(f'coalesce(sum("{name}"), 0)' for name in FIGURES)}
        FROM ({told}) told
        GROUP BY {quoted(keys)}
        HAVING {" OR ".join(f'coalesce(sum("{name}"), 0) <> 0' for name in FIGURES)}
        ORDER BY {quoted(keys)}
    """  # noqa: S608 - names of columns


OF_SUMS = _differences_between(
    BUCKET_OF_BATCH,
    "licensing_usagesum WHERE batch_id = ANY(%(batches)s::bigint[])",
    f"({of_events(USES, 'of batches')}) uses",
    f"({of_events(OTHER_LEAVES, 'of batches')}) other_leaves",
)


def _of_totals(table: str, whose: str) -> str:
    sums = f"""(
        SELECT sum.* FROM licensing_usagesum sum
        JOIN licensing_usagebatch batch ON batch.id = sum.batch_id
        WHERE {whose} AND batch.first_index < %(to_index)s
    ) sums"""  # noqa: S608 - names of columns
    return _differences_between(
        BUCKET, f'"{table}" WHERE {whose} AND last_index < %(to_index)s', sums
    )


@dataclass(frozen=True, slots=True)
class Difference:
    """A bucket of a batch of which the sum says something else than the events do.

    Or, without a batch, one of which the totals say something else than the sums, or what follows
    from totals than these. `place` has the columns that make the bucket by name; `more` says by
    how much the first is above, by figure: events, leaves, and each meter in its own unit.
    """

    batch_id: int | None
    agreement_id: int | None
    month_on: date
    place: dict[str, Any]
    more: dict[str, Decimal]


@dataclass(frozen=True, slots=True)
class Compared:
    """Some batches that were compared, how many were left out, and what differs."""

    batches: int
    archived: int
    differences: tuple[Difference, ...]


def compare_sums() -> Iterator[Compared]:
    """Compare the sums of all batches with their events, some batches at a time.

    A batch without sums differs by all of its events. What lies in an archive is left out: its
    events are in no table, or those that it amends or rules on.
    """
    ids = list(UsageBatch.objects.order_by("pk").values_list("pk", flat=True))
    for batch_ids in slices(ids):
        archived = _batches_in_archives(batch_ids)
        left = [pk for pk in batch_ids if pk not in archived]
        found = tuple(_found(OF_SUMS, of_batches(left), BUCKET_OF_BATCH)) if left else ()
        yield Compared(len(left), len(archived), found)


def compare_totals(*, table: str, to_index: int) -> Iterator[Difference]:
    """Compare a table of totals with the sums of the leaves before an index of the log.

    The totals are what `insert_totals` has stored, up to that index and perhaps past it.
    """
    of_agreements = UsageSum.objects.exclude(agreement=None).order_by("agreement")
    ids = list(of_agreements.values_list("agreement", flat=True).distinct())
    until = {"to_index": to_index}
    yield from _found(_of_totals(table, "agreement_id IS NULL"), until, BUCKET)
    some_of_them = _of_totals(table, "agreement_id = ANY(%(agreements)s::bigint[])")
    for some in slices(ids):
        yield from _found(some_of_them, {**until, "agreements": list(some)}, BUCKET)


def compare_rows(*, keys: Sequence[str], ours: str, theirs: str) -> Iterator[Difference]:
    """Compare a table with another that it follows from, by the columns that make its rows.

    Both have the columns of `FIGURES`.
    """
    yield from _found(_differences_between(keys, f'"{ours}"', f'"{theirs}"'), {}, keys)


def _batches_in_archives(batch_ids: Sequence[int]) -> set[int]:
    """Return which batches cannot be added up any more: part of what they tell is in no table."""
    if not EventArchive.objects.in_place_of_tables().exists():
        return set()
    with connection.cursor() as cursor:
        cursor.execute(ARCHIVED, of_batches(batch_ids))
        return {batch_id for (batch_id,) in cursor.fetchall()}


def _found(
    statement: str, parameters: Mapping[str, Any], keys: Sequence[str]
) -> Iterator[Difference]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        rows = cursor.fetchall()
    for row in rows:
        place = dict(zip(keys, row, strict=False))
        more = zip(FIGURES, row[len(keys) :], strict=True)
        yield Difference(
            batch_id=place.get("batch_id"),
            agreement_id=place["agreement_id"],
            month_on=place["month_on"],
            place=place,
            more={figure: amount for figure, amount in more if amount},
        )
