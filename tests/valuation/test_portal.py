import csv
from datetime import date
from decimal import Decimal as D

import pytest
from django.urls import reverse

from talent.words import Role
from tests.factories import make_delegate, make_member, make_performer, make_user
from tests.valuation.world import TONIGHT
from valuation import night
from valuation.models import Statement
from valuation.statements import steps
from valuation.words import StatementKind


@pytest.fixture
def statement(world, short_papers, ada):
    """A hundred dubbed lines at $2.00, rated in one night; the statement is a draft."""
    world.line(unit_price="2")
    world.use("100")
    night.run_night(as_of=date(2026, 11, 22), now=TONIGHT)
    return Statement.objects.filter(kind=StatementKind.BENEFICIARY.value).earliest("period_on")


@pytest.fixture
def reader(client, ada, statement):
    client.force_login(ada)
    return ada


def issued(statement):
    first, second = (
        make_member(statement.agency, Role.ACCOUNTING, email=f"{name}@northlight.example")
        for name in ("first", "second")
    )
    steps.review(statement_id=statement.pk, by=first, at=TONIGHT)
    steps.approve(statement_id=statement.pk, by=second, at=TONIGHT)
    return steps.issue(statement_id=statement.pk, by=second, at=TONIGHT)


def files_of(statement):
    return [reverse(f"portal:statement-{kind}", args=[statement.pk]) for kind in ("pdf", "csv")]


def test_earnings_say_what_a_night_added_and_what_waits(client, reader):
    page = client.get(reverse("portal:earnings")).content.decode()

    # 100 lines × 2.00, none of it received yet.
    assert "$200.00" in page
    assert "Paper Moon Pictures" in page
    assert "100 lines" in page


def lines_of(client):
    return client.get(reverse("portal:earnings-csv")).getvalue().decode().splitlines()


def test_earnings_are_downloaded_line_by_line(client, reader, statement):
    (line,) = csv.DictReader(lines_of(client))

    assert (line["licensee"], line["payee"]) == ("Paper Moon Pictures", str(statement.beneficiary))
    assert (line["night_on"], line["meter"], line["currency"]) == ("2026-11-22", "lines", "USD")
    assert (D(line["quantity"]), D(line["amount"])) == (100, 200)


def test_the_home_page_says_it_too_within_its_budget(client, reader, django_assert_max_num_queries):
    with django_assert_max_num_queries(28):
        page = client.get(reverse("portal:home")).content.decode()

    assert "$200.00" in page


def test_a_draft_is_not_shown(client, reader, statement):
    assert (
        "No statement has been issued" in client.get(reverse("portal:statements")).content.decode()
    )
    assert [client.get(file).status_code for file in files_of(statement)] == [404, 404]


def test_an_issued_statement_is_downloaded_as_it_is_stored(client, reader, statement):
    issued(statement)
    statement.refresh_from_db()
    pdf, csv = files_of(statement)

    assert statement.number in client.get(reverse("portal:statements")).content.decode()
    answer = client.get(pdf)
    with statement.pdf.open() as stored:
        assert b"".join(answer.streaming_content) == stored.read()
    assert answer["Content-Type"] == "application/pdf"
    assert b"Paper Moon Pictures" in client.get(csv).content


def test_a_stranger_downloads_nothing(client, statement):
    issued(statement)
    stranger = make_user("ben@desk.example", performer=make_performer("Ben Sample"))
    client.force_login(stranger)

    assert [client.get(file).status_code for file in files_of(statement)] == [404, 404]
    assert "$200.00" not in client.get(reverse("portal:earnings")).content.decode()
    assert len(lines_of(client)) == 1


def test_a_delegate_without_money_downloads_nothing(client, world, statement):
    issued(statement)
    counsel = make_delegate(world.performer, "counsel", "see_twins", "see_usage")
    client.force_login(counsel)

    assert [client.get(file).status_code for file in files_of(statement)] == [404, 404]


@pytest.mark.parametrize(("house", "status"), [("own", 200), ("other", 404)])
def test_accounting_downloads_its_own_agencys_statements(
    client, world, elsewhere, statement, house, status
):
    issued(statement)
    clerk = make_member(world.agency if house == "own" else elsewhere, Role.ACCOUNTING)
    client.force_login(clerk)

    answer = client.get(files_of(statement)[0])
    answer.close()

    assert answer.status_code == status


def test_a_page_number_that_is_none_is_no_page(client, reader):
    assert client.get(reverse("portal:earnings"), {"before": "x"}).status_code == 404
