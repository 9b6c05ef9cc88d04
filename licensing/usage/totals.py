"""Usage totals: what leaves of the log add up to, by what a rate may look at, in one pass of SQL.

A use or a report adds its quantities. An amendment takes back those of the event it replaces and
adds its own; a ruling moves them from one treatment to another. A use that crossed a cap is two
parts, which are rated apart.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import connection

from licensing.models import RateLine
from licensing.wire.instants import SKEW
from licensing.words import EACH_EVENT, Meter
from talent.database.sql import sql_file

METERS = tuple(meter.value for meter in Meter)
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
    "treatment",
)
# What the pricing of a total hangs on besides: from which day it counts, for uses that came before
# they happened, and the whole of the events that it has a part of.
TERMS = ("counts_from", "whole")
SPAN = ("uniform", "events", "leaves", "first_index", "last_index")
COLUMNS = ("agency_id", "agreement_id", "month_on", *DIMENSIONS, *TERMS, *SPAN, *METERS)

USES = sql_file(__file__, "totals_of_uses.sql")
OTHER_LEAVES = sql_file(__file__, "totals_of_other_leaves.sql")
INSERT = "INSERT INTO {table} ({into}) SELECT {keys}, {columns} FROM (\n{totals}\n) totals"


def insert_totals(
    *, table: str, keys: Mapping[str, int], from_index: int, to_index: int, zone: str
) -> None:
    """Insert the totals of the leaves [from_index, to_index) into a table of the caller's.

    The table has the columns of `COLUMNS`, quantities in the units of their meters, and those of
    `keys`, whose values every row gets. `zone` is that of the days from which uses count that came
    before they happened. Call it in a transaction, whose `work_mem` it raises.
    """
    parameters = {**keys, **_span(from_index, to_index, zone)}
    with connection.cursor() as cursor:
        # For this transaction: else the planner sorts the events on disk instead of hashing.
        cursor.execute("SET LOCAL work_mem = '256MB'")
        for totals in (USES, OTHER_LEAVES):
            text = without(totals, "of one agreement")
            text = text if _some_rate_rounds_events() else without(text, "per event")
            cursor.execute(_insert(table, keys, text), parameters)


def totals_of_days(
    *, agreement_id: int, since: datetime, until: datetime, to_index: int, zone: str
) -> list[dict[str, Any]]:
    """Add up one agreement's leaves below `to_index` about use in [since, until).

    Each row is a dict by the names of `COLUMNS`. Use whose events were archived is not in it.
    """
    parameters = {
        **_span(0, to_index, zone),
        "agreement": agreement_id,
        "since": since,
        "until": until,
    }
    rows = []
    with connection.cursor() as cursor:
        for totals in (USES, OTHER_LEAVES):
            cursor.execute(totals, parameters)
            names = [column.name for column in cursor.description or ()]
            rows += [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return rows


def without(totals: str, mark: str) -> str:
    """Return a totals statement without its lines that end in `  -- ` and a mark.

    “per event” keeps apart the events whose quantities a rate line rounds one by one; where no
    rate line does, the statement is faster without. “of one agreement” narrows it to some days.
    """
    return "\n".join(line for line in totals.splitlines() if not line.endswith(f"  -- {mark}"))


def _span(from_index: int, to_index: int, zone: str) -> dict[str, Any]:
    return {
        "from_index": from_index,
        "to_index": to_index,
        "each_event": [rounding.value for rounding in EACH_EVENT],
        "skew": f"{SKEW.total_seconds()} seconds",
        "zone": zone,
    }


def _some_rate_rounds_events() -> bool:
    each_event = [rounding.value for rounding in EACH_EVENT]
    return RateLine.objects.filter(round_quantity__in=each_event).exists()


def _insert(table: str, keys: Iterable[str], totals: str) -> str:
    columns = ", ".join(f'"{name}"' for name in COLUMNS)
    return INSERT.format(
        table=f'"{table}"',
        into=", ".join([*keys, columns]),
        keys=", ".join(f"%({name})s" for name in keys),
        columns=columns,
        totals=totals,
    )
