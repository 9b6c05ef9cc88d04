"""What talent does in the background."""

from celery import shared_task
from django.utils import timezone

from talent import outbox


@shared_task
def deliver_outbox() -> dict[str, int]:
    """Send the mail that is due; return how many by what became of them."""
    return outbox.deliver_due(at=timezone.now())
