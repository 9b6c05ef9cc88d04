"""Webhooks: where to, what was said, and what came back each time."""

from datetime import datetime
from typing import ClassVar, Self
from urllib.parse import urlsplit

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q

from licensing.words import Announcement
from talent.models import Agency, User
from talent.models.columns import coded, codes, has_known_code
from talent.models.consent import APPEND_ONLY
from talent.models.names import minute
from talent.words import Delivery

from .parties import LicenseeTerms

STAFF = "Switched off by staff."


class WebhookEndpointQuerySet(models.QuerySet["WebhookEndpoint"]):
    def active(self) -> Self:
        return self.filter(disabled_at=None)

    def given_up(self) -> Self:
        """Addresses that the desk switched off, and that nobody has decided about."""
        return self.exclude(disabled_at=None).exclude(disabled_because=STAFF)

    def listening_to(self, kind: str, *, agency_id: int, licensee_id: int | None = None) -> Self:
        """Active endpoints for such news: the agency's own, and those of the licensee."""
        whose = Q(terms=None)
        if licensee_id is not None:
            whose |= Q(terms__licensee=licensee_id)
        return self.active().filter(whose, agency=agency_id, kinds__contains=[kind])

    def visible_to(self, user: User) -> Self:
        return self.filter(agency__in=Agency.objects.visible_to(user))


class WebhookEndpoint(models.Model):
    """An address that is told of news: an agency's own, or a licensee's under its terms."""

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    terms = models.ForeignKey(
        LicenseeTerms,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="webhooks",
        help_text="Empty: the agency's own.",
    )
    url = models.CharField("address", max_length=500)
    kinds = codes(Announcement)
    sealed_secret = models.BinaryField(editable=False)
    sealed_previous = models.BinaryField(null=True, editable=False)
    previous_until = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, editable=False, related_name="+"
    )
    last_delivered_at = models.DateTimeField(null=True, editable=False)
    disabled_at = models.DateTimeField(null=True, editable=False)
    disabled_because = models.CharField(max_length=200, blank=True, editable=False)

    named_by: ClassVar[tuple[str, ...]] = ("agency", "terms")

    objects = WebhookEndpointQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="webhook_endpoint_once",
                fields=["agency", "terms", "url"],
                nulls_distinct=False,
                violation_error_message="This address is told already.",
            ),
            models.CheckConstraint(
                name="webhook_endpoint_hears_something",
                condition=Q(kinds__len__gt=0),
                violation_error_message="Choose at least one kind of news.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.terms or self.agency}: {urlsplit(self.url).hostname or self.url}"


class WebhookMessageQuerySet(models.QuerySet["WebhookMessage"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(agency__in=Agency.objects.visible_to(user))


class WebhookMessage(models.Model):
    """News as it was announced, in the transaction that made it: ids, codes and links only."""

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    code = models.CharField("number", max_length=40, unique=True)
    kind = coded(Announcement)
    data = models.JSONField()
    announced_at = models.DateTimeField()

    objects = WebhookMessageQuerySet.as_manager()

    class Meta:
        constraints = [has_known_code("webhook_message_kind_is_known", "kind", Announcement)]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, {minute(self.announced_at)}"


class WebhookDeliveryQuerySet(models.QuerySet["WebhookDelivery"]):
    def failed(self) -> Self:
        """Messages that were given up, to addresses that are on, and that nobody has let be."""
        return self.filter(status=Delivery.FAILED.value, let_be_at=None, endpoint__disabled_at=None)

    def due(self, at: datetime) -> Self:
        return self.filter(
            status=Delivery.WAITING.value, next_attempt_at__lte=at, endpoint__disabled_at=None
        )

    def visible_to(self, user: User) -> Self:
        return self.filter(endpoint__in=WebhookEndpoint.objects.visible_to(user))


class WebhookDelivery(models.Model):
    """One message on its way to one endpoint; a sweep delivers it."""

    endpoint = models.ForeignKey(WebhookEndpoint, models.PROTECT, related_name="deliveries")
    message = models.ForeignKey(WebhookMessage, models.PROTECT, related_name="deliveries")
    status = coded(Delivery, default=Delivery.WAITING.value)
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField()
    next_attempt_at = models.DateTimeField()
    let_be_at = models.DateTimeField(
        null=True, blank=True, help_text="When somebody decided that it need not be sent."
    )

    named_by: ClassVar[tuple[str, ...]] = ("endpoint", "message")

    objects = WebhookDeliveryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "webhook deliveries"
        constraints = [
            has_known_code("webhook_delivery_status_is_known", "status", Delivery),
            models.UniqueConstraint(name="webhook_delivery_once", fields=["endpoint", "message"]),
        ]
        indexes = [
            # The sweep: what is due.
            models.Index(
                name="webhook_delivery_due",
                fields=["next_attempt_at"],
                condition=Q(status="waiting"),
            ),
            # The desk's tile and the admin's filter: what was given up.
            models.Index(
                name="webhook_delivery_failed", fields=["endpoint"], condition=Q(status="failed")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.message} to {self.endpoint}"


class WebhookAttemptQuerySet(models.QuerySet["WebhookAttempt"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(delivery__in=WebhookDelivery.objects.visible_to(user))


class WebhookAttempt(models.Model):
    """What one attempt to deliver brought back."""

    delivery = models.ForeignKey(WebhookDelivery, models.PROTECT, related_name="log")
    attempted_at = models.DateTimeField()
    status = models.PositiveSmallIntegerField(null=True)
    milliseconds = models.PositiveIntegerField()
    answer = models.CharField(max_length=500, blank=True, help_text="Its first 500 bytes.")
    error = models.CharField(max_length=200, blank=True)

    objects = WebhookAttemptQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="webhook_attempt_has_status_or_error",
                condition=Q(status=None, error__gt="") | Q(status__isnull=False, error=""),
            )
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"{minute(self.attempted_at)}: {self.status or self.error}"
