"""CloudEvents over HTTP: three modes and two encodings, one content, and limits that hold."""

import base64
import gzip
import io
import json
import zlib
from pathlib import Path

import pytest
from cloudevents.core.bindings.http import to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent
from django.core.exceptions import RequestDataTooBig
from django.test import RequestFactory
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from licensing.api import callers
from licensing.models import DeadLetter, EventKey, UsageEvent
from licensing.usage.events.cloudevents import decode_binary, decode_one
from licensing.usage.events.event_types import USAGE_TYPE

pytestmark = pytest.mark.django_db
EVENTS = "/api/v1/usage/events"
STRUCTURED = "application/cloudevents+json"
PACKED = gzip.compress(b"[]")
BATCH = "application/cloudevents-batch+json"
CASES = json.loads((Path(__file__).parent / "events/vectors/cloudevents.json").read_text())["cases"]


@pytest.fixture
def reported(use):
    return use().data


def attributes(**changes):
    told = {
        "specversion": "1.0",
        "id": "take-1",
        "source": "https://studio.example/dub",
        "type": USAGE_TYPE,
        "time": "2026-05-04T10:11:12Z",
    }
    return {name: value for name, value in (told | changes).items() if value is not None}


def structured(client, **event):
    return client.post(EVENTS, json.dumps(event), content_type=STRUCTURED)


def binary(client, body, content_type="application/json", **told):
    headers = {f"ce-{name}": value for name, value in told.items()}
    return client.post(EVENTS, body, content_type=content_type, headers=headers)


def kept():
    return EventKey.objects.count() + DeadLetter.objects.count()


def dead_letter():
    return DeadLetter.objects.get().envelope


# Conformance


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_the_cases_of_the_conformance_suite(studio, case):
    events = case["value"] if case["kind"] == "batch" else [case["value"]]
    kind = BATCH if case["kind"] == "batch" else STRUCTURED

    response = studio.post(EVENTS, json.dumps(case["value"]), content_type=kind)

    if not case["valid"]:
        assert (response.status_code, kept()) == (400, 0)
        assert response.json()["errors"]
        return
    assert response.status_code == (207 if case["kind"] == "batch" else 422)
    letters = {dead_letter.key: dead_letter.envelope for dead_letter in DeadLetter.objects.all()}
    assert len(letters) == len(events)
    for event in events:
        sent = {name: value for name, value in event.items() if value is not None}
        told = letters[event["id"]]
        for name in sent.keys() - {"data", "data_base64"}:
            assert told[name] == _as_text(sent[name])
        assert told.keys() - {"datacontenttype"} == sent.keys() - {"datacontenttype"}


def _as_text(value):
    return str(value).lower() if isinstance(value, bool) else str(value)


# The official client


def sdk_event(data, **changes):
    return CloudEvent(
        attributes(time=timezone.now(), datacontenttype="application/json", **changes), data
    )


@pytest.mark.parametrize("write", [to_structured_event, to_binary_event])
def test_the_official_sdk_is_understood(studio, reported, write):
    message = write(sdk_event(reported))

    response = studio.post(
        EVENTS,
        message.body,
        content_type=message.headers["content-type"],
        headers={k: v for k, v in message.headers.items() if k.startswith("ce-")},
    )

    assert response.status_code == 201


def test_the_official_sdk_may_send_batches(studio, reported):
    """The SDK writes no batches; the specification's are its events in an array."""
    events = [to_structured_event(sdk_event(reported, id=str(i))).body for i in range(3)]

    response = studio.post(EVENTS, b"[" + b",".join(events) + b"]", content_type=BATCH)

    assert [result["status"] for result in response.json()["results"]] == [201, 201, 201]


# Binary mode


def test_binary_and_structured_mode_are_one_content(studio, reported):
    one = structured(studio, **attributes(take=4, final=True), data=reported)
    body = json.dumps(reported)
    other = binary(studio, body, **attributes(take="4", final="true"))

    assert (one.status_code, other.status_code) == (201, 200)
    assert one.json() == other.json()


@pytest.mark.parametrize(
    ("content_type", "body", "data"),
    [
        ("text/plain", b"Simple text", {"data": "Simple text"}),
        ("text/plain", b"Simple text", {"data_base64": "U2ltcGxlIHRleHQ="}),
        ("application/xml", "<take>é</take>".encode(), {"data": "<take>é</take>"}),
        ("text/plain", b"\xff\x00", {"data_base64": "/wA="}),
        ("image/png", b"\x89PNG", {"data_base64": "iVBORw=="}),
        ("application/octet-stream", b"plain", {"data": "plain"}),
        ("application/json", b'{"a": 1.50}', {"data_base64": "eyJhIjogMS41MH0="}),
        ("application/vnd.take+json", b"[true, null]", {"data": [True, None]}),
    ],
)
def test_what_is_no_use_is_one_content_in_both_modes_too(studio, content_type, body, data):
    told = attributes(type="org.example.take")

    structured(studio, **told, datacontenttype=content_type, **data)
    binary(studio, body, content_type, **told)

    assert DeadLetter.objects.count() == 1


def test_bytes_are_kept_in_base64(studio):
    binary(studio, b"\x89PNG", "image/png", **attributes())

    assert dead_letter()["data_base64"] == base64.b64encode(b"\x89PNG").decode()
    assert dead_letter()["datacontenttype"] == "image/png"


@pytest.mark.parametrize(
    ("sent", "subject"),
    [
        ("plain", "plain"),
        ("caf%C3%A9%20%e2%82%ac", "café €"),
        ("100%25", "100%"),
        ("%2541", "%41"),  # one round only
        ('"quoted \\"take\\""', 'quoted "take"'),
        ("old style", "old style"),
        ("%F0%9F%98%80", "😀"),
    ],
)
def test_headers_are_percent_decoded_once(studio, sent, subject):
    response = binary(studio, b"", "", **attributes(type="org.example.take", subject=sent))

    assert response.status_code == 422
    assert dead_letter()["subject"] == subject


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"specversion": None}, "/specversion"),
        ({"specversion": "0.3"}, "/specversion"),
        ({"id": ""}, "/id"),
        ({"subject": "%C0%A0"}, "/subject"),
        ({"subject": "%FF"}, "/subject"),
        ({"subject": "%"}, "/subject"),
        ({"subject": "a%00b"}, "/subject"),
        ({"time": "noon"}, "/time"),
        ({"my-name": "x"}, "/my_name"),
        ({"data": "x"}, "/data"),
        ({"datacontenttype": "text/plain"}, "/datacontenttype"),
    ],
)
def test_a_malformed_header_is_pointed_to_and_nothing_is_kept(studio, reported, change, pointer):
    response = binary(studio, json.dumps(reported), **attributes(**change))

    assert (response.status_code, kept()) == (400, 0)
    assert pointer in [error["pointer"] for error in response.json()["errors"]]


@pytest.mark.parametrize("body", [b"{", b"\xff", b"[" * 90_000, b"[" * 40 + b"]" * 40])
def test_a_body_that_is_not_the_json_it_claims_is_malformed(studio, body):
    response = binary(studio, body, **attributes())

    assert (response.status_code, kept()) == (400, 0)
    assert [error["pointer"] for error in response.json()["errors"]] == ["/data"]


def test_a_format_the_desk_cannot_read_is_never_binary_mode(studio):
    response = binary(studio, b"\x00", "application/cloudevents+avro", **attributes())

    assert response.status_code == 415


def test_wording_in_base64_is_wording_still(studio, reported):
    said = json.dumps(reported | {"prompt": "Weep for the moon", "twin": "T0"}).encode()

    structured(studio, **attributes(), data_base64=base64.b64encode(said).decode())

    assert "moon" not in json.dumps(dead_letter())
    assert base64.b64encode(said).decode() not in json.dumps(dead_letter())


text = st.text(st.characters(exclude_categories=["Cc", "Cs", "Cn", "Co"]), min_size=1)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(id=text, subject=text, data=st.recursive(text | st.integers() | st.booleans(), st.lists))
def test_any_event_reads_the_same_in_both_modes(id, subject, data):  # noqa: A002 - its name
    event = CloudEvent(
        attributes(id=id, subject=subject, time=None, datacontenttype="application/json"), data
    )
    message = to_binary_event(event)
    headers = {
        name.removeprefix("ce-"): value
        for name, value in message.headers.items()
        if name.startswith("ce-")
    }

    read = decode_binary(headers, "application/json", json.dumps(data).encode())

    assert read == decode_one(to_structured_event(event).body)


# gzip and limits


def packed(client, body, encoding="gzip", **headers):
    return client.post(
        EVENTS, body, content_type=BATCH, headers={"content-encoding": encoding, **headers}
    )


def test_a_packed_body_is_one_content_with_the_plain_one(studio, reported):
    event = attributes() | {"data": reported}
    halves = json.dumps([event]).encode()
    two_members = gzip.compress(halves[:100]) + gzip.compress(halves[100:])

    first = packed(studio, gzip.compress(halves))
    again = packed(studio, two_members, "GZIP")

    assert first.json()["results"][0]["status"] == 201
    assert again.json()["results"][0]["status"] == 200


class Counted(io.BytesIO):
    """A body that knows how much of it was read."""

    def read(self, *size):
        piece = super().read(*size)
        self.taken = getattr(self, "taken", 0) + len(piece)
        return piece


def test_a_bomb_stops_at_the_limit(studio, monkeypatch):
    """A gigabyte in a megabyte: no more is unpacked than a body may have."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    head, megabyte = (
        packer.compress(bytes(1024 * 1024)) + packer.flush(zlib.Z_FULL_FLUSH) for _ in range(2)
    )
    bomb = head + 1023 * megabyte + packer.flush()
    body = Counted(bomb)

    response = studio.post(
        EVENTS,
        b"x",
        content_type=BATCH,
        CONTENT_LENGTH=str(len(bomb)),
        headers={"content-encoding": "gzip"},
        **{"wsgi.input": body},
    )

    assert response.status_code == 413
    assert response.json()["code"] == "body_too_large"
    assert body.taken <= 128 * 1024 < len(bomb)


@pytest.mark.parametrize(
    "body",
    [b"[]", PACKED[:-4], PACKED + b"rest", b"\x1f\x8b"],
    ids=["plain", "cut off", "with more behind", "only begun"],
)
def test_a_body_that_is_not_whole_gzip_is_refused(studio, body):
    response = packed(studio, body)

    assert (response.status_code, kept()) == (400, 0)
    assert response.json()["code"] == "unreadable_gzip"


def test_another_encoding_is_refused_with_the_one_that_works(studio):
    response = packed(studio, b"[]", "br")

    assert response.status_code == 415
    assert response.json()["code"] == "unsupported_encoding"


def test_too_many_events_are_refused_whatever_they_are(studio):
    response = studio.post(EVENTS, b"[" + b"{}," * 1_000 + b"{}]", content_type=BATCH)

    assert response.status_code == 413
    assert response.json()["code"] == "too_many_events"


# What studios get wrong


@pytest.mark.parametrize("time", ["2023-05-04T10:11:12Z", "2029-11-23T00:00:00Z"])
def test_a_clock_three_years_off_is_kept_as_out_of_scope(studio, reported, time):
    response = structured(studio, **attributes(time=time), data=reported)

    assert response.status_code == 201
    assert UsageEvent.objects.get().standing != "cleared"


def test_a_use_of_an_ended_agreement_is_kept(studio, reported, agreement):
    type(agreement).objects.filter(pk=agreement.pk).update(
        status="ended", ends_at="2026-03-01T00:00:00Z"
    )

    response = structured(studio, **attributes(), data=reported)

    assert response.status_code == 201
    assert UsageEvent.objects.get().standing != "cleared"


@pytest.mark.parametrize("quantity", ["NaN", "-1", "Infinity", "1e9", -1, "0x1", "\u0661"])
def test_a_quantity_that_is_none_waits_among_the_dead_letters(studio, reported, quantity):
    response = structured(
        studio, **attributes(), data=reported | {"quantities": {"lines": quantity}}
    )

    assert response.status_code == 422
    assert response.json()["errors"][0]["pointer"] == "/data/quantities/lines"
    assert response.json()["dead_letter"] == str(DeadLetter.objects.get().pk)


def test_json_that_is_none_is_malformed(studio):
    response = studio.post(EVENTS, b'{"quantities": NaN}', content_type=STRUCTURED)

    assert (response.status_code, kept()) == (400, 0)


class Unread:
    """A body that nobody may begin to read."""

    def read(self, _size):
        raise AssertionError("It was read.")


def told(**headers):
    return {"request": RequestFactory().post(EVENTS, headers=headers)}


def test_a_body_that_says_it_is_too_large_is_refused_unread():
    context = told()
    context["request"].META["CONTENT_LENGTH"] = str(callers.MOST_BYTES + 1)

    with pytest.raises(RequestDataTooBig):
        callers.body_of(Unread(), context)


def test_a_body_of_nothing_packed_over_and_over_is_left_at_the_limit():
    member = gzip.compress(b"", mtime=0)
    endless = io.BytesIO(member * (2 * callers.MOST_BYTES // len(member)))

    with pytest.raises(RequestDataTooBig):
        callers.body_of(endless, told(**{"content-encoding": "gzip"}))
    assert endless.tell() <= callers.MOST_BYTES + callers.CHUNK


def test_a_body_in_chunks_is_refused_since_nobody_sees_its_end(studio, reported):
    sent = json.dumps([attributes(data=reported)])
    response = studio.post(
        EVENTS, sent, content_type=BATCH, headers={"transfer-encoding": "chunked"}
    )

    assert response.status_code == 411
    assert response.json()["code"] == "length_required"
    assert kept() == 0


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ('{"id": "take-1", "id": "take-2"}', ""),
        ('{"data": {"quantities": {"lines": "1", "lines": "100"}}}', "/data/quantities"),
    ],
)
def test_a_name_twice_in_an_event_refuses_it(studio, body, pointer):
    """What would be sealed is not what was sent."""
    rest = json.dumps({name: told for name, told in attributes().items() if name not in body})
    event = f"{rest[:-1]}, {body[1:]}"

    for sent, at, content_type in [(event, "", STRUCTURED), (f"[{event}]", "/0", BATCH)]:
        answer = studio.post(EVENTS, sent, content_type=content_type)

        assert answer.status_code == 400
        assert answer.json()["errors"][0]["pointer"] == at + pointer
    assert not UsageEvent.objects.exists()
    assert not DeadLetter.objects.exists()


def test_a_name_twice_in_a_body_of_binary_mode_or_in_base64_is_found(studio, reported):
    body = json.dumps(reported)[:-1] + ', "twin": "T1"}'
    answer = binary(studio, body, **attributes())
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/data")

    packed = base64.b64encode(body.encode()).decode()
    answer = structured(studio, **attributes(), data_base64=packed)
    assert (answer.status_code, answer.json()["code"]) == (422, "unreadable_data")
    assert not UsageEvent.objects.exists()
