"""Revocations: permits that are taken back, with who did it and why."""

from datetime import datetime

from django.db import transaction

from licensing.caps.reservations import release_units
from licensing.models import LicenseeTerms, Permit, PermitRevocation, SigningKey
from talent.errors import Refused
from talent.models import User

from . import keys


class AlreadyRevoked(Refused):
    """A permit is taken back once; the first reason stands."""

    code = "already_revoked"


class NoSuchKey(Refused):
    """No key of the desk has this id."""

    code = "no_such_key"


class NoRevocationReason(Refused):
    """Whoever held the permit is told why it was taken back."""

    code = "no_reason"


@transaction.atomic
def revoke(*, decision_id: int, at: datetime, by: User | None, reason: str) -> PermitRevocation:
    """Take a permit back: it clears no use from then on; uses before that instant stay cleared.

    What its reservation still holds is free again at once.
    Raises AlreadyRevoked, NoRevocationReason.
    """
    if not reason.strip():
        raise NoRevocationReason("Say why the permit is taken back; its holder is told.")
    permit = Permit.objects.select_for_update(of=("self",)).get(pk=decision_id)
    if PermitRevocation.objects.filter(permit=permit).exists():
        raise AlreadyRevoked(f"Permit {permit} was taken back before.")
    release_units(decision_ids=[permit.pk], at=at)
    return PermitRevocation.objects.create(
        permit=permit, revoked_at=at, revoked_by=by, reason=reason.strip()[:500]
    )


@transaction.atomic
def take_key_away(*, kid: str, at: datetime, by: User | None, reason: str) -> int:
    """Take a signing key away that leaked, and all permits that it signed; return how many.

    Uses of before stay cleared: the desk knows its own permits from others that the key signs.
    Those that a withdrawal ends later anyway end then. Raises NoRevocationReason, NoSuchKey and
    AlreadyTakenAway.
    """
    reason = reason.strip()[:500]
    if not reason:
        raise NoRevocationReason("Say why the key is taken away; who holds its permits is told.")
    key = SigningKey.objects.filter(kid=kid).first()
    if key is None:
        raise NoSuchKey("The desk has no key with this id.")
    keys.take_away(key, at=at, by=by, reason=reason)
    # Locked in the order of their ids, as whoever takes one back does.
    permits = Permit.objects.filter(key=key, expires_at__gt=at, revocation=None).order_by("pk")
    running = list(permits.select_for_update(of=("self",)).values_list("pk", flat=True))
    release_units(decision_ids=running, at=at)
    PermitRevocation.objects.bulk_create(
        PermitRevocation(permit_id=pk, revoked_at=at, revoked_by=by, reason=reason)
        for pk in running
    )
    return len(running)


def revocations(*, terms: LicenseeTerms, at: datetime) -> list[PermitRevocation]:
    """Return the revocations of a licensee's permits that would otherwise be valid at an instant.

    The earliest comes first.
    """
    rows = PermitRevocation.objects.filter(permit__decision__terms=terms)
    return list(rows.filter(permit__expires_at__gt=at).order_by("revoked_at", "pk"))
