"""What is payable to whom: of which receipts, by which day, and why somebody has to wait."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db.models import Q, Value

from licensing.models import Agreement, Hold, RuleSet
from licensing.words import HoldKind
from talent.models import Agency, Performer, TaxCertificate
from valuation.cash.disputed.left import Item, open_items
from valuation.models import (
    BankDetails,
    PayoutStep,
    Statement,
)
from valuation.words import (
    PaymentScheme,
    PayoutHold,
    PayoutStepKind,
    StatementKind,
    StatementStepKind,
)

from . import bank_details, checks
from .remitted import plans_of

ZERO = Decimal(0)
UNITED_STATES = "US"


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
    """Return the rules that say by when received money is to be paid where an agency is."""
    return of_country(all_pay_by_rules(), agency)


def all_pay_by_rules() -> list[RuleSet]:
    """Return the rules of every country that say by when received money is to be paid."""
    return list(RuleSet.objects.filter(values__has_key="pay_within_days"))


def of_country(rules: Iterable[RuleSet], agency: Agency) -> list[RuleSet]:
    """Return those of an agency's country.

    Its state is not known: what one of the states asks for, it keeps.
    """
    return [rule for rule in rules if rule.jurisdiction.partition("-")[0] == agency.country]


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
        known.due(
            payee, items, minimum, scheme,
            None if payee in known.plans else pay_by(agency, items, rules),
        )
        for payee, items in sorted(found.items())
    ]  # fmt: skip


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
        self.plans = plans_of(agency.pk)
        self.unchecked = checks.holds(agency, payees, pay_on)
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
            asked = self.agency.country == UNITED_STATES and payee not in self.plans
            if asked and payee not in self.certified:
                holds.append(PayoutHold.NO_TAX_FORM)
            holds += self.unchecked.get(payee, [])
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
    """Return the agency's agreements in dispute, and payees in one themselves. One query."""
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
    told = (
        agreements.order_by()
        .annotate(is_payee=Value(value=False))
        .values_list("is_payee", "pk")
        .union(
            payees.order_by()
            .annotate(is_payee=Value(value=True))
            .values_list("is_payee", "beneficiary__pk")
        )
    )
    found: tuple[set[int], set[int]] = (set(), set())
    for is_payee, pk in told:
        found[is_payee].add(pk)
    return found


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
