"""Training runs: registered before they begin, compared afterwards with what was read."""

from typing import ClassVar, Self

import pghistory
import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q

from talent.words import DataPurpose, ManifestFinding

from .columns import coded, has_known_code, is_one_line
from .consent import APPEND_ONLY
from .lineage import DatasetVersion
from .people import Agency, User
from .twins import Build, DigitalTwin, Provider


class TrainerKeyQuerySet(models.QuerySet["TrainerKey"]):
    def visible_to(self, user: User) -> Self:
        """Return all, for who signs in: as providers, an identity that the operator keeps."""
        return self if user.is_authenticated and user.is_active else self.none()


@pghistory.track()
class TrainerKey(models.Model):
    """A public key with which a provider signs what its trainings read (Ed25519)."""

    provider = models.ForeignKey(Provider, models.PROTECT, related_name="trainer_keys")
    public_key = models.CharField(
        max_length=43, unique=True, help_text="32 bytes in base64url, without padding."
    )
    starts_on = models.DateField()
    ends_on = models.DateField(
        null=True, blank=True, help_text="The first day it no longer counts."
    )

    named_by: ClassVar[tuple[str, ...]] = ("provider",)

    objects = TrainerKeyQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="trainer_key_is_32_bytes",
                condition=Q(public_key__regex="^[A-Za-z0-9_-]{43}$"),
                violation_error_message="An Ed25519 public key is 43 characters of base64url.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.public_key[:8]}…"


class TrainingRunQuerySet(models.QuerySet["TrainingRun"]):
    def visible_to(self, user: User) -> Self:
        if user.is_superuser and user.is_active:
            return self
        return self.filter(agency__in=Agency.objects.visible_to(user))


class TrainingRun(models.Model):
    """What a training is going to read, for what and where: registered before it begins."""

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    twin = models.ForeignKey(DigitalTwin, models.PROTECT, related_name="training_runs")
    provider = models.ForeignKey(Provider, models.PROTECT, related_name="+")
    name = models.CharField(max_length=200)
    purpose = coded(DataPurpose)
    environment = models.CharField(
        max_length=500, help_text="Where and with what it runs: machines, code, versions."
    )
    datasets = models.ManyToManyField(DatasetVersion, related_name="training_runs")
    content = models.JSONField(help_text="What was registered; what was read is held against it.")
    begins_at = models.DateTimeField()
    registered_at = models.DateTimeField()
    registered_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    named_by: ClassVar[tuple[str, ...]] = ("agency", "twin")

    objects = TrainingRunQuerySet.as_manager()

    class Meta:
        verbose_name = "training run"
        constraints = [
            is_one_line("training_run_name_is_a_line", "name"),
            has_known_code("training_run_purpose_is_known", "purpose", DataPurpose),
            models.CheckConstraint(
                name="training_run_is_registered_before",
                condition=Q(begins_at__gte=models.F("registered_at")),
                violation_error_message="A training is registered before it begins.",
            ),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return self.name


class TrainingResultQuerySet(models.QuerySet["TrainingResult"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(run__in=TrainingRun.objects.visible_to(user))


class TrainingResult(models.Model):
    """The build that came out of a training."""

    run = models.OneToOneField(TrainingRun, models.PROTECT, related_name="result")
    build = models.OneToOneField(Build, models.PROTECT, related_name="trained_by")
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    named_by: ClassVar[tuple[str, ...]] = ("run",)

    objects = TrainingResultQuerySet.as_manager()

    class Meta:
        verbose_name = "result of a training"
        verbose_name_plural = "results of trainings"
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"Result of {self.run}"


class TrainingManifestQuerySet(models.QuerySet["TrainingManifest"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(result__in=TrainingResult.objects.visible_to(user))


class TrainingManifest(models.Model):
    """What a trainer says was read, as signed, and how that compares with the registration."""

    result = models.ForeignKey(TrainingResult, models.PROTECT, related_name="manifests")
    signed = models.TextField(help_text="As it was sent: a JWS in compact form.")
    key = models.ForeignKey(
        TrainerKey, models.PROTECT, null=True, blank=True, related_name="manifests"
    )
    finding = coded(ManifestFinding)
    differences = models.JSONField(default=list, blank=True)
    read_training_only = models.BooleanField(
        default=False,
        db_default=False,
        help_text="It names no file that was set aside to validate or to test.",
    )
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    named_by: ClassVar[tuple[str, ...]] = ("result",)

    objects = TrainingManifestQuerySet.as_manager()

    class Meta:
        verbose_name = "manifest of a training"
        verbose_name_plural = "manifests of trainings"
        constraints = [
            has_known_code("training_manifest_finding_is_known", "finding", ManifestFinding)
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return str(self.get_finding_display())
