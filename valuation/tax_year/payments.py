"""What was paid in a year: what the bank booked, with what had been taken off it before.

A payout pays what was payable of an agreement's receipts. The part of commission, tax and minors'
trust that belongs to it is the part of the payable money that it pays, rounded over all payments
of the same receipt together, so that they come to what the ledger took.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import Exists, OuterRef, Q, Sum
from django.db.models.functions import Coalesce

from licensing.models import RuleSet
from licensing.money import rounded
from talent.models import Agency
from talent.periods import Days
from valuation.cash.disputed.left import Item, Source
from valuation.models import PayoutPayment, PayoutStep, Posting
from valuation.words import AccountKind, PayoutStepKind

ZERO = Decimal(0)
TAKEN = (AccountKind.COMMISSION, AccountKind.WITHHOLDING, AccountKind.MINOR_TRUST)
Whose = tuple[int, str]


@dataclass(frozen=True, slots=True)
class Paid:
    """One payment's part of one agreement's receipts of a day; all amounts in its currency."""

    beneficiary_id: int
    currency: str
    booked_on: date
    received_on: date
    agreement_id: int | None
    net: Decimal
    commission: Decimal
    withheld: Decimal
    trust: Decimal

    @property
    def gross(self) -> Decimal:
        """What came in for it, before anything was taken off."""
        return self.net + self.commission + self.withheld + self.trust


def tax_year(agency: Agency, year: int) -> tuple[Days, RuleSet | None]:
    """Return the days of the tax year of an agency's country that begins in a year, and its rule.

    Without a rule it is the calendar year.
    """
    rules = RuleSet.objects.on(date(year, 6, 30))
    own = rules.filter(code=f"tax.year_{agency.country.lower()}").first()
    rule = own or rules.filter(code="tax.year").first()
    month, day = (rule.values["first_day"] if rule else "01-01").split("-")
    starts_on = date(year, int(month), int(day))
    return Days(starts_on, starts_on.replace(year=year + 1)), rule


def paid_in(agency: Agency, days: Days) -> list[Paid]:
    """Return what the bank booked on some days and has not sent back. Three queries."""
    steps = PayoutStep.objects.filter(
        kind=PayoutStepKind.CONFIRMED.value,
        payment__run__agency=agency,
        payment__in=PayoutPayment.objects.live(),
        entry__effective_on__lt=days.ends_on,
    )
    rows = list(
        steps.order_by("entry__effective_on", "payment_id").values_list(
            "payment__beneficiary", "payment__currency", "payment__items", "entry__effective_on"
        )
    )
    of_the_year = {
        (payee, currency) for payee, currency, _items, on in rows if on >= days.starts_on
    }
    taken = _taken(agency, {payee for payee, _currency in of_the_year})
    before: dict[tuple[Whose, Source], Decimal] = defaultdict(Decimal)
    found = []
    for payee, currency, items, on in rows:
        if (payee, currency) not in of_the_year:
            continue
        for item in map(Item.from_json, items):
            key = ((payee, currency), item.source)
            so_far, before[key] = before[key], before[key] + item.amount
            if on >= days.starts_on:
                parts = _parts(taken[key], so_far, before[key], currency)
                found.append(Paid(payee, currency, on, *item.source, item.amount, *parts))
    return found


def sent_back_later(agency: Agency, days: Days) -> list[Paid]:
    """Return what was booked in a year and sent back after its end; of that the net alone."""
    later = PayoutStep.objects.filter(
        payment=OuterRef("payment"),
        kind=PayoutStepKind.RETURNED.value,
        entry__effective_on__gte=days.ends_on,
    )
    booked = PayoutStep.objects.filter(
        Exists(later),
        kind=PayoutStepKind.CONFIRMED.value,
        payment__run__agency=agency,
        entry__effective_on__gte=days.starts_on,
        entry__effective_on__lt=days.ends_on,
    )
    rows = booked.order_by("payment_id").values_list(
        "payment__beneficiary", "payment__currency", "payment__items", "entry__effective_on"
    )
    return [
        Paid(payee, currency, on, *item.source, item.amount, ZERO, ZERO, ZERO)
        for payee, currency, items, on in rows
        for item in map(Item.from_json, items)
    ]


def _parts(
    taken: Mapping[AccountKind, Decimal], before: Decimal, after: Decimal, currency: str
) -> list[Decimal]:
    """Return of each thing taken the part that belongs to a payment, by all that was paid yet."""
    payable = taken.get(AccountKind.PAYABLE, ZERO)
    if payable <= 0:
        return [ZERO for _kind in TAKEN]

    def until(paid: Decimal, kind: AccountKind) -> Decimal:
        part = min(max(paid / payable, ZERO), Decimal(1))
        return rounded(taken.get(kind, ZERO) * part, currency)

    return [until(after, kind) - until(before, kind) for kind in TAKEN]


def _taken(
    agency: Agency, payees: Iterable[int]
) -> Mapping[tuple[Whose, Source], dict[AccountKind, Decimal]]:
    """Return what became payable of each receipt, and what was taken off it; above zero."""
    kinds: Sequence[AccountKind] = (AccountKind.PAYABLE, *TAKEN)
    postings = Posting.objects.filter(
        Q(entry__reverses=None) | Q(entry__reverses__payout_payment=None),
        account__agency=agency,
        account__beneficiary__in=list(payees),
        account__kind__in=[kind.value for kind in kinds],
        entry__payout_payment=None,
    )
    rows = postings.values_list(
        "account__beneficiary",
        "currency",
        Coalesce("entry__happened_on", "entry__effective_on"),
        Coalesce("reading__agreement", "entry__agreement"),
        "account__kind",
    )
    sums: dict[tuple[Whose, Source], dict[AccountKind, Decimal]] = defaultdict(dict)
    for payee, currency, day, agreement, kind, amount in rows.annotate(Sum("amount")).order_by():
        key = ((payee, currency), (day, agreement))
        sums[key][AccountKind(kind)] = -rounded(amount, currency)
    return sums
