"""Refunds, write-offs and payouts in another currency: one person asks, another approves.

Each is posted once it is approved, and is taken back by a reversal of its entry, by two people.
"""

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from licensing.models import Agreement
from licensing.money import Money, rounded
from talent import four_eyes, locales
from talent.errors import Refused
from talent.models import Agency, Beneficiary, User
from talent.periods import local_day
from valuation.cash.released.matching import rematch
from valuation.ledger import journal
from valuation.ledger.journal import Side
from valuation.models import (
    BankLine,
    BankLineStep,
    CashDecision,
    CashRequest,
    JournalEntry,
    Reading,
    Remittance,
)
from valuation.words import (
    AccountKind,
    BankLineStepKind,
    Bearer,
    CashRequestKind,
    CashRequestOutcome,
    EntryKind,
    ReadingKind,
    ReceiptMeans,
)

from . import exchanges, remittances

ZERO = Decimal(0)
ASKS = "valuation.ask_cashrequest"
APPROVES = "valuation.approve_cashrequest"
# A contribution is owed to its plan, and a tax to the state, whether it comes or not.
OWED_ALL_THE_SAME = [
    ReadingKind.CONTRIBUTION.value, ReadingKind.TAX.value, ReadingKind.INTEREST.value,
    ReadingKind.PASSED_TAX.value,
]  # fmt: skip
MEANS = {Bearer.PAYEES: ReceiptMeans.WRITTEN_OFF, Bearer.AGENCY: ReceiptMeans.FORGONE}


class NotToBeAsked(Refused):
    """What is asked for is not there to refund, write off or pay; the sentence says what is."""

    code = "not_to_be_asked"


class DecidedBefore(Refused):
    """The request was approved, rejected or taken back before."""

    code = "decided_before"


class NoRefund(Refused):
    """No approved refund that waits for the bank has the amount of this line."""

    code = "no_refund"


# Asking


@transaction.atomic
def ask_refund(
    *, remittance: Remittance, amount: Decimal, reason: str, by: User, at: datetime
) -> CashRequest:
    """Ask for money of a licensee's credit to be sent back.

    Raises NotToBeAsked, NobodyToApprove.
    """
    request = CashRequest(
        kind=CashRequestKind.REFUND.value,
        agency=remittance.agency,
        licensee=remittance.licensee,
        remittance=remittance,
        amount=amount,
        currency=remittance.currency,
    )
    return _ask(request, reason, by, at)


@transaction.atomic
def ask_write_off(
    *,
    agreement: Agreement,
    amount: Decimal,
    bearer: Bearer,
    reason: str,
    by: User,
    at: datetime,
) -> CashRequest:
    """Ask for a part of what an agreement is owed to be given up.

    Raises NotToBeAsked, NobodyToApprove.
    """
    request = CashRequest(
        kind=CashRequestKind.WRITE_OFF.value,
        agency=agreement.agency,
        licensee=agreement.licensee,
        agreement=agreement,
        amount=amount,
        currency=agreement.currency,
        bearer=bearer.value,
    )
    return _ask(request, reason, by, at)


@transaction.atomic
def ask_payout(
    *,
    agency: Agency,
    beneficiary: Beneficiary,
    owed: Money,
    paid: Money,
    on: date,
    reason: str,
    by: User,
    at: datetime,
) -> CashRequest:
    """Ask for a balance to be paid in another currency, at the stored rate of the day.

    Raises NotToBeAsked, NobodyToApprove, and rates.NoRate.
    """
    request = CashRequest(
        kind=CashRequestKind.PAYOUT.value,
        agency=agency,
        beneficiary=beneficiary,
        amount=owed.amount,
        currency=owed.currency,
        paid=paid.amount,
        paid_currency=paid.currency,
        on=on,
    )
    return _ask(request, reason, by, at)


def _ask(request: CashRequest, reason: str, by: User, at: datetime) -> CashRequest:
    # Locked, so that two people do not ask for the same money.
    Agency.objects.select_for_update(no_key=True).get(pk=request.agency_id)
    if not reason.strip():
        raise NotToBeAsked(_("Say why: whoever approves it reads it."))
    request.reason, request.asked_by, request.asked_at = reason.strip(), by, at
    _check(request, at, _waiting_beside(request))
    four_eyes.refuse_without_approver(asked_by=by, permission=APPROVES, agency_id=request.agency_id)
    request.save()
    return request


def _waiting_beside(request: CashRequest) -> Decimal:
    """Return what others ask for of the same receipt, agreement or balance."""
    same = CashRequest.objects.waiting().filter(
        kind=request.kind,
        agency=request.agency_id,
        remittance=request.remittance_id,
        agreement=request.agreement_id,
        beneficiary=request.beneficiary_id,
        currency=request.currency,
    )
    return sum((one.amount for one in same), ZERO)


# Deciding


@transaction.atomic
def approve(*, request_id: int, by: User, at: datetime, note: str = "") -> JournalEntry:
    """Post what somebody else asked for.

    Raises DecidedBefore, NotToBeAsked, four_eyes.FourEyes, and what posting it raises.
    """
    request = _waiting(request_id)
    four_eyes.refuse_same_person(by=by, before=[request.asked_by_id])
    Agency.objects.select_for_update(no_key=True).get(pk=request.agency_id)
    _check(request, at, ZERO)
    entry = _POSTS[CashRequestKind(request.kind)](request, by, at)
    _decide(request, CashRequestOutcome.APPROVED, by, at, note, entry)
    return entry


@transaction.atomic
def reject(*, request_id: int, by: User, at: datetime, note: str) -> None:
    """Reject a request, with the reason; who asked takes it back so.

    Raises DecidedBefore, NotToBeAsked, four_eyes.FourEyes.
    """
    if not note.strip():
        raise NotToBeAsked(_("Say why: whoever asked reads it."))
    request = _waiting(request_id)
    four_eyes.refuse_to_reject(
        by=by,
        asked_by=[request.asked_by_id],
        permission=APPROVES,
        agency_ids=[request.agency_id],
    )
    own = request.asked_by_id == by.pk
    outcome = CashRequestOutcome.TAKEN_BACK if own else CashRequestOutcome.REJECTED
    _decide(request, outcome, by, at, note, None)


def _waiting(request_id: int) -> CashRequest:
    request = CashRequest.objects.select_for_update(of=["self"]).get(pk=request_id)
    if CashDecision.objects.filter(request=request).exists():
        raise DecidedBefore(_("It was decided before."))
    return request


def _decide(
    request: CashRequest,
    outcome: CashRequestOutcome,
    by: User,
    at: datetime,
    note: str,
    entry: JournalEntry | None,
) -> None:
    CashDecision.objects.create(
        request=request, outcome=outcome.value, by=by, at=at, note=note.strip(), entry=entry
    )


# What is there, and what is posted


def _check(request: CashRequest, at: datetime, beside: Decimal) -> None:
    """Refuse more than there is. Raises NotToBeAsked, and rates.NoRate for a payout."""
    amount, currency = request.amount, request.currency
    if amount <= 0 or amount != rounded(amount, currency):
        raise NotToBeAsked(_("%s is no amount that can be paid.") % amount)
    if request.remittance:
        there = Remittance.objects.with_left().get(pk=request.remittance.pk).unmatched
        text = _("%(there)s of this receipt is credit; take it off what it pays first.")
    elif request.agreement:
        there = sum(_written_off_from(request).values(), ZERO)
        text = _("Only %(there)s is owed there that can be written off so.")
    else:
        exchanges.quoted(
            owed=Money(amount, currency),
            paid=Money(request.paid or ZERO, request.paid_currency),
            paid_on=request.on or at.date(),
            now=at,
        )
        there = exchanges.payable_to(request.agency_id, request.beneficiary_id or 0, currency)
        text = _("Only %(there)s is payable.")
    if amount + beside > there:
        raise NotToBeAsked(text % {"there": locales.money(there - beside, currency, "en")})


def _written_off_from(request: CashRequest) -> dict[Reading, Decimal]:
    """Return what an agreement is owed, oldest first, that a bearer can go without.

    What is owed to a plan or the state all the same only the agency can bear.
    """
    readings = Reading.objects.filter(agreement=request.agreement, gross__gt=0).with_received()
    if request.bearer == Bearer.PAYEES:
        readings = readings.exclude(kind__in=OWED_ALL_THE_SAME)
    return {one: one.owed for one in readings.order_by("period_on", "pk") if one.owed > 0}


def _refund(request: CashRequest, by: User, at: datetime) -> JournalEntry:
    """Take money off the licensee's credit; it is with the bank until that has booked it."""
    entry = journal.post(
        agency_id=request.agency_id,
        kind=EntryKind.REFUND,
        currency=request.currency,
        sides=[
            Side(AccountKind.UNMATCHED, request.amount, licensee_id=request.licensee_id),
            Side(AccountKind.IN_TRANSIT, -request.amount, licensee_id=request.licensee_id),
        ],
        effective_on=local_day(at, request.agency.time_zone),
        recorded_at=at,
        description=f"Refund R{request.pk}: {request.reason}"[:300],
        by=by,
        remittance_id=request.remittance_id,
    )
    return _made(entry)


def _write_off(request: CashRequest, by: User, at: datetime) -> JournalEntry:
    """Settle what will not come, and match it to the oldest of what is owed."""
    agreement = request.agreement
    if agreement is None:
        raise NotToBeAsked(_("Say what is written off."))
    on = local_day(at, request.agency.time_zone)
    settlement = remittances.write_off(
        agreement=agreement,
        means=MEANS[Bearer(request.bearer)],
        amount=request.amount,
        reference=f"Written off W{request.pk}: {request.reason}"[:100],
        on=on,
        by=by,
        now=at,
    )
    left, wanted = request.amount, {}
    for reading, owed in _written_off_from(request).items():
        if part := min(left, owed):
            wanted[reading] = part
            left -= part
    rematch(settlement, wanted, on=on, now=at)
    return settlement.entries.get(kind=EntryKind.RECEIPT.value)


def _payout(request: CashRequest, by: User, at: datetime) -> JournalEntry:
    return exchanges.pay_out_in_other_currency(
        agency_id=request.agency_id,
        beneficiary_id=request.beneficiary_id or 0,
        owed=Money(request.amount, request.currency),
        paid=Money(request.paid or ZERO, request.paid_currency),
        paid_on=request.on or at.date(),
        by=by,
        now=at,
    )


def _made(entry: JournalEntry | None) -> JournalEntry:
    if entry is None:
        raise NotToBeAsked(_("It moves nothing."))
    return entry


_POSTS: dict[CashRequestKind, Callable[[CashRequest, User, datetime], JournalEntry]] = {
    CashRequestKind.REFUND: _refund,
    CashRequestKind.WRITE_OFF: _write_off,
    CashRequestKind.PAYOUT: _payout,
}


# The bank


def refunds_in_transit(line: BankLine) -> list[CashRequest]:
    """Return the approved refunds that a debit of the bank may be: of its amount, not booked yet.

    One that the line names comes first.
    """
    if line.amount >= 0:
        return []
    found = CashRequest.objects.filter(
        agency=line.agency_id,
        kind=CashRequestKind.REFUND.value,
        currency=line.currency,
        amount=-line.amount,
        decision__entry__isnull=False,
        decision__entry__reversed_by=None,
        bank_steps=None,
    ).select_related("licensee", "remittance")
    words = f"{line.end_to_end} {line.text} {line.bank_reference}".split()
    return sorted(found, key=lambda one: (f"R{one.pk}" not in words, one.pk))


@transaction.atomic
def confirm_refund(*, line: BankLine, request: CashRequest, by: User, at: datetime) -> JournalEntry:
    """Post that the bank has sent a refund: off the trust account. Raises NoRefund."""
    Agency.objects.select_for_update(no_key=True).get(pk=line.agency_id)
    BankLine.objects.select_for_update(no_key=True).get(pk=line.pk)
    locked = BankLine.objects.with_state().get(pk=line.pk)
    if not locked.is_open or request not in refunds_in_transit(locked):
        raise NoRefund(_("No approved refund that waits for the bank has this amount."))
    entry = journal.post(
        agency_id=request.agency_id,
        kind=EntryKind.REFUND_BOOKED,
        currency=request.currency,
        sides=[
            Side(AccountKind.IN_TRANSIT, request.amount, licensee_id=request.licensee_id),
            Side(AccountKind.TRUST_CASH, -request.amount),
        ],
        effective_on=locked.booked_on,
        recorded_at=at,
        description=f"Refund R{request.pk} booked",
        by=by,
        remittance_id=request.remittance_id,
    )
    BankLineStep.objects.create(
        line=locked,
        kind=BankLineStepKind.REFUNDED.value,
        entry=entry,
        request=request,
        at=at,
        by=by,
    )
    return _made(entry)
