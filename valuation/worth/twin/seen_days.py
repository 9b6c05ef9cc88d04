"""Seen days: on which days a twin was seen for an agency, kept night by night from new leaves only.

What is known at an instant is what the log had sealed by then: the sums of the stretches that end
before that, and the leaves after them, event by event. So the same day, as known at the same
instant, has the same answer whatever comes later.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.db.models import Max, Sum

from licensing.models import Brand, UsageBatch, UsageEvent
from licensing.usage.archive.archived_events import ArchiveAway, ArchiveChanged
from licensing.usage.archive.archived_seen_time import archived_seen_time
from licensing.usage.totals.of_leaves import batches_between
from licensing.usage.totals.seen_time import (
    COLUMNS,
    FIGURES,
    OF_ALL,
    SEEN_BY,
    WHOSE,
    end_of_stretch,
    insert_seen_time,
    leaves_known,
    seen_time,
)
from licensing.usage.totals.statements import quoted
from talent.database.locks import lock_until_commit
from valuation.models import Congruence, ExposureRun, SeenTime
from valuation.worth.twin.exposure import SeenHours

SECONDS_AN_HOUR = Decimal(3600)
# So many leaves are a transaction: what a killed process had added up stays.
LEAVES_AT_ONCE = 1_000_000
LOCK = "the seen time"


# Keeping


def add_new_leaves(*, now: datetime, at_once: int = LEAVES_AT_ONCE) -> int:
    """Add up the seen time of the leaves since the last run; return how many stretches there were.

    Running it again with nothing new changes nothing.
    """
    stretches = 0
    while add_a_stretch(now=now, leaves=at_once):
        stretches += 1
    return stretches


@transaction.atomic
def add_a_stretch(*, now: datetime, leaves: int) -> bool:
    """Add up the next leaves, of which there may be fewer; return whether there were any.

    Those that were archived before they were added up are read from their files. Raises ArchiveAway
    and ArchiveChanged.
    """
    lock_until_commit(LOCK)
    starts = added_to()
    ends = end_of_stretch(from_index=starts, leaves=leaves)
    if ends <= starts:
        return False
    batches = UsageBatch.objects.sealed_between(starts, ends)
    run = ExposureRun.objects.create(
        from_index=starts,
        to_index=ends,
        leaves=UsageEvent.objects.filter(batch__in=batches).count(),
        added_at=now,
    )
    insert_seen_time(
        table=SeenTime._meta.db_table, keys={"run_id": run.pk}, from_index=starts, to_index=ends
    )
    SeenTime.objects.bulk_create(
        SeenTime(run=run, **place._asdict(), **told._asdict())
        for place, told in archived_seen_time(from_index=starts, to_index=ends).items()
    )
    return True


def added_to(*, known: int | None = None) -> int:
    """Return the end of the last stretch that was added up, or of the last within known leaves."""
    runs = (
        ExposureRun.objects.all()
        if known is None
        else ExposureRun.objects.filter(to_index__lte=known)
    )
    return runs.aggregate(end=Max("to_index"))["end"] or 0


# Reading


@dataclass(frozen=True, slots=True)
class SeenDays:
    """What was seen of a twin for an agency until a day, by day, channel, licensee and use."""

    hours: tuple[SeenHours, ...]
    unmeasured: int
    leaves: int


def seen_days(
    *, agency_id: int, twin_id: int, as_of: date, known_at: datetime | None = None
) -> SeenDays:
    """Return what was seen of a twin until a day, for one agency only, as known at an instant."""
    leaves = leaves_known(at=known_at)
    sums: dict[tuple[Any, ...], list[Any]] = defaultdict(lambda: [Decimal(0), 0])
    for row in _rows(agency_id, twin_id, as_of, leaves):
        figures = sums[tuple(row[name] for name in SEEN_BY)]
        figures[0] += row["seconds"]
        figures[1] += row["unmeasured"]
    fits, brands = Fits.of(agency_id, twin_id, as_of, known_at), _categories()
    hours = tuple(
        SeenHours(
            on=on,
            channel=channel,
            hours=seconds / SECONDS_AN_HOUR,
            congruence=fits.fit(production, use),
            licensee=str(licensee),
            category=brands.get(brand.lower(), use),
        )
        for (licensee, production, use, channel, brand, on), (seconds, _) in sorted(
            sums.items(), key=lambda told: tuple(str(part) for part in told[0])
        )
        if seconds
    )
    return SeenDays(hours, sum(figures[1] for figures in sums.values()), leaves)


def _rows(agency_id: int, twin_id: int, as_of: date, leaves: int) -> Iterator[dict[str, Any]]:
    added = added_to(known=leaves)
    kept = SeenTime.objects.filter(
        agency=agency_id, twin=twin_id, on__lte=as_of, run__to_index__lte=added
    )
    names = [name.removesuffix("_id") for name in SEEN_BY]
    for row in kept.values_list(*names).annotate(*(Sum(figure) for figure in FIGURES)).order_by():
        yield dict(zip((*SEEN_BY, *FIGURES), row, strict=True))
    for told in seen_time(agency_id=agency_id, twin_id=twin_id, from_index=added, to_index=leaves):
        if told["on"] <= as_of:
            yield told
    for place, sums in archived_seen_time(from_index=added, to_index=leaves).items():
        if (place.agency_id, place.twin_id) == (agency_id, twin_id) and place.on <= as_of:
            yield {**place._asdict(), **sums._asdict()}


def _categories() -> dict[str, str]:
    """Return what brands sell, by their slugs and names in small letters."""
    found: dict[str, str] = {}
    for brand in Brand.objects.all():
        told = ",".join(sorted(brand.categories))
        found |= {brand.slug.lower(): told, brand.name.lower(): told}
    return found


@dataclass(frozen=True, slots=True)
class Fits:
    """How well uses fit a twin, as its agency judges; of several the one that names more counts."""

    rows: tuple[Congruence, ...]

    @classmethod
    def of(cls, agency_id: int, twin_id: int, on: date, known_at: datetime | None) -> "Fits":
        rows = Congruence.objects.filter(agency=agency_id, counts_from__lte=on)
        if known_at is not None:
            rows = rows.filter(recorded_at__lte=known_at)
        newest_first = rows.order_by("-counts_from", "-pk")
        return cls(tuple(row for row in newest_first if row.twin_id in (None, twin_id)))

    def fit(self, production_id: int | None, use: str) -> Decimal:
        """Return from −1 to 1; 0 where nobody judged."""
        speaking = [
            row
            for row in self.rows
            if row.production_id in (None, production_id) and row.use in ("", use)
        ]
        named = max(speaking, key=_named, default=None)
        return named.fit if named else Decimal(0)


def _named(row: Congruence) -> tuple[bool, bool, bool]:
    return row.production_id is not None, row.twin_id is not None, bool(row.use)


# Checking


@dataclass(frozen=True, slots=True)
class Compared:
    """One stretch that was compared with its events, in tables and in archives.

    `unread` says why it was not: the file of an archive is away, or not the one that was recorded.
    """

    run: ExposureRun
    differences: tuple[dict[str, Any], ...] = ()
    unread: str = ""


KEY = (*WHOSE, *SEEN_BY)
# Sums less events, so that what agrees comes to nothing.
DIFFERENCES = f"""
    SELECT {quoted(KEY)}, sum(seconds), sum(unmeasured)
    FROM (
        SELECT {quoted(COLUMNS)} FROM valuation_seentime WHERE run_id = %(run)s
        UNION ALL
        SELECT {quoted(KEY)}, -seconds, -unmeasured FROM ({OF_ALL}) seen
    ) told
    GROUP BY {quoted(KEY)}
    HAVING sum(seconds) <> 0 OR sum(unmeasured) <> 0
"""  # noqa: S608 - names of columns


def compare_seen_time() -> Iterator[Compared]:
    """Add every stretch up again from its events, and compare."""
    for run in ExposureRun.objects.order_by("from_index"):
        try:
            yield Compared(run, tuple(_differences(run)))
        except (ArchiveAway, ArchiveChanged) as unread:
            yield Compared(run, unread=str(unread))


def _differences(run: ExposureRun) -> Iterator[dict[str, Any]]:
    """Yield what a stretch's sums say more than its events, by place."""
    span = batches_between(run.from_index, run.to_index)
    more: dict[tuple[Any, ...], list[Any]] = defaultdict(lambda: [Decimal(0), 0])
    with connection.cursor() as cursor:
        cursor.execute(DIFFERENCES, {**(span or {}), "run": run.pk})
        for row in cursor.fetchall():
            more[row[: len(KEY)]] = list(row[len(KEY) :])
    archived = archived_seen_time(from_index=run.from_index, to_index=run.to_index)
    for place, told in archived.items():
        figures = more[tuple(place)]
        figures[0] -= told.seconds
        figures[1] -= told.unmeasured
    for key, figures in more.items():
        if any(figures):
            yield dict(zip((*KEY, *FIGURES), (*key, *figures), strict=True))
