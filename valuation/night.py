"""The night: has the other rooms seal, rate, match and draw, in this order. None imports it."""

import logging
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Max, Q, Sum
from django.db.models.functions import Now

from licensing.log import sequencer
from licensing.models import Agreement, DeadLetter, RateCard, RateLine, UsageBatch
from licensing.money import rounded
from licensing.words import Pricing, Treatment
from talent.database.locks import hold_lock
from talent.errors import Refused
from talent.models import Agency
from talent.periods import starts_at
from valuation.cash import remittances
from valuation.models import NightRun, NightShard, ResidualLine, UsageTotal
from valuation.residuals import totals
from valuation.residuals.posting import rate_and_post
from valuation.residuals.segments import periods_that_open_or_end
from valuation.statements import draw
from valuation.words import RunStatus, ShardStatus

logger = logging.getLogger(__name__)


class NightIsRunning(Refused):
    """Another process is running a night."""

    code = "night_is_running"


class NightIsPast(Refused):
    """A night is requested for a day before that of the last night."""

    code = "night_is_past"


def run_night(*, as_of: date, now: datetime, zone: str = "UTC") -> NightRun:
    """Run a night: rate and post new usage, match cash, and draw the statements that are due.

    It rates the leaves sealed before the end of `as_of` in `zone`. A night that was killed is
    finished first. Running it again posts nothing new. An agreement that fails is marked and does
    not stop the others; the next night tries it again. Raises NightIsRunning, NightIsPast.
    """
    with hold_lock("the night", wait=False) as is_alone:
        if not is_alone:
            raise NightIsRunning("Another night is running; this one has nothing to add.")
        for killed in NightRun.objects.filter(status=RunStatus.RUNNING.value):
            finish(killed, now)
        sequencer.seal(at=now)
        run = start(as_of, now, zone)
        finish(run, now)
    for agency_id in Agency.objects.order_by("pk").values_list("pk", flat=True):
        _match(agency_id, now)
    draw.draw_due(as_of=as_of, now=now)
    return run


def _match(agency_id: int, now: datetime) -> None:
    """Match an agency's cash; a failure is logged, and stops neither other agencies nor papers."""
    try:
        remittances.match_unmatched(agency_id=agency_id, now=now)
    except Exception:
        logger.exception("The cash of agency %s was not matched", agency_id)


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


@transaction.atomic
def start(as_of: date, now: datetime, zone: str) -> NightRun:
    """Create a run, its usage totals, and a waiting shard for each agreement to rate.

    Raises NightIsPast.
    """
    last = NightRun.objects.order_by("-pk").first()
    if last is not None and as_of < last.as_of:
        raise NightIsPast(f"The last night was {last.as_of}; {as_of} can no longer be told.")
    from_index = last.to_index if last else 0
    end_of_day = starts_at(as_of + timedelta(days=1), zone)
    run = NightRun.objects.create(
        as_of=as_of,
        started_at=now,
        from_index=from_index,
        to_index=max(from_index, _end_of_leaves_sealed_before(end_of_day)),
    )
    run.events_read = totals.add_new_leaves(run, zone)
    run.rejected = _dead_letters_between(last.started_at if last else None, now)
    run.save()
    NightShard.objects.bulk_create(
        NightShard(run=run, agreement_id=pk) for pk in sorted(_agreements_to_visit(run, last))
    )
    return run


def _end_of_leaves_sealed_before(instant: datetime) -> int:
    """Return the index after the last leaf that was sealed before an instant."""
    batches = UsageBatch.objects.filter(sealed_at__lt=instant)
    return batches.aggregate(end=Max(F("first_index") + F("size")))["end"] or 0


def _dead_letters_between(since: datetime | None, until: datetime) -> int:
    dead_letters = DeadLetter.objects.filter(received_at__lt=until)
    if since is not None:
        dead_letters = dead_letters.filter(received_at__gte=since)
    return dead_letters.count()


def _agreements_to_visit(run: NightRun, last: NightRun | None) -> set[int]:
    """Return ids of agreements to rate.

    They have new leaves, uses that came before they happened and now have, a last night that
    failed or set use aside, or cost without use.
    """
    used = UsageTotal.objects.filter(run=run, agreement__isnull=False)
    come_due = UsageTotal.objects.filter(
        agreement__isnull=False,
        counts_from__gt=last.as_of if last else run.as_of,
        counts_from__lte=run.as_of,
    )
    unfinished = NightShard.objects.unfinished().filter(run__lt=run)
    return {
        *used.values_list("agreement", flat=True).distinct(),
        *come_due.values_list("agreement", flat=True).distinct(),
        *unfinished.values_list("agreement", flat=True).distinct(),
        *_agreements_owing_without_use(run),
        *_agreements_with_new_rates(last),
    }


def _agreements_with_new_rates(last: NightRun | None) -> Iterable[int]:
    """Return ids of agreements that an amendment has given a rate card since the last night."""
    cards = RateCard.objects.filter(agreed_at__isnull=False)
    if last is not None:
        cards = cards.filter(agreed_at__gte=last.started_at)
    return cards.values_list("agreement", flat=True).distinct()


def _agreements_owing_without_use(run: NightRun) -> Iterator[int]:
    """Yield ids of agreements that cost something without use, in a period that opens or ends.

    Those have a flat price, a minimum, or a fee for entering a bracket.
    """
    costly = RateLine.objects.filter(
        Q(pricing=Pricing.FLAT.value) | Q(minimum__gt=0) | Q(brackets__flat__gt=0)
    )
    agreements = Agreement.objects.filter(
        pk__in=costly.values("card__agreement"), signed_at__isnull=False
    )
    done = NightShard.objects.filter(agreement__in=agreements, status__in=totals.RATED)
    last = dict(done.values_list("agreement").annotate(Max("run__as_of")))
    for agreement in agreements:
        if any(periods_that_open_or_end(agreement, last.get(agreement.pk), run.as_of)):
            yield agreement.pk


def finish(run: NightRun, now: datetime) -> None:
    """Rate a run's waiting shards, each in its own transaction, and store the run's sums."""
    waiting = run.shards.filter(status=ShardStatus.WAITING.value).order_by("pk")
    for shard_id in list(waiting.values_list("pk", flat=True)):
        _rate_shard(shard_id, now)
    _close(run)


def _rate_shard(shard_id: int, now: datetime) -> None:
    """Rate one shard; its failure is kept for staff and stops no other agreement."""
    try:
        rate_and_post(shard_id=shard_id, now=now)
    except Exception as failure:
        logger.exception("Shard %s failed", shard_id)
        reason = str(failure) if isinstance(failure, Refused) else type(failure).__name__
        NightShard.objects.filter(pk=shard_id).update(
            status=ShardStatus.FAILED.value, error=reason[:500]
        )


@transaction.atomic
def _close(run: NightRun) -> None:
    """Store the sums of all the run's shards, also of those an earlier process finished."""
    sums = run.shards.aggregate(
        rated=Sum("events_rated", default=0),
        held=Sum("events_held", default=0),
        zero=Sum("events_zero", default=0),
    )
    # Use without an agreement has no rate: it is held, or worth nothing by a ruling.
    nothing_owed = Q(treatment=Treatment.ZERO.value)
    unrated = UsageTotal.objects.filter(run=run, agreement=None).aggregate(
        held=Sum("leaves", filter=~nothing_owed, default=0),
        zero=Sum("leaves", filter=nothing_owed, default=0),
    )
    run.events_rated = sums["rated"]
    run.events_held = sums["held"] + unrated["held"]
    run.events_zero = sums["zero"] + unrated["zero"]
    lines = ResidualLine.objects.filter(run=run)
    posted = lines.values_list("currency").annotate(sum=Sum("amount")).order_by("currency")
    run.amounts = {currency: str(rounded(amount, currency)) for currency, amount in posted}
    left = run.shards.filter(status__in=[ShardStatus.FAILED.value, ShardStatus.PARTLY.value])
    run.status = (RunStatus.INCOMPLETE if left.exists() else RunStatus.FINISHED).value
    run.finished_at = Now()
    run.save()
    run.refresh_from_db(fields=["finished_at"])
