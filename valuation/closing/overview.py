"""What is next for an accountant, over all agencies and currencies that they see.

A fixed number of queries, however many agencies, currencies and rows there are.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import CharField, Count, F, Max, Sum, Value
from django.db.models.functions import Abs, Cast

from licensing.money import rounded
from talent.models import Agency, User
from valuation.models import (
    BankBalance,
    BankLine,
    Invoice,
    PayoutPayment,
    PeriodClose,
    Posting,
    Remittance,
    Statement,
)
from valuation.words import AccountKind, CloseItem

from .checklist import MONEY, STEPS, Item

ZERO = Decimal(0)
BALANCES = (
    AccountKind.TRUST_CASH,
    AccountKind.PAYABLE,
    AccountKind.IN_TRANSIT,
    AccountKind.COMMISSION,
    AccountKind.RECEIVABLE,
)
# In the order in which an accountant takes them.
NEXT = (
    CloseItem.BANK_LINES,
    CloseItem.RECEIPTS,
    CloseItem.INVOICES,
    CloseItem.TO_REVIEW,
    CloseItem.TO_APPROVE,
    CloseItem.TO_ISSUE,
    CloseItem.RUNS,
    CloseItem.TRANSIT,
)
Of = tuple[int, str]


@dataclass(frozen=True, slots=True)
class Desk:
    """One agency's money in one currency: what waits, what the books hold, how far it is closed."""

    agency: Agency
    currency: str
    items: tuple[Item, ...]
    balances: Mapping[AccountKind, Decimal]
    bank_until: date | None
    closed_until: date | None
    closes_waiting: int = 0

    @property
    def waits(self) -> bool:
        return self.closes_waiting > 0 or any(item.is_open for item in self.items)


def desks(user: User, today: date) -> list[Desk]:
    """Return the desks of all that a user sees, those on which something waits first."""
    agencies = Agency.objects.visible_to(user).in_bulk()
    counted, held = _counted(user, today), _balances(user)
    banks = _newest(BankBalance.objects.visible_to(user), "closed_on")
    closed = _newest(PeriodClose.objects.visible_to(user).closed(), "period_ends_on")
    asked = PeriodClose.objects.visible_to(user).waiting().order_by()
    waiting = {
        (agency_id, currency): count
        for agency_id, currency, count in asked.values_list("agency", "currency").annotate(
            Count("pk")
        )
    }
    found = [
        Desk(
            agencies[agency_id],
            currency,
            tuple(Item(what, *counted[agency_id, currency].get(what, (0, ZERO))) for what in NEXT),
            held[agency_id, currency],
            banks.get((agency_id, currency)),
            closed.get((agency_id, currency)),
            waiting.get((agency_id, currency), 0),
        )
        for agency_id, currency in sorted({*counted, *held, *banks})
        if agency_id in agencies
    ]
    return sorted(found, key=lambda desk: (not desk.waits, desk.agency.name, desk.currency))


def _counted(user: User, today: date) -> dict[Of, dict[CloseItem, tuple[int, Decimal]]]:
    until = today + timedelta(days=1)
    lines: Any = BankLine.objects.visible_to(user).with_state()
    waiting: Any = Statement.objects.visible_to(user).with_status().filter(number=None)
    payments = PayoutPayment.objects.visible_to(user)
    receipts = Remittance.objects.visible_to(user).filter(received_on__lt=until)
    parts = [
        _summed(
            lines.filter(is_open=True, booked_on__lt=until), CloseItem.BANK_LINES, Abs("amount")
        ),
        _summed(receipts.with_unmatched(), CloseItem.RECEIPTS, F("unmatched")),
        _summed(
            Invoice.objects.visible_to(user).live().filter(number=None),
            CloseItem.INVOICES,
            F("total"),
        ),
        _summed(waiting.filter(status__in=list(STEPS)), F("status"), F("closing")),
        _summed(payments.planned(), CloseItem.RUNS, F("amount"), agency="run__agency"),
        _summed(payments.in_transit(), CloseItem.TRANSIT, F("amount"), agency="run__agency"),
    ]
    found: dict[Of, dict[CloseItem, tuple[int, Decimal]]] = defaultdict(dict)
    for agency_id, currency, what, count, amount in parts[0].union(*parts[1:], all=True):
        item = STEPS.get(what) or CloseItem(what)
        found[agency_id, currency][item] = count, rounded(amount, currency)
    return found


def _summed(rows: Any, what: Any, amount: Any, *, agency: str = "agency") -> Any:
    named = Value(what.value, CharField()) if isinstance(what, CloseItem) else what
    return (
        rows.order_by()
        .annotate(what=named)
        .values_list(agency, "currency", "what")
        .annotate(counted=Count("pk"), summed=Cast(Sum(amount), MONEY))
    )


def _balances(user: User) -> dict[Of, dict[AccountKind, Decimal]]:
    """Return what the books hold of each kind: debits above zero."""
    kinds = [kind.value for kind in BALANCES]
    sums = (
        Posting.objects.filter(
            account__agency__in=Agency.objects.visible_to(user), account__kind__in=kinds
        )
        .order_by()
        .values_list("account__agency", "currency", "account__kind")
        .annotate(Sum("amount"))
    )
    found: dict[Of, dict[AccountKind, Decimal]] = defaultdict(dict)
    for agency_id, currency, kind, total in sums:
        found[agency_id, currency][AccountKind(kind)] = rounded(total, currency)
    return found


def _newest(rows: Any, day: str) -> dict[Of, date]:
    newest = rows.order_by().values_list("agency", "currency").annotate(Max(day))
    return {(agency_id, currency): last for agency_id, currency, last in newest}
