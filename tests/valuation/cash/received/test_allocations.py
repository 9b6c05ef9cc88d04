"""The whole of a receipt, allocated by a person: to agreements, lines, on account; and anew."""

from datetime import UTC, date, datetime
from decimal import Decimal as D

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from licensing.models import Agreement, RateCard
from talent.words import Role
from tests import factories
from tests.valuation.cash.accounting import balances, pay_out
from tests.valuation.world import JULY, TONIGHT
from valuation import night
from valuation.cash.received import allocations, remittances
from valuation.cash.received.allocations import LooksOtherwise, NotAllocatable, Said
from valuation.cash.released import matching, reversals
from valuation.models import (
    CashAllocation,
    JournalEntry,
    Reading,
    Remittance,
    RemittanceMatch,
)
from valuation.words import AccountKind, AllocationTarget, ReceiptMeans

pytestmark = pytest.mark.usefixtures("without_statements")

K, T = AccountKind, AllocationTarget
DAY = date(2026, 9, 20)


@pytest.fixture
def owing(world):
    """NA-1 owes 1,000.00 and HAR-2 200.00; the agency keeps 10 %."""
    world.line(unit_price=D(100))
    world.use("10")
    world.second = Agreement.objects.create(
        agency=world.agency, licensee=world.licensee, twin=world.twin, reference="HAR-2",
        status="signed", signed_at=datetime(2026, 6, 1, tzinfo=UTC),
        starts_at=datetime(2026, 7, 1, tzinfo=UTC), currency="USD",
    )  # fmt: skip
    world.card = RateCard.objects.create(agreement=world.second, effective_from=JULY)
    world.line(unit_price=D(20))
    world.use("10", agreement=world.second)
    run_night()
    return world


@pytest.fixture
def accountant(world):
    return factories.make_member(world.agency, Role.ACCOUNTING)


def run_night():
    night.run_night(as_of=date(2026, 11, 22), now=TONIGHT)


def receive(world, amount, reference="WIRE-1", **about):
    told = {"currency": "USD", "received_on": DAY, "by": None, "now": TONIGHT}
    return remittances.record(
        agency_id=world.agency.pk, licensee_id=world.licensee.pk, amount=D(amount),
        reference=reference, **{**told, **about},
    )  # fmt: skip


def match(world):
    return matching.match_unmatched(agency_id=world.agency.pk, now=TONIGHT)


def to(agreement, amount, **about):
    return Said(T.AGREEMENT, agreement.pk, D(amount), **about)


def on_account(amount, **about):
    return Said(T.ON_ACCOUNT, None, D(amount), **about)


def allocate(remittance, by, *said, at=TONIGHT):
    seen = allocations.plan(remittance, said).digest
    return allocations.allocate(remittance=remittance, said=said, seen=seen, by=by, at=at)


def paid():
    """What each agreement was paid by now."""
    found = {}
    for match in RemittanceMatch.objects.select_related("reading__agreement"):
        reference = match.reading.agreement.reference
        found[reference] = found.get(reference, D(0)) + match.amount
    return {reference: amount for reference, amount in found.items() if amount}


def test_a_receipt_pays_what_a_person_says_and_is_released_at_once(owing, accountant):
    receipt = receive(owing, "350")

    allocate(receipt, accountant, to(owing.second, 200), to(owing.agreement, 150))

    assert paid() == {"HAR-2": D(200), "NA-1": D(150)}
    assert balances(owing)[K.PAYABLE] == D(-315)
    assert balances(owing)[K.COMMISSION] == D(-35)


def test_a_single_line_is_paid_and_no_other(owing, accountant):
    line = Reading.objects.get(agreement=owing.second)

    allocate(receive(owing, "50"), accountant, Said(T.LINE, line.pk, D(50)))

    assert paid() == {"HAR-2": D(50)}


def test_no_night_takes_what_a_person_put_on_account(owing, accountant):
    receipt = receive(owing, "350")
    allocate(receipt, accountant, to(owing.second, 200), on_account(150))

    assert match(owing) == []
    run_night()

    assert paid() == {"HAR-2": D(200)}
    assert balances(owing)[K.UNMATCHED] == D(-150)
    assert Remittance.objects.with_left().get().held == 150


def test_what_is_given_back_of_an_allocated_receipt_pays_what_is_owed_next(owing, accountant):
    receipt = receive(owing, "350")
    allocate(receipt, accountant, to(owing.second, 200), on_account(150))
    Reading.objects.filter(agreement=owing.second).update(gross=D(80))
    matching.give_back(agreement_id=owing.second.pk, as_of=DAY, now=TONIGHT)

    match(owing)

    # 120 came back and pays NA-1; the 150 stay where the person put them.
    assert paid() == {"HAR-2": D(80), "NA-1": D(120)}
    assert Remittance.objects.with_left().get().unmatched == 150


def test_unmatching_takes_back_all_that_hangs_on_it_until_it_is_allocated_anew(owing, accountant):
    before = balances(owing)
    receipt = receive(owing, "350")
    match(owing)
    assert paid() == {"NA-1": D(350)}

    allocations.unmatch(remittance=receipt, reason="For HAR-2.", by=accountant, at=TONIGHT)

    assert balances(owing) == {**before, K.TRUST_CASH: D(350), K.UNMATCHED: D(-350)}
    assert match(owing) == []
    allocate(receipt, accountant, to(owing.second, 200), to(owing.agreement, 150))
    assert paid() == {"HAR-2": D(200), "NA-1": D(150)}
    assert CashAllocation.objects.count() == 2


def test_what_was_paid_out_of_an_unmatched_receipt_is_owed_back_and_carried(owing, accountant):
    receipt = receive(owing, "350")
    match(owing)
    pay_out(owing, "315", on=date(2026, 11, 20))

    allocations.unmatch(remittance=receipt, reason="Not theirs.", by=accountant, at=TONIGHT)

    assert balances(owing)[K.PAYABLE] == D(315)


def test_allocating_anew_moves_only_what_differs(owing, accountant):
    receipt = receive(owing, "350")
    allocate(receipt, accountant, to(owing.second, 100), to(owing.agreement, 250))
    matches = RemittanceMatch.objects.count()

    allocate(receipt, accountant, to(owing.agreement, 250), to(owing.second, 100))
    assert RemittanceMatch.objects.count() == matches

    allocate(receipt, accountant, to(owing.agreement, 250), to(owing.second, 90), on_account(10))
    assert list(RemittanceMatch.objects.order_by("pk").values_list("amount", flat=True)[2:]) == [
        D(-10)
    ]


@pytest.mark.parametrize(
    ("said", "refusal"),
    [
        (lambda w: [to(w.second, 200)], r"200.00 of \$350.00 is allocated"),
        (lambda w: [to(w.second, 200), on_account(151)], r"\$351.00 of \$350.00"),
        (lambda w: [to(w.second, 201), on_account(149)], r"HAR-2.*only \$200.00 is owed"),
        (lambda w: [to(w.second, -1), on_account(351)], "no amount that can be paid"),
        (lambda w: [to(w.second, "0.005"), on_account("349.995")], "no amount"),
        (lambda w: [to(w.second, 90, difference=D(10)), on_account(260)], "Say why"),
        (lambda w: [to(w.second, 90, reason="source_tax", note="C1"), on_account(260)],
         "Say how much"),
        (lambda w: [to(w.second, 90, reason="source_tax", difference=D(10)), on_account(260)],
         "Name the certificate"),
        (lambda w: [on_account(350, reason="bank_fee", difference=D(1))], "settles nothing"),
        (lambda w: [to(w.second, 195, reason="bank_fee", difference=D(6)), on_account(155)],
         "only"),
        (lambda w: [to(w.second, 200), to(w.second, 1), on_account(149)], "only"),
        (lambda w: [Said(T.LINE, 0, D(1)), on_account(349)], "Nothing is owed there"),
        (lambda w: [Said(T.INVOICE, 0, D(1)), on_account(349)], "Nothing is open"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_with_what_is_wrong(owing, said, refusal):
    with pytest.raises(NotAllocatable, match=refusal):
        allocations.plan(receive(owing, "350"), said(owing))


def test_only_what_was_seen_is_allocated(owing, accountant):
    receipt, said = receive(owing, "350"), [on_account(350)]
    seen = allocations.plan(receipt, said).digest
    other = receive(owing, "10", "WIRE-2")
    allocate(other, accountant, to(owing.second, 10))

    with pytest.raises(LooksOtherwise):
        allocations.allocate(remittance=receipt, said=said, seen=seen, by=accountant, at=TONIGHT)


def test_what_is_proposed_pays_the_agreement_that_the_reference_names_first(owing, accountant):
    receipt = receive(owing, "1350", "for HAR-2")

    said = allocations.proposed(receipt)

    assert said == [to(owing.second, 200), to(owing.agreement, 1000), on_account(150)]
    allocate(receipt, accountant, *said)
    assert paid() == {"HAR-2": D(200), "NA-1": D(1000)}


def test_a_bank_fee_is_borne_by_the_agency_and_the_payee_gets_all(owing, accountant):
    fee = to(owing.second, 190, reason="bank_fee", difference=D(10))

    allocate(receive(owing, "190"), accountant, fee)

    assert paid() == {"HAR-2": D(200)}
    assert balances(owing)[K.PAYABLE] == D(-180)
    assert balances(owing)[K.AGENCY_MONEY] == D(10)


def test_tax_withheld_abroad_settles_the_debt_and_is_taken_off_the_payees_part(owing, accountant):
    tax = to(owing.second, 170, reason="source_tax", difference=D(30), note="DE 2026/77")

    allocate(receive(owing, "170"), accountant, tax)

    # 200 earned: commission 20, tax 30, payable 150; the bank holds 170.
    assert paid() == {"HAR-2": D(200)}
    found = balances(owing)
    assert (found[K.PAYABLE], found[K.COMMISSION], found[K.TRUST_CASH]) == (-150, -20, 170)
    # The licensee's account says 30 came so, the payee's that it was taken off them.
    on = JournalEntry.objects.get(kind="source_tax").postings.get(account__kind="source_tax")
    assert (on.amount, on.account.beneficiary) == (D(-30), owing.beneficiary)
    settlement = Remittance.objects.get(means="source_tax")
    assert "DE 2026/77" in settlement.reference


def test_what_settles_a_difference_goes_when_the_receipt_is_unmatched_or_bounces(owing, accountant):
    before = balances(owing)
    receipt = receive(owing, "170")
    tax = to(owing.second, 170, reason="source_tax", difference=D(30), note="C1")
    allocate(receipt, accountant, tax)

    allocations.unmatch(remittance=receipt, reason="Wrong.", by=accountant, at=TONIGHT)
    assert balances(owing) == {**before, K.TRUST_CASH: D(170), K.UNMATCHED: D(-170)}

    allocate(receipt, accountant, tax)
    colleague = factories.make_member(owing.agency, Role.BUSINESS_AFFAIRS)
    entry = receipt.entries.get(kind="receipt")
    asked = reversals.ask(entry_id=entry.pk, reason="Bounced.", by=accountant, at=TONIGHT)
    reversals.approve(request_id=asked.pk, by=colleague, at=TONIGHT)
    assert balances(owing) == before
    with pytest.raises(NotAllocatable, match="Nothing of this receipt is left"):
        allocations.plan(receipt, [on_account(170)])


def test_what_stands_in_for_money_pays_no_other_debt_when_its_own_falls(owing, accountant):
    tax = to(owing.second, 170, reason="source_tax", difference=D(30), note="C1")
    allocate(receive(owing, "170"), accountant, tax)
    Reading.objects.filter(agreement=owing.second).update(gross=D(0))
    matching.give_back(agreement_id=owing.second.pk, as_of=DAY, now=TONIGHT)

    match(owing)

    assert paid() == {"NA-1": D(170)}
    assert Remittance.objects.with_left().get(means="source_tax").unmatched == 30


@pytest.mark.parametrize("reason", ["short", "disputed", "discount", "exchange", "other"])
def test_what_is_missing_for_another_reason_stays_owed(owing, accountant, reason):
    short = to(owing.second, 190, reason=reason, difference=D(10), note="They say so")

    allocate(receive(owing, "190"), accountant, short)

    assert paid() == {"HAR-2": D(190)}
    assert not Remittance.objects.exclude(means=ReceiptMeans.MONEY.value).exists()


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_was_allocated_before_unmatching_leaves_the_money_and_nothing_else(
    owing, accountant, data
):
    with transaction.atomic():
        before = balances(owing)
        cents = data.draw(st.integers(1, 150_000))
        receipt = receive(owing, D(cents) / 100)
        for _ in range(data.draw(st.integers(1, 3))):
            first = data.draw(st.integers(0, min(cents, 100_000)))
            second = data.draw(st.integers(0, min(cents - first, 20_000)))
            tax = data.draw(st.integers(0, 20_000 - second))
            about = {"reason": "source_tax", "difference": D(tax) / 100, "note": "C"} if tax else {}
            allocate(
                receipt, accountant, to(owing.agreement, D(first) / 100),
                to(owing.second, D(second) / 100, **about),
                on_account(D(cents - first - second) / 100),
            )  # fmt: skip
            assert sum(paid().values()) == D(first + second + tax) / 100
        allocations.unmatch(remittance=receipt, reason="Anew.", by=accountant, at=TONIGHT)

        amount = D(cents) / 100
        assert balances(owing) == {**before, K.TRUST_CASH: amount, K.UNMATCHED: -amount}
        transaction.set_rollback(True)
