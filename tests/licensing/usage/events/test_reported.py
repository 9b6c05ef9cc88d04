"""What a usage event reports."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal as D

import pytest

from licensing.usage.events.cloudevents import Envelope
from licensing.usage.events.event_types import USAGE_TYPE
from licensing.usage.events.reported import ReportedUse, read_event
from licensing.wire.faults import NotUnderstood
from licensing.wire.instants import instant

DATA = {
    "twin": "T1",
    "agreement": "NA-1",
    "right": "voice",
    "use": "dubbing",
    "territory": "FR",
    "channel": "cinema",
    "quantities": {"lines": "1", "seconds": 3, "words": D("12.5")},
}
EVENT = Envelope("1", "/studio", USAGE_TYPE, time="2026-05-04T10:11:12+02:00", data=DATA)


def event(**changes):
    return replace(EVENT, data=DATA | changes)


def codes(envelope):
    unread = read_event(envelope)
    assert isinstance(unread, NotUnderstood)
    return [(fault.pointer, fault.code) for fault in unread.faults]


def test_a_use_is_read():
    assert read_event(EVENT) == ReportedUse(
        twin="T1",
        agreement="NA-1",
        right="voice",
        use="dubbing",
        territory="FR",
        channel="cinema",
        occurred_at=datetime(2026, 5, 4, 8, 11, 12, tzinfo=UTC),
        quantities={"lines": D(1), "seconds": D(3), "words": D("12.5")},
    )


def test_names_of_generative_tools_are_welcome():
    assert isinstance(
        read_event(event(**{"gen_ai.request.model": "m", "gen_ai.usage.n": 4})), ReportedUse
    )


@pytest.mark.parametrize("name", ["twin", "right", "use", "territory", "channel", "quantities"])
def test_what_a_use_needs(name):
    assert codes(event(**{name: None})) == [(f"/data/{name}", "missing_field")]


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"right": "soul"}, "/data/right", "unknown_right"),
        ({"use": "opera"}, "/data/use", "unknown_use"),
        ({"channel": "fax"}, "/data/channel", "unknown_channel"),
        ({"prompt_class": "x"}, "/data/prompt_class", "unknown_prompt_class"),
        ({"territory": "XX"}, "/data/territory", "unknown_territory"),
        ({"territory": "fr"}, "/data/territory", "unknown_territory"),
        ({"language": "not a tag"}, "/data/language", "unknown_language"),
        ({"language": "xx-Zzzz-ZZ"}, "/data/language", "unknown_language"),
        ({"real_time": "yes"}, "/data/real_time", "unreadable_field"),
        ({"twin": 7}, "/data/twin", "unreadable_field"),
        ({"twin": "a\x00b"}, "/data/twin", "unseen_characters"),
        ({"twin": "t" * 201}, "/data/twin", "field_too_long"),
        ({"output_sha256": "AB" * 32}, "/data/output_sha256", "unreadable_field"),
        ({"currency": "usd"}, "/data/currency", "unreadable_field"),
        ({"quantitys": {}}, "/data/quantitys", "unknown_field"),
        ({"gen_ai.prompt": "Weep."}, "/data/gen_ai.prompt", "unknown_field"),
        ({"gen_ai.x": [1]}, "/data/gen_ai.x", "unreadable_field"),
        ({"quantities": {}}, "/data/quantities", "unreadable_data"),
        ({"quantities": [1]}, "/data/quantities", "unreadable_data"),
        ({"quantities": {"smiles": 1}}, "/data/quantities/smiles", "unknown_meter"),
        ({"quantities": {"lines": "-1"}}, "/data/quantities/lines", "negative_quantity"),
        ({"quantities": {"lines": -1}}, "/data/quantities/lines", "negative_quantity"),
        ({"quantities": {"lines": "NaN"}}, "/data/quantities/lines", "unreadable_quantity"),
        ({"quantities": {"lines": "1e3"}}, "/data/quantities/lines", "unreadable_quantity"),
        ({"quantities": {"lines": ""}}, "/data/quantities/lines", "unreadable_quantity"),
        ({"quantities": {"lines": "\u0661"}}, "/data/quantities/lines", "unreadable_quantity"),
        ({"quantities": {"lines": True}}, "/data/quantities/lines", "unreadable_quantity"),
        ({"quantities": {"lines": None}}, "/data/quantities/lines", "unreadable_quantity"),
        ({"quantities": {"lines": 10**14}}, "/data/quantities/lines", "unreadable_quantity"),
        ({"quantities": {"lines": D("1E+400")}}, "/data/quantities/lines", "unreadable_quantity"),
        ({"quantities": {"lines": D("1E-7")}}, "/data/quantities/lines", "unreadable_quantity"),
        ({"quantities": {"revenue": "5"}}, "/data/currency", "missing_field"),
    ],
)
def test_what_is_not_understood_is_pointed_to(changes, pointer, code):
    assert codes(event(**changes)) == [(pointer, code)]


def test_another_type_is_not_understood():
    assert codes(replace(EVENT, type="org.example.other")) == [("/type", "unknown_type")]


@pytest.mark.parametrize("data", ["text", [1], None])
def test_data_that_is_no_object_is_not_understood(data):
    assert codes(replace(EVENT, data=data)) == [("/data", "unreadable_data")]


def test_data_of_another_content_type_is_not_understood():
    assert codes(replace(EVENT, datacontenttype="text/xml")) == [("/data", "unreadable_data")]


@pytest.mark.parametrize(
    ("time", "code"), [(None, "missing_field"), ("0000-01-01T00:00:00Z", "unreadable_time")]
)
def test_a_use_happened_at_an_instant_the_desk_can_keep(time, code):
    assert codes(replace(EVENT, time=time)) == [("/time", code)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-05-04T10:11:12.1234567Z", datetime(2026, 5, 4, 10, 11, 12, 123456, UTC)),
        ("2026-05-04T00:30:00+01:00", datetime(2026, 5, 3, 23, 30, tzinfo=UTC)),
        ("2016-12-31T23:59:60Z", datetime(2016, 12, 31, 23, 59, 59, 999999, UTC)),
        ("0001-01-01T00:00:00+01:00", None),
        ("9999-12-31T23:59:59-01:00", None),
        ("yesterday", None),
    ],
)
def test_an_instant_is_kept_in_utc(text, expected):
    assert instant(text) == expected


# Types and schemas

HOST = "https://desk.example/api/v1/schemas/"


def test_a_schema_that_the_desk_publishes_is_honoured():
    lines = {"lines": "1"}

    speech = replace(event(quantities=lines), dataschema=HOST + "usage.speech.v1")
    assert isinstance(read_event(speech), ReportedUse)
    assert codes(replace(EVENT, dataschema=HOST + "usage.speech.v1")) == [
        ("/data/quantities/seconds", "other_meter")
    ]


@pytest.mark.parametrize(
    ("schema", "code"),
    [
        ("https://studio.example/schema.json", "unknown_schema"),
        (HOST + "usage.v9", "unknown_schema"),
        (HOST + "usage.revenue.v1", "other_schema"),
    ],
)
def test_a_schema_the_desk_does_not_publish_or_of_another_type_is_not_understood(schema, code):
    assert codes(replace(EVENT, dataschema=schema)) == [("/dataschema", code)]


def test_a_report_is_of_its_months():
    data = {
        "agreement": "NA-1",
        "right": "voice",
        "use": "dubbing",
        "territory": "FR",
        "channel": "cinema",
        "period": {"starts": "2026-11", "months": 3},
        "revenue": "1200.50",
        "currency": "USD",
    }
    revenue = "org.likenessdesk.usage.revenue.v1"
    report = read_event(replace(EVENT, type=revenue, data=data, time=None))

    assert report.period == (date(2026, 11, 1), date(2027, 2, 1))
    assert report.quantities == {"revenue": D("1200.50")}


def test_an_amendment_names_what_it_replaces():
    data = DATA | {"replaces": {"event": "17"}}

    amendment = read_event(replace(EVENT, type="org.likenessdesk.usage.amendment.v1", data=data))

    assert (amendment.kind, amendment.replaces.event) == ("amendment", "17")
    assert codes(replace(EVENT, type="org.likenessdesk.usage.amendment.v1")) == [
        ("/data/replaces", "missing_field")
    ]
