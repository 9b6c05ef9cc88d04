"""The journal as plain text that Beancount and hledger read.

Both texts end in the balance of every account, so that the tool that reads them checks them.
Debits are positive.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import TypeVar

from licensing.money import smallest_unit
from talent.errors import Refused
from valuation.words import AccountKind

Key = TypeVar("Key", bound=Hashable)
PLACES: Mapping[str, str] = {
    AccountKind.RECEIVABLE: "Assets:Receivable",
    AccountKind.TRUST_CASH: "Assets:Trust-Cash",
    AccountKind.ACCRUED: "Liabilities:Accrued",
    AccountKind.PAYABLE: "Liabilities:Payable",
    AccountKind.UNMATCHED: "Liabilities:Unmatched-Cash",
    AccountKind.MINOR_TRUST: "Liabilities:Minor-Trust",
    AccountKind.WITHHOLDING: "Liabilities:Withholding",
    AccountKind.COMMISSION: "Income:Commission",
}


class Unbalanced(Refused):
    code = "unbalanced_entry"


@dataclass(frozen=True, slots=True)
class Account:
    """A ledger account: what it holds, whose it is, and the number that tells it apart."""

    number: int
    kind: AccountKind
    holder: str = ""

    @property
    def name(self) -> str:
        """The account's path, in the letters that both tools accept."""
        plain = unicodedata.normalize("NFKD", self.holder).encode("ascii", "ignore").decode()
        words = re.findall(r"[A-Za-z0-9]+", plain)
        leaf = "-".join([word[0].upper() + word[1:] for word in words] or ["Account"])
        return f"{PLACES[self.kind]}:{leaf}-{self.number}"


@dataclass(frozen=True, slots=True)
class Posting:
    """An amount on an account: a debit above zero, a credit below."""

    account: Account
    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A journal entry. Its postings add up to zero in each currency. Raises Unbalanced."""

    number: int
    on: date
    text: str
    postings: tuple[Posting, ...]

    def __post_init__(self) -> None:
        for currency, amount in _sums((p.currency, p.amount) for p in self.postings).items():
            if amount:
                raise Unbalanced(f"Entry {self.number} is off by {amount} {currency}.")


def balances(entries: Iterable[Entry]) -> dict[tuple[str, str], Decimal]:
    """Return the balance of each (account name, currency)."""
    return _sums(
        ((posting.account.name, posting.currency), posting.amount)
        for entry in entries
        for posting in entry.postings
    )


def beancount(entries: Sequence[Entry]) -> str:
    """Return the journal in Beancount's language, accounts opened and balances asserted."""
    in_order = _in_order(entries)
    opened = [f"{entry.on} open {name}\n" for name, entry in sorted(_first_use(in_order).items())]
    told = [_beancount_entry(entry) for entry in in_order]
    day_after = in_order[-1].on + timedelta(days=1) if in_order else None
    closing = [
        f"{day_after} balance {name}  {_plain(amount)} {currency}\n"
        for (name, currency), amount in sorted(balances(in_order).items())
    ]
    return "\n".join(["".join(opened), *told, "".join(closing)])


def hledger(entries: Sequence[Entry]) -> str:
    """Return the journal in hledger's language, balances asserted."""
    in_order = _in_order(entries)
    currencies = sorted({posting.currency for entry in entries for posting in entry.postings})
    known = [f"commodity {_sample(currency)} {currency}\n" for currency in currencies]
    known += [f"account {name}\n" for name in sorted(_first_use(in_order))]
    told = [_hledger_entry(entry) for entry in in_order]
    closing = [
        f"    {name}  0 {currency} = {_plain(amount)} {currency}\n"
        for (name, currency), amount in sorted(balances(in_order).items())
    ]
    if closing:
        told.append("".join([f"{in_order[-1].on} Balances\n", *closing]))
    return "\n".join(["".join(known), *told])


def _in_order(entries: Sequence[Entry]) -> list[Entry]:
    return sorted(entries, key=lambda entry: (entry.on, entry.number))


def _first_use(in_order: Iterable[Entry]) -> dict[str, Entry]:
    first: dict[str, Entry] = {}
    for entry in in_order:
        for posting in entry.postings:
            first.setdefault(posting.account.name, entry)
    return first


def _beancount_entry(entry: Entry) -> str:
    text = _one_line(entry.text).replace("\\", "\\\\").replace('"', '\\"')
    head = f'{entry.on} * "{text}" ^entry-{entry.number}\n'
    return head + "".join(_posting(posting) for posting in entry.postings)


def _hledger_entry(entry: Entry) -> str:
    # A semicolon starts a comment, and a bar would split payee from note.
    text = _one_line(entry.text).replace(";", ",").replace("|", "/")
    head = f"{entry.on} * ({entry.number}) {text}\n"
    return head + "".join(_posting(posting) for posting in entry.postings)


def _posting(posting: Posting) -> str:
    return f"    {posting.account.name}  {_plain(posting.amount)} {posting.currency}\n"


def _plain(amount: Decimal) -> str:
    return format(amount, "f")


def _sample(currency: str) -> str:
    """Show hledger the decimal mark and places of a currency: 1000.00, or 1000. for none."""
    places = -int(smallest_unit(currency).as_tuple().exponent)
    return f"1000.{'0' * places}"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _sums(pairs: Iterable[tuple[Key, Decimal]]) -> dict[Key, Decimal]:
    sums: dict[Key, Decimal] = defaultdict(Decimal)
    for key, amount in pairs:
        sums[key] += amount
    return dict(sums)
