"""The books, read by Beancount and hledger: both agree with ours, and notice a cent."""

import re
import subprocess
import sys
import tracemalloc
from datetime import date
from decimal import Decimal as D
from pathlib import Path

import pytest
from beancount import loader
from beancount.core import realization
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from licensing.money import smallest_unit
from talent.models import Beneficiary
from tests.valuation.world import JULY, TONIGHT, issue_july_statement
from valuation.ledger import journal, trial_balance
from valuation.ledger.journal import Side
from valuation.ledger.trial_balance import Period
from valuation.models import Account, JournalEntry, Posting
from valuation.words import AccountKind, EntryKind, LedgerSyntax

K = AccountKind
HLEDGER = pytest.param(LedgerSyntax.HLEDGER, marks=pytest.mark.judge("hledger"))
SYNTAXES = [LedgerSyntax.BEANCOUNT, HLEDGER]
# Which lines of the text say an amount, by what they are.
LINES = {
    "posting": r"^    \S+  (-?[\d.]+) (\w{3})$",
    "beancount's balances": r"^\S+ balance \S+  (-?[\d.]+) ~ 0 (\w{3})$",
    "hledger's balances": r"^    \S+  0 \w{3} = (-?[\d.]+) (\w{3})$",
}


@pytest.fixture
def books(world):
    """A quarter that is closed with 36.00 payable, what came after it, and yen and dinars."""
    august, november = date(2026, 8, 3), date(2026, 11, 1)
    # Whose name no tool takes as it is, and whose account only a later entry opens.
    other = Beneficiary.objects.create(name='Zoë "Quill" & Söhne; 七')
    post(world, EntryKind.ACCRUAL, JULY, (K.RECEIVABLE, "100"), (K.ACCRUED, "-100"))
    post(world, EntryKind.RECEIPT, august, (K.TRUST_CASH, "40"), (K.UNMATCHED, "-40"))
    post(
        world, EntryKind.RELEASE, august, (K.UNMATCHED, "40"), (K.RECEIVABLE, "-40"),
        (K.ACCRUED, "40"), (K.COMMISSION, "-4"), (K.PAYABLE, "-36"),
    )  # fmt: skip
    issue_july_statement(world, closing="36")
    post(world, EntryKind.PAYOUT, november, (K.PAYABLE, "30"), (K.TRUST_CASH, "-30"))
    # Money of a day that is closed by now.
    post(world, EntryKind.RELEASE, JULY, (K.ACCRUED, "5"), (K.PAYABLE, "-5"))
    post(world, EntryKind.RELEASE, JULY, (K.ACCRUED, "5"), (K.PAYABLE, "-5"), payee=other)
    for currency, amount in (("JPY", "900"), ("KWD", "0.125")):
        sides = (K.TRUST_CASH, amount), (K.UNMATCHED, f"-{amount}")
        post(world, EntryKind.RECEIPT, november, *sides, currency=currency)
    return world.agency


def post(world, kind, on, *sides, currency="USD", payee=None):
    """Post amounts by the kind of their account, of the world's licensee or beneficiary."""
    licensee, beneficiary = world.licensee.pk, (payee or world.beneficiary).pk
    of_licensee, of_nobody = {K.RECEIVABLE, K.UNMATCHED}, {K.TRUST_CASH}
    journal.post(
        agency_id=world.agency.pk,
        kind=kind,
        currency=currency,
        sides=[
            Side(
                account,
                D(amount),
                licensee_id=licensee if account in of_licensee else None,
                beneficiary_id=None if account in of_licensee | of_nobody else beneficiary,
            )
            for account, amount in sides
        ],
        effective_on=on,
        recorded_at=TONIGHT,
        description='A; quote: " and a \\ | bar',
    )


def book_receipts(agency, count):
    """Write many receipts of 1.00 at once."""
    cash, credit = Account.objects.filter(kind__in=["trust_cash", "unmatched"], currency="USD")
    entries = JournalEntry.objects.bulk_create(
        JournalEntry(
            agency=agency, kind="receipt", effective_on=date(2026, 11, 2), recorded_at=TONIGHT,
            description="Received",
        )
        for _ in range(count)
    )  # fmt: skip
    Posting.objects.bulk_create(
        Posting(entry=entry, account=account, amount=amount, currency="USD")
        for entry in entries
        for account, amount in ((cash, 1), (credit, -1))
    )


def text_of(agency, syntax):
    return "".join(
        journal.export(entries=JournalEntry.objects.filter(agency=agency), syntax=syntax)
    )


def judged(text, syntax, folder):
    """Return what the judge has against a text; empty: nothing."""
    if syntax is LedgerSyntax.BEANCOUNT:
        return "\n".join(error.message for error in loader.load_string(text)[1])
    file = folder / "books.journal"
    file.write_text(text, encoding="utf-8")
    checks = ["hledger", "-f", str(file), "check", "--strict", "payees", "ordereddates"]
    return subprocess.run(checks, capture_output=True, encoding="utf-8", check=False).stderr  # noqa: S603


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_both_judges_accept_the_books(books, syntax, tmp_path):
    text = text_of(books, syntax)

    assert judged(text, syntax, tmp_path) == ""
    assert "Statement X-1" in text


def test_beancount_agrees_with_the_trial_balance(books):
    period = Period(JULY, date(2026, 12, 31), TONIGHT)
    ours = trial_balance.trial_balance(agency_id=books.pk, period=period)
    numbers = {row.account_id: row.figures.closing for row in ours}

    entries, errors, _ = loader.load_string(text_of(books, LedgerSyntax.BEANCOUNT))
    leaves = (
        (account, node.balance)
        for account in realization.iter_children(realization.realize(entries))
        if not (node := account).balance.is_empty()
    )
    theirs = {
        int(node.account.rpartition("-")[2]): balance.get_only_position().units.number
        for node, balance in leaves
    }

    assert errors == []
    assert theirs == {number: amount for number, amount in numbers.items() if amount}


@pytest.mark.judge("hledger")
def test_hledger_agrees_with_the_trial_balance(books, tmp_path):
    period = Period(JULY, date(2026, 12, 31), TONIGHT)
    ours = trial_balance.trial_balance(agency_id=books.pk, period=period)
    file = tmp_path / "books.journal"
    file.write_text(text_of(books, LedgerSyntax.HLEDGER), encoding="utf-8")

    command = ["hledger", "-f", str(file), "balance", "--flat", "--layout=bare", "-O", "csv"]
    told = subprocess.run(command, capture_output=True, encoding="utf-8", check=True).stdout  # noqa: S603
    found = re.findall(r'^"[^"]*-(\d+)","\w+","(-?[\d.]+)"', told, re.MULTILINE)

    assert {int(number): D(amount) for number, amount in found} == {
        row.account_id: row.figures.closing for row in ours if row.figures.closing
    }


@pytest.mark.parametrize(
    ("syntax", "kind"),
    [
        (LedgerSyntax.BEANCOUNT, "posting"),
        (LedgerSyntax.BEANCOUNT, "beancount's balances"),
        pytest.param(LedgerSyntax.HLEDGER, "posting", marks=pytest.mark.judge("hledger")),
        pytest.param(
            LedgerSyntax.HLEDGER, "hledger's balances", marks=pytest.mark.judge("hledger")
        ),
    ],
    ids=str,
)
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_cent_on_any_line_is_noticed(books, tmp_path, syntax, kind, data):
    text = text_of(books, syntax)
    found = data.draw(st.sampled_from(list(re.finditer(LINES[kind], text, re.MULTILINE))))
    unit = smallest_unit(found[2]) * data.draw(st.sampled_from([1, -1]))

    changed = f"{text[: found.start(1)]}{D(found[1]) + unit}{text[found.end(1) :]}"

    assert judged(changed, syntax, tmp_path) != ""


PROGRAMS = {
    LedgerSyntax.BEANCOUNT: [str(Path(sys.executable).with_name("bean-check"))],
    LedgerSyntax.HLEDGER: ["hledger", "check", "--strict", "-f"],
}


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_the_programs_pass_the_books_and_fail_what_a_cent_was_taken_of(books, syntax, tmp_path):
    def ends_with(text):
        file = tmp_path / "books.journal"
        file.write_text(text, encoding="utf-8")
        told = subprocess.run([*PROGRAMS[syntax], file], capture_output=True, check=False)  # noqa: S603
        return told.returncode

    text = text_of(books, syntax)
    found = next(re.finditer(LINES["posting"], text, re.MULTILINE))
    less = f"{text[: found.start(1)]}{D(found[1]) - D('0.01')}{text[found.end(1) :]}"

    assert ends_with(text) == 0
    assert ends_with(less) != 0


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_a_statement_that_says_another_total_is_noticed(books, syntax, tmp_path):
    """The journal balances in itself; it is the paper that differs from it."""
    text = text_of(books, syntax)
    stated = {LedgerSyntax.BEANCOUNT: "-36.00 ~ 0", LedgerSyntax.HLEDGER: "= -36.00"}[syntax]

    changed = text.replace(stated, stated.replace("36.00", "35.99"), 1)

    assert changed != text
    assert judged(changed, syntax, tmp_path) != ""


def test_a_long_journal_is_written_without_being_held(books, monkeypatch):
    """Five times the entries, each time many more than are read at once, take the same memory."""
    monkeypatch.setattr(journal, "ROWS_AT_ONCE", 200)

    def peak(entries):
        book_receipts(books, entries)
        tracemalloc.start()
        export = journal.export(
            entries=JournalEntry.objects.filter(agency=books), syntax=LedgerSyntax.BEANCOUNT
        )
        for _line in export:
            pass
        _now, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    few = peak(300)
    assert peak(1_200) < 2 * few
