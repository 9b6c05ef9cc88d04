"""The API of statements: who has which, page by page, and the file as it was issued."""

from datetime import date

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from licensing import api_keys
from talent.models import User
from talent.words import Role
from tests.factories import make_agency, make_member, sign_in
from tests.valuation.world import TONIGHT
from valuation import api, night
from valuation.models import Statement
from valuation.statements import steps

ALL = "/api/v1/statements"


@pytest.fixture
def draft(world, short_papers):
    """A hundred dubbed lines at $2.00, rated in one night; the statement is a draft."""
    world.line(unit_price="2")
    world.use("100")
    night.run_night(as_of=date(2026, 11, 22), now=TONIGHT)
    return Statement.objects.get(kind="beneficiary")


@pytest.fixture
def issued(draft):
    reviewer, approver = (
        make_member(draft.agency, Role.ACCOUNTING, email=f"{n}@harbour.example")
        for n in ("ria", "ben")
    )
    steps.review(statement_id=draft.pk, by=reviewer, at=TONIGHT)
    steps.approve(statement_id=draft.pk, by=approver, at=TONIGHT)
    return steps.issue(statement_id=draft.pk, by=approver, at=TONIGHT)


@pytest.fixture
def ada(ada):
    return sign_in(ada)


@pytest.fixture
def books(accounting):
    return sign_in(accounting)


def addresses(statement):
    return [f"{ALL}/{statement.pk}", f"{ALL}/{statement.pk}/pdf"]


def test_accounting_reads_figures_with_their_currency(books, draft):
    found = {row["kind"]: row for row in books.get(ALL).json()["results"]}

    # 100 × 2.00, none of it received.
    own = found["beneficiary"]
    assert (own["earned"], own["outstanding"], own["currency"]) == ("200.0000", "200.0000", "USD")
    assert (own["status"], own["number"], own["beneficiary"]) == ("draft", None, "Ada Example")
    assert found["roll_up"]["beneficiary"] is None


def test_the_list_comes_in_pages(books, draft, monkeypatch):
    monkeypatch.setattr(api.NewestFirst, "page_size", 1)

    first = books.get(ALL).json()
    second = books.get(first["next"]).json()

    ids = [row["id"] for page in (first, second) for row in page["results"]]
    assert sorted(ids) == sorted(Statement.objects.values_list("pk", flat=True))
    assert second["next"] is None


def test_a_page_of_statements_costs_a_fixed_number_of_queries(
    books, issued, django_assert_max_num_queries
):
    with django_assert_max_num_queries(8):
        books.get(ALL)


def test_a_beneficiary_has_their_own_and_only_once_it_is_issued(ada, draft):
    assert ada.get(ALL).json()["results"] == []
    assert [ada.get(address).status_code for address in addresses(draft)] == [404, 404]


def test_a_beneficiary_never_has_the_agencys_roll_up(ada, issued):
    roll_up = Statement.objects.get(kind="roll_up")

    assert [row["id"] for row in ada.get(ALL).json()["results"]] == [issued.pk]
    assert [ada.get(address).status_code for address in addresses(roll_up)] == [404, 404]


def test_the_file_is_the_one_that_was_issued(ada, issued):
    answer = ada.get(f"{ALL}/{issued.pk}/pdf")

    assert answer["Content-Type"] == "application/pdf"
    assert f'filename="{issued.number}.pdf"' in answer["Content-Disposition"]
    with issued.pdf.open() as stored:
        assert b"".join(answer.streaming_content) == stored.read()


def test_a_file_that_was_changed_or_lost_is_not_served(ada, issued):
    with open(issued.pdf.path, "ab") as stored:
        stored.write(b" ")

    changed = ada.get(f"{ALL}/{issued.pk}/pdf")
    issued.pdf.storage.delete(issued.pdf.name)
    lost = ada.get(f"{ALL}/{issued.pk}/pdf")

    for answer in (changed, lost):
        assert answer["Content-Type"] == "application/problem+json"
    assert (changed.status_code, changed.json()["code"]) == (500, "paper_changed")
    # A folder that is not mounted looks like a lost file, and says nothing about the paper.
    assert (lost.status_code, lost.json()["code"]) == (503, "paper_away")
    assert "cannot be reached" in lost.json()["detail"]


def test_the_portal_says_so_too(ada, issued):
    issued.pdf.storage.delete(issued.pdf.name)

    page = ada.get(reverse("portal:statement-pdf", args=[issued.pk]), follow=True)

    assert f"The file of {issued.number} cannot be reached" in page.content.decode()


def test_the_admin_says_so_too(books, issued):
    issued.pdf.storage.delete(issued.pdf.name)

    page = books.get(reverse("admin:valuation_statement_pdf", args=[issued.pk]), follow=True)

    assert f"The file of {issued.number} cannot be reached" in page.content.decode()


@pytest.mark.parametrize("role", ["agent", "business_affairs", "auditor"])
def test_other_seats_of_the_agency_have_no_files(world, issued, role):
    seat = sign_in(make_member(world.agency, role))

    assert seat.get(ALL).json()["results"] == []
    assert [seat.get(address).status_code for address in addresses(issued)] == [404, 404]


def test_a_stranger_finds_nothing(issued):
    other = make_agency("other")
    for stranger in (
        sign_in(make_member(other, "accounting")),
        sign_in(User.objects.create_user("eve@desk.example")),
    ):
        assert stranger.get(ALL).json()["results"] == []
        answers = [stranger.get(address) for address in addresses(issued)]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert {answer.json()["code"] for answer in answers} == {"not_found"}


def test_a_studios_key_and_nobody_are_turned_away(world, issued):
    secret = api_keys.issue(terms=world.terms, label="Lab", at=timezone.now(), by=None).secret
    for caller in (Client(headers={"authorization": f"Bearer {secret}"}), Client()):
        answers = [caller.get(address) for address in (ALL, *addresses(issued))]
        assert {answer.status_code for answer in answers} <= {401, 403}
        assert {answer["Content-Type"] for answer in answers} == {"application/problem+json"}


def test_the_schema_tells_of_statements(tmp_path):
    call_command("spectacular", "--file", str(tmp_path / "schema.yaml"), "--validate")

    schema = (tmp_path / "schema.yaml").read_text()
    assert "/api/v1/statements/{id}/pdf" in schema
    assert "application/pdf" in schema
