"""Interest on an invoice that is paid late: worked out day by day, claimed by a person.

What is agreed goes before what the law says; where neither says a rate that may be relied on, none
is claimed. What is disputed bears none. All of it is worked out anew each time from the day after
the due date on, and what was claimed before is taken off: a payment told late puts it right.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from django.db import transaction
from django.utils.translation import gettext as _

from licensing.models import Agreement, RuleSet
from licensing.money import allocate, rounded
from talent.beneficiaries import shares_on, splits_of
from talent.models import User
from talent.periods import local_day
from valuation.ledger import journal
from valuation.ledger.journal import Side
from valuation.models import (
    Dispute,
    Invoice,
    InvoiceLine,
    LateInterest,
    PaymentTerms,
    Posting,
    Reading,
)
from valuation.residuals.split import MonthOfReading, parts_by_month
from valuation.words import (
    AccountKind,
    DisputeSide,
    EntryKind,
    InterestOwner,
    InvoiceKind,
    ReadingKind,
)

from . import interest_terms, settled
from .content import DAY, ZERO, from_json
from .refusals import NoReason, NothingToClaim, NotItsTurn
from .vat import rule_on

CLAIMS = "valuation.claim_lateinterest"
DAYS_OF_A_YEAR = 365
HALF_YEARS = ((1, 1), (7, 1))


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some days, both bounds at their end, in which so much was owed at one rate a year."""

    since: date
    until: date
    owed: Decimal
    percent: Decimal
    source: str

    @property
    def amount(self) -> Decimal:
        """Simple interest, in full."""
        days = (self.until - self.since).days
        return self.owed * self.percent / 100 * days / DAYS_OF_A_YEAR


@dataclass(frozen=True, slots=True)
class Worked:
    """What interest an invoice bears until the end of a day, and what of it is not claimed."""

    stretches: tuple[Stretch, ...]
    amount: Decimal
    fixed: Decimal
    claimed: Decimal
    disputed: Decimal


def worked_out(invoice: Invoice, *, on: date) -> Worked:
    """Return the interest on an issued invoice until the end of a day. Raises NothingToClaim."""
    if invoice.kind != InvoiceKind.INVOICE.value or invoice.due_on is None or on <= invoice.due_on:
        raise NothingToClaim(_("It is not late by then."))
    law = _Law(invoice)
    stretches = tuple(_stretches(invoice, on, law))
    total = rounded(sum((one.amount for one in stretches), ZERO), invoice.currency)
    earlier = list(invoice.interest.standing())
    claimed = sum((one.amount for one in earlier), ZERO)
    has_fixed = any(one.fixed for one in earlier)
    return Worked(
        stretches=stretches,
        amount=max(total - claimed, ZERO),
        fixed=ZERO
        if has_fixed or not total
        else law.fixed(invoice.total - disputed_of(invoice, on=invoice.due_on)),
        claimed=claimed,
        disputed=disputed_of(invoice, on=on),
    )


def disputed_of(invoice: Invoice, *, on: date) -> Decimal:
    """Return what is left to pay of an invoice at the end of a day and its licensee disputes today.

    What of it is paid keeps nobody from asking for the rest.
    """
    disputes = Dispute.objects.holding().filter(side=DisputeSide.LICENSEE.value)
    lines = InvoiceLine.objects.filter(invoice=invoice, reading__in=disputes.values("reading"))
    readings = set(lines.values_list("reading", flat=True))
    if not readings:
        return ZERO
    left = settled.open_by_invoice(
        agency_id=invoice.agency_id,
        licensee_id=invoice.licensee_id,
        currency=invoice.currency,
        on=on,
    ).get(invoice.pk, {})
    parts = (amount for reading, amount in left.items() if reading in readings)
    return rounded(sum(parts, ZERO), invoice.currency)


def _stretches(invoice: Invoice, on: date, law: "_Law") -> Iterator[Stretch]:
    """Yield the days after the due date, parted where money came or the rate may change."""
    assert invoice.due_on is not None  # noqa: S101 (`worked_out` asked before)
    days = sorted({invoice.due_on, on, *_paid_on(invoice, on), *_half_years(invoice.due_on, on)})
    for since, until in pairwise(days):
        owed = max(settled.left_of(invoice, since) - disputed_of(invoice, on=since), ZERO)
        if owed:
            yield Stretch(since, until, owed, *law.rate(since + DAY))


def _paid_on(invoice: Invoice, on: date) -> list[date]:
    """Return the days after the due date on which what it asks for was paid, or credited."""
    postings = Posting.objects.filter(
        reading__in=invoice.lines.values("reading"),
        account__kind=AccountKind.RECEIVABLE.value,
        entry__effective_on__gt=invoice.due_on,
        entry__effective_on__lt=on,
    )
    credited = Invoice.objects.issued().filter(
        kind=InvoiceKind.CREDIT_NOTE.value,
        lines__reading__in=invoice.lines.values("reading"),
        issued_on__gt=invoice.due_on,
        issued_on__lt=on,
    )
    return [
        *postings.values_list("entry__effective_on", flat=True).distinct(),
        *(day for day in credited.values_list("issued_on", flat=True).distinct() if day),
    ]


def _half_years(after: date, before: date) -> Iterator[date]:
    """Yield the last days of the half-years that end between two days."""
    for year in range(after.year, before.year + 1):
        for month, day in HALF_YEARS:
            last = date(year, month, day) - timedelta(days=1)
            if after < last < before:
                yield last


class _Law:
    """By what an invoice bears interest: what was agreed, else what the agency's place says."""

    def __init__(self, invoice: Invoice) -> None:
        self.invoice = invoice
        self.country = from_json(invoice.content).seller.country
        terms = PaymentTerms.objects.filter(
            agency=invoice.agency_id,
            licensee=invoice.licensee_id,
            agreement=invoice.agreement_id,
            starts_on__lte=invoice.issued_on,
        )
        newest = terms.order_by("-starts_on", "-pk").first()
        self.agreed = newest if newest and newest.interest_percent is not None else None

    def rate(self, day: date) -> tuple[Decimal, str]:
        """Return the rate on a day, in per cent a year, and its source. Raises NothingToClaim."""
        if self.agreed:
            return Decimal(self.agreed.interest_percent or 0), self.agreed.source
        law = rule_on("late_payment.", self.country, day)
        if law is None:
            raise NothingToClaim(
                _("Nothing is agreed, and no rule on late payment in %s may be relied on.")
                % self.country
            )
        assert self.invoice.due_on is not None  # noqa: S101 (`worked_out` asked before)
        fixed = law.values.get("fixed_at_start", False)
        known = self._reference(law, self.invoice.due_on + DAY if fixed else day)
        percent = Decimal(known.values["percent"]) + Decimal(law.values["points"])
        return percent, f"{law.title}; {known.title}"

    def _reference(self, law: RuleSet, day: date) -> RuleSet:
        known = rule_on(law.values["reference"], self.country, day)
        if known is None:
            raise NothingToClaim(
                _("The reference rate on %s is not known. Enter it under Rules.") % day
            )
        return known

    def fixed(self, debt: Decimal) -> Decimal:
        """Return the sum that the law adds once, where it is in the invoice's currency."""
        assert self.invoice.due_on is not None  # noqa: S101 (`worked_out` asked before)
        law = None if self.agreed else rule_on(
            "late_payment.", self.country, self.invoice.due_on + DAY
        )  # fmt: skip
        if law is None or law.values.get("fixed_currency") != self.invoice.currency:
            return ZERO
        for one in law.values["fixed"]:
            below, _sign, amount = one.partition("=")
            if not below or debt < Decimal(below):
                return Decimal(amount)
        return ZERO


@transaction.atomic
def claim(*, invoice_id: int, on: date, seen: Decimal, by: User, at: datetime) -> LateInterest:
    """Claim the interest on an invoice until the end of a day, as somebody saw it.

    It is owed like use, each agreement's part by a reading of its own. Whose it is, the agreement's
    interest terms say. Raises NothingToClaim, NotItsTurn, WhoseIsUnknown.
    """
    # Locked, so that two people do not claim the same days.
    Invoice.objects.select_for_update(of=("self",)).get(pk=invoice_id)
    invoice = Invoice.objects.select_related("agency").get(pk=invoice_id)
    if on > local_day(at, invoice.agency.time_zone):
        raise NothingToClaim(_("That day is to come: interest is claimed until today."))
    found = worked_out(invoice, on=on)
    asked = found.amount + found.fixed
    if not asked:
        raise NothingToClaim(_("All of it was claimed until then, or what is left is disputed."))
    if asked != seen:
        raise NotItsTurn(_("It has changed since you looked. Look again."))
    sides = [
        side
        for part in parts_of(invoice, found)
        for side in _sides(invoice, _reading_of(invoice, part, on), part)
    ]
    entry = journal.post(
        agency_id=invoice.agency_id,
        kind=EntryKind.LATE_INTEREST,
        currency=invoice.currency,
        sides=sides,
        effective_on=on,
        recorded_at=at,
        description=f"Interest on {invoice.number} until {on}",
        by=by,
    )
    assert entry is not None  # noqa: S101 (there is something to claim)
    return LateInterest.objects.create(
        invoice=invoice,
        until=on,
        amount=found.amount,
        fixed=found.fixed,
        currency=invoice.currency,
        content=[{name: str(value) for name, value in asdict(one).items()}
                 for one in found.stretches],
        entry=entry,
        at=at,
        by=by,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Part:
    """What is claimed for one agreement of an invoice, and whose that is."""

    agreement: Agreement
    owner: InterestOwner
    amount: Decimal


def parts_of(invoice: Invoice, found: Worked) -> list[Part]:
    """Divide what is to be claimed by what an invoice asks for each agreement, and by whose it is.

    The sum that the law adds is for the agency's trouble, and its own. Raises WhoseIsUnknown.
    """
    assert invoice.due_on is not None  # noqa: S101 (it is late)
    nets: dict[int, Decimal] = {}
    for agreement, amount in invoice.lines.values_list("agreement", "amount"):
        nets[agreement] = nets.get(agreement, ZERO) + amount
    owing = {agreement: net for agreement, net in nets.items() if net > 0}
    agreements = Agreement.objects.select_related("twin__performer").in_bulk(owing)
    late_since = invoice.due_on + DAY
    parts = []
    for pk, amount, fixed in zip(
        owing,
        allocate(found.amount, list(owing.values()), invoice.currency),
        allocate(found.fixed, list(owing.values()), invoice.currency),
        strict=True,
    ):
        owner = interest_terms.owner_of(agreements[pk], on=late_since)
        if owner is InterestOwner.AGENCY:
            amount, fixed = amount + fixed, ZERO
        parts.append(Part(agreements[pk], owner, amount))
        parts.append(Part(agreements[pk], InterestOwner.AGENCY, fixed))
    return [part for part in parts if part.amount]


def _reading_of(invoice: Invoice, part: Part, on: date) -> Reading:
    """Store a part; what is the payees' with their shares of the day on which it was due."""
    assert invoice.due_on is not None  # noqa: S101 (it is late)
    shares = (
        shares_on(splits_of(part.agreement.twin), invoice.due_on)
        if part.owner is InterestOwner.PAYEES
        else ()
    )
    told = [[share.beneficiary_id, str(share.weight), share.performer_id] for share in shares]
    month = {"starts_on": on.isoformat(), "gross": str(part.amount), "shares": told}
    return Reading.objects.create(
        agreement=part.agreement,
        kind=ReadingKind.INTEREST.value,
        factor=Decimal(1),
        period_on=invoice.due_on,
        period_ends_on=invoice.due_on + DAY,
        quantity=ZERO,
        events=0,
        gross=part.amount,
        currency=invoice.currency,
        summary={"about": f"{invoice.number}, {invoice.due_on} – {on}"},
        explanation=[],
        months=[month] if told else [],
        first_index=0,
        last_index=0,
    )


def _sides(invoice: Invoice, reading: Reading, part: Part) -> Iterator[Side]:
    """Yield what the licensee owes, and who earns it by that."""
    yield Side(
        AccountKind.RECEIVABLE,
        reading.gross,
        licensee_id=invoice.licensee_id,
        reading_id=reading.pk,
    )
    if part.owner is InterestOwner.AGENCY:
        yield Side(AccountKind.AGENCY_MONEY, -reading.gross)
    for month in reading.months:
        weights = tuple((payee, Decimal(weight)) for payee, weight, _who in month["shares"])
        day = date.fromisoformat(month["starts_on"])
        told = parts_by_month([MonthOfReading(day, reading.gross, weights)], reading.currency)
        for (_day, payee), amount in told.items():
            yield Side(AccountKind.ACCRUED, -amount, beneficiary_id=payee, reading_id=reading.pk)


@transaction.atomic
def take_back(*, interest_id: int, by: User, at: datetime, reason: str) -> None:
    """Take a claim back; what was paid of it is given back by the next night.

    Raises NoReason, NotItsTurn.
    """
    if not reason.strip():
        raise NoReason(_("Say why: others read it."))
    claimed = LateInterest.objects.select_for_update(of=("self",)).get(pk=interest_id)
    if claimed.taken_back_at:
        raise NotItsTurn(_("It was taken back before."))
    readings = claimed.entry.postings.values("reading")
    Reading.objects.filter(pk__in=readings).update(gross=ZERO, months=[])
    agency = claimed.invoice.agency
    journal.reverse(
        entry_id=claimed.entry_id,
        effective_on=local_day(at, agency.time_zone),
        recorded_at=at,
        by=by,
        reason=reason.strip(),
    )
    claimed.taken_back_at, claimed.taken_back_by, claimed.reason = at, by, reason.strip()
    claimed.save(update_fields=["taken_back_at", "taken_back_by", "reason"])
