"""The cast of the licensing tests: a plainly fictional studio, its agency and one twin."""

from datetime import UTC, datetime

import pytest

from licensing.models import Agreement, Grant, Licensee, LicenseeTerms
from licensing.usage.events.cloudevents import Envelope
from licensing.usage.events.event_types import USAGE_TYPE
from licensing.usage.recording.arrivals import Arrival
from licensing.words import Door
from talent.models import Agency, DigitalTwin, Performer, Representation

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture
def agency(db):
    return Agency.objects.create(name="Northlight Agency", slug="northlight", country="US")


@pytest.fixture
def licensee(db):
    return Licensee.objects.create(
        name="Paper Moon Pictures", slug="paper-moon", kind="studio", country="US"
    )


@pytest.fixture
def terms(agency, licensee):
    return LicenseeTerms.objects.create(agency=agency, licensee=licensee)


@pytest.fixture
def performer(agency):
    ada = Performer.objects.create(name="Ada Example", life="living")
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
        hand_id="10.23/ada",
    )


@pytest.fixture
def agreement(agency, licensee, twin):
    made = Agreement.objects.create(
        agency=agency,
        licensee=licensee,
        twin=twin,
        reference="NA-1",
        status="signed",
        signed_at=datetime(2025, 12, 1, tzinfo=UTC),
        starts_at=datetime(2026, 1, 1, tzinfo=UTC),
        ends_at=datetime(2027, 1, 1, tzinfo=UTC),
        currency="USD",
    )
    Grant.objects.create(agreement=made, right="voice", use="dubbing")
    return made


@pytest.fixture
def arrival(terms):
    return Arrival(terms, Door.API, NOW, actor="key test")


@pytest.fixture
def use(twin, agreement):
    """Make an envelope that reports one dubbed line; the test says what is different."""

    def make(key="take-1", *, data=None, **attributes):
        reported = {
            "twin": f"T{twin.pk}",
            "agreement": agreement.reference,
            "right": "voice",
            "use": "dubbing",
            "territory": "FR",
            "language": "fr",
            "channel": "cinema",
            "quantities": {"lines": "1", "words": "7"},
        }
        sent = {
            "type": USAGE_TYPE,
            "time": "2026-05-04T10:11:12Z",
            "source": "https://studio.example/dub",
        }
        return Envelope(
            id=key,
            data={k: v for k, v in (reported | (data or {})).items() if v is not None},
            **(sent | attributes),
        )

    return make
