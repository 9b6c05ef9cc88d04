"""API keys: issued once, shown once, rotated and revoked. Only their SHA-256 is kept."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from licensing.models import ApiKey, LicenseeTerms
from talent.errors import Refused
from talent.models import User

SEPARATOR = "."
PREFIX = "desk_"
SANDBOX_PREFIX = "desk_sb_"
OVERLAP = timedelta(hours=24)


class KeyNotUsable(Refused):
    """A key that is revoked or has expired can be neither rotated nor used."""

    code = "key_not_usable"


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A new key with its secret, which nobody will see again."""

    key: ApiKey
    secret: str


@transaction.atomic
def issue(
    *,
    terms: LicenseeTerms,
    label: str,
    at: datetime,
    by: User | None,
    expires_at: datetime | None = None,
    sandbox: bool = False,
) -> IssuedKey:
    """Make a key for a licensee's terms with one agency, and return it with its secret.

    What is sent with a sandbox key is answered as from any other, and counts nowhere.
    """
    prefix = (SANDBOX_PREFIX if sandbox else PREFIX) + secrets.token_hex(4)
    secret = prefix + SEPARATOR + secrets.token_urlsafe(32)
    key = ApiKey.objects.create(
        terms=terms,
        label=label,
        prefix=prefix,
        digest=_digest(secret),
        created_at=at,
        created_by=by,
        expires_at=expires_at,
        sandbox=sandbox,
    )
    return IssuedKey(key, secret)


@transaction.atomic
def rotate(
    *, key_id: int, at: datetime, by: User | None, overlap: timedelta = OVERLAP
) -> IssuedKey:
    """Make a key that takes another's place; the old one works on for the overlap.

    Raises KeyNotUsable.
    """
    old = _lock_usable(key_id, at)
    if old.replaced_by_id:
        raise KeyNotUsable(f"Key {old} has a successor already; rotate that one.")
    issued = issue(terms=old.terms, label=old.label, at=at, by=by, sandbox=old.sandbox)
    old.replaced_by = issued.key
    old.expires_at = min(filter(None, [old.expires_at, at + overlap]))
    old.save(update_fields=["replaced_by", "expires_at"])
    return issued


@transaction.atomic
def revoke(*, key_id: int, at: datetime) -> ApiKey:
    """End a key at once. Raises KeyNotUsable where it has ended already."""
    key = _lock_usable(key_id, at)
    key.revoked_at = at
    key.save(update_fields=["revoked_at"])
    return key


def key_with(secret: str, *, at: datetime) -> ApiKey | None:
    """Return the usable key that has this secret, with its terms and parties; None if none has."""
    prefix = secret.partition(SEPARATOR)[0]
    if not prefix.startswith(PREFIX) or "\x00" in prefix:
        return None
    keys = ApiKey.objects.usable(at).select_related("terms__agency", "terms__licensee")
    key = keys.filter(prefix=prefix).first()
    if key is None or not hmac.compare_digest(bytes(key.digest), _digest(secret)):
        return None
    return key


def _lock_usable(key_id: int, at: datetime) -> ApiKey:
    # Locked, so that two rotations can't leave two successors.
    key = ApiKey.objects.select_for_update().get(pk=key_id)
    if not ApiKey.objects.usable(at).filter(pk=key.pk).exists():
        raise KeyNotUsable(f"Key {key} has been revoked or has expired.")
    return key


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
