"""Exchanges: money paid out in another currency than it is owed in, and what is left of it."""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import cast

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
from valuation.models import JournalEntry, Posting, Remittance
from valuation.words import AccountKind, EntryKind, ReceiptMeans

ZERO = Decimal(0)


class NotThatMuchPayable(Refused):
    """More is to be paid out than the beneficiary's payable balance."""

    code = "not_that_much_payable"


class NotThatMuchThere(Refused):
    """More of a receipt is to be exchanged than is neither matched nor spent."""

    code = "not_that_much_there"


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
) -> JournalEntry:
    """Record that what is payable in one currency was paid out in another.

    `paid` is what left the trust account; what it differs from the rate of the day is an exchange
    loss or gain. Raises NotThatMuchPayable, NotPayableCash, and rates.NoRate.
    """
    exchange, rate = quoted(owed=owed, paid=paid, paid_on=paid_on, now=now)
    # Locked, so that two payouts cannot both spend the same balance.
    Agency.objects.select_for_update().get(pk=agency_id)
    payable = payable_to(agency_id, beneficiary_id, owed.currency)
    if not 0 < owed.amount <= payable:
        raise NotThatMuchPayable(f"{payable} {owed.currency} is payable; {owed} cannot be paid.")
    sides = [
        Side(AccountKind.PAYABLE, owed.amount, beneficiary_id=beneficiary_id),
        Side(AccountKind.TRUST_CASH, -paid.amount, currency=paid.currency),
        *(Side(kind, amount, currency=currency) for kind, amount, currency in between(exchange)),
    ]
    entry = journal.post(
        agency_id=agency_id,
        kind=EntryKind.PAYOUT,
        currency=owed.currency,
        sides=sides,
        effective_on=paid_on,
        recorded_at=now,
        description=f"Paid out on {paid_on} as {paid}: {rate}",
        by=by,
    )
    # What is paid is above zero, so the entry has sides.
    return cast("JournalEntry", entry)


def payable_to(agency_id: int, beneficiary_id: int, currency: str) -> Decimal:
    """Return what is payable to a beneficiary in a currency."""
    return -journal.balance(
        agency_id=agency_id,
        kind=AccountKind.PAYABLE,
        currency=currency,
        beneficiary_id=beneficiary_id,
    )


def quoted(*, owed: Money, paid: Money, paid_on: date, now: datetime) -> tuple[Exchanged, Rate]:
    """Return what paying out in another currency comes to, and by which rate.

    Raises NotPayableCash, and rates.NoRate.
    """
    if paid.amount <= 0 or paid.amount != rounded(paid.amount, paid.currency):
        raise NotPayableCash(f"{paid} cannot have been paid; check the amount.")
    if paid.currency == owed.currency:
        raise NotPayableCash("It is the same currency: pay it by a payout run.")
    if paid_on > local_today(now):
        raise rates.NoRate(f"{paid_on} is to come: there is no rate of it yet.")
    rate = rates.rate_on(paid_on, of=owed.currency, in_=paid.currency, known_at=now)
    return exchanged(owed, paid, rate), rate


def local_today(now: datetime) -> date:
    """Return the last day that has begun anywhere."""
    return (now + timedelta(hours=14)).date()


# Receipts in another currency than is owed


@dataclass(frozen=True, slots=True)
class Quote:
    """What a part of a receipt comes to in the currency that is owed. A loss is above zero.

    `digest` is of all that a person saw of it.
    """

    taken: Money
    worth: Money
    settles: Money
    rate: Rate
    digest: str

    @property
    def loss(self) -> Money:
        return Money(self.settles.amount - self.worth.amount, self.worth.currency)


def quote(
    remittance: Remittance, *, taken: Decimal, currency: str, settles: Decimal | None, now: datetime
) -> Quote:
    """Return what exchanging a part of a receipt's credit comes to, at the rate of its day.

    `settles` is what it is to pay, what the rate says if it is left out. Raises NotPayableCash,
    NotThatMuchThere, and rates.NoRate.
    """
    if currency == remittance.currency:
        raise NotPayableCash(_("It is in this currency already: allocate it."))
    of = Money(taken, remittance.currency)
    if taken <= 0 or taken != rounded(taken, of.currency):
        raise NotPayableCash(f"{of} cannot be exchanged; check the amount.")
    there = Remittance.objects.with_left().get(pk=remittance.pk).unmatched
    if taken > there:
        raise NotThatMuchThere(
            _("%(there)s %(currency)s of this receipt is credit; take it off what it pays first.")
            % {"there": rounded(there, of.currency), "currency": of.currency}
        )
    rate = rates.rate_on(remittance.received_on, of=of.currency, in_=currency, known_at=now)
    worth = rate.convert(of)
    paid = Money(worth.amount if settles is None else settles, currency)
    if paid.amount <= 0 or paid.amount != rounded(paid.amount, currency):
        raise NotPayableCash(f"{paid} cannot be paid so; check the amount.")
    told = f"{remittance.pk} {there} {of} {worth} {paid} {rate}"
    return Quote(of, worth, paid, rate, hashlib.sha256(told.encode()).hexdigest())


@transaction.atomic
def exchange_receipt(
    *,
    remittance: Remittance,
    taken: Decimal,
    currency: str,
    settles: Decimal | None,
    seen: str,
    by: User,
    now: datetime,
) -> Remittance:
    """Have a part of a receipt count in the currency that is owed, as a receipt of its own.

    What it is to pay, less what the rate says, is an exchange loss or gain of the agency. Its
    reversal takes back the exchange with all that it paid. Raises SeenOtherwise, and as `quote`.
    """
    # Locked, so that no other spends the same credit.
    Agency.objects.select_for_update(no_key=True).get(pk=remittance.agency_id)
    found = quote(remittance, taken=taken, currency=currency, settles=settles, now=now)
    if found.digest != seen:
        raise SeenOtherwise(_("It has changed since you looked. Look again."))
    exchange = Exchanged(found.taken, found.worth, found.settles)
    number = remittance.settlements.count() + 1
    into = Remittance.objects.create(
        agency=remittance.agency,
        licensee=remittance.licensee,
        means=ReceiptMeans.EXCHANGED.value,
        amount=found.settles.amount,
        currency=currency,
        received_on=remittance.received_on,
        reference=f"{remittance.reference[:70]}, in {currency} ({remittance.pk}-{number})",
        origin=remittance,
        taken=taken,
        recorded_at=now,
        recorded_by=by,
    )
    into.agreements.set(remittance.agreements.all())
    whose = remittance.licensee_id
    journal.post(
        agency_id=remittance.agency_id,
        kind=EntryKind.RECEIPT,
        currency=currency,
        sides=[
            Side(AccountKind.UNMATCHED, taken, licensee_id=whose, currency=remittance.currency),
            Side(AccountKind.UNMATCHED, -found.settles.amount, licensee_id=whose),
            *(Side(kind, amount, currency=code) for kind, amount, code in between(exchange)),
        ],
        effective_on=remittance.received_on,
        recorded_at=now,
        description=f"Received as {found.taken}: {found.rate}",
        by=by,
        remittance_id=into.pk,
    )
    return into


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
