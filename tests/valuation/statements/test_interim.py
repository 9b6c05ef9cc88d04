"""Interim statements: right on their day, and nothing changes by them."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from talent.models import Agency
from talent.words import Role
from tests.factories import make_agency, make_member, sign_in
from tests.valuation.cash.accounting import pay_out
from tests.valuation.world import JULY, OCTOBER, TONIGHT
from valuation import night
from valuation.cash.received import remittances
from valuation.models import JournalEntry, Statement, StatementLine, StatementStep
from valuation.statements import pdf, steps
from valuation.statements.gathering import Series
from valuation.statements.interim import NoDayForAnInterim, interim
from valuation.words import Section

pytestmark = pytest.mark.usefixtures("short_papers")

TODAY = TONIGHT.date()
NOON = TONIGHT + timedelta(hours=9)


@pytest.fixture
def used(world):
    """Ada's 50 lines of July and 30 of November, at 1.00; 20.00 came in, 18.00 are payable."""
    world.line(unit_price=D(1))
    world.use("50")
    world.use("30", on="2026-11-05")
    remittances.record(
        agency_id=world.agency.pk, licensee_id=world.licensee.pk, amount=D(20), currency="USD",
        received_on=date(2026, 9, 20), reference="WIRE-1", by=None, now=TONIGHT,
    )  # fmt: skip
    night.run_night(as_of=TODAY, now=TONIGHT)
    return world


def drawn(world, as_of=TODAY, now=NOON):
    series = Series(world.agency, world.beneficiary, "USD")
    return interim(series=series, as_of=as_of, now=now)


def issue_summer(world):
    """Issue what was drawn of July to September: 50.00 earned, 18.00 payable."""
    one, other = (
        make_member(world.agency, Role.ACCOUNTING, email=f"{name}@harbour.example")
        for name in ("ria", "ben")
    )
    statement = Statement.objects.get(kind="beneficiary", period_on=JULY)
    for step, by in ((steps.review, one), (steps.approve, other), (steps.issue, other)):
        issued = step(statement_id=statement.pk, by=by, at=TONIGHT)
    return issued


def figures(content):
    return content.opening_balance, content.earned, content.received, content.closing_balance


def test_it_says_all_that_no_numbered_statement_has_shown(used):
    content = drawn(used)

    assert figures(content) == (0, D(80), D(20), D(18))
    assert content.closing_accrued == D(60)
    assert (content.number, content.interim, content.payable_on) == ("", True, None)


def test_after_a_numbered_one_it_begins_where_that_ends(used):
    issued = issue_summer(used)
    pay_out(used, "18", on=date(2026, 10, 20))

    content = drawn(used)

    assert content.period_starts_on == OCTOBER
    assert content.opening_balance == 18
    assert any(issued.number in note for note in content.notes)


def test_as_of_an_earlier_day_what_the_books_got_later_is_left_out(used):
    """The books knew of nothing before the night: the day before says so."""
    used.use("13", on="2026-11-05", standing="out_of_scope", use="interactive_promo")
    night.run_night(as_of=TODAY, now=TONIGHT)
    assert [line for line in drawn(used).lines if line.section == Section.HELD]

    before = drawn(used, as_of=TODAY - timedelta(1))

    assert figures(before) == (0, 0, 0, 0)
    assert not [line for line in before.lines if line.section == Section.HELD]
    assert (before.chart, len(before.notes)) == (None, 2)


def test_a_payment_of_tomorrow_is_not_in_it(used):
    pay_out(used, "18", on=TODAY + timedelta(1))

    assert drawn(used).closing_balance == D(18)


def test_midnight_is_that_of_the_agency(used):
    """In Los Angeles the night of 03:00 UTC ran on the evening of the day before."""
    Agency.objects.update(time_zone="America/Los_Angeles")
    used.agency.refresh_from_db()

    assert drawn(used, as_of=TODAY - timedelta(1)).earned == D(80)
    with pytest.raises(NoDayForAnInterim):
        drawn(used, as_of=TODAY, now=TONIGHT)


def test_neither_a_day_to_come_nor_one_that_is_closed_has_one(used):
    issue_summer(used)

    for day in (TODAY + timedelta(1), date(9999, 12, 31)):
        with pytest.raises(NoDayForAnInterim, match="still to come"):
            drawn(used, as_of=day)
    with pytest.raises(NoDayForAnInterim, match="Issued statements"):
        drawn(used, as_of=OCTOBER - timedelta(1))
    assert drawn(used, as_of=OCTOBER).period_ends_on == OCTOBER + timedelta(1)


def test_it_changes_nothing_that_the_numbered_one_shows(used):
    def stored():
        return [
            list(model.objects.order_by("pk").values())
            for model in (Statement, StatementStep, StatementLine, JournalEntry)
        ]

    accounting = make_member(used.agency, Role.ACCOUNTING)
    client = sign_in(accounting)
    before = stored()
    for kind in ("", "pdf", "csv", "json"):
        assert asked(client, used, format=kind).status_code == 200
    assert stored() == before

    night.run_night(as_of=TODAY, now=TONIGHT)
    assert stored() == before


def asked(client, world, **about):
    told = {"agency": world.agency.pk, "payee": world.beneficiary.pk, "currency": "USD"}
    url = reverse("admin:valuation_statement_interim_statement")
    return client.get(url, {**told, "as_of": datetime.now(UTC).date().isoformat(), **about})


def test_the_page_says_the_balance_and_offers_the_paper(used):
    client = sign_in(make_member(used.agency, Role.ACCOUNTING))

    page = asked(client, used).content.decode()

    assert "$18.00" in page
    assert "format=pdf" in page
    content = json.loads(asked(client, used, format="json").content)
    assert (content["interim"], content["number"]) == (True, "")


def test_of_another_agencys_payee_there_is_none(used):
    other = make_agency("elsewhere")
    client = sign_in(make_member(other, Role.ACCOUNTING))

    page = asked(client, used).content.decode()

    assert "$18.00" not in page
    assert "Select a valid choice" in page


def test_who_is_no_accountant_is_not_offered_it(used):
    client = sign_in(make_member(used.agency, Role.AGENT))

    assert asked(client, used).status_code == 403


def test_the_paper_says_on_each_page_what_it_is(used):
    text = pdf._html(drawn(used), "", "")

    assert '<div class="draft">INTERIM</div>' in text
    assert "DRAFT" not in text
    assert "<h1>Interim statement" in text


def test_it_costs_the_same_queries_however_much_it_holds(used):
    def queries():
        with CaptureQueriesContext(connection) as made:
            drawn(used)
        return len(made)

    few = queries()
    for day in range(1, 6):
        pay_out(used, "1", on=TODAY - timedelta(day))

    assert queries() == few
