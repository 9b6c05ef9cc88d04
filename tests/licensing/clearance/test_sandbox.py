"""Clearances of the sandbox: answered alike, and worth nothing."""

import pytest
from django.utils import timezone

from licensing.models import Cap, CapReservation, CapYear, ClearanceDecision, Permit
from tests.factories import make_studio

pytestmark = pytest.mark.django_db
CLEARANCES = "/api/v1/clearances"


@pytest.fixture
def trying(terms):
    return make_studio(terms, at=timezone.now(), sandbox=True)


@pytest.fixture
def question(twin, agreement, consent, performer):
    consent(performer=performer)
    Cap.objects.create(agreement=agreement, meter="lines", limit=10, starts_on="2026-01-01")
    return {
        "twin": f"T{twin.pk}",
        "agreement": agreement.reference,
        "right": "voice",
        "use": "dubbing",
        "at": timezone.now().isoformat(),
        "territory": "FR",
        "language": "fr",
        "channel": "streaming",
        "quantities": {"lines": "6"},
        "reserve": True,
    }


def post(client, path, body, **headers):
    return client.post(path, body, content_type="application/json", headers=headers)


def test_a_trial_is_cleared_without_permit_or_reservation(trying, question):
    told = post(trying, CLEARANCES, question).json()

    assert (told["outcome"], told["sandbox"], told["id"]) == ("cleared", True, None)
    assert not told.get("permit")
    for model in (ClearanceDecision, CapReservation, Permit):
        assert not model.objects.exists(), model
    assert not CapYear.objects.exclude(reserved=0).exists()


def test_a_batch_of_trials_is_marked_and_leaves_nothing(trying, question):
    told = post(trying, f"{CLEARANCES}/batch", [question, question]).json()

    assert told["sandbox"] is True
    assert [one["clearance"]["id"] for one in told["results"]] == [None, None]
    assert not any(one["clearance"].get("permit") for one in told["results"])
    assert not ClearanceDecision.objects.exists()


def test_the_key_of_a_real_answer_leads_a_trial_nowhere(trying, studio, question):
    """Neither to the permit of the real one nor to a conflict with it."""
    real = post(studio, CLEARANCES, question, **{"Idempotency-Key": "once"}).json()
    tried = post(trying, CLEARANCES, question, **{"Idempotency-Key": "once"})

    assert real["permit"]
    assert (tried.status_code, tried.json().get("permit")) == (201, None)


def test_a_sandbox_key_touches_no_real_reservation(trying, studio, question):
    number = post(studio, CLEARANCES, question).json()["id"]

    for step in ("confirm", "release"):
        assert post(trying, f"{CLEARANCES}/{number}/{step}", {}).status_code == 404
    assert trying.get(f"{CLEARANCES}/{number}").status_code == 404
    assert CapYear.objects.get().reserved == 6
