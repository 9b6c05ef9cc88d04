"""Money that nobody claims: by age, by the rule of the place, with what was done to find them."""

from datetime import date, timedelta
from decimal import Decimal as D

import pytest
from django.urls import reverse

from licensing.agreements.rules.rulesets import load_rules
from talent.models import Agency
from talent.words import Role
from tests import factories
from tests.valuation.cash.accounting import TODAY, pay_out, receive
from tests.valuation.world import TONIGHT
from valuation.cash.paid_out import unclaimed
from valuation.cash.received import remittances
from valuation.models import SearchNote

OLD = TODAY - timedelta(1095)


@pytest.fixture
def accountant(world):
    return factories.make_member(world.agency, Role.ACCOUNTING)


@pytest.fixture
def lying(world):
    """50 lie for the payee since three years to the day, 10 of a licensee since two."""
    load_rules()
    Agency.objects.filter(pk=world.agency.pk).update(country="US")
    world.agency.refresh_from_db()
    receive(world, world.beneficiary, "50", on=OLD)
    receive(world, world.beneficiary, "5", on=TODAY)
    remittances.record(
        agency_id=world.agency.pk, licensee_id=world.licensee.pk, amount=D(10), currency="USD",
        received_on=TODAY - timedelta(730), reference="W", by=None, now=TONIGHT,
    )  # fmt: skip
    return world


def found(world, days=180):
    return unclaimed.lying(agency=world.agency, at=TONIGHT, least_days=days)


def test_what_lies_is_listed_by_age_with_the_day_that_the_rule_sets(lying):
    payee, licensee = found(lying)

    assert (payee.holder, payee.amount, payee.days) == (lying.beneficiary, D(55), 1095)
    assert (payee.goes_on, payee.is_due) == (TODAY, True)
    assert (licensee.holder, licensee.amount, licensee.is_due) == (lying.licensee, D(10), False)
    assert payee.confidence == "unverified"


def test_what_was_paid_out_lies_no_more_and_the_oldest_is_paid_first(lying):
    pay_out(lying, "50", on=TODAY)

    assert [one.holder for one in found(lying)] == [lying.licensee]
    assert [one.days for one in found(lying, 0)] == [730, 0]


def test_without_a_rule_of_the_place_no_day_is_made_up(lying):
    Agency.objects.filter(pk=lying.agency.pk).update(country="DE")
    lying.agency.refresh_from_db()

    assert {(one.goes_on, one.is_due) for one in found(lying)} == {(None, False)}


def test_a_search_is_noted_and_shown_beside_the_money(lying, accountant):
    client, page = factories.sign_in(accountant), reverse("admin:unclaimed")
    asked = f"{page}?agency={lying.agency.pk}&days=180"
    shown = client.get(asked).content.decode()
    assert "Not verified" in shown
    note = {"holder": f"payee-{lying.beneficiary.pk}", "done_on": "2026-11-01",
            "note": "Letter came back."}  # fmt: skip

    client.post(asked, {**note, "done_on": "2027-01-01"})
    client.post(asked, {**note, "holder": "payee-0"})
    assert not SearchNote.objects.exists()
    client.post(asked, note)

    assert "Letter came back." in client.get(asked).content.decode()
    told = b"".join(client.get(f"{asked}&format=csv")).decode()
    assert "Letter came back." in told
    auditor = factories.sign_in(factories.make_member(lying.agency, Role.AUDITOR))
    assert "Keep a note" not in auditor.get(asked).content.decode()
    auditor.post(asked, note)
    assert SearchNote.objects.count() == 1


def test_another_agency_sees_nothing_of_it(lying, accountant):
    stranger = factories.make_member(factories.make_agency("far"), Role.ACCOUNTING)

    page = f"{reverse('admin:unclaimed')}?agency={lying.agency.pk}&days=0"

    shown = factories.sign_in(stranger).get(page).content.decode()
    assert lying.beneficiary.name not in shown


@pytest.mark.parametrize(
    ("done_on", "text"), [(TODAY, " "), (TODAY + timedelta(2), "A letter"), (date.min, "A letter")]
)
def test_a_note_says_what_was_done_on_a_day_that_has_come(lying, accountant, done_on, text):
    with pytest.raises(unclaimed.NotASearch):
        unclaimed.note(
            agency=lying.agency, holder=lying.licensee, done_on=done_on, text=text,
            by=accountant, at=TONIGHT,
        )  # fmt: skip
