"""The portal's pages of one's money: statements line by line, payments, years, disputes."""

import csv
import re
from datetime import date, timedelta
from decimal import Decimal as D

import pytest
from django.urls import reverse

from licensing.agreements.rules.rulesets import load_rules
from talent.models import Beneficiary
from talent.words import Role
from tests.factories import (
    admin_page,
    make_delegate,
    make_member,
    make_performer,
    make_user,
    sign_in,
    take_step,
)
from tests.valuation.cash.accounting import add_details, approve, bank_line, draw_up
from tests.valuation.world import TONIGHT
from valuation import night
from valuation.cash.disputed import deciding, raising
from valuation.cash.received import remittances
from valuation.models import Dispute, PayoutPayment, Reading, Statement
from valuation.statements import settled, steps
from valuation.words import DisputeOutcome, DisputeReason


@pytest.fixture
def accountant(world):
    return make_member(world.agency, Role.ACCOUNTING)


@pytest.fixture
def colleague(world):
    return make_member(world.agency, Role.BUSINESS_AFFAIRS)


@pytest.fixture
def statement(world, short_papers, ada, accountant, colleague):
    """A hundred dubbed lines at $2.00, received and issued: 180.00 are payable."""
    load_rules()
    world.line(unit_price="2")
    world.use("100")
    remittances.record(
        agency_id=world.agency.pk, licensee_id=world.licensee.pk, amount=D(200), currency="USD",
        received_on=date(2026, 9, 3), reference="WIRE-1", by=None, now=TONIGHT,
    )  # fmt: skip
    night.run_night(as_of=date(2026, 11, 22), now=TONIGHT)
    row = Statement.objects.filter(beneficiary__isnull=False).earliest("period_on")
    steps.review(statement_id=row.pk, by=accountant, at=TONIGHT)
    steps.approve(statement_id=row.pk, by=colleague, at=TONIGHT)
    return steps.issue(statement_id=row.pk, by=colleague, at=TONIGHT)


@pytest.fixture
def reader(client, ada, statement):
    client.force_login(ada)
    return ada


def url(name, *args):
    return reverse(f"portal:{name}", args=args)


def text_of(client, name, *args):
    answer = client.get(url(name, *args))
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def dispute_it(client, statement, **about):
    told = {"reason": "quantity", "text": "There were 80."} | about
    line = url("dispute-line", statement.pk, Reading.objects.get().pk)
    answer = client.post(line, told)
    assert answer.status_code == 302, answer.content.decode()
    return Dispute.objects.get()


def pay(world, accountant, colleague):
    for payee in (None, world.beneficiary):
        add_details(world, payee, accountant, colleague)
    run = draw_up(world, accountant)
    approve(run, colleague)
    return run.payments.get()


# A statement, line by line


def test_a_statement_says_what_it_was_earned_for_and_leads_to_its_files(
    client, reader, statement, django_assert_max_num_queries
):
    with django_assert_max_num_queries(20):
        page = text_of(client, "statement", statement.pk)

    for told in ("Paper Moon Pictures", "100 lines", "$200.00", "$180.00", "WIRE-1", "Dispute"):
        assert told in page
    assert "The desk knows no rule that says until when" in page
    book = client.get(url("statement-xlsx", statement.pk))
    assert b"".join(book.streaming_content).startswith(b"PK")
    assert url("statement", statement.pk) in client.get(url("statements")).content.decode()


def test_the_page_is_in_the_readers_locale(client, reader, statement):
    reader.locale = "de-DE"
    reader.save()

    assert "180,00 $" in text_of(client, "statement", statement.pk)


# A dispute, from the portal and back


def test_a_payee_disputes_a_line_and_reads_the_answer_but_no_note(
    client, reader, statement, accountant, colleague
):
    asks = text_of(client, "dispute-line", statement.pk, Reading.objects.get().pk)
    assert "All the rest is paid as usual" in asks
    assert not Dispute.objects.exists()
    dispute = dispute_it(client, statement)
    assert dispute.moves.get().amount == D(180)

    admin = sign_in(accountant)
    page = admin_page(Dispute, dispute.pk)
    assert dispute.label in admin.get(page).content.decode()
    for step, text in (("answer", "We look at it."), ("note", "They may be right.")):
        take_step(admin, step, dispute, text=text)
    page = text_of(client, "dispute", dispute.pk)
    assert "We look at it." in page
    assert "They may be right." not in page
    client.post(url("dispute", dispute.pk), {"text": "Thank you."})
    assert "Thank you." in admin.get(admin_page(Dispute, dispute.pk)).content.decode()

    take_step(admin, "propose", dispute, outcome="rejected", reason="The log says 100.")
    assert "The log says 100." not in text_of(client, "dispute", dispute.pk)
    assert "Being looked at" in text_of(client, "dispute", dispute.pk)
    take_step(sign_in(colleague), "approve", dispute)
    page = text_of(client, "dispute", dispute.pk)
    assert "Rejected" in page
    assert "The log says 100." in page
    assert "No money waits" in page


def test_one_withdraws_ones_own_dispute_once(client, reader, statement):
    dispute = dispute_it(client, statement)
    assert "$180.00 received, and held" in text_of(client, "statements")
    assert "In dispute $180.00" in text_of(client, "earnings")

    for said in ("It is withdrawn", "Withdrawn"):
        client.post(url("dispute-withdraw", dispute.pk))
        assert said in text_of(client, "dispute", dispute.pk)


def test_a_line_is_disputed_once_and_the_refusal_stands_on_the_page(client, reader, statement):
    dispute = dispute_it(client, statement)
    line = url("dispute-line", statement.pk, Reading.objects.get().pk)

    again = client.post(line, {"reason": "amount", "text": "Really."})

    assert f"disputed already, as {dispute.reference}" in again.content.decode()


def strangers(world):
    yield make_user("ben@desk.example", performer=make_performer("Ben Sample"))
    yield make_delegate(world.performer, "counsel", "see_twins", "see_usage")


def test_what_is_somebody_elses_does_not_exist(client, world, reader, statement):
    dispute = dispute_it(client, statement)
    line = Reading.objects.get().pk
    pages = [url("statement", statement.pk), url("statement-xlsx", statement.pk),
             url("dispute-line", statement.pk, line), url("dispute-statement", statement.pk),
             url("dispute", dispute.pk)]  # fmt: skip
    for stranger in strangers(world):
        client.force_login(stranger)
        assert {client.get(page).status_code for page in pages} == {404}
        posted = [client.post(pages[2], {"reason": "amount", "text": "Mine"}),
                  client.post(pages[4], {"text": "Mine"}),
                  client.post(url("dispute-withdraw", dispute.pk))]  # fmt: skip
        assert {answer.status_code for answer in posted} == {404}
    client.force_login(reader)
    assert client.get(url("dispute-line", statement.pk, line + 1)).status_code == 404
    assert Dispute.objects.count() == 1
    assert not dispute.messages.exists()


def test_a_studios_dispute_is_told_with_ones_own_part_and_nothing_else(
    client, reader, statement, accountant
):
    dispute = raising.raise_for_licensee(
        reading_id=Reading.objects.get().pk, reason=DisputeReason.AMOUNT, text="Never agreed.",
        by=accountant, at=TONIGHT,
    )  # fmt: skip

    page = text_of(client, "statements")
    assert "Paper Moon Pictures disputes what it owes" in page
    assert "$180.00 of yours wait" in page
    assert "Never agreed" not in page
    assert client.get(url("dispute", dispute.pk)).status_code == 404


# Payments


def test_what_comes_next_has_its_day_by_law_and_a_payment_its_advice(
    client, world, reader, statement, accountant, colleague, django_assert_max_num_queries
):
    page = text_of(client, "payments")
    # California's 30 days from 3 September.
    for told in ("$180.00", "Oct 3, 2026", "Nothing was paid yet", "no bank details of you yet"):
        assert told in page
    payment = pay(world, accountant, colleague)

    with django_assert_max_num_queries(22):
        page = text_of(client, "payments")
    for told in (payment.end_to_end, "With the bank", "Nothing is payable now", "3000"):
        assert told in page
    assert "DE89370400440532013000" not in page
    advice = text_of(client, "payment", payment.pk)
    assert "Paper Moon Pictures" in advice
    (row,) = csv.DictReader(
        client.get(url("payment-csv", payment.pk)).getvalue().decode().splitlines()
    )
    assert (D(row["amount"]), row["received_on"]) == (D(180), "2026-09-03")

    line = bank_line(world, "-180", reference=payment.end_to_end, by=accountant)
    settled.confirm(line=line, by=accountant, at=TONIGHT)
    assert "Paid" in text_of(client, "payments")


def test_nobody_else_reads_a_payment(client, world, statement, accountant, colleague):
    payment = pay(world, accountant, colleague)
    for stranger in strangers(world):
        client.force_login(stranger)
        assert client.get(url("payment", payment.pk)).status_code == 404
        assert client.get(url("payment-csv", payment.pk)).status_code == 404
    assert PayoutPayment.objects.count() == 1


# Years


def test_a_year_is_counted_from_the_books(
    client, world, reader, statement, accountant, colleague, django_assert_max_num_queries
):
    payment = pay(world, accountant, colleague)
    line = bank_line(world, "-180", reference=payment.end_to_end, by=accountant,
                     on=date(2027, 1, 4))  # fmt: skip
    settled.confirm(line=line, by=accountant, at=TONIGHT + timedelta(60))

    with django_assert_max_num_queries(14):
        page = text_of(client, "years")
    assert "2027" in page
    rows = csv.DictReader(client.get(url("years-csv")).getvalue().decode().splitlines())
    found = {row["year"]: {name: D(row[name]) for name in list(row)[2:]} for row in rows}
    assert found == {
        "2027": dict.fromkeys(found["2026"], D(0)) | {"paid": D(180)},
        "2026": dict.fromkeys(found["2026"], D(0))
        | {"earned": D(200), "received": D(200), "commission": D(-20)},
    }


def test_a_dispute_changes_no_year(client, reader, statement):
    before = client.get(url("years-csv")).getvalue()
    dispute_it(client, statement)

    assert client.get(url("years-csv")).getvalue() == before


# Whoever acts for somebody


def test_an_heir_sees_their_own_money_and_whom_they_act_for(client, world, reader):
    heir = make_user("heir@desk.example")
    Beneficiary.objects.create(name="Ada’s heir", user=heir, agency=world.agency)
    client.force_login(heir)

    assert "Ada’s heir" in text_of(client, "payments")
    assert "Nothing is payable now" in text_of(client, "payments")
    assert "No year has anything yet" in text_of(client, "years")
    assert "No statement has been issued yet" in text_of(client, "statements")


def test_staff_notes_a_studios_dispute_on_the_page_of_what_it_owes(world, statement, accountant):
    line = Reading.objects.get()
    admin = sign_in(accountant)
    take_step(admin, "dispute", line, reason="rate", text="The card says 1.50.")

    dispute = Dispute.objects.get()
    assert (dispute.licensee, dispute.text) == (world.licensee, "The card says 1.50.")
    assert dispute.reference in admin.get(admin_page(Reading, line.pk)).content.decode()
    with pytest.raises(deciding.NotItsTurn):
        deciding.propose(
            dispute_id=dispute.pk, outcome=DisputeOutcome.SETTLED, note="Done", by=accountant,
            at=TONIGHT,
        )  # fmt: skip
