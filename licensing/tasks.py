"""What licensing does in the background."""

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from licensing.clearance import settling
from licensing.log import sequencer
from licensing.usage import partitions


@shared_task
def expire_reservations() -> int:
    """Free what expired reservations held; return how many that was."""
    return settling.expire(at=timezone.now())


@shared_task
def seal() -> int:
    """Give new usage its place in the log; return how many leaves that was."""
    return sequencer.seal(at=timezone.now())


@shared_task
def make_partitions() -> list[str]:
    """Keep empty partitions ahead of the newest event; return those that were made."""
    made = partitions.make_ahead(
        rows=settings.EVENTS_IN_A_PARTITION, ahead=settings.PARTITIONS_AHEAD
    )
    return [str(partition) for partition in made]
