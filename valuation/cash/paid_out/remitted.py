"""What a payment to a plan pays: each performer's contribution of a period, and credits."""

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal

from django.utils.translation import gettext as _

from licensing.money import rounded
from valuation.cash.beside_use import plan_money
from valuation.cash.disputed.left import Item
from valuation.cash.waterfall import differences
from valuation.models import Contribution, PayoutPayment, PlanPayee, RemittedContribution

from .payouts.refusals import NotPayableAmount

ZERO = Decimal(0)
Seat = tuple[object, ...]


def plans_of(agency_id: int) -> set[int]:
    """Return the beneficiaries that an agency pays as plans."""
    rows = PlanPayee.objects.approved().filter(agency=agency_id)
    return set(rows.values_list("payee", flat=True))


def remit(payment: PayoutPayment) -> None:
    """Keep what a payment pays of contributions: all credits, then the oldest of its agreements.

    The lines come to its amount. Raises NotPayableAmount where they cannot.
    """
    paid = {Item.from_json(one).agreement_id for one in payment.items}
    lines = open_lines(payment.run.agency_id, payment.beneficiary_id, payment.currency)
    lines.sort(key=lambda line: (line[1] > 0, line[0].agreement_id not in paid, line[0].pk))
    left = payment.amount
    rows = []
    for contribution, amount in lines:
        part = min(amount, left)
        if part:
            rows.append(
                RemittedContribution(
                    payment=payment,
                    contribution=contribution,
                    amount=part,
                    currency=payment.currency,
                )
            )
        left -= part
    if left:
        raise NotPayableAmount(_("%s is more than its contributions come to.") % payment)
    RemittedContribution.objects.bulk_create(rows)


def open_lines(agency_id: int, payee: int, currency: str) -> list[tuple[Contribution, Decimal]]:
    """Return what a plan is to get by contribution, less what it got; below zero: a credit."""
    payees = plan_money.plan_payees(agency_id)
    rows = Contribution.objects.filter(
        agreement__agency=agency_id, currency=currency, reading__isnull=False
    )
    newest = {plan_money.seat_of(row): row for row in rows.order_by("pk")}
    agreements = {row.agreement_id for row in newest.values()}
    came: dict[Seat, Decimal] = defaultdict(Decimal)
    for one in plan_money.received(agreements):
        who = PlanPayee.on(payees, one.contribution.plan, one.received_on)
        if who and who.payee_id == payee and one.contribution.currency == currency:
            came[plan_money.seat_of(one.contribution)] += one.amount
    due = differences(came, _got(payee, currency))
    return [(newest[seat], amount) for seat, amount in due.items()]


def _got(payee: int, currency: str) -> dict[Seat, Decimal]:
    got: dict[Seat, Decimal] = defaultdict(Decimal)
    for row in _standing(payee, currency):
        got[plan_money.seat_of(row.contribution)] += rounded(row.amount, currency)
    return got


def _standing(payee: int, currency: str) -> Iterator[RemittedContribution]:
    rows = RemittedContribution.objects.standing().filter(
        payment__beneficiary=payee, currency=currency
    )
    yield from rows.select_related("contribution")
