"""What licensing does in the background."""

import contextlib

from celery import shared_task
from django.conf import settings
from django.core.cache import caches
from django.db import transaction
from django.utils import timezone

from licensing.agreements import amendments, document, transfers
from licensing.agreements.findings import nightly
from licensing.agreements.obligations import waiting
from licensing.agreements.signing import deadlines, takings
from licensing.approvals import notices
from licensing.caps import reservations
from licensing.log import sequencer
from licensing.models import UsageSheet
from licensing.usage import sandbox
from licensing.usage.archive import partitions
from licensing.usage.sheets import uploads
from licensing.webhooks import deliveries

PROGRESS_KEPT = 3_600


@shared_task
def expire_reservations() -> int:
    """Free what expired reservations held; return how many reservations."""
    return reservations.expire(at=timezone.now())


@shared_task
def seal() -> int:
    """Give new usage its place in the log; return how many leaves."""
    return sequencer.seal(at=timezone.now())


@shared_task
def make_partitions() -> list[str]:
    """Keep empty partitions ahead of the newest event; return those that were made."""
    made = partitions.make_ahead(
        rows=settings.EVENTS_IN_A_PARTITION, ahead=settings.PARTITIONS_AHEAD
    )
    return [str(partition) for partition in made]


def rows_read(sheet_id: int) -> int:
    """Return how many rows of a sheet its import has read; 0 too while Redis is away."""
    from redis import RedisError  # Imported here: it takes half as long to import as Django.

    try:
        return int(caches["redis"].get(_rows_key(sheet_id), 0))
    except RedisError:
        return 0


def _note_rows_read(sheet_id: int, rows: int) -> None:
    """Note how far an import is, for who watches it; the import does not depend on it."""
    from redis import RedisError

    with contextlib.suppress(RedisError):
        caches["redis"].set(_rows_key(sheet_id), rows, PROGRESS_KEPT)


def _rows_key(sheet_id: int) -> str:
    return f"usage-sheet:{sheet_id}:rows"


def import_soon(sheet_id: int) -> None:
    """Queue a sheet that waits for its import; while the broker is away, the next sweep does."""
    transaction.on_commit(lambda: import_usage_sheet.delay(sheet_id=sheet_id), robust=True)


@shared_task
def import_usage_sheet(*, sheet_id: int) -> str:
    """Import one queued sheet and return its status; one that another worker imports is left."""

    def watch(rows: int) -> bool:
        _note_rows_read(sheet_id, rows)
        return not uploads.is_cancelled(sheet_id)

    return uploads.run(sheet_id=sheet_id, at=timezone.now(), watch=watch).status


@shared_task
def import_usage_sheets() -> int:
    """Queue the sheets whose worker was killed or never began; return how many.

    Sheets that nobody went on with are cancelled, and their content is deleted.
    """
    now = timezone.now()
    uploads.discard(before=now - uploads.KEPT_FOR)
    sheets = list(UsageSheet.objects.to_do().order_by("pk").values_list("pk", flat=True))
    for sheet_id in sheets:
        import_usage_sheet.delay_on_commit(sheet_id=sheet_id)
    return len(sheets)


@shared_task
def deliver_webhooks() -> dict[str, int]:
    """Send the webhooks that are due; return how many by result."""
    return deliveries.deliver_due(clock=timezone.now)


@shared_task
def purge_sandbox() -> int:
    """Delete sandbox events older than thirty days; return how many."""
    return sandbox.purge(at=timezone.now())


@shared_task
def apply_amendments() -> dict[str, int]:
    """Apply the approved amendments whose day has come, and draw the documents as amended.

    Returns how many were applied, failed and drawn.
    """
    counts = amendments.apply_due(at=timezone.now())
    return counts | {"drawn": document.draw_amended(at=timezone.now())}


@shared_task
def draw_takings() -> int:
    """Draw and seal the documents of offers that were taken; return how many."""
    return takings.draw_all(at=timezone.now())


@shared_task
def keep_obligations() -> int:
    """Derive what agreements have somebody do soon, for the index; return of how many."""
    return waiting.keep(at=timezone.now())


@shared_task
def see_to_signing() -> dict[str, int]:
    """Remind who has not signed, and end rounds whose time is over; return how many of each."""
    return deadlines.sweep(at=timezone.now())


@shared_task
def divide_caps_of_transfers() -> int:
    """Give new licensees what their licences' caps have left on the day; return how many."""
    return transfers.divide_caps(at=timezone.now())


@shared_task
def check_rules() -> int:
    """Ask the rules of every agreement in force; return of how many they say something else."""
    return nightly.check_in_force(at=timezone.now())


@shared_task
def see_to_approvals() -> dict[str, int]:
    """Remind approvers and record what lapsed; return how many of each."""
    return notices.sweep(at=timezone.now())
