"""Drawing up a payout run: whom it would pay, who waits and why, what is lessened by hand."""

import secrets
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from licensing.money import rounded
from talent import four_eyes, locales
from talent.models import Agency, User
from valuation.bank_files.payments import NotPayable
from valuation.cash.disputed import left
from valuation.cash.disputed.left import Item
from valuation.models import PayoutPayment, PayoutRun
from valuation.words import PaymentScheme, PayoutHold, PayoutRunState, PayoutStepKind

from .. import bank_details, payable
from ..payable import Due
from .files import written
from .refusals import NoAccountOfItsOwn, NobodyToPay, NoReason, NotItsTurn, NotPayableAmount
from .runs import APPROVES, ZERO, check_day, locked, step


@transaction.atomic
def draw_up(
    *,
    agency: Agency,
    currency: str,
    pay_on: date,
    minimum: Decimal = ZERO,
    scheme: PaymentScheme,
    by: User,
    at: datetime,
) -> PayoutRun:
    """Write down whom an agency would pay on a day, and who has to wait and why. No money moves.

    Raises NotThatDay, NoAccountOfItsOwn, NobodyToPay, four_eyes.NobodyToApprove.
    """
    # Locked, so that two runs do not plan the same money.
    agency = Agency.objects.select_for_update(no_key=True).get(pk=agency.pk)
    check_day(agency, pay_on, at)
    four_eyes.refuse_without_approver(asked_by=by, permission=APPROVES, agency_id=agency.pk)
    own = bank_details.in_force(agency_id=agency.pk, currency=currency).get(None)
    if own is None:
        raise NoAccountOfItsOwn(
            _("%(agency)s has no approved client account in %(currency)s: add it, bank details.")
            % {"agency": agency, "currency": currency}
        )
    run = PayoutRun(
        agency=agency,
        currency=currency,
        pay_on=pay_on,
        minimum=minimum,
        scheme=scheme.value,
        account=own,
        reference=f"PAY{pay_on:%y%m%d}{secrets.token_hex(3).upper()}",
        drawn_up_at=at,
        drawn_up_by=by,
    )
    dues = payable.due_payees(
        agency=agency, currency=currency, pay_on=pay_on, minimum=minimum, scheme=scheme, at=at
    )
    if not any(not due.holds for due in dues):
        raise NobodyToPay(_nobody(dues))
    run.save()
    _add_payments(run, dues)
    return run


def _nobody(dues: Sequence[Due]) -> str:
    if not dues:
        return _("Nothing is payable to anybody in this currency that no other run plans.")
    reasons = sorted({str(hold.label) for due in dues for hold in due.holds})
    return _("All %(count)d payees are held: %(reasons)s.") % {
        "count": len(dues),
        "reasons": "; ".join(reasons),
    }


def _add_payments(run: PayoutRun, dues: Sequence[Due]) -> None:
    payments = []
    for due in dues:
        payment = PayoutPayment(
            run=run,
            beneficiary_id=due.beneficiary_id,
            currency=run.currency,
            payable=due.payable,
            amount=due.amount,
            pay_by=due.pay_by.day if due.pay_by else None,
            rule=due.pay_by.rule if due.pay_by else "",
            details=due.details,
            holds=[hold.value for hold in due.holds],
            items=[item.to_json() for item in due.items],
            end_to_end=f"P{secrets.token_hex(6).upper()}",
        )
        if not payment.holds and (fault := _fault(run, payment)):
            payment.holds, payment.note = [PayoutHold.OTHER_FILE.value], fault[:300]
        payments.append(payment)
    PayoutPayment.objects.bulk_create(payments)
    statements = payable.unpaid_statements(
        agency_id=run.agency_id,
        currency=run.currency,
        beneficiary_ids=[due.beneficiary_id for due in dues],
    )
    links = PayoutPayment.statements.through
    links.objects.bulk_create(
        links(payoutpayment_id=payment.pk, statement_id=statement.pk)
        for payment in payments
        for statement in statements.get(payment.beneficiary_id, ())
    )


def _fault(run: PayoutRun, payment: PayoutPayment) -> str:
    """Return what is wrong with one payment in the run's file; empty: nothing."""
    try:
        written(run, [payment])
    except NotPayable as refusal:
        return str(refusal)
    return ""


@transaction.atomic
def change(
    *, payment_id: int, amount: Decimal, reason: str, by: User, at: datetime
) -> PayoutPayment:
    """Have a planned payment be of another amount, or hold it with zero; the rest stays payable.

    Raises NotItsTurn, NotPayableAmount, NoReason.
    """
    payment = PayoutPayment.objects.select_related("run").get(pk=payment_id)
    run = locked(payment.run_id, PayoutRunState.DRAWN_UP)
    payment = PayoutPayment.objects.select_for_update().get(pk=payment_id)
    if not reason.strip():
        raise NoReason(_("Say why: whoever approves the run reads it."))
    if set(payment.holds) - {PayoutHold.BY_HAND.value}:
        raise NotItsTurn(_("%s is held by what is not decided here.") % payment)
    whole = [Item.from_json(one) for one in payment.items]
    most = _most(payment)
    if not ZERO <= amount <= most or amount != rounded(amount, run.currency):
        raise NotPayableAmount(
            _("From zero to %s may be paid.") % locales.money(most, run.currency, "en")
        )
    payment.note = reason.strip()[:300]
    if amount:
        free = _free_items(payment)
        payment.items = [one.to_json() for one in left.cut(free, amount)]
        payment.amount, payment.holds = amount, []
    else:
        payment.holds = [PayoutHold.BY_HAND.value]
    payment.save(update_fields=["note", "items", "amount", "holds"])
    told = f"{sum((one.amount for one in whole), ZERO)} → {amount}: {reason.strip()}"
    step(run, PayoutStepKind.CHANGED, by, at, payment=payment, note=told[:300])
    return payment


def _free_items(payment: PayoutPayment) -> tuple[Item, ...]:
    """Return what could be paid to a payee by this payment, as if its run planned nothing."""
    run = payment.run
    dues = payable.due_payees(
        agency=run.agency,
        currency=run.currency,
        pay_on=run.pay_on,
        minimum=ZERO,
        scheme=PaymentScheme(run.scheme),
        at=run.drawn_up_at,
        but=run.pk,
    )
    return next((due.items for due in dues if due.beneficiary_id == payment.beneficiary_id), ())


def _most(payment: PayoutPayment) -> Decimal:
    free = sum((item.amount for item in _free_items(payment)), ZERO)
    payable_then: Decimal = payment.payable
    return min(free, payable_then)
