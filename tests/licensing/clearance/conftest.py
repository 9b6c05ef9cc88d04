"""The cast of the clearance tests: one agency, one studio, a performer, a twin, an agreement."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from licensing.clearance.ask import Asked
from licensing.models import Agreement, Grant, Licensee, LicenseeTerms, Production
from talent.consent.consents import matrix_of, record
from talent.consent.matrix import Cell
from talent.models import (
    Agency,
    Delegation,
    DigitalTwin,
    Membership,
    Performer,
    Representation,
    User,
)

JANUARY = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def agency(db):
    return Agency.objects.create(name="Northlight Example", slug="northlight", country="US")


@pytest.fixture
def licensee(db):
    return Licensee.objects.create(
        name="Lantern Example Pictures", slug="lantern", kind="studio", country="US"
    )


@pytest.fixture
def terms(agency, licensee):
    return LicenseeTerms.objects.create(agency=agency, licensee=licensee)


@pytest.fixture
def performer(agency):
    ada = Performer.objects.create(name="Ada Example", guild="equity_uk")
    Representation.objects.create(
        agency=agency, performer=ada, commission_percent=10, starts_on="2020-01-01"
    )
    return ada


@pytest.fixture
def twin(performer):
    return DigitalTwin.objects.create(
        name="Ada's voice",
        performer=performer,
        tier="dynamic_behavioral_emulator",
        legal_class="independently_created",
    )


@pytest.fixture
def agreement(agency, licensee, twin):
    made = Agreement.objects.create(
        agency=agency,
        licensee=licensee,
        twin=twin,
        reference="NE-1",
        status="signed",
        signed_at=JANUARY,
        starts_at=JANUARY,
        ends_at=datetime(2027, 1, 1, tzinfo=UTC),
        currency="USD",
    )
    Grant.objects.create(agreement=made, right="voice", use="dubbing")
    return made


@pytest.fixture
def consent():
    """Record a version of somebody's matrix with one cell, dubbing by default."""

    def make(stance="allow", *, use="dubbing", scope=None, at=JANUARY, recorded_at=None, **owner):
        cell = Cell("voice", use, stance, scope) if scope else Cell("voice", use, stance)
        return record(
            matrix=matrix_of(**owner),
            cells=[cell],
            in_force_from=at,
            recorded_at=recorded_at or at,
            by=None,
            text_shown="A consent for the tests.",
        )

    return make


# Who asks, and who is asked.


@pytest.fixture
def ada(performer):
    """The performer as somebody who signs in."""
    performer.user = User.objects.create_user("ada@performers.example", "x", first_name="Ada")
    performer.save()
    return performer.user


@pytest.fixture
def agent(agency):
    user = User.objects.create_user("agent@northlight.example", "x", is_staff=True)
    Membership.objects.create(agency=agency, user=user, role="agent", starts_on="2020-01-01")
    return user


@pytest.fixture
def production(licensee):
    return Production.objects.create(licensee=licensee, title="Harbor Nine", kind="feature")


@pytest.fixture
def asking(consent, performer):
    """The performer wants to be asked."""
    return consent("ask", performer=performer)


@pytest.fixture
def question(twin, agreement, production, asking):
    """What the studio asks, in the API's names."""
    return Asked(
        twin=twin.name,
        right="voice",
        use="dubbing",
        at=datetime(2026, 6, 15, tzinfo=UTC),
        agreement=agreement.reference,
        territory="FR",
        language="fr",
        channel="cinema",
        production=production.title,
        units=(("lines", Decimal(6)),),
    )


@pytest.fixture
def delegate():
    """Let somebody act for a performer."""

    def make(performer, kind, *powers, email="delegate@performers.example"):
        user = User.objects.create_user(email, "x")
        Delegation.objects.create(
            performer=performer,
            user=user,
            kind=kind,
            powers=list(powers),
            starts_on="2020-01-01",
        )
        return user

    return make


@pytest.fixture
def sources(agency, consent, twin):
    """Make a composite persona of two people who want to be asked, and one who said yes."""

    def person(name, weight, stance):
        user = User.objects.create_user(f"{name.lower()}@performers.example", "x")
        made = Performer.objects.create(name=f"{name} Example", user=user)
        Representation.objects.create(
            agency=agency, performer=made, commission_percent=10, starts_on="2020-01-01"
        )
        consent(stance, performer=made)
        persona.sources.create(performer=made, weight=weight)
        return made

    persona = DigitalTwin.objects.create(
        name="Vesper Example",
        agency=agency,
        tier="autonomous_generative_persona",
        legal_class="independently_created",
    )
    people = [person("Bea", 3, "ask"), person("Cleo", 1, "ask"), person("Dan", 4, "allow")]
    return persona, people
