"""The published schemas accept what reading an event accepts, and nothing else."""

import json
import re
from decimal import Decimal as D

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from licensing.usage.events.canonical import DIGEST_SUFFIX
from licensing.usage.events.cloudevents import Envelope
from licensing.usage.events.event_types import (
    AMENDMENT,
    BY_NAME,
    DAY_REPORT,
    EVENT_TYPES,
    GENERATION,
    REVENUE_REPORT,
    SPEECH,
    USE,
)
from licensing.usage.events.forms import FORMS
from licensing.usage.events.reported import ReportedUse, read_event
from licensing.usage.events.schema import event_schema, published_schema
from licensing.words import LeafKind, Meter

AT = "https://desk.example/api/v1/schemas/"
USED = {
    "twin": "T1",
    "right": "voice",
    "use": "dubbing",
    "territory": "FR",
    "channel": "cinema",
    "quantities": {"lines": "1"},
}
REPORTED = {
    "agreement": "NA-1",
    "right": "voice",
    "use": "dubbing",
    "territory": "FR",
    "channel": "cinema",
    "period": {"starts": "2026-07", "months": 3},
}
REVENUE = REPORTED | {"revenue": "1200.50", "currency": "USD"}
DAYS = REPORTED | {"equivalent_days": "2.5"}
REPLACES = {"replaces": {"source": "/studio", "id": "1"}}
GOOD = {
    "usage.v1": USED,
    "usage.speech.v1": USED,
    "usage.screen_time.v1": USED | {"quantities": {"frames": "240"}},
    "usage.generation.v1": USED | {"quantities": {"tokens": 12}},
    "usage.distribution.v1": USED | {"quantities": {"copies": "9"}},
    "usage.amendment.v1": USED | REPLACES,
    "usage.revenue.v1": REVENUE,
    "usage.days.v1": DAYS,
}


def exact(schema):
    """The schema as read from JSON by a reader whose numbers are exact."""
    return json.loads(json.dumps(schema), parse_float=D)


def pattern(validator, wanted, instance, schema):
    """Match as ECMA 262 does, which the standard names; Python's $ lets a line end pass."""
    if isinstance(instance, str) and not re.search(wanted.replace("$", r"\Z"), instance):
        yield jsonschema.ValidationError("The pattern does not match.")


Judge = jsonschema.validators.extend(jsonschema.Draft202012Validator, {"pattern": pattern})
JUDGES = {one.name: Judge(exact(published_schema(one, at=AT + one.name))) for one in EVENT_TYPES}


def accepted(name, data):
    return JUDGES[name].is_valid(data)


def is_read(name, data):
    envelope = Envelope("1", "/s", BY_NAME[name].type, time="2026-05-04T10:11:12Z", data=data)
    return isinstance(read_event(envelope), ReportedUse)


@pytest.mark.parametrize("one", EVENT_TYPES, ids=lambda one: one.name)
def test_each_type_has_a_schema_of_the_draft_it_names(one):
    schema = published_schema(one, at=AT + one.name)

    jsonschema.Draft202012Validator.check_schema(schema)
    assert (schema["$id"], schema["title"]) == (AT + one.name, one.title)


@pytest.mark.parametrize("name", GOOD)
def test_what_a_type_is_for_fits_and_is_read(name):
    assert accepted(name, GOOD[name])
    assert is_read(name, GOOD[name])


def test_an_amendment_may_stand_for_each_kind():
    for data in (USED, REVENUE, DAYS):
        assert accepted(AMENDMENT.name, data | REPLACES)
        assert is_read(AMENDMENT.name, data | REPLACES)
        assert not accepted(AMENDMENT.name, data)


@pytest.mark.parametrize("one", [SPEECH, GENERATION])
def test_a_family_carries_its_own_meters_only(one):
    other = USED | {"quantities": {"runs": "1"}}

    assert accepted(USE.name, other)
    assert not accepted(one.name, other)
    assert not is_read(one.name, other)


junk = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 5),
    st.text(max_size=3),
    st.just("x\n"),
    st.just("a\x00"),
    st.just("x" * 201),
    st.just([]),
    st.just({}),
)
texts = junk | st.text(min_size=1, max_size=8) | st.sampled_from(["T1", "NA-1\n"])
quantities = st.one_of(
    st.sampled_from(
        [
            "0",
            "1",
            "12.5",
            "-1",
            "-0",
            "1.0000001",
            "1" * 15,
            "1e3",
            "NaN",
            "",
            "\u0661",
            "7\n",
            "01",
        ]
    ),
    st.integers(-3, 10**15),
    st.decimals(-1, 10**14, places=7),
    st.sampled_from([D("0.000001"), D("1E-7"), D("1E+13"), D("1E+14"), D("-0.0"), True, None, "x"]),
)
periods = st.one_of(
    st.fixed_dictionaries(
        {
            "starts": st.sampled_from(["2026-07", "2026-13", "1899-01", "2026-7", "2026-07\n", 7]),
            "months": st.sampled_from([1, 3, 6, 12, 2, D("3.0"), True, "3", None]),
        }
    ),
    st.just({"starts": "2026-07"}),
    st.just({"starts": "2026-07", "months": 3, "more": 1}),
    junk,
)
replaced = st.one_of(
    st.sampled_from(["7", "07", "0", 7, "1" * 19]).map(lambda number: {"event": number}),
    st.fixed_dictionaries({"source": texts | st.just("s" * 501), "id": texts}),
    st.just({"event": "7", "id": "1"}),
    junk,
)
digest = st.sampled_from(["0" * 64, "0" * 63, "A" * 64, None, 7, "0" * 64 + "\n"])
VALUES = {
    "twin": texts,
    "agreement": texts,
    "build": texts,
    "production": texts,
    "right": st.sampled_from(["voice", "face", "soul", None, 1, ""]),
    "use": st.sampled_from(["dubbing", "opera", None, []]),
    "territory": st.sampled_from(["FR", "US-CA", "fr", "FRA", "FR\n", None, 1]),
    "language": st.sampled_from(["fr", "pt-BR", "", "f" * 36, None, 1]),
    "channel": st.sampled_from(["cinema", "fax", None]),
    "prompt_class": st.sampled_from(["scripted", "odd", None, 1]),
    "prompt": texts | st.sampled_from(["p" * 20_000, "p" * 20_001]),
    "real_time": st.sampled_from([True, False, None, 0, "yes"]),
    "currency": st.sampled_from(["USD", "usd", "USD\n", None, ""]),
    "output_sha256": digest,
    "c2pa_manifest_sha256": digest,
    "permit": texts,
    "approval": texts,
    "quantities": st.dictionaries(
        st.sampled_from([*(meter.value for meter in Meter), "smiles"]), quantities, max_size=2
    )
    | junk,
    "period": periods,
    "replaces": replaced,
    "revenue": quantities,
    "equivalent_days": quantities,
    "gen_ai.request.model": junk,
    "gen_ai.prompt": texts,
    "gen_ai.completion" + DIGEST_SUFFIX: digest,
    "prompt" + DIGEST_SUFFIX: digest,
    "other": junk,
}


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(sorted(GOOD)), st.data())
def test_what_the_schema_accepts_the_reader_accepts_and_the_other_way_round(name, data):
    base = data.draw(st.sampled_from([GOOD[name], {}, USED, REVENUE, DAYS]))
    if name == AMENDMENT.name:
        base = base | REPLACES
    changes = data.draw(st.lists(st.sampled_from(sorted(VALUES)), max_size=4, unique=True))
    sent = base | {field: data.draw(VALUES[field], label=field) for field in changes}

    assert accepted(name, sent) == is_read(name, sent)


def test_the_description_of_the_api_knows_every_field():
    forms = {one["title"]: one["properties"] for one in event_schema()["oneOf"]}

    assert forms["Use"]["data"]["properties"].keys() == FORMS[LeafKind.USE].names
    assert forms["RevenueReport"]["type"]["enum"] == [REVENUE_REPORT.type]
    assert forms["DayReport"]["type"]["enum"] == [DAY_REPORT.type]


@pytest.mark.django_db
def test_schemas_are_listed_and_read_without_a_key(client):
    listed = client.get("/api/v1/schemas/").json()["event_types"]

    assert [one["type"] for one in listed] == [one.type for one in EVENT_TYPES]
    for one in listed:
        answer = client.get(one["schema"])
        assert answer["content-type"] == "application/schema+json"
        assert answer.json()["$id"] == one["schema"]
        jsonschema.Draft202012Validator.check_schema(answer.json())
    assert client.get("/api/v1/schemas/usage.v9").status_code == 404
