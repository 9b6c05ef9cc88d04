"""Amendments: changes of signed agreements, asked for by one person and approved by another."""

from datetime import date
from typing import ClassVar, Self

import pgtrigger
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Exists, OuterRef, Q

from licensing.words import AmendmentState, AmendmentStepKind, AmendmentSubject
from talent.models import User
from talent.models.columns import coded, has_known_code
from talent.models.consent import APPEND_ONLY

from .agreements import Agreement

# The step that gives an amendment its state, the last first.
STATES = {
    AmendmentStepKind.APPLIED: AmendmentState.APPLIED,
    AmendmentStepKind.FAILED: AmendmentState.FAILED,
    AmendmentStepKind.REJECTED: AmendmentState.REJECTED,
    AmendmentStepKind.TAKEN_BACK: AmendmentState.TAKEN_BACK,
    AmendmentStepKind.APPROVED: AmendmentState.APPROVED,
}


class AmendmentQuerySet(models.QuerySet["Amendment"]):
    def waiting(self) -> Self:
        """Those that nobody has approved, rejected or taken back."""
        return self.filter(~Exists(AmendmentStep.objects.filter(amendment=OuterRef("pk"))))

    def due(self, on: date) -> Self:
        """Approved ones that count from a day, or from one before, and are not applied yet."""
        steps = AmendmentStep.objects.filter(amendment=OuterRef("pk"))
        ended = steps.exclude(kind=AmendmentStepKind.APPROVED.value)
        return self.filter(Exists(steps), ~Exists(ended), counts_from__lte=on)

    def visible_to(self, user: User | AnonymousUser) -> Self:
        return self.filter(agreement__in=Agreement.objects.visible_to(user))


class Amendment(models.Model):
    """A change of a signed agreement's caps, rates or grants, from a day on.

    `before` is what held when it was asked for, and must still hold when it is applied; `after` is
    what takes its place. Null is nothing: the change adds, or ends, what it is about.
    """

    agreement = models.ForeignKey(Agreement, models.PROTECT, related_name="amendments")
    number = models.PositiveSmallIntegerField(help_text="Counts up within its agreement.")
    about = coded(AmendmentSubject)
    row = models.BigIntegerField(null=True, help_text="The row that it changes; null: a new one.")
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    counts_from = models.DateField("counts from")
    reason = models.CharField(max_length=500)
    asked_at = models.DateTimeField()
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    named_by: ClassVar[tuple[str, ...]] = ("agreement",)

    objects = AmendmentQuerySet.as_manager()

    class Meta:
        constraints = [
            has_known_code("amendment_subject_is_known", "about", AmendmentSubject),
            models.UniqueConstraint(name="amendment_number_once", fields=["agreement", "number"]),
            models.CheckConstraint(
                name="amendment_changes_something",
                condition=Q(before__isnull=False) | Q(after__isnull=False),
                violation_error_message="An amendment changes something.",
            ),
            models.CheckConstraint(
                name="amendment_says_why",
                condition=~Q(reason=""),
                violation_error_message="An amendment says why.",
            ),
        ]
        indexes = [
            # The sweep: what counts from today.
            models.Index(name="amendment_counts_from", fields=["counts_from"]),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"{self.agreement}, amendment {self.number}: {self.get_about_display().lower()}"

    @property
    def state(self) -> AmendmentState:
        """Its state, from its steps; a caller that shows many loads them with it."""
        kinds = {step.kind for step in self.steps.all()}
        states = (state for kind, state in STATES.items() if kind in kinds)
        return next(states, AmendmentState.WAITING)


class AmendmentStepQuerySet(models.QuerySet["AmendmentStep"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        return self.filter(amendment__in=Amendment.objects.visible_to(user))


class AmendmentStep(models.Model):
    """What became of an amendment, when, by whom and why. The desk applies it by itself."""

    amendment = models.ForeignKey(Amendment, models.PROTECT, related_name="steps")
    kind = coded(AmendmentStepKind)
    at = models.DateTimeField()
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    reason = models.CharField(max_length=500, blank=True)

    objects = AmendmentStepQuerySet.as_manager()

    class Meta:
        constraints = [
            has_known_code("amendment_step_kind_is_known", "kind", AmendmentStepKind),
            models.UniqueConstraint(name="amendment_step_once", fields=["amendment", "kind"]),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return str(self.get_kind_display())
