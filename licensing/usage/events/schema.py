"""The published JSON Schemas, made of the same words that reading an event is checked against.

What they can't say is left to the reader: which codes the registries of ISO 3166 and IANA hold,
and what a name refers to.
"""

from collections.abc import Iterable
from typing import Any

from licensing.wire.fields import LONGEST_PERMIT, LONGEST_PROMPT, LONGEST_REFERENCE, LONGEST_TAG
from licensing.words import NO_CONTENT_STATED, Channel, LeafKind, Meter, PromptClass
from talent.words import Exclusion, Right, Use, Word

from .canonical import DIGEST_SUFFIX, WORDING
from .event_types import AMENDMENT, DAY_REPORT, EVENT_TYPES, REVENUE_REPORT, USE, EventType
from .forms import AMENDMENT_FORMS, FORMS, GENERATIVE_PREFIX, LONGEST_KEY, PERIOD_MONTHS, Form

Schema = dict[str, Any]
DRAFT = "https://json-schema.org/draft/2020-12/schema"
MEDIA_TYPE = "application/schema+json"

SHA256: Schema = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
NUMBER: Schema = {"type": "number", "minimum": 0, "multipleOf": 0.000001}
QUANTITY: Schema = {
    "description": "A decimal of at most 14 digits before and 6 after the point, best as text.",
    "oneOf": [
        {"type": "string", "pattern": r"^[0-9]{1,14}(\.[0-9]{1,6})?$"},
        {**NUMBER, "exclusiveMaximum": 10**14},
    ],
}
PERIOD: Schema = {
    "type": "object",
    "description": "Whole months, within one rating period of the agreement.",
    "required": ["starts", "months"],
    "properties": {
        "starts": {"type": "string", "pattern": "^(19|20|21)[0-9]{2}-(0[1-9]|1[0-2])$"},
        "months": {"enum": list(PERIOD_MONTHS)},
    },
    "additionalProperties": False,
}


# What `talent.plain_text` keeps out of a line, and of a text that is free.
LINE = r"^[^\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufff9-\ufffb\ufeff]*$"
FREE = r"^[^\u0000]*$"


def _text(description: str, *, longest: int = LONGEST_REFERENCE, pattern: str = LINE) -> Schema:
    return {
        "type": "string", "minLength": 1, "maxLength": longest, "description": description,
        "pattern": pattern,
    }  # fmt: skip


def _code(words: type[Word]) -> Schema:
    return {"type": "string", "enum": words.codes()}


REPLACES: Schema = {
    "description": "The event whose place it takes: by its number, or by its source and id.",
    "oneOf": [
        {
            "type": "object",
            "required": ["event"],
            "properties": {"event": {"type": "string", "pattern": "^[1-9][0-9]{0,17}$"}},
            "additionalProperties": False,
        },
        {
            "type": "object",
            "required": ["source", "id"],
            "properties": {
                "source": _text("Its source.", longest=LONGEST_KEY),
                "id": _text("Its id.", longest=LONGEST_KEY),
            },
            "additionalProperties": False,
        },
    ],
}
FIELD_SCHEMAS: dict[str, Schema] = {
    "twin": _text("T7, the HAND id, or the name."),
    "agreement": _text("A7, or the reference. Without one the use is held."),
    "build": _text("The version of the twin's model."),
    "production": _text("P7, EIDR, ISAN or title."),
    "right": _code(Right),
    "use": _code(Use),
    "territory": {
        "type": "string",
        "pattern": "^[A-Z]{2}(-[A-Z0-9]{1,3})?$",
        "description": "ISO 3166: a country, or a part such as US-CA.",
    },
    "language": {
        "type": "string", "minLength": 1, "maxLength": LONGEST_TAG, "description": "BCP 47.",
    },
    "channel": _code(Channel),
    "prompt_class": _code(PromptClass),
    "prompt": _text(
        "Only commitments to it are sealed.", longest=LONGEST_PROMPT, pattern=FREE
    ),
    "real_time": {"type": "boolean"},
    "content": {
        "type": "array",
        "minItems": 1,
        "items": {"type": "string", "enum": [*Exclusion.codes(), NO_CONTENT_STATED]},
        "description": "What it shows; none alone says that it is nothing of the kind.",
    },
    "brand": _text("A brand's slug or name; none says that it is for no brand."),
    "currency": {"type": "string", "pattern": "^[A-Z]{3}$", "description": "Of revenue: ISO 4217."},
    "output_sha256": SHA256,
    "c2pa_manifest_sha256": SHA256,
    "permit": _text("The permit of the clearance.", longest=LONGEST_PERMIT),
    "approval": _text("Q7: the approval that a use without a permit stands on."),
    "period": PERIOD,
    "replaces": REPLACES,
    Meter.REVENUE.value: QUANTITY,
    Meter.EQUIVALENT_DAYS.value: QUANTITY,
}  # fmt: skip
REVENUE_HAS_A_CURRENCY: Schema = {
    "if": {
        "properties": {"quantities": {"type": "object", "required": [Meter.REVENUE.value]}},
        "required": ["quantities"],
    },
    "then": {"required": ["currency"], "properties": {"currency": {"type": "string"}}},
}


def published_schema(event_type: EventType, *, at: str) -> Schema:
    """Return the schema of an event type's data, as it is published at an address."""
    return {"$schema": DRAFT, "$id": at, "title": event_type.title, **data_schema(event_type)}


def data_schema(event_type: EventType) -> Schema:
    """Return the schema of an event type's data (JSON Schema 2020-12)."""
    if event_type is AMENDMENT:
        return {"type": "object", "oneOf": [_amendment_schema(kind) for kind in AMENDMENT_FORMS]}
    return _form_schema(FORMS[event_type.kind], event_type.meters)


def _amendment_schema(kind: LeafKind) -> Schema:
    """Return an amendment's schema: with a period for a report, and none allowed for a use."""
    schema = _form_schema(AMENDMENT_FORMS[kind], frozenset(Meter))
    if kind is LeafKind.USE:
        schema["properties"]["period"] = {"type": "null"}
    return schema


def _form_schema(form: Form, meters: Iterable[Meter]) -> Schema:
    properties: Schema = {
        name: FIELD_SCHEMAS[name] if name in form.required else _or_null(FIELD_SCHEMAS[name])
        for name in sorted(form.names - {"quantities"})
    }
    if form.is_of_a_period:
        return {
            "type": "object",
            "required": list(form.required),
            "properties": properties,
            # Null says nothing, under any name.
            "additionalProperties": {"type": "null"},
        }
    properties["quantities"] = _quantities(meters)
    wording = {name: {"type": "null"} for name in WORDING if name.startswith(GENERATIVE_PREFIX)}
    digests = {name + DIGEST_SUFFIX: _or_null(SHA256) for name in WORDING}
    return {
        "type": "object",
        "required": list(form.required),
        "properties": {**wording, **digests, **properties},
        "patternProperties": {
            rf"^{GENERATIVE_PREFIX.replace('.', chr(92) + '.')}": {
                "type": ["string", "number", "boolean", "null"],
                "maxLength": LONGEST_REFERENCE,
            }
        },
        "additionalProperties": {"type": "null"},
        **REVENUE_HAS_A_CURRENCY,
    }


def _quantities(meters: Iterable[Meter], quantity: Schema = QUANTITY) -> Schema:
    return {
        "type": "object",
        "minProperties": 1,
        "properties": dict.fromkeys(sorted(meter.value for meter in meters), quantity),
        "additionalProperties": False,
    }


def _or_null(schema: Schema) -> Schema:
    """Let a field also be null, which says the same as leaving it out."""
    if "enum" in schema:
        return {**schema, "type": ["string", "null"], "enum": [*schema["enum"], None]}
    return {**schema, "type": [schema["type"], "null"]}


# For the API's description, whose dialect (OpenAPI 3.0) knows neither null, nor patterns of names,
# nor a limit that a number stays below.

PLAIN_QUANTITY: Schema = {
    **QUANTITY,
    "oneOf": [QUANTITY["oneOf"][0], {**NUMBER, "maximum": 10**14 - 1}],
}


def event_schema() -> Schema:
    """Return the schema of one CloudEvent that the desk understands."""
    uses = [known.type for known in EVENT_TYPES if known.kind is LeafKind.USE]
    return {
        "title": "UsageEvent",
        "oneOf": [
            _event_schema("Use", uses, FORMS[LeafKind.USE], timed=True),
            _event_schema("Amendment", [AMENDMENT.type], AMENDMENT_FORMS[LeafKind.USE], timed=True),
            _event_schema("RevenueReport", [REVENUE_REPORT.type], FORMS[LeafKind.REVENUE_REPORT]),
            _event_schema("DayReport", [DAY_REPORT.type], FORMS[LeafKind.DAY_REPORT]),
        ],
    }


def _event_schema(title: str, types: list[str], form: Form, *, timed: bool = False) -> Schema:
    required = ["specversion", "id", "source", "type", *(["time"] if timed else []), "data"]
    return {
        "type": "object",
        "title": title,
        "required": required,
        "properties": {
            "specversion": {"type": "string", "enum": ["1.0"]},
            "id": _text("With source: the event's key.", longest=LONGEST_KEY),
            "source": _text("Who sends it.", longest=LONGEST_KEY) | {"format": "uri-reference"},
            "type": {"type": "string", "enum": types},
            "time": {"type": "string", "format": "date-time", "description": "When it happened."},
            "dataschema": {
                "type": "string",
                "format": "uri",
                "description": f"One of those that {USE.path.rpartition('/')[0]}/ lists.",
            },
            "data": _plain_data_schema(form),
        },
        "additionalProperties": {"description": "CloudEvents extension attributes."},
    }


def _plain_data_schema(form: Form) -> Schema:
    plain = {
        **FIELD_SCHEMAS,
        "quantities": _quantities(Meter, PLAIN_QUANTITY),
        **dict.fromkeys([Meter.REVENUE.value, Meter.EQUIVALENT_DAYS.value], PLAIN_QUANTITY),
    }
    return {
        "type": "object",
        "required": list(form.required),
        "properties": {name: plain[name] for name in sorted(form.names)},
        "additionalProperties": (
            False if form.is_of_a_period else {"description": "OpenTelemetry's gen_ai.* names."}
        ),
    }
