"""Archives: where the events of old partitions lie as files."""

from decimal import Decimal
from typing import Self

import pgtrigger
from django.db import models
from django.db.models import F, Q

from licensing.quantities import measured
from talent import locales
from talent.models import DigitalTwin, User
from talent.models.columns import coded
from talent.models.consent import APPEND_ONLY
from talent.models.names import minute
from talent.words import Meter, Right, Use

from .parties import Licensee


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
        events = locales.quantity(Decimal(self.events), "en")
        return f"{events} events, archived {minute(self.made_at)}"


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


class ArchivedUnits(models.Model):
    """What an archive's events add to what a consent may limit, in one meter.

    An archive that was made before licensees were kept has none, and seconds only: they count for
    every licensee, until it is attached and detached again.
    """

    archive = models.ForeignKey(EventArchive, models.CASCADE, related_name="units")
    twin = models.ForeignKey(DigitalTwin, models.PROTECT, related_name="+")
    licensee = models.ForeignKey(Licensee, models.PROTECT, related_name="+", null=True)
    right = coded(Right)
    use = coded(Use)
    year = models.SmallIntegerField(help_text="The calendar year of the uses, in UTC.")
    meter = coded(Meter)
    received_until = models.DateTimeField(help_text="When the last of one day's events came.")
    quantity = models.DecimalField(max_digits=30, decimal_places=6)

    class Meta:
        verbose_name_plural = "archived units"
        indexes = [
            # Clearance: what twins did before, by right and use.
            models.Index(name="archived_units_twin", fields=["twin", "right", "use"]),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self):
        return f"{self.get_use_display()} in {self.year}: {measured(self.quantity, self.meter)}"
