"""Permits: the signed proof of a cleared request, what takes it back, and the keys that sign."""

from typing import ClassVar, Self

import pgtrigger
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import F, Q

from talent.models import User
from talent.models.consent import APPEND_ONLY
from talent.models.names import minute

from .clearance import ClearanceDecision


class SigningKey(models.Model):
    """A key that signs permits (ES256). Its private half is sealed; one signs at a time.

    When it is retired may lie ahead: until then it signs, and the next is published and waits.
    """

    kid = models.CharField(max_length=43, unique=True, help_text="Its thumbprint (RFC 7638).")
    public_jwk = models.JSONField()
    sealed = models.BinaryField(editable=False)
    made_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="signing_key_one_signs",
                fields=["retired_at"],
                condition=Q(retired_at=None),
                nulls_distinct=False,
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Delete),
            pgtrigger.Protect(
                name="retired_once",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__retired_at__isnull=False),
            ),
            pgtrigger.ReadOnly(name="key_stays", exclude=["retired_at"]),
        ]

    def __str__(self) -> str:
        return f"Key made {minute(self.made_at)}"


class LeakedKey(models.Model):
    """That somebody else may sign with a key. It signs nothing more and is listed nowhere."""

    key = models.OneToOneField(SigningKey, models.PROTECT, primary_key=True, related_name="leak")
    noted_at = models.DateTimeField()
    noted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    reason = models.CharField(max_length=500)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="leaked_key_says_why",
                condition=~Q(reason=""),
                violation_error_message="Taking a key away needs a reason.",
            ),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"Leak of {self.pk}"


class PermitQuerySet(models.QuerySet["Permit"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        return self.filter(decision__in=ClearanceDecision.objects.visible_to(user))


class Permit(models.Model):
    """The signed proof of a cleared request, as it was handed out."""

    decision = models.OneToOneField(
        ClearanceDecision, models.PROTECT, primary_key=True, related_name="permit"
    )
    key = models.ForeignKey(SigningKey, models.PROTECT, related_name="permits")
    starts_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    token = models.TextField(help_text="JWS in its compact form.")

    named_by: ClassVar[tuple[str, ...]] = ("decision",)

    objects = PermitQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="permit_expires_after_it_starts",
                condition=Q(expires_at__gt=F("starts_at")),
                violation_error_message="A permit expires after it starts.",
            ),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return str(self.decision)


class PermitRevocationQuerySet(models.QuerySet["PermitRevocation"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        return self.filter(permit__in=Permit.objects.visible_to(user))


class PermitRevocation(models.Model):
    """That a permit was taken back, by whom and why. It clears no use from then on."""

    permit = models.OneToOneField(
        Permit, models.PROTECT, primary_key=True, related_name="revocation"
    )
    revoked_at = models.DateTimeField()
    revoked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    reason = models.CharField(max_length=500)

    named_by: ClassVar[tuple[str, ...]] = ("permit",)

    objects = PermitRevocationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="permit_revocation_says_why",
                condition=~Q(reason=""),
                violation_error_message="Taking a permit back needs a reason.",
            ),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"{self.permit}, taken back {minute(self.revoked_at)}"
