"""Every page of the admin opens, for everybody who may open it, within its budget of queries.

What it shows is read, too: names that say what a row is, and no code, digest or JSON.
"""

import io
import re
import zipfile
from unittest import mock

import pytest
import python_calamine
from django.contrib import admin
from django.db import connection
from django.template.response import SimpleTemplateResponse
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from licensing.agreements.obligations import waiting
from licensing.models import Agreement
from talent import workbooks
from talent.admin.exports import plain_text
from talent.models import Agency, Performer, User
from talent.words import Role
from tests.factories import admin_page, sign_in
from tests.pages import PEOPLE, REGISTERED, first_with_the_same_rights, request_of, seat
from tests.words import unread_words
from tests.written import what_was_done
from valuation.models import Scenario

LIST_BUDGET = 16
FORM_BUDGET = 43
# Of an agreement, what rules say, where that is mended, what it obliges to and its documents are
# each read as a whole.
# Of a scenario, the whole rate card, guarantees, grants and consents say what hinders its plan.
BUDGETS = {Agreement: 68, Scenario: 52}
INDEX_BUDGET = 48


def page(model_admin, name, *args):
    return admin_page(model_admin.model, *args, name=name)


def opened(client, url, budget):
    """Yield what is wrong with a page: it fails, asks too often, or shows what programs read."""
    with CaptureQueriesContext(connection) as queries:
        response = client.get(url)
        if response.status_code == 200:
            b"".join(response) if response.streaming else response.content
    if response.status_code not in (200, 403):
        yield f"{url} answers {response.status_code}"
    if len(queries) > budget:
        yield f"{url} takes {len(queries)} queries, more than {budget}"
    # The operator meets every row; a form to fill in shows none, and asks for codes by name.
    if response.status_code == 200 and is_operators(response) and not url.endswith("/add/"):
        yield from unread_words(re.sub(r"\d+", "…", url), response.text)


def is_operators(response):
    return response.wsgi_request.user.is_superuser


@pytest.mark.parametrize("person", PEOPLE)
def test_every_page_opens_within_its_query_budget_and_shows_words(demo, person):
    user = PEOPLE[person]()
    client = sign_in(user)
    waiting.keep(at=timezone.now())  # as a sweep has, within the ten minutes before
    before = what_was_done()
    found = [*opened(client, reverse("admin:index"), INDEX_BUDGET)]
    for model_admin in REGISTERED:
        if person == first_with_the_same_rights(model_admin, user):
            found += faults(client, model_admin, user)
        else:
            # It lists other rows; the template is that of those who may do the same.
            with mock.patch.object(SimpleTemplateResponse, "rendered_content", ""):
                found += opened(client, page(model_admin, "changelist"), LIST_BUDGET)

    assert not found, "\n".join(["", *found])
    assert what_was_done() == before, "Opening a page changed a row."


def faults(client, model_admin, user):
    request = request_of(user)
    yield from opened(client, page(model_admin, "changelist"), LIST_BUDGET)
    if model_admin.search_fields:
        yield from opened(client, page(model_admin, "changelist") + "?q=a", LIST_BUDGET)
    yield from opened(client, page(model_admin, "add"), FORM_BUDGET)
    row = model_admin.get_queryset(request).order_by("-pk").first()
    if row is not None:
        budget = BUDGETS.get(model_admin.model, FORM_BUDGET)
        yield from opened(client, page(model_admin, "change", row.pk), budget)
        yield from opened(client, page(model_admin, "history", row.pk), LIST_BUDGET)


def test_no_list_is_empty_for_the_operator(demo):
    """Else the page that opens says nothing about its rows."""
    may_be_empty = {
        "Audit",
        "ContaminationClearing",
        "BankCsvMapping",
        "BankDetails",
        "BankFile",
        "BankLine",
        "CashAllocation",
        "CashRequest",
        "AgencyChange",
        "BillingDetails",
        "Congruence",
        "Contribution",
        "DeadLetter",
        "Destruction",
        "Dispute",
        "DunningLetter",
        "DeliveryLink",
        "EventArchive",
        "ExchangeRate",
        "HandOver",
        "HeldLock",
        "Hold",
        "Installation",
        "InterestTerms",
        "Invoice",
        "IssueRun",
        "LateInterest",
        "LegalAssessment",
        "Opening",
        "NightFailure",
        "OutboxMessage",
        "ObjectionTerms",
        "PayeeCheck",
        "PayeeCheckRule",
        "PaymentDirection",
        "PaperLink",
        "PaymentTerms",
        "PayoutPayment",
        "PayoutRun",
        "PeriodClose",
        "PlanPayee",
        "PriceIndex",
        "Proposal",
        "Recoupment",
        "ReversalRequest",
        "RuleOverride",
        "ShareChange",
        "ScheduledReport",
        "SearchNote",
        "SelfBillingAgreement",
        "SheetMapping",
        "SignedScan",
        "SigningRound",
        "StandingOffer",
        "Transfer",
        "TwinValuation",
        "Valuation",
        "ValuationTerm",
        "WorthParameter",
    }
    empty = {
        model_admin.model.__name__
        for model_admin in REGISTERED
        if not model_admin.model._default_manager.exists()
    }

    assert empty <= may_be_empty


def test_an_auditor_changes_nothing(demo):
    auditor = sign_in(seat(Role.AUDITOR))
    for model_admin in REGISTERED:
        assert auditor.get(page(model_admin, "add")).status_code == 403, model_admin


@pytest.mark.parametrize("role", list(Role))
def test_staff_see_no_page_of_the_operators(demo, role):
    client = sign_in(seat(role))

    assert client.get(reverse("admin:talent_user_changelist")).status_code == 403
    assert client.get(reverse("admin:valuation_nightrun_changelist")).status_code == 403


def test_the_index_shows_what_needs_a_decision(demo):
    shown = sign_in(seat(Role.ACCOUNTING, "northlight")).get(reverse("admin:index"))

    labels = [str(tile.label) for tile in shown.context["tiles"]]
    assert "Statements to review" in labels
    for tile in shown.context["tiles"]:
        listed = sign_in(seat(Role.ACCOUNTING, "northlight")).get(tile.url)
        assert listed.status_code == 200, tile.url


def test_search_finds_what_one_may_see(demo):
    url = reverse("admin:search")
    found = sign_in(seat(Role.AGENT)).get(url, {"s": "Ada", "extended": 1})
    other = sign_in(seat(Role.AGENT, "northlight")).get(url, {"s": "Ada", "extended": 1})

    assert b"Ada Sample" in found.content
    assert b"Ada Sample" not in other.content


def test_a_list_is_exported_as_it_is_shown(demo):
    client = sign_in(seat(Role.AGENT))
    url = page(admin.site.get_model_admin(Performer), "export_list")
    text = b"".join(client.get(url, {"q": "Ada"})).decode()

    assert "Ada Sample" in text
    assert "Bruno Placeholder" not in text


def test_an_export_keeps_what_people_wrote_and_leaves_out_what_we_drew(db):
    """A name may hold brackets and an ampersand; a column of ours may be HTML around one."""
    name = "Sam <voice> & Söhne &amp; b<c"
    Performer.objects.create(name=name, legal_name="<b>")
    Agency.objects.create(name=name, slug="odd", country="DE")
    client = sign_in(User.objects.create_superuser("operator@desk.example"))

    for model in (Performer, Agency):
        url = page(admin.site.get_model_admin(model), "export_list")
        assert name in b"".join(client.get(url)).decode()


@pytest.mark.parametrize(
    ("shown", "written"),
    [
        ("a < b & c", "a < b & c"),
        (format_html('<a href="/">{}</a>', "Tom & <Jerry>"), "Tom & <Jerry>"),
        (format_html("<span>{}</span>", "1 < 2"), "1 < 2"),
    ],
)
def test_a_cell_is_what_it_says(shown, written):
    assert plain_text(shown) == written


def test_a_list_is_exported_as_a_workbook_that_runs_nothing(demo):
    Performer.objects.filter(name="Ada Sample").update(legal_name="=1+1")
    client = sign_in(seat(Role.AGENT))
    url = page(admin.site.get_model_admin(Performer), "export_workbook")
    content = b"".join(client.get(url, {"q": "Ada"}))

    book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(content))
    rows = book.get_sheet_by_index(0).to_python()
    assert any("Ada Sample" in map(str, row) for row in rows)
    assert not any("Bruno Placeholder" in map(str, row) for row in rows)
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        assert b"<f>" not in parts.read("xl/worksheets/sheet1.xml")


def test_a_list_too_long_for_a_workbook_says_what_to_do(demo, monkeypatch):
    monkeypatch.setattr(workbooks, "MOST_ROWS", 1)
    client = sign_in(seat(Role.AGENT))
    told = client.get(page(admin.site.get_model_admin(Performer), "export_workbook"), follow=True)

    assert "Filter the list, or export it as CSV" in told.text
