"""CloudEvents 1.0, structured, in a batch or binary: bytes in, checked envelopes out.

The specification's MUSTs are kept to the letter (core 1.0.2, its JSON format and its HTTP
binding); what it only recommends, such as names of at most 20 characters, is let through.
"""

import binascii
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import unquote_to_bytes

import msgspec

from licensing.wire.faults import Fault, pointer_to
from licensing.wire.instants import is_instant
from licensing.wire.json_bodies import NAME_TWICE, object_with_name_twice
from talent.errors import Refused

from .uris import is_absolute_uri, is_uri_reference

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
_TEXT_MEDIA_TYPE = re.compile(
    rf"(?:text/{_WORD}|{_WORD}/(?:xml|{_WORD}\+xml))(?:[ \t]*;.*)?", re.IGNORECASE
)
_HEADER_VALUE = re.compile(r"(?:[ -$&-~]|%[0-9A-Fa-f]{2})*")
_QUOTED_PAIR = re.compile(r"\\(.)")
_DECODER = msgspec.json.Decoder(float_hook=Decimal)


class MalformedEnvelopes(Refused):
    """Something sent is no CloudEvent, so nothing of it is kept."""

    code = "malformed_envelope"

    def __init__(self, faults: list[Fault]):
        super().__init__("What was sent is not CloudEvents 1.0; nothing of it was kept.")
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
    # Data may hold a prompt, which nothing that logs an envelope shall show.
    data: object = field(default=None, repr=False)
    data_base64: str | None = field(default=None, repr=False)

    @property
    def has_json_data(self) -> bool:
        """Whether the data is a JSON value; without a content type it is."""
        return self.data_base64 is None and _is_json(self.datacontenttype)


def decode_one(body: bytes) -> Envelope:
    """Return the one event of a structured-mode body. Raises MalformedEnvelopes."""
    return envelope_of(_decode_json(body))


def envelope_of(value: Any) -> Envelope:
    """Check a decoded JSON value and return the event that it is. Raises MalformedEnvelopes."""
    if faults := list(_faults_of(value, "")):
        raise MalformedEnvelopes(faults)
    return _envelope(value)


def decode_batch(body: bytes, *, at_most: int) -> list[Envelope]:
    """Return the events of a batch body, in their order; an empty array is a batch too.

    Raises MalformedEnvelopes, with every fault of every event, and TooManyEvents.
    """
    values = _decode_json(body)
    if not isinstance(values, list):
        raise MalformedEnvelopes([Fault("", "A batch is a JSON array of events.")])
    if len(values) > at_most:
        raise TooManyEvents(f"A batch holds at most {at_most:,} events; send several batches.")
    faults = [fault for i, value in enumerate(values) for fault in _faults_of(value, f"/{i}")]
    if faults:
        raise MalformedEnvelopes(faults)
    return [_envelope(value) for value in values]


def decode_binary(headers: Mapping[str, str], content_type: str | None, body: bytes) -> Envelope:
    """Return the event of a binary-mode request: attributes in headers, data in the body.

    `headers` are the `ce-` headers, named without that prefix. `content_type` becomes the
    attribute `datacontenttype`; without one the body is JSON. Raises MalformedEnvelopes.
    """
    value = _header_attributes(headers)
    if content_type:
        value["datacontenttype"] = content_type
    if body and _is_json(content_type):
        value["data"] = _decode_json(body, at="/data")
    elif body:
        value["data_base64"] = binascii.b2a_base64(body, newline=False).decode()
    return envelope_of(value)


def _header_attributes(headers: Mapping[str, str]) -> dict[str, Any]:
    texts = {name: _header_text(sent) for name, sent in headers.items()}
    faults = [Fault(pointer_to(name), _NOT_HEADERS[name]) for name in texts if name in _NOT_HEADERS]
    detail = "A header's value is percent-encoded UTF-8."
    faults += [Fault(pointer_to(name), detail) for name, text in texts.items() if text is None]
    if faults:
        raise MalformedEnvelopes(faults)
    return dict(texts)


_NOT_HEADERS = {
    "data": "In binary mode the body is the data.",
    "datacontenttype": "In binary mode Content-Type says what the data is.",
}


def _header_text(sent: str) -> str | None:
    """Undo quoting and one round of percent-encoding; None where the result is not UTF-8."""
    if len(sent) > 1 and sent.startswith('"') and sent.endswith('"'):
        sent = _QUOTED_PAIR.sub(r"\1", sent[1:-1])
    if not _HEADER_VALUE.fullmatch(sent):
        return None
    try:
        return unquote_to_bytes(sent).decode()
    except UnicodeDecodeError:
        return None


def _decode_json(body: bytes, at: str = "") -> Any:
    try:
        value = _DECODER.decode(body)
        pointer = object_with_name_twice(body, value)
        if pointer is None:
            return value
        at, detail = at + pointer, NAME_TWICE
    except UnicodeDecodeError:
        detail = "The body is not UTF-8."
    except RecursionError:
        detail = "The body is nested too deeply."
    except InvalidOperation:
        detail = "The body holds a number that is too large."
    except (msgspec.DecodeError, ValueError):
        detail = "The body is not JSON."
    raise MalformedEnvelopes([Fault(at, detail)])


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
    nested = [value] if isinstance(value, _NESTING) else []
    for _ in range(levels):
        nested = [part for outer in nested for part in _parts(outer) if isinstance(part, _NESTING)]
        if not nested:
            return False
    return bool(nested)


_NESTING = (dict, list)


def _parts(value: dict[str, object] | list[object]) -> Iterable[object]:
    return value.values() if isinstance(value, dict) else value


def _text_fault(sent: object) -> str | None:
    if not isinstance(sent, str):
        return "This attribute is a string."
    if not sent:
        return "This attribute may be left out, but not be empty."
    if not (sent.isascii() and sent.isprintable()) and _DISALLOWED.search(sent):
        return "This attribute holds a character that CloudEvents does not allow."
    return None


def _text_check(holds: Callable[[str], object], detail: str) -> Callable[[object], str | None]:
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
    "specversion": _text_check(VERSION.__eq__, "The desk reads version 1.0 of CloudEvents."),
    "id": _text_fault,
    "source": _text_check(is_uri_reference, "This attribute is a URI reference (RFC 3986)."),
    "type": _text_fault,
    "time": _text_check(is_instant, "This attribute is an instant with its offset (RFC 3339)."),
    "datacontenttype": _text_check(
        _MEDIA_TYPE.fullmatch, "This attribute is a media type (RFC 2046)."
    ),
    "dataschema": _text_check(is_absolute_uri, "This attribute is an absolute URI (RFC 3986)."),
    "subject": _text_fault,
    "data_base64": _base64_fault,
}
_CORE = frozenset(_ATTRIBUTES) | {"data"}


def _envelope(value: dict[str, Any]) -> Envelope:
    get = value.get
    extensions = {k: v for k, v in value.items() if k not in _CORE and v is not None}
    content_type = get("datacontenttype")
    return Envelope(
        value["id"], value["source"], value["type"], get("time"), content_type,
        get("dataschema"), get("subject"), extensions,
        *_data_in_one_form(content_type, get("data"), get("data_base64")),
    )  # fmt: skip


def _data_in_one_form(
    content_type: str | None, data: object, data_base64: str | None
) -> tuple[object, str | None]:
    """Return data in the one form that its content type has, whatever form it was sent in.

    The same data may come as a value, as text, in Base64 or as a body; under one key they must
    be one content, and wording that stands in JSON must be found in all of them.
    """
    if isinstance(data, str) and not (_is_json(content_type) or _is_text(content_type)):
        return None, binascii.b2a_base64(data.encode(), newline=False).decode()
    if data_base64 is None:
        return data, None
    raw = binascii.a2b_base64(data_base64)
    if _is_json(content_type):
        with suppress(MalformedEnvelopes):
            value = _decode_json(raw)
            return (None, data_base64) if _is_deeper_than(DEEPEST_DATA, value) else (value, None)
    if _is_text(content_type):
        with suppress(UnicodeDecodeError):
            return raw.decode(), None
    return None, data_base64


def _is_json(content_type: str | None) -> bool:
    return content_type is None or bool(_JSON_MEDIA_TYPE.fullmatch(content_type))


def _is_text(content_type: str | None) -> bool:
    return content_type is not None and bool(_TEXT_MEDIA_TYPE.fullmatch(content_type))
