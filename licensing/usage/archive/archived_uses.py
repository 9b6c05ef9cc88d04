"""Archived uses, added up: what a cap counts of events that lie in files instead of tables."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
from django.db.models import Q

from licensing.caps.counting import Counted
from licensing.models import Agreement, EventArchive, Replacement
from talent.periods import local_day

from . import archive_file
from .archived_events import block_of, open_file

A_DAY = timedelta(days=1)  # no zone is further from UTC


def used_in_archives(counted: Counted) -> dict[date, Decimal]:
    """Add up by month what a cap counts of archived events; a month goes by its first day.

    Reads the files of those archives only that hold such uses. Raises ArchiveAway, ArchiveChanged.
    """
    archives = list(_archives_with(counted))
    if not archives:
        return {}
    zones = dict(Agreement.objects.values_list("pk", "time_zone"))
    months: defaultdict[date, Decimal] = defaultdict(Decimal)
    for archive in archives:
        for use in _in_force(archive, counted):
            day = local_day(use.occurred_at, zones.get(use.agreement_id, "UTC"))
            if counted.starts_on <= day and (counted.ends_on is None or day < counted.ends_on):
                months[day.replace(day=1)] += use.quantity
    return dict(months)


def _archives_with(counted: Counted) -> Iterable[EventArchive]:
    """Return the archives whose units tell of uses like these, or do not tell of all uses."""
    alike = Q(units__meter=counted.meter, units__year__gte=(counted.starts_on - A_DAY).year)
    if counted.ends_on is not None:
        alike &= Q(units__year__lte=counted.ends_on.year)
    if counted.agreement is None:
        alike &= Q(units__twin__in=counted.twins)
    # An archive of before licensees were kept tells of seconds only.
    tells_little = Q(units__licensee=None)
    archives = EventArchive.objects.in_place_of_tables().filter(alike | tells_little)
    return archives.distinct().order_by("first_id")


def _in_force(archive: EventArchive, counted: Counted) -> Iterator[Any]:
    """Yield an archive's uses that count, but for their days; what was replaced counts no more."""
    line_of = _decoder(counted.meter)
    with open_file(archive) as file:
        for block in archive.blocks.order_by("first_id").iterator():
            lines = archive_file.read_block(block_of(block), file)
            uses = [use for use in map(line_of.decode, lines) if _counts(use, counted)]
            replaced = _replaced({use.id for use in uses})
            yield from (use for use in uses if use.id not in replaced)


def _decoder(meter: str) -> "msgspec.json.Decoder[Any]":
    """Return what reads of a line only whose use it was, where, when, and how much of a meter."""
    fields: list[Any] = [
        ("id", int),
        ("agreement_id", int | None),
        ("twin_id", int),
        ("channel", str),
        ("occurred_at", datetime),
        # A meter that came after the file was written is in no line.
        ("quantity", Decimal | None, msgspec.field(name=meter, default=None)),
    ]
    return msgspec.json.Decoder(msgspec.defstruct("UseInALine", fields))


def _counts(use: Any, counted: Counted) -> bool:
    if counted.agreement is not None:
        is_its_own = use.agreement_id == counted.agreement
    else:
        is_its_own = use.twin_id in counted.twins
    channels = counted.channels
    return bool(is_its_own and use.quantity and (channels is None or use.channel in channels))


def _replaced(event_ids: set[int]) -> set[int]:
    if not event_ids:
        return set()
    rows = Replacement.objects.filter(event_id__in=event_ids)
    return set(rows.values_list("event_id", flat=True))
