"""The sequencer: gives sealed batches their place in the log, one batch after the other."""

from datetime import datetime

from django.db import transaction

from licensing.models import LogHead, UsageBatch

BATCHES_AT_ONCE = 1_000


def seal(*, at: datetime) -> int:
    """Give a first index to every committed batch without one; return the number of leaves.

    An event's index is its batch's first index plus its seat. Batches still being written when
    this runs are not seen, and get later indexes from a later run: whoever has read the log up to
    an index never finds a smaller one afterwards. Running again with nothing new changes nothing.
    """
    leaves = 0
    while more := _seal_some(at):
        leaves += more
    return leaves


@transaction.atomic
def _seal_some(at: datetime) -> int:
    LogHead.objects.get_or_create(pk=1)
    # The head's lock makes this the only sequencer. Batches are read after it is held, so
    # that two runs can't both see one as unsealed.
    head = LogHead.objects.select_for_update().get(pk=1)
    batches = list(UsageBatch.objects.unsealed().order_by("pk")[:BATCHES_AT_ONCE])
    start = head.size
    for batch in batches:
        batch.first_index, batch.sealed_at = head.size, at
        head.size += batch.size
    UsageBatch.objects.bulk_update(batches, ["first_index", "sealed_at"])
    head.save(update_fields=["size"])
    return head.size - start
