"""Envelopes: secrets of the desk encrypted under a key that is kept outside the database.

AES-256-GCM with a random nonce; the key for each purpose is derived from the key-encryption key
by HKDF-SHA-256 (RFC 5869), so an envelope of one purpose cannot be opened with another's key.
"""

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_SIZE = 32
NONCE_SIZE = 12


class EnvelopeBroken(Exception):
    """An envelope cannot be opened: another key or `about` sealed it, or it was changed."""


def key_for(purpose: str, *, key_encryption_key: bytes) -> bytes:
    """Return the 32-byte key of one purpose, always the same for the same key-encryption key."""
    derived = HKDF(SHA256(), KEY_SIZE, salt=None, info=purpose.encode())
    return derived.derive(key_encryption_key)


def seal(content: bytes, *, key: bytes, about: str) -> bytes:
    """Encrypt, and return nonce ‖ ciphertext ‖ tag; opening needs the same `about`."""
    nonce = secrets.token_bytes(NONCE_SIZE)
    return nonce + AESGCM(key).encrypt(nonce, content, about.encode())


def open_envelope(sealed: bytes, *, key: bytes, about: str) -> bytes:
    """Decrypt what `seal` returned. Raises EnvelopeBroken."""
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_SIZE], sealed[NONCE_SIZE:], about.encode())
    except (InvalidTag, ValueError) as broken:
        raise EnvelopeBroken("This envelope does not open here.") from broken
