"""What was paid in a year: what the bank booked, with what had been taken off it before.

A payout pays what was payable of an agreement's receipts. The part of commission, tax and minors'
trust that belongs to it is the part of the payable money that it pays, rounded over all payments
of the same receipt together, so that they come to what the ledger took.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from django.db.models import Exists, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from licensing.models import RuleSet
from licensing.money import rounded
from talent.models import Agency
from talent.periods import Days
from valuation.cash.disputed.left import Item, Source
from valuation.models import (
    PaymentDirectionMove,
    PayoutPayment,
    PayoutStep,
    PlanPayee,
    Posting,
)
from valuation.words import AccountKind, EntryKind, PayoutStepKind

ZERO = Decimal(0)
TAKEN = (AccountKind.COMMISSION, AccountKind.WITHHOLDING, AccountKind.MINOR_TRUST)
Whose = tuple[int, str]
Taken = Mapping[tuple[Whose, Source], dict[AccountKind, Decimal]]
# What was paid of a receipt: to a payee in all, and of what is a payee's own.
ALL, OWN = "all", "own"
Key = tuple[str, tuple[Whose, Source]]


@dataclass(frozen=True, slots=True)
class Paid:
    """One payment's part of one agreement's receipts of a day; all amounts in its currency.

    `directed` is what was paid to somebody else by a letter of direction: it is this payee's
    income. `for_whom` names, with who got it, whose income it is.
    """

    beneficiary_id: int
    currency: str
    booked_on: date
    received_on: date
    agreement_id: int | None
    net: Decimal
    commission: Decimal
    withheld: Decimal
    trust: Decimal
    directed: Decimal = ZERO
    for_whom: int | None = None

    @property
    def gross(self) -> Decimal:
        """What came in for it, before anything was taken off; nothing of somebody else's money."""
        if self.for_whom is not None:
            return ZERO
        return self.net + self.directed + self.commission + self.withheld + self.trust


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
    """Return what the bank booked on some days and has not sent back. Four queries.

    What a letter of direction had paid to somebody else stands twice: as income of whose money it
    is, and, without any, with who got it.
    """
    steps = PayoutStep.objects.filter(
        kind=PayoutStepKind.CONFIRMED.value,
        payment__run__agency=agency,
        payment__in=PayoutPayment.objects.live(),
        entry__effective_on__lt=days.ends_on,
    )
    rows = _rows(steps.order_by("entry__effective_on", "payment_id"))
    return _told(agency, rows, days)


def sent_back_later(agency: Agency, days: Days) -> list[Paid]:
    """Return what was booked in a year and sent back after its end; what was taken off is left."""
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
    told = _told(agency, _rows(booked.order_by("payment_id")), days)
    return [replace(one, commission=ZERO, withheld=ZERO, trust=ZERO) for one in told]


class Row(NamedTuple):
    """A payment that the bank booked."""

    payee: int
    currency: str
    items: list[dict[str, Any]]
    booked_on: date


def _rows(steps: QuerySet[PayoutStep]) -> list[Row]:
    # What is paid to a plan is nobody's income.
    steps = steps.exclude(payment__beneficiary__in=PlanPayee.objects.approved().values("payee"))
    columns = ("payment__beneficiary", "payment__currency", "payment__items")
    return [Row(*row) for row in steps.values_list(*columns, "entry__effective_on")]


def _told(agency: Agency, rows: Sequence[Row], days: Days) -> list[Paid]:
    """Return what payments of the days paid, by all that was paid of the same receipts before."""
    letters = _letters(agency)
    paid = {row.payee for row in rows if row.booked_on >= days.starts_on}
    directed = {payee for (payee, _currency), _source in letters}
    payers = {payer for of_payee in letters.values() for payer in of_payee}
    known = paid | directed | payers
    taken = _taken(agency, known)
    before: dict[Key, Decimal] = defaultdict(Decimal)
    found: list[Paid] = []
    for row in rows:
        if row.payee not in known:
            continue
        for item in map(Item.from_json, row.items):
            key = ((row.payee, row.currency), item.source)
            own = taken.get(key, {}).get(AccountKind.PAYABLE, ZERO)
            so_far = before[ALL, key]
            before[ALL, key] = so_far + item.amount
            shares = _shares(letters.get(key, {}), own, row.currency, so_far, item.amount)
            told = [
                one
                for payer, part in shares
                for one in _paid_for(row, item, payer, part, taken, before)
            ]
            found += told if row.booked_on >= days.starts_on else []
    return found


def _paid_for(
    row: Row,
    item: Item,
    payer: int | None,
    part: Decimal,
    taken: Taken,
    before: dict[Key, Decimal],
) -> Iterator[Paid]:
    """Yield one payment's part as its income, and with who got it, where that is somebody else."""
    earner = row.payee if payer is None else payer
    key = ((earner, row.currency), item.source)
    so_far = before[OWN, key]
    before[OWN, key] = so_far + part
    commission, withheld, trust = _parts(taken.get(key, {}), so_far, so_far + part, row.currency)
    income = Paid(
        beneficiary_id=earner,
        currency=row.currency,
        booked_on=row.booked_on,
        received_on=item.received_on,
        agreement_id=item.agreement_id,
        net=part,
        commission=commission,
        withheld=withheld,
        trust=trust,
    )
    if payer is None:
        yield income
        return
    yield replace(income, net=ZERO, directed=part)
    yield replace(
        income,
        beneficiary_id=row.payee,
        commission=ZERO,
        withheld=ZERO,
        trust=ZERO,
        for_whom=payer,
    )


def _shares(
    payers: Mapping[int, Decimal], own: Decimal, currency: str, before: Decimal, amount: Decimal
) -> list[tuple[int | None, Decimal]]:
    """Divide a payment by whose money it is; what no letter tells is the payee's own."""
    if not payers:
        return [(None, amount)]
    weights: list[tuple[int | None, Decimal]] = [*payers.items(), (None, max(own, ZERO))]
    whole = sum((weight for _payer, weight in weights), ZERO)
    found: list[tuple[int | None, Decimal]] = []
    until = taken = ZERO
    for payer, weight in weights:
        until += weight
        upto = rounded((before + amount) * until / whole, currency) - rounded(
            before * until / whole, currency
        )
        if upto != taken:
            found.append((payer, upto - taken))
        taken = upto
    return found


def _letters(agency: Agency) -> dict[tuple[Whose, Source], dict[int, Decimal]]:
    """Return whose money payees of letters were to get of each receipt; amounts above zero.

    What was all taken back since counts as it was given: it may have been paid before.
    """
    moves = PaymentDirectionMove.objects.filter(direction__agency=agency).order_by()
    rows = moves.values_list(
        "direction__payee", "currency", "received_on", "agreement", "direction__beneficiary"
    ).annotate(net=Sum("amount"), given=Sum("amount", filter=Q(amount__gt=0), default=ZERO))
    nets: dict[tuple[Whose, Source], dict[int, Decimal]] = defaultdict(dict)
    given: dict[tuple[Whose, Source], dict[int, Decimal]] = defaultdict(dict)
    for payee, currency, on, agreement, payer, net, gave in rows:
        key = ((payee, currency), (on, agreement))
        nets[key][payer] = max(rounded(net, currency), ZERO)
        given[key][payer] = rounded(gave, currency)
    found = {key: one if any(one.values()) else given[key] for key, one in nets.items()}
    return {
        key: {payer: amount for payer, amount in sorted(one.items()) if amount}
        for key, one in found.items()
        if any(one.values())
    }


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
    """Return what became payable of each receipt, and what was taken off it; above zero.

    Whoever is paid by a letter of direction, it is whose money it is.
    """
    kinds: Sequence[AccountKind] = (AccountKind.PAYABLE, *TAKEN)
    postings = Posting.objects.filter(
        Q(entry__reverses=None) | Q(entry__reverses__payout_payment=None),
        account__agency=agency,
        account__beneficiary__in=list(payees),
        account__kind__in=[kind.value for kind in kinds],
        entry__payout_payment=None,
    ).exclude(entry__kind=EntryKind.DIRECTION.value)
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
