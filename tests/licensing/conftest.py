"""What studios send in the licensing tests: reports of uses, and questions."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.utils import timezone

from licensing.clearance.sent_request import SentRequest
from licensing.usage.events.cloudevents import Envelope
from licensing.usage.events.event_types import USAGE_TYPE
from licensing.usage.recording.messages import BatchOrigin
from licensing.words import Door
from talent.words import Role
from tests import factories
from tests.factories import NOW


@pytest.fixture
def origin(terms):
    return BatchOrigin(terms, Door.API, NOW, actor="key test")


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


@pytest.fixture
def studio(terms):
    """A client that calls the API as the licensee's software does."""
    return factories.make_studio(terms, at=timezone.now())


@pytest.fixture
def asking(performer):
    """The performer wants to be asked."""
    return factories.record_consent("ask", performer=performer)


@pytest.fixture
def question(twin, agreement, production, asking):
    """What the studio asks, in the API's names."""
    return SentRequest(
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
    return factories.make_delegate


@pytest.fixture
def sources(agency):
    """Make a composite persona of two people who want to be asked, and one who said yes."""
    persona = factories.make_persona(agency)

    def add_source(name, weight, stance):
        source = factories.make_performer(f"{name} Example", agency)
        factories.make_user(f"{name.lower()}@performers.example", performer=source)
        factories.record_consent(stance, performer=source)
        persona.sources.create(performer=source, weight=weight)
        return source

    people = [
        add_source("Bea", 3, "ask"), add_source("Cleo", 1, "ask"), add_source("Dan", 4, "allow")
    ]  # fmt: skip
    return persona, people


# Somebody whose rights differ from agency to agency


@pytest.fixture
def elsewhere(elsewhere, licensee):
    """Another agency with the same licensee, where `both` only reads."""
    factories.make_terms(elsewhere, licensee)
    return elsewhere


@pytest.fixture
def both(affairs, elsewhere):
    """Business affairs at the agency, an auditor elsewhere."""
    return factories.make_member(elsewhere, Role.AUDITOR, email=affairs.email)
