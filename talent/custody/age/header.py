"""The header of a file in the age format: the file's key, wrapped for each recipient.

    age-encryption.org/v1
    -> X25519 SHARE
    WRAPPED KEY
    --- MAC

Binary values are Base64 (RFC 4648, section 4) without padding, in one form only. The MAC is over
all before it, by a key that follows from the file's own: so a header cannot be changed without it.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from .keys import FILE_KEY_SIZE, KEY_SIZE, TAG_SIZE, Identity, Recipient
from .refusals import HeaderBroken, NoMatch

VERSION = b"age-encryption.org/v1\n"
STANZA, END = b"->", b"---"
X25519, SCRYPT = "X25519", "scrypt"
COLUMNS = 64
# A header of a hundred recipients has some 10 kB; a stranger's may not fill the memory.
LONGEST = 256 * 1024
WORDS = re.compile(rb"[\x21-\x7e]+( [\x21-\x7e]+)*")


@dataclass(frozen=True, slots=True)
class Stanza:
    """The file's key for one recipient: the kind of recipient, what it needs, what is wrapped."""

    kind: str
    arguments: tuple[str, ...]
    body: bytes


def seal_header(file_key: bytes, recipients: Sequence[Recipient]) -> bytes:
    """Return the header that wraps a file's key, 16 bytes, for each of some recipients.

    Raises ValueError without any: nobody could open the file.
    """
    if not recipients:
        raise ValueError("A file needs a recipient.")
    told = VERSION
    for recipient in recipients:
        share, wrapped = recipient.wrap(file_key)
        told += _written(Stanza(X25519, (_base64(share),), wrapped))
    told += END
    return told + b" " + _base64(_mac(file_key, told).finalize()).encode() + b"\n"


def open_header(header: bytes, identities: Iterable[Identity]) -> bytes:
    """Return the file's key. Raises HeaderBroken, NoMatch."""
    stanzas, told, mac = _read(header)
    if len(stanzas) > 1 and any(stanza.kind == SCRYPT for stanza in stanzas):
        raise HeaderBroken("A passphrase stands beside other recipients.")
    wrapped = [_share_of(stanza) for stanza in stanzas if stanza.kind == X25519]
    for identity in identities:
        for share, body in wrapped:
            file_key = identity.unwrap(share, body)
            if file_key is not None:
                _verify(file_key, told, mac)
                return file_key
    raise NoMatch("None of the keys at hand opens this file.")


def split_header(content: bytes) -> tuple[bytes, bytes]:
    """Return the header of what begins with one, and what follows. Raises HeaderBroken."""
    begins = content.find(b"\n" + END, 0, LONGEST)
    ends = content.find(b"\n", begins + 1, LONGEST)
    if begins < 0 or ends < 0:
        raise HeaderBroken("The header has no end.")
    return content[: ends + 1], content[ends + 1 :]


def _verify(file_key: bytes, told: bytes, mac: bytes) -> None:
    try:
        _mac(file_key, told).verify(mac)
    except InvalidSignature as changed:
        raise HeaderBroken("The header was changed after it was written.") from changed


def _mac(file_key: bytes, told: bytes) -> HMAC:
    key = HKDF(SHA256(), KEY_SIZE, salt=None, info=b"header").derive(file_key)
    mac = HMAC(key, SHA256())
    mac.update(told)
    return mac


def _share_of(stanza: Stanza) -> tuple[bytes, bytes]:
    """Return the share and the wrapped key of an X25519 stanza. Raises HeaderBroken."""
    share = _bytes(stanza.arguments[0].encode()) if len(stanza.arguments) == 1 else b""
    if len(share) != KEY_SIZE or len(stanza.body) != FILE_KEY_SIZE + TAG_SIZE:
        raise HeaderBroken("A recipient of the header does not have its size.")
    return share, stanza.body


def _written(stanza: Stanza) -> bytes:
    body = _base64(stanza.body)
    # The last line is shorter than the others, and may be empty.
    lines = [body[at : at + COLUMNS] for at in range(0, len(body) + 1, COLUMNS)]
    return "\n".join([f"-> {stanza.kind} {' '.join(stanza.arguments)}", *lines, ""]).encode()


def _read(header: bytes) -> tuple[list[Stanza], bytes, bytes]:
    """Return the stanzas, all that the MAC is over, and the MAC. Raises HeaderBroken."""
    if not header.startswith(VERSION) or not header.endswith(b"\n") or len(header) > LONGEST:
        raise HeaderBroken("This is no file in the age format, version 1.")
    lines = header[len(VERSION) : -1].split(b"\n")
    *before, last = lines
    stanzas, at = [], 0
    while at < len(before):
        stanza, at = _read_stanza(before, at)
        stanzas.append(stanza)
    mac = _bytes(last[len(END) + 1 :])
    if not stanzas or not last.startswith(END + b" ") or len(mac) != KEY_SIZE:
        raise HeaderBroken("The header has no recipients, or no end.")
    return stanzas, header[: -len(last) - 1] + END, mac


def _read_stanza(lines: Sequence[bytes], at: int) -> tuple[Stanza, int]:
    """Return the stanza that begins at a line, and the line after it. Raises HeaderBroken."""
    arrow, _, words = lines[at].partition(b" ")
    if arrow != STANZA or not WORDS.fullmatch(words):
        raise HeaderBroken("The header has a line that is none of a recipient.")
    kind, *arguments = words.decode("ascii").split(" ")
    body = b""
    for end in range(at + 1, len(lines)):
        body += lines[end]
        if len(lines[end]) > COLUMNS:
            break
        if len(lines[end]) < COLUMNS:
            return Stanza(kind, tuple(arguments), _bytes(body)), end + 1
    raise HeaderBroken("A recipient of the header has no end.")


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii").rstrip("=")


def _bytes(text: bytes) -> bytes:
    """Return what is written in Base64 without padding. Raises HeaderBroken for other forms."""
    try:
        value = base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except binascii.Error as unreadable:
        raise HeaderBroken("The header has what is no Base64.") from unreadable
    if _base64(value).encode() != text:
        raise HeaderBroken("The header has Base64 in another form than the one there is.")
    return value
