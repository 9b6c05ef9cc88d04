"""The canonical bytes of an event."""

import hashlib
import hmac
import json
from dataclasses import replace
from decimal import Decimal as D

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from licensing.usage.events.canonical import canonical_event
from licensing.usage.events.cloudevents import Envelope, decode_one
from licensing.wire.canonical import canonical_bytes, content_digest, plain

KEY = b"k" * 32
EVENT = Envelope("1", "/studio", "org.example.use", time="2026-05-04T10:11:12.50+02:00")

VALUES = st.recursive(
    st.none() | st.booleans() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(VALUES)
def test_the_bytes_are_those_of_rfc_8785(value):
    assert canonical_bytes(value) == rfc8785.dumps(value)


def test_names_beyond_the_basic_plane_sort_as_utf_16_does():
    value = {"\U0001f3ac": "clapper", "ﬀ": "ligature"}

    assert canonical_bytes(value) == rfc8785.dumps(value)
    assert canonical_bytes(value).index(b"clapper") < canonical_bytes(value).index(b"ligature")


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("1", "1"),
        ("1.10", "1.1"),
        ("100", "100"),
        ("1E+2", "100"),
        ("-0.0", "0"),
        ("0.000001", "0.000001"),
        ("-12.50", "-12.5"),
        ("123456789012345678901234567890.1", "123456789012345678901234567890.1"),
        ("1E+400", "1E+400"),
    ],
)
def test_a_number_is_written_out(number, text):
    assert plain(D(number)) == text


def test_an_event_is_its_attributes_and_data_with_numbers_as_text():
    event = replace(
        EVENT, extensions={"take": 4, "final": True}, data={"n": D("1.50"), "yes": True, "a": [1]}
    )

    assert canonical_event(event, prompt_key=KEY) == (
        b'{"data":{"a":["1"],"n":"1.5","yes":true},"datacontenttype":"application/json",'
        b'"final":"true","id":"1","source":"/studio","specversion":"1.0","take":"4",'
        b'"time":"2026-05-04T10:11:12.50+02:00","type":"org.example.use"}'
    )


def test_a_content_type_that_goes_without_saying_changes_nothing():
    said = replace(EVENT, data={"a": "b"}, datacontenttype="application/json")
    unsaid = replace(said, datacontenttype=None)

    assert canonical_event(said, prompt_key=KEY) == canonical_event(unsaid, prompt_key=KEY)


def test_spelling_and_order_of_json_change_nothing():
    event = {"specversion": "1.0", "id": "é", "type": "t", "source": "/s", "data": {"n": 1}}
    forwards = json.dumps(event).encode()
    backwards = json.dumps(dict(reversed(event.items())), ensure_ascii=False, indent=2).encode()

    assert canonical_event(decode_one(forwards), prompt_key=KEY) == canonical_event(
        decode_one(backwards), prompt_key=KEY
    )


@pytest.mark.parametrize("name", ["prompt", "gen_ai.prompt", "gen_ai.input.messages"])
@pytest.mark.parametrize("wording", ["Weep.", ["Weep."], {"role": "user", "content": "Weep."}])
def test_wording_stands_only_as_a_keyed_digest(name, wording):
    event = replace(EVENT, data={"deep": [{name: wording}]})

    canonical = canonical_event(event, prompt_key=KEY)

    assert b"Weep" not in canonical
    assert f"{name}_hmac_sha256".encode() in canonical
    assert canonical != canonical_event(event, prompt_key=b"other" * 8)
    assert canonical == canonical_event(event, prompt_key=KEY)


def test_other_wording_is_other_content():
    def digest(text):
        return content_digest(
            canonical_event(replace(EVENT, data={"prompt": text}), prompt_key=KEY)
        )

    assert digest("Weep.") == digest("Weep.")
    assert digest("Weep.") != digest("Laugh.")


def test_a_wording_digest_can_be_worked_out_by_hand():
    expected = hmac.new(KEY, b"likenessdesk wording\x00Weep.", hashlib.sha256).hexdigest()

    canonical = canonical_event(replace(EVENT, data={"prompt": "Weep."}), prompt_key=KEY)

    assert json.loads(canonical)["data"] == {"prompt_hmac_sha256": expected}
