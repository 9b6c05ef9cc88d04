"""Contamination of what models are made from: dated facts, what they reach, how they end."""

from datetime import datetime
from typing import ClassVar, Self

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q, Subquery

from talent.words import (
    Answer,
    ClearingState,
    ClearingStepKind,
    ContaminationCause,
    SealLevel,
)

from .columns import coded, has_known_code
from .consent import APPEND_ONLY, ConsentVersion
from .lineage import DatasetFile, LineageNode
from .people import Agency, User
from .twins import Build


class ContaminationQuerySet(models.QuerySet["Contamination"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(node__in=LineageNode.objects.visible_to(user))

    def with_cleared_at(self) -> Self:
        """Annotate each with `cleared_at`; null: it counts still."""
        approved = ContaminationClearingStep.objects.filter(
            clearing__contamination=OuterRef("pk"), kind=ClearingStepKind.APPROVED.value
        )
        return self.annotate(cleared_at=Subquery(approved.order_by("pk").values("at")[:1]))

    def live(self) -> Self:
        """Return those that nobody cleared."""
        approved = ContaminationClearingStep.objects.filter(
            clearing__contamination=OuterRef("pk"), kind=ClearingStepKind.APPROVED.value
        )
        return self.filter(~Exists(approved))


class Contamination(models.Model):
    """A fact: from an instant on, something may not be built upon, and when the desk knew it."""

    node = models.ForeignKey(LineageNode, models.PROTECT, related_name="contaminations")
    file = models.ForeignKey(
        DatasetFile,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="The one file of the dataset that it is about; empty: all of it.",
    )
    consent = models.ForeignKey(
        ConsentVersion,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="The version that no longer allows training: the files that rest on it.",
    )
    cause = coded(ContaminationCause)
    reason = models.CharField(max_length=500)
    from_at = models.DateTimeField("from", help_text="From when it may not be built upon or used.")
    known_at = models.DateTimeField("known since")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")

    cleared_at: datetime | None  # where `with_cleared_at` adds it

    named_by: ClassVar[tuple[str, ...]] = ("node",)

    objects = ContaminationQuerySet.as_manager()

    class Meta:
        constraints = [
            has_known_code("contamination_cause_is_known", "cause", ContaminationCause),
            # The same version of a consent marks a dataset once.
            models.UniqueConstraint(
                name="contamination_once_a_consent",
                fields=["node", "consent"],
                condition=Q(consent__isnull=False),
            ),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"{self.node}: {self.get_cause_display().lower()}"


class ContaminationMarkQuerySet(models.QuerySet["ContaminationMark"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(node__in=LineageNode.objects.visible_to(user))


class ContaminationMark(models.Model):
    """That a contamination reaches a node, and by way of which other: the path, step by step.

    No foreign keys in the database: a hundred thousand are written in one go.
    """

    contamination = models.ForeignKey(
        Contamination, models.PROTECT, related_name="marks", db_constraint=False, db_index=False
    )
    node = models.ForeignKey(LineageNode, models.PROTECT, related_name="marks", db_constraint=False)
    via = models.ForeignKey(
        LineageNode,
        models.PROTECT,
        null=True,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    distance = models.PositiveIntegerField(help_text="Steps from what is contaminated.")

    objects = ContaminationMarkQuerySet.as_manager()

    class Meta:
        verbose_name = "mark of a contamination"
        verbose_name_plural = "marks of contaminations"
        constraints = [
            models.UniqueConstraint(
                name="contamination_mark_once", fields=["contamination", "node"]
            )
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"Node {self.node_id}, {self.distance} steps away"


class ContaminationClearingQuerySet(models.QuerySet["ContaminationClearing"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(contamination__in=Contamination.objects.visible_to(user))

    def with_state(self) -> Self:
        """Load what the state of each is read from."""
        return self.select_related("contamination__node", "decided")


class ContaminationClearing(models.Model):
    """Somebody asks to clear a contamination, with the reason; somebody else approves it."""

    contamination = models.ForeignKey(Contamination, models.PROTECT, related_name="clearings")
    reason = models.CharField(max_length=500)
    asked_at = models.DateTimeField()
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    named_by: ClassVar[tuple[str, ...]] = ("contamination",)

    objects = ContaminationClearingQuerySet.as_manager()

    class Meta:
        verbose_name = "clearing of a contamination"
        verbose_name_plural = "clearings of contaminations"
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"Clearing of {self.contamination_id}"

    @property
    def state(self) -> ClearingState:
        """Its state, from its one step; a caller that shows many loads it with it."""
        if not hasattr(self, "decided"):
            return ClearingState.WAITING
        approved = self.decided.kind == ClearingStepKind.APPROVED
        return ClearingState.CLEARED if approved else ClearingState.CLOSED


class ContaminationClearingStepQuerySet(models.QuerySet["ContaminationClearingStep"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(clearing__in=ContaminationClearing.objects.visible_to(user))


class ContaminationClearingStep(models.Model):
    """The approval of a clearing, its rejection, or that it was taken back."""

    clearing = models.OneToOneField(ContaminationClearing, models.PROTECT, related_name="decided")
    kind = coded(ClearingStepKind)
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    reason = models.CharField(max_length=500, blank=True)

    objects = ContaminationClearingStepQuerySet.as_manager()

    class Meta:
        verbose_name = "step of a clearing"
        verbose_name_plural = "steps of clearings"
        constraints = [
            has_known_code("contamination_clearing_step_is_known", "kind", ClearingStepKind)
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return str(self.get_kind_display())


class CleanAnswerQuerySet(models.QuerySet["CleanAnswer"]):
    def visible_to(self, user: User) -> Self:
        """Return those given for the user's agencies: each names what the agency keeps."""
        if user.is_superuser and user.is_active:
            return self
        return self.filter(agency__in=Agency.objects.visible_to(user))


class CleanAnswer(models.Model):
    """Whether a build was provably clean at an instant, with all that the answer stood on.

    Without a document it says that the lineage has changed since the answer before it.
    """

    build = models.ForeignKey(Build, models.PROTECT, related_name="clean_answers")
    agency = models.ForeignKey(
        Agency, models.PROTECT, related_name="+", help_text="For whom it was answered."
    )
    answer = coded(Answer)
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    content = models.JSONField(help_text="Everything that the document says.")
    pdf = models.BinaryField(editable=False, default=b"")
    sha256 = models.CharField("SHA-256 of the PDF", max_length=64, blank=True)
    level = coded(SealLevel, default=SealLevel.NONE.value)

    named_by: ClassVar[tuple[str, ...]] = ("build",)

    objects = CleanAnswerQuerySet.as_manager()

    class Meta:
        verbose_name = "answer on a build"
        verbose_name_plural = "answers on builds"
        constraints = [
            has_known_code("clean_answer_is_known", "answer", Answer),
            has_known_code("clean_answer_level_is_known", "level", SealLevel),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"Provably clean? {self.get_answer_display()}"
