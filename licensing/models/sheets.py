"""Sheets: files of usage on their way in, what their columns mean, steps with dead letters."""

from datetime import datetime
from typing import ClassVar, Self

import pgtrigger
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from licensing.words import ImportMode, LetterStepKind, SheetStatus
from talent.models import User
from talent.models.columns import coded, has_known_code
from talent.models.consent import APPEND_ONLY
from talent.models.names import minute

from .parties import LicenseeTerms
from .usage import DeadLetter, UsageImport


class UsageSheetQuerySet(models.QuerySet["UsageSheet"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(terms__in=LicenseeTerms.objects.visible_to(user))

    def to_do(self) -> Self:
        """Sheets that a worker has to import, or has begun to."""
        return self.filter(status__in=[SheetStatus.QUEUED.value, SheetStatus.RUNNING.value])

    def forgotten(self, before: datetime) -> Self:
        """Sheets that nobody went on with."""
        return self.filter(status=SheetStatus.WAITING.value, uploaded_at__lt=before)


class UsageSheet(models.Model):
    """A studio's file between its upload and its import; the content goes when that is over."""

    terms = models.ForeignKey(LicenseeTerms, models.PROTECT, related_name="sheets")
    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    uploaded_at = models.DateTimeField()
    file_name = models.CharField(max_length=255)
    file_sha256 = models.CharField("SHA-256", max_length=64)
    content = models.BinaryField(null=True, help_text="Sealed under the desk's key.")
    worksheets = ArrayField(models.CharField(max_length=255), default=list)
    worksheet = models.CharField(max_length=255, blank=True)
    rows = models.PositiveIntegerField(default=0, help_text="Rows of the chosen worksheet.")
    survey = models.JSONField(
        default=dict, db_default={}, help_text="Samples of each column, and how it seems written."
    )
    mapping = models.JSONField(default=dict)
    mode = coded(ImportMode, default=ImportMode.ALL_OR_NONE.value)
    status = coded(SheetStatus, default=SheetStatus.WAITING.value)
    cancel_asked_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    failure = models.CharField(max_length=300, blank=True)
    report = models.OneToOneField(UsageImport, models.PROTECT, null=True, related_name="sheet")

    objects = UsageSheetQuerySet.as_manager()

    class Meta:
        constraints = [
            has_known_code("usage_sheet_mode_is_known", "mode", ImportMode),
            has_known_code("usage_sheet_status_is_known", "status", SheetStatus),
            models.CheckConstraint(
                name="usage_sheet_done_has_its_report",
                condition=~Q(status=SheetStatus.DONE.value) | Q(report__isnull=False),
                violation_error_message="An import that is done has its report.",
            ),
        ]

    def __str__(self):
        return f"{self.file_name}, uploaded {minute(self.uploaded_at)}"


class SheetMappingQuerySet(models.QuerySet["SheetMapping"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(terms__in=LicenseeTerms.objects.visible_to(user))

    def latest_for(self, terms: LicenseeTerms, fingerprint: str) -> "SheetMapping | None":
        """What these headers meant the last time this studio's sheet had them, or None."""
        return self.filter(terms=terms, fingerprint=fingerprint).order_by("-pk").first()


class SheetMapping(models.Model):
    """What the columns of a studio's sheets with these headers mean; the latest counts."""

    terms = models.ForeignKey(LicenseeTerms, models.PROTECT, related_name="sheet_mappings")
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of the headers, in order.")
    headers = models.JSONField()
    mapping = models.JSONField()
    learnt_at = models.DateTimeField()
    learnt_from = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )

    named_by: ClassVar[tuple[str, ...]] = ("terms",)

    objects = SheetMappingQuerySet.as_manager()

    class Meta:
        indexes = [
            # The next sheet with these headers.
            models.Index(name="sheet_mapping_latest", fields=["terms", "fingerprint", "-id"]),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self):
        return f"{self.terms}: columns as of {minute(self.learnt_at)}"


class LetterStepQuerySet(models.QuerySet["LetterStep"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(letter__in=DeadLetter.objects.visible_to(user))


class LetterStep(models.Model):
    """What somebody did about a dead letter, and why; the message itself stays as it was sent."""

    letter = models.ForeignKey(DeadLetter, models.PROTECT, related_name="steps")
    kind = coded(LetterStepKind)
    message = models.JSONField(null=True, help_text="The message as corrected.")
    reason = models.CharField(max_length=500)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField()

    objects = LetterStepQuerySet.as_manager()

    class Meta:
        constraints = [
            has_known_code("letter_step_kind_is_known", "kind", LetterStepKind),
            models.CheckConstraint(
                name="letter_step_says_why",
                condition=~Q(reason=""),
                violation_error_message="A step with a dead letter says why.",
            ),
            models.CheckConstraint(
                name="letter_step_corrected_has_its_message",
                condition=Q(kind=LetterStepKind.CORRECTED.value, message__isnull=False)
                | Q(kind=LetterStepKind.NOT_A_USE.value, message=None),
                violation_error_message="A correction holds the message as corrected.",
            ),
            # A dead letter is dealt with once.
            models.UniqueConstraint(name="letter_step_once", fields=["letter"]),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self):
        return str(self.get_kind_display())
