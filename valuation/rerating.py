"""Rating some agreements anew by hand: previewed without a trace, then posted as a run of its own.

The night rates what changed. Here somebody has all periods of some agreements priced again, by the
terms and shares of today, and sees what that would post before it is posted.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import Max

from talent.errors import Refused
from talent.models import User
from valuation import night
from valuation.cash.disputed import deciding
from valuation.models import (
    DisputeCorrection,
    DisputeStep,
    NightRun,
    NightShard,
    RatedAgreement,
    ResidualLine,
)
from valuation.words import RunStatus, ShardStatus

ZERO = Decimal(0)
# As many as one transaction and the patience of who looks on bear.
MOST = 200
PREVIEW = "A preview"


class NothingToRerate(Refused):
    """No agreement was chosen, too many were, or no night has rated any, or ended."""

    code = "nothing_to_rerate"


class OtherAgreement(Refused):
    """What is rated anew for a decision is not the agreement of the line that it was about."""

    code = "other_agreement"


class RatedOtherwise(Refused):
    """What would be posted is not what its reader saw."""

    code = "rated_otherwise"


@dataclass(frozen=True, slots=True)
class Difference:
    """What would be posted for a beneficiary's month of use, and in which period it counts.

    `adjusts` says that a statement of its own period was issued, so that it corrects that.
    """

    agreement: str
    beneficiary: str
    rate_line: str
    month_on: date
    period_on: date
    currency: str
    amount: Decimal
    adjusts: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What rating some agreements anew posts, and those that cannot be rated, with the reason."""

    agreements: int
    differences: tuple[Difference, ...]
    failed: tuple[tuple[str, str], ...]

    @property
    def totals(self) -> list[tuple[str, str, str, Decimal]]:
        """By agreement, beneficiary and currency: what would be posted in all."""
        sums: dict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
        for one in self.differences:
            sums[one.agreement, one.beneficiary, one.currency] += one.amount
        return [(*key, amount) for key, amount in sorted(sums.items())]

    @property
    def digest(self) -> str:
        """Name what is shown, so that nobody posts what they did not see."""
        shown = [[str(part) for part in _values(one)] for one in self.differences]
        return hashlib.sha256(json.dumps([shown, self.failed]).encode()).hexdigest()


def preview(*, agreement_ids: Collection[int], now: datetime) -> Outcome:
    """Say what rating some agreements anew would post. Nothing of it is kept.

    Raises NightIsRunning, NothingToRerate.
    """
    with night.alone(), transaction.atomic():
        _run, outcome = _rate(agreement_ids, PREVIEW, None, now)
        transaction.set_rollback(True)
    return outcome


def post(
    *,
    agreement_ids: Collection[int],
    because: str,
    by: User,
    now: datetime,
    seen: str,
    dispute_id: int | None = None,
) -> NightRun:
    """Rate some agreements anew and post the differences, if they are still those of `seen`.

    `seen` is the digest of the preview. With a dispute, the run is kept as what puts its decision
    right. Raises NightIsRunning, NothingToRerate, RatedOtherwise, OtherAgreement, and NotItsTurn
    where no decision upholds the dispute.
    """
    # The lock outlasts the transaction: else a night could begin before this is there to see.
    with night.alone(), transaction.atomic():
        decided = _decided(dispute_id, agreement_ids) if dispute_id else None
        run, outcome = _rate(agreement_ids, because, by, now)
        if outcome.digest != seen:
            raise RatedOtherwise(
                "Nothing was posted: what would be posted has changed since you looked. Look again."
            )
        night.close(run)
        if decided:
            DisputeCorrection.objects.create(step=decided, run=run, seen=seen)
    return run


def _decided(dispute_id: int, agreement_ids: Collection[int]) -> DisputeStep:
    """Return the decision that upheld a dispute of a line of exactly these agreements."""
    step = deciding.upheld(dispute_id)
    reading = step.dispute.reading
    if reading is None or set(agreement_ids) != {reading.agreement_id}:
        raise OtherAgreement(f"{step.dispute.reference} is about another agreement.")
    return step


def _rate(
    agreement_ids: Collection[int], because: str, by: User | None, now: datetime
) -> tuple[NightRun, Outcome]:
    if not 0 < len(agreement_ids) <= MOST:
        raise NothingToRerate(f"Choose one agreement at least, and no more than {MOST}.")
    last = NightRun.objects.standing().order_by("-pk").first()
    if last is None:
        raise NothingToRerate("No night has run yet; the first one rates everything.")
    if NightRun.objects.filter(status=RunStatus.RUNNING.value).exists():
        # What it read and has not rated would never be rated: it is of an earlier run.
        raise NothingToRerate("The last night has not ended. The next one finishes it first.")
    end = NightRun.objects.aggregate(end=Max("to_index"))["end"]
    run = NightRun.objects.create(
        as_of=last.as_of,
        zone=last.zone,
        started_at=now,
        started_by=by,
        from_index=end,
        to_index=end,
        rerated_because=because,
    )
    terms = night.terms_of_agreements()
    chosen = sorted(set(agreement_ids) & terms.keys())
    # Then all their periods are priced again: nobody knows by which terms they were rated.
    RatedAgreement.objects.filter(agreement__in=chosen).update(terms="")
    NightShard.objects.bulk_create(
        NightShard(run=run, agreement_id=pk, terms=terms[pk]) for pk in chosen
    )
    night.rate_waiting(run, now)
    return run, _outcome(run, len(chosen))


def _outcome(run: NightRun, agreements: int) -> Outcome:
    lines = (
        ResidualLine.objects.filter(run=run)
        .select_related("agreement", "beneficiary", "reading__rate_line", "reading__advance")
        .order_by("agreement__reference", "beneficiary__name", "month_on", "reading__rate_line",
                  "reading__factor", "amount")
    )  # fmt: skip
    failed = run.shards.filter(status__in=[ShardStatus.FAILED.value, ShardStatus.PARTLY.value])
    told = failed.order_by("agreement__reference").values_list("agreement__reference", "error")
    return Outcome(agreements, tuple(map(_difference, lines)), tuple(told))


def _difference(line: ResidualLine) -> Difference:
    return Difference(
        line.agreement.reference,
        line.beneficiary.name,
        line.reading.label,
        line.month_on,
        line.period_on,
        line.currency,
        line.amount,
        line.adjusts_id is not None,
    )


def _values(one: Difference) -> tuple[object, ...]:
    return (one.agreement, one.beneficiary, one.rate_line, one.month_on, one.period_on,
            one.currency, one.amount, one.adjusts)  # fmt: skip
