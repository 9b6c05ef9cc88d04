"""What the desk hands out: links that expire, reports by mail, what performers are told a month."""

from datetime import datetime
from typing import ClassVar, Self

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q

from talent.models import Agency, Performer, User
from talent.models.columns import coded, currency, has_known_code
from talent.models.consent import APPEND_ONLY
from talent.models.names import day
from valuation.words import Cadence, LinkState, ReportKind

from .statements import Statement


class ScheduledReportQuerySet(models.QuerySet["ScheduledReport"]):
    def running(self) -> Self:
        return self.filter(ended_at=None)

    def visible_to(self, user: User) -> Self:
        return self.filter(agency__in=Agency.objects.visible_to(user))


class ScheduledReport(models.Model):
    """A list that somebody has sent to them again and again, as a link.

    It is read with what its owner may see when it is sent and when it is opened; it ends when they
    may not any more.
    """

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", editable=False
    )
    report = coded(ReportKind)
    currency = currency(blank=True, help_text="Left empty: all currencies.")
    cadence = coded(Cadence, default=Cadence.WEEKLY.value)
    next_on = models.DateField("next sent on", help_text="The first day on which it is sent.")
    made_at = models.DateTimeField(editable=False)
    ended_at = models.DateTimeField(null=True, editable=False)
    ended_because = models.CharField(max_length=300, blank=True, editable=False)

    named_by: ClassVar[tuple[str, ...]] = ("agency",)

    objects = ScheduledReportQuerySet.as_manager()

    class Meta:
        constraints = [
            has_known_code("scheduled_report_kind_is_known", "report", ReportKind),
            has_known_code("scheduled_report_cadence_is_known", "cadence", Cadence),
        ]
        indexes = [
            models.Index(
                name="scheduled_report_due", fields=["next_on"], condition=Q(ended_at=None)
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_report_display()}, {self.agency}, {self.get_cadence_display().lower()}"


class DeliveryLinkQuerySet(models.QuerySet["DeliveryLink"]):
    def good(self, at: datetime) -> Self:
        """Keep those that open something still."""
        return self.filter(expires_at__gt=at, revoked_at=None)

    def visible_to(self, user: User) -> Self:
        return self.filter(agency__in=Agency.objects.visible_to(user))


class DeliveryLink(models.Model):
    """A link that was mailed to one person, for one thing, for some days.

    It opens a statement, a report, or all papers of a period. Whoever follows it signs in, and gets
    what they may see then. Its secret is kept as a digest.
    """

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="sent to"
    )
    statement = models.ForeignKey(Statement, models.PROTECT, null=True, related_name="+")
    report = models.ForeignKey(ScheduledReport, models.PROTECT, null=True, related_name="links")
    currency = currency(blank=True)
    period_on = models.DateField(null=True)
    secret_sha256 = models.CharField("SHA-256 of the secret", max_length=64, unique=True)
    sent_at = models.DateTimeField()
    sent_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    revoked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )

    named_by: ClassVar[tuple[str, ...]] = ("agency", "user")

    objects = DeliveryLinkQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="delivery_link_opens_one_thing",
                condition=Q(statement__isnull=False, report=None, period_on=None)
                | Q(statement=None, report__isnull=False, period_on=None)
                | Q(statement=None, report=None, period_on__isnull=False),
                violation_error_message="A link opens a statement, a report or a period.",
            ),
            models.CheckConstraint(
                name="delivery_link_expires", condition=Q(expires_at__gt=F("sent_at"))
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            pgtrigger.Protect(
                name="revoked_once",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__revoked_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        if self.period_on:
            return f"{self.agency}, {day(self.period_on)}, {self.currency}"
        return str(self.statement or self.report)

    def state(self, at: datetime) -> LinkState:
        if self.revoked_at:
            return LinkState.REVOKED
        return LinkState.GOOD if self.expires_at > at else LinkState.EXPIRED


class MonthlyDigestQuerySet(models.QuerySet["MonthlyDigest"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(performer__in=Performer.objects.visible_to(user))


class MonthlyDigest(models.Model):
    """What a performer was told of a month by mail; nothing, where nothing happened."""

    performer = models.ForeignKey(Performer, models.PROTECT, related_name="+")
    month_on = models.DateField()
    at = models.DateTimeField()
    told = models.JSONField(default=dict, help_text="Empty: nothing happened, nothing was sent.")

    objects = MonthlyDigestQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="monthly_digest_once", fields=["performer", "month_on"])
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"{self.performer}, {self.month_on:%B %Y}"


class DigestOptOutQuerySet(models.QuerySet["DigestOptOut"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(performer__in=Performer.objects.visible_to(user))


class DigestOptOut(models.Model):
    """A performer who wants no summary of their month by mail."""

    performer = models.OneToOneField(Performer, models.PROTECT, primary_key=True, related_name="+")
    at = models.DateTimeField()

    objects = DigestOptOutQuerySet.as_manager()

    def __str__(self) -> str:
        return str(self.performer)
