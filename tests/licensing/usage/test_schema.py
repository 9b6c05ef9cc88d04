"""The published schema says what reading an event checks."""

import jsonschema
import pytest

from licensing.usage.reported import FIELDS, USAGE_TYPE
from licensing.usage.schema import event_schema

EVENT = {
    "specversion": "1.0",
    "id": "1",
    "source": "/studio",
    "type": USAGE_TYPE,
    "time": "2026-05-04T10:11:12Z",
    "data": {
        "twin": "T1",
        "right": "voice",
        "use": "dubbing",
        "territory": "FR",
        "channel": "cinema",
        "quantities": {"lines": "1", "seconds": 3.5},
        "gen_ai.request.model": "m",
    },
}


def is_valid(event):
    return jsonschema.Draft202012Validator(event_schema()).is_valid(event)


def test_a_use_fits_the_schema():
    assert is_valid(EVENT)


@pytest.mark.parametrize(
    "change",
    [
        {"right": "soul"},
        {"quantities": {"smiles": "1"}},
        {"quantities": {"lines": "-1"}},
        {"quantities": {}},
        {"twin": 7},
        {"output_sha256": "AB"},
    ],
)
def test_what_would_not_be_understood_does_not_fit(change):
    assert not is_valid(EVENT | {"data": EVENT["data"] | change})


def test_the_schema_knows_every_field():
    known = event_schema()["properties"]["data"]["properties"]

    assert set(known) == {*FIELDS, "quantities"}
