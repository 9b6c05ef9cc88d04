"""The journal as text that Beancount, hledger and bookkeeping programs read, entry by entry.

Both texts declare an account before its first use, state what statements say on their days, and end
with the balance of every account: the reading tool checks them all. Debits are positive. Only the
balances are held in memory, however long the journal is.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from licensing.money import smallest_unit
from talent import safe_csv
from valuation.words import AccountKind, LedgerSyntax

# Whom an entry is with that is with nobody; and what hledger's assertions are called.
NOBODY, CHECKED = "Nobody", "Balances"

PLACES: Mapping[str, str] = {
    AccountKind.RECEIVABLE: "Assets:Receivable",
    AccountKind.TRUST_CASH: "Assets:Trust-Cash",
    AccountKind.ADVANCES: "Assets:Advances",
    AccountKind.ACCRUED: "Liabilities:Accrued",
    AccountKind.DISPUTED: "Liabilities:Disputed",
    AccountKind.PAYABLE: "Liabilities:Payable",
    AccountKind.HELD: "Liabilities:Held",
    AccountKind.IN_TRANSIT: "Liabilities:In-Transit",
    AccountKind.UNMATCHED: "Liabilities:Unmatched-Cash",
    AccountKind.MINOR_TRUST: "Liabilities:Minor-Trust",
    AccountKind.WITHHOLDING: "Liabilities:Withholding",
    AccountKind.RESERVE: "Liabilities:Reserve",
    AccountKind.CONTRIBUTIONS: "Liabilities:Contributions",
    AccountKind.AGENCY_MONEY: "Liabilities:Agency-Money",
    AccountKind.TAX: "Liabilities:Invoiced-Tax",
    AccountKind.SELF_BILLED_TAX: "Assets:Self-Billed-Tax",
    AccountKind.PASSED_TAX: "Liabilities:Passed-Tax",
    AccountKind.COMMISSION: "Income:Commission",
    AccountKind.EXCHANGE: "Equity:Exchange",
    AccountKind.OPENING: "Equity:Opening-Balances",
    AccountKind.EXCHANGE_DIFFERENCE: "Income:Exchange-Differences",
    AccountKind.SOURCE_TAX: "Assets:Source-Tax",
    AccountKind.WRITTEN_OFF: "Assets:Written-Off",
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
    payee: str
    text: str
    postings: tuple[ExportPosting, ...]

    def __post_init__(self) -> None:
        sums: dict[str, Decimal] = defaultdict(Decimal)
        for posting in self.postings:
            sums[posting.currency] += posting.amount
        for currency, amount in sums.items():
            if amount:
                raise ValueError(f"Entry {self.number} is off by {amount} {currency}.")


@dataclass(frozen=True, slots=True)
class ExportBalance:
    """What an account held when a day began, as something else than the journal says: a paper."""

    account: ExportAccount
    amount: Decimal
    currency: str
    before: date
    source: str


@dataclass(slots=True)
class Books:
    """What the text has contained so far: what is declared, balances and the last day."""

    accounts: set[str] = field(default_factory=set)
    currencies: set[str] = field(default_factory=set)
    payees: set[str] = field(default_factory=set)
    balances: dict[tuple[str, str], Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    last_on: date = date.min

    def add(self, entry: ExportEntry) -> None:
        for posting in entry.postings:
            self.balances[posting.account.name, posting.currency] += posting.amount
        self.last_on = entry.on


Texts = Iterator[str]
# Entries in the order of their days, and balances in that of theirs, as text.
Syntax = Callable[[Iterable[ExportEntry], Iterable[ExportBalance]], Texts]


def beancount(entries: Iterable[ExportEntry], balances: Iterable[ExportBalance] = ()) -> Texts:
    """Yield the journal in Beancount's language."""
    books = Books()
    for one in _in_order(entries, balances):
        if isinstance(one, ExportBalance):
            yield from (f"{one.before} open {name}\n" for name in _new([one.account], books))
            yield f"; {_one_line(one.source)}\n"
            yield _beancount_balance(one.before, one.account.name, one.amount, one.currency)
            continue
        accounts = [posting.account for posting in one.postings]
        yield from (f"{one.on} open {name}\n" for name in _new(accounts, books))
        yield _beancount_entry(one)
        books.add(one)
    # Beancount checks a balance at the beginning of its day.
    for (name, currency), amount in sorted(books.balances.items()):
        yield _beancount_balance(books.last_on + timedelta(days=1), name, amount, currency)


def hledger(entries: Iterable[ExportEntry], balances: Iterable[ExportBalance] = ()) -> Texts:
    """Yield the journal in hledger's language."""
    books = Books()
    for one in _in_order(entries, balances):
        if isinstance(one, ExportBalance):
            yield from _hledger_declared([one.account], [one.currency], books)
            yield from _hledger_balances(
                one.before - timedelta(days=1),
                one.source,
                [(one.account.name, one.amount, one.currency)],
                books,
            )
            # The books may end before the last statement does.
            books.last_on = max(books.last_on, one.before - timedelta(days=1))
            continue
        accounts = [posting.account for posting in one.postings]
        currencies = [posting.currency for posting in one.postings]
        yield from _hledger_declared(accounts, currencies, books)
        yield from _hledger_payee(one.payee, books)
        yield _hledger_entry(one)
        books.add(one)
    if books.balances:
        closing = [(name, amount, of) for (name, of), amount in sorted(books.balances.items())]
        yield from _hledger_balances(books.last_on, "Trial balance", closing, books)


# What bookkeeping programs call the columns of journals that they import. From what is known of
# them, and not from their templates: both programs ask which column is which when they import.
XERO = ["*Narration", "*Date", "Description", "*AccountCode", "*TaxRate", "*Amount", "Currency"]
QUICKBOOKS = [
    "JournalNo", "JournalDate", "AccountName", "Debits", "Credits", "Description", "Name",
    "Currency",
]  # fmt: skip
UNTAXED = "Tax Exempt"


def xero(entries: Iterable[ExportEntry], _balances: Iterable[ExportBalance] = ()) -> Texts:
    """Yield the journal as lines of manual journals for Xero: debits above zero, credits below."""
    return safe_csv.lines(
        XERO,
        (
            (f"{entry.number}: {_one_line(entry.text)}", entry.on, entry.payee,
             posting.account.name, UNTAXED, posting.amount, posting.currency)
            for entry in entries
            for posting in entry.postings
        ),
    )  # fmt: skip


def quickbooks(entries: Iterable[ExportEntry], _balances: Iterable[ExportBalance] = ()) -> Texts:
    """Yield the journal as lines of journals for QuickBooks: debits and credits apart."""
    return safe_csv.lines(
        QUICKBOOKS,
        (
            (_journal_number(entry, posting), entry.on, posting.account.name,
             posting.amount if posting.amount > 0 else None,
             -posting.amount if posting.amount < 0 else None,
             _one_line(entry.text), entry.payee, posting.currency)
            for entry in entries
            for posting in sorted(entry.postings, key=lambda one: one.currency)
        ),
    )  # fmt: skip


def _journal_number(entry: ExportEntry, posting: ExportPosting) -> str:
    """Return a journal's number; an entry in two currencies is two journals, each balanced."""
    several = len({one.currency for one in entry.postings}) > 1
    return f"{entry.number}-{posting.currency}" if several else str(entry.number)


SYNTAXES: Mapping[LedgerSyntax, Syntax] = {
    LedgerSyntax.BEANCOUNT: beancount,
    LedgerSyntax.HLEDGER: hledger,
    LedgerSyntax.XERO: xero,
    LedgerSyntax.QUICKBOOKS: quickbooks,
}


def _in_order(
    entries: Iterable[ExportEntry], balances: Iterable[ExportBalance]
) -> Iterator[ExportEntry | ExportBalance]:
    """Yield each balance before the first entry of its day; the others at the end."""
    waiting = iter(balances)
    following = next(waiting, None)
    for entry in entries:
        while following is not None and following.before <= entry.on:
            yield following
            following = next(waiting, None)
        yield entry
    while following is not None:
        yield following
        following = next(waiting, None)


def _new(accounts: Iterable[ExportAccount], books: Books) -> list[str]:
    """Return the names of accounts that are not declared yet, and note that they are."""
    names = sorted({account.name for account in accounts} - books.accounts)
    books.accounts.update(names)
    return names


def _beancount_entry(entry: ExportEntry) -> str:
    payee, text = _beancount_text(entry.payee), _beancount_text(entry.text)
    return _entry(f'{entry.on} * "{payee}" "{text}" ^entry-{entry.number}', entry)


def _beancount_balance(day: date, name: str, amount: Decimal, currency: str) -> str:
    """Assert a balance to the cent: Beancount by itself would let one pass."""
    return f"{day} balance {name}  {_plain(amount)} ~ 0 {currency}\n"


def _beancount_text(text: str) -> str:
    return _one_line(text).replace("\\", "\\\\").replace('"', '\\"')


def _hledger_declared(
    accounts: Iterable[ExportAccount], currencies: Iterable[str], books: Books
) -> Texts:
    for currency in sorted(set(currencies) - books.currencies):
        books.currencies.add(currency)
        yield f"commodity {_sample(currency)} {currency}\n"
    for name in _new(accounts, books):
        yield f"account {name}\n"


def _hledger_payee(payee: str, books: Books) -> Texts:
    if payee not in books.payees:
        books.payees.add(payee)
        yield f"payee {_hledger_text(payee) or NOBODY}\n"


def _hledger_entry(entry: ExportEntry) -> str:
    payee, text = _hledger_text(entry.payee) or NOBODY, _hledger_text(entry.text)
    return _entry(f"{entry.on} * ({entry.number}) {payee} | {text}", entry)


def _hledger_balances(
    on: date, source: str, balances: Iterable[tuple[str, Decimal, str]], books: Books
) -> Texts:
    yield from _hledger_payee(CHECKED, books)
    yield f"\n{on} {CHECKED} | {_hledger_text(source)}\n"
    for name, amount, currency in balances:
        yield f"    {name}  0 {currency} = {_plain(amount)} {currency}\n"
    yield "\n"


def _hledger_text(text: str) -> str:
    """Write a text without a semicolon, which starts a comment, or a bar, which ends the payee."""
    return _one_line(text).replace(";", ",").replace("|", "/")


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
