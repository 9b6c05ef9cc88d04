"""What a usage event reports: the data of `org.likenessdesk.usage.v1`, read and checked.

Only shape and vocabulary are judged here. Whether a twin or an agreement exists is asked of
the desk's records, and how the use stands to what was agreed is clearance's to say.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from licensing.usage.canonical import DIGEST_SUFFIX, WORDING, plain
from licensing.usage.cloudevents import Envelope, Fault, pointer_to
from licensing.usage.instants import instant
from licensing.words import Channel, Meter, PromptClass
from talent.consent.matrix import known_language, known_territory
from talent.words import Right, Use

USAGE_TYPE = "org.likenessdesk.usage.v1"
GENERATIVE_PREFIX = "gen_ai."  # OpenTelemetry's names for what generated the output.
LONGEST_REFERENCE = 200
LONGEST_PERMIT = 8_000
LONGEST_PROMPT = 20_000

LONGEST_TAG = 35  # BCP 47 promises that 35 characters are enough.

Found = tuple[str, str] | None  # a sentence, and its stable code

_QUANTITY = re.compile(r"-?[0-9]{1,14}(?:\.[0-9]{1,6})?")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_TERRITORY = re.compile(r"[A-Z]{2}(?:-[A-Z0-9]{1,3})?")
_CURRENCY = re.compile(r"[A-Z]{3}")
_METERS = frozenset(Meter.codes())


@dataclass(frozen=True, slots=True)
class ReportedUse:
    """A use as its licensee reports it. Quantities are in each meter's own unit."""

    twin: str
    right: str
    use: str
    territory: str
    channel: str
    occurred_at: datetime
    quantities: dict[str, Decimal]
    agreement: str | None = None
    build: str | None = None
    production: str | None = None
    language: str | None = None
    prompt_class: str | None = None
    prompt: str | None = field(default=None, repr=False)
    real_time: bool | None = None
    currency: str | None = None
    output_sha256: str | None = None
    c2pa_manifest_sha256: str | None = None
    permit: str | None = None


@dataclass(frozen=True, slots=True)
class NotUnderstood:
    """Why an event can't be read as a use; it waits among the dead letters."""

    faults: tuple[Fault, ...]


def read(envelope: Envelope) -> ReportedUse | NotUnderstood:
    """Read the use that an event reports, or say everything about it that isn't understood."""
    if envelope.type != USAGE_TYPE:
        return _not_understood("/type", "unknown_type", "The desk does not know this event type.")
    data: Any = envelope.data
    if not (envelope.has_json_data and isinstance(data, dict)):
        return _not_understood("/data", "unreadable_data", "The data of a use is a JSON object.")
    occurred_at = instant(envelope.time) if envelope.time else None
    faults = list(_faults(data))
    if occurred_at is None:
        faults.append(_time_fault(envelope))
    if faults or occurred_at is None:
        return NotUnderstood(tuple(faults))
    plain_fields: dict[str, Any] = {name: data.get(name) for name in FIELDS}
    return ReportedUse(
        occurred_at=occurred_at,
        quantities={meter: Decimal(sent) for meter, sent in data["quantities"].items()},
        **plain_fields,
    )


def _not_understood(pointer: str, code: str, detail: str) -> NotUnderstood:
    return NotUnderstood((Fault(pointer, detail, code),))


def _time_fault(envelope: Envelope) -> Fault:
    if envelope.time is None:
        return Fault("/time", "A use says when it happened.", "missing_field")
    return Fault("/time", "The desk's calendar does not reach this year.", "unreadable_time")


def _faults(data: dict[str, object]) -> Iterator[Fault]:
    for name in REQUIRED:
        if data.get(name) is None:
            yield Fault(f"/data/{name}", "This field is required.", "missing_field")
    for name, sent in data.items():
        if name == "quantities" and sent is not None:
            yield from quantity_faults(sent, "/data/quantities")
        elif sent is not None and (found := _field_fault(name, sent)):
            yield Fault("/data" + pointer_to(name), *found)
    quantities = data.get("quantities")
    if isinstance(quantities, dict) and Meter.REVENUE in quantities and not data.get("currency"):
        yield Fault("/data/currency", "Revenue is told with its currency.", "missing_field")


def _field_fault(name: str, sent: object) -> Found:
    if name in FIELDS:
        return FIELDS[name](sent)
    if name.endswith(DIGEST_SUFFIX) and name.removesuffix(DIGEST_SUFFIX) in WORDING:
        return _digest(sent)  # A dead letter that is replayed holds no wording any more.
    if not name.startswith(GENERATIVE_PREFIX) or name in WORDING:
        return "A use has no such field.", "unknown_field"
    if isinstance(sent, str) and len(sent) > LONGEST_REFERENCE:
        return f"This field has at most {LONGEST_REFERENCE:,} characters.", "field_too_long"
    if isinstance(sent, dict | list):
        return "This field is a text, a number, true or false.", "unreadable_field"
    return None


def quantity_faults(sent: object, at: str) -> Iterator[Fault]:
    """Say what is wrong with quantities by meter that stand at a pointer."""
    if not isinstance(sent, dict) or not sent:
        yield Fault(at, "Quantities are an object of at least one meter.", "unreadable_data")
        return
    for meter, quantity in sent.items():
        here = at + pointer_to(meter)
        if meter not in _METERS:
            yield Fault(here, "The desk does not know this meter.", "unknown_meter")
        elif found := _quantity_fault(quantity):
            yield Fault(here, *found)


def _quantity_fault(sent: object) -> Found:
    if isinstance(sent, bool) or not isinstance(sent, str | int | Decimal):
        return "A quantity is a number, best sent as a string.", "unreadable_quantity"
    text = sent if isinstance(sent, str) else plain(Decimal(sent))
    if not _QUANTITY.fullmatch(text):
        return (
            "A quantity has at most 14 digits before and 6 after the point.",
            "unreadable_quantity",
        )
    if text.startswith("-") and Decimal(text) != 0:
        return "A quantity is not negative; amend an event to take it back.", "negative_quantity"
    return None


def _reference(longest: int = LONGEST_REFERENCE) -> Callable[[object], Found]:
    def found(sent: object) -> Found:
        if not isinstance(sent, str) or not sent or "\x00" in sent:
            return "This field is a string that is not empty.", "unreadable_field"
        if len(sent) > longest:
            return f"This field has at most {longest:,} characters.", "field_too_long"
        return None

    return found


def _word(codes: list[str], name: str) -> Callable[[object], Found]:
    known, detail = frozenset(codes), f"The desk does not know this {name.replace('_', ' ')}."

    def found(sent: object) -> Found:
        return None if isinstance(sent, str) and sent in known else (detail, f"unknown_{name}")

    return found


def _pattern(pattern: re.Pattern[str], detail: str) -> Callable[[object], Found]:
    def found(sent: object) -> Found:
        good = isinstance(sent, str) and pattern.fullmatch(sent)
        return None if good else (detail, "unreadable_field")

    return found


def _truth(sent: object) -> Found:
    return None if isinstance(sent, bool) else ("This field is true or false.", "unreadable_field")


def _territory(sent: object) -> Found:
    if isinstance(sent, str) and _TERRITORY.fullmatch(sent) and known_territory(sent):
        return None
    return (
        "A territory is a code of ISO 3166: a country, or a part such as US-CA.",
        "unknown_territory",
    )


def _language(sent: object) -> Found:
    if isinstance(sent, str) and len(sent) <= LONGEST_TAG and known_language(sent):
        return None
    return "A language is a tag of BCP 47 from IANA's registry.", "unknown_language"


REQUIRED = ("twin", "right", "use", "territory", "channel", "quantities")
_digest = _pattern(_SHA256, "A digest is SHA-256 in 64 lower-case hex digits.")
FIELDS: dict[str, Callable[[object], Found]] = {
    "twin": _reference(),
    "agreement": _reference(),
    "build": _reference(),
    "production": _reference(),
    "right": _word(Right.codes(), "right"),
    "use": _word(Use.codes(), "use"),
    "territory": _territory,
    "language": _language,
    "channel": _word(Channel.codes(), "channel"),
    "prompt_class": _word(PromptClass.codes(), "prompt_class"),
    "prompt": _reference(LONGEST_PROMPT),
    "real_time": _truth,
    "currency": _pattern(_CURRENCY, "A currency is a three-letter code of ISO 4217."),
    "output_sha256": _digest,
    "c2pa_manifest_sha256": _digest,
    "permit": _reference(LONGEST_PERMIT),
}
