"""The cast of every test: two agencies, a studio, Ada and her twin, their staff, a stranger."""

import pytest

from licensing.models import Production
from talent.models import User
from talent.words import Role
from tests import factories


@pytest.fixture
def agency(db):
    return factories.make_agency("northlight")


@pytest.fixture
def elsewhere(db):
    """Another agency, whose staff must see nothing of the first."""
    return factories.make_agency("elsewhere")


# Performers and what they allow


@pytest.fixture
def performer(agency):
    return factories.make_performer("Ada Example", agency, guild="equity_uk")


@pytest.fixture
def ada(performer):
    """The performer as somebody who signs in."""
    return factories.make_user("ada@performers.example", performer=performer, first_name="Ada")


@pytest.fixture
def twin(performer):
    return factories.make_twin(performer, hand_id="10.23/ada")


@pytest.fixture
def consent():
    return factories.record_consent


# The studio and its agreement


@pytest.fixture
def licensee(db):
    return factories.make_licensee("paper-moon")


@pytest.fixture
def terms(agency, licensee):
    return factories.make_terms(agency, licensee)


@pytest.fixture
def agreement(agency, licensee, twin):
    return factories.make_agreement(agency, licensee, twin)


@pytest.fixture
def production(licensee):
    return Production.objects.create(licensee=licensee, title="Harbor Nine", kind="feature")


# Who works at the agency, who runs the desk, and who has no business here


@pytest.fixture
def agent(agency):
    return factories.make_member(agency, Role.AGENT)


@pytest.fixture
def affairs(agency):
    return factories.make_member(agency, Role.BUSINESS_AFFAIRS)


@pytest.fixture
def accounting(agency):
    return factories.make_member(agency, Role.ACCOUNTING)


@pytest.fixture
def auditor(agency):
    return factories.make_member(agency, Role.AUDITOR)


@pytest.fixture
def operator(db):
    return User.objects.create_superuser("operator@desk.example")


@pytest.fixture
def stranger(db):
    """Somebody on the staff of no agency."""
    return factories.make_user("stranger@desk.example", is_staff=True)
