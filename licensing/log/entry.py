"""The log's entries: 65 published bytes that name nobody and commit to everything.

entry = 0x01 ‖ tag ‖ commitment. The tag lets the parties to an agreement find its entries of
a month; the commitment binds the bytes that only they hold.
"""

import hashlib
import hmac
from datetime import UTC, datetime
from functools import lru_cache

from licensing.wire.canonical import canonical_bytes

FORMAT = b"\x01"
ENTRY_SIZE = 65
SALT_SIZE = 32


@lru_cache(maxsize=1024)
def month_tag(key: bytes, received_at: datetime) -> bytes:
    """Return HMAC-SHA-256(key, month of receipt in UTC, as 2026-11): 32 bytes.

    The key is the agreement's, or that of the licensee's terms where there is no agreement.
    """
    month = received_at.astimezone(UTC).strftime("%Y-%m")
    return hmac.digest(key, month.encode(), hashlib.sha256)


def sealed_bytes(
    event: bytes,
    *,
    kind: str,
    received_at: datetime,
    actor: str,
    standing: str,
    prompt: bytes | None = None,
) -> bytes:
    """Return the canonical bytes of a leaf: the event's own, when it came, from whom, its standing.

    `event` is already canonical (RFC 8785), and so is the result. `prompt` is the salted
    commitment to a text that the event came with: the text can be proven by it, and erased.
    """
    # Written in the order that RFC 8785 sorts the names, so that the event is not parsed again.
    before, between, after = _around(kind, received_at, actor, standing)
    member = b'"prompt":"%b",' % prompt.hex().encode() if prompt else b""
    return b"".join((before, event, between, member, after))


@lru_cache(maxsize=64)
def _around(
    kind: str, received_at: datetime, actor: str, standing: str
) -> tuple[bytes, bytes, bytes]:
    """Return what stands around an event and its prompt: the same for most of a batch."""
    return (
        b'{"actor":%b,"event":' % canonical_bytes(actor),
        b',"kind":%b,' % canonical_bytes(kind),
        b'"received_at":%b,"standing":%b}'
        % (canonical_bytes(_microseconds(received_at)), canonical_bytes(standing)),
    )


def commitment(salt: bytes, sealed: bytes) -> bytes:
    """Return SHA-256(salt ‖ sealed bytes); the salt is 32 random bytes of its own for each leaf."""
    if len(salt) != SALT_SIZE:
        raise ValueError(f"A salt has {SALT_SIZE} bytes.")
    return hashlib.sha256(salt + sealed).digest()


def commits_to(published: bytes, *, salt: bytes, content: bytes) -> bool:
    """Tell whether a commitment is to this content: all that a third party needs to check it."""
    return len(salt) == SALT_SIZE and hmac.compare_digest(published, commitment(salt, content))


def entry(tag: bytes, commitment: bytes) -> bytes:
    """Return the 65 bytes that are published: 0x01 ‖ tag ‖ commitment."""
    return FORMAT + tag + commitment


def _microseconds(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
