"""Clearances through the API: answers with reasons, problems, keys."""

import json
from datetime import UTC, datetime

import pytest
from django.utils import timezone

from licensing.models import Cap, ClearanceDecision
from talent.consent.consents import Evidence, matrix_of, record
from talent.consent.matrix import Cell
from talent.consent.scope import Scope

pytestmark = pytest.mark.django_db
CLEARANCES = "/api/v1/clearances"
JANUARY = datetime(2026, 1, 1, tzinfo=UTC)
TRAIN, DOOR = (Cell(right, "training", "allow") for right in ("voice", "training_data"))


@pytest.fixture
def question(twin, agreement):
    return {
        "twin": f"T{twin.pk}",
        "agreement": agreement.reference,
        "right": "voice",
        "use": "dubbing",
        "at": "2026-12-01T09:00:00Z",
        "territory": "FR",
        "language": "fr",
        "channel": "streaming",
        "quantities": {"lines": "10"},
    }


def post(studio, question, **headers):
    return studio.post(CLEARANCES, question, content_type="application/json", headers=headers)


def test_a_studio_learns_that_it_may(studio, question, consent, performer):
    consent(performer=performer)
    answer = post(studio, question)
    assert answer.status_code == 201
    body = answer.json()
    assert (body["outcome"], body["text"]) == (
        "cleared",
        "Cleared: The consent covers Voice in Dubbing.",
    )
    # No build is named, so nobody here knows its provenance.
    known = ["pass"] * 6 + ["not_known"] + ["pass"] * 2
    assert [step["finding"] for step in body["trace"]] == known
    assert all(step["text"] for step in body["trace"])
    assert body["id"] == f"C{ClearanceDecision.objects.get().pk}"


@pytest.mark.parametrize(
    ("stated", "outcome", "code"),
    [
        ({}, "refused", "exclusions"),
        ({"content": []}, "refused", "exclusions"),
        ({"content": None}, "refused", "exclusions"),
        ({"content": ["none"]}, "cleared", ""),
        ({"content": ["alcohol"]}, "cleared", ""),
        ({"content": ["hate"]}, "refused", "exclusions"),
    ],
    ids=["silent", "empty", "null", "none", "another content", "excluded content"],
)
def test_silence_about_content_is_no_statement_and_none_is_one(
    studio, question, consent, performer, stated, outcome, code
):
    consent(performer=performer, scope=Scope(exclusions=frozenset({"hate"})))
    answer = post(studio, question | stated)

    assert answer.status_code == 201
    assert answer.json()["outcome"] == outcome
    deciding = [step for step in answer.json()["trace"] if step["finding"] == "fail"]
    assert [step["code"] for step in deciding] == ([code] if code else [])
    if stated.get("content") in (None, []):
        assert "stat" in answer.json()["text"], "It is told to state the content."


def test_where_no_consent_looks_at_content_silence_is_no_fault(
    studio, question, consent, performer
):
    consent(performer=performer)

    assert post(studio, question).json()["outcome"] == "cleared"


def test_the_door_to_training_is_loaded_with_what_lies_behind_it(studio, question, performer):
    """Facts hold the cells that a request needs, and training needs two."""
    found = []
    for cells in ([TRAIN], [TRAIN, DOOR]):
        record(
            matrix=matrix_of(performer=performer), cells=cells, in_force_from=JANUARY,
            recorded_at=JANUARY, by=None, evidence=Evidence("Train with my voice."),
        )  # fmt: skip
        trace = post(studio, question | {"use": "training"}).json()["trace"]
        found.append({step["dimension"]: step["finding"] for step in trace}["matrix"])

    assert found == ["fail", "pass"]


@pytest.mark.parametrize(
    ("told", "pointer", "code"),
    [
        ('"quantities": {"lines": "1", "lines": "10"}', "/quantities", "name_twice"),
        ('"twin": "T1"', "", "name_twice"),
        ('"scene": "\\u0000"', "/scene", "unwritable_text"),
        ('"scene": "\\ud800"', None, None),
        ('"scene": ' + "[" * 80 + "]" * 80, "", "too_deep"),
        ('"scene": ' + "[" * 9_000 + "]" * 9_000, None, None),
    ],
    ids=["quantities", "two twins", "NUL", "half a character", "depth", "bottomless"],
)
def test_a_body_that_cannot_be_kept_as_it_came_is_malformed(studio, question, told, pointer, code):
    rest = {name: value for name, value in question.items() if name != "quantities"}
    answer = post(studio, f"{json.dumps(rest)[:-1]}, {told}}}")

    assert (answer.status_code, answer["content-type"]) == (400, "application/problem+json")
    if code:
        (fault,) = answer.json()["errors"]
        assert (fault["pointer"], fault["code"]) == (pointer, code)
    assert not ClearanceDecision.objects.exists()


@pytest.mark.parametrize(
    "at", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2200-01-01T00:00:00Z"]
)
def test_a_request_for_a_time_nobody_can_mean_says_so(studio, question, agreement, at):
    Cap.objects.create(
        agreement=agreement, meter="lines", limit=5, starts_on=agreement.starts_at.date()
    )

    answer = post(studio, question | {"at": at, "reserve": True})

    assert answer.status_code == 400
    assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [
        ("/at", "implausible_time")
    ]


def test_a_studio_learns_why_not_and_what_would_do_but_no_names(
    studio, question, consent, performer, twin
):
    consent("deny", performer=performer)
    body = post(studio, question).json()
    assert body["outcome"] == "refused"
    assert body["text"] == "Refused: The consent does not allow Voice in Dubbing."
    assert [step["finding"] for step in body["trace"]] == ["pass", "fail"] + ["not_reached"] * 7
    assert performer.name not in str(body["trace"][1:])


def test_what_is_malformed_is_a_problem_with_pointers(studio, question):
    answer = post(
        studio,
        {**question, "use": "karaoke", "quantities": {"lines": "-1", "winks": "2"}, "at": "soon"},
    )
    assert answer.status_code == 400
    assert answer["content-type"] == "application/problem+json"
    pointers = {fault["pointer"] for fault in answer.json()["errors"]}
    assert pointers == {"/use", "/at", "/quantities/lines", "/quantities/winks"}
    assert ClearanceDecision.objects.count() == 0


def test_an_idempotency_key_gets_one_answer(studio, question, consent, performer, twin):
    consent(performer=performer)
    first = post(studio, question, **{"Idempotency-Key": "k"})
    again = post(studio, question, **{"Idempotency-Key": "k"})
    assert first.json() == again.json()
    other = post(studio, {**question, "territory": "DE"}, **{"Idempotency-Key": "k"})
    assert (other.status_code, other.json()["code"]) == (409, "key_conflict")
    assert post(studio, question, **{"Idempotency-Key": "x" * 201}).status_code == 400


def test_only_a_key_may_ask(question, client):
    assert client.post(CLEARANCES, question, content_type="application/json").status_code == 401


def test_a_body_is_bounded(studio, question):
    assert post(studio, {**question, "build": "x" * 6_000_000}).status_code == 413


def test_one_clearance_takes_a_read_and_a_write(
    studio, question, consent, performer, agreement, django_assert_num_queries
):
    consent(performer=performer)
    Cap.objects.create(agreement=agreement, meter="lines", limit=1000, starts_on="2026-01-01")
    reserving = {**question, "at": timezone.now().isoformat(), "reserve": True}
    assert post(studio, reserving).json()["permit"]
    # The key, and a savepoint about both, since a test is a transaction.
    with django_assert_num_queries(1 + 2 + 2):
        assert post(studio, reserving).json()["permit"]
