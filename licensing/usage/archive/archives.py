"""Archives: old partitions leave as proven files, from which each event can still be read.

The file is written and proven first, then its row is recorded, then the tables go in one
transaction: a kill in between leaves the tables, or the tables and the file, never less.
"""

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pgtrigger
import psycopg
from django.db import connection, transaction
from django.db.models import Q
from psycopg.types.json import Jsonb

from licensing.models import ArchiveBlock, EventArchive, UsageEvent, UsageRecord
from licensing.words import LeafKind
from talent.database.locks import hold_lock
from talent.database.sql import sql_file
from talent.errors import Refused

from . import archive_file, partitions
from .archive_file import Block, Damaged
from .archived_events import ArchiveChanged, block_of, column_defaults, open_file
from .partitions import Partition

FILE_LINES = sql_file(__file__, "file_lines.sql")
PARTITION_CONTENT = sql_file(__file__, "partition_content.sql")
STORE_UNITS = sql_file(__file__, "store_units.sql")
RESTORED_EVENTS = sql_file(__file__, "restored_events.sql")
RESTORED_RECORDS = sql_file(__file__, "restored_records.sql")


class NotYetArchivable(Refused):
    """Events are still coming in, or some are not sealed, not rated or too recent."""

    code = "not_yet_archivable"


class NoSuchArchive(Refused):
    """No detached archive begins with that event."""

    code = "no_such_archive"


@dataclass(frozen=True, slots=True)
class Content:
    """What a partition holds; indexes are None where nothing is sealed."""

    events: int
    unsealed: int
    first_index: int | None
    last_index: int | None
    received_until: datetime | None


# Detaching


def archivable_partitions(*, rated_to: int, received_before: datetime) -> list[Partition]:
    """Return the partitions that may leave: full, sealed, rated, and received long ago."""
    return [
        partition
        for partition in partitions.attached_partitions()
        if not _reason_to_stay(partition, rated_to, received_before)
    ]


def detach(
    partition: Partition, *, at: datetime, rated_to: int, received_before: datetime
) -> EventArchive:
    """Put a partition's file in place of its tables; return the archive.

    Leaves with an index below `rated_to` are rated. What an interrupted run left half
    done is finished. Raises NotYetArchivable, ArchiveChanged, PartitionsAreBusy.
    """
    with hold_lock(partitions.LOCK, at_most=partitions.LONGEST):
        if reason := _reason_to_stay(partition, rated_to, received_before):
            raise NotYetArchivable(f"Events {partition} stay: {reason}.")
        archive = EventArchive.objects.filter(first_id=partition.starts).first()
        if archive:
            prove(archive)
        else:
            archive = _store_archive(partition, at)
        partitions.retry_while_locked(lambda: _drop_tables(partition, archive, at))
    return archive


def _reason_to_stay(partition: Partition, rated_to: int, received_before: datetime) -> str:
    if partitions.newest_id() < partition.ends:
        return "events still come in"
    content = _content(partition)
    if not content.events or content.received_until is None or content.last_index is None:
        return "there are none that are sealed"
    if content.unsealed:
        return "some have no place in the log yet"
    if content.last_index >= rated_to:
        return "some are not rated yet"
    if content.received_until >= received_before:
        return "some were received too recently"
    if _has_unrated_changes(partition, rated_to):
        return "an amendment or ruling of some is not rated yet"
    return ""


def _has_unrated_changes(partition: Partition, rated_to: int) -> bool:
    """Tell whether an amendment or ruling of these events is not rated yet."""
    unrated = Q(batch__first_index=None) | Q(batch__first_index__gte=rated_to)
    changes = UsageEvent.objects.filter(
        unrated, about__gte=partition.starts, about__lt=partition.ends
    )
    return changes.exclude(kind=LeafKind.USE.value).exists()


def _content(partition: Partition) -> Content:
    with connection.cursor() as cursor:
        cursor.execute(PARTITION_CONTENT, _bounds(partition))
        return Content(*cursor.fetchone())


def _bounds(partition: Partition) -> dict[str, int]:
    return {"starts": partition.starts, "ends": partition.ends}


def _store_archive(partition: Partition, at: datetime) -> EventArchive:
    """Write a partition's file, prove it, and store where its events lie in it."""
    field = EventArchive._meta.get_field("file")
    name = f"{field.upload_to}/events-{partition.starts}-{partition.ends}.jsonl.gz"
    sha256, blocks = _write_file(partition, Path(field.storage.path(name)))
    content = _content(partition)
    if content.first_index is None or content.last_index is None:
        raise NotYetArchivable(f"Events {partition} stay: there are none that are sealed.")
    archive = EventArchive(
        first_id=partition.starts,
        end_id=partition.ends,
        first_index=content.first_index,
        last_index=content.last_index,
        events=content.events,
        file=name,
        sha256=sha256,
        made_at=at,
    )
    _prove(archive, blocks)
    rows = [
        ArchiveBlock(
            archive=archive,
            first_id=block.first_id,
            offset=block.offset,
            length=block.length,
            sha256=block.sha256,
        )
        for block in blocks
    ]
    with transaction.atomic():
        archive.save(force_insert=True)
        ArchiveBlock.objects.bulk_create(rows, batch_size=5_000)
    return archive


def _write_file(partition: Partition, path: Path) -> tuple[str, list[Block]]:
    """Write a partition's file to the disk itself; return its digest and its blocks."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    statement = f"COPY ({FILE_LINES}) TO STDOUT".encode()
    with (
        open(path, "wb", opener=_for_its_owner) as file,
        psycopg.Cursor(connection.connection).copy(statement, _bounds(partition)) as copy,
    ):
        copy.set_types(["text"])
        blocks = list(archive_file.write_blocks((line for (line,) in copy.rows()), file))
        file.flush()
        os.fsync(file.fileno())
    _sync_folder(path.parent)
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest(), blocks


def _for_its_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _sync_folder(folder: Path) -> None:
    """Sync the folder, so that the file's name survives a power cut too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def prove(archive: EventArchive) -> None:
    """Read a file back: its digest, and every event's entry from its bytes and salt.

    Raises ArchiveChanged.
    """
    _prove(archive, map(block_of, archive.blocks.order_by("first_id").iterator()))


def _prove(archive: EventArchive, blocks: Iterable[Block]) -> None:
    with open_file(archive) as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != archive.sha256:
            raise Damaged("Its digest differs.")
        count = archive_file.prove_lines(blocks, file, starts=archive.first_id, ends=archive.end_id)
    if count != archive.events:
        raise ArchiveChanged(f"{archive}: the file holds {count} of {archive.events} events.")


def _drop_tables(partition: Partition, archive: EventArchive, at: datetime) -> None:
    """Drop a partition's tables, unless they hold anything else than the archive's file."""
    with connection.cursor() as cursor:
        # Nobody writes to them from here on; reading goes on until they are dropped.
        cursor.execute(f"LOCK TABLE {partition.events}, {partition.records} IN SHARE MODE")
        if _counts(partition) != (archive.events, archive.events):
            raise NotYetArchivable(f"Events {partition} stay: there are more than in the file.")
        # Summed anew each time: while the tables were back, an amendment may have come.
        with pgtrigger.ignore("licensing.ArchivedUnits:append_only"):
            archive.units.all().delete()
        cursor.execute(STORE_UNITS, {"archive": archive.pk, **_bounds(partition)})
    partitions.drop(partition)
    archive.detached_at = at
    archive.save(update_fields=["detached_at"])


def _counts(partition: Partition) -> tuple[int, int]:
    """Return how many events and records a partition's tables hold."""
    events = UsageEvent.objects.filter(pk__gte=partition.starts, pk__lt=partition.ends)
    records = UsageRecord.objects.filter(pk__gte=partition.starts, pk__lt=partition.ends)
    return events.count(), records.count()


# Attaching


def attach(*, first_id: int) -> EventArchive:
    """Bring the events of an archive back into tables; its file stays.

    Raises NoSuchArchive, ArchiveChanged, PartitionsAreBusy.
    """
    with hold_lock(partitions.LOCK, at_most=partitions.LONGEST):
        archive = EventArchive.objects.in_place_of_tables().filter(first_id=first_id).first()
        if archive is None:
            raise NoSuchArchive(f"No archive that begins with event {first_id} is detached.")
        prove(archive)
        partition = partitions.partition_of_ids(archive.first_id, archive.end_id)
        _restore_tables(partition, archive)
        partitions.retry_while_locked(lambda: _attach_tables(partition, archive))
    return archive


@transaction.atomic
def _restore_tables(partition: Partition, archive: EventArchive) -> None:
    """Make the tables and write the events into them; nothing reads them yet."""
    partitions.drop(partition)
    partitions.create(partition)
    events = f"INSERT INTO {partition.events} {RESTORED_EVENTS}".encode()
    records = (
        f"INSERT INTO {partition.records} (event_id, salt, canonical) {RESTORED_RECORDS}".encode()
    )
    defaults = Jsonb(column_defaults())
    cursor = psycopg.Cursor(connection.connection)
    with open_file(archive) as file:
        for row in archive.blocks.order_by("first_id").iterator():
            lines = archive_file.read_block(block_of(row), file)
            cursor.execute(events, {"lines": lines, "defaults": defaults})
            cursor.execute(records, {"lines": lines})


def _attach_tables(partition: Partition, archive: EventArchive) -> None:
    partitions.attach(partition)
    archive.detached_at = None
    archive.save(update_fields=["detached_at"])
