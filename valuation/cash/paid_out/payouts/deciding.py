"""Deciding on a payout run: approved by another person on what they saw, or cancelled."""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from talent import envelope, four_eyes
from talent.models import User
from talent.periods import local_day
from valuation.cash.disputed import holding
from valuation.cash.disputed.left import Item
from valuation.ledger import journal
from valuation.models import JournalEntry, PayoutPayment, PayoutRun
from valuation.words import AccountKind, EntryKind, PaymentScheme, PayoutRunState, PayoutStepKind

from .. import bank_details, payable, remitted
from ..payable import Due
from .files import key, written
from .refusals import ChangedSince, NobodyToPay, NoReason
from .runs import ZERO, check_day, locked, post, step


def digest_of(run: PayoutRun) -> str:
    """Return the digest of what a run says: payees, amounts, accounts, holds and the day."""
    rows = run.payments.order_by("pk").values_list(
        "beneficiary", "amount", "details", "holds", "items", "end_to_end"
    )
    told = [run.reference, str(run.pay_on), run.currency, run.scheme, run.account_id]
    said = json.dumps([told, [[*map(str, row)] for row in rows]])
    return hashlib.sha256(said.encode()).hexdigest()


@transaction.atomic
def approve(*, run_id: int, seen: str, by: User, at: datetime, note: str = "") -> PayoutRun:
    """Make the file of a run, and post what it pays from payable to in transit.

    `seen` is the digest of what the approver saw. Raises NotItsTurn, ChangedSince, NotThatDay,
    NotPayable, four_eyes.FourEyes; then nothing is posted.
    """
    run = locked(run_id, PayoutRunState.DRAWN_UP)
    changed = run.steps.filter(kind=PayoutStepKind.CHANGED.value)
    before = [run.drawn_up_by_id, *changed.values_list("by", flat=True)]
    four_eyes.refuse_same_person(by=by, before=before)
    if seen != digest_of(run):
        raise ChangedSince(_("It has changed since you looked. Look again."))
    check_day(run.agency, run.pay_on, at)
    payments = list(run.payments.filter(holds=[]).select_related("beneficiary", "details__agency"))
    if not payments:
        raise NobodyToPay(_("Everybody in this run is held."))
    _check_still_so(run, payments, at)
    content = written(run, payments, at)
    plans = remitted.plans_of(run.agency_id)
    for payment in payments:
        is_plan = payment.beneficiary_id in plans
        taken_from = AccountKind.CONTRIBUTIONS if is_plan else AccountKind.PAYABLE
        if is_plan:
            remitted.remit(payment)
        payment.entry = post(
            run,
            payment,
            EntryKind.PAYOUT,
            {taken_from: payment.amount, AccountKind.IN_TRANSIT: -payment.amount},
            local_day(at, run.agency.time_zone),
            by,
            at,
        )
        payment.save(update_fields=["entry"])
    run.digest = seen
    run.file = envelope.seal(content, key=key(), about=run.reference)
    run.file_sha256 = hashlib.sha256(content).hexdigest()
    run.save(update_fields=["digest", "file", "file_sha256"])
    step(run, PayoutStepKind.APPROVED, by, at, note=note)
    return run


def _check_still_so(run: PayoutRun, payments: Sequence[PayoutPayment], at: datetime) -> None:
    """Raise ChangedSince, naming whose account or money is another than was drawn up."""
    in_force = bank_details.in_force(agency_id=run.agency_id, currency=run.currency)
    if in_force.get(None) != run.account:
        raise ChangedSince(_("Your own client account changed since. Cancel, and draw up anew."))
    dues = {
        due.beneficiary_id: due
        for due in payable.due_payees(
            agency=run.agency,
            currency=run.currency,
            pay_on=run.pay_on,
            minimum=ZERO,
            scheme=PaymentScheme(run.scheme),
            at=at,
            but=run.pk,
        )
    }
    for payment in payments:
        due = dues.get(payment.beneficiary_id)
        if because := _why_not_so(payment, due):
            raise ChangedSince(
                _("%(who)s: %(why)s. Hold the payment, or cancel and draw up anew.")
                % {"who": payment.beneficiary, "why": because}
            )


def _why_not_so(payment: PayoutPayment, due: Due | None) -> str:
    if due is None:
        return _("nothing is payable any more")
    if due.holds:
        return "; ".join(str(hold.label) for hold in due.holds)
    if due.details != payment.details:
        return _("the bank details changed since")
    free = {item.source: item.amount for item in due.items}
    for item in map(Item.from_json, payment.items):
        if free.get(item.source, ZERO) < item.amount:
            return _("less is payable than when it was drawn up")
    return ""


@transaction.atomic
def cancel(*, run_id: int, by: User, at: datetime, reason: str) -> None:
    """Cancel a run whose file nobody fetched: what it pays is payable again.

    Raises NoReason, NotItsTurn.
    """
    if not reason.strip():
        raise NoReason(_("Say why: others read it."))
    run = locked(run_id, PayoutRunState.DRAWN_UP, PayoutRunState.APPROVED)
    for entry in JournalEntry.objects.filter(payout_payment__in=run.payments.live()):
        journal.reverse(
            entry_id=entry.pk,
            effective_on=local_day(at, run.agency.time_zone),
            recorded_at=at,
            by=by,
            reason=f"{run.reference} was cancelled: {reason.strip()}",
        )
    holding.follow_agency(run.agency_id, now=at, by=by)
    step(run, PayoutStepKind.CANCELLED, by, at, note=reason.strip())
