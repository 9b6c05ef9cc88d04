"""What was received of contributions, by plan: it is payable to the payee of the plan.

What is received for the contributions of a period pays what was found first of them. A correction
takes of what was found of the same performer last, so that no other's line moves by it.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db.models import Q, Sum
from django.db.models.functions import Coalesce

from licensing.money import rounded
from valuation.cash.waterfall import differences
from valuation.ledger import journal
from valuation.ledger.journal import Side
from valuation.models import Contribution, PlanPayee, Posting, RemittanceMatch
from valuation.words import AccountKind, EntryKind, ReadingKind, ReceiptMeans

ZERO = Decimal(0)
# What settled a debt without money reached nobody whom it could be paid on from.
NO_MONEY = [ReceiptMeans.SOURCE_TAX.value, ReceiptMeans.WRITTEN_OFF.value]


@dataclass(frozen=True, slots=True)
class Received:
    """What was received on a day of what a night had found of a contribution."""

    contribution: Contribution
    received_on: date
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Target:
    """What of a period's contributions, by its reading, is payable to whom of a day's receipt."""

    payee: int
    agreement: int
    licensee: int
    reading: int
    received_on: date
    currency: str


def received(agreements: Collection[int]) -> Iterator[Received]:
    """Yield what was received of the contributions of agreements, by row and day. Two queries."""
    rows = Contribution.objects.filter(agreement__in=agreements, reading__isnull=False)
    of_reading: dict[int, list[Contribution]] = defaultdict(list)
    for row in rows.select_related("agreement").order_by("pk"):
        of_reading[row.reading_id or 0].append(row)
    matches = RemittanceMatch.objects.filter(
        reading__agreement__in=agreements, reading__kind=ReadingKind.CONTRIBUTION.value
    ).exclude(remittance__means__in=NO_MONEY)
    days = matches.order_by("remittance__received_on").values_list(
        "reading", "remittance__received_on"
    )
    came: dict[int, list[tuple[date, Decimal]]] = defaultdict(list)
    for reading, on, amount in days.annotate(Sum("amount")):
        came[reading].append((on, amount))
    for reading, by_day in came.items():
        yield from _in_order(_pieces(of_reading[reading]), by_day)


def _pieces(rows: Iterable[Contribution]) -> list[tuple[Contribution, Decimal]]:
    """Return what is left of each row once corrections took of what was found last."""
    left: dict[object, list[tuple[Contribution, Decimal]]] = defaultdict(list)
    for row in rows:
        own, amount = left[seat_of(row)], rounded(row.amount, row.currency)
        if amount > 0:
            own.append((row, amount))
        while amount < 0 and own:
            last, most = own.pop()
            amount += most
            if amount > 0:
                own.append((last, amount))
    return sorted((one for own in left.values() for one in own), key=lambda one: one[0].pk)


def _in_order(
    pieces: Sequence[tuple[Contribution, Decimal]], by_day: Iterable[tuple[date, Decimal]]
) -> Iterator[Received]:
    """Divide what came over pieces, the first day's money over the first of them."""
    bounds, until = [], ZERO
    for row, amount in pieces:
        bounds.append((row, until, until + amount))
        until += amount
    came = ZERO
    for on, amount in by_day:
        before, came = came, came + amount
        for row, first, last in bounds:
            part = _within(came, first, last) - _within(before, first, last)
            if part:
                yield Received(row, on, rounded(part, row.currency))


def _within(amount: Decimal, first: Decimal, last: Decimal) -> Decimal:
    return min(max(amount - first, ZERO), last - first)


def seat_of(row: Contribution) -> tuple[object, ...]:
    """Return whose pay of which production and period a row is about."""
    return row.reading_id, row.performer_id, row.production_id


def plan_payees(agency_id: int) -> list[PlanPayee]:
    """Return to whom an agency pays plans, all that two people approved."""
    return list(PlanPayee.objects.approved().filter(agency=agency_id))


def follow(agreements: Collection[int], *, agency_id: int, now: datetime) -> None:
    """Post what was received for plans by now, less what was posted before. One query if none.

    Of a plan that nobody is named for, it stays owed to it.
    """
    payees = plan_payees(agency_id)
    if not payees:
        return
    targets: dict[Target, Decimal] = defaultdict(Decimal)
    for one in received(agreements):
        row = one.contribution
        if who := PlanPayee.on(payees, row.plan, one.received_on):
            key = Target(
                who.payee_id, row.agreement_id, row.agreement.licensee_id, row.reading_id or 0,
                one.received_on, row.currency,
            )  # fmt: skip
            targets[key] += one.amount
    due = differences(targets, _posted(agreements))
    for target, amount in sorted(due.items(), key=lambda told: (told[0].received_on, told[1])):
        _post(agency_id, target, amount, now)


def follow_agency(agency_id: int, *, now: datetime) -> None:
    """Post what was received for plans by all agreements of an agency."""
    rows = Contribution.objects.filter(agreement__agency=agency_id, reading__isnull=False)
    agreements = rows.order_by("agreement").values_list("agreement", flat=True).distinct()
    follow(list(agreements), agency_id=agency_id, now=now)


def _posted(agreements: Collection[int]) -> Mapping[Target, Decimal]:
    postings = Posting.objects.filter(
        entry__kind=EntryKind.PLAN_PAYABLE.value,
        entry__agreement__in=agreements,
        account__kind=AccountKind.CONTRIBUTIONS.value,
        account__beneficiary__isnull=False,
    ).order_by()
    sums = postings.values_list(
        "account__beneficiary", "entry__agreement", "entry__agreement__licensee", "reading",
        Coalesce("entry__happened_on", "entry__effective_on"), "currency",
    ).annotate(Sum("amount"))  # fmt: skip
    return {Target(*about): -rounded(amount, about[-1]) for *about, amount in sums}


def _post(agency_id: int, target: Target, amount: Decimal, now: datetime) -> None:
    owed = AccountKind.CONTRIBUTIONS
    journal.post(
        agency_id=agency_id,
        kind=EntryKind.PLAN_PAYABLE,
        currency=target.currency,
        sides=[
            Side(owed, amount, licensee_id=target.licensee, reading_id=target.reading),
            Side(owed, -amount, beneficiary_id=target.payee, reading_id=target.reading),
        ],
        effective_on=target.received_on,
        recorded_at=now,
        description=f"Contributions received on {target.received_on}",
        agreement_id=target.agreement,
    )


def is_payable() -> Q:
    """Return the condition that an account holds what an agency pays out to its beneficiary.

    To the payee of a plan that is what was received of contributions, and nothing else.
    """
    plans = PlanPayee.objects.approved().values("payee")
    return Q(account__kind=AccountKind.PAYABLE.value) & ~Q(account__beneficiary__in=plans) | Q(
        account__kind=AccountKind.CONTRIBUTIONS.value, account__beneficiary__isnull=False
    )
