"""Envelopes: secrets of the desk encrypted under a key that is kept outside the database.

AES-256-GCM with a random nonce; the key for each purpose is derived from the key-encryption key
by HKDF-SHA-256 (RFC 5869), so that what was sealed for one purpose does not open for another.
"""

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_SIZE = 32
NONCE_SIZE = 12


class EnvelopeBroken(Exception):
    """What was to be opened was sealed under another key or for something else, or was changed."""


def key_for(purpose: str, *, key_encryption_key: bytes) -> bytes:
    """Return the 32-byte key of one purpose, always the same for the same key-encryption key."""
    derived = HKDF(SHA256(), KEY_SIZE, salt=None, info=purpose.encode())
    return derived.derive(key_encryption_key)


def seal(content: bytes, *, key: bytes, about: str) -> bytes:
    """Return nonce ‖ ciphertext ‖ tag; it only opens for the same `about`."""
    nonce = secrets.token_bytes(NONCE_SIZE)
    return nonce + AESGCM(key).encrypt(nonce, content, about.encode())


def open_envelope(sealed: bytes, *, key: bytes, about: str) -> bytes:
    """Return what was sealed. Raises EnvelopeBroken."""
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_SIZE], sealed[NONCE_SIZE:], about.encode())
    except (InvalidTag, ValueError) as broken:
        raise EnvelopeBroken("This envelope does not open here.") from broken
