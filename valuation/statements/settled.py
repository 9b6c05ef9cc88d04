"""Which statements are paid: those whose closing balance the bank has paid out, all of it."""

from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import Q, Sum
from django.utils.translation import gettext as _

from talent.models import User
from valuation.cash.paid_out import payouts
from valuation.models import (
    BankLine,
    PayoutPayment,
    Posting,
    Statement,
    StatementStep,
)
from valuation.words import AccountKind, EntryKind, StatementKind, StatementStepKind

ZERO = Decimal(0)
PAID, CAME_BACK = StatementStepKind.PAID, StatementStepKind.CAME_BACK


@transaction.atomic
def confirm(*, line: BankLine, by: User, at: datetime) -> list[PayoutPayment]:
    """Post what the bank has paid out, and have statements follow. Raises payouts.NotOfAPayout."""
    payments = payouts.confirm(line=line, by=by, at=at)
    for payment in payments:
        _follow(payment, by, at)
    return payments


@transaction.atomic
def give_back(*, line: BankLine, by: User, at: datetime) -> PayoutPayment:
    """Make payable again what came back; its statements are unpaid. Raises payouts.NotOfAPayout."""
    payment = payouts.give_back(line=line, by=by, at=at)
    _follow(payment, by, at)
    return payment


def _follow(payment: PayoutPayment, by: User, at: datetime) -> None:
    """Have each statement of a payee say whether the bank has paid it."""
    statements = (
        Statement.objects.issued()
        .with_status()
        .filter(
            kind=StatementKind.BENEFICIARY.value,
            agency=payment.run.agency_id,
            beneficiary=payment.beneficiary_id,
            currency=payment.currency,
            closing__gt=0,
        )
    )
    for statement in statements.order_by("period_on"):
        is_paid = statement.closing <= _settled_since(statement)
        if is_paid and statement.status != PAID:
            _take(statement, PAID, payment, by, at)
        if statement.status == PAID and not is_paid:
            _take(statement, CAME_BACK, payment, by, at)


def _settled_since(statement: Statement) -> Decimal:
    """Return what the bank paid out since a statement's period, and what fell away meanwhile.

    What is with the bank and not booked counts for nothing, nor does what came back, or what a
    dispute holds.
    """
    unbooked = PayoutPayment.objects.in_transit().values("entry")
    debits = Posting.objects.filter(
        account__agency=statement.agency_id,
        account__kind=AccountKind.PAYABLE.value,
        account__currency=statement.currency,
        account__beneficiary=statement.beneficiary_id,
        entry__effective_on__gte=statement.period_ends_on,
        amount__gt=0,
    ).exclude(Q(entry__in=unbooked) | Q(entry__kind=EntryKind.DISPUTE.value))
    taken_back = Q(entry__payout_payment__isnull=False, entry__reversed_by__isnull=False)
    settled: Decimal = debits.exclude(taken_back).aggregate(sum=Sum("amount", default=ZERO))["sum"]
    return settled


def _take(
    statement: Statement, kind: StatementStepKind, payment: PayoutPayment, by: User, at: datetime
) -> None:
    note = _("%(reference)s of %(run)s") % {
        "reference": payment.end_to_end, "run": payment.run.reference,
    }  # fmt: skip
    StatementStep.objects.create(statement=statement, kind=kind.value, at=at, by=by, note=note)
