"""The JSON Schema of a reported use, made of the same words that reading it is checked against."""

from typing import Any

from licensing.usage.reported import (
    LONGEST_PERMIT,
    LONGEST_PROMPT,
    LONGEST_REFERENCE,
    LONGEST_TAG,
    REQUIRED,
    USAGE_TYPE,
)
from licensing.words import Channel, Meter, PromptClass
from talent.words import Right, Use, Word

Schema = dict[str, Any]
SHA256 = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
QUANTITY = {
    "description": "A decimal of at most 14 digits before and 6 after the point, best as text.",
    "oneOf": [
        {"type": "string", "pattern": r"^[0-9]{1,14}(\.[0-9]{1,6})?$"},
        {"type": "number", "minimum": 0},
    ],
}


def event_schema() -> Schema:
    """Return the schema of one CloudEvent that reports a use."""
    text: Schema = {"type": "string", "minLength": 1}
    return {
        "type": "object",
        "title": "UsageEvent",
        "required": ["specversion", "id", "source", "type", "time", "data"],
        "properties": {
            "specversion": {"type": "string", "enum": ["1.0"]},
            "id": text | {"maxLength": 500, "description": "With source: the event's key."},
            "source": text | {"maxLength": 500, "format": "uri-reference"},
            "type": {"type": "string", "enum": [USAGE_TYPE]},
            "time": {"type": "string", "format": "date-time", "description": "When it happened."},
            "data": _data_schema(),
        },
        "additionalProperties": {"description": "CloudEvents extension attributes."},
    }


def _data_schema() -> Schema:
    return {
        "type": "object",
        "required": list(REQUIRED),
        "properties": {
            "twin": _text("T7, the HAND id, or the name."),
            "agreement": _text("A7, or the reference. Without one the use is held."),
            "build": _text("The version of the twin's model."),
            "production": _text("P7, EIDR, ISAN or title."),
            "right": _word(Right),
            "use": _word(Use),
            "territory": _text("ISO 3166: a country, or a part such as US-CA.", longest=6),
            "language": _text("BCP 47.", longest=LONGEST_TAG),
            "channel": _word(Channel),
            "prompt_class": _word(PromptClass),
            "prompt": _text("Only commitments to it are kept.", longest=LONGEST_PROMPT),
            "real_time": {"type": "boolean"},
            "quantities": {
                "type": "object",
                "minProperties": 1,
                "properties": {meter.value: QUANTITY for meter in Meter},
                "additionalProperties": False,
            },
            "currency": {"type": "string", "pattern": "^[A-Z]{3}$", "description": "Of revenue."},
            "output_sha256": SHA256,
            "c2pa_manifest_sha256": SHA256,
            "permit": _text("The permit of the clearance.", longest=LONGEST_PERMIT),
        },
        "additionalProperties": {"description": "OpenTelemetry's gen_ai.* names."},
    }


def _text(description: str, *, longest: int = LONGEST_REFERENCE) -> Schema:
    return {
        "type": "string", "minLength": 1, "maxLength": longest, "description": description,
    }  # fmt: skip


def _word(words: type[Word]) -> Schema:
    return {"type": "string", "enum": words.codes()}
