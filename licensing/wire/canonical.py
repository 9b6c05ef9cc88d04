"""Canonical JSON (RFC 8785): one content, one sequence of bytes, one digest."""

import hashlib
from decimal import Decimal
from typing import Any

import msgspec
import rfc8785

_FARTHEST_DIGIT = 40
_FAST = msgspec.json.Encoder(order="sorted")


def content_digest(canonical: bytes) -> bytes:
    """Return the SHA-256 that shows whether the same content came again under a key."""
    return hashlib.sha256(canonical).digest()


def canonical_bytes(value: Any) -> bytes:
    """Return the RFC 8785 bytes of a value made of strings, booleans, nulls, lists and objects.

    Numbers are to be given as strings, as `plain` writes them.
    """
    # RFC 8785 sorts names by UTF-16 unit, the fast encoder by code point: the same order,
    # and the same bytes, wherever the text is ASCII.
    encoded = _FAST.encode(value)
    return encoded if encoded.isascii() else rfc8785.dumps(value)


def plain(number: Decimal) -> str:
    """Write a number in digits, without trailing zeros after the point.

    Only a number whose first digit is more than 40 places from the point keeps an exponent.
    """
    if number == 0:
        return "0"
    if abs(number.adjusted()) > _FARTHEST_DIGIT:
        return str(number)
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
