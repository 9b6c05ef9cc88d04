"""Payout runs: who is paid, by two people, once, and what the bank makes of it."""

import contextlib
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from decimal import Decimal as D
from threading import Barrier

import pgtrigger
import pytest
from django.db import ProgrammingError, connection, transaction
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as with_settings
from hypothesis import strategies as st
from lxml import etree

from licensing.agreements.rules.rulesets import load_rules
from licensing.models import Hold
from talent import four_eyes
from talent.errors import Refused
from talent.models import Beneficiary, OutboxMessage
from talent.words import Role
from tests import factories
from tests.factories import admin_page, messages_of, sign_in, take_step
from tests.valuation.cash.accounting import (
    AUTUMN,
    BERLIN,
    IBANS,
    TODAY,
    add_details,
    approve,
    balances,
    bank_line,
    draw_up,
    receive,
)
from tests.valuation.world import TONIGHT, give_certificate, issue_july_statement
from valuation import night
from valuation.bank_files import pain001
from valuation.bank_files.payments import BankAccount
from valuation.cash.disputed import left
from valuation.cash.disputed.left import Item
from valuation.cash.paid_out import bank_details, commission, payouts
from valuation.cash.received import remittances
from valuation.cash.released import matching, reversals
from valuation.models import (
    BankDetails,
    BankDetailsDecision,
    BankLine,
    JournalEntry,
    PayoutPayment,
    PayoutRun,
    Statement,
)
from valuation.statements import draw, settled
from valuation.words import AccountKind, PaymentScheme, PayoutRunState

K = AccountKind


@pytest.fixture
def accountant(world):
    return factories.make_member(world.agency, Role.ACCOUNTING)


@pytest.fixture
def colleague(world):
    return factories.make_member(world.agency, Role.BUSINESS_AFFAIRS)


@pytest.fixture
def owed(world, accountant, colleague):
    """300.00 dollars are payable to Ada, and the agency knows her account and has its own."""
    add_details(world, None, accountant, colleague)
    add_details(world, world.beneficiary, accountant, colleague)
    receive(world, world.beneficiary, "300", commission="30")
    return world


def paid_run(world, accountant, colleague):
    run = draw_up(world, accountant)
    approve(run, colleague)
    return run


def state(run):
    return PayoutRun.objects.with_state().get(pk=run.pk).state


# Whom, how much, and who waits


def test_a_run_moves_no_money_until_somebody_else_approves(owed, accountant, colleague):
    before = balances(owed)
    run = draw_up(owed, accountant)

    payment = run.payments.get()
    assert (payment.amount, payment.holds, balances(owed)) == (D(300), [], before)
    with pytest.raises(four_eyes.FourEyes):
        approve(run, accountant)
    approve(run, colleague)

    after = balances(owed)
    assert (after.get(K.PAYABLE), after[K.IN_TRANSIT], after[K.TRUST_CASH]) == (
        None, D(-300), D(330),
    )  # fmt: skip
    with pytest.raises(payouts.NotItsTurn):
        approve(run, colleague)


def no_form(world, *_people):
    world.beneficiary.tax_certificates.all().delete()


def in_dispute(world, *_people):
    Hold.objects.create(
        kind="dispute", performer=world.performer, starts_at=TONIGHT, reason="Disputed"
    )


def no_details(world, *_people):
    with pgtrigger.ignore():
        rows = BankDetails.objects.filter(beneficiary=world.beneficiary)
        BankDetailsDecision.objects.filter(details__in=rows).delete()
        rows.delete()


def changed_lately(world, accountant, colleague):
    account = BankAccount("Ada Example", BERLIN, iban=IBANS[1])
    add_details(world, world.beneficiary, accountant, colleague, account=account, at=TONIGHT)


def change_waits(world, accountant, _colleague):
    bank_details.write(
        agency=world.agency, beneficiary=world.beneficiary, currency="USD",
        account=BankAccount("Ada Example", BERLIN, iban=IBANS[1]), by=accountant, at=TONIGHT,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("happens", "hold", "about"),
    [
        (no_form, "no_tax_form", {}),
        (in_dispute, "disputed", {}),
        (no_details, "no_bank_details", {}),
        (changed_lately, "cooling_off", {}),
        (change_waits, "details_wait", {}),
        (None, "below_minimum", {"minimum": D("300.01")}),
        (None, "other_file", {"scheme": PaymentScheme.NACHA}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_each_hold_has_its_reason_and_the_others_are_paid(
    owed, accountant, colleague, happens, hold, about
):
    bo = Beneficiary.objects.create(name="Bo", agency=owed.agency)
    give_certificate(bo)
    account = BankAccount("Bo", BERLIN, routing_number="011401533", number="123456789")
    add_details(owed, bo, accountant, colleague, account=account)
    if hold == "other_file":
        own = BankAccount("Agency", BERLIN, routing_number="021000021", number="12345")
        add_details(owed, None, accountant, colleague, account=own, at=TONIGHT - timedelta(9))
    receive(owed, bo, "500")
    if happens:
        happens(owed, accountant, colleague)

    run = draw_up(owed, accountant, **about)

    held = run.payments.get(beneficiary=owed.beneficiary)
    assert held.holds == [hold]
    assert run.payments.get(beneficiary=bo).holds == []
    approve(run, colleague)
    assert [one.beneficiary for one in run.payments.live()] == [bo]


def test_who_owes_money_back_is_carried_and_listed(owed, accountant):
    bo = Beneficiary.objects.create(name="Bo", agency=owed.agency)
    receive(owed, bo, "-20")

    run = draw_up(owed, accountant)

    carried = run.payments.get(beneficiary=bo)
    assert (carried.amount, carried.holds) == (D(-20), ["negative"])


def test_a_dispute_of_one_agreement_holds_its_part_and_pays_the_rest(owed, accountant, colleague):
    other = factories.make_agreement(
        owed.agency, owed.licensee, owed.twin, reference="NA-2", ends_at=None
    )
    receive(owed, owed.beneficiary, "40", on=AUTUMN - timedelta(30), agreement=other)
    Hold.objects.create(kind="dispute", agreement=other, starts_at=TONIGHT, reason="Disputed")

    run = paid_run(owed, accountant, colleague)
    assert run.payments.get().amount == D(300)

    # What is left is the disputed part, and stays so whatever was paid meanwhile.
    with pytest.raises(payouts.NobodyToPay, match="in dispute"):
        draw_up(owed, accountant)
    Hold.objects.all().delete()
    assert draw_up(owed, accountant).payments.get().amount == D(40)


@pytest.mark.parametrize(
    ("country", "days"), [("US", 30), ("GB", 10), ("DE", None)], ids=["US", "GB", "DE"]
)
def test_the_pay_by_day_is_the_laws_for_the_oldest_receipt(owed, accountant, country, days):
    load_rules()
    owed.agency.country = country
    owed.agency.save()
    receive(owed, owed.beneficiary, "5", on=AUTUMN + timedelta(3))

    payment = draw_up(owed, accountant).payments.get()

    assert payment.pay_by == (days and AUTUMN + timedelta(days))


# Once, and what was seen


def test_no_money_is_drawn_twice(owed, accountant, colleague):
    run = draw_up(owed, accountant)
    with pytest.raises(payouts.NobodyToPay, match="no other run"):
        draw_up(owed, accountant)
    approve(run, colleague)
    with pytest.raises(payouts.NobodyToPay):
        draw_up(owed, accountant)
    receive(owed, owed.beneficiary, "7")

    assert draw_up(owed, accountant).payments.get().amount == D(7)


def test_a_late_event_waits_for_the_next_run_and_a_fall_stops_this_one(owed, accountant, colleague):
    run = draw_up(owed, accountant)
    receive(owed, owed.beneficiary, "50")
    receive(owed, owed.beneficiary, "-60")
    with pytest.raises(payouts.ChangedSince, match="less is payable"):
        approve(run, colleague)
    assert state(run) is PayoutRunState.DRAWN_UP

    payouts.change(
        payment_id=run.payments.get().pk, amount=D(290), reason="A fall", by=accountant, at=TONIGHT
    )
    approve(run, colleague)

    assert K.PAYABLE not in balances(owed)


def test_details_changed_the_day_before_stop_the_run(owed, accountant, colleague):
    run = draw_up(owed, accountant)
    changed_lately(owed, accountant, colleague)

    with pytest.raises(payouts.ChangedSince, match="changed a few days ago"):
        approve(run, colleague)
    assert not run.payments.live().exists()


def test_who_approves_is_bound_to_what_they_saw(owed, accountant, colleague):
    run = draw_up(owed, accountant)
    seen = payouts.digest_of(run)
    third = factories.make_member(owed.agency, Role.ACCOUNTING, email="third@agency.example")
    payouts.change(
        payment_id=run.payments.get().pk, amount=D(100), reason="Less", by=third, at=TONIGHT
    )

    with pytest.raises(payouts.ChangedSince, match="Look again"):
        payouts.approve(run_id=run.pk, seen=seen, by=colleague, at=TONIGHT)
    with pytest.raises(four_eyes.FourEyes):
        approve(run, third)
    approve(run, colleague)
    # What was not paid stays payable.
    assert balances(owed)[K.PAYABLE] == D(-200)


def test_a_cancelled_run_gives_its_money_back(owed, accountant, colleague):
    before = balances(owed)
    run = paid_run(owed, accountant, colleague)

    payouts.cancel(run_id=run.pk, by=accountant, at=TONIGHT, reason="A wrong day")

    assert (state(run), balances(owed)) == (PayoutRunState.CANCELLED, before)
    assert draw_up(owed, accountant).payments.get().amount == D(300)


def test_what_was_approved_is_frozen(owed, accountant, colleague):
    run = paid_run(owed, accountant, colleague)

    for rows in (PayoutRun.objects.filter(pk=run.pk), run.payments.all()):
        with pytest.raises(ProgrammingError), transaction.atomic():
            rows.update(currency="EUR")


# The file


@pytest.mark.parametrize("scheme", list(PaymentScheme))
def test_the_files_control_sum_is_what_the_journal_posted(owed, accountant, colleague, scheme):
    us = BankAccount("Ada", BERLIN, routing_number="011401533", number="123456789")
    own = BankAccount("Agency", BERLIN, routing_number="021000021", number="12345")
    early = TONIGHT - timedelta(20)
    add_details(owed, owed.beneficiary, accountant, colleague, account=us, at=early)
    add_details(owed, None, accountant, colleague, account=own, at=early)
    run = draw_up(owed, accountant, scheme=scheme)
    approve(run, colleague)

    content = payouts.fetch(run_id=run.pk, by=accountant, at=TONIGHT)
    again = payouts.fetch(run_id=run.pk, by=colleague, at=TONIGHT + timedelta(1))

    assert content == again
    posted = -balances(owed)[K.IN_TRANSIT]
    if scheme is PaymentScheme.NACHA:
        end = next(line for line in content.decode().splitlines() if line.startswith("9000"))
        assert D(end[43:55]) / 100 == posted
    else:
        space = {"p": pain001.NAMESPACE}
        assert D(etree.fromstring(content).find(".//p:CtrlSum", space).text) == posted
    assert "123456789" not in str(PayoutRun.objects.values().get(pk=run.pk)["file"])
    with pytest.raises(payouts.NotItsTurn):
        payouts.cancel(run_id=run.pk, by=accountant, at=TONIGHT, reason="Too late")


def test_the_page_says_that_a_file_was_fetched_before(owed, accountant, colleague):
    run = paid_run(owed, accountant, colleague)
    client, url = sign_in(accountant), admin_page(PayoutRun, run.pk, name="fetch_file")

    first_look = client.get(url)
    assert "fetched before" not in first_look.text
    assert state(run) is PayoutRunState.APPROVED
    file = client.post(url)
    assert file["Content-Disposition"] == f'attachment; filename="{run.reference}.xml"'
    again = client.get(url)

    assert "fetched before" in again.text
    assert accountant.email in again.text or str(accountant) in again.text
    assert client.post(url).content == file.content
    assert IBANS[0].encode() in file.content
    assert IBANS[0] not in again.text


def test_details_that_changed_after_the_approval_are_named_where_the_file_is(
    owed, accountant, colleague
):
    run = paid_run(owed, accountant, colleague)
    client, url = sign_in(accountant), admin_page(PayoutRun, run.pk, name="fetch_file")
    assert "changed since the approval" not in client.get(url).text
    changed_lately(owed, accountant, colleague)

    assert "changed since the approval:</strong> Ada Example" in client.get(url).text


def test_what_a_lost_key_sealed_is_held_and_said(owed, accountant, colleague, settings):
    change_waits(owed, accountant, colleague)
    waiting = BankDetails.objects.waiting().get()
    receive(owed, owed.beneficiary, "5")
    settings.KEY_ENCRYPTION_KEY = bytes(32)
    shown = sign_in(colleague).get(admin_page(BankDetails, waiting.pk, name="approve"))
    assert "cannot be opened" in shown.text
    bank_details.reject(details_id=waiting.pk, by=accountant, at=TONIGHT, note="Lost")

    with pytest.raises(bank_details.CannotBeOpened, match="entered anew"):
        bank_details.account_of(BankDetails.objects.first())
    with pytest.raises(payouts.NobodyToPay, match="no approved bank details"):
        draw_up(owed, accountant)


# What the bank says


def test_paid_means_posted_when_the_bank_booked_it_and_statements_follow(
    owed, accountant, colleague
):
    ada = factories.make_user("ada@performers.example", performer=owed.performer)
    statement = issue_july_statement(owed, closing="300")
    statement.steps.create(kind="issued", at=TONIGHT)
    run = paid_run(owed, accountant, colleague)
    payment = run.payments.get()
    line = bank_line(owed, "-300", reference=payment.end_to_end, by=accountant)

    settled.confirm(line=line, by=accountant, at=TONIGHT)

    assert balances(owed) == {K.TRUST_CASH: D(30), K.COMMISSION: D(-30)}
    assert state(run) is PayoutRunState.SETTLED
    assert Statement.objects.with_status().get().status == "paid"
    advice = OutboxMessage.objects.filter(recipient=ada.email).latest("pk")
    assert payment.end_to_end in advice.body
    assert IBANS[0] not in advice.body
    with pytest.raises(payouts.NotOfAPayout):
        settled.confirm(line=line, by=accountant, at=TONIGHT)


def test_a_statement_is_paid_once_all_of_it_is(owed, accountant, colleague):
    issue_july_statement(owed, closing="300").steps.create(kind="issued", at=TONIGHT)
    runs = []
    for amount in ("120", "180"):
        run = draw_up(owed, accountant)
        payment = run.payments.get()
        payouts.change(
            payment_id=payment.pk, amount=D(amount), reason="Part", by=accountant, at=TONIGHT
        )
        approve(run, colleague)
        runs.append(run)
    statuses = []
    for run, amount in zip(runs, ("-120", "-180"), strict=True):
        line = bank_line(owed, amount, reference=run.reference, by=accountant)
        settled.confirm(line=line, by=accountant, at=TONIGHT)
        statuses.append(Statement.objects.with_status().get().status)

    assert statuses == ["issued", "paid"]


def test_a_bounce_makes_the_money_payable_again_and_holds_the_account(owed, accountant, colleague):
    statement = issue_july_statement(owed, closing="300")
    statement.steps.create(kind="issued", at=TONIGHT)
    before = balances(owed)
    run = paid_run(owed, accountant, colleague)
    payment = run.payments.get()
    reference = payment.end_to_end
    back = bank_line(owed, "300", reference=reference, by=accountant, on=TODAY + timedelta(5))
    with pytest.raises(payouts.NotOfAPayout):
        settled.give_back(line=back, by=accountant, at=TONIGHT)
    line = bank_line(owed, "-300", reference=reference, by=accountant)
    settled.confirm(line=line, by=accountant, at=TONIGHT)

    settled.give_back(line=back, by=accountant, at=TONIGHT)

    assert balances(owed) == before
    assert Statement.objects.with_status().get().status == "came_back"
    assert not BankLine.objects.with_state().filter(is_open=True).exists()
    with pytest.raises(payouts.NobodyToPay, match="sent a payment to this account back"):
        draw_up(owed, accountant, pay_on=TODAY + timedelta(9))


@pytest.mark.parametrize(("came", "is_it"), [("299", True), ("150", True), ("149.99", False)])
def test_a_fee_that_the_bank_kept_of_a_return_the_agency_bears(
    owed, accountant, colleague, came, is_it
):
    before = balances(owed)
    payment = paid_run(owed, accountant, colleague).payments.get()
    line = bank_line(owed, "-300", reference=payment.end_to_end, by=accountant)
    settled.confirm(line=line, by=accountant, at=TONIGHT)
    back = bank_line(
        owed, came, reference=payment.end_to_end, by=accountant, on=TODAY + timedelta(5)
    )
    if not is_it:
        with pytest.raises(payouts.NotOfAPayout):
            settled.give_back(line=back, by=accountant, at=TONIGHT)
        return
    page = sign_in(accountant).get(admin_page(BankLine, back.pk, name="send_back"))
    assert "Fee kept by the bank" in page.content.decode()

    settled.give_back(line=back, by=accountant, at=TONIGHT)

    fee = D(300) - D(came)
    assert balances(owed)[K.PAYABLE] == before[K.PAYABLE]
    assert balances(owed)[K.AGENCY_MONEY] == fee
    assert balances(owed)[K.TRUST_CASH] == before[K.TRUST_CASH] - fee


def test_the_next_statement_says_what_was_paid_out_and_what_came_back(world, accountant, colleague):
    world.line(unit_price=D(100))
    world.use("10")
    night.run_night(as_of=TODAY, now=TONIGHT)
    remittances.record(
        agency_id=world.agency.pk, licensee_id=world.licensee.pk, amount=D(1000), currency="USD",
        received_on=date(2026, 9, 20), reference="WIRE-1", by=None, now=TONIGHT,
    )  # fmt: skip
    matching.match_unmatched(agency_id=world.agency.pk, now=TONIGHT)
    add_details(world, None, accountant, colleague)
    add_details(world, world.beneficiary, accountant, colleague)
    payment = paid_run(world, accountant, colleague).payments.get()

    def closings():
        draw.draw_due(as_of=date(2027, 1, 5), now=TONIGHT + timedelta(44))
        own = Statement.objects.filter(beneficiary=world.beneficiary).order_by("period_on")
        return [(one.closing, sorted(one.lines.values_list("section", flat=True))) for one in own]

    assert closings() == [(D(900), ["receipt", "usage"]), (D(0), ["payout"])]
    for amount, act in (("-900", settled.confirm), ("900", settled.give_back)):
        line = bank_line(world, amount, reference=payment.end_to_end, by=accountant)
        act(line=line, by=accountant, at=TONIGHT)

    assert [closing for closing, _lines in closings()] == [D(900), D(900)]


@pytest.mark.parametrize("amount", ["-299.99", "-300.01", "300"])
def test_a_line_of_another_amount_confirms_nothing(owed, accountant, colleague, amount):
    run = paid_run(owed, accountant, colleague)
    line = bank_line(owed, amount, reference=run.payments.get().end_to_end, by=accountant)

    with pytest.raises(payouts.NotOfAPayout):
        settled.confirm(line=line, by=accountant, at=TONIGHT)


def test_another_agencys_line_confirms_nothing(owed, accountant, colleague):
    run = paid_run(owed, accountant, colleague)
    line = bank_line(owed, "-300", reference=run.payments.get().end_to_end, by=accountant)
    line.agency = factories.make_agency("eastlight")

    assert payouts.booked_by(line) == []


def test_a_debit_of_a_whole_run_pays_all_of_it(owed, accountant, colleague):
    run = paid_run(owed, accountant, colleague)
    line = bank_line(owed, "-300", reference=run.reference, by=accountant)

    client = sign_in(accountant)
    shown = client.get(admin_page(BankLine, line.pk))
    assert str(run.payments.get()) in shown.text
    answer = take_step(client, "confirm_payout", line)

    assert "posted as paid out" in messages_of(answer)
    assert K.IN_TRANSIT not in balances(owed)


def test_what_the_bank_never_executed_is_taken_back_by_two_people(owed, accountant, colleague):
    before = balances(owed)
    run = paid_run(owed, accountant, colleague)
    entry = JournalEntry.objects.get(payout_payment__run=run)
    asked = reversals.ask(entry_id=entry.pk, reason="Not executed", by=accountant, at=TONIGHT)
    reversals.approve(request_id=asked.pk, by=colleague, at=TONIGHT)

    assert (state(run), balances(owed)) == (PayoutRunState.SETTLED, before)
    line = bank_line(owed, "-300", reference=run.payments.get().end_to_end, by=accountant)
    assert payouts.booked_by(line) == []


def test_a_payout_that_the_bank_booked_is_not_reversed_by_hand(owed, accountant, colleague):
    run = paid_run(owed, accountant, colleague)
    line = bank_line(owed, "-300", reference=run.reference, by=accountant)
    settled.confirm(line=line, by=accountant, at=TONIGHT)

    for entry in JournalEntry.objects.filter(kind__startswith="payout"):
        with pytest.raises(reversals.NotReversible):
            reversals.ask(entry_id=entry.pk, reason="Oops", by=accountant, at=TONIGHT)


def test_commission_is_drawn_by_a_debit_and_never_more_than_was_earned(owed, accountant, colleague):
    too_much = bank_line(owed, "-30.01", reference="own", by=accountant)
    with pytest.raises(commission.NotThatMuchCommission):
        commission.draw(line=too_much, by=accountant, at=TONIGHT)
    line = bank_line(owed, "-20", reference="own", by=accountant)

    entry = commission.draw(line=line, by=accountant, at=TONIGHT)

    assert balances(owed)[K.COMMISSION] == D(-10)
    asked = reversals.ask(entry_id=entry.pk, reason="A fee", by=accountant, at=TONIGHT)
    reversals.approve(request_id=asked.pk, by=colleague, at=TONIGHT)
    assert balances(owed)[K.COMMISSION] == D(-30)
    assert BankLine.objects.with_state().get(pk=line.pk).is_open


# Pages


def test_an_accountant_draws_up_and_a_colleague_approves_on_pages(owed, accountant, colleague):
    client = sign_in(accountant)
    given = {
        "agency": owed.agency.pk, "currency": "USD", "scheme": "iso20022", "minimum": "0",
        "pay_on": str(timezone.localdate() + timedelta(30)),
    }  # fmt: skip
    url = admin_page(PayoutRun, name="changelist")
    draw = client.get(url)
    assert "Draw up a run" in draw.text

    made = client.post(admin_page(PayoutRun, name="draw_up"), given)

    assert made.status_code == 302, made.context["form"].errors
    run = PayoutRun.objects.get()
    refused = take_step(client, "approve", run)
    assert "ask somebody else" in refused.text
    shown = sign_in(colleague).get(admin_page(PayoutRun, run.pk, name="approve"))
    assert "Ada Example" in shown.text
    assert IBANS[0] not in shown.text
    assert "is approved" in messages_of(take_step(sign_in(colleague), "approve", run))
    payment = run.payments.get()
    page = client.get(admin_page(PayoutPayment, payment.pk))
    assert owed.agreement.reference in page.text
    advice = b"".join(client.get(admin_page(PayoutPayment, payment.pk, name="advice")))
    assert f"{payment.end_to_end},2026-10-30,NA-1,300" in advice.decode()


# Arithmetic


days = st.dates(date(2026, 1, 1), date(2026, 1, 4))
sources = st.tuples(days, st.sampled_from([None, 1, 2]))
cents = st.integers(-500, 500).map(lambda number: D(number) / 100)


@given(st.dictionaries(sources, cents), st.lists(st.tuples(sources, cents.filter(lambda x: x > 0))))
def test_what_is_left_is_what_came_less_what_was_paid(sums, paid):
    payments = [Item(*source, amount) for source, amount in paid]

    rest = left.left_of(sums, payments)

    total = sum(sums.values(), D(0)) - sum((one.amount for one in payments), D(0))
    assert sum((one.amount for one in rest), D(0)) == total
    below = [one for one in rest if one.amount < 0]
    assert len(below) <= 1
    assert not below or len(rest) == 1


@given(st.lists(st.tuples(sources, cents.filter(lambda x: x > 0)), max_size=5), cents)
def test_a_part_pays_the_oldest_first_and_no_more(brought, amount):
    items = [Item(*source, one) for source, one in brought]
    whole = sum((one.amount for one in items), D(0))

    paid = left.cut(items, amount)

    assert sum((one.amount for one in paid), D(0)) == min(max(amount, D(0)), whole)


# Whatever happens, in any order


@pytest.mark.django_db(transaction=True)
def test_of_two_people_who_approve_at_once_one_does(owed, accountant, colleague):
    third = factories.make_member(owed.agency, Role.ACCOUNTING, email="third@agency.example")
    run = draw_up(owed, accountant)
    seen = payouts.digest_of(run)
    together = Barrier(2)

    def approve_now(by):
        try:
            together.wait(timeout=10)
            payouts.approve(run_id=run.pk, seen=seen, by=by, at=TONIGHT)
        except payouts.NotItsTurn:
            return "too late"
        finally:
            connection.close()
        return "approved"

    with ThreadPoolExecutor(2) as threads:
        answers = sorted(threads.map(approve_now, [colleague, third]))

    assert answers == ["approved", "too late"]
    assert balances(owed)[K.IN_TRANSIT] == D(-300)


happenings = st.lists(
    st.sampled_from(["earn", "fall", "draw", "part", "approve", "cancel", "book", "bounce"]),
    min_size=4, max_size=12,
)  # fmt: skip


@given(happenings)
@with_settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_items_are_the_payable_balance_whatever_happens(owed, accountant, colleague, happened):
    """What runs may pay is what the books call payable, less what other runs plan."""
    with transaction.atomic():
        for number, what in enumerate(happened):
            happen(owed, what, accountant, colleague, number)
            found = left.open_items(agency_id=owed.agency.pk, currency="USD")
            free = sum((item.amount for items in found.values() for item in items), D(0))
            plans = PayoutPayment.objects.planned().values_list("amount", flat=True)
            assert free == -balances(owed).get(K.PAYABLE, D(0)) - sum(plans)
            assert sum(balances(owed).values()) == 0
        transaction.set_rollback(True)


def happen(world, what, accountant, colleague, number):
    """Have something happen, or be refused."""
    run = PayoutRun.objects.order_by("pk").last()
    payment = run and run.payments.first()
    live = payment and PayoutPayment.objects.live().filter(pk=payment.pk).exists()
    day = TODAY + timedelta(number)
    with contextlib.suppress(Refused), transaction.atomic():
        if what == "earn":
            receive(world, world.beneficiary, "50.01", on=AUTUMN + timedelta(number))
        elif what == "fall":
            receive(world, world.beneficiary, "-70", on=AUTUMN)
        elif what == "draw":
            draw_up(world, accountant)
        elif what == "part" and run:
            payouts.change(
                payment_id=payment.pk, amount=D("33.33"), reason="Less", by=accountant, at=TONIGHT
            )
        elif what == "approve" and run:
            approve(run, colleague)
        elif what == "cancel" and run:
            payouts.cancel(run_id=run.pk, by=accountant, at=TONIGHT, reason="No")
        elif what in ("book", "bounce") and live:
            amount = -payment.amount if what == "book" else payment.amount
            line = bank_line(
                world, str(amount), reference=payment.end_to_end, by=accountant, on=day
            )
            act = settled.confirm if what == "book" else settled.give_back
            act(line=line, by=accountant, at=TONIGHT)
