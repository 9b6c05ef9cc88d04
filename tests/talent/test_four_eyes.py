"""Four eyes: who asked approves nothing, whoever they are, and somebody else could."""

import pytest

from talent import four_eyes
from talent.words import Role
from tests import factories

PERMISSION = "licensing.approve_amendment"

pytestmark = pytest.mark.django_db


def test_who_asked_or_approved_before_does_not_approve_operators_included(operator, affairs):
    for person in (operator, affairs):
        with pytest.raises(four_eyes.FourEyes):
            four_eyes.refuse_same_person(by=person, before=[None, person.pk])
    four_eyes.refuse_same_person(by=operator, before=[affairs.pk])


def test_nothing_is_asked_that_nobody_else_could_approve(agency, affairs, agent):
    asked = {"permission": PERMISSION, "agency_id": agency.pk}

    with pytest.raises(four_eyes.NobodyToApprove):
        four_eyes.refuse_without_approver(asked_by=affairs, **asked)
    four_eyes.refuse_without_approver(asked_by=agent, **asked)
    colleague = factories.make_member(agency, Role.BUSINESS_AFFAIRS, email="c@northlight.example")
    four_eyes.refuse_without_approver(asked_by=affairs, **asked)
    colleague.is_active = False
    colleague.save()
    with pytest.raises(four_eyes.NobodyToApprove):
        four_eyes.refuse_without_approver(asked_by=affairs, **asked)


def test_an_operator_could_approve_and_a_seat_elsewhere_could_not(agency, elsewhere, affairs):
    factories.make_member(elsewhere, Role.BUSINESS_AFFAIRS)
    assert set(four_eyes.could_approve(PERMISSION, agency.pk)) == {affairs}
    operator = factories.make_user("operator@desk.example", is_superuser=True)
    assert set(four_eyes.could_approve(PERMISSION, agency.pk)) == {affairs, operator}
