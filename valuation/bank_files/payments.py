"""A batch of payments as a bank takes them: checked once, whatever file they go into."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from stdnum import bic, iban
from stdnum.us import rtn

from licensing.money import rounded
from talent.errors import Refused

LONGEST_ID, LONGEST_NAME, LONGEST_TEXT = 35, 140, 140


class NotPayable(Refused):
    """A payment that a bank would send back; the sentence names the payee and what is missing."""

    code = "not_payable"


@dataclass(frozen=True, slots=True)
class Address:
    """A structured address: banks take no free lines after November 2026 (ISO 20022, CBPR+)."""

    town: str
    country: str
    street: str = ""
    house_number: str = ""
    postcode: str = ""


@dataclass(frozen=True, slots=True)
class BankAccount:
    """An account by its IBAN, or by a routing number of the United States and its own number."""

    holder: str
    address: Address
    iban: str = ""
    bic: str = ""
    routing_number: str = ""
    number: str = ""
    is_savings: bool = False


@dataclass(frozen=True, slots=True)
class Payment:
    """One transfer. `end_to_end` comes back on the statements of both banks."""

    end_to_end: str
    to: BankAccount
    amount: Decimal
    text: str = ""


@dataclass(frozen=True, slots=True)
class PaymentBatch:
    """Transfers of one currency from one account on one day. `reference` is once for ever."""

    reference: str
    made_at: datetime
    execute_on: date
    currency: str
    debtor: BankAccount
    payments: tuple[Payment, ...]

    @property
    def total(self) -> Decimal:
        """The control sum: what leaves the account, which the journal's entries must equal."""
        return sum((payment.amount for payment in self.payments), Decimal(0))


def refuse_unpayable(batch: PaymentBatch) -> None:
    """Raise NotPayable for what no bank would execute."""
    if not batch.payments:
        raise NotPayable("The batch pays nobody.")
    refuse_account(batch.debtor)
    _refuse_long("batch", "reference", batch.reference, LONGEST_ID)
    for payment in batch.payments:
        _refuse_payment(payment, batch.currency)
    _refuse_repeated([payment.end_to_end for payment in batch.payments])


def _refuse_payment(payment: Payment, currency: str) -> None:
    payee = payment.to.holder
    refuse_account(payment.to)
    if payment.amount <= 0 or payment.amount != rounded(payment.amount, currency):
        raise NotPayable(f"{payment.amount} {currency} to {payee} can't be transferred.")
    _refuse_long(payee, "reference", payment.end_to_end, LONGEST_ID)
    if len(payment.text) > LONGEST_TEXT:
        raise NotPayable(f"The text of {payee}'s payment has more than {LONGEST_TEXT} characters.")


def refuse_account(account: BankAccount) -> None:
    """Raise NotPayable for an account that no bank would pay to."""
    _refuse_long("account", "holder", account.holder, LONGEST_NAME)
    if account.iban:
        if not iban.is_valid(account.iban):
            raise NotPayable(f"The IBAN of {account.holder} is wrong; ask for it again.")
    elif not (rtn.is_valid(account.routing_number) and account.number):
        raise NotPayable(f"{account.holder} has neither an IBAN nor a routing number and account.")
    if account.bic and not bic.is_valid(account.bic):
        raise NotPayable(f"The BIC of {account.holder} is wrong; ask for it again.")
    if not (account.address.town and account.address.country):
        raise NotPayable(f"The address of {account.holder} needs a town and a country.")


def _refuse_long(whose: str, what: str, value: str, longest: int) -> None:
    if not 0 < len(value) <= longest:
        raise NotPayable(
            f"The {what} of the {whose} has {len(value)} of 1 to {longest} characters."
        )


def _refuse_repeated(references: Sequence[str]) -> None:
    if len(set(references)) < len(references):
        twice = next(one for one in references if references.count(one) > 1)
        raise NotPayable(f"{twice} stands in the batch twice.")
