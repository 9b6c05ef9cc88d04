"""Exchanges: money paid out in another currency than it is owed in, and what is left of it."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext as _

from licensing.money import Money, rounded
from talent.errors import Refused
from talent.models import Agency, User
from valuation.cash.received.remittances import NotPayableCash
from valuation.ledger import journal, rates
from valuation.ledger.exchange import Exchanged, Rate, between, exchanged
from valuation.ledger.journal import Side
from valuation.models import JournalEntry, Posting
from valuation.words import AccountKind, EntryKind

ZERO = Decimal(0)


class NotThatMuchPayable(Refused):
    """More is to be paid out than the beneficiary's payable balance."""

    code = "not_that_much_payable"


class NothingToRevalue(Refused):
    """Money in exchange is worth what the books say."""

    code = "nothing_to_revalue"


class SeenOtherwise(Refused):
    """What is to be posted is not what the person saw."""

    code = "seen_otherwise"


@transaction.atomic
def pay_out_in_other_currency(
    *,
    agency_id: int,
    beneficiary_id: int,
    owed: Money,
    paid: Money,
    paid_on: date,
    by: User,
    now: datetime,
) -> Exchanged:
    """Record that what is payable in one currency was paid out in another.

    `paid` is what left the trust account; what it differs from the rate of the day is an exchange
    loss or gain. Raises NotThatMuchPayable, NotPayableCash, and rates.NoRate.
    """
    if paid.amount <= 0 or paid.amount != rounded(paid.amount, paid.currency):
        raise NotPayableCash(f"{paid} cannot have been paid; check the amount.")
    # Locked, so that two payouts cannot both spend the same balance.
    Agency.objects.select_for_update().get(pk=agency_id)
    payable = -journal.balance(
        agency_id=agency_id,
        kind=AccountKind.PAYABLE,
        currency=owed.currency,
        beneficiary_id=beneficiary_id,
    )
    if not 0 < owed.amount <= payable:
        raise NotThatMuchPayable(f"{payable} {owed.currency} is payable; {owed} cannot be paid.")
    rate = rates.rate_on(paid_on, of=owed.currency, in_=paid.currency, known_at=now)
    exchange = exchanged(owed, paid, rate)
    sides = [
        Side(AccountKind.PAYABLE, owed.amount, beneficiary_id=beneficiary_id),
        Side(AccountKind.TRUST_CASH, -paid.amount, currency=paid.currency),
        *(Side(kind, amount, currency=currency) for kind, amount, currency in between(exchange)),
    ]
    journal.post(
        agency_id=agency_id,
        kind=EntryKind.PAYOUT,
        currency=owed.currency,
        sides=sides,
        effective_on=paid_on,
        recorded_at=now,
        description=f"Paid out on {paid_on} as {paid}: {rate}",
        by=by,
    )
    return exchange


@dataclass(frozen=True, slots=True)
class Position:
    """Money in exchange in one currency, and what it is worth in another at a rate."""

    held: Money
    worth: Money
    rate: Rate


@dataclass(frozen=True, slots=True)
class Revaluation:
    """What money in exchange is worth on a day, and by how much the books say otherwise.

    What stands there is the other side of money that the agency has: it is a gain where its worth
    falls below zero. `gain` below zero is a loss. Nothing is posted by looking at it.
    """

    positions: tuple[Position, ...]
    booked: Money
    gain: Money


def revaluation(*, agency_id: int, currency: str, on: date, now: datetime) -> Revaluation:
    """Return what an agency's money in exchange is worth in a currency. Raises rates.NoRate."""
    sums = (
        Posting.objects.filter(
            account__agency=agency_id,
            account__kind=AccountKind.EXCHANGE.value,
            entry__effective_on__lte=on,
        )
        .values_list("account__currency")
        .annotate(Sum("amount"))
        .order_by("account__currency")
    )
    held = {code: Money(rounded(amount, code), code) for code, amount in sums}
    booked = held.pop(currency, Money(rounded(ZERO, currency), currency))
    positions = tuple(_position(money, currency, on, now) for money in held.values())
    worth = sum((position.worth.amount for position in positions), ZERO)
    return Revaluation(positions, booked, Money(-(worth + booked.amount), currency))


def _position(held: Money, currency: str, on: date, now: datetime) -> Position:
    rate = rates.rate_on(on, of=held.currency, in_=currency, known_at=now)
    return Position(held, rate.convert(held), rate)


@transaction.atomic
def revalue(
    *, agency_id: int, currency: str, on: date, seen: Decimal, by: User, now: datetime
) -> JournalEntry:
    """Post the gain or loss of a revaluation, as a person saw it.

    Raises NothingToRevalue, SeenOtherwise if it is not what they saw, and rates.NoRate.
    """
    # Locked, so that two people do not post the same difference.
    Agency.objects.select_for_update().get(pk=agency_id)
    found = revaluation(agency_id=agency_id, currency=currency, on=on, now=now)
    if found.gain.amount != seen:
        raise SeenOtherwise(_("It has changed since you looked. Look again."))
    entry = journal.post(
        agency_id=agency_id,
        kind=EntryKind.REVALUATION,
        currency=currency,
        sides=[
            Side(AccountKind.EXCHANGE, seen),
            Side(AccountKind.EXCHANGE_DIFFERENCE, -seen),
        ],
        effective_on=on,
        recorded_at=now,
        description=f"Money in exchange revalued on {on}",
        by=by,
    )
    if entry is None:
        raise NothingToRevalue(_("The books say what the money is worth: there is no difference."))
    return entry
