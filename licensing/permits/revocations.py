"""Revocations: permits that are taken back, with who did it and why."""

from datetime import datetime

from django.db import transaction

from licensing.caps.reservations import release_units
from licensing.models import LicenseeTerms, Permit, PermitRevocation
from talent.errors import Refused
from talent.models import User


class AlreadyRevoked(Refused):
    """A permit is taken back once; the first reason stands."""

    code = "already_revoked"


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


def revocations(*, terms: LicenseeTerms, at: datetime) -> list[PermitRevocation]:
    """Return the revocations of a licensee's permits that would otherwise be valid at an instant.

    The earliest comes first.
    """
    rows = PermitRevocation.objects.filter(permit__decision__terms=terms)
    return list(rows.filter(permit__expires_at__gt=at).order_by("revoked_at", "pk"))
