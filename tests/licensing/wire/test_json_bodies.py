"""JSON with a name twice is read in one way by nobody, so it is found wherever it hides."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensing.wire.json_bodies import MalformedJson, check_readable, object_with_name_twice


def found_in(body):
    return object_with_name_twice(body.encode(), msgspec.json.decode(body))


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ('{"a": 1, "a": 2}', ""),
        ('[{}, {"a": {"b": 1, "b": 1}}]', "/1/a"),
        ('{"a" : 1, "a" : 2}', ""),
        ('{"a" : 1, "b": "\\":", "a": 2}', ""),
        ('{"a/b": {"c": 1, "\\u0063": 2}}', "/a~1b"),
        ('{"a": "\\":", "b": "x\\":y", "c" \\n: 1}'.replace("\\n", "\n"), None),
        ('{"a": {"a": {"a": 1}}, "b": [{"a": 1}, {"a": 1}]}', None),
        ('":"', None),
    ],
)
def test_an_object_with_a_name_twice_is_pointed_at(body, pointer):
    assert found_in(body) == pointer


texts = st.text(st.sampled_from('":\\ ,a{}'), max_size=4)
values = st.recursive(
    texts | st.integers(0, 9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
)


@given(values, st.sampled_from([(",", ":"), (", ", ": "), (",", " : ")]))
def test_a_name_once_is_never_called_twice(value, separators):
    assert found_in(json.dumps(value, separators=separators)) is None


@given(st.dictionaries(texts, values, min_size=1, max_size=3), st.sampled_from([":", " :"]))
def test_a_name_twice_is_always_found(value, colon):
    name, part = next(iter(value.items()))
    body = json.dumps(value, separators=(",", colon))
    doubled = f"{body[:-1]},{json.dumps(name)}{colon}{json.dumps(part)}}}"

    assert found_in(f'[{{"a": 1}},{doubled}]') == "/1"


@pytest.mark.parametrize(
    "value",
    [
        "\x00",
        "\u202e",
        {"a": ["\ud800"]},
        {"\x00": 1},
        {"a": {"\udfff": {}}},
        json.loads("[" * 80 + "]" * 80),
    ],
    ids=["NUL", "an override", "half a character", "in a name", "in a deep name", "depth"],
)
def test_what_no_table_can_hold_is_refused(value):
    with pytest.raises(MalformedJson):
        check_readable(b"", value)


def test_what_tables_can_hold_passes():
    body = json.dumps(value := {"a": ["\U0001f600", 1, None, True, {"b\n": 2.5}]}).encode()
    check_readable(body, value)
