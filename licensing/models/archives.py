"""Archives: where the events of old partitions lie as files."""

from typing import Self

import pgtrigger
from django.db import models
from django.db.models import F, Q

from talent.models import DigitalTwin, User
from talent.models.columns import coded, quantity
from talent.models.consent import APPEND_ONLY
from talent.words import Right, Use


class EventArchiveQuerySet(models.QuerySet["EventArchive"]):
    def in_place_of_tables(self) -> Self:
        """Detached archives: those whose events are in no table."""
        return self.exclude(detached_at=None)

    def visible_to(self, user: User) -> Self:
        """The operator's: a file holds the events of many agencies."""
        return self if user.is_superuser and user.is_active else self.none()


class EventArchive(models.Model):
    """A file with the events [first_id, end_id) and their records, proven when it was made.

    Detached, it stands in place of their tables. Nothing else of it ever changes.
    """

    first_id = models.BigIntegerField(unique=True)
    end_id = models.BigIntegerField()
    first_index = models.BigIntegerField(help_text="The first leaf of its events in the log.")
    last_index = models.BigIntegerField()
    events = models.BigIntegerField()
    file = models.FileField(upload_to="usage", max_length=255)
    sha256 = models.CharField("SHA-256", max_length=64)
    made_at = models.DateTimeField()
    detached_at = models.DateTimeField(null=True)

    objects = EventArchiveQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="event_archive_is_a_range", condition=Q(first_id__lt=F("end_id"))
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Delete),
            pgtrigger.ReadOnly(name="only_detached", exclude=["detached_at"]),
        ]

    def __str__(self):
        return f"Events {self.first_id} to {self.end_id - 1}"


class ArchiveBlock(models.Model):
    """A part of an archive's file: the events from one id to the next block's."""

    archive = models.ForeignKey(EventArchive, models.CASCADE, related_name="blocks")
    first_id = models.BigIntegerField(unique=True)
    offset = models.BigIntegerField()
    length = models.IntegerField()
    sha256 = models.BinaryField(max_length=32)

    class Meta:
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self):
        return f"Events from {self.first_id}"


class ArchivedSeconds(models.Model):
    """What an archive's events add to the hours that a consent may bound."""

    archive = models.ForeignKey(EventArchive, models.CASCADE, related_name="seconds")
    twin = models.ForeignKey(DigitalTwin, models.PROTECT, related_name="+")
    right = coded(Right)
    use = coded(Use)
    received_until = models.DateTimeField(help_text="When the last of one day's events came.")
    seconds = quantity()

    class Meta:
        verbose_name_plural = "archived seconds"
        indexes = [
            # Clearance: what twins did before, by right and use.
            models.Index(name="archived_seconds_twin", fields=["twin", "right", "use"]),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self):
        return f"Archived seconds {self.pk}"
