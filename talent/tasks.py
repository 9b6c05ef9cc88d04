"""Celery tasks of talent."""

from celery import shared_task
from django.utils import timezone

from talent import outbox


@shared_task
def deliver_outbox() -> dict[str, int]:
    """Send the mails that are due; return counts by outcome."""
    return outbox.deliver_due(clock=timezone.now)
