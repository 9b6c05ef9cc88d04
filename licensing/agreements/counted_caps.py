"""Counted caps: those that are added count what lies in tables and in archives, each use once."""

from collections.abc import Collection
from datetime import datetime

from django.db import transaction

from licensing.caps.counting import count_from_log, counted_by, not_yet_counting
from licensing.models import EventArchive
from licensing.usage.archive.archived_uses import used_in_archives


class _ArchivesChanged(Exception):
    """A partition left or came back between the reading of the files and that of the tables."""


def begin_to_count(caps: Collection[int], *, at: datetime) -> None:
    """Have caps that were just added count all that is in force since their start.

    To be called in the transaction that adds them. The files are read first, since nobody records
    a use while the tables are counted. Raises ArchiveAway, ArchiveChanged.
    """
    if not caps:
        return
    while True:
        archives = _in_place_of_tables()
        added = not_yet_counting(caps)
        archived = {cap.pk: used_in_archives(counted_by(cap)) for cap in added}
        try:
            # Undone to here, it gives up the lock that keeps uses waiting.
            with transaction.atomic():
                count_from_log(caps, archived=archived, at=at)
                # The tables that were counted are locked from being dropped.
                if _in_place_of_tables() != archives:
                    raise _ArchivesChanged
        except _ArchivesChanged:
            continue
        return


def _in_place_of_tables() -> set[tuple[int, datetime | None]]:
    return set(EventArchive.objects.in_place_of_tables().values_list("pk", "detached_at"))
