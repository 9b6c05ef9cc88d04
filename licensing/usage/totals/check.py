"""The check of the sums: the events are added up again, and compared bucket by bucket."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection

from licensing.models import EventArchive, UsageBatch
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
COMPARED_BY = ("batch_id", *PLACE, *DIMENSIONS, "counts_from")
FIGURES = ("events", "leaves", *METERS)

ARCHIVED = sql_file(__file__, "archived_batches.sql")


def _figures(rows: str, sign: str) -> str:
    figures = ", ".join(f'{sign}"{name}" AS "{name}"' for name in FIGURES)
    return f"SELECT {quoted(COMPARED_BY)}, {figures} FROM {rows}"  # noqa: S608 - names of columns


# Sums less events, so that what agrees comes to nothing.
DIFFERENCES = f"""
    SELECT {quoted(COMPARED_BY)}, {", ".join(f'coalesce(sum("{name}"), 0)' for name in FIGURES)}
    FROM (
        {_figures("licensing_usagesum WHERE batch_id = ANY(%(batches)s::bigint[])", "")}
        UNION ALL {_figures(f"({of_events(USES, 'of batches')}) uses", "-")}
        UNION ALL {_figures(f"({of_events(OTHER_LEAVES, 'of batches')}) other_leaves", "-")}
    ) told
    GROUP BY {quoted(COMPARED_BY)}
    HAVING {" OR ".join(f'coalesce(sum("{name}"), 0) <> 0' for name in FIGURES)}
    ORDER BY batch_id, month_on
"""  # noqa: S608 - names of columns


@dataclass(frozen=True, slots=True)
class Difference:
    """A bucket of a batch of which the sum says something else than the events do.

    `place` has the values of `PLACE` and `DIMENSIONS` by name; `more` says by how much the sum is
    above the events, by figure: events, leaves, and each meter in its own unit.
    """

    batch_id: int
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
        archived = batches_in_archives(batch_ids)
        left = [pk for pk in batch_ids if pk not in archived]
        found = tuple(_differences(left)) if left else ()
        yield Compared(len(left), len(archived), found)


def batches_in_archives(batch_ids: Sequence[int]) -> set[int]:
    """Return which batches cannot be added up any more: part of what they tell is in no table."""
    if not EventArchive.objects.in_place_of_tables().exists():
        return set()
    with connection.cursor() as cursor:
        cursor.execute(ARCHIVED, of_batches(batch_ids))
        return {batch_id for (batch_id,) in cursor.fetchall()}


def _differences(batch_ids: Sequence[int]) -> Iterator[Difference]:
    with connection.cursor() as cursor:
        cursor.execute(DIFFERENCES, of_batches(batch_ids))
        rows = cursor.fetchall()
    for row in rows:
        place = dict(zip(COMPARED_BY, row, strict=False))
        more = zip(FIGURES, row[len(COMPARED_BY) :], strict=True)
        yield Difference(
            batch_id=place["batch_id"],
            agreement_id=place["agreement_id"],
            month_on=place["month_on"],
            place=place,
            more={figure: amount for figure, amount in more if amount},
        )
