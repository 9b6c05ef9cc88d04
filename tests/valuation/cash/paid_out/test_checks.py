"""Checks of payees: who is not checked, or was found, waits; the newest check counts."""

from datetime import timedelta

import pytest

from talent import four_eyes
from talent.words import Role
from tests import factories
from tests.factories import admin_page, sign_in
from tests.valuation.cash.accounting import TODAY, add_details, approve, draw_up, receive
from tests.valuation.world import TONIGHT
from valuation.cash.paid_out import checks, payouts
from valuation.models import PayeeCheck, PayeeCheckRule
from valuation.words import PayoutHold

PAY_ON = TODAY + timedelta(2)


@pytest.fixture
def accountant(world):
    return factories.make_member(world.agency, Role.ACCOUNTING)


@pytest.fixture
def colleague(world):
    return factories.make_member(world.agency, Role.BUSINESS_AFFAIRS)


def look(world, by, outcome="clear", kind="sanctions", until=PAY_ON, **about):
    told = {"checked_on": TODAY, "looked_at": "EU list of Nov 20", "expires_on": until}
    return PayeeCheck.objects.create(
        agency=world.agency, beneficiary=world.beneficiary, kind=kind, outcome=outcome,
        written_at=TONIGHT, written_by=by, **told | about,
    )  # fmt: skip


def ask(world, by, kind="sanctions", starts_on=TODAY, *, is_needed=True):
    PayeeCheckRule.objects.create(
        agency=world.agency, kind=kind, starts_on=starts_on, is_needed=is_needed, source="Policy",
        written_at=TONIGHT, written_by=by,
    )  # fmt: skip


def holds(world):
    payee = world.beneficiary.pk
    return checks.holds(world.agency, {payee}, PAY_ON).get(payee, [])


def test_whoever_is_not_checked_or_was_found_waits(world, accountant, colleague):
    assert holds(world) == []
    ask(world, accountant, starts_on=PAY_ON + timedelta(1))
    assert holds(world) == []
    ask(world, accountant)
    assert holds(world) == [PayoutHold.NOT_CHECKED]
    look(world, accountant, kind="identity")
    look(world, accountant, until=PAY_ON - timedelta(1))
    assert holds(world) == [PayoutHold.NOT_CHECKED]
    look(world, accountant)
    assert holds(world) == []
    look(world, accountant, checked_on=PAY_ON + timedelta(1), until=PAY_ON + timedelta(9))
    assert holds(world) == [PayoutHold.NOT_CHECKED]
    look(world, accountant, "found")
    assert holds(world) == [PayoutHold.CHECK_FAILED]
    ask(world, accountant, is_needed=False)
    assert holds(world) == [PayoutHold.CHECK_FAILED]

    clearance = PayeeCheck(
        agency=world.agency, beneficiary=world.beneficiary, kind="sanctions", outcome="clear",
        written_by=accountant,
    )  # fmt: skip
    for outcome in ("unclear", "found", "unclear"):
        look(world, accountant, outcome)
        with pytest.raises(four_eyes.FourEyes):
            checks.refuse_own_clearance(clearance)
    clearance.written_by = colleague
    checks.refuse_own_clearance(clearance)
    look(world, colleague)
    clearance.written_by = accountant
    checks.refuse_own_clearance(clearance)


def test_a_run_holds_them_and_what_is_found_before_its_approval_stops_it(
    world, accountant, colleague
):
    for whom in (None, world.beneficiary):
        add_details(world, whom, accountant, colleague)
    receive(world, world.beneficiary, "90")
    ask(world, accountant)
    with pytest.raises(payouts.NobodyToPay, match="no check of identity or sanctions"):
        draw_up(world, accountant)
    look(world, accountant)
    run = draw_up(world, accountant)
    look(world, colleague, "found")
    with pytest.raises(payouts.ChangedSince, match="found on a list"):
        approve(run, colleague)


def test_who_found_somebody_does_not_clear_them_on_the_page_either(world, accountant, colleague):
    look(world, accountant, "found")
    told = {"agency": world.agency.pk, "beneficiary": world.beneficiary.pk, "kind": "sanctions",
            "outcome": "clear", "looked_at": "EU list of Nov 21", "checked_on": "2026-11-21",
            "expires_on": "2027-11-20", "note": ""}  # fmt: skip
    page = admin_page(PayeeCheck)
    sign_in(accountant).post(page, told)
    assert PayeeCheck.objects.count() == 1
    assert sign_in(colleague).post(page, told).status_code == 302
    assert PayeeCheck.objects.latest("pk").written_by == colleague
    stranger = sign_in(factories.make_member(factories.make_agency("other"), Role.ACCOUNTING))
    check = PayeeCheck.objects.latest("pk")
    assert stranger.get(admin_page(PayeeCheck, check.pk)).status_code in (302, 404)
