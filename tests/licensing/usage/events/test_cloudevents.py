"""CloudEvents 1.0 in JSON: what the specification demands of an envelope."""

import json

import pytest

from licensing.usage.events.cloudevents import (
    Envelope,
    MalformedEnvelopes,
    TooManyEvents,
    decode_batch,
    decode_one,
)

MINIMAL = {"specversion": "1.0", "id": "1", "type": "org.example.use", "source": "/studio"}


def decoded(**attributes):
    return decode_one(json.dumps(MINIMAL | attributes).encode())


def pointers(**attributes):
    with pytest.raises(MalformedEnvelopes) as refused:
        decoded(**attributes)
    return [fault.pointer for fault in refused.value.faults]


def test_a_minimal_event_is_read():
    assert decoded() == Envelope("1", "/studio", "org.example.use")


def test_null_means_left_out():
    unset = dict.fromkeys(["time", "subject", "datacontenttype", "dataschema", "anything"])

    assert decoded(**unset) == decoded()


@pytest.mark.parametrize("name", ["specversion", "id", "type", "source"])
@pytest.mark.parametrize("sent", [None, "", 1, True, ["a"], {"a": "b"}])
def test_a_required_attribute_is_a_text_with_something_in_it(name, sent):
    assert pointers(**{name: sent}) == [f"/{name}"]


@pytest.mark.parametrize("name", ["time", "subject", "datacontenttype", "dataschema"])
@pytest.mark.parametrize("sent", ["", 1, False, ["a"], {"a": "b"}])
def test_an_optional_attribute_that_is_there_is_a_text_with_something_in_it(name, sent):
    assert pointers(**{name: sent}) == [f"/{name}"]


@pytest.mark.parametrize("sent", ["0.3", "1.0.2", "1", "2.0", "v1.0"])
def test_only_version_one_is_read(sent):
    assert pointers(specversion=sent) == ["/specversion"]


@pytest.mark.parametrize(
    "sent",
    [
        "https://studio.example/render?take=4#mark",
        "urn:uuid:6e8bc430-9c3a-11d9-9669-0800200c9a66",
        "mailto:render@studio.example",
        "//authority/path",
        "/sensors/7",
        "1-555-123-4567",
        "?take=4",
        "#mark",
        "https://user:word@[2001:db8::1]:8080/a",
        "https://[v7.a:b]/",
        "a%20b",
        "file:///a",
        "../up",
    ],
)
def test_a_source_is_a_uri_reference(sent):
    assert decoded(source=sent).source == sent


@pytest.mark.parametrize(
    "sent",
    [
        "has space",
        "1:colon-first",
        ":nothing-first",
        "half%2",
        "a#b#c",
        "https://[2001:db8::1",
        "https://[::1%25eth0]/",
        "https://host:port/",
        "back\\slash",
        "<angle>",
        "{brace}",
        "ünicode",
        "a[b]",
        "https://studio.example/^",
    ],
)
def test_a_source_that_is_no_uri_reference_is_refused(sent):
    assert pointers(source=sent) == ["/source"]


@pytest.mark.parametrize("sent", ["https://a.example/schema", "urn:x:y", "tag:a,2026:b?q"])
def test_a_data_schema_is_an_absolute_uri(sent):
    assert decoded(dataschema=sent).dataschema == sent


@pytest.mark.parametrize("sent", ["/relative", "//authority/path", "schema.json", "https://a b/"])
def test_a_data_schema_that_is_relative_is_refused(sent):
    assert pointers(dataschema=sent) == ["/dataschema"]


@pytest.mark.parametrize(
    "sent",
    [
        "2018-04-05T17:31:00Z",
        "2018-04-05t17:31:00z",
        "2018-04-05T17:31:00.000000000Z",
        "2018-04-05T17:31:00.1+05:30",
        "2018-04-05T17:31:00-00:00",
        "2018-04-05T17:31:00+23:59",
        "2020-02-29T00:00:00Z",
        "2016-12-31T23:59:60Z",
        "2017-01-01T05:29:60+05:30",
        "0001-01-01T00:00:00+23:00",
        "9999-12-31T23:59:59-23:00",
    ],
)
def test_a_time_is_an_instant(sent):
    assert decoded(time=sent).time == sent


@pytest.mark.parametrize(
    "sent",
    [
        "2018-04-05",
        "2018-04-05T17:31:00",
        "2018-04-05T17:31Z",
        "2018-04-05 17:31:00Z",
        "2018-04-05T17:31:00+05",
        "2018-04-05T17:31:00+0530",
        "2018-04-05T17:31:00+25:00",
        "2018-04-05T17:31:00+05:60",
        "2018-04-05T24:00:00Z",
        "2018-04-05T17:60:00Z",
        "2018-04-05T17:31:61Z",
        "2018-04-05T17:31:60Z",
        "2018-13-05T17:31:00Z",
        "2018-00-05T17:31:00Z",
        "2018-04-31T17:31:00Z",
        "2019-02-29T00:00:00Z",
        "2018-04-05T17:31:00.Z",
        "2018-04-05T17:31:00,5Z",
        "2018-04-05T17:31:00X",
        "18-04-05T17:31:00Z",
        "Thu, 05 Apr 2018 17:31:00 GMT",
        "２018-04-05T17:31:00Z",  # noqa: RUF001 (a full-width digit is no digit here)
    ],
)
def test_a_time_that_is_no_instant_is_refused(sent):
    assert pointers(time=sent) == ["/time"]


@pytest.mark.parametrize(
    "sent",
    [
        "application/json",
        "text/plain; charset=utf-8",
        'multipart/mixed;boundary="a b"',
        "application/vnd.example+json",
    ],
)
def test_a_content_type_is_a_media_type(sent):
    assert decoded(datacontenttype=sent).datacontenttype == sent


@pytest.mark.parametrize(
    "sent", ["json", "text/", "/plain", "text/plain;", "text/plain; a", "a b/c"]
)
def test_a_content_type_that_is_no_media_type_is_refused(sent):
    assert pointers(datacontenttype=sent) == ["/datacontenttype"]


@pytest.mark.parametrize("name", ["Take", "take_no", "take-no", "take.no", "tàke", "", "a b"])
def test_an_extension_has_a_plain_name(name):
    assert len(pointers(**{name: "x"})) == 1


def test_a_long_extension_name_is_only_bad_manners():
    assert decoded(averyverylongextensionname="x").extensions


@pytest.mark.parametrize("sent", ["", "text", True, False, 0, -5, 2**31 - 1, -(2**31)])
def test_an_extension_is_a_text_an_integer_or_a_truth(sent):
    assert decoded(take=sent).extensions == {"take": sent}


@pytest.mark.parametrize("sent", [1.5, 10.0, 2**31, -(2**31) - 1, [1], {"a": 1}])
def test_an_extension_of_another_kind_is_refused(sent):
    assert pointers(take=sent) == ["/take"]


@pytest.mark.parametrize("bad", ["\x00", "\n", "\x7f", "\x9f", "﷐", "￾", "\U0001ffff"])
@pytest.mark.parametrize("name", ["id", "type", "subject", "take"])
def test_control_characters_and_noncharacters_are_refused(name, bad):
    assert pointers(**{name: f"a{bad}b"}) == [f"/{name}"]


def test_an_unpaired_surrogate_is_refused_and_a_pair_is_not():
    assert decoded(subject="\U0001f3ac").subject == "\U0001f3ac"
    with pytest.raises(MalformedEnvelopes):
        decode_one(json.dumps(MINIMAL).encode().replace(b'"1"', b'"\\udead"'))


@pytest.mark.parametrize("data", [{"a": [1]}, [1, 2], "text", 1, 1.5, True, None, ""])
def test_data_is_any_json_value(data):
    assert decoded(data=data).data == data


def test_base64_data_is_checked():
    assert decoded(data_base64="TWE=").data_base64 == "TWE="
    for bad in ["TWE", "T W E=", "!", 5, {"a": 1}, "TWE=\n", "TWÉ="]:
        assert pointers(data_base64=bad) == ["/data_base64"]


def test_data_comes_once():
    assert pointers(data="a", data_base64="TWE=") == ["/data_base64"]
    assert decoded(data=None, data_base64="TWE=").data_base64 == "TWE="


def test_data_is_not_a_bomb():
    nested = "x"
    for _ in range(40):
        nested = [nested]

    assert pointers(data=nested) == ["/data"]
    assert pointers(data={"a": {"b": nested}}) == ["/data"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"NaN",
        b'{"id": "\xc3\x28"}',
        b"\xff\xfe{\x00",
        b'"\x00"',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"1" * 10_000,
        b"1e99999999999999999999",
        b"null",
        b"[]",
        b'"text"',
    ],
)
def test_a_body_that_is_no_event_is_refused_as_a_whole(body):
    with pytest.raises(MalformedEnvelopes) as refused:
        decode_one(body)

    assert [fault.pointer for fault in refused.value.faults] == [""]


def test_a_batch_keeps_its_order():
    body = json.dumps([MINIMAL | {"id": "a"}, MINIMAL | {"id": "b"}]).encode()

    assert [envelope.id for envelope in decode_batch(body, at_most=2)] == ["a", "b"]


def test_an_empty_batch_is_a_batch():
    assert decode_batch(b"[]", at_most=1) == []


def test_every_fault_of_a_batch_is_pointed_to():
    body = json.dumps([MINIMAL, "text", MINIMAL | {"specversion": "0.9", "T~/": 1}]).encode()

    with pytest.raises(MalformedEnvelopes) as refused:
        decode_batch(body, at_most=10)

    assert [fault.pointer for fault in refused.value.faults] == [
        "/1",
        "/2/specversion",
        "/2/T~0~1",
    ]


def test_a_batch_is_an_array_of_limited_length():
    with pytest.raises(MalformedEnvelopes):
        decode_batch(json.dumps(MINIMAL).encode(), at_most=10)
    with pytest.raises(TooManyEvents):
        decode_batch(json.dumps([MINIMAL] * 3).encode(), at_most=2)


def test_a_refusal_never_repeats_what_was_sent():
    with pytest.raises(MalformedEnvelopes) as refused:
        decoded(time="SECRET", source="SE CRET", take=["SECRET"], data_base64="SECRET!")

    told = str(refused.value) + str([fault.detail for fault in refused.value.faults])
    assert "SECRET" not in told
    assert "SE CRET" not in told
