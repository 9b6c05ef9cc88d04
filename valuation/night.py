"""The night: has the other rooms seal, rate, match and draw, in this order. None imports it."""

import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from math import ceil
from typing import Any

from django.db import connection, transaction
from django.db.models import Exists, F, Max, OuterRef, Q, Sum
from django.db.models.functions import Now

from licensing.agreements.rates.terms_digest import digests_of_terms
from licensing.log import sequencer
from licensing.models import Agreement, DeadLetter, RateLine, UsageBatch
from licensing.money import rounded
from licensing.words import Pricing, Treatment
from talent.beneficiaries import digests_of_shares
from talent.database.binary_rows import copy_rows
from talent.database.locks import hold_lock, holder_of
from talent.errors import Refused
from talent.models import Agency, User
from talent.periods import local_day, starts_at
from valuation.cash.disputed import holding
from valuation.cash.released import directions, dues, matching, releases, taken_over
from valuation.models import (
    NightRun,
    NightShard,
    RatedAgreement,
    Reading,
    ResidualLine,
    UsageTotal,
)
from valuation.residuals import stretches, totals
from valuation.residuals.chunks import (
    end_silent_workers,
    is_cancelled,
    mark_failed,
    rate_and_post,
)
from valuation.residuals.segments import periods_that_open_or_end
from valuation.statements import draw
from valuation.words import RunStatus, ShardStatus

logger = logging.getLogger(__name__)

# Has other processes rate chunks of a run, given by its id.
AskForHelp = Callable[[int], None]

LOCK = "the night"
# So many agreements are rated in one transaction at most; at least, where each process gets some.
AT_ONCE, AT_LEAST = 200, 50
# Seconds between two looks at what other workers have taken.
LOOKS_EACH = 0.1
# A night that takes longer hangs; its task is ended then, too.
LONGEST = timedelta(hours=6)
CLOCK_SKEW = timedelta(minutes=5)
# An agreement during which the process was killed so often is left out, so that the rest goes on.
KILLS_ALLOWED = 3


class NightIsRunning(Refused):
    """Another process is running a night."""

    code = "night_is_running"


class NightIsPast(Refused):
    """A night is requested for a day before that of the last night."""

    code = "night_is_past"


class NightIsAhead(Refused):
    """A night is requested for a day that has not begun."""

    code = "night_is_ahead"


class ClockIsWrong(Refused):
    """This machine's clock disagrees with the database's, or with the nights before."""

    code = "clock_is_wrong"


class NightNotCancelled(Refused):
    """A night cannot be cancelled: it has ended, or somebody cancelled it already."""

    code = "night_not_cancelled"


class NightNotTakenBack(Refused):
    """A night cannot be taken back: there is none of that number, or it was taken back before."""

    code = "night_not_taken_back"


# Is called after each piece of a night's work, for who wants to see how far it is.
Watch = Callable[[NightRun], None]


def nobody_watches(_run: NightRun) -> None:
    """Let a night go on unwatched."""


def run_night(*, as_of: date, now: datetime, zone: str = "UTC") -> NightRun:
    """Run a night: rate and post new usage, match cash, and draw the statements that are due.

    It rates the leaves sealed before the end of `as_of` in `zone`. A night that was killed is
    finished first. Running it again posts nothing new. An agreement that fails is marked and does
    not stop the others; the next night tries it again. Raises NightIsRunning, NightIsPast,
    NightIsAhead, ClockIsWrong.
    """
    run = rate_and_match(as_of=as_of, now=now, zone=zone)
    if run.status != RunStatus.CANCELLED.value:
        draw_statements(run, now=now)
    return run


def rate_and_match(
    *,
    as_of: date,
    now: datetime,
    zone: str = "UTC",
    by: User | None = None,
    watch: Watch = nobody_watches,
    ask_for_help: AskForHelp | None = None,
) -> NightRun:
    """Run a night without its statements, which have a lane of their own. Raises as `run_night`.

    `by` is who started it by hand; `ask_for_help` may have other processes rate chunks of it. It
    may come back cancelled.
    """
    with alone():
        for killed in NightRun.objects.filter(status=RunStatus.RUNNING.value):
            _resume(killed, now, watch)
        sequencer.seal(at=now)
        run = start(as_of, now, zone, by)
        finish(run, now, watch=watch, ask_for_help=ask_for_help)
    return run


def cancel(*, run_id: int, by: User, now: datetime) -> None:
    """Have a running night end after the piece of work that it is at.

    What it rated stays; the next night rates the rest. Raises NightNotCancelled.
    """
    running = NightRun.objects.filter(
        pk=run_id, status=RunStatus.RUNNING.value, cancelled_at__isnull=True
    )
    if not running.update(cancelled_at=now, cancelled_by=by):
        raise NightNotCancelled("This night has ended already, or somebody else cancelled it.")


def draw_statements(run: NightRun, *, now: datetime) -> list[str]:
    """Draw what is due by a run's day; return the names of what could not be drawn.

    Raises LockIsHeld while another process draws.
    """
    failed: list[str] = []
    with hold_lock("the statements of the night", at_most=LONGEST):
        draw.draw_due(as_of=run.as_of, now=now, failed=failed)
        NightRun.objects.filter(pk__lte=run.pk, drawn_at=None).update(drawn_at=now)
    return failed


def take_back(*, run_id: int, because: str, now: datetime) -> list[NightRun]:
    """Take back a night that ran as of a wrong day, and those after it; return them.

    What they posted stays in the journal. The next night may be of an earlier day again; it rates
    the same agreements as of its own day and posts the differences back. Raises NightIsRunning,
    NightNotTakenBack.
    """
    with alone(), transaction.atomic():
        runs = NightRun.objects.standing().filter(pk__gte=run_id).order_by("pk")
        taken = list(runs.select_for_update())
        if not taken or taken[0].pk != run_id:
            raise NightNotTakenBack(f"Night {run_id} is not there, or was taken back before.")
        for run in taken:
            run.taken_back_at, run.taken_back_because = now, because
            run.save(update_fields=["taken_back_at", "taken_back_because"])
    return taken


@contextmanager
def alone() -> Iterator[None]:
    """Hold the lock of the night. Raises NightIsRunning."""
    with hold_lock(LOCK, wait=False, at_most=LONGEST) as is_alone:
        if not is_alone:
            raise NightIsRunning(f"Another night is running: {holder_of(LOCK)}.")
        yield


def _resume(killed: NightRun, now: datetime, watch: Watch) -> None:
    """Finish a run whose process was killed. An agreement that kills each time is left out."""
    logger.warning("%s was killed before its end; it is finished now", killed)
    waiting = killed.shards.filter(status=ShardStatus.WAITING.value).order_by("pk")
    if (at_work := waiting.first()) is not None:
        at_work.kills += 1
        if at_work.kills >= KILLS_ALLOWED:
            at_work.status = ShardStatus.FAILED.value
            at_work.error = f"The process was killed {at_work.kills} times while it rated this."
        at_work.save(update_fields=["kills", "status", "error"])
    killed.kills += 1
    # The chunk in which it was killed goes one by one, so that the next kill tells which it is.
    finish(
        killed, now, watch=watch, one_by_one=list(waiting.values_list("pk", flat=True)[:AT_ONCE])
    )


def record_of(run: NightRun) -> dict[str, Any]:
    """Return what a night did as JSON values: leaves by outcome, amounts by currency, seconds."""
    took = run.finished_at - run.started_at if run.finished_at else timedelta()
    return {
        "run": run.pk,
        "as_of": run.as_of.isoformat(),
        "status": run.status,
        "read": run.events_read,
        "rated": run.events_rated,
        "held": run.events_held,
        "zero": run.events_zero,
        "rejected": run.rejected,
        "amounts": run.amounts,
        "seconds": round(took.total_seconds(), 3),
    }


def start(as_of: date, now: datetime, zone: str, by: User | None = None) -> NightRun:
    """Create a run, its usage totals, and a waiting shard for each agreement to rate.

    Raises NightIsPast, NightIsAhead, ClockIsWrong.
    """
    last = NightRun.objects.standing().nights().order_by("-pk").first()
    refuse_wrong_day(as_of, now, zone, last)
    # What a run that was taken back has read was read: its totals stand.
    from_index = NightRun.objects.aggregate(end=Max("to_index"))["end"] or 0
    end_of_day = starts_at(as_of + timedelta(days=1), zone)
    run = NightRun(
        as_of=as_of,
        started_at=now,
        started_by=by,
        from_index=from_index,
        to_index=max(from_index, _end_of_leaves_sealed_before(end_of_day)),
        zone=zone,
    )
    totals.add_up_old_batches(from_index=run.from_index, to_index=run.to_index)
    _begin(run, last)
    return run


@transaction.atomic
def _begin(run: NightRun, last: NightRun | None) -> None:
    """Store a run with its waiting shards."""
    run.added_until = stretches.end_at(from_index=run.from_index, to_index=run.to_index)
    run.events_read = run.to_index - run.from_index
    run.save()
    # Use without an agreement has no rate; of agreements each chunk adds what is left of its own.
    totals.add_new_leaves(run, None)
    run.rejected = _dead_letters_between(last.started_at if last else None, run.started_at)
    run.save()
    terms = terms_of_agreements()
    alike = {
        "run": run.pk,
        "status": ShardStatus.WAITING.value,
        "error": "",
        **dict.fromkeys(("events_rated", "events_held", "events_zero", "posted"), 0),
    }
    copy_rows(
        NightShard,
        [*alike, "agreement", "terms"],
        (
            (*alike.values(), pk, terms.get(pk, ""))
            for pk in sorted(_agreements_to_visit(run, last, terms))
        ),
    )


def refuse_wrong_day(as_of: date, now: datetime, zone: str, last: NightRun | None) -> None:
    """Refuse a day that no night can be run for after the last one.

    Raises NightIsPast, NightIsAhead, ClockIsWrong.
    """
    if as_of > local_day(now, zone):
        raise NightIsAhead(f"{as_of} has not begun: it is {local_day(now, zone)} in {zone}.")
    if last is None:
        return
    if last.started_at > now + CLOCK_SKEW:
        raise ClockIsWrong(
            f"The last night began at {last.started_at:%Y-%m-%d %H:%M} UTC, but this machine says"
            f" that it is {now:%Y-%m-%d %H:%M}. Set the clock; if that night’s was wrong,"
            f" `manage.py take_back_night {last.pk}`."
        )
    if as_of < last.as_of:
        raise NightIsPast(
            f"The last night was {last.as_of}; {as_of} can no longer be told. If that day was"
            f" wrong, `manage.py take_back_night {last.pk}`."
        )


def terms_of_agreements() -> dict[int, str]:
    """Return for each signed agreement a digest of its terms and of who is paid for its twin."""
    shares = digests_of_shares()
    return {
        row.agreement_id: f"{row.digest}{shares.get(row.twin_id, '')}" for row in digests_of_terms()
    }


def _end_of_leaves_sealed_before(instant: datetime) -> int:
    """Return the index after the last leaf that was sealed before an instant."""
    batches = UsageBatch.objects.filter(sealed_at__lt=instant)
    return batches.aggregate(end=Max(F("first_index") + F("size")))["end"] or 0


def _dead_letters_between(since: datetime | None, until: datetime) -> int:
    dead_letters = DeadLetter.objects.filter(received_at__lt=until)
    if since is not None:
        dead_letters = dead_letters.filter(received_at__gte=since)
    return dead_letters.count()


def _agreements_to_visit(
    run: NightRun, last: NightRun | None, terms: Mapping[int, str]
) -> set[int]:
    """Return ids of agreements that may owe something else than was posted.

    They have new leaves, uses that came before they happened and now have, a last night that
    failed, set use aside or was taken back, other terms or shares than they were last rated by,
    or cost something without use in a period that opened or ended.
    """
    used = totals.agreements_used(run)
    come_due = UsageTotal.objects.filter(
        agreement__isnull=False,
        counts_from__gt=last.as_of if last else run.as_of,
        counts_from__lte=run.as_of,
        last_index__lt=run.to_index,
    )
    unfinished = NightShard.objects.unfinished().filter(run__lt=run)
    taken_back = NightShard.objects.taken_back().filter(run__lt=run)
    rated_by = dict(RatedAgreement.objects.values_list("agreement", "terms"))
    # Rated before the desk kept terms and months: their readings are told by the month first.
    unknown = Reading.objects.filter(agreement__in=terms.keys() - rated_by.keys())
    return {
        *used,
        *come_due.values_list("agreement", flat=True).distinct(),
        *unfinished.values_list("agreement", flat=True).distinct(),
        *taken_back.values_list("agreement", flat=True).distinct(),
        *(pk for pk, was in rated_by.items() if terms.get(pk, was) != was),
        *unknown.values_list("agreement", flat=True).distinct(),
        *_agreements_owing_without_use(run),
    }


def _agreements_owing_without_use(run: NightRun) -> Iterator[int]:
    """Yield ids of agreements that cost something without use, in a period that opens or ends.

    Those have a flat price, a minimum, or a fee for entering a bracket.
    """
    costly = RateLine.objects.filter(
        Q(pricing=Pricing.FLAT.value) | Q(minimum__gt=0) | Q(brackets__flat__gt=0)
    )
    # Periods open and end with months: most were rated since this one began, and began before it.
    month_on = run.as_of.replace(day=1)
    rated_since = RatedAgreement.objects.filter(
        agreement=OuterRef("pk"), run__taken_back_at=None, run__as_of__gte=month_on
    )
    agreements = Agreement.objects.filter(
        ~Exists(rated_since) | Q(starts_at__gte=starts_at(month_on - timedelta(days=1), "UTC")),
        pk__in=costly.values("card__agreement"),
        signed_at__isnull=False,
    )
    last = totals.last_rated([agreement.pk for agreement in agreements])
    for agreement in agreements:
        since = last[agreement.pk].as_of if agreement.pk in last else None
        if any(periods_that_open_or_end(agreement, since, run.as_of)):
            yield agreement.pk


def finish(
    run: NightRun,
    now: datetime,
    *,
    watch: Watch = nobody_watches,
    ask_for_help: AskForHelp | None = None,
    one_by_one: Sequence[int] = (),
) -> None:
    """Rate a run's waiting shards in chunks, some alone before; match cash; store the sums.

    Once somebody cancels it, no other chunk is rated and no cash matched.
    """
    waiting = run.shards.filter(status=ShardStatus.WAITING.value).count()
    run.rated_before = run.shards.count() - waiting
    run.rating_since = Now()
    run.save(update_fields=["rated_before", "rating_since", "kills"])
    run.refresh_from_db(fields=["rating_since"])
    for shard_id in one_by_one:
        _rate_alone(run, shard_id, now)
        watch(run)
    if ask_for_help is not None and waiting > _size_of_chunks(run):
        ask_for_help(run.pk)
    rate_waiting(run, now, watch=watch)
    # What others have taken: a chunk is done when its lock is free, or its worker is lost.
    if rate_waiting(run, now, watch=watch, wait=True):
        close(run, not_posted=_post_dues(run, now), not_matched=_match(run, now))
    else:
        close(run, cancelled=True)


def _post_dues(run: NightRun, now: datetime) -> int:
    """Post what falls due beside use; return for how many agreements that failed."""
    failed = 0
    for agreement_id in dues.agreements_due(run.as_of):
        try:
            dues.post_dues(agreement_id, run=run, now=now)
        except Exception:
            logger.exception("What agreement %s owes beside use was not posted", agreement_id)
            failed += 1
    return failed


def help_to_rate(*, run_id: int, now: datetime, at_most: int) -> int:
    """Rate chunks of a run that another process conducts, while some wait; return how many.

    None of a run that was cancelled.
    """
    run = NightRun.objects.filter(pk=run_id, status=RunStatus.RUNNING.value).first()
    chunks = 0
    while run is not None and chunks < at_most and not is_cancelled(run) and _rate_next(run, now):
        chunks += 1
    return chunks


def rate_waiting(
    run: NightRun, now: datetime, *, watch: Watch = nobody_watches, wait: bool = False
) -> bool:
    """Rate the waiting shards of a run; those that another process has taken only if it waits.

    Returns whether it got to their end, or somebody cancelled the run while some waited.
    """
    waiting = run.shards.filter(status=ShardStatus.WAITING.value)
    while not (is_cancelled(run) and waiting.exists()):
        if _rate_next(run, now):
            watch(run)
        elif wait and waiting.exists():
            end_silent_workers()
            time.sleep(LOOKS_EACH)
        else:
            return True
    return False


def _rate_next(run: NightRun, now: datetime) -> bool:
    """Rate the next chunk of a run that nobody has taken; tell whether there was one.

    A chunk that fails is rated one by one, so that what fails of it stops nothing else.
    """
    ids: list[int] = []
    try:
        with transaction.atomic():
            if ids := _take_chunk(run):
                _rate(run, ids, now)
    except Exception:
        if not ids or not connection.is_usable():
            raise
        logger.exception("Shards %s to %s failed; they are rated one by one", ids[0], ids[-1])
        for shard_id in ids:
            _rate_alone(run, shard_id, now)
    return bool(ids)


def _size_of_chunks(run: NightRun) -> int:
    """Return how many agreements are a chunk: a part for each processor, neither long nor short."""
    part = ceil(run.shards.count() / (os.cpu_count() or 1))
    return min(max(part, AT_LEAST), AT_ONCE)


def _take_chunk(run: NightRun) -> list[int]:
    """Lock the next waiting shards for this transaction, and return their ids."""
    waiting = run.shards.filter(status=ShardStatus.WAITING.value).order_by("pk")
    locked = waiting.select_for_update(skip_locked=True)
    return list(locked.values_list("pk", flat=True)[: _size_of_chunks(run)])


def _rate(run: NightRun, shard_ids: Sequence[int], now: datetime) -> None:
    changed = rate_and_post(run=run, shard_ids=shard_ids, now=now)
    # What follows of it, and what was received for use that has since become cheaper, in the same
    # transaction: otherwise a kill would leave more payable than was earned.
    shards = NightShard.objects.filter(pk__in=shard_ids).exclude(status=ShardStatus.WAITING.value)
    with_dues = dues.have_dues(shards.values_list("agreement", flat=True))
    for agreement_id in sorted(with_dues):
        dues.post_dues(agreement_id, run=run, now=now)
    others = set(changed) - with_dues
    matching.give_back_of(others, as_of=run.as_of, now=now)
    holding.follow(others, now=now)


def _rate_alone(run: NightRun, shard_id: int, now: datetime) -> None:
    """Rate one shard; its failure is kept for staff and stops no other agreement."""
    try:
        with transaction.atomic():
            _rate(run, [shard_id], now)
    except Exception as failure:
        logger.exception("Shard %s failed", shard_id)
        mark_failed(shard_id, failure)


def _match(run: NightRun, now: datetime) -> list[str]:
    """Match what was received, and release reserves; return the agencies where that failed."""
    failed = []
    for agency in Agency.objects.order_by("pk"):
        try:
            matching.give_back_tax(agency_id=agency.pk, as_of=run.as_of, now=now)
            matching.match_unmatched(agency_id=agency.pk, now=now)
            releases.release_reserves(agency_id=agency.pk, on=run.as_of, now=now)
            taken_over.release_reserves(agency_id=agency.pk, on=run.as_of, now=now)
            directions.follow(agency_id=agency.pk, now=now)
        except Exception:
            logger.exception("The cash of agency %s was not matched", agency.pk)
            failed.append(agency.name)
    return failed


@transaction.atomic
def close(
    run: NightRun,
    *,
    not_posted: int = 0,
    not_matched: Sequence[str] = (),
    cancelled: bool = False,
) -> None:
    """Store the sums of all the run's shards, also of those an earlier process finished."""
    # What nobody rates any more, once who is at some of it has ended. Locked before the run, as who
    # rates does.
    list(run.shards.select_for_update().filter(status=ShardStatus.WAITING.value))
    # Locked and read again: saved as it was read at the start, it would forget who cancelled it.
    NightRun.objects.select_for_update().get(pk=run.pk)
    run.refresh_from_db()
    # What was read stays read: the next night rates from here what was not rated.
    rest = UsageTotal.objects.between(max(run.from_index, run.added_until), run.to_index)
    added = rest.filter(agreement=OuterRef("agreement"))
    left = run.shards.filter(status__in=[ShardStatus.FAILED.value, ShardStatus.WAITING.value])
    to_add = left.filter(~Exists(added)).values_list("agreement", flat=True)
    totals.add_new_leaves(run, list(to_add))
    read = UsageTotal.objects.between(run.from_index, run.to_index)
    waiting = read.filter(agreement__in=left.values("agreement"))
    sums = run.shards.aggregate(
        rated=Sum("events_rated", default=0),
        held=Sum("events_held", default=0),
        zero=Sum("events_zero", default=0),
    )
    # Use without an agreement has no rate: it is held, or worth nothing by a ruling.
    nothing_owed = Q(treatment=Treatment.ZERO.value)
    unrated = read.filter(agreement=None).aggregate(
        held=Sum("leaves", filter=~nothing_owed, default=0),
        zero=Sum("leaves", filter=nothing_owed, default=0),
    )
    run.events_rated = sums["rated"]
    run.events_held = sums["held"] + unrated["held"]
    run.events_held += waiting.aggregate(sum=Sum("leaves", default=0))["sum"]
    run.events_zero = sums["zero"] + unrated["zero"]
    lines = ResidualLine.objects.filter(run=run)
    posted = lines.values_list("currency").annotate(sum=Sum("amount")).order_by("currency")
    run.amounts = {currency: str(rounded(amount, currency)) for currency, amount in posted}
    run.detail = _left_undone(run, not_posted, not_matched)
    ended = RunStatus.INCOMPLETE if run.detail else RunStatus.FINISHED
    run.status = (RunStatus.CANCELLED if cancelled else ended).value
    run.finished_at = Now()
    run.save()
    run.refresh_from_db(fields=["finished_at"])


def _left_undone(run: NightRun, not_posted: int, not_matched: Sequence[str]) -> str:
    """Return in words what of a run could not be done; empty: nothing."""
    failed = run.shards.filter(status=ShardStatus.FAILED.value).count()
    partly = run.shards.filter(status=ShardStatus.PARTLY.value).count()
    left = run.shards.filter(status=ShardStatus.WAITING.value).count()
    faults = [f"Agreements left for the next night: {left}."] if left else []
    faults += [f"Agreements that could not be rated: {failed}."] if failed else []
    faults += [f"Agreements with use set aside: {partly}."] if partly else []
    if not_posted:
        faults.append(f"Agreements whose guarantees or advances are not posted: {not_posted}.")
    faults += [f"Cash of {agency} could not be matched." for agency in not_matched]
    return " ".join(faults)
