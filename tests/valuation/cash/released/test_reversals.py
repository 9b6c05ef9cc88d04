"""Reversals by hand: two people, once, and afterwards it is as if it had never been."""

from datetime import date, timedelta
from decimal import Decimal as D
from functools import partial

import pytest
from django.db import transaction
from django.db.models import Sum
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from licensing.models import Agreement, RateCard
from talent import four_eyes
from talent.words import Role
from tests import factories
from tests.factories import take_step
from tests.valuation.cash.accounting import pay_out
from tests.valuation.world import JULY, OCTOBER, TONIGHT, issue_july_statement
from valuation import night
from valuation.cash.received import remittances
from valuation.cash.released import matching, reversals
from valuation.models import (
    Account,
    JournalEntry,
    Posting,
    Remittance,
    RemittanceMatch,
    ReversalRequest,
)
from valuation.words import AccountKind, EntryKind

pytestmark = pytest.mark.usefixtures("without_statements")

DAY = date(2026, 9, 20)


@pytest.fixture
def owing(world):
    """1,000.00 is owed: 10 lines at 100, of which the agency keeps 10 %."""
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


def receive(world, amount, reference="WIRE-1", on=DAY):
    return remittances.record(
        agency_id=world.agency.pk, licensee_id=world.licensee.pk, amount=D(amount),
        currency="USD", received_on=on, reference=reference, by=None, now=TONIGHT,
    )  # fmt: skip


def match(world):
    return matching.match_unmatched(agency_id=world.agency.pk, now=TONIGHT)


def receipt_of(remittance):
    return remittance.entries.get(kind=EntryKind.RECEIPT.value)


def take_back(entry, accountant, colleague):
    request = reversals.ask(entry_id=entry.pk, reason="It bounced.", by=accountant, at=TONIGHT)
    return reversals.approve(request_id=request.pk, by=colleague, at=TONIGHT)


def balances():
    accounts = Account.objects.with_balances().order_by("pk")
    return {str(account): account.balance for account in accounts if account.balance}


def test_a_bounced_receipt_is_unmatched_taken_back_and_matched_no_more(
    owing, accountant, colleague
):
    before = balances()
    remittance = receive(owing, "400")
    match(owing)

    take_back(receipt_of(remittance), accountant, colleague)

    assert balances() == before
    assert Remittance.objects.with_left().get().unmatched == 0
    run_night()
    assert match(owing) == []
    assert balances() == before


def test_what_was_paid_out_of_bounced_money_is_owed_back(owing, accountant, colleague):
    remittance = receive(owing, "400")
    match(owing)
    pay_out(owing, "360", on=date(2026, 11, 20))

    take_back(receipt_of(remittance), accountant, colleague)

    # 360.00 left the bank and no money stands behind it: payable is 360.00 below zero.
    payable = f"Payable to {owing.beneficiary.name} (USD)"
    assert balances()[payable] == D(360)
    assert balances()["Trust cash (USD)"] == D(-360)


def test_a_payout_that_came_back_is_payable_again(owing, accountant, colleague):
    receive(owing, "400")
    match(owing)
    before = balances()
    pay_out(owing, "360", on=date(2026, 11, 20))

    take_back(JournalEntry.objects.get(kind=EntryKind.PAYOUT.value), accountant, colleague)

    assert balances() == before


def test_money_that_came_after_all_has_a_reference_of_its_own(owing, accountant, colleague):
    take_back(receipt_of(receive(owing, "400")), accountant, colleague)

    with pytest.raises(remittances.AlreadyRecorded, match="another reference"):
        receive(owing, "400")
    receive(owing, "400", "WIRE-1 again")
    assert len(match(owing)) == 1


def test_a_bounced_receipt_takes_nothing_of_what_others_paid_under_other_agreements(
    owing, accountant, colleague
):
    """W1 paid 1,000 of the first and 200 of the second, W2 the second's 800 and 100 too many."""
    second = Agreement.objects.get(pk=owing.agreement.pk)
    second.pk, second.reference = None, "NA-2"
    second.save()
    owing.card = RateCard.objects.create(agreement=second, effective_from=JULY)
    owing.line(unit_price=D(100))
    owing.use("10", agreement=second)
    run_night()
    bounced, good = receive(owing, "1200", "W1"), receive(owing, "900", "W2")
    match(owing)

    take_back(receipt_of(bounced), accountant, colleague)

    # What W2 paid stays where it is, perhaps paid out by now; the next night matches its rest to
    # what is owed again, the oldest first.
    run_night()
    matched = RemittanceMatch.objects.filter(remittance=good).values_list("reading__agreement")
    assert dict(matched.annotate(Sum("amount"))) == {second.pk: D(800), owing.agreement.pk: D(100)}
    assert balances() == {
        "Trust cash (USD)": D(900),
        f"Receivable from {owing.licensee.name} (USD)": D(1100),
        f"Earned by {owing.beneficiary.name}, not yet received (USD)": D(-1100),
        f"Payable to {owing.beneficiary.name} (USD)": D(-810),
        f"Commission on {owing.beneficiary.name} (USD)": D(-90),
    }


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_after_a_reversal_it_is_as_if_the_money_had_never_come(owing, accountant, colleague, data):
    """Of some receipts in any order, one bounces between the others."""
    cents = data.draw(st.lists(st.integers(1, 40_000), min_size=1, max_size=4))
    bad = data.draw(st.integers(0, len(cents) - 1))
    bounces_after = data.draw(st.integers(bad, len(cents) - 1))
    days = data.draw(st.lists(st.integers(0, 60), min_size=len(cents), max_size=len(cents)))

    def history(*, with_the_bad):
        bounced = None
        for place, amount in enumerate(cents):
            if place != bad or with_the_bad:
                on = JULY + timedelta(days=days[place])
                one = receive(owing, D(amount).scaleb(-2), f"W{place}", on)
                bounced = one if place == bad else bounced
                match(owing)
            if with_the_bad and place == bounces_after:
                take_back(receipt_of(bounced), accountant, colleague)
        match(owing)
        return balances()

    without, with_it = (
        rolled_back(partial(history, with_the_bad=bad_too)) for bad_too in (False, True)
    )

    assert with_it == without


def rolled_back(tell):
    """Return what something tells, and leave nothing of it in the database."""
    with transaction.atomic():
        told = tell()
        transaction.set_rollback(True)
    return told


# Who, and what


def test_who_asks_does_not_approve(owing, accountant, colleague):
    request = reversals.ask(
        entry_id=receipt_of(receive(owing, "5")).pk, reason="Twice.", by=accountant, at=TONIGHT
    )

    with pytest.raises(four_eyes.FourEyes):
        reversals.approve(request_id=request.pk, by=accountant, at=TONIGHT)


def test_nobody_asks_where_nobody_could_approve(owing, accountant):
    entry = receipt_of(receive(owing, "5"))

    with pytest.raises(four_eyes.NobodyToApprove):
        reversals.ask(entry_id=entry.pk, reason="Twice.", by=accountant, at=TONIGHT)


def test_an_entry_is_reversed_once_and_decided_once(owing, accountant, colleague):
    entry = receipt_of(receive(owing, "5"))
    take_back(entry, accountant, colleague)
    request = ReversalRequest.objects.get()

    with pytest.raises(reversals.NotReversible, match="reversed before"):
        reversals.ask(entry_id=entry.pk, reason="Again.", by=accountant, at=TONIGHT)
    with pytest.raises(reversals.AlreadyDecided):
        reversals.approve(request_id=request.pk, by=colleague, at=TONIGHT)
    with pytest.raises(reversals.AlreadyDecided):
        reversals.reject(request_id=request.pk, by=colleague, at=TONIGHT, note="No.")


def test_one_request_waits_at_a_time_and_a_rejected_one_changes_nothing(
    owing, accountant, colleague
):
    entry = receipt_of(receive(owing, "5"))
    terms = {"entry_id": entry.pk, "reason": "Twice.", "by": accountant, "at": TONIGHT}
    request = reversals.ask(**terms)

    with pytest.raises(reversals.AlreadyAsked):
        reversals.ask(**terms)
    reversals.reject(request_id=request.pk, by=colleague, at=TONIGHT, note="It stands.")

    assert request.decision.outcome == "rejected"
    assert not JournalEntry.objects.filter(kind=EntryKind.REVERSAL.value).exists()
    assert reversals.ask(**terms).pk != request.pk


@pytest.mark.parametrize(
    ("kind", "instead"),
    [
        (EntryKind.ACCRUAL, "Correct the use"),
        (EntryKind.RELEASE, "Reverse the receipt"),
        (EntryKind.REVERSAL, "A reversal stands"),
    ],
)
def test_what_the_desk_derived_is_put_right_where_it_comes_from(
    owing, accountant, colleague, kind, instead
):
    receive(owing, "400")
    match(owing)
    take_back(receipt_of(receive(owing, "5", "WIRE-2")), accountant, colleague)
    entry = JournalEntry.objects.filter(kind=kind.value).first()

    with pytest.raises(reversals.NotReversible, match=instead):
        reversals.ask(entry_id=entry.pk, reason="Wrong.", by=accountant, at=TONIGHT)


def test_every_kind_of_entry_says_whether_it_may_be_reversed():
    assert {*reversals.BY_HAND, *reversals.WHY_NOT} == set(EntryKind)


def test_a_receipt_of_a_closed_period_is_taken_back_in_the_open_one(owing, accountant, colleague):
    remittance = receive(owing, "400", on=JULY)
    match(owing)
    issue_july_statement(owing, closing="360")

    reversal = take_back(receipt_of(remittance), accountant, colleague)

    closed = Posting.objects.filter(entry__effective_on__lt=OCTOBER, account__kind="payable")
    assert sum(posting.amount for posting in closed) == D(-360)
    assert reversal.effective_on >= OCTOBER
    assert reversal.reverses == receipt_of(remittance)


# The pages


def test_a_receipt_is_reversed_over_the_pages(owing, accountant, colleague):
    entry = receipt_of(receive(owing, "400"))

    asked = take_step(
        factories.sign_in(accountant), "ask_reversal", entry, reason="The bank took it back."
    )
    request = ReversalRequest.objects.get()
    page = reverse("admin:valuation_reversalrequest_change", args=[request.pk])
    shown = factories.sign_in(colleague).get(page).content.decode()
    take_step(factories.sign_in(colleague), "approve", request)

    assert asked.status_code == 302
    assert "The bank took it back." in shown
    assert balances()[f"Receivable from {owing.licensee.name} (USD)"] == D(1000)
    assert AccountKind.TRUST_CASH.label not in str(balances())


def test_who_may_approve_may_reject(owing, accountant, colleague):
    entry = receipt_of(receive(owing, "400"))
    request = reversals.ask(entry_id=entry.pk, reason="Twice.", by=accountant, at=TONIGHT)

    take_step(factories.sign_in(colleague), "reject", request, reason="It came once.")

    page = reverse("admin:valuation_reversalrequest_change", args=[request.pk])
    assert "It came once." in factories.sign_in(accountant).get(page).content.decode()
    assert ReversalRequest.objects.get().decision.outcome == "rejected"


def test_who_may_only_read_is_offered_no_reversal(owing):
    auditor = factories.make_member(owing.agency, Role.AUDITOR)
    entry = receipt_of(receive(owing, "400"))
    page = reverse("admin:valuation_journalentry_change", args=[entry.pk])

    assert "ask_reversal" not in factories.sign_in(auditor).get(page).content.decode()
    assert take_step(factories.sign_in(auditor), "ask_reversal", entry).status_code == 403


def test_the_day_of_an_entry_is_written_as_its_reader_writes_days(owing, accountant):
    receive(owing, "1000")
    entry = JournalEntry.objects.get(kind=EntryKind.RECEIPT.value)

    page = factories.admin_page(JournalEntry, entry.pk, name="ask_reversal")

    assert "<dd>Sept. 20, 2026</dd>" in factories.sign_in(accountant).get(page).content.decode()
