"""The journal as plain text that Beancount and hledger read, entry by entry.

Both texts declare an account before its first use and end with the balance of every account, which
the reading tool then checks. Debits are positive. Only the balances are held in
memory, however long the journal is.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from licensing.money import smallest_unit
from valuation.words import AccountKind, LedgerSyntax

PLACES: Mapping[str, str] = {
    AccountKind.RECEIVABLE: "Assets:Receivable",
    AccountKind.TRUST_CASH: "Assets:Trust-Cash",
    AccountKind.ACCRUED: "Liabilities:Accrued",
    AccountKind.PAYABLE: "Liabilities:Payable",
    AccountKind.UNMATCHED: "Liabilities:Unmatched-Cash",
    AccountKind.MINOR_TRUST: "Liabilities:Minor-Trust",
    AccountKind.WITHHOLDING: "Liabilities:Withholding",
    AccountKind.RESERVE: "Liabilities:Reserve",
    AccountKind.CONTRIBUTIONS: "Liabilities:Contributions",
    AccountKind.AGENCY_MONEY: "Liabilities:Agency-Money",
    AccountKind.ADVANCES: "Assets:Advances",
    AccountKind.COMMISSION: "Income:Commission",
}


@dataclass(frozen=True, slots=True)
class ExportAccount:
    """A ledger account: its kind, its holder's name, and a number that makes it unique."""

    number: int
    kind: AccountKind
    holder: str = ""

    @property
    def name(self) -> str:
        """The account's path, in characters that both tools accept."""
        plain = unicodedata.normalize("NFKD", self.holder).encode("ascii", "ignore").decode()
        words = re.findall(r"[A-Za-z0-9]+", plain)
        leaf = "-".join([word[0].upper() + word[1:] for word in words] or ["Account"])
        return f"{PLACES[self.kind]}:{leaf}-{self.number}"


@dataclass(frozen=True, slots=True)
class ExportPosting:
    """An amount on an account: a debit above zero, a credit below."""

    account: ExportAccount
    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class ExportEntry:
    """A journal entry; its postings add up to zero in each currency. Raises ValueError."""

    number: int
    on: date
    text: str
    postings: tuple[ExportPosting, ...]

    def __post_init__(self) -> None:
        sums: dict[str, Decimal] = defaultdict(Decimal)
        for posting in self.postings:
            sums[posting.currency] += posting.amount
        for currency, amount in sums.items():
            if amount:
                raise ValueError(f"Entry {self.number} is off by {amount} {currency}.")


@dataclass(slots=True)
class Books:
    """What the text has contained so far: accounts, currencies, balances and the last day."""

    accounts: set[str] = field(default_factory=set)
    currencies: set[str] = field(default_factory=set)
    balances: dict[tuple[str, str], Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    last_on: date = date.min

    def add(self, entry: ExportEntry) -> None:
        for posting in entry.postings:
            self.accounts.add(posting.account.name)
            self.currencies.add(posting.currency)
            self.balances[posting.account.name, posting.currency] += posting.amount
        self.last_on = entry.on

    def new_accounts(self, entry: ExportEntry) -> list[str]:
        """Return the names of an entry's accounts that are not declared yet."""
        return sorted({posting.account.name for posting in entry.postings} - self.accounts)

    def new_currencies(self, entry: ExportEntry) -> list[str]:
        """Return an entry's currencies that are not declared yet."""
        return sorted({posting.currency for posting in entry.postings} - self.currencies)


def beancount(entries: Iterable[ExportEntry]) -> Iterator[str]:
    """Yield the journal in Beancount's language; `entries` are in the order of their days."""
    books = Books()
    for entry in entries:
        for name in books.new_accounts(entry):
            yield f"{entry.on} open {name}\n"
        yield _beancount_entry(entry)
        books.add(entry)
    # Beancount checks a balance at the beginning of its day.
    for (name, currency), amount in sorted(books.balances.items()):
        day = books.last_on + timedelta(days=1)
        yield f"{day} balance {name}  {_plain(amount)} {currency}\n"


def hledger(entries: Iterable[ExportEntry]) -> Iterator[str]:
    """Yield the journal in hledger's language; `entries` are in the order of their days."""
    books = Books()
    for entry in entries:
        for currency in books.new_currencies(entry):
            yield f"commodity {_sample(currency)} {currency}\n"
        for name in books.new_accounts(entry):
            yield f"account {name}\n"
        yield _hledger_entry(entry)
        books.add(entry)
    if books.balances:
        yield f"\n{books.last_on} Balances\n"
    for (name, currency), amount in sorted(books.balances.items()):
        yield f"    {name}  0 {currency} = {_plain(amount)} {currency}\n"


SYNTAXES: Mapping[LedgerSyntax, Callable[[Iterable[ExportEntry]], Iterator[str]]] = {
    LedgerSyntax.BEANCOUNT: beancount,
    LedgerSyntax.HLEDGER: hledger,
}


def _beancount_entry(entry: ExportEntry) -> str:
    text = _one_line(entry.text).replace("\\", "\\\\").replace('"', '\\"')
    return _entry(f'{entry.on} * "{text}" ^entry-{entry.number}', entry)


def _hledger_entry(entry: ExportEntry) -> str:
    # A semicolon starts a comment, and a bar would split payee from note.
    text = _one_line(entry.text).replace(";", ",").replace("|", "/")
    return _entry(f"{entry.on} * ({entry.number}) {text}", entry)


def _entry(head: str, entry: ExportEntry) -> str:
    lines = [
        f"    {posting.account.name}  {_plain(posting.amount)} {posting.currency}"
        for posting in entry.postings
    ]
    return "\n".join(["", head, *lines, "", ""])


def _plain(amount: Decimal) -> str:
    return format(amount, "f")


def _sample(currency: str) -> str:
    """Show hledger the decimal mark and places of a currency: 1000.00, or 1000. for none."""
    places = -int(smallest_unit(currency).as_tuple().exponent)
    return f"1000.{'0' * places}"


def _one_line(text: str) -> str:
    return " ".join(text.split())
