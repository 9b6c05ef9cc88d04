"""Small files written at once, such as what somebody opens to prove that they have a key."""

import secrets
from collections.abc import Sequence

from .header import seal_header
from .keys import FILE_KEY_SIZE, Recipient
from .payload import CHUNK, PayloadCipher, new_nonce


def sealed_file(content: bytes, recipients: Sequence[Recipient]) -> bytes:
    """Return a file in the age format of at most 64 KiB of content, for recipients."""
    if len(content) > CHUNK:
        raise ValueError("A file that is written at once has one chunk.")
    file_key, nonce = secrets.token_bytes(FILE_KEY_SIZE), new_nonce()
    chunk = PayloadCipher(file_key, nonce).encrypt(0, content, is_last=True)
    return seal_header(file_key, recipients) + nonce + chunk
