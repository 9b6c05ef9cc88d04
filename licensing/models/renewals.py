"""Renewals: which agreement carries on which."""

from typing import ClassVar, Self

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q

from talent.models import User

from .agreements import Agreement


class RenewalQuerySet(models.QuerySet["Renewal"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(agreement__in=Agreement.objects.visible_to(user))


class Renewal(models.Model):
    """That an agreement was drafted to carry on another. It goes with its draft, if that goes."""

    agreement = models.OneToOneField(Agreement, models.CASCADE, related_name="renewal")
    renews = models.OneToOneField(Agreement, models.PROTECT, related_name="renewed_by")
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")

    named_by: ClassVar[tuple[str, ...]] = ("agreement", "renews")

    objects = RenewalQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="renewal_is_of_another", condition=~Q(agreement=F("renews"))
            ),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update)]

    def __str__(self) -> str:
        return f"{self.agreement} renews {self.renews}"
