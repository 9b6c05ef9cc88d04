"""What is payable to whom: of which receipts, by which day, and why somebody has to wait."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Q, Sum
from django.db.models.functions import Coalesce

from licensing.models import Agreement, Hold, RuleSet
from licensing.money import rounded
from licensing.words import HoldKind
from talent.models import Agency, Performer, TaxCertificate
from valuation.models import (
    BankDetails,
    PayoutPayment,
    PayoutStep,
    Posting,
    Statement,
)
from valuation.words import (
    AccountKind,
    PaymentScheme,
    PayoutHold,
    PayoutStepKind,
    StatementKind,
    StatementStepKind,
)

from . import bank_details

ZERO = Decimal(0)
UNITED_STATES = "US"

# What came of one agreement's receipts of one day; an agreement may be unknown.
Source = tuple[date, int | None]


@dataclass(frozen=True, slots=True)
class Item:
    """What is left to be paid of what one agreement brought on a day. Below zero: owed back."""

    received_on: date
    agreement_id: int | None
    amount: Decimal

    @property
    def source(self) -> Source:
        return self.received_on, self.agreement_id

    def to_json(self) -> dict[str, Any]:
        return {
            "received_on": self.received_on.isoformat(),
            "agreement": self.agreement_id,
            "amount": f"{self.amount:f}",
        }

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> "Item":
        day = date.fromisoformat(told["received_on"])
        return cls(day, told["agreement"], Decimal(told["amount"]))


@dataclass(frozen=True, slots=True)
class PayBy:
    """The day by which the law has received money paid, and which law."""

    day: date
    rule: str


@dataclass(frozen=True, slots=True)
class Due:
    """What one payee would get by a run, and why they get nothing, where anything holds it."""

    beneficiary_id: int
    payable: Decimal
    items: tuple[Item, ...]
    pay_by: PayBy | None
    details: BankDetails | None
    holds: tuple[PayoutHold, ...]

    @property
    def amount(self) -> Decimal:
        return sum((item.amount for item in self.items), ZERO)


def left_of(sums: Mapping[Source, Decimal], paid: Iterable[Item]) -> tuple[Item, ...]:
    """Return what is left of sums by source once payments are taken off, the oldest first.

    A fall of an agreement takes of the same agreement first, then of what is oldest. What nothing
    covers is one item below zero. Sums less payments are what the items come to.
    """
    left = defaultdict(Decimal, sums)
    for item in paid:
        left[item.source] -= item.amount
    order = sorted(left, key=lambda source: (source[0], source[1] or 0))
    missing = []
    for source in order:
        if left[source] < 0:
            own = [one for one in order if one[1] == source[1]]
            short = _cover(left, own, -left[source])
            left[source] = ZERO
            missing.append((source, short))
    short = _cover(left, order, sum((amount for _source, amount in missing), ZERO))
    items = [Item(*source, left[source]) for source in order if left[source]]
    if short:
        (first, _amount) = next(one for one in missing if one[1])
        items.append(Item(*first, -short))
    return tuple(items)


def _cover(left: dict[Source, Decimal], sources: Sequence[Source], short: Decimal) -> Decimal:
    """Take what is short of what is above zero, in order; return what is still short."""
    for source in sources:
        taken = min(max(left[source], ZERO), short)
        left[source] -= taken
        short -= taken
    return short


def cut(items: Sequence[Item], amount: Decimal) -> tuple[Item, ...]:
    """Return what an amount pays of items, the oldest first."""
    paid = []
    for item in sorted(items, key=lambda one: (one.received_on, one.agreement_id or 0)):
        part = min(item.amount, amount)
        if part > 0:
            paid.append(Item(item.received_on, item.agreement_id, part))
            amount -= part
    return tuple(paid)


def open_items(
    *, agency_id: int, currency: str, but: int | None = None
) -> dict[int, tuple[Item, ...]]:
    """Return by beneficiary what is left to be paid, and not planned by a run. Three queries.

    `but` is a run whose plan is left out. Whoever has nothing is left out.
    """
    postings = Posting.objects.filter(
        Q(entry__reverses=None) | Q(entry__reverses__payout_payment=None),
        account__agency=agency_id,
        account__kind=AccountKind.PAYABLE.value,
        account__currency=currency,
        entry__payout_payment=None,
    )
    sums = (
        postings.values_list(
            "account__beneficiary",
            Coalesce("entry__happened_on", "entry__effective_on"),
            Coalesce("reading__agreement", "entry__agreement"),
        )
        .annotate(Sum("amount"))
        .order_by()
    )
    brought: dict[int, dict[Source, Decimal]] = defaultdict(dict)
    for beneficiary, day, agreement, amount in sums:
        brought[beneficiary][day, agreement] = -rounded(amount, currency)
    paid: dict[int, list[Item]] = defaultdict(list)
    of_agency = PayoutPayment.objects.filter(run__agency=agency_id, currency=currency)
    planned = of_agency.planned().exclude(run=but)
    for rows in (of_agency.live(), planned):
        for beneficiary, items in rows.values_list("beneficiary", "items"):
            paid[beneficiary] += map(Item.from_json, items)
    found = {payee: left_of(of_payee, paid[payee]) for payee, of_payee in brought.items()}
    return {payee: items for payee, items in found.items() if items}


def pay_by(agency: Agency, items: Sequence[Item], rules: Sequence[RuleSet]) -> PayBy | None:
    """Return the earliest day by which any of the items is to be paid; None: no rule says."""
    days = [
        PayBy(
            item.received_on + timedelta(days=int(rule.values["pay_within_days"])), str(rule.title)
        )
        for item in items
        for rule in rules
        if rule.effective_from <= item.received_on
        and (rule.effective_to is None or item.received_on <= rule.effective_to)
    ]
    return min(days, key=lambda one: one.day, default=None)


def pay_by_rules(agency: Agency) -> list[RuleSet]:
    """Return the rules that say by when received money is to be paid where an agency is.

    An agency's country is known and not its state: what one of the states asks for, it keeps.
    """
    return list(
        RuleSet.objects.filter(
            Q(jurisdiction=agency.country) | Q(jurisdiction__startswith=f"{agency.country}-"),
            values__has_key="pay_within_days",
        )
    )


def due_payees(
    *,
    agency: Agency,
    currency: str,
    pay_on: date,
    minimum: Decimal,
    scheme: PaymentScheme,
    at: datetime,
    but: int | None = None,
) -> list[Due]:
    """Return all to whom an agency owes money, or who owe it, in a fixed number of queries."""
    found = open_items(agency_id=agency.pk, currency=currency, but=but)
    known = _Known(agency, currency, set(found), pay_on, at)
    rules = pay_by_rules(agency)
    return [
        known.due(payee, items, minimum, scheme, pay_by(agency, items, rules))
        for payee, items in sorted(found.items())
    ]


class _Known:
    """What decides who may be paid, read once for all payees of a run."""

    def __init__(
        self, agency: Agency, currency: str, payees: set[int], pay_on: date, at: datetime
    ) -> None:
        self.agency, self.pay_on = agency, pay_on
        self.details = bank_details.in_force(agency_id=agency.pk, currency=currency)
        waiting = BankDetails.objects.waiting().filter(agency=agency, currency=currency)
        self.waiting = set(waiting.values_list("beneficiary", flat=True))
        came_back = PayoutStep.objects.filter(
            kind=PayoutStepKind.RETURNED.value, payment__beneficiary__in=payees
        )
        self.came_back = set(came_back.values_list("payment__details", flat=True))
        self.certified = _certified(payees, pay_on)
        self.disputed, self.in_dispute = disputes(agency, at)

    def due(
        self,
        payee: int,
        items: Sequence[Item],
        minimum: Decimal,
        scheme: PaymentScheme,
        by: PayBy | None,
    ) -> Due:
        payable = sum((item.amount for item in items), ZERO)
        free = tuple(one for one in items if one.agreement_id not in self.disputed)
        amount = sum((item.amount for item in free), ZERO)
        details = self.details.get(payee)
        holds = []
        if payable < 0:
            holds.append(PayoutHold.NEGATIVE)
        else:
            if payee in self.in_dispute or amount <= 0:
                holds.append(PayoutHold.DISPUTED)
            elif amount < minimum:
                holds.append(PayoutHold.BELOW_MINIMUM)
            if self.agency.country == UNITED_STATES and payee not in self.certified:
                holds.append(PayoutHold.NO_TAX_FORM)
            holds += self._holds_of_account(payee, details, scheme)
        return Due(payee, payable, free if not holds or amount > 0 else tuple(items), by,
                   details, tuple(holds))  # fmt: skip

    def _holds_of_account(
        self, payee: int, details: BankDetails | None, scheme: PaymentScheme
    ) -> list[PayoutHold]:
        if payee in self.waiting:
            return [PayoutHold.DETAILS_WAIT]
        if details is None:
            return [PayoutHold.NO_BANK_DETAILS]
        if bank_details.payable_from(details) > self.pay_on:
            return [PayoutHold.COOLING_OFF]
        if details.pk in self.came_back:
            return [PayoutHold.CAME_BACK]
        try:
            has_iban = bool(bank_details.account_of(details).iban)
        except bank_details.CannotBeOpened:
            return [PayoutHold.NO_BANK_DETAILS]
        return [PayoutHold.OTHER_FILE] if scheme is PaymentScheme.NACHA and has_iban else []


def _certified(payees: set[int], on: date) -> set[int]:
    """Return who gave a tax form that is in force on a day: the newest counts."""
    newest: dict[int, TaxCertificate] = {}
    rows = TaxCertificate.objects.filter(beneficiary__in=payees, signed_on__lte=on)
    for row in rows.order_by("signed_on", "pk"):
        newest[row.beneficiary_id] = row
    return {
        payee for payee, row in newest.items() if row.expires_on is None or on <= row.expires_on
    }


def disputes(agency: Agency, at: datetime) -> tuple[set[int], set[int]]:
    """Return the agency's agreements in dispute, and the payees who are in one themselves."""
    holds = Hold.objects.at(at).filter(kind=HoldKind.DISPUTE.value).order_by()
    performers = holds.filter(performer__isnull=False).values("performer")
    agreements = Agreement.objects.filter(
        Q(pk__in=holds.filter(agreement__isnull=False).values("agreement"))
        | Q(twin__in=holds.filter(twin__isnull=False).values("twin")),
        agency=agency,
    )
    payees = Performer.objects.filter(
        pk__in=performers, representations__agency=agency, beneficiary__isnull=False
    )
    return (
        set(agreements.values_list("pk", flat=True)),
        set(payees.values_list("beneficiary__pk", flat=True)),
    )


def unpaid_statements(
    *, agency_id: int, currency: str, beneficiary_ids: Iterable[int]
) -> dict[int, list[Statement]]:
    """Return by beneficiary the issued statements that say something is payable and are unpaid."""
    issued = (
        Statement.objects.issued()
        .with_status()
        .filter(
            kind=StatementKind.BENEFICIARY.value,
            agency=agency_id,
            currency=currency,
            beneficiary__in=list(beneficiary_ids),
            closing__gt=0,
        )
    )
    found: dict[int, list[Statement]] = defaultdict(list)
    for statement in issued.order_by("period_on"):
        if statement.beneficiary_id and statement.status != StatementStepKind.PAID:
            found[statement.beneficiary_id].append(statement)
    return found
