"""What payees read of their money: what comes when, payments, accounts, and years."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from django.db.models import Exists, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import ExtractYear

from licensing.models import Agreement
from talent.models import Agency, Beneficiary, User
from valuation.cash.disputed.left import Item, items_of_payees
from valuation.cash.paid_out import bank_details, payable
from valuation.models import (
    BankDetails,
    Dispute,
    DisputeMove,
    Invoice,
    InvoiceLine,
    PayoutPayment,
    Posting,
    Reading,
    ResidualLine,
    Statement,
    StatementLine,
)
from valuation.words import AccountKind, DisputeSide, EntryKind, InvoiceLineKind

ZERO = Decimal(0)
K = AccountKind


@dataclass(frozen=True)
class Coming:
    """What an agency is still to pay of what it received on a day, and by when the law has it."""

    agency: str
    currency: str
    received_on: date
    agreement: str
    amount: Decimal
    pay_by: date | None
    rule: str


def coming(payees: Collection[Beneficiary]) -> list[Coming]:
    """Return what payees are still to get, the earliest first, in six queries.

    What a dispute holds is left out; so is what is owed back.
    """
    found = items_of_payees([payee.pk for payee in payees])
    agencies = Agency.objects.in_bulk({books.agency_id for books in found})
    ids = {item.agreement_id for items in found.values() for item in items if item.agreement_id}
    agreements = Agreement.objects.in_bulk(ids)
    rules = payable.all_pay_by_rules()
    rows = []
    for books, items in found.items():
        agency = agencies[books.agency_id]
        own = payable.of_country(rules, agency)
        for item in items:
            if item.amount > 0:
                by = payable.pay_by(agency, [item], own)
                agreement = agreements.get(item.agreement_id) if item.agreement_id else None
                rows.append(
                    Coming(
                        agency=agency.name,
                        currency=books.currency,
                        received_on=item.received_on,
                        agreement=agreement.reference if agreement else "",
                        amount=item.amount,
                        pay_by=by.day if by else None,
                        rule=by.rule if by else "",
                    )
                )
    return sorted(rows, key=lambda row: (row.pay_by or date.max, row.received_on, row.currency))


def payments_of(user: User, payees: Iterable[Beneficiary]) -> QuerySet[PayoutPayment]:
    """Return the payments that left what is payable to payees, latest first, with their state."""
    return (
        PayoutPayment.objects.visible_to(user)
        .filter(beneficiary__in=[payee.pk for payee in payees], entry__isnull=False)
        .with_state()
        .select_related("run__agency", "details", "beneficiary")
        .prefetch_related("statements")
        .order_by("-run__pay_on", "-pk")
    )


def invoices_of(user: User, payees: Iterable[Beneficiary]) -> QuerySet[Invoice]:
    """Return issued invoices that payees get or that a buyer wrote for them, latest first."""
    return (
        Invoice.objects.visible_to(user)
        .issued()
        .live()
        .filter(beneficiary__in=[payee.pk for payee in payees])
        .select_related("agency", "beneficiary", "licensee", "statement")
        .order_by("-issued_on", "-pk")
    )


def invoices_about(statement: Statement) -> QuerySet[Invoice]:
    """Return the payee's invoices that a statement is about, whoever wrote them.

    What it carries itself; those of commission for days of its period; and what a studio issued of
    what it states, or of what came in.
    """
    stated = StatementLine.objects.filter(statement=statement)
    earned = Reading.objects.filter(
        pk__in=ResidualLine.objects.filter(pk__in=stated.values("residual_line")).values("reading")
    )
    came_in = Posting.objects.filter(entry__in=stated.values("entry"), reading__isnull=False)
    lines = InvoiceLine.objects.filter(
        Q(payees_reading__in=earned)
        | Q(payees_reading__in=came_in.values("reading"))
        | Q(
            kind=InvoiceLineKind.COMMISSION.value,
            period_on__lt=statement.period_ends_on,
            period_ends_on__gt=statement.period_on,
        ),
        invoice=OuterRef("pk"),
    )
    return (
        Invoice.objects.issued()
        .live()
        .filter(
            Q(statement=statement) | Exists(lines),
            agency=statement.agency_id,
            beneficiary=statement.beneficiary_id,
            currency=statement.currency,
        )
        .select_related("licensee")
        .order_by("issued_on", "pk")
    )


@dataclass(frozen=True)
class AdviceLine:
    """What a payment is for: the day and agreement of a receipt, whose licensee paid it."""

    received_on: date
    agreement: str
    licensee: str
    amount: Decimal


def advice(payment: PayoutPayment) -> list[AdviceLine]:
    """Return what a payment is for, in one query."""
    items = [Item.from_json(one) for one in payment.items]
    ids = {item.agreement_id for item in items if item.agreement_id}
    known = Agreement.objects.select_related("licensee").in_bulk(ids)
    return [_advice_line(item, known.get(item.agreement_id or 0)) for item in items]


def _advice_line(item: Item, agreement: Agreement | None) -> AdviceLine:
    return AdviceLine(
        received_on=item.received_on,
        agreement=agreement.reference if agreement else "",
        licensee=agreement.licensee.name if agreement else "",
        amount=item.amount,
    )


def accounts_of(user: User, payees: Iterable[Beneficiary]) -> list[BankDetails]:
    """Return the newest bank details of payees at each agency and currency, and what they wait for.

    One that nobody has decided on stands beside the one in force. One query.
    """
    rows = (
        BankDetails.objects.visible_to(user)
        .filter(beneficiary__in=[payee.pk for payee in payees])
        .filter(Q(decision=None) | Q(decision__outcome="approved"))
        .select_related("agency", "beneficiary", "decision")
        .defer("sealed")
        .order_by("agency__name", "beneficiary__name", "currency", "-pk")
    )
    seen: set[tuple[object, ...]] = set()
    found = []
    for row in rows:
        waits = not hasattr(row, "decision")
        key = (row.agency_id, row.beneficiary_id, row.currency, waits)
        if key not in seen:
            seen.add(key)
            found.append(row)
    return found


# Years


@dataclass
class Year:
    """What a calendar year came to in a currency, counted from the books; taken off is below zero.

    `received` is what was received of earnings; that, less what was taken off, became payable.
    """

    year: int
    currency: str
    earned: Decimal = ZERO
    received: Decimal = ZERO
    commission: Decimal = ZERO
    withheld: Decimal = ZERO
    trust: Decimal = ZERO
    kept_back: Decimal = ZERO
    paid: Decimal = ZERO


RELEASES = (EntryKind.RELEASE, EntryKind.GIVE_BACK)
TAKEN = {
    K.COMMISSION: "commission", K.WITHHOLDING: "withheld", K.MINOR_TRUST: "trust",
    K.ADVANCES: "kept_back", K.RESERVE: "kept_back",
}  # fmt: skip
NOT_OF_USE = (EntryKind.RECOUPMENT, EntryKind.DISPUTE)
PAID = (EntryKind.PAYOUT_BOOKED, EntryKind.PAYOUT_RETURNED)


def years(user: User, payees: Collection[Beneficiary]) -> list[Year]:
    """Return each calendar year by currency, latest first, in two queries.

    A year is the books': money counts on its entry's day, use in the night that posted it.
    """
    ids = [payee.pk for payee in payees]
    found: dict[tuple[int, str], Year] = {}

    def of(year: int, currency: str) -> Year:
        return found.setdefault((year, currency), Year(year, currency))

    lines = ResidualLine.objects.visible_to(user).filter(beneficiary__in=ids).order_by()
    earned = lines.annotate(year=ExtractYear("run__as_of")).values_list("year", "currency")
    for year, currency, amount in earned.annotate(Sum("amount")):
        of(year, currency).earned += amount
    postings = Posting.objects.visible_to(user).filter(account__beneficiary__in=ids).order_by()
    sums = (
        postings.exclude(entry__kind__in=[kind.value for kind in NOT_OF_USE])
        .annotate(year=ExtractYear("entry__effective_on"))
        .values_list("year", "currency", "account__kind", "entry__kind")
        .annotate(Sum("amount"))
    )
    for year, currency, account, entry, amount in sums:
        _add(of(year, currency), AccountKind(account), EntryKind(entry), amount)
    rows = sorted(found.values(), key=lambda one: (-one.year, one.currency))
    return [row for row in rows if any(getattr(row, name) for name in FIGURES)]


FIGURES = ("earned", "received", "commission", "withheld", "trust", "kept_back", "paid")


def _add(year: Year, account: AccountKind, entry: EntryKind, amount: Decimal) -> None:
    """Count what an account of one kind moved in a year by entries of one kind; debits are above.

    What accrued for the payee and was released is what was received for them.
    """
    if account is K.ACCRUED and entry in RELEASES:
        year.received += amount
    if account in TAKEN and entry in (*RELEASES, EntryKind.RESERVE):
        name = TAKEN[account]
        setattr(year, name, getattr(year, name) + amount)
    if account is K.IN_TRANSIT and entry in PAID:
        year.paid += amount


# What is in dispute


@dataclass
class InDispute:
    """What disputes keep of a payee's money in a currency: received and held, or not received."""

    currency: str
    held: Decimal = ZERO
    kept: Decimal = ZERO


def in_dispute(payees: Iterable[Beneficiary]) -> list[InDispute]:
    """Return what disputes keep of payees' money by currency, in one query."""
    moves = DisputeMove.objects.filter(beneficiary__in=[payee.pk for payee in payees]).order_by()
    found: dict[str, InDispute] = {}
    rows = moves.values_list("currency", "received_on").annotate(Sum("amount"))
    for currency, day, amount in rows:
        one = found.setdefault(currency, InDispute(currency))
        if day is None:
            one.kept += amount
        else:
            one.held += amount
    return [one for _currency, one in sorted(found.items()) if one.held or one.kept]


@dataclass
class StudiosDispute:
    """A studio's dispute of a line, with what it keeps of the payee's own money."""

    dispute: Dispute
    amount: Decimal = field(default=ZERO)


def of_studios(payees: Sequence[Beneficiary]) -> list[StudiosDispute]:
    """Return the studios' disputes that keep money of payees, in two queries."""
    moves = DisputeMove.objects.filter(
        beneficiary__in=[payee.pk for payee in payees], dispute__side=DisputeSide.LICENSEE.value
    ).order_by()
    sums: dict[int, Decimal] = defaultdict(Decimal)
    for pk, amount in moves.values_list("dispute").annotate(Sum("amount")):
        sums[pk] += amount
    kept = {pk: amount for pk, amount in sums.items() if amount}
    rows = Dispute.objects.with_state().filter(pk__in=kept).select_related("licensee")
    return [StudiosDispute(row, kept[row.pk]) for row in rows.order_by("-pk")]


def cooled_off(details: BankDetails) -> date | None:
    """Return from which day on money goes to approved details; null while they wait."""
    return bank_details.payable_from(details) if hasattr(details, "decision") else None
