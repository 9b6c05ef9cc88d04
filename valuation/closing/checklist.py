"""The checklist of a period: what is left to do before an accountant closes it, and its worth.

Counted from the facts each time that somebody looks, in a fixed number of queries.
"""

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import (
    CharField,
    Count,
    DecimalField,
    F,
    Max,
    Q,
    QuerySet,
    Sum,
    Value,
)
from django.db.models.functions import Abs, Cast, Coalesce

from licensing.models import UsageEvent
from licensing.money import rounded
from talent.models import Agency, User
from talent.periods import Days, period_containing, starts_at
from valuation.cash.disputed import left
from valuation.cash.paid_out import payable
from valuation.cash.reconciliation import Reconciliation, reconcile
from valuation.models import (
    BankBalance,
    BankLine,
    Dispute,
    Invoice,
    NightRun,
    NightShard,
    PayoutPayment,
    Remittance,
    Statement,
)
from valuation.reports import undecided
from valuation.words import (
    CashDifference,
    CashShare,
    CloseItem,
    RunStatus,
    ShardStatus,
    StatementStepKind,
    Undecided,
)

ZERO = Decimal(0)
DAY = timedelta(days=1)
# What no explanation takes the place of: until then the period's figures still change.
MUST = frozenset({CloseItem.NIGHTS, CloseItem.TO_REVIEW, CloseItem.TO_APPROVE, CloseItem.TO_ISSUE})
STEPS = {
    StatementStepKind.DRAFT.value: CloseItem.TO_REVIEW,
    StatementStepKind.REVIEWED.value: CloseItem.TO_APPROVE,
    StatementStepKind.APPROVED.value: CloseItem.TO_ISSUE,
}
# What could be millions is counted a little past this.
MANY = 1_000
UNPRICED = frozenset({Undecided.NO_RATE, Undecided.NO_CARD})
RULED = frozenset(Undecided) - UNPRICED - undecided.UNRATED
MONEY = DecimalField(max_digits=24, decimal_places=4)


@dataclass(frozen=True, slots=True)
class Item:
    """How many of one kind are left, and what they are worth; None: it has no price."""

    what: CloseItem
    count: int
    amount: Decimal | None

    @property
    def is_open(self) -> bool:
        return self.count > 0

    @property
    def shown(self) -> str:
        """The number, or that there are more than anybody counts."""
        return f"{MANY:,}+" if self.count > MANY else f"{self.count:,}"

    @property
    def must(self) -> bool:
        """Tell whether the period cannot be closed while any of it is left."""
        return self.what in MUST


@dataclass(frozen=True, slots=True)
class Checklist:
    """All that is looked at before a period of an agency is closed in one currency."""

    agency_id: int
    currency: str
    days: Days
    items: tuple[Item, ...]
    reconciliation: Reconciliation

    @property
    def left(self) -> tuple[Item, ...]:
        return tuple(item for item in self.items if item.is_open)

    @property
    def digest(self) -> str:
        """Return the SHA-256 of whose period it is and of each figure, for whoever answers."""
        told = [self.agency_id, self.currency, *map(str, self.days), self.to_json()]
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()

    def to_json(self) -> list[dict[str, Any]]:
        return [
            {
                "what": item.what.value,
                "count": item.count,
                "amount": None if item.amount is None else f"{item.amount:f}",
            }
            for item in self.items
        ]


def period_of(agency: Agency, day: date) -> Days:
    """Return the statement period of an agency that holds a day: what is closed at once."""
    return period_containing(day, agency.statement_period)


def checklist(*, agency: Agency, currency: str, days: Days, user: User, now: datetime) -> Checklist:
    """Count what is left of a period, as known now, of what a user may see of the agency."""
    last = days.ends_on - DAY
    found = reconcile(agency=agency, currency=currency, on=last, now=now)
    counted = {**_counted(agency, currency, days, user), **_banks(agency, currency, found)}
    counted |= _payees(agency, currency, days, now)
    counted |= _held(agency, currency, days, user)
    counted[CloseItem.RECONCILIATION] = (len(found.differences), found.difference)
    counted[CloseItem.CONTRIBUTIONS] = _contributions(found)
    return Checklist(
        agency.pk,
        currency,
        days,
        tuple(Item(what, *_in(currency, *counted.get(what, (0, ZERO)))) for what in CloseItem),
        found,
    )


Counted = tuple[int, Decimal | None]


def _in(currency: str, count: int, amount: Decimal | None) -> Counted:
    return count, None if amount is None else rounded(amount, currency)


def _counted(agency: Agency, currency: str, days: Days, user: User) -> dict[CloseItem, Counted]:
    """Count what rows by themselves tell, in one query: a sum each over what its index finds."""
    parts = [
        each(agency, currency, days)
        for each in (
            _nights,
            _failures,
            _bank_lines,
            _receipts,
            _invoices,
            _disputed_lines,
            _statements,
            _runs,
            _transit,
        )
    ]
    unpriced = undecided.agreements_without_a_price(user).filter(agency=agency, currency=currency)
    parts.append(_summed(unpriced, CloseItem.UNPRICED, Value(ZERO)))
    rows = parts[0].union(*parts[1:], all=True)
    found: dict[CloseItem, Counted] = {
        STEPS.get(what) or CloseItem(what): (count, amount) for what, count, amount in rows
    }
    # The night is the one thing of which none is too few.
    ran, _none = found.get(CloseItem.NIGHTS, (0, None))
    found[CloseItem.NIGHTS] = (0 if ran else 1, None)
    for what in (CloseItem.FAILURES, CloseItem.UNPRICED):
        found[what] = (found.get(what, (0, None))[0], None)
    return found


def _summed(rows: QuerySet[Any, Any], what: CloseItem | Any, amount: Any) -> Any:
    """Return one row: what it is, how many rows there are, and what they add up to."""
    named = Value(what.value, CharField()) if isinstance(what, CloseItem) else what
    return (
        rows.order_by()
        .annotate(what=named)
        .values_list("what")
        .annotate(counted=Count("pk"), summed=Cast(Sum(amount), MONEY))
    )


def _nights(_agency: Agency, _currency: str, days: Days) -> Any:
    ended = [RunStatus.FINISHED.value, RunStatus.INCOMPLETE.value]
    nights = NightRun.objects.standing().nights().filter(status__in=ended)
    through = nights.filter(as_of__gte=days.ends_on, drawn_at__isnull=False)
    return _summed(through, CloseItem.NIGHTS, Value(ZERO))


def _failures(agency: Agency, currency: str, _days: Days) -> Any:
    shards = NightShard.objects.unfinished().filter(
        agreement__agency=agency,
        agreement__currency=currency,
        status__in=[ShardStatus.FAILED.value, ShardStatus.PARTLY.value],
    )
    return _summed(shards, CloseItem.FAILURES, Value(ZERO))


def _bank_lines(agency: Agency, currency: str, days: Days) -> Any:
    lines: QuerySet[Any, Any] = BankLine.objects.filter(
        agency=agency, currency=currency, booked_on__lt=days.ends_on
    ).with_state()
    return _summed(lines.filter(is_open=True), CloseItem.BANK_LINES, Abs("amount"))


def _receipts(agency: Agency, currency: str, days: Days) -> Any:
    receipts = Remittance.objects.filter(
        agency=agency, currency=currency, received_on__lt=days.ends_on
    ).with_unmatched()
    return _summed(receipts, CloseItem.RECEIPTS, F("unmatched"))


def _invoices(agency: Agency, currency: str, days: Days) -> Any:
    drafts = Invoice.objects.live().filter(
        agency=agency, currency=currency, number=None, through__lt=days.ends_on
    )
    return _summed(drafts, CloseItem.INVOICES, F("total"))


def _disputed_lines(agency: Agency, currency: str, _days: Days) -> Any:
    disputes = Dispute.objects.holding().filter(agency=agency, currency=currency).with_held()
    return _summed(disputes, CloseItem.DISPUTED_LINES, F("held") + F("kept"))


def _statements(agency: Agency, currency: str, days: Days) -> Any:
    """Count what is not issued of this period and those before, by the step that comes next."""
    waiting: QuerySet[Any, Any] = Statement.objects.with_status().filter(
        agency=agency, currency=currency, period_on__lt=days.ends_on, number__isnull=True
    )
    rows = waiting.filter(status__in=list(STEPS))
    return (
        rows.order_by()
        .annotate(what=Coalesce(F("status"), Value("")))
        .values_list("what")
        .annotate(counted=Count("pk"), summed=Cast(Sum("closing"), MONEY))
    )


def _runs(agency: Agency, currency: str, _days: Days) -> Any:
    planned = PayoutPayment.objects.planned().filter(run__agency=agency, currency=currency)
    return _summed(planned, CloseItem.RUNS, F("amount"))


def _transit(agency: Agency, currency: str, days: Days) -> Any:
    sent = PayoutPayment.objects.in_transit().filter(
        run__agency=agency, currency=currency, entry__effective_on__lt=days.ends_on
    )
    return _summed(sent, CloseItem.TRANSIT, F("amount"))


def _banks(agency: Agency, currency: str, found: Reconciliation) -> dict[CloseItem, Counted]:
    """Count the accounts whose statements end too early, and what moved between statements."""
    accounts = BankBalance.objects.filter(agency=agency, currency=currency).order_by()
    newest = dict(accounts.values_list("account").annotate(Max("closed_on")))
    early = sum(last < found.on for last in newest.values())
    missing = dict(found.differences).get(CashDifference.MISSING, ZERO)
    if not newest and found.trust_cash:
        early = 1
    return {CloseItem.BANK_FILES: (max(early, 1) if missing else early, missing)}


def _payees(agency: Agency, currency: str, days: Days, now: datetime) -> dict[CloseItem, Counted]:
    """Count who is owed money of the period that no run plans: in dispute, or left over."""
    agreements, disputed = payable.disputes(agency, now)
    sums: dict[CloseItem, list[Decimal]] = {CloseItem.DISPUTES: [], CloseItem.UNPLANNED: []}
    open_items = left.open_items(agency_id=agency.pk, currency=currency)
    for payee, items in open_items.items():
        of_period = [item for item in items if item.received_on < days.ends_on]
        held = sum(
            (one.amount for one in of_period
             if payee in disputed or one.agreement_id in agreements), ZERO
        )  # fmt: skip
        free = sum((one.amount for one in of_period), ZERO) - held
        if held > 0:
            sums[CloseItem.DISPUTES].append(held)
        if free > 0:
            sums[CloseItem.UNPLANNED].append(free)
    return {what: (len(amounts), sum(amounts, ZERO)) for what, amounts in sums.items()}


def _held(agency: Agency, currency: str, days: Days, user: User) -> dict[CloseItem, Counted]:
    """Count the uses of the agency that wait for a ruling.

    A use without an agreement has no currency either: it counts in each. They are counted no
    further than a little past MANY.
    """
    uses = (
        UsageEvent.objects.visible_to(user)
        .filter(
            Q(agreement=None) | Q(agreement__currency=currency),
            agency=agency,
            occurred_at__lt=starts_at(days.ends_on, agency.time_zone),
        )
        .to_rule_on()
    )
    return {
        CloseItem.HELD: (uses.order_by()[: MANY + 1].count(), None),
    }


def worth_of_held(
    *, agency: Agency, currency: str, days: Days, user: User
) -> dict[CloseItem, Decimal | None]:
    """Return what the night would post for what waits, as of the period's last day; None: unknown.

    It reads all terms of the agreements, so a page asks for it apart from the checklist.
    """
    narrowed = undecided.Narrowed(
        kinds=frozenset(Undecided) - undecided.UNRATED, agency=agency.pk, currency=currency
    )
    waiting = [
        replace(item, rows=tuple(row for row in item.rows if row["month_on"] < days.ends_on))
        for item in undecided.items_of(user, agency_id=agency.pk)
        if narrowed.holds(item) and item.since < days.ends_on
    ]
    priced, _left_out = undecided.priced(waiting, days.ends_on - DAY)
    found: dict[CloseItem, Decimal | None] = {}
    for what, kinds in ((CloseItem.HELD, RULED), (CloseItem.UNPRICED, UNPRICED)):
        worth = [one.worth for one in priced if one.worth is not None and one.kind in kinds]
        found[what] = rounded(sum(worth, ZERO), currency) if worth else None
    return found


def _contributions(found: Reconciliation) -> Counted:
    (part,) = (part for part in found.parts if part.share is CashShare.CONTRIBUTIONS)
    return len(part.rows), part.amount
