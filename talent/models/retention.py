"""From what the retention clocks of the vault's items run."""

from typing import Self

import pgtrigger
from django.conf import settings
from django.db import models

from talent.words import ClockStart

from .columns import coded, has_known_code
from .consent import APPEND_ONLY
from .custody import CustodyItem
from .people import User


class RetentionFactQuerySet(models.QuerySet["RetentionFact"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(item__in=CustodyItem.objects.visible_to(user))


class RetentionFact(models.Model):
    """What a retention clock of an item runs from; the last of a source and kind counts.

    Licences write theirs here under a source of their own; people have none.
    """

    item = models.ForeignKey(CustodyItem, models.PROTECT, related_name="retention_facts")
    starts = coded(ClockStart)
    on = models.DateField(null=True, blank=True, help_text="Empty: it runs no more.")
    why = models.CharField(max_length=500)
    source = models.CharField(max_length=100, blank=True, help_text="Which licence says so.")
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")

    objects = RetentionFactQuerySet.as_manager()

    class Meta:
        constraints = [has_known_code("retention_fact_start_is_known", "starts", ClockStart)]
        indexes = [
            # What licences follow: every item that is kept for one of them.
            models.Index(name="retention_fact_by_source", fields=["source"]),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"{self.get_starts_display()}: {self.on or '–'}"
