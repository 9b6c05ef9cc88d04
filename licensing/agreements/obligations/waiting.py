"""Waiting: what is late or due soon of each agreement, kept for the desk's index.

To derive it takes a look at every agreement, which nobody should do at each opening of a page. A
sweep derives it; whoever says something of an obligation drops what was kept.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.core.cache import cache
from django.db import transaction

from licensing.models import Agreement
from licensing.words import ObligationState

from .derived import oblige, waiting_among

KEY = "obligations-that-wait"
# Longer than from one sweep to the next; without a sweep it is derived at each opening.
LASTS = timedelta(minutes=15)

# The states of what waits, by the number of its agreement.
Waiting = Mapping[int, list[str]]


def keep(*, at: datetime) -> int:
    """Derive what waits and keep it; return how many agreements have something that waits."""
    waiting = derive(at=at)
    cache.set(KEY, waiting, LASTS.total_seconds())
    return len(waiting)


def derive(*, at: datetime) -> Waiting:
    """Return what waits of all agreements, in a fixed number of queries."""
    numbers = Agreement.objects.filter(oblige(at)).values_list("pk", flat=True)
    waiting: dict[int, list[str]] = {}
    for one in waiting_among(numbers, at=at):
        waiting.setdefault(one.agreement.pk, []).append(ObligationState(one.state).value)
    return waiting


def known(*, at: datetime) -> Waiting:
    """Return what was kept, in one query; derive it where nothing is. Writes nothing."""
    kept: Waiting | None = cache.get(KEY)
    return derive(at=at) if kept is None else kept


def forget() -> None:
    """Drop what was kept, once the transaction holds."""
    transaction.on_commit(lambda: cache.delete(KEY))
