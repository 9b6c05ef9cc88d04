"""The sandbox: what studios tried, kept apart from every use that happened."""

from typing import ClassVar, Self

import pgtrigger
from django.db import models
from django.db.models import Q

from licensing.words import Standing
from talent.models import User
from talent.models.names import minute

from .parties import ApiKey, LicenseeTerms


class SandboxEventQuerySet(models.QuerySet["SandboxEvent"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(terms__in=LicenseeTerms.objects.visible_to(user))


class SandboxEvent(models.Model):
    """An event sent with a sandbox key. It has no leaf, no money and no cap, and is purged.

    One that was not understood has no standing, but the code and place of its first fault.
    """

    terms = models.ForeignKey(LicenseeTerms, models.PROTECT, related_name="+")
    api_key = models.ForeignKey(ApiKey, models.PROTECT, related_name="+")
    received_at = models.DateTimeField()
    source = models.CharField(max_length=500)
    key = models.CharField(max_length=500)
    digest = models.BinaryField(max_length=32)
    canonical = models.BinaryField(help_text="The event as sent, prompts replaced.")
    standing = models.CharField(max_length=32, blank=True, choices=Standing.choices())
    standing_reason = models.CharField(max_length=200, blank=True)
    entry = models.BinaryField(max_length=65, help_text="As a receipt has it; begins with 00.")
    code = models.CharField(max_length=80, blank=True)
    pointer = models.CharField(max_length=200, blank=True)

    named_by: ClassVar[tuple[str, ...]] = ("terms",)

    objects = SandboxEventQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="sandbox_event_standing_is_known",
                condition=Q(standing__in=["", *Standing.codes()]),
            ),
            models.CheckConstraint(
                name="sandbox_event_stands_or_says_why",
                condition=Q(standing="", code__gt="") | Q(standing__gt="", code=""),
            ),
            models.UniqueConstraint(
                name="sandbox_event_once",
                fields=["terms", "source", "key"],
                condition=Q(code=""),
            ),
            models.UniqueConstraint(
                name="sandbox_letter_once",
                fields=["terms", "source", "key", "digest"],
                condition=Q(code__gt=""),
            ),
        ]
        indexes = [
            # The purge: what is oldest.
            models.Index(name="sandbox_event_received", fields=["received_at"]),
        ]
        triggers = [pgtrigger.Protect(name="never_changed", operation=pgtrigger.Update)]

    def __str__(self) -> str:
        return f"{self.terms.licensee}, tried {minute(self.received_at)}"
