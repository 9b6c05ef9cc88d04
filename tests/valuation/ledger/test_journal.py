"""The journal: entries that balance, whoever writes them, on a day that is open."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date
from decimal import Decimal as D

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction

from licensing.money import NotPayable
from tests import factories
from tests.valuation.world import JULY, OCTOBER, TONIGHT, issue_july_statement
from valuation.ledger import journal
from valuation.ledger.journal import Side
from valuation.models import Account, JournalEntry, Posting
from valuation.words import AccountKind, EntryKind

DAY = date(2026, 9, 20)
CASH, CREDIT = AccountKind.TRUST_CASH, AccountKind.UNMATCHED


def post(agency, *sides, kind=EntryKind.RECEIPT, currency="USD", on=DAY, **causes):
    return journal.post(
        agency_id=agency.pk,
        kind=kind,
        currency=currency,
        sides=sides,
        effective_on=on,
        recorded_at=TONIGHT,
        description="Received",
        **causes,
    )


def post_receipt(agency, amount="5", **fields):
    return post(agency, Side(CASH, D(amount)), Side(CREDIT, -D(amount)), **fields)


def write_past_the_journal(agency, *postings):
    """COPY an entry and its postings, each an account's id, an amount and a currency."""
    entry = JournalEntry.objects.create(
        agency=agency, kind="receipt", effective_on=DAY, recorded_at=TONIGHT, description="By hand"
    )
    if postings:
        add(entry, *postings)
    return entry


def add(entry, *postings):
    into = "COPY valuation_posting (entry_id, account_id, amount, currency) FROM STDIN"
    with connection.wrap_database_errors, connection.cursor() as cursor, cursor.copy(into) as file:
        for posting in postings:
            file.write_row((entry.pk, *posting))


@contextmanager
def whole_transaction():
    """Check at its end what otherwise waits for the end of the test's own, which never comes."""
    with transaction.atomic():
        yield
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def account_of(entry):
    return entry.postings.first().account_id


# What the database holds


def test_no_single_posting_gets_in(agency):
    account = account_of(post_receipt(agency))

    with pytest.raises(IntegrityError, match="does not balance"), whole_transaction():
        Posting.objects.create(
            entry=write_past_the_journal(agency), account_id=account, amount=1, currency="USD"
        )


def test_copy_is_no_way_around_the_balance(agency):
    account = account_of(post_receipt(agency))

    with pytest.raises(IntegrityError, match="does not balance"), whole_transaction():
        write_past_the_journal(agency, (account, 1, "USD"), (account, D("-0.99"), "USD"))
    write_past_the_journal(agency, (account, 1, "USD"), (account, -1, "USD"))


def test_each_currency_balances_by_itself(agency):
    dollars = account_of(post_receipt(agency))
    euros = account_of(post_receipt(agency, currency="EUR"))

    with pytest.raises(IntegrityError, match="does not balance"), whole_transaction():
        write_past_the_journal(agency, (dollars, 1, "USD"), (euros, -1, "EUR"))


def test_nothing_is_added_to_an_entry_not_even_what_balances(agency):
    entry = post_receipt(agency)
    account = account_of(entry)

    with pytest.raises(IntegrityError, match="was written before"), whole_transaction():
        add(entry, (account, 1, "USD"), (account, -1, "USD"))


def test_an_entry_has_postings(agency):
    with pytest.raises(IntegrityError, match="has no postings"), whole_transaction():
        write_past_the_journal(agency)


def test_a_posting_is_in_the_currency_and_agency_of_its_account(agency):
    theirs = account_of(post_receipt(factories.make_agency("elsewhere")))
    ours = account_of(post_receipt(agency, currency="EUR"))

    for account in (theirs, ours):
        with pytest.raises(IntegrityError, match="another currency or agency"), whole_transaction():
            write_past_the_journal(agency, (account, 1, "USD"), (account, -1, "USD"))


def test_an_entry_of_thousands_is_looked_at_once(agency):
    account = account_of(post_receipt(agency))
    entry = JournalEntry.objects.create(
        agency=agency, kind="receipt", effective_on=DAY, recorded_at=TONIGHT, description="Long"
    )

    with connection.cursor() as cursor:
        cursor.execute(
            "EXPLAIN (ANALYZE, FORMAT JSON)"
            " INSERT INTO valuation_posting (entry_id, account_id, amount, currency)"
            " SELECT %s, %s, n %% 2 * 2 - 1, 'USD' FROM generate_series(1, 8000) n",
            [entry.pk, account],
        )
        triggers = cursor.fetchone()[0][0]["Triggers"]

    checks = [one for one in triggers if "entry_is_whole" in one["Trigger Name"]]
    assert [check["Calls"] for check in checks] == [1]


@pytest.mark.parametrize("year", [1989, 2200, 9999])
def test_no_books_are_kept_of_a_far_year(agency, year):
    with pytest.raises(journal.NoDayOfTheBooks):
        post_receipt(agency, on=date(year, 6, 1))
    with pytest.raises(IntegrityError, match="in_this_age"), transaction.atomic():
        JournalEntry.objects.create(
            agency=agency, kind="receipt", effective_on=date(year, 6, 1), recorded_at=TONIGHT
        )


# What the journal refuses


@pytest.mark.parametrize(
    ("currency", "payable", "too_fine"),
    [("JPY", "900", "0.5"), ("KWD", "0.001", "0.0005"), ("USD", "0.01", "0.005")],
)
def test_amounts_are_as_fine_as_their_currency(agency, currency, payable, too_fine):
    with pytest.raises(NotPayable):
        post_receipt(agency, too_fine, currency=currency)

    assert post_receipt(agency, payable, currency=currency).postings.count() == 2


def test_an_account_is_named_by_what_it_is_and_whose(agency, world):
    post(
        agency,
        Side(AccountKind.PAYABLE, D(5), beneficiary_id=world.beneficiary.pk),
        Side(CASH, D(-5)),
        currency="EUR",
    )

    names = {str(account) for account in Account.objects.filter(currency="EUR")}
    assert names == {f"Payable to {world.beneficiary.name} (EUR)", "Trust cash (EUR)"}


# Closed periods


def payable(world):
    return [
        Side(AccountKind.ACCRUED, D(5), beneficiary_id=world.beneficiary.pk),
        Side(AccountKind.PAYABLE, D(-5), beneficiary_id=world.beneficiary.pk),
    ]


def test_what_is_about_a_closed_period_counts_in_the_open_one_and_says_what_it_adjusts(world):
    cause = {"agreement_id": world.agreement.pk}
    before = post(world.agency, *payable(world), on=JULY, kind=EntryKind.RELEASE, **cause)
    issue_july_statement(world)

    late = post(world.agency, *payable(world), on=DAY, kind=EntryKind.RELEASE, **cause)

    assert (late.effective_on, late.happened_on, late.adjusts) == (OCTOBER, DAY, before)
    assert (before.effective_on, before.happened_on, before.adjusts) == (JULY, None, None)


def test_a_closed_period_of_one_beneficiary_closes_nobody_elses(world):
    issue_july_statement(world)

    assert post_receipt(world.agency).effective_on == DAY
    assert post(world.agency, *payable(world), currency="EUR").effective_on == DAY


def test_a_reversal_of_a_closed_entry_counts_in_the_open_period(world):
    entry = post(world.agency, *payable(world), on=JULY, kind=EntryKind.PAYOUT)
    issue_july_statement(world)

    reversal = journal.reverse(
        entry_id=entry.pk, effective_on=DAY, recorded_at=TONIGHT, by=None, reason="came back"
    )

    assert (reversal.effective_on, reversal.happened_on) == (OCTOBER, DAY)
    assert (reversal.reverses, reversal.adjusts) == (entry, entry)


def test_a_nights_entries_about_a_closed_day_count_in_the_open_period_too(world):
    """A night that was taken back may run again for a day that was closed meanwhile."""
    issue_july_statement(world)
    drafts = [
        journal.Draft(
            world.agency.pk, EntryKind.ACCRUAL, "USD", tuple(payable(world)), on, "Residuals"
        )
        for on in (DAY, OCTOBER)
    ]

    assert journal.post_all(drafts, recorded_at=TONIGHT) == 2

    days = set(JournalEntry.objects.values_list("effective_on", "happened_on"))
    assert days == {(OCTOBER, None), (OCTOBER, DAY)}


# Two at once, and a kill inside


@pytest.mark.django_db(transaction=True)
def test_those_who_post_at_once_open_each_account_once(agency):
    meet = threading.Barrier(4)

    def book():
        try:
            meet.wait()
            for _ in range(5):
                post_receipt(agency)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        for booked in [pool.submit(book) for _ in range(4)]:
            booked.result()

    balances = {row.kind: row.balance for row in Account.objects.with_balances()}
    assert balances == {"trust_cash": D(100), "unmatched": D(-100)}


@pytest.mark.django_db(transaction=True)
def test_a_server_process_that_is_killed_between_entry_and_postings_leaves_nothing(agency):
    post_receipt(agency)

    with pytest.raises(OperationalError), transaction.atomic():
        die_after_the_entry(agency)

    connection.close()
    assert JournalEntry.objects.count() == 1


def die_after_the_entry(agency):
    write_past_the_journal(agency)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
