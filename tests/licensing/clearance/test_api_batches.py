"""Clearances through the API: reserved, confirmed, released, and many at once."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from licensing.models import Cap, CapYear, ClearanceDecision

pytestmark = pytest.mark.django_db
CLEARANCES = "/api/v1/clearances"
BATCH = f"{CLEARANCES}/batch"


@pytest.fixture(autouse=True)
def cap(agreement, consent, performer):
    consent(performer=performer)
    return Cap.objects.create(agreement=agreement, meter="lines", limit=999, starts_on="2026-01-01")


@pytest.fixture
def question(twin, agreement):
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


def post(client, path, body=None, **headers):
    return client.post(path, body or {}, content_type="application/json", headers=headers)


def test_a_reservation_is_asked_confirmed_and_read(studio, question):
    body = post(studio, CLEARANCES, question).json()
    assert body["reservation"]["units"] == {"lines": "6"}
    assert body["note"] == ""
    one = f"{CLEARANCES}/{body['id']}"
    assert studio.get(one).json()["reservation"]["state"] == "open"

    first = post(studio, f"{one}/confirm", {"quantities": {"lines": "4.5"}})

    assert first.status_code == 200
    assert (first.json()["state"], first.json()["confirmed"]) == ("confirmed", {"lines": "4.5"})
    again = post(studio, f"{one}/confirm", {"quantities": {"lines": 4.5}})
    assert again.json() == first.json()
    assert CapYear.objects.get().used == 4.5
    late = post(studio, f"{one}/release")
    assert (late.status_code, late.json()["code"]) == (409, "already_settled")
    read = studio.get(one).json()
    assert read["permit"] == body["permit"]
    # No build is named, so nobody here knows its provenance.
    known = ["pass"] * 6 + ["not_known"] + ["pass"] * 2
    assert [step["finding"] for step in read["trace"]] == known


def test_confirmations_that_cannot_be_read_say_where(studio, question):
    one = f"{CLEARANCES}/{post(studio, CLEARANCES, question).json()['id']}"
    for body, pointer in (
        ({"quantities": {"winks": "1"}}, "/quantities/winks"),
        ({"quantities": {"lines": "7"}}, "/quantities/lines"),
        ({"quantities": {"words": "1"}}, "/quantities/words"),
        ({"amount": 3}, ""),
    ):
        answer = post(studio, f"{one}/confirm", body)
        assert answer.status_code in (400, 422)
        assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]
    assert CapYear.objects.get().reserved == 6


def test_every_post_keeps_its_idempotency_key(studio, question):
    key = {"Idempotency-Key": "k"}
    first = post(studio, CLEARANCES, question, **key)
    assert post(studio, CLEARANCES, question, **key).content == first.content
    one = f"{CLEARANCES}/{first.json()['id']}"
    confirmed = post(studio, f"{one}/confirm", {"quantities": {"lines": "2"}}, **key)
    assert confirmed.status_code == 200
    other = post(studio, f"{one}/confirm", {"quantities": {"lines": "3"}}, **key)
    assert (other.status_code, other.json()["code"]) == (409, "key_conflict")
    assert {"digest_sent", "digest_known"} <= set(other.json())
    batch = post(studio, BATCH, [question], **key)
    assert post(studio, BATCH, [question], **key).content == batch.content
    other = post(studio, BATCH, [question, question], **key)
    assert (other.status_code, other.json()["code"]) == (409, "key_conflict")
    assert CapYear.objects.get().reserved == 6


def test_each_question_of_a_batch_has_its_own_result(studio, question):
    answer = post(
        studio,
        BATCH,
        [question, {**question, "use": "karaoke"}, 7, {**question, "territory": "XX"}],
    )
    assert answer.status_code == 207
    results = answer.json()["results"]
    assert [one["status"] for one in results] == [201, 400, 400, 201]
    assert results[0]["clearance"]["outcome"] == "cleared"
    assert results[1]["problem"]["errors"][0]["pointer"] == "/use"
    assert "karaoke" not in str(results[1])
    assert results[3]["clearance"]["outcome"] == "refused"
    assert ClearanceDecision.objects.count() == 2


def test_a_batch_is_bounded_and_an_array(studio, question):
    assert post(studio, BATCH, [question] * 1001).status_code == 413
    assert post(studio, BATCH, question).status_code == 400
    broken = studio.post(BATCH, "[{", content_type="application/json")
    assert (broken.status_code, broken.json()["code"]) == (400, "parse_error")
    assert post(studio, BATCH, []).status_code == 400
    assert ClearanceDecision.objects.count() == 0


def test_a_batch_takes_a_fixed_number_of_queries(studio, question):
    post(studio, BATCH, [question])

    def queries(count):
        with CaptureQueriesContext(connection) as captured:
            answer = post(studio, BATCH, [question] * count)
        assert {one["status"] for one in answer.json()["results"]} == {201}
        return len(captured)

    assert queries(2) == queries(12)


@pytest.mark.parametrize(
    ("at", "outcome"),
    [("2019-01-01T00:00:00Z", "refused"), ("2031-01-01T00:00:00Z", "refused")],
)
def test_before_the_first_version_and_past_the_term_nothing_is_allowed(
    studio, question, at, outcome
):
    body = post(studio, CLEARANCES, {**question, "at": at}).json()
    assert (body["outcome"], body["reservation"], body["permit"]) == (outcome, None, None)


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"quantities": {}}, "/quantities", "missing_field"),
        ({"reserve_minutes": 0}, "/reserve_minutes", "unreadable_field"),
        ({"reserve": "yes"}, "/reserve", "unreadable_field"),
        ({"at": "2026-12-01T09:00:00"}, "/at", "unreadable_time"),
        ({"content": ["kittens"]}, "/content", "unknown_content"),
        ({"reel_time": True}, "/reel_time", "unknown_field"),
        ({"twin": None}, "/twin", "missing_field"),
        ({"language": "x" * 36}, "/language", "field_too_long"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(studio, question, change, pointer, code):
    answer = post(studio, CLEARANCES, {**question, **change})
    assert answer.status_code == 400
    assert [(fault["pointer"], fault["code"]) for fault in answer.json()["errors"]] == [
        (pointer, code)
    ]
