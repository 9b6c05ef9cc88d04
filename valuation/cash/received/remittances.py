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
from valuation.models import Remittance
from valuation.words import AccountKind, EntryKind

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
) -> Remittance:
    """Record money received into trust. It stays unmatched until a night matches it to debts.

    It pays `agreements` first; where none are given, those that its reference names.

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


def _named(remittance: Remittance) -> list[Agreement]:
    """Return the licensee's agreements whose references stand in that of a remittance."""
    of_both = Agreement.objects.filter(
        agency=remittance.agency_id, licensee=remittance.licensee_id, signed_at__isnull=False
    )
    return [one for one in of_both if stands_in(one.reference, remittance.reference)]


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
