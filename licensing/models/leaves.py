"""Leaves of the log that are about others: what replaces an event, and how staff rule on it.

Beside them stands which report counts for which days.
"""

from datetime import datetime

import pgtrigger
from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.db import models
from django.db.models import Exists, F, OuterRef, Q

from licensing.words import Meter, Treatment
from talent.models.columns import coded, days, has_known_code
from talent.models.consent import APPEND_ONLY
from talent.models.names import day, minute

from .agreements import Agreement


class Replacement(models.Model):
    """An event whose place an amendment took. Each at most once, so chains never fork."""

    event_id = models.BigIntegerField(primary_key=True)
    amendment_id = models.BigIntegerField()
    replaced_at = models.DateTimeField(help_text="When the amendment was received.")

    class Meta:
        constraints = [
            models.UniqueConstraint(name="replacement_replaces_one", fields=["amendment_id"]),
            models.CheckConstraint(
                name="replacement_is_later", condition=Q(amendment_id__gt=F("event_id"))
            ),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self):
        return f"Event {self.amendment_id} for event {self.event_id}"


def is_replaced(*, known_at: datetime | None = None) -> Exists:
    """Return the condition that an amendment, received before `known_at`, replaced an event."""
    by = Replacement.objects.filter(event_id=OuterRef("pk"))
    return Exists(by.filter(replaced_at__lt=known_at) if known_at else by)


class ReportedPeriod(models.Model):
    """The report that counts for some days of an agreement; its amendment takes its place here."""

    agreement = models.ForeignKey(Agreement, models.PROTECT, related_name="+")
    meter = coded(Meter)
    subject = models.CharField(
        max_length=200, help_text="Production, right, use, territory, language and channel."
    )
    starts_on = models.DateField()
    ends_on = models.DateField()
    event_id = models.BigIntegerField(unique=True)

    class Meta:
        constraints = [
            has_known_code("reported_period_meter_is_known", "meter", Meter),
            ExclusionConstraint(
                name="reported_period_once",
                expressions=[
                    ("agreement", RangeOperators.EQUAL),
                    ("meter", RangeOperators.EQUAL),
                    ("subject", RangeOperators.EQUAL),
                    (days("starts_on", "ends_on"), RangeOperators.OVERLAPS),
                ],
                violation_error_message="These days have a report already; amend it.",
            ),
        ]

    def __str__(self):
        return f"Report of {day(self.starts_on)} by event {self.event_id}"


class Ruling(models.Model):
    """How a use outside the consent is treated from then on. An event's last ruling counts."""

    event_id = models.BigIntegerField(primary_key=True, help_text="The ruling's own leaf.")
    about_id = models.BigIntegerField(help_text="The event it rules on.")
    treatment = coded(Treatment)
    ruled_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    ruled_at = models.DateTimeField()

    class Meta:
        constraints = [has_known_code("ruling_treatment_is_known", "treatment", Treatment)]
        indexes = [
            # An event's rulings: its page, and the night that takes the last one back.
            models.Index(name="ruling_about", fields=["about_id", "event_id"]),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self):
        return f"{self.get_treatment_display()}, {minute(self.ruled_at)}"


class RulingReason(models.Model):
    """Why somebody ruled so. The log holds a salted commitment, so that the text can be erased."""

    ruling = models.OneToOneField(
        Ruling, models.PROTECT, primary_key=True, related_name="reason", db_constraint=False
    )
    text = models.CharField(max_length=1_000)
    salt = models.BinaryField(max_length=32)

    class Meta:
        triggers = [pgtrigger.Protect(name="never_rewritten", operation=pgtrigger.Update)]

    def __str__(self):
        return f"Reason of ruling {self.pk}"
