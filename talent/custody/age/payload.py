"""The payload of a file in the age format: a nonce, then chunks that prove their place.

Each chunk has 65,536 bytes of content, but for the last, and is encrypted with ChaCha20-Poly1305
(RFC 8439) under a nonce of its number and of whether it is the last. So a chunk that is changed,
moved, cut off or added is noticed, and any chunk can be read without those before it.
"""

import secrets
from collections.abc import Iterable, Iterator
from contextlib import suppress
from math import ceil

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from .keys import KEY_SIZE, TAG_SIZE
from .refusals import HeaderBroken, PayloadBroken

CHUNK = 64 * 1024
OVERHEAD = TAG_SIZE
NONCE = 16
COUNTER = 11


def new_nonce() -> bytes:
    """Return the 16 random bytes that a payload begins with."""
    return secrets.token_bytes(NONCE)


def chunks_of(size: int) -> int:
    """Return how many chunks content of so many bytes has; empty content has an empty one."""
    return max(1, ceil(size / CHUNK))


def payload_size(size: int) -> int:
    """Return how many bytes the payload of content of so many bytes has."""
    return NONCE + size + chunks_of(size) * OVERHEAD


class PayloadCipher:
    """Encrypts and decrypts the chunks of one payload, in any order. Raises HeaderBroken.

    Each (place, last) may be encrypted once only.
    """

    def __init__(self, file_key: bytes, nonce: bytes) -> None:
        if len(nonce) != NONCE:
            raise HeaderBroken("The file ends before its content begins.")
        key = HKDF(SHA256(), KEY_SIZE, salt=nonce, info=b"payload").derive(file_key)
        self._cipher = ChaCha20Poly1305(key)

    def encrypt(self, place: int, content: bytes, *, is_last: bool) -> bytes:
        """Return the chunk at a place, counted from 0: its content and 16 bytes of proof."""
        return self._cipher.encrypt(_nonce(place, is_last=is_last), content, None)

    def encrypt_into(self, place: int, content: bytes, room: memoryview, *, is_last: bool) -> int:
        """Write the chunk at a place into some room, as `encrypt` returns it; return its size.

        Room that is used again and again takes a third of the time.
        """
        size = len(content) + OVERHEAD
        nonce = _nonce(place, is_last=is_last)
        self._cipher.encrypt_into(nonce, content, None, room[:size])
        return size

    def decrypt(self, place: int, chunk: bytes, *, is_last: bool) -> bytes:
        """Return the content of a chunk. Raises PayloadBroken, also for a chunk of another place.

        Only empty content ends in an empty chunk.
        """
        try:
            content = self._cipher.decrypt(_nonce(place, is_last=is_last), chunk, None)
        except (InvalidTag, ValueError) as broken:
            raise PayloadBroken(
                f"Chunk {place + 1} was changed, moved or cut off: nothing of it is read."
            ) from broken
        if len(content) > CHUNK or (place and not content):
            raise PayloadBroken(f"Chunk {place + 1} does not have its size.")
        return content

    def decrypt_all(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the content of all chunks of a file whose size nobody told. Raises PayloadBroken.

        Nothing of a chunk is given before it is proven; that nothing was cut off behind it is known
        at the end only.
        """
        is_last = False
        for place, chunk in enumerate(chunks):
            if is_last:
                raise PayloadBroken("Something was added behind the last chunk.")
            content, is_last = self._decrypt_here_or_last(place, chunk)
            yield content
        if not is_last:
            raise PayloadBroken("The last chunk was cut off.")

    def _decrypt_here_or_last(self, place: int, chunk: bytes) -> tuple[bytes, bool]:
        """Return the content of a chunk, and whether it is the last. Raises PayloadBroken."""
        if len(chunk) == CHUNK + OVERHEAD:
            with suppress(PayloadBroken):
                return self.decrypt(place, chunk, is_last=False), False
        return self.decrypt(place, chunk, is_last=True), True


def _nonce(place: int, *, is_last: bool) -> bytes:
    return place.to_bytes(COUNTER, "big") + bytes([is_last])
