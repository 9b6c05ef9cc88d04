"""Money in the admin: recorded once, stepped by those who may, read by whose it is."""

import hashlib
import io
import re
from decimal import Decimal as D
from html import unescape

import pytest
from django.urls import reverse
from python_calamine import CalamineWorkbook

from talent.words import Role
from tests.factories import make_member, messages_of, run_action, sign_in
from tests.valuation.world import TONIGHT
from valuation import night
from valuation.admin.residuals.lines import _events_of
from valuation.models import (
    Account,
    Reading,
    Remittance,
    ResidualLine,
    Statement,
    StatementStep,
)
from valuation.statements import exports, snapshot
from valuation.words import StatementKind

pytestmark = pytest.mark.usefixtures("short_papers")


@pytest.fixture
def stated(world):
    """Ada earned 1,000.00 in the third quarter: 10 lines at 100; the night drew statements."""
    world.line(unit_price=D(100))
    world.use("10")
    night.run_night(as_of=TONIGHT.date(), now=TONIGHT)
    return world


def listed(client, model, **query):
    return client.get(reverse(f"admin:valuation_{model}_changelist"), query)


def page(model, *args, name="change"):
    return reverse(f"admin:valuation_{model}_{name}", args=args)


def own(world):
    return Statement.objects.get(beneficiary=world.beneficiary)


# Statements


def test_two_people_take_a_statement_from_draft_to_issue(stated):
    affairs = make_member(stated.agency, Role.BUSINESS_AFFAIRS)
    accounting = make_member(stated.agency, Role.ACCOUNTING)
    statement = own(stated)

    assert "is reviewed" in messages_of(run_action(sign_in(affairs), "review", statement))
    assert "is approved" in messages_of(run_action(sign_in(accounting), "approve", statement))
    assert "is issued" in messages_of(run_action(sign_in(accounting), "issue", statement))
    steps = StatementStep.objects.filter(statement=statement).order_by("pk")
    assert [(step.kind, step.by) for step in steps[1:]] == [
        ("reviewed", affairs),
        ("approved", accounting),
        ("issued", accounting),
    ]


def test_the_second_pair_of_eyes_is_asked_for_in_words(stated):
    accounting = sign_in(make_member(stated.agency, Role.ACCOUNTING))
    alone = run_action(accounting, "review", own(stated))
    assert "is reviewed" not in messages_of(alone), "Nobody could approve it."
    make_member(stated.agency, Role.BUSINESS_AFFAIRS)
    run_action(accounting, "review", own(stated))
    refused = run_action(accounting, "approve", own(stated))

    assert "is approved" not in messages_of(refused)
    assert listed(accounting, "statement", step="reviewed").context["cl"].result_count == 1


@pytest.mark.parametrize("role", [Role.AGENT, Role.AUDITOR])
def test_who_may_take_no_step_is_offered_none(stated, role):
    client = sign_in(make_member(stated.agency, role))
    statement = own(stated)

    run_action(client, "review", statement)
    assert client.get(page("statement", statement.pk, name="review")).status_code == 403
    assert statement.steps.count() == 1


def test_a_seat_that_only_reads_takes_no_step_by_the_right_of_another(stated, elsewhere):
    user = make_member(elsewhere, Role.ACCOUNTING)
    make_member(stated.agency, Role.AUDITOR, email=user.email)
    statement = own(stated)

    refused = run_action(sign_in(user), "review", statement)
    assert "your seat at its agency does not allow this" in messages_of(refused)
    opened = sign_in(user).get(page("statement", statement.pk, name="review"))
    assert opened.status_code == 403
    assert statement.steps.count() == 1


def test_the_file_that_is_downloaded_is_the_one_whose_digest_is_kept(stated):
    statement, client = own(stated), sign_in(make_member(stated.agency, Role.ACCOUNTING))
    response = client.get(reverse("admin:valuation_statement_pdf", args=[statement.pk]))

    assert response.headers["Content-Type"] == "application/pdf"
    file = b"".join(response)
    assert hashlib.sha256(file).hexdigest() == statement.pdf_sha256


def test_the_file_is_offered_to_those_alone_who_may_have_it(stated):
    statement = own(stated)
    url = reverse("admin:valuation_statement_pdf", args=[statement.pk])
    affairs = sign_in(make_member(stated.agency, Role.BUSINESS_AFFAIRS))
    accounting = sign_in(make_member(stated.agency, Role.ACCOUNTING))

    assert url not in affairs.get(page("statement", statement.pk)).text
    assert affairs.get(url).status_code == 404
    assert url in accounting.get(page("statement", statement.pk)).text


def test_each_line_of_a_statement_leads_to_what_it_rests_on(stated):
    client = sign_in(make_member(stated.agency, Role.AUDITOR))
    line = ResidualLine.objects.get()

    assert page("residualline", line.pk) in client.get(page("statement", own(stated).pk)).text


def taken(client, url):
    """Return a file's bytes, and close it: closing the answer would close the test's connection."""
    answer = client.get(url)
    assert answer.status_code == 200
    content = b"".join(answer)
    for close in answer._resource_closers:
        close()
    return content


def test_a_roll_up_lists_its_rows_on_its_page_and_in_its_files(stated):
    """$1,000.00 earned, by performer, by licensee and by production."""
    roll_up = Statement.objects.filter(kind=StatementKind.ROLL_UP.value).latest("period_on")
    client = sign_in(make_member(stated.agency, Role.ACCOUNTING))
    content = snapshot.roll_up_from_json(roll_up.content)

    text = client.get(page("statement", roll_up.pk)).text
    for row in (*content.beneficiaries, *content.licensees):
        assert row.name in text
    for heading in ("By performer", "By licensee", "By production"):
        assert f"<h3>{heading}</h3>" in text
    lines = client.get(page("statement", roll_up.pk, name="csv")).text
    assert lines.encode() == exports.lines_csv(content)
    assert f"beneficiary,{content.beneficiaries[0].name}" in lines
    book = CalamineWorkbook.from_filelike(
        io.BytesIO(taken(client, page("statement", roll_up.pk, name="xlsx")))
    )
    assert len(book.get_sheet_by_index(0).to_python()) == len(lines.splitlines())


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_the_lines_of_a_statement_are_accountings_to_take(stated, elsewhere, kind):
    url = page("statement", own(stated).pk, name=kind)

    assert taken(sign_in(make_member(stated.agency, Role.ACCOUNTING)), url)
    assert sign_in(make_member(stated.agency, Role.BUSINESS_AFFAIRS)).get(url).status_code == 404
    assert sign_in(make_member(elsewhere, Role.ACCOUNTING)).get(url).status_code == 404


# From amount to event


def test_a_reading_explains_itself_and_leads_to_its_events(stated):
    client = sign_in(make_member(stated.agency, Role.AUDITOR))
    reading = Reading.objects.get()
    text = client.get(page("reading", reading.pk)).text
    events = reverse("admin:licensing_usageevent_changelist")
    (link,) = re.findall(rf'href="({re.escape(events)}\?[^"]+)"', text)

    assert "1000.00" in text or "1,000.00" in text
    assert client.get(unescape(link)).context["cl"].result_count == reading.events == 1


def test_a_reading_leads_to_no_other_events_of_its_agreement(world):
    world.line(unit_price=D(100), uses=["dubbing"])
    world.use("10")
    world.use("7", use="game")
    night.run_night(as_of=TONIGHT.date(), now=TONIGHT)
    reading = Reading.objects.get()
    client = sign_in(make_member(world.agency, Role.AUDITOR))
    events = reverse("admin:licensing_usageevent_changelist")

    assert client.get(events).context["cl"].result_count == 2
    (use,) = client.get(events, _events_of(reading)).context["cl"].result_list
    assert use.use == "dubbing"


@pytest.mark.parametrize(
    "model",
    ["reading", "residualline", "usagetotal", "account", "journalentry", "statement"],
)
def test_facts_open_within_few_queries_and_nobody_edits_them(
    stated, model, django_assert_max_num_queries
):
    client = sign_in(make_member(stated.agency, Role.ACCOUNTING))

    with django_assert_max_num_queries(16):
        shown = listed(client, model)
    row = shown.context["cl"].result_list[0]
    opened = client.get(page(model, row.pk))
    assert not opened.context["has_change_permission"]
    assert client.get(page(model, name="add")).status_code == 403
    assert client.post(page(model, row.pk), {}).status_code == 403
    assert client.post(page(model, row.pk, name="delete"), {"post": "yes"}).status_code == 403


def test_balances_are_written_beside_their_accounts(stated):
    client = sign_in(make_member(stated.agency, Role.AUDITOR))
    receivable = Account.objects.get(kind="receivable")

    shown = listed(client, "account").context["cl"].result_list.get(pk=receivable.pk)
    assert shown.balance == D(1000)


# Money that came in


def wire(agency, licensee, **fields):
    inlines = {f"matches-{count}_FORMS": "0" for count in ("TOTAL", "INITIAL")}
    return {
        "agency": agency.pk,
        "licensee": licensee.pk,
        "amount": "400.00",
        "currency": "USD",
        "received_on": "2026-09-20",
        "reference": "WIRE-1",
        **inlines,
        **fields,
    }


def test_a_remittance_is_recorded_in_the_ledger_and_listed_until_it_is_matched(stated):
    client = sign_in(make_member(stated.agency, Role.ACCOUNTING))
    sent = client.post(page("remittance", name="add"), wire(stated.agency, stated.licensee))

    assert sent.status_code == 302
    cash = Account.objects.with_balances().get(kind="trust_cash")
    assert cash.balance == D(400)
    assert listed(client, "remittance", cash="unmatched").context["cl"].result_count == 1
    night.run_night(as_of=TONIGHT.date(), now=TONIGHT)
    assert listed(client, "remittance", cash="unmatched").context["cl"].result_count == 0


def test_the_same_reference_with_another_amount_is_refused_in_words(stated):
    client = sign_in(make_member(stated.agency, Role.ACCOUNTING))
    url = page("remittance", name="add")
    client.post(url, wire(stated.agency, stated.licensee))
    again = client.post(url, wire(stated.agency, stated.licensee, amount="500.00"))

    assert "recorded before" in again.text + messages_of(again)
    assert Remittance.objects.get().amount == D(400)


def test_money_is_recorded_only_where_the_seat_allows_it(stated, elsewhere):
    user = make_member(elsewhere, Role.ACCOUNTING)
    make_member(stated.agency, Role.AUDITOR, email=user.email)
    sent = sign_in(user).post(page("remittance", name="add"), wire(stated.agency, stated.licensee))

    assert "agency" in sent.context["adminform"].form.errors
    assert not Remittance.objects.exists()
