"""When twins were seen, by events that lie in files: what the statement of seen time cannot read.

Of leaves of the log that lie in archives, what they say and what they take back; of leaves that lie
in tables, what they take back of archived events. All else `totals/seen_time.sql` adds up.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec

from licensing.models import Agreement, EventArchive, UsageBatch, UsageEvent
from licensing.words import LeafKind
from talent.periods import local_day
from talent.words import Meter

from . import archive_file
from .archived_events import block_of, events_in_archives, open_file

# Uses that tell of these and not of seconds say nothing of time, as the statement has it.
TELLS_OF_USE = [
    meter.value for meter in Meter if meter not in {Meter.SECONDS, Meter.GPU_SECONDS, Meter.REVENUE}
]


class SeenBy(NamedTuple):
    """Whose twin was seen, of whom, in what, and on which day in the agreement's zone."""

    agency_id: int
    twin_id: int
    licensee_id: int
    production_id: int | None
    use: str
    channel: str
    brand: str
    on: date


class SeenSums(NamedTuple):
    """Seconds, and how many uses say nothing of time. Below zero: taken back."""

    seconds: Decimal
    unmeasured: int


def archived_seen_time(*, from_index: int, to_index: int) -> dict[SeenBy, SeenSums]:
    """Add up what the leaves [from_index, to_index) say of archived events.

    Reads the files of archives with such leaves, and single blocks for what others amend. Raises
    ArchiveAway, ArchiveChanged.
    """
    if not EventArchive.objects.in_place_of_tables().exists():
        return {}
    zones = dict(Agreement.objects.values_list("pk", "time_zone"))
    sums: defaultdict[SeenBy, SeenSums] = defaultdict(lambda: SeenSums(Decimal(0), 0))
    for sign, use in _told(from_index, to_index):
        on = local_day(use.occurred_at, zones.get(use.agreement_id, "UTC"))
        place = SeenBy(
            use.agency_id,
            use.twin_id,
            use.licensee_id,
            use.production_id,
            use.use,
            use.channel,
            use.brand,
            on,
        )
        so_far = sums[place]
        sums[place] = SeenSums(
            so_far.seconds + sign * (use.seconds or 0),
            so_far.unmeasured + sign * _says_nothing_of_time(use),
        )
    return {place: told for place, told in sums.items() if any(told)}


def _told(from_index: int, to_index: int) -> Iterator[tuple[int, Any]]:
    """Yield uses with 1, or −1 where they are taken back."""
    batches = UsageBatch.objects.sealed_between(from_index, to_index)
    ids = set(batches.values_list("pk", flat=True))
    in_tables = UsageEvent.objects.filter(batch__in=ids).exclude(kind=LeafKind.RULING.value)
    # Those whose events lie in tables, too, are the statement's.
    of_tables = {about for about in in_tables.values_list("about", flat=True) if about is not None}
    of_files: set[int] = set()
    archives = EventArchive.objects.in_place_of_tables()
    for archive in archives.filter(first_index__lt=to_index, last_index__gte=from_index):
        for use in _leaves(archive, ids):
            yield 1, use
            if use.about is not None:
                of_files.add(use.about)
    for event in UsageEvent.objects.filter(pk__in=of_files):
        yield -1, event
    for event in events_in_archives(of_tables | of_files).values():
        yield -1, event


def _leaves(archive: EventArchive, batch_ids: Collection[int]) -> Iterator[Any]:
    with open_file(archive) as file:
        for block in archive.blocks.order_by("first_id").iterator():
            for line in archive_file.read_block(block_of(block), file):
                use = USE.decode(line)
                if use.batch_id in batch_ids and use.kind != LeafKind.RULING.value:
                    yield use


def _says_nothing_of_time(use: Any) -> bool:
    return use.seconds is None and any((getattr(use, meter) or 0) > 0 for meter in TELLS_OF_USE)


def _decoder() -> "msgspec.json.Decoder[Any]":
    """Return what reads of a line only what seen time asks. A column that came later is empty."""
    of_use: list[Any] = [
        ("batch_id", int),
        ("kind", str),
        ("agency_id", int),
        ("twin_id", int),
        ("licensee_id", int),
        ("agreement_id", int | None),
        ("production_id", int | None),
        ("use", str),
        ("channel", str),
        ("occurred_at", datetime),
    ]
    later: list[Any] = [("about", int | None, None), ("brand", str, "")]
    meters: list[Any] = [
        (meter, Decimal | None, None) for meter in (Meter.SECONDS.value, *TELLS_OF_USE)
    ]
    return msgspec.json.Decoder(msgspec.defstruct("SeenInALine", [*of_use, *later, *meters]))


USE = _decoder()
