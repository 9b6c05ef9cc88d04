"""The keys that sign permits: made on demand, rotated, their public halves published (JWKS)."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from typing import cast

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext as _
from jwt.algorithms import ECAlgorithm

from licensing.models import LeakedKey, SigningKey
from licensing.prepared_statements import fetch_prepared
from talent import envelope
from talent.database.sql import sql_file
from talent.errors import Refused
from talent.models import User

from .claims import ALGORITHM, MOST_MINUTES

PURPOSE = "permits"

# How long others may keep the list of public keys. A new key signs only after that.
KEYS_KEPT = timedelta(hours=1)

# How long after its last signature a key's permits may still be valid: a use begins at most 31 days
# ahead, and its units are reserved for at most as long.
LONGEST_VALID = 2 * timedelta(minutes=MOST_MINUTES) + timedelta(days=1)

Jwk = dict[str, str]


class AlreadyTakenAway(Refused):
    """A key is taken away once; the first reason stands."""

    code = "already_taken_away"


SIGNING = sql_file(__file__, "signing.sql")
NUMBERS = sql_file(__file__, "numbers.sql", signing=SIGNING)


class SealedKey(msgspec.Struct, frozen=True):
    """A key that signs permits; its private half is decrypted only when something is signed."""

    pk: int
    kid: str
    sealed: str

    @property
    def private(self) -> ec.EllipticCurvePrivateKey:
        """The private half. Raises EnvelopeBroken under another key-encryption key."""
        return _private_key(self.kid, bytes.fromhex(self.sealed))


class SigningRow(msgspec.Struct, frozen=True):
    """What signing.sql returns: no key where none was made yet."""

    numbers: list[int]
    key: SealedKey | None


@dataclass(frozen=True, slots=True)
class Signing:
    """Numbers for decisions that are not written yet, and the key that signs their permits.

    A permit states its decision's number, so the number is known before the decision is written.
    """

    numbers: Sequence[int]
    key: SealedKey


def next_numbers(count: int, *, at: datetime) -> Signing:
    """Return new numbers for `count` decisions, and the key that signs their permits."""
    ((row,),) = fetch_prepared(NUMBERS, {"count": count, "known_at": at})
    return signing_of(msgspec.json.decode(row, type=SigningRow), at=at)


def signing_of(row: SigningRow, *, at: datetime) -> Signing:
    """Return the numbers and key of a row of signing.sql; makes the first key if it has none."""
    if row.key is not None:
        return Signing(row.numbers, row.key)
    key = current_key(at=at)
    return Signing(row.numbers, SealedKey(key.pk, key.kid, bytes(key.sealed).hex()))


def current_key(*, at: datetime) -> SigningKey:
    """Return the key that signs at an instant; makes the first one if there is none.

    It is the oldest that is not retired and has not leaked: a newer one waits until everybody can
    know it.
    """
    usable = SigningKey.objects.filter(_not_retired(at), leak=None)
    key = usable.order_by("made_at", "pk").first()
    if key is not None:
        return key
    try:
        with transaction.atomic():
            return _make_key(at)
    except IntegrityError:
        # Another process made the first one at this moment.
        return SigningKey.objects.get(retired_at=None)


@transaction.atomic
def rotate(*, at: datetime) -> SigningKey:
    """Publish a new key, and let it sign when nobody can hold a list without it any more.

    Until then the old one signs; its permits stay valid. A key that already waits is returned.
    """
    current = current_key(at=at)
    retire = SigningKey.objects.filter(pk=current.pk, retired_at=None)
    if not retire.update(retired_at=at + KEYS_KEPT):
        # One waits already, or another rotation went first at this moment.
        return SigningKey.objects.get(retired_at=None)
    return _make_key(at)


@transaction.atomic
def take_away(key: SigningKey, *, at: datetime, by: User | None, reason: str) -> SigningKey:
    """Have a key that leaked sign nothing more and stand in no list; return the one that signs now.

    Its successor signs at once: whoever kept a list meets a key that is not in it, and asks for the
    list again. Permits are taken back by `revocations.take_key_away`. Raises AlreadyTakenAway.
    """
    current_key(at=at)
    # Who rotates changes the same row.
    key = SigningKey.objects.select_for_update().get(pk=key.pk)
    if LeakedKey.objects.filter(key=key).exists():
        raise AlreadyTakenAway(_("This key was taken away before."))
    if key.retired_at is None:
        SigningKey.objects.filter(pk=key.pk).update(retired_at=at)
    LeakedKey.objects.create(key=key, noted_at=at, noted_by=by, reason=reason)
    return current_key(at=at)


def private_half(key: SigningKey) -> ec.EllipticCurvePrivateKey:
    """Return the private half of a key. Raises EnvelopeBroken under another key-encryption key."""
    return _private_key(key.kid, bytes(key.sealed))


def public_halves(kids: set[str]) -> dict[str, ec.EllipticCurvePublicKey]:
    """Return the public halves of keys by their ids; an id that is not the desk's is left out."""
    rows = SigningKey.objects.filter(kid__in=kids - {""}).values_list("kid", "public_jwk")
    return {kid: _public_key(json.dumps(jwk)) for kid, jwk in rows}


def public_jwks(*, at: datetime) -> list[Jwk]:
    """Return the public keys (JWK) of permits that are valid, or will be; the newest first."""
    current_key(at=at)
    listed = SigningKey.objects.filter(_not_retired(at - LONGEST_VALID), leak=None)
    return [key.public_jwk for key in listed.order_by("-made_at", "-pk")]


def _not_retired(at: datetime) -> Q:
    return Q(retired_at=None) | Q(retired_at__gt=at)


def _make_key(at: datetime) -> SigningKey:
    private = ec.generate_private_key(ec.SECP256R1())
    jwk = ECAlgorithm.to_jwk(private.public_key(), as_dict=True)
    kid = _thumbprint(jwk)
    der = private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return SigningKey.objects.create(
        kid=kid,
        public_jwk={**jwk, "kid": kid, "alg": ALGORITHM, "use": "sig"},
        sealed=envelope.seal(der, key=_sealing_key(), about=kid),
        made_at=at,
    )


def _thumbprint(jwk: Jwk) -> str:
    """RFC 7638: the SHA-256 of the required members, in order, without spaces."""
    members = {name: jwk[name] for name in ("crv", "kty", "x", "y")}
    digest = sha256(json.dumps(members, separators=(",", ":")).encode()).digest()
    return jwt.utils.base64url_encode(digest).decode()


def _sealing_key() -> bytes:
    return envelope.key_for(PURPOSE, key_encryption_key=settings.KEY_ENCRYPTION_KEY)


@lru_cache(maxsize=8)
def _private_key(kid: str, sealed: bytes) -> ec.EllipticCurvePrivateKey:
    der = envelope.open_envelope(sealed, key=_sealing_key(), about=kid)
    return cast(ec.EllipticCurvePrivateKey, load_der_private_key(der, password=None))


@lru_cache(maxsize=64)
def _public_key(jwk: str) -> ec.EllipticCurvePublicKey:
    return cast(ec.EllipticCurvePublicKey, ECAlgorithm.from_jwk(jwk))
