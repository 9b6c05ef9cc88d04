"""Keys of the age format: recipients, to whom a file is written, and identities, who can open it.

In text both are Bech32 (BIP 173, without its limit of length): `age1…` and `AGE-SECRET-KEY-1…`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from .refusals import HeaderBroken, KeyUnreadable

KEY_SIZE = 32
FILE_KEY_SIZE = 16
TAG_SIZE = 16
NONCE = bytes(12)  # each wrapping key wraps once
INFO = b"age-encryption.org/v1/X25519"

PUBLIC, SECRET = "age", "age-secret-key-"
ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
CHECKSUM = 6


@dataclass(frozen=True, slots=True)
class Recipient:
    """To whom a file is written: 32 bytes of an X25519 public key."""

    public: bytes

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `age1…`. Raises KeyUnreadable."""
        return cls(_decoded(text, PUBLIC))

    def __str__(self) -> str:
        return _encoded(PUBLIC, self.public)

    def wrap(self, file_key: bytes) -> tuple[bytes, bytes]:
        """Return a share that was made for this once, and the file's key wrapped with it."""
        ephemeral = X25519PrivateKey.generate()
        share = ephemeral.public_key().public_bytes_raw()
        secret = ephemeral.exchange(X25519PublicKey.from_public_bytes(self.public))
        return share, _wrapping(secret, share, self.public).encrypt(NONCE, file_key, None)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who can open a file: 32 bytes of an X25519 private key."""

    private: bytes

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `AGE-SECRET-KEY-1…`. Raises KeyUnreadable."""
        return cls(_decoded(text, SECRET))

    @classmethod
    def generate(cls) -> Self:
        """Make a new one."""
        return cls(X25519PrivateKey.generate().private_bytes_raw())

    @property
    def recipient(self) -> Recipient:
        """Whom it opens files of."""
        key = X25519PrivateKey.from_private_bytes(self.private)
        return Recipient(key.public_key().public_bytes_raw())

    def in_text(self) -> str:
        """Return the secret as age writes it. It has no `__str__`, so that no log shows it."""
        return _encoded(SECRET, self.private).upper()

    def __repr__(self) -> str:
        return f"<Identity of {self.recipient}>"

    def unwrap(self, share: bytes, wrapped: bytes) -> bytes | None:
        """Return the file's key; None: it was wrapped for somebody else. Raises HeaderBroken."""
        private = X25519PrivateKey.from_private_bytes(self.private)
        try:
            secret = private.exchange(X25519PublicKey.from_public_bytes(share))
        except ValueError as low_order:
            raise HeaderBroken("A share of the header gives away what it wraps.") from low_order
        try:
            return _wrapping(secret, share, self.recipient.public).decrypt(NONCE, wrapped, None)
        except InvalidTag:
            return None


def _wrapping(secret: bytes, share: bytes, public: bytes) -> ChaCha20Poly1305:
    return ChaCha20Poly1305(HKDF(SHA256(), KEY_SIZE, salt=share + public, info=INFO).derive(secret))


# Bech32


def _encoded(prefix: str, key: bytes) -> str:
    data = _regrouped(key, 8, 5)
    check = _polymod([*_expanded(prefix), *data, *[0] * CHECKSUM]) ^ 1
    sums = [check >> 5 * (CHECKSUM - 1 - place) & 31 for place in range(CHECKSUM)]
    return f"{prefix}1{''.join(ALPHABET[value] for value in [*data, *sums])}"


def _decoded(text: str, wanted: str) -> bytes:
    """Return the 32 bytes of a key in text. Raises KeyUnreadable, which does not repeat it."""
    told = text.strip()
    prefix, one, rest = told.lower().rpartition("1")
    if told not in (told.lower(), told.upper()) or not one or prefix != wanted:
        begins = f"{PUBLIC}1" if wanted == PUBLIC else f"{SECRET}1".upper()
        raise KeyUnreadable(f"This is no age key: one begins with “{begins}”.")
    values = [ALPHABET.find(sign) for sign in rest]
    if -1 in values or _polymod([*_expanded(prefix), *values]) != 1:
        raise KeyUnreadable("A sign of this age key is wrong or missing. Copy it again.")
    bits = values[:-CHECKSUM]
    key = bytes(_regrouped(bits, 5, 8, pads=False))
    if len(key) != KEY_SIZE or _regrouped(key, 8, 5) != bits:
        raise KeyUnreadable("This age key does not have the length of one.")
    return key


def _regrouped(values: Iterable[int], of: int, to: int, *, pads: bool = True) -> list[int]:
    """Return bits in groups of another size; what is left over is padded, or dropped."""
    held, bits, groups = 0, 0, []
    for value in values:
        held, bits = held << of | value, bits + of
        while bits >= to:
            bits -= to
            groups.append(held >> bits & (1 << to) - 1)
        held &= (1 << bits) - 1
    if pads and bits:
        groups.append(held << (to - bits))
    return groups


def _expanded(prefix: str) -> list[int]:
    return [*(ord(sign) >> 5 for sign in prefix), 0, *(ord(sign) & 31 for sign in prefix)]


def _polymod(values: Iterable[int]) -> int:
    checked = 1
    for value in values:
        top, checked = checked >> 25, (checked & 0x1FFFFFF) << 5 ^ value
        for place, generator in enumerate(GENERATOR):
            checked ^= generator if top >> place & 1 else 0
    return checked
