import csv
import subprocess
from datetime import date, timedelta
from decimal import Decimal as D

import pytest
from beancount import loader
from beancount.core.data import Transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from valuation.ledger.exports import (
    ExportAccount,
    ExportEntry,
    ExportPosting,
    beancount,
    hledger,
    quickbooks,
    xero,
)
from valuation.words import AccountKind

DAY = date(2026, 11, 22)
OWED = ExportAccount(1, AccountKind.RECEIVABLE, "Orbital Post & Söhne")
CASH = ExportAccount(2, AccountKind.TRUST_CASH)
EARNED = ExportAccount(3, AccountKind.ACCRUED, "Zoë Quill")
DUE = ExportAccount(4, AccountKind.PAYABLE, "Zoë Quill")
FEE = ExportAccount(5, AccountKind.COMMISSION, "七")
needs_hledger = pytest.mark.judge("hledger")
ACCOUNTS = [OWED, CASH, EARNED, DUE, FEE]


def balances(journal):
    sums = {}
    for one in journal:
        for posting in one.postings:
            key = (posting.account.name, posting.currency)
            sums[key] = sums.get(key, D(0)) + posting.amount
    return sums


def text_of(syntax, journal):
    return "".join(syntax(sorted(journal, key=lambda one: (one.on, one.number))))


def entry(number, on, text, *amounts):
    postings = tuple(ExportPosting(account, D(amount), "USD") for account, amount in amounts)
    return ExportEntry(number, on, 'Zoë | Quill; "estate"', text, postings)


JOURNAL = [
    entry(2, DAY, "Receipt", (CASH, "400.00"), (OWED, "-400.00")),
    entry(1, DAY, 'Lines; "dubbed" | \\ \n twice', (OWED, "468.00"), (EARNED, "-468.00")),
    entry(
        3,
        DAY + timedelta(days=8),
        "Release",
        (EARNED, "400.00"),
        (DUE, "-360.00"),
        (FEE, "-40.00"),
    ),
    ExportEntry(
        4,
        DAY,
        "",
        "In yen",
        (ExportPosting(OWED, D(900), "JPY"), ExportPosting(EARNED, D(-900), "JPY")),
    ),
]


def beancount_balances(text):
    entries, errors, _ = loader.load_string(text)
    assert errors == []
    sums = {}
    for one in entries:
        for posting in one.postings if isinstance(one, Transaction) else []:
            key = (posting.account, posting.units.currency)
            sums[key] = sums.get(key, D(0)) + posting.units.number
    return sums


def test_an_account_is_named_in_letters_that_both_tools_accept():
    assert [account.name for account in ACCOUNTS] == [
        "Assets:Receivable:Orbital-Post-Sohne-1",
        "Assets:Trust-Cash:Account-2",
        "Liabilities:Accrued:Zoe-Quill-3",
        "Liabilities:Payable:Zoe-Quill-4",
        "Income:Commission:Account-5",
    ]


def test_every_kind_of_account_has_its_place():
    assert all(ExportAccount(1, kind).name for kind in AccountKind)


def test_beancount_accepts_the_journal_and_agrees_on_every_balance():
    assert beancount_balances(text_of(beancount, JOURNAL)) == balances(JOURNAL)


def test_beancount_would_notice_a_wrong_balance():
    text = text_of(beancount, JOURNAL).replace(
        f"balance {DUE.name}  -360.00", f"balance {DUE.name}  -359.99"
    )

    assert "Balance failed" in loader.load_string(text)[1][0].message


def hledger_balances(path, text):
    path.write_text(text, encoding="utf-8")
    check = ["hledger", "-f", str(path), "check", "--strict", "payees", "ordereddates"]
    assert subprocess.run(check, capture_output=True, encoding="utf-8").stderr == ""  # noqa: S603
    command = ["hledger", "-f", str(path), "--strict", "balance", "--flat", "--layout=bare"]
    result = subprocess.run(  # noqa: S603
        [*command, "-O", "csv"], capture_output=True, encoding="utf-8", check=False
    )
    assert result.stderr == ""
    return {
        (row["account"], row["commodity"]): D(row["balance"])
        for row in csv.DictReader(result.stdout.splitlines())
        if ":" in row["account"]
    }


@needs_hledger
def test_hledger_accepts_the_journal_and_agrees_on_every_balance(tmp_path):
    found = hledger_balances(tmp_path / "desk.journal", text_of(hledger, JOURNAL))

    assert found == {key: amount for key, amount in balances(JOURNAL).items() if amount}


@needs_hledger
def test_hledger_would_notice_a_wrong_balance(tmp_path):
    text = text_of(hledger, JOURNAL).replace("= -40.00 USD", "= -39.99 USD")

    with pytest.raises(AssertionError, match=r"(?i)balance assertion"):
        hledger_balances(tmp_path / "desk.journal", text)


@needs_hledger
@pytest.mark.parametrize("text", ["", "(7) code", "= auto", "~ weekly", "a; b | c", "* *", '"'])
def test_hledger_takes_any_text(tmp_path, text):
    journal = [entry(1, DAY, text, (CASH, "1.00"), (OWED, "-1.00"))]

    assert hledger_balances(tmp_path / "desk.journal", text_of(hledger, journal)) == balances(
        journal
    )


def test_an_empty_journal_is_an_empty_text():
    assert text_of(beancount, []).strip() == text_of(hledger, []).strip() == ""


def test_an_entry_that_does_not_balance_is_refused():
    with pytest.raises(ValueError, match=r"off by 0\.01 USD"):
        entry(9, DAY, "Off", (CASH, "1.00"), (OWED, "-0.99"))


AMOUNTS = st.integers(-(10**9), 10**9).map(lambda cents: D(cents).scaleb(-2))


@st.composite
def journals(draw):
    entries = []
    for number in range(1, draw(st.integers(1, 6))):
        amount = draw(AMOUNTS)
        one, other = draw(st.permutations(ACCOUNTS))[:2]
        on = DAY + timedelta(days=draw(st.integers(0, 40)))
        text = draw(st.text(max_size=12))
        entries.append(entry(number, on, text, (one, amount), (other, -amount)))
    return entries


@settings(max_examples=25, deadline=None)
@given(journals())
def test_beancount_agrees_whatever_was_posted_and_written(journal):
    assert beancount_balances(text_of(beancount, journal)) == balances(journal)


@pytest.mark.parametrize("syntax", [xero, quickbooks])
def test_a_bookkeeping_programs_journals_balance_and_have_every_posting(syntax):
    rows = list(csv.DictReader(text_of(syntax, JOURNAL).splitlines()))
    sums = {}
    for row in rows:
        about = row.get("JournalNo") or row["*Narration"].split(":")[0]
        amount = row.get("*Amount") or D(row["Debits"] or 0) - D(row["Credits"] or 0)
        key = about, row["Currency"]
        sums[key] = sums.get(key, D(0)) + D(amount)

    assert len(rows) == sum(len(one.postings) for one in JOURNAL)
    assert set(sums.values()) == {D(0)}
    # Each journal of QuickBooks is in one currency.
    if syntax is quickbooks:
        assert len({about for about, _currency in sums}) == len(sums)


@pytest.mark.parametrize("syntax", [xero, quickbooks])
def test_nothing_in_a_bookkeeping_programs_file_runs_as_a_formula(syntax):
    evil = ExportEntry(
        9, DAY, "=cmd()", "+1", entry(9, DAY, "x", (CASH, "1"), (OWED, "-1")).postings
    )
    cells = [cell for row in csv.reader(text_of(syntax, [evil]).splitlines()) for cell in row]

    assert not [one for one in cells[len(cells) // 3 :] if one.startswith(("=", "+"))]
