"""Refunds, write-offs, exchanges: two people, posted once, taken back with what hangs on them."""

from datetime import date, timedelta
from decimal import Decimal as D

import pytest
from django.urls import reverse

from licensing.money import Money
from talent import four_eyes
from talent.words import Role
from tests import factories
from tests.factories import admin_page, sign_in, take_step
from tests.valuation.cash.accounting import balances, bank_line
from tests.valuation.world import TONIGHT
from valuation import night
from valuation.cash.received import allocations, exchanges, remittances, requests
from valuation.cash.received.allocations import Said
from valuation.cash.received.requests import NotToBeAsked
from valuation.cash.reconciliation import reconcile
from valuation.cash.released import matching, reversals
from valuation.ledger.rates import NoRate
from valuation.models import (
    Account,
    BankLine,
    CashRequest,
    ExchangeRate,
    JournalEntry,
    Reading,
    Remittance,
    RemittanceMatch,
)
from valuation.words import AccountKind, AllocationTarget, Bearer, CashShare

pytestmark = pytest.mark.usefixtures("without_statements")

K = AccountKind
DAY = date(2026, 9, 21)


@pytest.fixture
def owing(world):
    """1,000.00 is owed, of which the agency keeps 10 %."""
    world.line(unit_price=D(100))
    world.use("10")
    run_night()
    return world


@pytest.fixture
def accountant(world):
    return factories.make_member(world.agency, Role.ACCOUNTING)


@pytest.fixture
def colleague(world):
    return factories.make_member(world.agency, Role.BUSINESS_AFFAIRS)


def run_night():
    night.run_night(as_of=date(2026, 11, 22), now=TONIGHT)


def totals(world):
    """The books by kind of account: an account of the payees and one of the licensee are one."""
    found = {}
    for account in Account.objects.with_balances().filter(agency=world.agency):
        kind = AccountKind(account.kind)
        found[kind] = found.get(kind, D(0)) + (account.balance or 0)
    return {kind: amount for kind, amount in found.items() if amount}


def receive(world, amount, reference="WIRE-1", **about):
    told = {"currency": "USD", "received_on": DAY, "by": None, "now": TONIGHT}
    return remittances.record(
        agency_id=world.agency.pk, licensee_id=world.licensee.pk, amount=D(amount),
        reference=reference, **{**told, **about},
    )  # fmt: skip


def match(world):
    return matching.match_unmatched(agency_id=world.agency.pk, now=TONIGHT)


def approve(request, by):
    return requests.approve(request_id=request.pk, by=by, at=TONIGHT)


def take_back(entry, accountant, colleague):
    asked = reversals.ask(entry_id=entry.pk, reason="Wrong.", by=accountant, at=TONIGHT)
    return reversals.approve(request_id=asked.pk, by=colleague, at=TONIGHT)


def left(remittance):
    return Remittance.objects.with_left().get(pk=remittance.pk)


# Refunds


def refund(remittance, amount, by):
    return requests.ask_refund(
        remittance=remittance, amount=D(amount), reason="Paid twice.", by=by, at=TONIGHT
    )


def test_a_refund_leaves_the_credit_when_it_is_approved_and_trust_when_the_bank_booked_it(
    owing, accountant, colleague
):
    receipt = receive(owing, "1300")
    match(owing)
    asked = refund(receipt, "300", accountant)
    assert left(receipt).unmatched == 300

    approve(asked, colleague)

    assert (left(receipt).unmatched, left(receipt).spent) == (0, 300)
    assert balances(owing)[K.IN_TRANSIT] == D(-300)
    found = reconcile(agency=owing.agency, currency="USD", on=TONIGHT.date(), now=TONIGHT)
    assert {part.share: part.amount for part in found.parts}[CashShare.IN_TRANSIT] == 300

    line = bank_line(owing, "-300", reference=f"R{asked.pk}", by=accountant)
    requests.confirm_refund(line=line, request=asked, by=accountant, at=TONIGHT)

    assert balances(owing)[K.TRUST_CASH] == D(1000)
    assert K.IN_TRANSIT not in balances(owing)
    assert not BankLine.objects.with_state().get(pk=line.pk).is_open
    again = bank_line(owing, "-300", reference="again", by=accountant)
    with pytest.raises(requests.NoRefund):
        requests.confirm_refund(line=again, request=asked, by=accountant, at=TONIGHT)


def test_a_refund_that_is_taken_back_is_credit_again_until_the_bank_has_booked_it(
    owing, accountant, colleague
):
    receipt = receive(owing, "1300")
    match(owing)
    before = balances(owing)
    entry = approve(refund(receipt, "300", accountant), colleague)

    take_back(entry, accountant, colleague)

    assert balances(owing) == before
    assert left(receipt).unmatched == 300
    asked = refund(receipt, "300", accountant)
    entry = approve(asked, colleague)
    line = bank_line(owing, "-300", reference="X", by=accountant)
    requests.confirm_refund(line=line, request=asked, by=accountant, at=TONIGHT)
    with pytest.raises(reversals.NotReversible, match="record the line as received"):
        reversals.ask(entry_id=entry.pk, reason="No.", by=accountant, at=TONIGHT)


def test_no_more_is_refunded_than_is_credit_however_often_it_is_asked_for(
    owing, accountant, colleague
):
    receipt = receive(owing, "1300")
    match(owing)
    with pytest.raises(NotToBeAsked, match=r"\$300.00 of this receipt is credit"):
        refund(receipt, "300.01", accountant)
    first = refund(receipt, "200", accountant)
    with pytest.raises(NotToBeAsked, match=r"\$100.00"):
        refund(receipt, "200", accountant)

    owing.use("2")
    run_night()
    match(owing)

    # Meanwhile 200 of the credit paid what was used since.
    with pytest.raises(NotToBeAsked, match=r"\$100.00"):
        approve(first, colleague)


def test_what_is_refunded_of_a_receipt_on_account_leaves_the_rest_there(
    owing, accountant, colleague
):
    receipt = receive(owing, "500")
    allocations.unmatch(remittance=receipt, reason="Wait.", by=accountant, at=TONIGHT)
    approve(refund(receipt, "200", accountant), colleague)

    assert (left(receipt).unmatched, left(receipt).held) == (300, 300)
    assert match(owing) == []
    assert allocations.spendable(receipt) == 300


def test_what_comes_back_after_a_refund_pays_what_is_owed_beside_what_is_on_account(
    owing, accountant, colleague
):
    receipt = receive(owing, "1150")
    said = [
        Said(AllocationTarget.AGREEMENT, owing.agreement.pk, D(1000)),
        Said(AllocationTarget.ON_ACCOUNT, None, D(150)),
    ]
    seen = allocations.plan(receipt, said).digest
    allocations.allocate(remittance=receipt, said=said, seen=seen, by=accountant, at=TONIGHT)
    approve(refund(receipt, "100", accountant), colleague)

    Reading.objects.update(gross=D(880))
    matching.give_back(agreement_id=owing.agreement.pk, as_of=DAY, now=TONIGHT)

    # 120 came back; of the 150 on account 50 are left, and no night takes these.
    assert (left(receipt).unmatched, left(receipt).held) == (170, 50)


def test_who_asks_does_not_approve_and_a_request_is_decided_once(owing, accountant, colleague):
    asked = refund(receive(owing, "5"), "5", accountant)

    with pytest.raises(four_eyes.FourEyes):
        approve(asked, accountant)
    requests.reject(request_id=asked.pk, by=accountant, at=TONIGHT, note="Not now.")
    assert asked.decision.outcome == "taken_back"
    with pytest.raises(requests.DecidedBefore):
        approve(asked, colleague)
    assert K.IN_TRANSIT not in balances(owing)


def test_nobody_asks_where_nobody_could_approve(owing, accountant):
    with pytest.raises(four_eyes.NobodyToApprove):
        refund(receive(owing, "5"), "5", accountant)


# Write-offs


def write_off(world, amount, bearer, by):
    return requests.ask_write_off(
        agreement=world.agreement, amount=D(amount), bearer=bearer, reason="Insolvent.",
        by=by, at=TONIGHT,
    )  # fmt: skip


def test_what_the_payees_go_without_is_earned_no_more_and_never_payable(
    owing, accountant, colleague
):
    receive(owing, "600")
    match(owing)

    approve(write_off(owing, "400", Bearer.PAYEES, accountant), colleague)

    # 540 and 60 of what came; of the 400 nothing, no commission either.
    assert totals(owing) == {K.TRUST_CASH: D(600), K.PAYABLE: D(-540), K.COMMISSION: D(-60)}
    assert Reading.objects.with_received().get().owed == 0


def test_what_the_agency_goes_without_is_payable_from_its_own_money(owing, accountant, colleague):
    approve(write_off(owing, "1000", Bearer.AGENCY, accountant), colleague)

    assert balances(owing) == {K.AGENCY_MONEY: D(1000), K.PAYABLE: D(-900), K.COMMISSION: D(-100)}


@pytest.mark.parametrize("bearer", [*Bearer])
def test_a_write_off_is_taken_back_when_the_money_comes_after_all(
    owing, accountant, colleague, bearer
):
    before = balances(owing)
    entry = approve(write_off(owing, "400", bearer, accountant), colleague)

    take_back(entry, accountant, colleague)

    assert balances(owing) == before
    receive(owing, "1000")
    match(owing)
    assert balances(owing)[K.PAYABLE] == D(-900)


def test_a_use_that_is_corrected_after_its_write_off_gives_that_back_and_pays_nothing_else(
    owing, accountant, colleague
):
    receive(owing, "600")
    match(owing)
    approve(write_off(owing, "400", Bearer.PAYEES, accountant), colleague)
    Reading.objects.update(gross=D(700))
    matching.give_back(agreement_id=owing.agreement.pk, as_of=DAY, now=TONIGHT)

    match(owing)

    # 100 is written off still; the 300 that were too many wait for a person.
    assert dict(RemittanceMatch.objects.values_list("remittance__means", "amount")) == {
        "money": D(600), "written_off": D(-300),
    }  # fmt: skip
    assert balances(owing)[K.PAYABLE] == D(-540)
    assert totals(owing)[K.WRITTEN_OFF] == D(300)


def test_no_more_is_written_off_than_is_owed(owing, accountant):
    with pytest.raises(NotToBeAsked, match=r"Only \$1,000.00 is owed"):
        write_off(owing, "1000.01", Bearer.PAYEES, accountant)
    with pytest.raises(NotToBeAsked, match="no amount"):
        write_off(owing, "-1", Bearer.AGENCY, accountant)


def test_what_is_owed_to_a_plan_only_the_agency_can_bear(owing, accountant):
    Reading.objects.update(kind="contribution", rate_line=None)

    with pytest.raises(NotToBeAsked, match=r"Only \$0.00"):
        write_off(owing, "1", Bearer.PAYEES, accountant)


# In another currency


@pytest.fixture
def rate(world):
    """A euro is 1.08 dollars on the day."""
    return ExchangeRate.objects.create(
        base="EUR", currency="USD", on=DAY, rate=D("1.08"), source="A bank", recorded_at=TONIGHT
    )


def exchange(receipt, taken, by, settles=None):
    told = {"taken": D(taken), "currency": "USD", "settles": settles and D(settles)}
    seen = exchanges.quote(receipt, **told, now=TONIGHT).digest
    return exchanges.exchange_receipt(remittance=receipt, **told, seen=seen, by=by, now=TONIGHT)


def test_a_receipt_in_another_currency_pays_at_the_rate_of_its_day(owing, accountant, rate):
    receipt = receive(owing, "900", currency="EUR")
    assert match(owing) == []

    exchange(receipt, "900", accountant)
    match(owing)

    # 900 euro were 972 dollars: 874.80 payable, 28 still owed.
    found = balances(owing)
    assert (found[K.PAYABLE], found[K.COMMISSION]) == (D("-874.80"), D("-97.20"))
    assert Reading.objects.with_received().get().owed == 28
    assert left(receipt).unmatched == 0
    assert K.EXCHANGE_DIFFERENCE not in found


@pytest.mark.parametrize(("settles", "loss"), [("1000", 28), ("950", -22)])
def test_what_it_is_accepted_for_beyond_the_rate_is_a_loss_or_gain(
    owing, accountant, rate, settles, loss
):
    receipt = receive(owing, "900", currency="EUR")
    found = exchanges.quote(receipt, taken=D(900), currency="USD", settles=D(settles), now=TONIGHT)
    assert found.loss == Money(D(loss), "USD")
    assert "A bank" in str(found.rate)

    exchange(receipt, "900", accountant, settles)

    assert balances(owing)[K.EXCHANGE_DIFFERENCE] == loss


def test_taking_an_exchange_back_reverses_gain_and_loss_and_all_that_it_paid(
    owing, accountant, colleague, rate
):
    receipt = receive(owing, "900", currency="EUR")
    into = exchange(receipt, "900", accountant, "1000")
    match(owing)

    take_back(into.entries.get(kind="receipt"), accountant, colleague)

    assert left(receipt).unmatched == 900
    assert K.EXCHANGE_DIFFERENCE not in balances(owing)
    assert Reading.objects.with_received().get().owed == 1000
    # And where the euro bounce, the exchange of them goes along.
    exchange(receipt, "400", accountant)
    match(owing)
    take_back(receipt.entries.get(kind="receipt"), accountant, colleague)
    assert set(balances(owing)) == {K.RECEIVABLE, K.ACCRUED}


def test_without_a_stored_rate_nothing_is_exchanged(owing, accountant):
    with pytest.raises(NoRate):
        exchange(receive(owing, "900", currency="EUR"), "900", accountant)


def test_no_more_is_exchanged_than_is_credit_nor_other_than_was_seen(owing, accountant, rate):
    receipt = receive(owing, "900", currency="EUR")
    with pytest.raises(exchanges.NotThatMuchThere):
        exchange(receipt, "900.01", accountant)
    with pytest.raises(exchanges.SeenOtherwise):
        exchanges.exchange_receipt(
            remittance=receipt, taken=D(900), currency="USD", settles=D(1), by=accountant,
            seen=exchanges.quote(
                receipt, taken=D(900), currency="USD", settles=None, now=TONIGHT
            ).digest, now=TONIGHT,
        )  # fmt: skip


def test_a_balance_is_paid_in_another_currency_by_two_people(owing, accountant, colleague, rate):
    receive(owing, "1000")
    match(owing)
    told = {
        "agency": owing.agency, "beneficiary": owing.beneficiary, "owed": Money(D(108), "USD"),
        "on": DAY, "reason": "Their only account.", "by": accountant, "at": TONIGHT,
    }  # fmt: skip
    with pytest.raises(NotToBeAsked, match="payable"):
        requests.ask_payout(**{**told, "owed": Money(D(901), "USD")}, paid=Money(D(1), "EUR"))
    with pytest.raises(NoRate):
        requests.ask_payout(**{**told, "on": DAY - timedelta(30)}, paid=Money(D(1), "EUR"))
    with pytest.raises(remittances.NotPayableCash, match="same currency"):
        requests.ask_payout(**told, paid=Money(D(1), "USD"))
    asked = requests.ask_payout(**told, paid=Money(D(101), "EUR"))
    before = balances(owing)

    entry = approve(asked, colleague)

    on = {(one.account.kind, one.currency): one.amount for one in
          entry.postings.select_related("account")}  # fmt: skip
    assert on["payable", "USD"] == D(108)
    assert on["trust_cash", "EUR"] == D(-101)
    assert on["exchange_difference", "EUR"] == D(1)
    take_back(entry, accountant, colleague)
    assert balances(owing) == before


# Pages


def test_a_refund_over_the_pages(owing, accountant, colleague):
    receipt = receive(owing, "1300")
    match(owing)

    asked = take_step(sign_in(accountant), "ask_refund", receipt, amount="300", reason="Twice.")
    assert asked.status_code == 302
    request = CashRequest.objects.get()
    shown = sign_in(colleague).get(admin_page(CashRequest, request.pk, name="approve"))
    assert "$300.00" in shown.content.decode()
    take_step(sign_in(colleague), "approve", request)
    page = sign_in(accountant).get(admin_page(CashRequest, request.pk)).content.decode()
    assert f"with the reference R{request.pk}" in page
    line = bank_line(owing, "-300", reference=f"R{request.pk}", by=accountant)
    take_step(sign_in(accountant), "confirm_refund", line, refund=request.pk)

    assert balances(owing)[K.TRUST_CASH] == D(1000)


def test_a_write_off_and_a_payout_are_asked_for_on_pages_of_their_own(
    owing, accountant, colleague, rate
):
    receive(owing, "600")
    match(owing)
    client = sign_in(accountant)
    client.post(
        reverse("admin:valuation_cashrequest_ask_write_off"),
        {"agreement": owing.agreement.pk, "amount": "400", "bearer": "payees", "reason": "Gone."},
    )
    payout = {
        "agency": owing.agency.pk, "beneficiary": owing.beneficiary.pk, "amount": "54",
        "currency": "USD", "paid": "50", "paid_currency": "EUR", "on": "2026-09-21",
        "reason": "Abroad.",
    }  # fmt: skip
    page = reverse("admin:valuation_cashrequest_ask_payout")
    told = client.post(page, {**payout, "on": "2026-07-01"}).content.decode()
    assert "An operator imports the bank’s rates" in told
    client.post(page, payout)

    for request in CashRequest.objects.all():
        take_step(sign_in(colleague), "approve", request)
    assert balances(owing)[K.PAYABLE] == D(-486)


def test_a_receipt_is_allocated_over_its_page_as_it_was_seen(owing, accountant):
    receipt, client = receive(owing, "1300"), sign_in(accountant)
    page = reverse("admin:allocate_receipt", args=[receipt.pk])
    agreement = f"agreement-{owing.agreement.pk}-"
    first = client.get(page).content.decode()
    assert "$1,300.00 of this receipt" in first
    said = {f"{agreement}amount": "990", f"{agreement}reason": "bank_fee",
            f"{agreement}difference": "10", "on_account-0-amount": "310"}  # fmt: skip

    looked = client.post(page, said)
    assert "Bank fee, borne by the agency" in looked.content.decode()
    assert not RemittanceMatch.objects.exists()
    seen = looked.context["found"].digest
    client.post(page, {**said, "confirm": "1", "seen": "stale"})
    assert not RemittanceMatch.objects.exists()
    client.post(page, {**said, "confirm": "1", "seen": seen})

    assert Reading.objects.with_received().get().owed == 0
    assert left(receipt).held == 310
    kept = client.get(admin_page(Remittance, receipt.pk)).content.decode()
    assert "What it pays" in kept
    take_step(client, "unmatch", receipt, reason="Anew.")
    assert Reading.objects.with_received().get().owed == 1000


def test_a_receipt_is_exchanged_over_its_page_after_a_look(owing, accountant, rate):
    receipt, client = receive(owing, "900", currency="EUR"), sign_in(accountant)
    page = reverse("admin:exchange_receipt", args=[receipt.pk])
    asked = {"taken": "900", "currency": "USD", "settles": "1000"}

    looked = client.get(page, asked)
    assert "Loss of the agency" in looked.content.decode()
    assert "A bank" in looked.content.decode()
    assert Remittance.objects.count() == 1
    client.post(page, {**asked, "seen": looked.context["found"].digest})

    assert Remittance.objects.get(means="exchanged").amount == 1000


def test_a_stranger_reaches_no_receipt_nor_agreement_through_these_pages(owing, accountant):
    receipt = receive(owing, "900")
    client = sign_in(factories.make_member(factories.make_agency("far"), Role.ACCOUNTING))

    for name in ("allocate_receipt", "exchange_receipt"):
        assert client.get(reverse(f"admin:{name}", args=[receipt.pk])).status_code == 404
    told = client.post(
        reverse("admin:valuation_cashrequest_ask_write_off"),
        {"agreement": owing.agreement.pk, "amount": "1", "bearer": "agency", "reason": "Mine."},
    )
    assert "Select a valid choice" in told.content.decode()
    auditor = sign_in(factories.make_member(owing.agency, Role.AUDITOR))
    assert auditor.get(reverse("admin:allocate_receipt", args=[receipt.pk])).status_code == 403


def test_looking_at_these_pages_changes_nothing(owing, accountant, rate):
    receipt, client = receive(owing, "900"), sign_in(accountant)
    said = [Said(AllocationTarget.ON_ACCOUNT, None, D(900))]
    allocations.plan(receipt, said)
    before = JournalEntry.objects.count()

    client.get(reverse("admin:allocate_receipt", args=[receipt.pk]))
    client.get(reverse("admin:exchange_receipt", args=[receipt.pk]))

    assert JournalEntry.objects.count() == before
