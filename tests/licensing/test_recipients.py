"""Whom at an agency the desk writes to: those who have the role there, today, and can sign in."""

import pytest

from licensing.recipients import operators, staff_by_agency, staff_of
from talent.models import Membership, User
from talent.words import Role
from tests.factories import make_agency

pytestmark = pytest.mark.django_db


@pytest.fixture
def other_agency():
    return make_agency("other")


def seat(agency, email, role=Role.AGENT, *, ends_on=None, is_active=True):
    user, _new = User.objects.get_or_create(email=email, defaults={"is_active": is_active})
    Membership.objects.create(
        agency=agency, user=user, role=role.value, starts_on="2020-01-01", ends_on=ends_on
    )
    return user


def test_only_current_seats_with_the_role_are_written_to(agency):
    ada = seat(agency, "ada@desk.example")
    seat(agency, "accounting@desk.example", Role.ACCOUNTING)
    seat(agency, "left@desk.example", ends_on="2021-01-01")
    seat(agency, "locked@desk.example", is_active=False)

    assert list(staff_of([agency.pk], Role.AGENT)) == [ada]


def test_who_sits_at_two_agencies_is_named_once_and_under_both(agency, other_agency):
    ada = seat(agency, "ada@desk.example")
    seat(other_agency, "ada@desk.example", Role.BUSINESS_AFFAIRS)
    both, roles = [agency.pk, other_agency.pk], (Role.AGENT, Role.BUSINESS_AFFAIRS)

    assert list(staff_of(both, *roles)) == [ada]
    assert staff_by_agency(both, *roles) == {agency.pk: [ada], other_agency.pk: [ada]}


def test_an_agency_without_such_a_seat_is_left_out(agency, other_agency):
    ada = seat(agency, "ada@desk.example")

    assert staff_by_agency([agency.pk, other_agency.pk], Role.AGENT) == {agency.pk: [ada]}


def test_operators_are_the_active_superusers(agency):
    seat(agency, "ada@desk.example")
    operator = User.objects.create_superuser("operator@desk.example")
    User.objects.create_superuser("gone@desk.example", is_active=False)

    assert list(operators()) == [operator]
