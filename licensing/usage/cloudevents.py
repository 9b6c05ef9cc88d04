"""CloudEvents 1.0 in JSON, one or a batch: bytes in, checked envelopes out.

The specification's MUSTs are kept to the letter (core 1.0.2 and its JSON format); what it
only recommends, such as names of at most 20 characters, is let through.
"""

import binascii
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from licensing.usage.instants import is_instant
from licensing.usage.uris import is_absolute_uri, is_uri_reference
from talent.errors import Refused

VERSION = "1.0"
LARGEST_INTEGER = 2**31 - 1
SMALLEST_INTEGER = -(2**31)
DEEPEST_DATA = 32

Attribute = str | int | bool

_REQUIRED = ("specversion", "id", "source", "type")
_NAME = re.compile(r"[a-z0-9]+")
_PLANES = range(0, 0x110000, 0x10000)
_NONCHARACTERS = "".join(chr(plane + last) for plane in _PLANES for last in (0xFFFE, 0xFFFF))
# Control characters, surrogates, and the code points Unicode calls noncharacters.
_DISALLOWED = re.compile(f"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef{_NONCHARACTERS}]")
_WORD = r"[A-Za-z0-9!#$%&'*+\-.^_`{|}~]+"
_MEDIA_TYPE = re.compile(rf'{_WORD}/{_WORD}(?:[ \t]*;[ \t]*{_WORD}=(?:{_WORD}|"(?:[^"\\]|\\.)*"))*')
_JSON_MEDIA_TYPE = re.compile(rf"{_WORD}/(?:json|{_WORD}\+json)(?:[ \t]*;.*)?", re.IGNORECASE)
_DECODER = msgspec.json.Decoder(float_hook=Decimal)


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, and where (a JSON pointer). Never the offending value."""

    pointer: str
    detail: str
    code: str = "malformed_envelope"


class MalformedEnvelopes(Refused):
    """Something sent is no CloudEvent, so nothing of it is kept."""

    code = "malformed_envelope"

    def __init__(self, faults: list[Fault]):
        super().__init__("What was sent is not CloudEvents 1.0 in JSON; nothing of it was kept.")
        self.faults = faults


class TooManyEvents(Refused):
    """A batch is longer than the desk takes at once."""

    code = "too_many_events"


@dataclass(frozen=True, slots=True)
class Envelope:
    """One event as sent: unset (null) attributes left out, data still uninterpreted."""

    id: str
    source: str
    type: str
    time: str | None = None
    datacontenttype: str | None = None
    dataschema: str | None = None
    subject: str | None = None
    extensions: dict[str, Attribute] = field(default_factory=dict)
    data: object = None
    data_base64: str | None = None

    @property
    def has_json_data(self) -> bool:
        """Whether the data is a JSON value; without a content type it is."""
        return self.data_base64 is None and (
            self.datacontenttype is None or bool(_JSON_MEDIA_TYPE.fullmatch(self.datacontenttype))
        )


def decode_one(body: bytes) -> Envelope:
    """Return the one event of a structured-mode body. Raises MalformedEnvelopes."""
    return checked(_decoded(body))


def checked(value: Any) -> Envelope:
    """Return the event that a decoded JSON value is. Raises MalformedEnvelopes."""
    if faults := list(_faults_of(value, "")):
        raise MalformedEnvelopes(faults)
    return _envelope(value)


def decode_batch(body: bytes, *, at_most: int) -> list[Envelope]:
    """Return the events of a batch body, in their order; an empty batch is one.

    Raises MalformedEnvelopes, with every fault of every event, and TooManyEvents.
    """
    values = _decoded(body)
    if not isinstance(values, list):
        raise MalformedEnvelopes([Fault("", "A batch is a JSON array of events.")])
    if len(values) > at_most:
        raise TooManyEvents(f"A batch holds at most {at_most:,} events; send several batches.")
    faults = [fault for i, value in enumerate(values) for fault in _faults_of(value, f"/{i}")]
    if faults:
        raise MalformedEnvelopes(faults)
    return [_envelope(value) for value in values]


def pointer_to(*names: str) -> str:
    """Return the JSON pointer (RFC 6901) that leads through these names."""
    return "".join("/" + name.replace("~", "~0").replace("/", "~1") for name in names)


def _decoded(body: bytes) -> Any:
    try:
        return _DECODER.decode(body)
    except UnicodeDecodeError:
        detail = "The body is not UTF-8."
    except RecursionError:
        detail = "The body is nested too deeply."
    except InvalidOperation:
        detail = "The body holds a number that is too large."
    except (msgspec.DecodeError, ValueError):
        detail = "The body is not JSON."
    raise MalformedEnvelopes([Fault("", detail)])


def _faults_of(value: object, at: str) -> Iterator[Fault]:
    if not isinstance(value, dict):
        yield Fault(at, "An event is a JSON object.")
        return
    for name in _REQUIRED:
        if value.get(name) is None:
            yield Fault(f"{at}/{name}", "This attribute is required.")
    for name, sent in value.items():
        if sent is not None and name != "data" and (detail := _attribute_fault(name, sent)):
            yield Fault(at + pointer_to(name), detail)
    if _is_deeper_than(DEEPEST_DATA, value.get("data")):
        yield Fault(f"{at}/data", f"Data is nested at most {DEEPEST_DATA} levels deep.")
    if value.get("data") is not None and value.get("data_base64") is not None:
        yield Fault(f"{at}/data_base64", "An event has data or data_base64, not both.")


def _attribute_fault(name: str, sent: object) -> str | None:
    if name in _ATTRIBUTES:
        return _ATTRIBUTES[name](sent)
    if not _NAME.fullmatch(name):
        return "An attribute's name has only lower-case letters and digits."
    return _extension_fault(sent)


def _is_deeper_than(levels: int, value: object) -> bool:
    if not isinstance(value, dict | list):
        return False
    parts = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_is_deeper_than(levels - 1, part) for part in parts)


def _text_fault(sent: object) -> str | None:
    if not isinstance(sent, str):
        return "This attribute is a string."
    if not sent:
        return "This attribute may be left out, but not be empty."
    if _DISALLOWED.search(sent):
        return "This attribute holds a character that CloudEvents does not allow."
    return None


def _rule(holds: Callable[[str], object], detail: str) -> Callable[[object], str | None]:
    def fault(sent: object) -> str | None:
        wrong = _text_fault(sent)
        if wrong or not isinstance(sent, str):
            return wrong
        return None if holds(sent) else detail

    return fault


def _is_base64(text: str) -> bool:
    try:
        binascii.a2b_base64(text.encode("ascii"), strict_mode=True)
    except (binascii.Error, UnicodeEncodeError):
        return False
    return True


def _base64_fault(sent: object) -> str | None:
    if isinstance(sent, str) and _is_base64(sent):
        return None
    return "This is a string in Base64."


def _extension_fault(sent: object) -> str | None:
    if isinstance(sent, bool):
        return None
    if isinstance(sent, int):
        in_range = SMALLEST_INTEGER <= sent <= LARGEST_INTEGER
        return None if in_range else "An integer attribute fits into 32 bits."
    if not isinstance(sent, str):
        return "An extension attribute is a string, an integer or a boolean."
    return _text_fault(sent) if sent else None


_ATTRIBUTES: dict[str, Callable[[object], str | None]] = {
    "specversion": _rule(VERSION.__eq__, "The desk reads version 1.0 of CloudEvents."),
    "id": _text_fault,
    "source": _rule(is_uri_reference, "This attribute is a URI reference (RFC 3986)."),
    "type": _text_fault,
    "time": _rule(is_instant, "This attribute is an instant with its offset (RFC 3339)."),
    "datacontenttype": _rule(_MEDIA_TYPE.fullmatch, "This attribute is a media type (RFC 2046)."),
    "dataschema": _rule(is_absolute_uri, "This attribute is an absolute URI (RFC 3986)."),
    "subject": _text_fault,
    "data_base64": _base64_fault,
}
_CORE = frozenset(_ATTRIBUTES) | {"data"}


def _envelope(value: dict[str, Any]) -> Envelope:
    get = value.get
    extensions = {k: v for k, v in value.items() if k not in _CORE and v is not None}
    return Envelope(
        value["id"], value["source"], value["type"], get("time"), get("datacontenttype"),
        get("dataschema"), get("subject"), extensions, get("data"), get("data_base64"),
    )  # fmt: skip
