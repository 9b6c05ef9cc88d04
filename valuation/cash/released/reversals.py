"""Reversals by hand: one person asks for it, another approves, and what hangs on it goes along.

What may be reversed is what a person recorded of the world outside: money that came in, money that
went out. What the desk derived is put right where it comes from, and follows.
"""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from talent import four_eyes
from talent.errors import Refused
from talent.models import User
from talent.periods import local_day
from valuation.cash.disputed import holding
from valuation.cash.released import taken_over
from valuation.cash.released.matching import undo_receipt
from valuation.ledger import journal
from valuation.models import (
    BankLineStep,
    JournalEntry,
    PayoutStep,
    ReversalDecision,
    ReversalRequest,
)
from valuation.words import EntryKind, PayoutStepKind, ReversalOutcome

APPROVES = "valuation.approve_reversal"
BY_HAND = (
    EntryKind.RECEIPT,
    EntryKind.PAYOUT,
    EntryKind.COMMISSION_DRAWN,
    EntryKind.REVALUATION,
    EntryKind.OPENING,
    EntryKind.REFUND,
)
_FOLLOWS_A_RECEIPT = gettext_lazy(
    "It follows from a receipt. Reverse the receipt, and it goes along."
)
_FOLLOWS_TERMS = gettext_lazy(
    "It follows from the terms of the agreement. Amend those; the next night posts the difference."
)
WHY_NOT: Mapping[str, str | Promise] = {
    EntryKind.ACCRUAL: gettext_lazy(
        "It follows from uses and rates. Correct the use, rule on it or enter another rate; the"
        " next night posts the difference."
    ),
    EntryKind.RELEASE: _FOLLOWS_A_RECEIPT,
    EntryKind.GIVE_BACK: gettext_lazy("It follows from what a use costs by now. Correct the use."),
    EntryKind.ADVANCE: _FOLLOWS_TERMS,
    EntryKind.RECOUPMENT: _FOLLOWS_A_RECEIPT,
    EntryKind.RESERVE: _FOLLOWS_A_RECEIPT,
    EntryKind.CONTRIBUTION: _FOLLOWS_TERMS,
    EntryKind.PLAN_PAYABLE: _FOLLOWS_A_RECEIPT,
    EntryKind.DISPUTE: gettext_lazy("It follows from a dispute. Decide that, and it goes along."),
    EntryKind.INVOICED_TAX: gettext_lazy(
        "The invoice was issued. What is corrected stands on a credit note, which takes tax back."
    ),
    EntryKind.LATE_INTEREST: gettext_lazy(
        "Somebody claimed it. Take the claim back, on the page of late-payment interest."
    ),
    EntryKind.SELF_BILLED_TAX: gettext_lazy(
        "The invoice stands in an issued statement. A later statement’s credit note takes it back."
    ),
    EntryKind.CLAIMED_TAX: gettext_lazy(
        "The studio wrote the invoice. Record that it was cancelled, or what it credits."
    ),
    EntryKind.PASSED_TAX: _FOLLOWS_A_RECEIPT,
    EntryKind.PAYOUT_BOOKED: gettext_lazy(
        "The bank booked it. What comes back is a line of its own."
    ),
    EntryKind.PAYOUT_RETURNED: gettext_lazy("The bank booked it. The money is payable again."),
    EntryKind.SOURCE_TAX: _FOLLOWS_A_RECEIPT,
    EntryKind.WRITE_OFF: gettext_lazy(
        "It follows from the write-off. Reverse that entry, a receipt by its kind, and it goes "
        "along."
    ),
    EntryKind.REFUND_BOOKED: gettext_lazy(
        "The bank booked it. If the money comes back, record the line as received."
    ),
    EntryKind.DIRECTION: gettext_lazy(
        "It follows from a letter of direction and what came in. Have the letter end."
    ),
    EntryKind.REVERSAL: gettext_lazy("A reversal stands. Record anew what was right."),
}


class NotReversible(Refused):
    """An entry that nobody reverses by hand; the text says what to do instead."""

    code = "not_reversible"


class AlreadyAsked(Refused):
    """Somebody asked for the same reversal, and nobody has decided on it."""

    code = "already_asked"


class AlreadyDecided(Refused):
    """The reversal was approved, rejected or taken back before."""

    code = "already_decided"


class NoReason(Refused):
    """Whoever approves a reversal, and whoever reads it later, is to know why."""

    code = "no_reason"


def why_not(entry: JournalEntry) -> str:
    """Return why an entry is not reversed by hand; empty: it may be."""
    if JournalEntry.objects.filter(reverses=entry).exists():
        return _("It was reversed before.")
    if PayoutStep.objects.filter(
        payment__entry=entry, kind=PayoutStepKind.CONFIRMED.value
    ).exists():
        return _("The bank paid it. If it comes back, the bank’s line makes it payable again.")
    if BankLineStep.objects.filter(request__decision__entry=entry).exists():
        return str(WHY_NOT[EntryKind.REFUND_BOOKED])
    return str(WHY_NOT.get(entry.kind, ""))


@transaction.atomic
def ask(*, entry_id: int, reason: str, by: User, at: datetime) -> ReversalRequest:
    """Ask for an entry to be reversed; somebody else approves it.

    Raises NoReason, NotReversible, AlreadyAsked, four_eyes.NobodyToApprove.
    """
    # Locked, so that two people do not ask for the same.
    entry = JournalEntry.objects.select_for_update().get(pk=entry_id)
    _check(entry)
    if not reason.strip():
        raise NoReason(_("Say why: whoever approves it reads it."))
    if ReversalRequest.objects.waiting().filter(entry=entry).exists():
        raise AlreadyAsked(_("Somebody asked for it already; it waits for approval."))
    four_eyes.refuse_without_approver(asked_by=by, permission=APPROVES, agency_id=entry.agency_id)
    return ReversalRequest.objects.create(
        entry=entry, reason=reason.strip(), asked_at=at, asked_by=by
    )


@transaction.atomic
def approve(*, request_id: int, by: User, at: datetime, note: str = "") -> JournalEntry:
    """Reverse what somebody else asked for, on the agency's day, or in the first open period.

    Raises AlreadyDecided, NotReversible, four_eyes.FourEyes.
    """
    request = _waiting(request_id)
    four_eyes.refuse_same_person(by=by, before=[request.asked_by_id])
    entry = JournalEntry.objects.select_for_update().get(pk=request.entry_id)
    _check(entry)
    _decide(request, ReversalOutcome.REVERSED, by, at, note)
    on = local_day(at, entry.agency.time_zone)
    if entry.kind == EntryKind.RECEIPT and entry.remittance:
        return undo_receipt(entry.remittance, on=on, now=at, by=by, reason=request.reason)
    if entry.kind == EntryKind.OPENING:
        return taken_over.undo(entry, on=on, now=at, by=by, reason=request.reason)
    reversal = journal.reverse(
        entry_id=entry.pk, effective_on=on, recorded_at=at, by=by, reason=request.reason
    )
    if entry.kind == EntryKind.PAYOUT:
        holding.follow_agency(entry.agency_id, now=at, by=by)
    return reversal


@transaction.atomic
def reject(*, request_id: int, by: User, at: datetime, note: str) -> None:
    """Reject a reversal, with the reason; who asked for it takes it back so.

    Raises AlreadyDecided, NoReason.
    """
    if not note.strip():
        raise NoReason(_("Say why: whoever asked reads it."))
    request = _waiting(request_id)
    own = request.asked_by_id == by.pk
    outcome = ReversalOutcome.TAKEN_BACK if own else ReversalOutcome.REJECTED
    _decide(request, outcome, by, at, note)


def _check(entry: JournalEntry) -> None:
    if because := why_not(entry):
        raise NotReversible(because)


def _waiting(request_id: int) -> ReversalRequest:
    request = ReversalRequest.objects.select_for_update(of=["self"]).get(pk=request_id)
    if ReversalDecision.objects.filter(request=request).exists():
        raise AlreadyDecided(_("It was decided before."))
    return request


def _decide(
    request: ReversalRequest, outcome: ReversalOutcome, by: User, at: datetime, note: str
) -> None:
    ReversalDecision.objects.create(
        request=request, outcome=outcome.value, by=by, at=at, note=note.strip()
    )
