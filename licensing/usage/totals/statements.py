"""Usage totals: what leaves of the log add up to, by what a rate may look at.

A use or a report adds its quantities. An amendment takes back those of the event it replaces and
adds its own; a ruling moves them from one treatment to another. A use that crossed a cap is two
parts, which are rated apart.
"""

from collections.abc import Sequence
from typing import Any

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
PLACE = ("agency_id", "agreement_id", "month_on")
SPAN = ("uniform", "events", "leaves", "first_index", "last_index")
COLUMNS = (*PLACE, *DIMENSIONS, *TERMS, *SPAN, *METERS)
# What makes a bucket, in which sums of many batches are one: what a rate can see, whether they add
# or take back, and the quantities of events that are kept apart.
BUCKET = (*PLACE, *DIMENSIONS, *TERMS, "uniform", "adds", "apart")

USES = sql_file(__file__, "totals_of_uses.sql")
OTHER_LEAVES = sql_file(__file__, "totals_of_other_leaves.sql")
MARKS = ("of batches", "of new events", "of one agreement", "per leaf")
PARAMETERS: dict[str, Any] = {
    "each_event": [rounding.value for rounding in EACH_EVENT],
    "skew": f"{SKEW.total_seconds()} seconds",
}


def of_events(totals: str, *marks: str) -> str:
    """Return a totals statement with only those of its marked lines that have these marks."""
    left_out = tuple(f"-- {mark}" for mark in MARKS if mark not in marks)
    return "\n".join(line for line in totals.splitlines() if not line.endswith(left_out))


def of_batches(batch_ids: Sequence[int]) -> dict[str, Any]:
    """Return the parameters of statements “of batches”."""
    return {
        **PARAMETERS,
        "batches": list(batch_ids),
        "first_batch": min(batch_ids),
        "last_batch": max(batch_ids),
    }


def quoted(names: Sequence[str], of: str = "") -> str:
    """Return names of columns as a list in SQL."""
    return ", ".join(f'{of}"{name}"' for name in names)
