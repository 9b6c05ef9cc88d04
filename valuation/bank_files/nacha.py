"""NACHA: transfers within the United States as a file of lines of 94 characters.

Source: Nacha Operating Rules, appendix three (record formats): entries are credits, of class PPD
for people. Amounts are cents; the entry hash is the sum of the first eight digits of the routing
numbers, its last ten digits.
"""

import unicodedata
from datetime import datetime
from decimal import Decimal

from licensing.money import rounded

from .payments import BankAccount, NotPayable, Payment, PaymentBatch, refuse_unpayable

WIDTH, BLOCK = 94, 10
CREDITS_ONLY = "220"
TO_CHECKING, TO_SAVINGS = "22", "32"
MOST_CENTS = 10**10 - 1
DOLLAR = "USD"


def write(batch: PaymentBatch, *, company_id: str, entry_description: str = "RESIDUALS") -> bytes:
    """Return the file of a batch of dollars; the same batch gives the same bytes.

    `company_id` is the ten digits by which the bank knows the agency. Raises NotPayable.
    """
    refuse_unpayable(batch)
    _refuse_foreign(batch, company_id)
    entries = [_entry(batch, number, one) for number, one in enumerate(batch.payments, start=1)]
    lines = [
        _file_header(batch, company_id),
        _batch_header(batch, company_id, entry_description),
        *(line for entry in entries for line in entry),
    ]
    count = sum(len(entry) for entry in entries)
    hashed = sum(int(one.to.routing_number[:8]) for one in batch.payments) % 10**10
    cents = sum(_cents(one.amount) for one in batch.payments)
    if cents >= 10**12:
        raise NotPayable("A NACHA file takes less than ten billion dollars; split the batch.")
    sums = f"{hashed:010}{0:012}{cents:012}"
    bank = batch.debtor.routing_number[:8]
    lines.append(f"8{CREDITS_ONLY}{count:06}{sums}{company_id:>10}{'':19}{'':6}{bank}{1:07}")
    blocks = -(-(len(lines) + 1) // BLOCK)
    lines.append(f"9{1:06}{blocks:06}{count:08}{sums}{'':39}")
    lines += ["9" * WIDTH] * (blocks * BLOCK - len(lines))
    return "".join(f"{line}\r\n" for line in lines).encode("ascii")


def _file_header(batch: PaymentBatch, company_id: str) -> str:
    made: datetime = batch.made_at
    bank = f" {batch.debtor.routing_number}"
    names = f"{'':23}{_latin(batch.debtor.holder, 23)}"
    return f"101{bank:>10}{company_id:>10}{made:%y%m%d%H%M}A094101{names}{'':8}"


def _batch_header(batch: PaymentBatch, company_id: str, description: str) -> str:
    company = _latin(batch.debtor.holder, 16)
    told = f"{company}{'':20}{company_id:>10}PPD{_latin(description, 10)}"
    bank = batch.debtor.routing_number[:8]
    return f"5{CREDITS_ONLY}{told}{'':6}{batch.execute_on:%y%m%d}{'':3}1{bank}{1:07}"


def _entry(batch: PaymentBatch, number: int, payment: Payment) -> list[str]:
    to = payment.to
    kind = TO_SAVINGS if to.is_savings else TO_CHECKING
    money = f"{to.number:<17}{_cents(payment.amount):010}"
    whom = f"{_latin(payment.end_to_end, 15)}{_latin(to.holder, 22)}"
    trace = f"{batch.debtor.routing_number[:8]}{number:07}"
    addenda = 1 if payment.text else 0
    entry = f"6{kind}{to.routing_number}{money}{whom}{'':2}{addenda}{trace}"
    return [entry, f"705{_latin(payment.text, 80)}{1:04}{number:07}"] if addenda else [entry]


def _refuse_foreign(batch: PaymentBatch, company_id: str) -> None:
    if batch.currency != DOLLAR:
        raise NotPayable(f"A NACHA file takes dollars, not {batch.currency}.")
    if len(company_id) != 10:
        raise NotPayable("The company's id at its bank has ten characters; ask the bank for it.")
    accounts: list[BankAccount] = [batch.debtor, *(one.to for one in batch.payments)]
    for account in accounts:
        if not account.routing_number or len(account.number) > 17:
            raise NotPayable(f"{account.holder} has no account in the United States.")
    for payment in batch.payments:
        if _cents(payment.amount) > MOST_CENTS:
            raise NotPayable(f"{payment.to.holder} is paid more than a NACHA entry holds.")


def _cents(amount: Decimal) -> int:
    return int(rounded(amount, DOLLAR) * 100)


def _latin(text: str, width: int) -> str:
    """Return text as the format holds it: printable ASCII, accents left out, cut to its field.

    Raises NotPayable where nothing of it is left: a name in another script needs the one its bank
    writes.
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    printable = "".join(sign for sign in plain if sign.isprintable()).strip()
    if text and not printable:
        raise NotPayable(f"“{text}” has no Latin letters, which a NACHA file asks for.")
    return f"{printable[:width]:<{width}}"
