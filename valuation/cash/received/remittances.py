"""Remittances: cash that licensees send into trust."""

from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db import transaction

from licensing.models import Agreement
from licensing.money import rounded
from talent.errors import Refused
from talent.models import User
from valuation.ledger import journal
from valuation.ledger.journal import Side
from valuation.models import Invoice, Remittance
from valuation.words import AccountKind, EntryKind, ReceiptMeans

from .proposals import stands_in

ZERO = Decimal(0)
EARLIEST_RECEIPT = date(1990, 1, 1)


class AlreadyRecorded(Refused):
    """A licensee's reference was recorded before: otherwise, or it was taken back since."""

    code = "already_recorded"


class NotPayableCash(Refused):
    """An amount that nobody can have transferred: not above zero, or finer than the currency."""

    code = "not_payable_cash"


class NotThatDay(Refused):
    """A day on which nobody can have received money: to come, or long before the desk's time."""

    code = "not_that_day"


@transaction.atomic
def record(
    *,
    agency_id: int,
    licensee_id: int,
    amount: Decimal,
    currency: str,
    received_on: date,
    reference: str,
    by: User | None,
    now: datetime,
    agreements: Collection[Agreement] | None = None,
    invoices: Collection[Invoice] | None = None,
) -> Remittance:
    """Record money received into trust. It stays unmatched until a night matches it to debts.

    It pays `invoices` first, then `agreements`; where none are given, those that its reference
    names.

    `reference` is the bank's or licensee's, and unique per licensee. Recording the same remittance
    again returns the first. Raises AlreadyRecorded if amount, currency or day differ or it was
    taken back, NotPayableCash if the amount is not above zero or finer than the currency, and
    NotThatDay.
    """
    if not EARLIEST_RECEIPT <= received_on <= now.date() + timedelta(days=1):
        raise NotThatDay(f"No money can have been received on {received_on}; check the day.")
    if amount <= 0 or amount != rounded(amount, currency):
        raise NotPayableCash(f"{amount} {currency} cannot have been received; check the amount.")
    terms = {"amount": amount, "currency": currency, "received_on": received_on}
    remittance, new = Remittance.objects.get_or_create(
        agency_id=agency_id,
        licensee_id=licensee_id,
        reference=reference,
        defaults={**terms, "recorded_at": now, "recorded_by": by},
    )
    if not new:
        _check_same(remittance, terms)
        return remittance
    remittance.agreements.set(_named(remittance) if agreements is None else agreements)
    remittance.invoices.set(_invoices_named(remittance) if invoices is None else invoices)
    journal.post(
        agency_id=agency_id,
        kind=EntryKind.RECEIPT,
        currency=currency,
        sides=[
            Side(AccountKind.TRUST_CASH, amount),
            Side(AccountKind.UNMATCHED, -amount, licensee_id=licensee_id),
        ],
        effective_on=received_on,
        recorded_at=now,
        description=f"Received: {reference}",
        by=by,
        remittance_id=remittance.pk,
    )
    return remittance


# What a debt is settled with instead of money, and whose account that is taken from.
TAKEN_FROM = {
    ReceiptMeans.SOURCE_TAX: AccountKind.SOURCE_TAX,
    ReceiptMeans.BANK_FEE: AccountKind.AGENCY_MONEY,
    ReceiptMeans.FORGONE: AccountKind.AGENCY_MONEY,
    ReceiptMeans.WRITTEN_OFF: AccountKind.WRITTEN_OFF,
}
OF_A_LICENSEE = {AccountKind.SOURCE_TAX, AccountKind.WRITTEN_OFF}


@transaction.atomic
def settle(
    *,
    remittance: Remittance,
    means: ReceiptMeans,
    amount: Decimal,
    reference: str,
    by: User,
    now: datetime,
) -> Remittance:
    """Record what settles a part of a debt beside a receipt, without money, on the same day.

    It pays what the caller matches it to; no night does.
    """
    return _without_money(
        Remittance(
            agency=remittance.agency,
            licensee=remittance.licensee,
            origin=remittance,
            currency=remittance.currency,
            received_on=remittance.received_on,
            means=means.value,
            amount=amount,
            reference=reference,
            recorded_at=now,
            recorded_by=by,
        )
    )


@transaction.atomic
def write_off(
    *,
    agreement: Agreement,
    means: ReceiptMeans,
    amount: Decimal,
    reference: str,
    on: date,
    by: User,
    now: datetime,
) -> Remittance:
    """Record that a part of what an agreement is owed will not come. The caller matches it."""
    return _without_money(
        Remittance(
            agency=agreement.agency,
            licensee=agreement.licensee,
            currency=agreement.currency,
            received_on=on,
            means=means.value,
            amount=amount,
            reference=reference,
            recorded_at=now,
            recorded_by=by,
        )
    )


def _without_money(settlement: Remittance) -> Remittance:
    settlement.save()
    account = TAKEN_FROM[ReceiptMeans(settlement.means)]
    holder = settlement.licensee_id if account in OF_A_LICENSEE else None
    journal.post(
        agency_id=settlement.agency_id,
        kind=EntryKind.RECEIPT,
        currency=settlement.currency,
        sides=[
            Side(account, settlement.amount, licensee_id=holder),
            Side(AccountKind.UNMATCHED, -settlement.amount, licensee_id=settlement.licensee_id),
        ],
        effective_on=settlement.received_on,
        recorded_at=settlement.recorded_at,
        description=f"Settled: {settlement.reference}",
        by=settlement.recorded_by,
        remittance_id=settlement.pk,
    )
    return settlement


def _named(remittance: Remittance) -> list[Agreement]:
    """Return the licensee's agreements whose references stand in that of a remittance."""
    of_both = Agreement.objects.filter(
        agency=remittance.agency_id, licensee=remittance.licensee_id, signed_at__isnull=False
    )
    return [one for one in of_both if stands_in(one.reference, remittance.reference)]


def _invoices_named(remittance: Remittance) -> list[Invoice]:
    """Return the licensee's invoices whose numbers stand in the reference of a remittance."""
    issued = (
        Invoice.objects.issued()
        .claims()
        .filter(
            agency=remittance.agency_id,
            licensee=remittance.licensee_id,
            currency=remittance.currency,
        )
    )
    return [one for one in issued if stands_in(one.number or "", remittance.reference)]


def _check_same(remittance: Remittance, terms: Mapping[str, object]) -> None:
    if Remittance.objects.filter(Remittance.objects.taken_back(), pk=remittance.pk).exists():
        raise AlreadyRecorded(
            f"{remittance.reference} was recorded and taken back. If the money has come after all,"
            " record it by another reference."
        )
    if any(getattr(remittance, name) != value for name, value in terms.items()):
        raise AlreadyRecorded(
            f"{remittance.reference} was recorded as {remittance.amount} {remittance.currency}, "
            f"received on {remittance.received_on}."
        )
