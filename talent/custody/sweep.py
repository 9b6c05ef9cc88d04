"""The sweep of the vault: what was stored is read back, what was approved is destroyed.

Uploads that nobody goes on with are abandoned, and what the list outside the database says was
destroyed stays so.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from django.core.cache import cache

from talent import outbox
from talent.database.locks import hold_lock
from talent.errors import Refused
from talent.models import CustodyItem, CustodyUpload, Destruction, User
from talent.words import CustodyStepKind

from . import destruction, keys, places, uploads

logger = logging.getLogger(__name__)

TOLD_AWAY = "vault-storage-is-away"
TOLD_AGAIN_AFTER = 60 * 60  # seconds
LOCK = "the sweep of the vault"
LONGEST = timedelta(hours=1)


def see_to_items(*, clock: Callable[[], datetime]) -> dict[str, int]:
    """Prove, destroy and abandon what waits for it; return how many of each.

    One that fails, since the disk or a key is away, is tried by the next sweep.
    """
    counts = dict.fromkeys(
        ("proven", "quarantined", "broken", "abandoned", "destroyed", "rewrapped", "failed"), 0
    )
    with hold_lock(LOCK, wait=False, at_most=LONGEST) as is_alone:
        if not is_alone:
            return counts
        if not _is_there(clock()):
            return counts
        if mended := destruction.mend_if_behind(at=clock()):
            counts["destroyed"] += mended.destroyed
        waiting = CustodyItem.objects.in_state(CustodyStepKind.STORED)
        for pk in waiting.order_by("pk").values_list("pk", flat=True):
            counts[_prove(pk, clock())] += 1
        approved = Destruction.objects.approved().order_by("pk").values_list("pk", flat=True)
        for pk in approved:
            counts[_destroy(pk, clock())] += 1
        overdue = CustodyUpload.objects.overdue(clock())
        for pk in overdue.order_by("pk").values_list("item", flat=True):
            uploads.abandon(item_id=pk, at=clock(), note="Nobody went on with it in time.")
            counts["abandoned"] += 1
        counts["rewrapped"] = _rotate()
    return counts


def _is_there(now: datetime) -> bool:
    """Tell whether the storage answers; if it does not, write to the operators, at most hourly."""
    try:
        places.probe()
    except places.PlaceAway as away:
        logger.error("The vault's storage is away: %s", away)
        if cache.add(TOLD_AWAY, "yes", TOLD_AGAIN_AFTER):
            for operator in User.objects.filter(is_superuser=True, is_active=True):
                outbox.post(
                    recipient=operator.email, subject="The vault's storage is away", at=now,
                    body=f"{away}\n\nNothing is read, stored or destroyed until it answers.",
                )  # fmt: skip
        return False
    cache.delete(TOLD_AWAY)
    return True


def _rotate() -> int:
    """Go on to wrap headers for today's keys; return how many were."""
    try:
        rotation = keys.rotate()
    except Refused as refusal:
        logger.error("Headers could not be wrapped anew: %s", refusal.code)
        return 0
    if rotation.failed:
        logger.error("%s headers open by none of the desk's keys.", rotation.failed)
    return rotation.now


def _prove(item_id: int, now: datetime) -> str:
    try:
        return uploads.prove(item_id=item_id, at=now).value
    except Refused as refusal:
        logger.error("Item %s could not be read back: %s", item_id, refusal.code)
        return "failed"


def _destroy(destruction_id: int, now: datetime) -> str:
    try:
        destruction.carry_out(destruction_id=destruction_id, at=now)
    except Refused as refusal:
        logger.error("Destruction %s is not through: %s", destruction_id, refusal.code)
        return "failed"
    return "destroyed"
