"""Spending: what reservations and reported uses take of approvals, under lock.

An approval given once is spent by the first, whichever asks or reports at the same time; a
reservation that ends with nothing reported leaves it as it was. Of any other the units count in
total. A question takes nothing.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from licensing.decision.approval_check import APPROVED, approvals_used
from licensing.decision.request import ApprovalFacts, Facts, Request
from licensing.facts.approvals import Taken, Units, taken_of, with_taken
from licensing.models import ApprovalPart, ApprovalSpending, ClearanceDecision

NOTHING = Decimal(0)

Spending = tuple[ApprovalFacts, ...]  # the approvals that one use stands on
NO_SPENDING: Spending = ()


@dataclass(frozen=True, slots=True)
class EventSpending:
    """The approvals that a reported use stands on, and the units that it takes of them."""

    approvals: Spending
    units: Units


class LockedApprovals:
    """The approvals that a batch may spend, under lock; each use leaves less for those after it.

    Their parts are locked once for the whole batch, in the order of their ids, after the caps'
    years: two batches that need the same ones in other orders wait instead of deadlocking.
    """

    def __init__(self, facts: Iterable[Facts], *, at: datetime):
        """Lock the approvals in these facts until the transaction ends; no query without any."""
        self._parts = approved_parts(facts)
        self._units: dict[int, dict[str, Decimal]] = {}
        self._spent: dict[int, int | None] = {}
        if self._parts:
            in_order = ApprovalPart.objects.filter(pk__in=self._parts).order_by("pk")
            list(in_order.select_for_update(of=("self",), no_key=True).values_list("pk"))
            # Read after the lock: whoever held it before has taken of the same approvals.
            taken = taken_of(self._parts, at=at)
            self._units = {part: dict(units) for part, units in taken.units.items()}
            self._spent = dict(taken.spent)

    def facts_now(self, facts: Facts) -> Facts:
        """Return facts with what has been taken of their approvals by now."""
        if not self._parts:
            return facts
        taken = Taken(self._units, self._spent)
        return replace(
            facts, approvals=tuple(with_taken(approval, taken) for approval in facts.approvals)
        )

    def take(self, request: Request, facts: Facts, known_at: datetime, units: Units) -> Spending:
        """Take units of the approvals that a use stands on; return those."""
        approvals = approvals_used(request, facts, known_at)
        for approval in approvals:
            if not approval.part:
                continue
            self._add(int(approval.part), units)
            if approval.once:
                self._spent[int(approval.id)] = None
        return tuple(approval for approval in approvals if approval.part)

    def give_back(self, taken: Iterable[ApprovalSpending]) -> None:
        """Give back what an event took that is replaced; a spent approval is free for the new."""
        for spending in taken:
            units = {meter: -Decimal(sent) for meter, sent in (spending.units or {}).items()}
            self._add(spending.answer.part_id, units)
            if spending.once:
                self._spent.pop(spending.answer_id, None)

    def _add(self, part: int, units: Units) -> None:
        used = self._units.setdefault(part, {})
        for meter, quantity in units.items():
            used[meter] = used.get(meter, NOTHING) + quantity


def approvals_named(spending: Spending) -> tuple[str, ...]:
    """Return the names of the approvals that a use stands on: Q7."""
    return tuple(sorted({approval.request for approval in spending}))


def approved_parts(facts: Iterable[Facts]) -> set[int]:
    """Return the parts whose approvals are among facts."""
    # Requests about the same rows share one object of facts.
    distinct = {id(known): known for known in facts}.values()
    return {
        int(approval.part)
        for known in distinct
        for approval in known.approvals
        if approval.part and approval.answer == APPROVED
    }


def store_spending_of_reservations(
    spendings: Iterable[tuple[Spending, ClearanceDecision]], *, at: datetime
) -> None:
    """Record which reservations stand on which approvals.

    To be called in the transaction that locked them, once the decisions have their rows.
    """
    rows = [
        ApprovalSpending(answer_id=int(approval.id), decision=row, once=approval.once, spent_at=at)
        for spending, row in spendings
        for approval in spending
    ]
    if rows:
        ApprovalSpending.objects.bulk_create(rows)


def spendings_of_events(events: Collection[int]) -> dict[int, list[ApprovalSpending]]:
    """Return what events took of approvals, by event. One query; none without events."""
    by_event: dict[int, list[ApprovalSpending]] = {}
    if events:
        rows = ApprovalSpending.objects.filter(event__in=events).select_related("answer")
        for row in rows.order_by("pk"):
            by_event.setdefault(row.event or 0, []).append(row)
    return by_event


def store_spending_of_events(
    spendings: Iterable[tuple[int, EventSpending]],
    given_back: Mapping[int, Collection[ApprovalSpending]],
    *,
    at: datetime,
) -> None:
    """Record what new events took of approvals, and what is given back of those they replace.

    `given_back` are the spendings of what each new event replaces, by the new event's id. An
    approval given once that the replaced event spent stays spent by it.
    """
    spent_before = {
        (event, row.answer_id) for event, before in given_back.items() for row in before if row.once
    }
    rows = [
        _row(row.answer_id, event, {m: -Decimal(u) for m, u in (row.units or {}).items()}, at)
        for event, before in given_back.items()
        for row in before
    ]
    rows += [
        _row(
            int(approval.id),
            event,
            spending.units,
            at,
            once=approval.once and (event, int(approval.id)) not in spent_before,
        )
        for event, spending in spendings
        for approval in spending.approvals
    ]
    if rows:
        ApprovalSpending.objects.bulk_create(rows)


def _row(
    answer: int, event: int, units: Units, at: datetime, *, once: bool = False
) -> ApprovalSpending:
    plain = {meter: str(quantity) for meter, quantity in units.items() if quantity}
    return ApprovalSpending(answer_id=answer, event=event, units=plain, once=once, spent_at=at)
