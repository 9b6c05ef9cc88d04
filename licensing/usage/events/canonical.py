"""The canonical bytes of an event: RFC 8785, the same whatever transport brought it.

Numbers and instants stand as text, so that nobody's floating point can change them. Prompt
text stands as a keyed digest: equal text can be recognised under one licensee's key, but the
text can neither be read nor guessed from the bytes.
"""

import hashlib
import hmac
from decimal import Decimal
from typing import Any

from licensing.wire.canonical import canonical_bytes, plain

from .cloudevents import VERSION, Attribute, Envelope

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
    """Return HMAC-SHA-256 of a wording in hex; one that is no text is digested as RFC 8785."""
    text = wording if isinstance(wording, str) else _as_text(wording, prompt_key)
    content = text.encode() if isinstance(text, str) else canonical_bytes(text)
    return hmac.digest(prompt_key, _WORDING_LABEL + content, hashlib.sha256).hex()


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
