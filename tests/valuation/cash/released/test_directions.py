"""Letters of direction: a part of somebody's money is somebody else's, whatever comes later."""

from datetime import date, timedelta
from decimal import Decimal as D

import pytest

from talent import four_eyes
from talent.models import Beneficiary
from talent.words import Role
from tests import factories
from tests.factories import admin_page, sign_in
from tests.valuation.cash.accounting import add_details, approve, draw_up
from tests.valuation.world import JULY, TONIGHT, give_certificate
from valuation import night
from valuation.cash.disputed import deciding, raising
from valuation.cash.received import allocations, remittances
from valuation.cash.released import directions, matching
from valuation.ledger import journal
from valuation.models import PaymentDirection, PaymentDirectionMove, Reading, Statement
from valuation.statements import snapshot
from valuation.words import AccountKind, DisputeOutcome, DisputeReason

pytestmark = pytest.mark.usefixtures("short_papers")


@pytest.fixture
def accountant(world):
    return factories.make_member(world.agency, Role.ACCOUNTING)


@pytest.fixture
def colleague(world):
    return factories.make_member(world.agency, Role.BUSINESS_AFFAIRS)


@pytest.fixture
def owing(world):
    """1,000.00 is owed; Ada gets 900.00 of it after commission."""
    world.line(unit_price=D(1))
    world.use("1000")
    night.run_night(as_of=TONIGHT.date(), now=TONIGHT)
    return world


def letter(world, by, name="A manager", **fields):
    payee, _ = Beneficiary.objects.get_or_create(name=name, payee_of=world.agency)
    told = {"kind": "letter", "currency": "USD", "base": "received", "percent": D(15),
            "starts_on": JULY, "written_on": JULY, "is_revocable": True,
            "source": "Letter of July 1"}  # fmt: skip
    return PaymentDirection.objects.create(
        agency=world.agency, beneficiary=world.beneficiary, payee=payee, written_at=TONIGHT,
        written_by=by, **told | fields,
    )  # fmt: skip


def receive(world, amount, *, on=date(2026, 8, 3), now=TONIGHT):
    receipt = remittances.record(
        agency_id=world.agency.pk, licensee_id=world.licensee.pk, amount=D(amount), currency="USD",
        received_on=on, reference=f"W{on}", by=None, now=now,
    )  # fmt: skip
    matching.match_unmatched(agency_id=world.agency.pk, now=now)
    return receipt


def payable(world):
    found = {
        one.name: -journal.balance(
            agency_id=world.agency.pk, kind=AccountKind.PAYABLE, currency="USD",
            beneficiary_id=one.pk,
        )
        for one in Beneficiary.objects.order_by("pk")
    }  # fmt: skip
    return {name: amount for name, amount in found.items() if amount}


def test_levies_come_first_then_letters_by_place_and_none_takes_more_than_is_left(
    owing, accountant, colleague
):
    office = {"kind": "levy", "base": "payable", "percent": D(100), "most": D(300), "place": 9}
    for one in (
        letter(owing, accountant, "A lawyer", base="payable", percent=D(50), place=2),
        letter(owing, accountant, place=1),
        letter(owing, accountant, "An office", **office),
    ):
        directions.approve(direction_id=one.pk, by=colleague, at=TONIGHT)
    receive(owing, "400")
    # Of 360.00 the office gets 300.00, the manager the 15 % of 400.00, and nobody else anything.
    assert payable(owing) == {"An office": 300, "A manager": 60}

    receive(owing, "600", on=date(2026, 8, 4))
    # Of 540.00 more the manager gets 90.00; the lawyer half of all that was payable: 450.00.
    assert payable(owing) == {"An office": 300, "A manager": 150, "A lawyer": 450}


def test_both_statements_say_it_and_what_is_given_back_after_payment_takes_both_parts_back(
    owing, accountant, colleague
):
    one = letter(owing, accountant)
    with pytest.raises(four_eyes.FourEyes):
        directions.approve(direction_id=one.pk, by=accountant, at=TONIGHT)
    receipt = receive(owing, "1000")
    assert payable(owing) == {"Ada Example": 900}
    directions.approve(direction_id=one.pk, by=colleague, at=TONIGHT)
    assert payable(owing) == {"Ada Example": 750, "A manager": 150}
    give_certificate(one.payee)
    for whom in (None, owing.beneficiary, one.payee):
        add_details(owing, whom, accountant, colleague)
    run = draw_up(owing, accountant)
    rows = list(run.payments.select_related("beneficiary"))
    assert {row.beneficiary.name: (row.amount, row.holds) for row in rows} == {
        "Ada Example": (750, []), "A manager": (150, []),
    }  # fmt: skip
    assert len({row.pay_by for row in rows}) == 1
    night.run_night(as_of=TONIGHT.date(), now=TONIGHT)
    told = {
        row.beneficiary.name: snapshot.statement_from_json(row.content)
        for row in Statement.objects.filter(kind="beneficiary", period_on=JULY)
    }
    note = "Ada Example to A manager: Letter of July 1"
    for name, amount, closing in (("Ada Example", -150, 750), ("A manager", 150, 150)):
        (split,) = [row for row in told[name].deductions if row.note == note]
        assert (split.amount, told[name].closing_balance) == (amount, closing)
    approve(run, colleague)

    allocations.unmatch(remittance=receipt, reason="Not theirs.", by=accountant, at=TONIGHT)
    assert payable(owing) == {"Ada Example": -750, "A manager": -150}
    assert sum(PaymentDirectionMove.objects.values_list("amount", flat=True)) == 0


def test_what_came_before_it_was_entered_and_what_comes_after_its_end_is_not_split(
    owing, accountant, colleague
):
    one = letter(owing, accountant, written_on=date(2026, 8, 4), is_revocable=False)
    directions.approve(direction_id=one.pk, by=colleague, at=TONIGHT)
    with pytest.raises(directions.NotItsTurn):
        directions.approve(direction_id=one.pk, by=colleague, at=TONIGHT)
    receive(owing, "100")
    assert payable(owing) == {"Ada Example": 90}
    split = receive(owing, "100", on=date(2026, 8, 4))
    assert payable(owing) == {"Ada Example": 165, "A manager": 15}

    today = TONIGHT.date()
    about = {"direction_id": one.pk, "by": accountant, "at": TONIGHT}
    with pytest.raises(directions.NotItsTurn, match="consent of who is paid"):
        directions.ask_end(on=today, note=" ", **about)
    with pytest.raises(directions.NotItsTurn, match="today at the earliest"):
        directions.ask_end(on=today - timedelta(2), note="Consent", **about)
    directions.ask_end(on=today, note="Their consent of Nov 20", **about)
    with pytest.raises(four_eyes.FourEyes):
        directions.end(**about)
    directions.end(direction_id=one.pk, by=colleague, at=TONIGHT)
    receive(owing, "100", on=today)
    assert payable(owing) == {"Ada Example": 255, "A manager": 15}
    # What was split is given back by both, though the letter has ended.
    allocations.unmatch(remittance=split, reason="Not theirs.", by=accountant, at=TONIGHT)
    assert payable(owing) == {"Ada Example": 180}


def test_an_end_approved_days_later_takes_back_what_was_split_meanwhile_paid_out_or_not(
    owing, accountant, colleague
):
    one = letter(owing, accountant)
    directions.approve(direction_id=one.pk, by=colleague, at=TONIGHT)
    for whom in (None, one.payee):
        add_details(owing, whom, accountant, colleague)
    give_certificate(one.payee)
    receive(owing, "100")
    today, later = TONIGHT.date(), TONIGHT + timedelta(3)
    directions.ask_end(
        direction_id=one.pk, on=today, note="Ada’s letter", by=accountant, at=TONIGHT
    )
    receive(owing, "100", on=today)
    receive(owing, "200", on=today + timedelta(1), now=later)
    assert payable(owing) == {"Ada Example": 300, "A manager": 60}
    approve(draw_up(owing, accountant), colleague)
    assert payable(owing) == {"Ada Example": 300}

    page = admin_page(PaymentDirection, one.pk, name="end")
    told = sign_in(colleague).get(page).text
    assert "Split since, and taken back" in told
    assert "$45.00" in told
    directions.end(direction_id=one.pk, by=colleague, at=later)

    # 15 % of the first 100.00 stay with the manager; the 45.00 of today and later are owed back.
    assert payable(owing) == {"Ada Example": 345, "A manager": -45}
    assert directions.split_since(one, today) == 0
    directions.follow(agency_id=owing.agency.pk, now=later)
    receive(owing, "100", on=later.date(), now=later)
    assert payable(owing) == {"Ada Example": 435, "A manager": -45}


def test_what_a_dispute_holds_is_not_split_until_it_is_free(owing, accountant, colleague):
    one = letter(owing, accountant, base="payable", percent=D(10))
    directions.approve(direction_id=one.pk, by=colleague, at=TONIGHT)
    dispute = raising.raise_for_licensee(
        reading_id=Reading.objects.get().pk, reason=DisputeReason.RATE, text="Less.",
        by=factories.make_member(owing.agency, Role.ACCOUNTING, email="c@x.example"), at=TONIGHT,
    )  # fmt: skip
    receive(owing, "1000")
    assert payable(owing) == {}
    deciding.propose(
        dispute_id=dispute.pk, outcome=DisputeOutcome.REJECTED, note="No.", by=accountant,
        at=TONIGHT,
    )  # fmt: skip
    deciding.approve(dispute_id=dispute.pk, by=colleague, at=TONIGHT)
    night.run_night(as_of=TONIGHT.date(), now=TONIGHT)
    assert payable(owing) == {"Ada Example": 810, "A manager": 90}


def test_what_a_dispute_frees_is_money_of_the_day_on_which_it_came(owing, accountant, colleague):
    """Held since before the letter and freed after it: nothing that came in since."""
    dispute = raising.raise_for_licensee(
        reading_id=Reading.objects.get().pk, reason=DisputeReason.RATE, text="Less.",
        by=factories.make_member(owing.agency, Role.ACCOUNTING, email="c@x.example"), at=TONIGHT,
    )  # fmt: skip
    receive(owing, "1000")
    one = letter(owing, accountant, base="payable", percent=D(10), written_on=date(2026, 8, 4))
    directions.approve(direction_id=one.pk, by=colleague, at=TONIGHT)
    deciding.propose(
        dispute_id=dispute.pk, outcome=DisputeOutcome.REJECTED, note="No.", by=accountant,
        at=TONIGHT,
    )  # fmt: skip
    deciding.approve(dispute_id=dispute.pk, by=colleague, at=TONIGHT)
    night.run_night(as_of=TONIGHT.date(), now=TONIGHT)
    assert payable(owing) == {"Ada Example": 900}


def test_a_stranger_sees_no_letter_and_nobody_directs_to_a_stranger(owing, accountant):
    one = letter(owing, accountant)
    other = factories.make_agency("other")
    stranger = sign_in(factories.make_member(other, Role.ACCOUNTING))
    assert stranger.get(admin_page(PaymentDirection, one.pk)).status_code in (302, 404)
    page = sign_in(accountant)
    told = {"agency": owing.agency.pk, "kind": "letter", "beneficiary": owing.beneficiary.pk,
            "currency": "USD", "base": "received", "percent": "15", "place": "1",
            "starts_on": "2026-08-01", "source": "Letter"}  # fmt: skip
    add = admin_page(PaymentDirection)
    of_another = Beneficiary.objects.create(name="A stranger", payee_of=other)
    page.post(add, told | {"payee": of_another.pk})
    assert PaymentDirection.objects.count() == 1
    sent = page.post(add, told | {"payee": one.payee_id})
    assert sent.status_code == 302
    assert PaymentDirection.objects.latest("pk").written_by == accountant
