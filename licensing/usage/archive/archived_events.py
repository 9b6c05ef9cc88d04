"""Archived events: what lies in files instead of tables, found by event id."""

import contextlib
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from io import BufferedReader
from typing import Any

from django.db import connection, models
from django.db.models import Q

from licensing.models import Agreement, ArchiveBlock, EventArchive, UsageEvent, UsageRecord
from talent.database.sql import sql_file
from talent.errors import Refused

from . import archive_file
from .archive_file import Block, Damaged

FIND_BLOCKS = sql_file(__file__, "find_blocks.sql")


class ArchiveAway(Refused):
    """The file of an archive cannot be reached, which says nothing about what is in it."""

    code = "archive_away"


class ArchiveChanged(Refused):
    """A file is not the one that was recorded."""

    code = "archive_changed"


def event_in_archive(event_id: int) -> UsageEvent | None:
    """Return an event that lies in an archive, with its record; None where none does.

    Reads one block. Raises ArchiveChanged.
    """
    return events_in_archives([event_id]).get(event_id)


def events_in_archives(event_ids: Collection[int]) -> dict[int, UsageEvent]:
    """Return those events that lie in archives, by id, with their records.

    Reads the blocks that they lie in, one by one. Raises ArchiveChanged.
    """
    with connection.cursor() as cursor:
        cursor.execute(FIND_BLOCKS, {"event_ids": list(event_ids)})
        block_ids = [block_id for (block_id,) in cursor.fetchall()]
    wanted = set(event_ids)
    events: dict[int, UsageEvent] = {}
    for row in ArchiveBlock.objects.filter(pk__in=block_ids).select_related("archive"):
        with open_file(row.archive) as file:
            lines = map(archive_file.columns_of, archive_file.read_block(block_of(row), file))
            events |= {line["id"]: _event(line) for line in lines if line["id"] in wanted}
    return events


def ids_in_archives(event_ids: Collection[int]) -> set[int]:
    """Return those of these ids that lie in archives. Reads no file.

    Each must be the id of an event that exists: any id in an archive's range is returned.
    """
    if not event_ids:
        return set()
    archives = EventArchive.objects.in_place_of_tables().filter(
        first_id__lte=max(event_ids), end_id__gt=min(event_ids)
    )
    ranges = list(archives.values_list("first_id", "end_id"))
    return {pk for pk in event_ids if any(first <= pk < end for first, end in ranges)}


def events_of_agreement(
    agreement: Agreement, *, since: datetime, until: datetime
) -> Iterator[UsageEvent]:
    """Yield an agreement's archived events of a time, with their records, by archive and id.

    Reads block by block the archives that tell of its twin in those years, or do not tell of all.
    Raises ArchiveAway, ArchiveChanged.
    """
    alike = Q(
        units__twin=agreement.twin_id, units__year__range=(since.year, until.astimezone(UTC).year)
    )
    archives = EventArchive.objects.in_place_of_tables().filter(alike | Q(units__licensee=None))
    for archive in archives.distinct().order_by("first_id"):
        with open_file(archive) as file:
            for row in archive.blocks.order_by("first_id").iterator():
                for line in archive_file.read_block(block_of(row), file):
                    event = _event(archive_file.columns_of(line))
                    if event.agreement_id == agreement.pk and since <= event.occurred_at < until:
                        yield event


@contextlib.contextmanager
def open_file(archive: EventArchive) -> Iterator[BufferedReader]:
    """Open an archive's file for reading. Raises ArchiveAway, or ArchiveChanged for its content."""
    try:
        with open(archive.file.path, "rb") as file:
            yield file
    except OSError as failure:
        raise ArchiveAway(
            f"{archive}: its file {archive.file.name} cannot be reached ({failure.strerror}). "
            "Bring the folder of files back, or restore the file from a backup."
        ) from failure
    except Damaged as failure:
        raise ArchiveChanged(
            f"{archive}: its file cannot be used; restore {archive.file.name} from a backup. "
            f"{failure}"
        ) from failure


def block_of(row: ArchiveBlock) -> Block:
    """Return where a block lies in its file."""
    return Block(row.first_id, row.offset, row.length, bytes(row.sha256))


def column_defaults() -> dict[str, Any]:
    """Return the defaults of an event's columns, by attribute name.

    They stand in for columns that were added after an archive's file was written.
    """
    return {
        field.attname: field.get_default()
        for field in UsageEvent._meta.concrete_fields
        if field.has_default()
    }


def _event(line: dict[str, Any]) -> UsageEvent:
    fields = UsageEvent._meta.concrete_fields
    columns = column_defaults() | line
    values = [_value(field, columns.get(field.attname)) for field in fields]
    event = UsageEvent.from_db(connection.alias, [field.attname for field in fields], values)
    # Sets the event's own side too, so that `event.record` asks no table.
    UsageRecord(event=event, salt=columns["salt"], canonical=columns["canonical"])
    return event


def _value(field: "models.Field[Any, Any]", written: Any) -> Any:
    # A field of bytes would take a text for Base64.
    if written is None or isinstance(written, bytes):
        return written
    return field.to_python(written)
