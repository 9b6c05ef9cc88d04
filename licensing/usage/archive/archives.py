"""Archives: old partitions leave as proven files, from which each event can still be read.

The file is written and proven first, then its row is recorded, then the tables go in one
transaction: a kill in between leaves the tables, or the tables and the file, never less.
"""

import contextlib
import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

import pgtrigger
import psycopg
from django.db import connection, models, transaction
from django.db.models import Q
from psycopg.types.json import Jsonb

from licensing.models import ArchiveBlock, EventArchive, UsageEvent, UsageRecord
from licensing.words import LeafKind
from talent.errors import Refused
from talent.locks import hold_lock

from . import archive_file, partitions
from .archive_file import Block, Damaged
from .partitions import Partition

LINES = """
    COPY (
        SELECT row_to_json(line) FROM (
            SELECT event.*, record.salt, record.canonical
            FROM {events} event JOIN {records} record ON record.event_id = event.id
            ORDER BY event.id
        ) line
    ) TO STDOUT
"""
CONTENT = """
    SELECT count(*), count(*) FILTER (WHERE batch.first_index IS NULL),
           min(batch.first_index + event.seat), max(batch.first_index + event.seat),
           max(batch.received_at)
    FROM {events} event JOIN licensing_usagebatch batch ON batch.id = event.batch_id
"""
SECONDS = """
    INSERT INTO licensing_archivedseconds
        (archive_id, twin_id, "right", use, received_until, seconds)
    SELECT %s, event.twin_id, event."right", event.use, max(batch.received_at), sum(event.seconds)
    FROM {events} event JOIN licensing_usagebatch batch ON batch.id = event.batch_id
    WHERE event.seconds IS NOT NULL AND event.kind IN ('use', 'amendment')
        AND NOT EXISTS (SELECT FROM licensing_replacement WHERE event_id = event.id)
    GROUP BY event.twin_id, event."right", event.use, date_trunc('day', batch.received_at)
"""
COUNTS = "SELECT (SELECT count(*) FROM {events}), (SELECT count(*) FROM {records})"
FILL_EVENTS = """
    INSERT INTO {events}
    SELECT event.* FROM unnest(%b::jsonb[]) AS line,
        LATERAL jsonb_populate_record(NULL::licensing_usageevent, %b::jsonb || line) AS event
"""
FILL_RECORDS = """
    INSERT INTO {records} (event_id, salt, canonical)
    SELECT (line->>'id')::bigint, (line->>'salt')::bytea, (line->>'canonical')::bytea
    FROM unnest(%b::jsonb[]) AS line
"""
BLOCKS = """
    SELECT DISTINCT block.id
    FROM unnest(%s::bigint[]) AS wanted (id)
    JOIN licensing_eventarchive archive
        ON archive.first_id <= wanted.id AND wanted.id < archive.end_id
        AND archive.detached_at IS NOT NULL
    CROSS JOIN LATERAL (
        SELECT id FROM licensing_archiveblock
        WHERE archive_id = archive.id AND first_id <= wanted.id
        ORDER BY first_id DESC LIMIT 1
    ) block
"""


class NotYetArchivable(Refused):
    """Something in the partition is still to come or still to be used."""

    code = "not_yet_archivable"


class ArchiveChanged(Refused):
    """A file is missing or is not the one that was recorded."""

    code = "archive_changed"


class NoSuchArchive(Refused):
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


def archivable(*, rated_to: int, received_before: datetime) -> list[Partition]:
    """Return the partitions that may leave: full, sealed, rated, and received long ago."""
    return [
        one for one in partitions.existing() if not _reason_to_stay(one, rated_to, received_before)
    ]


def detach(
    partition: Partition, *, at: datetime, rated_to: int, received_before: datetime
) -> EventArchive:
    """Put a partition's file in place of its tables; return the archive.

    Leaves with an index below `rated_to` are rated. What another run left half done is done to
    the end. Raises NotYetArchivable, ArchiveChanged, PartitionsAreBusy.
    """
    with hold_lock("usage partitions"):
        if why := _reason_to_stay(partition, rated_to, received_before):
            raise NotYetArchivable(f"Events {partition} stay: {why}.")
        archive = EventArchive.objects.filter(first_id=partition.starts).first()
        if archive:
            prove(archive)
        else:
            archive = _recorded(partition, at)
        partitions.patiently(lambda: _replaced(partition, archive, at))
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
    if _has_unrated_news(partition, rated_to):
        return "an amendment or ruling of some is not rated yet"
    return ""


def _has_unrated_news(partition: Partition, rated_to: int) -> bool:
    """Tell whether the night has yet to take something out of these events."""
    unrated = Q(batch__first_index=None) | Q(batch__first_index__gte=rated_to)
    news = UsageEvent.objects.filter(unrated, about__gte=partition.starts, about__lt=partition.ends)
    return news.exclude(kind=LeafKind.USE.value).exists()


def _content(partition: Partition) -> Content:
    with connection.cursor() as cursor:
        cursor.execute(CONTENT.format(events=partition.events))
        return Content(*cursor.fetchone())


def _recorded(partition: Partition, at: datetime) -> EventArchive:
    field = EventArchive._meta.get_field("file")
    name = f"{field.upload_to}/events-{partition.starts}-{partition.ends}.jsonl.gz"
    sha256, blocks = _write(partition, Path(field.storage.path(name)))
    content = _content(partition)
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
    with transaction.atomic():
        archive.save(force_insert=True)
        ArchiveBlock.objects.bulk_create(
            [
                ArchiveBlock(
                    archive=archive,
                    first_id=block.first_id,
                    offset=block.offset,
                    length=block.length,
                    sha256=block.sha256,
                )
                for block in blocks
            ],
            batch_size=5_000,
        )
    return archive


def _write(partition: Partition, path: Path) -> tuple[str, list[Block]]:
    """Write a partition's file to the disk itself; return its digest and its blocks."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    statement = LINES.format(events=partition.events, records=partition.records)
    with (
        open(path, "wb", opener=_for_its_owner) as file,
        psycopg.Cursor(connection.connection).copy(statement.encode()) as copy,
    ):
        copy.set_types(["text"])
        blocks = list(archive_file.write((line for (line,) in copy.rows()), file))
        file.flush()
        os.fsync(file.fileno())
    _sync_folder(path.parent)
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest(), blocks


def _for_its_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _sync_folder(folder: Path) -> None:
    """Have the file's name survive a power cut too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def prove(archive: EventArchive) -> None:
    """Read a file back: its digest, and every event's entry from its bytes and salt.

    Raises ArchiveChanged.
    """
    _prove(archive, map(_block, archive.blocks.order_by("first_id").iterator()))


def _prove(archive: EventArchive, blocks: Iterable[Block]) -> None:
    with _opened(archive) as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != archive.sha256:
            raise Damaged("Its digest differs.")
        count = archive_file.proven(blocks, file, starts=archive.first_id, ends=archive.end_id)
    if count != archive.events:
        raise ArchiveChanged(f"{archive}: the file holds {count} of {archive.events} events.")


@contextlib.contextmanager
def _opened(archive: EventArchive) -> Iterator[BinaryIO]:
    """Open an archive's file for reading. Raises ArchiveChanged for what is wrong with it."""
    try:
        with archive.file.storage.open(archive.file.name, "rb") as file:
            yield file.file
    except (OSError, Damaged) as failure:
        raise ArchiveChanged(
            f"{archive}: its file cannot be used; restore {archive.file.name} from a backup. "
            f"{failure}"
        ) from failure


def _block(row: ArchiveBlock) -> Block:
    return Block(row.first_id, row.offset, row.length, bytes(row.sha256))


def _replaced(partition: Partition, archive: EventArchive, at: datetime) -> None:
    """Drop the tables, unless they hold anything else than the file."""
    with connection.cursor() as cursor:
        # Nobody writes to them from here on; reading goes on until they are dropped.
        cursor.execute(f"LOCK TABLE {partition.events}, {partition.records} IN SHARE MODE")
        cursor.execute(COUNTS.format(events=partition.events, records=partition.records))
        if cursor.fetchone() != (archive.events, archive.events):
            raise NotYetArchivable(f"Events {partition} stay: there are more than in the file.")
        # Summed anew each time: while the tables were back, an amendment may have come.
        with pgtrigger.ignore("licensing.ArchivedSeconds:append_only"):
            archive.seconds.all().delete()
        cursor.execute(SECONDS.format(events=partition.events), [archive.pk])
    partitions.drop(partition)
    archive.detached_at = at
    archive.save(update_fields=["detached_at"])


# Attaching


def attach(*, first_id: int) -> EventArchive:
    """Bring the events of an archive back into tables; its file stays.

    Raises NoSuchArchive, ArchiveChanged, PartitionsAreBusy.
    """
    with hold_lock("usage partitions"):
        archive = EventArchive.objects.in_place_of_tables().filter(first_id=first_id).first()
        if archive is None:
            raise NoSuchArchive(f"No archive that begins with event {first_id} is detached.")
        prove(archive)
        partition = partitions.named(archive.first_id, archive.end_id)
        _fill(partition, archive)
        partitions.patiently(lambda: _attached(partition, archive))
    return archive


@transaction.atomic
def _fill(partition: Partition, archive: EventArchive) -> None:
    """Make the tables and write the events into them; nothing reads them yet."""
    partitions.drop(partition)
    partitions.create(partition)
    cursor = psycopg.Cursor(connection.connection)
    with _opened(archive) as file:
        for block in archive.blocks.order_by("first_id").iterator():
            lines = archive_file.read(_block(block), file)
            cursor.execute(
                FILL_EVENTS.format(events=partition.events).encode(), [lines, Jsonb(_defaults())]
            )
            cursor.execute(FILL_RECORDS.format(records=partition.records).encode(), [lines])


def _defaults() -> dict[str, Any]:
    """What a column holds that came after an archive was written."""
    return {
        field.column: field.get_default()
        for field in UsageEvent._meta.concrete_fields
        if field.has_default()
    }


def _attached(partition: Partition, archive: EventArchive) -> None:
    partitions.attach(partition)
    archive.detached_at = None
    archive.save(update_fields=["detached_at"])


# Reading


def event(number: int) -> UsageEvent | None:
    """Return an event that lies in an archive, with its record; None where none does.

    Reads one block. Raises ArchiveChanged.
    """
    return events([number]).get(number)


def events(numbers: Sequence[int]) -> dict[int, UsageEvent]:
    """Return those events that lie in archives, by id. Reads the blocks they lie in, one by one."""
    wanted = set(numbers)
    with connection.cursor() as cursor:
        cursor.execute(BLOCKS, [list(numbers)])
        ids = [block for (block,) in cursor.fetchall()]
    found = {}
    for block in ArchiveBlock.objects.filter(pk__in=ids).select_related("archive"):
        with _opened(block.archive) as file:
            rows = map(archive_file.columns, archive_file.read(_block(block), file))
            found |= {row["id"]: _event(row) for row in rows if row["id"] in wanted}
    return found


def _event(row: dict[str, Any]) -> UsageEvent:
    fields = UsageEvent._meta.concrete_fields
    row = _defaults() | row
    values = [_value(field, row.get(field.column)) for field in fields]
    made = UsageEvent.from_db(connection.alias, [field.attname for field in fields], values)
    # Sets the event's own side too, so that `event.record` asks no table.
    UsageRecord(event=made, salt=row["salt"], canonical=row["canonical"])
    return made


def _value(field: models.Field, written: Any) -> Any:
    # A field of bytes would take a text for Base64.
    if written is None or isinstance(written, bytes):
        return written
    return field.to_python(written)
