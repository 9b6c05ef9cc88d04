"""The cast of the clearance tests: one agency, one studio, a performer, a twin, an agreement."""

from datetime import UTC, datetime

import pytest

from licensing.models import Agreement, Grant, Licensee, LicenseeTerms
from talent.consent.consents import matrix_of, record
from talent.consent.matrix import Cell
from talent.models import Agency, DigitalTwin, Performer, Representation

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
