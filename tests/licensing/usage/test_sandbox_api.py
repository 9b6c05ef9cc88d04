"""The sandbox through the API: everything looks the same, and says that it is a trial."""

import json

import pytest
from django.urls import reverse
from django.utils import timezone

from licensing.models import (
    ApiKey,
    ClearanceDecision,
    SandboxEvent,
    UsageEvent,
)
from tests.factories import (
    make_licensee,
    make_studio,
    make_terms,
    shown_once,
    sign_in,
    take_step,
)

from .sending import EVENTS, send, send_one

pytestmark = pytest.mark.django_db


@pytest.fixture
def trying(terms):
    return make_studio(terms, at=timezone.now(), sandbox=True)


def shape(value):
    """The names and the types of an answer, without its values."""
    if isinstance(value, dict):
        return {name: shape(part) for name, part in value.items() if name != "sandbox"}
    return [shape(part) for part in value] if isinstance(value, list) else type(value)


def test_one_event_is_answered_alike(trying, studio, use):
    tried, real = send_one(trying, use()), send_one(studio, use())

    assert (tried.status_code, real.status_code) == (201, 201)
    assert tried.json()["sandbox"] is True
    assert shape(tried.json()) == shape(real.json())
    assert UsageEvent.objects.count() == SandboxEvent.objects.count() == 1


def test_a_batch_is_answered_alike(trying, studio, use):
    sent = [use("a"), use("a"), use("odd", data={"twin": "T0"}), use("a", data={"territory": "DE"})]

    tried, real = send(trying, *sent), send(studio, *sent)

    statuses = [result["status"] for result in tried.json()["results"]]
    assert (tried.status_code, tried.json()["sandbox"]) == (207, True)
    assert statuses == [201, 200, 422, 409]
    assert shape(tried.json()) == shape(real.json())


def test_a_problem_says_that_it_is_a_trial(trying, use):
    answer = send_one(trying, use(data={"twin": "T0"}))

    assert answer.status_code == 422
    assert answer["content-type"] == "application/problem+json"
    assert (answer.json()["code"], answer.json()["sandbox"]) == ("unknown_twin", True)


def test_a_trial_is_read_back_with_the_sandbox_key_alone(trying, studio, use):
    number = send_one(trying, use()).json()["id"]
    real = send_one(studio, use("real")).json()["id"]

    told = trying.get(f"{EVENTS}/{number}").json()

    assert told["quantities"] == {"lines": "1", "words": "7"}
    assert set(told) - {"sandbox"} == set(studio.get(f"{EVENTS}/{real}").json())
    assert trying.get(f"{EVENTS}/{int(number) + 999}").status_code == 404
    assert trying.get(f"{EVENTS}/{2**63}").status_code == 404


def test_a_trial_of_another_licensee_is_404(trying, terms, agency, use):
    other = make_terms(agency, make_licensee("other"))
    stranger = make_studio(other, at=timezone.now(), sandbox=True)
    number = send_one(trying, use()).json()["id"]

    assert stranger.get(f"{EVENTS}/{number}").status_code == 404


def ask(client, agreement, **headers):
    asked = {
        "twin": f"T{agreement.twin_id}",
        "agreement": agreement.reference,
        "right": "voice",
        "use": "dubbing",
        "at": "2026-12-01T09:00:00Z",
        "territory": "FR",
        "language": "fr",
        "channel": "cinema",
        "quantities": {"lines": "1"},
    }
    return client.post(
        "/api/v1/clearances", json.dumps(asked), content_type="application/json", headers=headers
    )


def test_a_clearance_is_answered_marked_and_not_kept(trying, studio, agreement):
    tried = ask(trying, agreement, **{"Idempotency-Key": "k"})
    assert not ClearanceDecision.objects.exists()
    real = ask(studio, agreement, **{"Idempotency-Key": "k"})

    assert tried.status_code == real.status_code == 201
    assert (tried.json()["sandbox"], tried.json()["id"]) == (True, None)
    assert (tried.json()["outcome"], tried.json()["text"]) == (
        real.json()["outcome"],
        real.json()["text"],
    )
    assert not tried.json().get("permit")


def test_staff_issue_a_sandbox_key_and_read_what_was_tried(affairs, terms, trying, use):
    staff = sign_in(affairs)
    send_one(trying, use("seen", data={"twin": "T0"}))
    row = SandboxEvent.objects.get()

    made = take_step(staff, "issue_sandbox_key", terms)
    listed = staff.get(reverse("admin:licensing_sandboxevent_changelist"))
    shown = staff.get(reverse("admin:licensing_sandboxevent_change", args=[row.pk]))

    assert ApiKey.objects.filter(sandbox=True, label="Sandbox").count() == 1
    assert shown_once(made).startswith("desk_sb_")
    assert b"Not understood" in listed.content
    assert "Unknown twin" in shown.text
