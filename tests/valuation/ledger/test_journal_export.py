"""The journal as text: from the admin for accounting, by a command for operators."""

from decimal import Decimal as D
from io import StringIO

import pytest
from beancount import loader
from django.core.management import CommandError, call_command
from django.urls import reverse

from talent.words import Role
from tests import factories
from tests.valuation.world import TONIGHT
from valuation.ledger import journal
from valuation.ledger.journal import Side
from valuation.models import JournalEntry
from valuation.words import AccountKind, EntryKind, LedgerSyntax


def book_a_receipt(agency, amount, text):
    journal.post(
        agency_id=agency.pk,
        kind=EntryKind.RECEIPT,
        currency="USD",
        sides=[Side(AccountKind.TRUST_CASH, D(amount)), Side(AccountKind.UNMATCHED, D(-amount))],
        effective_on=TONIGHT.date(),
        recorded_at=TONIGHT,
        description=text,
    )


@pytest.fixture
def booked(world):
    """Two agencies with an entry each: Harbour has 400.00 in trust, Elsewhere 7.00."""
    book_a_receipt(world.agency, 400, "Orbit paid")
    book_a_receipt(factories.make_agency("elsewhere"), 7, "Theirs")
    return world.agency


def export(user, syntax="beancount"):
    url = reverse(f"admin:valuation_journalentry_export_for_{syntax}")
    return factories.sign_in(user).get(url)


def text_of(response):
    return b"".join(response).decode()


def test_accounting_takes_its_own_agencys_books_along(booked):
    response = export(factories.make_member(booked, Role.ACCOUNTING))

    text = text_of(response)
    entries, errors, _ = loader.load_string(text)
    assert (len(entries), errors) == (5, [])  # two accounts, an entry, two balances
    assert "Orbit paid" in text
    assert "400.00 USD" in text
    assert "Theirs" not in text
    assert "journal.beancount" in response.headers["Content-Disposition"]


def test_hledgers_text_declares_what_it_uses(booked):
    text = text_of(export(factories.make_member(booked, Role.ACCOUNTING), "hledger"))

    assert text.index("commodity 1000.00 USD") < text.index("Orbit paid")
    assert text.index("account Assets:Trust-Cash") < text.index("Orbit paid")
    assert "0 USD = 400.00 USD" in text


@pytest.mark.parametrize("role", [Role.AGENT, Role.AUDITOR])
def test_who_keeps_no_books_takes_none_along(booked, role):
    assert export(factories.make_member(booked, role)).status_code == 403


def test_a_seat_that_only_reads_is_no_way_to_the_books(booked):
    accountant = factories.make_member(factories.make_agency("third"), Role.ACCOUNTING)
    factories.make_member(booked, Role.AUDITOR, email=accountant.email)

    assert text_of(export(accountant)) == ""


def test_an_operator_exports_an_agency_by_its_slug(booked):
    out = StringIO()
    call_command("export_ledger", booked.slug, "--syntax", "hledger", stdout=out)

    assert "Orbit paid" in out.getvalue()
    assert "Theirs" not in out.getvalue()
    with pytest.raises(CommandError, match="nobody"):
        call_command("export_ledger", "nobody")


def test_a_long_journal_is_read_in_a_fixed_number_of_queries(booked, django_assert_num_queries):
    for number in range(5):
        book_a_receipt(booked, 1, f"Receipt {number}")
    entries = JournalEntry.objects.filter(agency=booked)

    with django_assert_num_queries(4):
        text = "".join(journal.export(entries=entries, syntax=LedgerSyntax.BEANCOUNT))

    assert text.count("Receipt") == 5
