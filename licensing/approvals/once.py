"""Spending: an approval given once clears one clearance, however many ask at once."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from licensing.decision.approval_check import approvals_used
from licensing.decision.decision import Decision, decide
from licensing.decision.request import Facts, Request
from licensing.models import ApprovalAnswer, ApprovalSpending, ClearanceDecision
from licensing.words import Outcome

LEAST_STEP = timedelta(microseconds=1)  # what PostgreSQL tells apart


@dataclass(frozen=True, slots=True)
class Settled:
    """A decision with its facts, when they were known, and the answers it is to spend."""

    facts: Facts
    decision: Decision
    known_at: datetime
    once: tuple[int, ...] = ()


def settle(
    request: Request,
    facts: Facts,
    decision: Decision,
    *,
    known_at: datetime,
    taken: Collection[int] = (),
) -> Settled:
    """Hold the approvals given once that a decision stands on, until the transaction ends.

    What another clearance has spent, or an earlier one of the same batch has `taken`, clears
    nothing more: the request is decided anew, as known right after that. Takes no query for a
    decision that stands on none.
    """
    once = _given_once(request, facts, decision, known_at)
    while gone := _spent(once) | dict.fromkeys(set(once) & set(taken), known_at):
        known_at = max(known_at, *(spent_at + LEAST_STEP for spent_at in gone.values()))
        left = (approval for approval in facts.approvals if approval.id not in map(str, gone))
        facts = replace(facts, approvals=tuple(left))
        decision = decide(request, facts, known_at)
        once = _given_once(request, facts, decision, known_at)
    return Settled(facts, decision, known_at, once)


def spend(settled: Iterable[tuple[Settled | None, ClearanceDecision]]) -> None:
    """Note which clearances stood on approvals given once; they clear nothing else."""
    spendings = [
        ApprovalSpending(answer_id=pk, decision=decision, spent_at=one.known_at)
        for one, decision in settled
        if one
        for pk in one.once
    ]
    if spendings:
        ApprovalSpending.objects.bulk_create(spendings)


def _given_once(
    request: Request, facts: Facts, decision: Decision, known_at: datetime
) -> tuple[int, ...]:
    if decision.outcome is not Outcome.CLEARED or not any(one.once for one in facts.approvals):
        return ()
    used = approvals_used(request, facts, known_at)
    return tuple(sorted(int(approval.id) for approval in used if approval.once))


def _spent(answers: Collection[int]) -> dict[int, datetime]:
    """Lock answers, in order, so that two clearances that need the same wait for each other."""
    if not answers:
        return {}
    locked = ApprovalAnswer.objects.select_for_update().filter(pk__in=answers).order_by("pk")
    list(locked.values_list("pk", flat=True))
    spendings = ApprovalSpending.objects.filter(answer__in=answers)
    return dict(spendings.values_list("answer", "spent_at"))
