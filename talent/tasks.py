"""Celery tasks of talent."""

from celery import shared_task
from django.utils import timezone

from talent import outbox
from talent.accounts import tries
from talent.custody import destruction, sweep


@shared_task
def deliver_outbox() -> dict[str, int]:
    """Send the mails that are due; return counts by outcome."""
    return outbox.deliver_due(clock=timezone.now)


@shared_task
def forget_tries() -> int:
    """Delete counts of tries whose time is over; return how many."""
    return tries.forget_old(at=timezone.now())


@shared_task
def see_to_the_vault() -> dict[str, int]:
    """Read stored items back, destroy what was approved, abandon uploads; return counts."""
    return sweep.see_to_items(clock=timezone.now)


@shared_task
def propose_destructions() -> dict[str, int]:
    """Propose to destroy items whose time is over, take back what is due no more; return counts."""
    return destruction.propose_due(at=timezone.now())
