"""The cast of the consent tests: two agencies, a performer, a twin, and their agent."""

from datetime import UTC, date, datetime

import pytest

from talent.consent.consents import matrix_of, record
from talent.consent.matrix import Cell, Scope
from talent.models import Agency, DigitalTwin, Membership, Performer, Representation, User
from talent.words import Role

JANUARY = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def agency(db):
    return Agency.objects.create(name="Northlight Example", slug="northlight", country="US")


@pytest.fixture
def elsewhere(db):
    return Agency.objects.create(name="Elsewhere Example", slug="elsewhere", country="US")


@pytest.fixture
def ada(agency, elsewhere):
    user = User.objects.create_user("ada@desk.example")
    performer = Performer.objects.create(name="Ada Example", guild="equity_uk", user=user)
    for one in (agency, elsewhere):
        Representation.objects.create(
            agency=one, performer=performer, commission_percent=10, starts_on=date(2020, 1, 1)
        )
    return performer


@pytest.fixture
def voice(ada):
    return DigitalTwin.objects.create(
        name="Ada's voice",
        performer=ada,
        tier="dynamic_behavioral_emulator",
        legal_class="independently_created",
    )


@pytest.fixture
def agent(agency):
    return seat(agency, Role.AGENT)


def seat(agency, role):
    user = User.objects.create_user(f"{role.value}@{agency.slug}.example", is_staff=True)
    Membership.objects.create(agency=agency, user=user, role=role.value, starts_on=date(2020, 1, 1))
    return user


@pytest.fixture
def say():
    """Record a version of somebody's matrix that says one thing about dubbing a voice."""

    def said(stance, *, at=JANUARY, use="dubbing", overrules=False, scope=None, **owner):
        cell = Cell("voice", use, stance, Scope(**(scope or {})), overrules)
        return record(
            matrix=matrix_of(**owner),
            cells=[cell],
            in_force_from=at,
            recorded_at=at,
            by=None,
            text_shown="A consent for the tests.",
        )

    return said
