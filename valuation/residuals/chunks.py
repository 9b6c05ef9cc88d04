"""Chunks: many agreements rated in one transaction, with what they read and write in common.

To rate one takes a fraction of a millisecond; what it took to ask for it and to store it alone was
fifty times that.
"""

import gc
import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from django.db import connection, transaction

from talent.database import binary_rows
from talent.database.binary_rows import as_json, copy_rows, take_ids
from talent.database.sql import among, sql_file
from talent.errors import Refused
from valuation.ledger import journal
from valuation.models import NightRun, NightShard, Reading, ResidualLine
from valuation.residuals import loading, totals
from valuation.residuals.posting import (
    LONGEST_ERROR,
    AgreementFacts,
    AgreementNight,
    NewLine,
    UseOfPeriods,
)
from valuation.residuals.readings import PricedReading
from valuation.words import ShardStatus

logger = logging.getLogger(__name__)

# A worker that answers no more for so long has lost its chunk: the database ends its session, and
# another worker rates the chunk.
LONGEST_SILENCE = "300s"

CLOSE_SHARDS = sql_file(__file__, "close_shards.sql")
UPDATE_READINGS = sql_file(__file__, "update_readings.sql")
END_SILENT_WORKERS = sql_file(__file__, "end_silent_workers.sql")

KEY = ["agreement", "rate_line", "factor", "period_on"]
DERIVED = [
    "period_ends_on",
    "quantity",
    "events",
    "gross",
    "months",
    "summary",
    "explanation",
    "first_index",
    "last_index",
]
JSON = {"months", "summary", "explanation"}


@transaction.atomic
def rate_and_post(*, run: NightRun, shard_ids: Sequence[int], now: datetime) -> list[int]:
    """Rate the unrated usage to date of some waiting shards and post the differences, once.

    Returns the ids of the agreements whose readings changed. Of a cancelled run, it rates none.

    Every rating period with new leaves, or that opened or ended and costs something without use, is
    priced from its cumulative use; every period at all, where terms or shares have changed. Use
    that cannot be rated is set aside, and tried again by the next night. An agreement that cannot
    be rated at all fails alone. Raises what the database and the ledger raise; then nothing of the
    chunk is stored.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"SET LOCAL idle_in_transaction_session_timeout = '{LONGEST_SILENCE}';"
            # Hash all totals of the chunk at once, and do not compile for so short a time.
            "SET LOCAL work_mem = '64MB'; SET LOCAL jit = off"
        )
    # Locked, so that two workers cannot post the same difference.
    shards = list(
        NightShard.objects.select_for_update()
        .filter(pk__in=among(shard_ids), status=ShardStatus.WAITING.value)
        .order_by("pk")
    )
    # Asked once they are locked: who closes a cancelled run locks them, too.
    if not shards or is_cancelled(run):
        return []
    totals.add_new_leaves(run, [shard.agreement_id for shard in shards])
    with _without_collections():
        return _rate_and_post(run, shards, now)


def _rate_and_post(run: NightRun, shards: Sequence[NightShard], now: datetime) -> list[int]:
    """Do it, and let go of all that it took before anybody looks for garbage again."""
    nights = _price(run, loading.load_facts(run, shards))
    _post(nights, now)
    return [night.agreement.pk for night in nights if night.changed]


def _post(nights: Sequence[AgreementNight], now: datetime) -> None:
    """Store what agreements came to, and post the differences."""
    _store_readings([priced for night in nights for priced in night.changed])
    posted = loading.load_posted(priced.reading for night in nights for priced in night.changed)
    for night in nights:
        night.draft_lines(posted)
    _copy_lines([line for night in nights for line in night.lines])
    journal.post_all((night.draft_entry() for night in nights), recorded_at=now)
    _close([night.closed_shard() for night in nights])


def is_cancelled(run: NightRun) -> bool:
    """Tell whether somebody has cancelled a run since it was read."""
    return NightRun.objects.filter(pk=run.pk, cancelled_at__isnull=False).exists()


def end_silent_workers() -> None:
    """End the sessions of workers that went silent while they sent what a chunk comes to."""
    with connection.cursor() as cursor:
        cursor.execute(END_SILENT_WORKERS, {"silence": LONGEST_SILENCE})
        for _ in cursor.fetchall():
            logger.error("A worker said nothing for %s: its chunk is rated anew", LONGEST_SILENCE)


@contextmanager
def _without_collections() -> Iterator[None]:
    """Look for no garbage meanwhile: that takes as long as to rate, and a chunk is soon through."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _price(run: NightRun, facts: Iterable[AgreementFacts]) -> list[AgreementNight]:
    """Price what each agreement came to; those that cannot be rated are marked, and left out."""
    nights, from_nothing = [], {}
    for one in facts:
        try:
            night = AgreementNight(run, one)
            from_nothing[night.agreement.pk] = night.periods_from_nothing()
            nights.append(night)
        except Exception as failure:
            logger.exception("Shard %s failed", one.shard.pk)
            mark_failed(one.shard.pk, failure)
    stored = loading.load_readings({n.agreement.pk: n.periods_due() for n in nights})
    wanted = ((pk, period) for pk, periods in from_nothing.items() for period in periods)
    all_use = UseOfPeriods(run, wanted)
    priced = []
    for night in nights:
        try:
            night.price(stored[night.agreement.pk], all_use)
            priced.append(night)
        except Exception as failure:
            logger.exception("Shard %s failed", night.facts.shard.pk)
            mark_failed(night.facts.shard.pk, failure)
    return priced


def mark_failed(shard_id: int, failure: Exception) -> None:
    """Keep for staff why a shard could not be rated."""
    reason = str(failure) if isinstance(failure, Refused) else type(failure).__name__
    NightShard.objects.filter(pk=shard_id).update(
        status=ShardStatus.FAILED.value, error=reason[:LONGEST_ERROR]
    )


def _store_readings(changed: Sequence[PricedReading]) -> None:
    """Store readings; new ones get their ids, which their lines need."""
    readings = [priced.reading for priced in changed]
    new = [reading for reading in readings if reading.pk is None]
    _update([reading for reading in readings if reading.pk is not None])
    for reading, pk in zip(new, take_ids(Reading, len(new)), strict=True):
        reading.pk = pk
    key = ("agreement_id", "rate_line_id", "factor", "period_on", "currency")
    copy_rows(
        Reading,
        ["id", *KEY, "currency", *DERIVED],
        (
            (reading.pk, *(getattr(reading, name) for name in key), *_derived(reading))
            for reading in new
        ),
    )


def _update(stored: Sequence[Reading]) -> None:
    columns = zip(*map(_derived, stored), strict=True)
    if stored:
        ids = [reading.pk for reading in stored]
        binary_rows.execute(
            UPDATE_READINGS, {"ids": ids, **dict(zip(DERIVED, map(list, columns), strict=True))}
        )


def _derived(reading: Reading) -> tuple[object, ...]:
    return tuple(
        as_json(getattr(reading, name)) if name in JSON else getattr(reading, name)
        for name in DERIVED
    )


def _copy_lines(lines: Iterable[NewLine]) -> None:
    rows = (line._replace(explanation=as_json(line.explanation)) for line in lines)
    copy_rows(ResidualLine, NewLine._fields, rows)


def _close(shards: Sequence[NightShard]) -> None:
    binary_rows.execute(
        CLOSE_SHARDS,
        {
            "ids": [shard.pk for shard in shards],
            "status": [shard.status for shard in shards],
            "error": [shard.error for shard in shards],
            "set_aside": [as_json(shard.set_aside) for shard in shards],
            "posted": [shard.posted for shard in shards],
            "rated": [shard.events_rated for shard in shards],
            "held": [shard.events_held for shard in shards],
            "zero": [shard.events_zero for shard in shards],
            "unpriced": [shard.events_unpriced for shard in shards],
        },
    )
