"""Stretches: parts of the log that are added up during the day, so that the night finds totals.

A night reads the leaves that were sealed before the end of its day. So a stretch has leaves sealed
on one day: a night reads all of it or nothing.
"""

from datetime import datetime
from itertools import takewhile

import pgtrigger
from django.db import transaction

from licensing.models import UsageBatch
from licensing.usage.totals import of_leaves, sums
from talent.database.locks import lock_until_commit
from talent.periods import local_day
from valuation.models import UsageMonth, UsageStretch, UsageTotal
from valuation.residuals import totals

# Of so many batches is a stretch, where the day has more: of some millions of leaves, if a studio
# sends a thousand at once. Fewer wait for the end of their day, so that what is alike is one total.
BATCHES = 2_000
LOCK = "adding up sealed usage"


def add_up_sealed(*, now: datetime, zone: str = "UTC") -> int:
    """Add up what was sealed on days that are over, and much of today; return how many leaves.

    Days are those of a zone. Each stretch is a transaction, so that it goes on where it was killed.
    """
    return sum(iter(lambda: _add_up_next(now, zone), 0))


def end_at(*, from_index: int, to_index: int) -> int:
    """Return the index from `from_index` on up to which the leaves [from, to) are added up.

    What was added up past `to_index` in a stretch that begins before it is taken back. Holds off
    who adds up until the transaction ends.
    """
    lock_until_commit(LOCK)
    if cut := UsageStretch.objects.filter(from_index__lt=to_index, to_index__gt=to_index).first():
        _take_back_from(cut.from_index)
    whole = UsageStretch.objects.filter(from_index__gte=from_index, to_index__lte=to_index)
    last = whole.order_by("-to_index").values_list("to_index", flat=True).first()
    return from_index if last is None else last


@transaction.atomic
def _add_up_next(now: datetime, zone: str) -> int:
    """Add up the next stretch; return how many leaves it has, 0 where there is none yet."""
    lock_until_commit(LOCK)
    start = totals.added_up_to()
    end = _end_of_stretch(start, now, zone)
    if end == start:
        return 0
    totals.add_up_old_batches(from_index=start, to_index=end)
    used = sorted(of_leaves.agreements_used(from_index=start, to_index=end))
    for agreement_ids in (None, *sums.slices(used)):
        totals.add_up(from_index=start, to_index=end, agreement_ids=agreement_ids)
    UsageStretch.objects.create(from_index=start, to_index=end)
    return end - start


def _end_of_stretch(start: int, now: datetime, zone: str) -> int:
    """Return where the stretch ends that begins at an index: there, as long as it has to wait."""
    sealed = UsageBatch.objects.filter(first_index__gte=start).order_by("first_index")
    batches = sealed.values_list("first_index", "size", "sealed_at")[: BATCHES + 1]
    told = [
        (first_index + size, local_day(sealed_at, zone))
        for first_index, size, sealed_at in batches
        if first_index is not None and sealed_at is not None
    ]
    if not told:
        return start
    _, day = told[0]
    # Until the day changes: a clock that is set back makes a day begin again.
    of_day = [end for end, _ in takewhile(lambda batch: batch[1] == day, told)]
    is_over = len(of_day) < len(told) or day < local_day(now, zone)
    return of_day[:BATCHES][-1] if is_over or len(of_day) >= BATCHES else start


def _take_back_from(index: int) -> None:
    """Forget what was added up from the beginning of a stretch on, and no night has read."""
    with pgtrigger.ignore("valuation.UsageTotal:append_only", "valuation.UsageMonth:append_only"):
        for added_up in (UsageTotal, UsageMonth):
            added_up.objects.filter(last_index__gte=index).delete()
    UsageStretch.objects.filter(from_index__gte=index).delete()
