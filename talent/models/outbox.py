"""Mails that wait to be sent."""

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Q

from talent.words import Delivery

from .columns import coded, has_known_code


class OutboxMessageQuerySet(models.QuerySet["OutboxMessage"]):
    def failed(self) -> Self:
        """Mails that were given up and that nobody has let be."""
        return self.filter(status=Delivery.FAILED.value, let_be_at=None)

    def due(self, at: datetime) -> Self:
        return self.filter(status=Delivery.WAITING.value, next_attempt_at__lte=at)


class OutboxMessage(models.Model):
    """A mail written in the transaction that caused it; a sweep delivers it."""

    recipient = models.EmailField()
    subject = models.CharField(max_length=200)
    body = models.TextField()
    status = coded(Delivery, default=Delivery.WAITING.value)
    attempts = models.PositiveSmallIntegerField(default=0)
    refusals = models.PositiveSmallIntegerField(
        default=0, db_default=0, help_text="How often the mail server refused it for good."
    )
    created_at = models.DateTimeField()
    next_attempt_at = models.DateTimeField()
    give_up_at = models.DateTimeField(
        null=True, help_text="From then on it is not tried again, if it could not be sent."
    )
    sent_at = models.DateTimeField(null=True, blank=True)
    let_be_at = models.DateTimeField(
        null=True, blank=True, help_text="When somebody decided that it need not be sent."
    )
    last_error = models.CharField(max_length=200, blank=True)

    objects = OutboxMessageQuerySet.as_manager()

    class Meta:
        indexes = [
            # The sweep: what is due.
            models.Index(
                name="outbox_due", fields=["next_attempt_at"], condition=Q(status="waiting")
            ),
            # The desk's tile and the admin's filter: what was given up.
            models.Index(name="outbox_failed", fields=["id"], condition=Q(status="failed")),
        ]
        constraints = [has_known_code("outbox_message_status_is_known", "status", Delivery)]

    def __str__(self) -> str:
        return f"{self.subject}, to {self.recipient}"
