"""The canonical bytes of an event: RFC 8785, the same whatever transport brought it.

Numbers and instants stand as text, so that nobody's floating point can change them. Prompt
text stands as a keyed digest: equal text can be recognised under one licensee's key, but the
text can neither be read nor guessed from the bytes.
"""

import hashlib
import hmac
from decimal import Decimal
from typing import Any

import msgspec
import rfc8785

from licensing.usage.cloudevents import VERSION, Attribute, Envelope

DEFAULT_CONTENT_TYPE = "application/json"
# Where the wording of a prompt or an answer can stand; the last are OpenTelemetry's names.
WORDING = frozenset({
    "prompt",
    "gen_ai.prompt",
    "gen_ai.completion",
    "gen_ai.input.messages",
    "gen_ai.output.messages",
    "gen_ai.system_instructions",
    "gen_ai.tool.call.arguments",
    "gen_ai.tool.call.result",
})  # fmt: skip
DIGEST_SUFFIX = "_hmac_sha256"
_WORDING_LABEL = b"likenessdesk wording\x00"
_FARTHEST_DIGIT = 40
_FAST = msgspec.json.Encoder(order="sorted")


def canonical_event(envelope: Envelope, *, prompt_key: bytes) -> bytes:
    """Return the RFC 8785 bytes of an event's attributes and data as sent.

    Attributes take CloudEvents' own string form, and data without a content type is JSON, so
    that structured, batch and binary mode give the same bytes.
    """
    event: dict[str, object] = {
        name: _attribute(value) for name, value in envelope.extensions.items()
    }
    event["specversion"] = VERSION
    event["id"], event["source"], event["type"] = envelope.id, envelope.source, envelope.type
    for name in ("time", "subject", "dataschema", "datacontenttype"):
        if (value := getattr(envelope, name)) is not None:
            event[name] = value
    if envelope.data_base64 is not None:
        event["data_base64"] = envelope.data_base64
    elif envelope.data is not None:
        event.setdefault("datacontenttype", DEFAULT_CONTENT_TYPE)
        event["data"] = _as_text(envelope.data, prompt_key)
    return canonical_bytes(event)


def wording_digest(wording: object, *, prompt_key: bytes) -> str:
    """Return HMAC-SHA-256 of a wording in hex; what is no text is taken in its canonical form."""
    text = wording if isinstance(wording, str) else _as_text(wording, prompt_key)
    content = text.encode() if isinstance(text, str) else canonical_bytes(text)
    return hmac.digest(prompt_key, _WORDING_LABEL + content, hashlib.sha256).hex()


def content_digest(canonical: bytes) -> bytes:
    """Return the SHA-256 by which a replay is told from other content under the same key."""
    return hashlib.sha256(canonical).digest()


def canonical_bytes(value: Any) -> bytes:
    """Return the RFC 8785 bytes of a value made of text, truths, lists and objects."""
    # RFC 8785 sorts names by UTF-16 unit, the fast encoder by code point: the same order,
    # and the same bytes, wherever the text is ASCII.
    encoded = _FAST.encode(value)
    return encoded if encoded.isascii() else rfc8785.dumps(value)


def plain(number: Decimal) -> str:
    """Write a number without idle zeros; with an exponent only where it would be endless."""
    if number == 0:
        return "0"
    if abs(number.adjusted()) > _FARTHEST_DIGIT:
        return str(number)
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _attribute(value: Attribute) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _as_text(value: object, prompt_key: bytes) -> Any:
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        if WORDING.isdisjoint(value):
            return {
                name: part if isinstance(part, str) else _as_text(part, prompt_key)
                for name, part in value.items()
            }
        return dict(_field(name, part, prompt_key) for name, part in value.items())
    if isinstance(value, list):
        return [_as_text(part, prompt_key) for part in value]
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return plain(Decimal(value))
    return value


def _field(name: str, value: object, prompt_key: bytes) -> tuple[str, object]:
    if name in WORDING and value is not None:
        return name + DIGEST_SUFFIX, wording_digest(value, prompt_key=prompt_key)
    return name, _as_text(value, prompt_key)
