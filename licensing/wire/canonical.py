"""Canonical JSON (RFC 8785): one content, one sequence of bytes, one digest."""

import hashlib
from decimal import Decimal
from typing import Any

import msgspec
import rfc8785

_FARTHEST_DIGIT = 40
_FAST = msgspec.json.Encoder(order="sorted")


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
