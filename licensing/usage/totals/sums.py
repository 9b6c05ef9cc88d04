"""Sums: each batch is added up once, when it comes. From then on sums are added to sums.

A sum waits for no other transaction and changes no row, so that batches that come at once do not
meet in it.
"""

from collections.abc import Iterator, Sequence

from django.db import connection, transaction
from django.db.models import Exists, OuterRef

from licensing.models import UsageBatch, UsageSum
from licensing.prepared_statements import fetch_prepared
from licensing.usage.totals.statements import (
    BUCKET,
    DIMENSIONS,
    METERS,
    OTHER_LEAVES,
    PLACE,
    TERMS,
    USES,
    of_batches,
    of_events,
    quoted,
)

COLUMNS = (
    *("batch_id", *PLACE, *DIMENSIONS, *TERMS, "uniform"),
    *("events", "leaves", "first_seat", "last_seat", *METERS),
)
# So many are added up at once: two hundred thousand events at most.
BATCHES_AT_ONCE = 200


def _store(kind: str, totals: str, *marks: str) -> str:
    """Return a statement that stores sums; `kind` keeps its buckets apart from the other's."""
    return f"""
        INSERT INTO licensing_usagesum (bucket, {quoted(COLUMNS)})
        SELECT md5(ROW('{kind}', {quoted(BUCKET)})::text)::uuid, {quoted(COLUMNS)}
        FROM ({of_events(totals, *marks)}) totals
        RETURNING batch_id
    """  # noqa: S608 - names of columns


NEW_USES = _store("uses", USES, "of batches", "of new events")
NEW_OTHER_LEAVES = _store("other leaves", OTHER_LEAVES, "of batches", "of new events")
OLD = (_store("uses", USES, "of batches"), _store("other leaves", OTHER_LEAVES, "of batches"))


def store_sums(*, batch_id: int, event_ids: Sequence[int], has_other_leaves: bool) -> None:
    """Store what a batch adds up to, in the transaction that stores its events.

    Other leaves than ordinary uses are amendments, rulings, reports and uses that crossed a cap.
    """
    parameters = {
        **of_batches([batch_id]),
        "first_event": min(event_ids),
        "last_event": max(event_ids),
    }
    fetch_prepared(NEW_USES, parameters)
    if has_other_leaves:
        fetch_prepared(NEW_OTHER_LEAVES, parameters)


def store_missing_sums(*, from_index: int, to_index: int) -> int:
    """Store the sums of sealed batches that have none; return how many batches there were.

    None have those that came before the desk added up as it records. Each few are a transaction,
    so that it goes on where it was killed. What was archived is not added up.
    """
    has_sums = UsageSum.objects.filter(batch=OuterRef("pk"))
    batches = UsageBatch.objects.sealed_between(from_index, to_index).filter(~Exists(has_sums))
    missing = list(batches.order_by("pk").values_list("pk", flat=True))
    for batch_ids in slices(missing):
        with transaction.atomic(), connection.cursor() as cursor:
            for statement in OLD:
                cursor.execute(statement, of_batches(batch_ids))
    return len(missing)


def slices(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    """Yield so many batches, or agreements, as are read at once."""
    for start in range(0, len(ids), BATCHES_AT_ONCE):
        yield ids[start : start + BATCHES_AT_ONCE]
