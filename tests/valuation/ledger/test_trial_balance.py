"""The trial balance: opening, movement and closing of each account, as of a day and as known."""

import csv
import io
from datetime import date, datetime, timedelta
from decimal import Decimal as D

import pytest
import python_calamine
from django.urls import reverse_lazy
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from talent.words import Role
from tests import factories
from tests.valuation.world import TONIGHT
from valuation.ledger import journal, trial_balance
from valuation.ledger.journal import Side
from valuation.ledger.trial_balance import Period, totals
from valuation.models import Account
from valuation.words import AccountKind, EntryKind

JULY, SEPTEMBER = date(2026, 7, 1), date(2026, 9, 30)
CASH, CREDIT, PAYABLE = AccountKind.TRUST_CASH, AccountKind.UNMATCHED, AccountKind.PAYABLE
PAGE = reverse_lazy("admin:valuation_account_trial_balance")


def post(agency, amount, on, *, at=TONIGHT, currency="USD", to=CREDIT, **party):
    return journal.post(
        agency_id=agency.pk,
        kind=EntryKind.RECEIPT,
        currency=currency,
        sides=[Side(CASH, D(amount)), Side(to, -D(amount), **party)],
        effective_on=on,
        recorded_at=at,
        description="Received",
    )


def balance(agency, first=JULY, last=SEPTEMBER, known_at=TONIGHT, **asked):
    period = Period(first, last, known_at)
    return trial_balance.trial_balance(agency_id=agency.pk, period=period, **asked)


def figures(rows):
    return {
        row.name: (
            row.figures.opening,
            row.figures.debits,
            row.figures.credits,
            row.figures.closing,
        )
        for row in rows
    }


def test_what_was_before_opens_and_what_comes_after_is_left_out(agency):
    post(agency, "10", date(2026, 6, 30))
    post(agency, "3", JULY)
    post(agency, "-1", SEPTEMBER)
    post(agency, "7", date(2026, 10, 1))

    # 10 before; 3 in and 1 back within; the 7 of October is left out.
    assert figures(balance(agency)) == {
        "Trust cash (USD)": (D(10), D(3), D(1), D(12)),
        "Licensee's credit (USD)": (D(-10), D(1), D(3), D(-12)),
    }


def test_what_was_posted_later_was_not_known(agency):
    post(agency, "3", JULY)
    before = balance(agency)
    later = TONIGHT + timedelta(days=1)

    post(agency, "4", JULY, at=later)

    assert balance(agency) == before
    assert figures(balance(agency, known_at=later))["Trust cash (USD)"][3] == D(7)


def test_each_currency_and_party_has_figures_of_its_own(agency, licensee):
    post(agency, "3", JULY, licensee_id=licensee.pk)
    post(agency, "900", JULY, currency="JPY")
    post(factories.make_agency("elsewhere"), "7", JULY)

    assert set(figures(balance(agency))) == {
        "Trust cash (JPY)", "Licensee's credit (JPY)", "Trust cash (USD)",
        f"Credit of {licensee.name} (USD)",
    }  # fmt: skip
    assert {row.currency for row in balance(agency, currency="JPY")} == {"JPY"}


MOVES = st.tuples(
    st.integers(-(10**6), 10**6).filter(bool),
    st.integers(0, 400),
    st.sampled_from(["USD", "JPY", "KWD"]),
    st.sampled_from([CREDIT, AccountKind.COMMISSION]),
)


@settings(
    max_examples=20,
    deadline=None,
    # Entries of earlier examples stay: the law holds of all of them together.
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(MOVES, min_size=1, max_size=8), st.integers(0, 400), st.integers(0, 400))
def test_whatever_was_posted_it_adds_up_to_nothing_and_one_period_opens_as_another_closes(
    agency, moves, one, other
):
    start = date(2026, 1, 1)
    for units, day, currency, to in moves:
        post(agency, units, start + timedelta(days=day), currency=currency, to=to)
    first, last = (start + timedelta(days=day) for day in sorted([one, other]))

    now = balance(agency, first, last)
    following = balance(agency, last + timedelta(days=1), date(2030, 1, 1))

    for sums in (totals(now), totals(following)):
        for total in sums.values():
            assert (total.opening, total.closing) == (0, 0)
            assert total.debits == total.credits
    closings = {row.name: row.figures.closing for row in now}
    openings = {row.name: row.figures.opening for row in following}
    assert {name: amount for name, amount in openings.items() if amount} == {
        name: amount for name, amount in closings.items() if amount
    }


# The page


def ask(user, agency, **asked):
    terms = {"agency": agency.pk, "first": "2026-07-01", "last": "2026-09-30", **asked}
    return factories.sign_in(user).get(PAGE, terms)


@pytest.fixture
def accountant(agency):
    return factories.make_member(agency, Role.ACCOUNTING)


def test_each_figure_leads_to_its_postings(agency, accountant):
    post(agency, "10", date(2026, 6, 30))
    post(agency, "3", JULY)
    post(agency, "4", JULY)
    account = Account.objects.get(kind=CASH.value)

    response = ask(accountant, agency)
    group = response.context["tables"][0]["groups"][0]
    client = factories.sign_in(accountant)
    found = {
        name: sum(row.amount for row in client.get(link).context["cl"].result_list)
        for name, link in group["rows"][0]["links"].items()
    }

    assert f"account__id__exact={account.pk}" in group["rows"][0]["links"]["debits"]
    assert found == {"opening": 10, "debits": 7, "credits": 0, "closing": 17}
    assert "the books balance" in response.content.decode()


def test_the_page_takes_as_many_queries_however_many_accounts(
    agency, accountant, django_assert_max_num_queries
):
    for number in range(12):
        party = factories.make_licensee(f"studio-{number}")
        post(agency, "3", JULY, licensee_id=party.pk)
    client = factories.sign_in(accountant)
    client.get(PAGE)

    with django_assert_max_num_queries(14):
        client.get(PAGE, {"agency": agency.pk, "first": "2026-07-01", "last": "2026-09-30"})


def test_it_is_taken_along_as_csv_and_as_a_workbook(agency, accountant):
    post(agency, "3.50", JULY)

    text = b"".join(ask(accountant, agency, format="csv")).decode()
    workbook = io.BytesIO(b"".join(ask(accountant, agency, format="xlsx")))
    sheet = python_calamine.CalamineWorkbook.from_filelike(workbook).get_sheet_by_index(0)

    header, cash, credit = csv.reader(io.StringIO(text))
    assert header[3:] == ["Opening", "Debits", "Credits", "Closing"]
    assert cash == ["USD", "Trust cash", "", "0.00", "3.50", "0.00", "3.50"]
    assert credit[-1] == "-3.50"
    assert sheet.to_python()[1][-1] == 3.5


def test_nobody_reads_the_books_of_others(agency, accountant):
    theirs = factories.make_agency("elsewhere")
    post(theirs, "7", JULY)

    response = ask(accountant, theirs)

    assert response.context["tables"] == []
    assert "agency" in response.context["form"].errors
    stranger = factories.make_user("stranger@elsewhere.example")
    assert factories.sign_in(stranger).get(PAGE).status_code in {302, 403, 404}


@pytest.mark.parametrize(
    "asked",
    [{"first": "9999-12-31", "last": "9999-12-31"}, {"first": "0001-01-01"}, {"last": "2026-06-30"},
     {"known_on": "9999-12-31"}, {"first": "x"}, {"currency": "XXX"}],
    ids=str,
)  # fmt: skip
def test_days_that_are_a_slip_are_told_so(agency, accountant, asked):
    response = ask(accountant, agency, **asked)

    assert response.status_code == 200
    assert response.context["form"].errors


def test_what_is_known_on_a_day_is_known_until_its_end(agency, accountant):
    evening = datetime(2026, 9, 1, 23, tzinfo=timezone.get_default_timezone())
    post(agency, "3", JULY, at=evening)

    def cash(day):
        tables = ask(accountant, agency, known_on=day).context["tables"]
        return tables[0]["sum"]["debits"] if tables else None

    assert (cash("2026-08-31"), bool(cash("2026-09-01"))) == (None, True)
