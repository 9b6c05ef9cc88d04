"""Usage through the API: receipts, problems, limits; agreements and twins of one's own."""

import threading
from dataclasses import replace

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from licensing import api_keys
from licensing.api import transport
from licensing.log.entry import commits_to
from licensing.models import (
    Agreement,
    DeadLetter,
    EventKey,
    Production,
    UsageBatch,
    UsageEvent,
)
from tests.factories import make_agency, make_licensee, make_member, make_studio, make_terms

from .sending import EVENTS, send, send_one

pytestmark = pytest.mark.django_db


@pytest.fixture
def secret(terms):
    return api_keys.issue(terms=terms, label="Pipeline", at=timezone.now(), by=None).secret


@pytest.fixture
def studio(secret):
    return Client(headers={"authorization": f"Bearer {secret}"})


@pytest.fixture
def stranger(agency):
    """Another studio of the same agency."""
    other = make_licensee("other")
    terms = make_terms(agency, other)
    return make_studio(terms, at=timezone.now())


def test_one_event_is_answered_with_its_receipt(studio, use):
    response = send_one(studio, use())

    event = UsageEvent.objects.get()
    entry = bytes(event.entry).hex()
    assert response.status_code == 201
    assert response.json() == {
        "id": str(event.pk),
        "standing": event.standing,
        "standing_reason": event.standing_reason,
        "receipt": {"entry": entry, "tag": entry[2:66]},
    }
    assert UsageBatch.objects.get().api_key.label == "Pipeline"


def test_one_event_again_gets_the_same_receipt(studio, use):
    first = send_one(studio, use())
    again = send_one(studio, use())

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()


def test_other_content_under_the_same_key_is_a_conflict(studio, use):
    send_one(studio, use())

    response = send_one(studio, use(data={"territory": "DE"}))

    problem = response.json()
    assert response.status_code == 409
    assert response["content-type"] == "application/problem+json"
    assert problem["code"] == "key_conflict"
    assert problem["digest_known"] == bytes(EventKey.objects.get().digest).hex()
    assert problem["digest_sent"] != problem["digest_known"]


def test_what_is_not_understood_says_where_and_is_kept(studio, use):
    response = send_one(studio, use(data={"twin": "T0", "quantities": {"smiles": "1"}}))

    problem = response.json()
    assert response.status_code == 422
    assert problem["code"] == "unknown_meter"
    assert problem["errors"][0]["pointer"] == "/data/quantities/smiles"
    assert problem["dead_letter"] == str(DeadLetter.objects.get().pk)


@pytest.mark.parametrize(
    "content_type", ["application/cloudevents-batch+json", "application/json; charset=utf-8"]
)
def test_a_batch_is_answered_event_by_event(studio, use, content_type):
    odd = use("odd", data={"twin": "T0"})
    other = use("a", data={"territory": "DE"})

    response = send(studio, use("a"), use("a"), odd, other, use("b"), content_type=content_type)

    results = response.json()["results"]
    assert response.status_code == 207
    assert [(r["index"], r["status"]) for r in results] == [
        (0, 201),
        (1, 200),
        (2, 422),
        (3, 409),
        (4, 201),
    ]
    assert results[2]["problem"]["errors"][0]["pointer"] == "/data/twin"
    assert results[0]["id"] == results[1]["id"]


def test_a_malformed_envelope_refuses_its_batch(studio, use):
    bad = replace(use("bad"), time="yesterday, TOP SECRET")

    response = send(studio, use("fine"), bad)

    assert response.status_code == 400
    assert response["content-type"] == "application/problem+json"
    assert response.json()["code"] == "malformed_envelope"
    assert [error["pointer"] for error in response.json()["errors"]] == ["/1/time"]
    assert b"SECRET" not in response.content
    assert UsageEvent.objects.count() == DeadLetter.objects.count() == EventKey.objects.count() == 0


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b'[{"id": "\xc3\x28"}]', b"[" * 90_000])
def test_a_body_that_is_no_json_is_refused(studio, body):
    response = studio.post(EVENTS, body, content_type="application/cloudevents-batch+json")

    assert response.status_code == 400
    assert response.json()["code"] == "malformed_envelope"


def test_a_body_in_chunks_is_asked_for_its_length(studio):
    response = studio.post(
        EVENTS, b"", content_type="application/json", headers={"transfer-encoding": "chunked"}
    )

    assert response.status_code == 411
    assert response.json()["code"] == "length_required"


def test_an_empty_batch_is_fine(studio):
    response = send(studio)

    assert (response.status_code, response.json()) == (207, {"results": []})


def test_more_events_than_the_limit_are_refused(studio, use, monkeypatch):
    monkeypatch.setattr(transport, "MOST_EVENTS", 2)

    response = send(studio, use("a"), use("b"), use("c"))

    assert response.status_code == 413
    assert response.json()["code"] == "too_many_events"


def test_a_body_announced_too_large_is_refused_unread(studio):
    class Unreadable:
        def read(self, *size):
            raise AssertionError("The body was read.")

        readline = read

    response = studio.post(
        EVENTS,
        b"[]",
        content_type="application/cloudevents-batch+json",
        CONTENT_LENGTH=str(10 * 1024 * 1024),
        **{"wsgi.input": Unreadable()},
    )

    assert response.status_code == 413
    assert response.json()["code"] == "body_too_large"


def test_ten_megabytes_are_refused(studio):
    response = studio.post(
        EVENTS, b" " * 10 * 1024 * 1024, content_type="application/cloudevents-batch+json"
    )

    assert response.status_code == 413


def test_a_full_batch_of_four_megabytes_is_taken(studio, use):
    long = "Weep. " * 600

    response = send(studio, *(use(str(i), data={"prompt": long + str(i)}) for i in range(1_000)))

    assert response.status_code == 207
    assert {result["status"] for result in response.json()["results"]} == {201}


def test_another_media_type_is_refused(studio):
    response = studio.post(EVENTS, b"a,b", content_type="text/csv")

    assert response.status_code == 415
    assert response.json()["code"] == "unsupported_media_type"


def test_two_connections_with_one_key_get_one_201_and_one_200(transactional_db, secret, use):
    envelope, ready, answers = use(), threading.Barrier(2), []

    def post():
        client = Client(headers={"authorization": f"Bearer {secret}"})
        try:
            ready.wait()
            answers.append(send_one(client, envelope))
        finally:
            connection.close()

    threads = [threading.Thread(target=post) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(answer.status_code for answer in answers) == [200, 201]
    assert answers[0].json() == answers[1].json()
    assert UsageEvent.objects.count() == EventKey.objects.count() == 1


def test_an_event_can_be_read_back(studio, use, agreement, twin):
    sent = send_one(studio, use()).json()

    told = studio.get(f"{EVENTS}/{sent['id']}").json()

    assert told["receipt"] == sent["receipt"]
    assert told["quantities"] == {"lines": "1", "words": "7"}
    assert (told["twin"], told["agreement"]) == (f"T{twin.pk}", agreement.reference)
    assert (told["index"], told["prompt"]) == (None, None)


def test_who_sent_a_prompt_can_prove_it(studio, use):
    sent = send_one(studio, use(data={"prompt": "Weep."})).json()

    told = studio.get(f"{EVENTS}/{sent['id']}").json()["prompt"]

    salt, committed = bytes.fromhex(told["salt"]), bytes.fromhex(told["commitment"])
    assert commits_to(committed, salt=salt, content=b"Weep.")


@pytest.mark.parametrize("number", ["0", "99999999999999999999999"])
def test_an_event_that_is_not_there_is_404(studio, number):
    response = studio.get(f"{EVENTS}/{number}")

    assert response.status_code == 404
    assert response.json()["code"] == "not_found"


def test_a_stranger_sees_nothing(studio, stranger, use):
    sent = send_one(studio, use()).json()

    assert stranger.get(f"{EVENTS}/{sent['id']}").status_code == 404
    assert stranger.get("/api/v1/agreements").json()["results"] == []
    assert stranger.get("/api/v1/twins").json()["results"] == []


def test_a_stranger_cannot_use_an_agreement_of_others(stranger, use):
    response = send_one(stranger, use())

    assert response.status_code == 422
    assert response.json()["code"] == "unknown_agreement"


def test_agreements_and_twins_of_the_key_are_listed(studio, agreement, licensee, twin):
    film = Production.objects.create(licensee=licensee, title="The Glass Harbour", kind="feature")
    agreement.productions.add(film)
    (told,) = studio.get("/api/v1/agreements").json()["results"]
    (shown,) = studio.get("/api/v1/twins").json()["results"]

    assert (told["id"], told["reference"]) == (f"A{agreement.pk}", "NA-1")
    assert [(grant["right"], grant["use"]) for grant in told["grants"]] == [("voice", "dubbing")]
    assert told["productions"] == [
        {"id": f"P{film.pk}", "title": "The Glass Harbour", "eidr": "", "isan": ""}
    ]
    assert (shown["id"], shown["name"]) == (f"T{twin.pk}", twin.name)


def test_agreements_of_the_licensee_with_another_agency_are_not_listed(studio, agreement):
    other = make_agency("elsewhere")
    Agreement.objects.filter(pk=agreement.pk).update(agency=other)

    assert studio.get("/api/v1/agreements").json()["results"] == []


def test_the_list_of_agreements_takes_few_queries(studio, agreement, django_assert_max_num_queries):
    for number in range(5):
        Agreement.objects.create(
            agency=agreement.agency,
            licensee=agreement.licensee,
            twin=agreement.twin,
            reference=f"NA-{number + 2}",
            starts_at=agreement.starts_at,
            currency="USD",
        )

    with django_assert_max_num_queries(4):
        assert len(studio.get("/api/v1/agreements").json()["results"]) == 6


def test_staff_read_by_their_session_but_report_nothing(client, agency, agreement, use):
    staff = make_member(agency, "agent")
    client.force_login(staff)

    assert len(client.get("/api/v1/agreements").json()["results"]) == 1
    assert send_one(client, use()).status_code == 403


def test_no_prompt_reaches_the_logs(studio, use, caplog):
    text = "Weep as if the moon had left you"

    with caplog.at_level("DEBUG"):
        send_one(studio, use("a", data={"prompt": text}))
        send_one(studio, use("b", data={"prompt": text, "twin": "T0"}))
        send(studio, replace(use("c", data={"prompt": text}), time="never"))

    assert "moon" not in caplog.text
