"""Spending: an approval given once clears one clearance, however many ask at the same time."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from licensing.decision.approval_check import approvals_used
from licensing.decision.decision import Decision, decide
from licensing.decision.request import Facts, Request
from licensing.models import ApprovalAnswer, ApprovalSpending, ClearanceDecision
from licensing.words import Outcome

LEAST_STEP = timedelta(microseconds=1)  # the least by which two instants of PostgreSQL differ


@dataclass(frozen=True, slots=True)
class LockedDecision:
    """A decision, its facts as known at `known_at`, and the locked answers that it will spend.

    `to_spend` are the numbers of approval answers that were given once.
    """

    facts: Facts
    decision: Decision
    known_at: datetime
    to_spend: tuple[int, ...] = ()


def lock_approvals(
    request: Request,
    facts: Facts,
    decision: Decision,
    *,
    known_at: datetime,
    taken: Collection[int] = (),
) -> LockedDecision:
    """Lock the approvals given once that a decision relies on, until the transaction ends.

    What another clearance has spent, or an earlier one of the same batch has `taken`, clears
    again: the request is then decided anew without it, as known right after it was spent.
    Takes no query where the decision relies on no such approval.
    """
    to_spend = _given_once(request, facts, decision, known_at)
    # Deciding anew may rely on other approvals given once, which must be locked in their turn.
    while gone := _lock(to_spend) | dict.fromkeys(set(to_spend) & set(taken), known_at):
        known_at = max(known_at, *(spent_at + LEAST_STEP for spent_at in gone.values()))
        left = (approval for approval in facts.approvals if approval.id not in map(str, gone))
        facts = replace(facts, approvals=tuple(left))
        decision = decide(request, facts, known_at)
        to_spend = _given_once(request, facts, decision, known_at)
    return LockedDecision(facts, decision, known_at, to_spend)


def spend_approvals(decisions: Iterable[tuple[LockedDecision | None, ClearanceDecision]]) -> None:
    """Record which stored clearance spends which approval; it clears nothing else from now on.

    To be called in the transaction that locked them, once the clearances have their rows.
    """
    spendings = [
        ApprovalSpending(answer_id=answer, decision=row, spent_at=locked.known_at)
        for locked, row in decisions
        if locked
        for answer in locked.to_spend
    ]
    if spendings:
        ApprovalSpending.objects.bulk_create(spendings)


def _given_once(
    request: Request, facts: Facts, decision: Decision, known_at: datetime
) -> tuple[int, ...]:
    """Return the numbers of the answers given once that a clearance relies on."""
    given_once = any(approval.once for approval in facts.approvals)
    if decision.outcome is not Outcome.CLEARED or not given_once:
        return ()
    approvals = approvals_used(request, facts, known_at)
    return tuple(sorted(int(approval.id) for approval in approvals if approval.once))


def _lock(answers: Collection[int]) -> dict[int, datetime]:
    """Lock answers; return which of them are spent, and since when."""
    if not answers:
        return {}
    # In order, so that two clearances that need the same answers wait instead of deadlocking.
    rows = ApprovalAnswer.objects.select_for_update().filter(pk__in=answers).order_by("pk")
    list(rows.values_list("pk", flat=True))
    spendings = ApprovalSpending.objects.filter(answer__in=answers)
    return dict(spendings.values_list("answer", "spent_at"))
