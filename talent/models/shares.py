"""Shares in earnings that change: earlier owners of personas, and corrections by two people."""

from typing import Any, Self

import pghistory
import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q

from talent.words import ShareChangeState, ShareChangeStepKind, ShareSubject

from .columns import coded, has_known_code
from .consent import APPEND_ONLY
from .names import day
from .people import Agency, Beneficiary, Performer, User
from .twins import DigitalTwin


class EarlierOwnerQuerySet(models.QuerySet["EarlierOwner"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(twin__in=DigitalTwin.objects.visible_to(user))


@pghistory.track()
class EarlierOwner(models.Model):
    """Whom a persona without human sources paid before its owner changed.

    Of several the one that ends first owned it first; after the last it is the twin's owner's.
    """

    twin = models.ForeignKey(DigitalTwin, models.CASCADE, related_name="earlier_owners")
    beneficiary = models.ForeignKey(Beneficiary, models.PROTECT, related_name="+")
    ends_on = models.DateField(help_text="The first day of use that was no longer this owner's.")

    objects = EarlierOwnerQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="earlier_owner_one_a_day",
                fields=["twin", "ends_on"],
                violation_error_message="Another owner's time ends on that day.",
            )
        ]

    def __str__(self) -> str:
        return f"Owner until {day(self.ends_on)}"


class ShareChangeQuerySet(models.QuerySet["ShareChange"]):
    def open(self) -> Self:
        """Return those that nobody has approved or rejected."""
        decided = ShareChangeStep.objects.filter(
            change=OuterRef("pk"),
            kind__in=[ShareChangeStepKind.APPROVED.value, ShareChangeStepKind.REJECTED.value],
        )
        return self.filter(~Exists(decided))

    def visible_to(self, user: User) -> Self:
        """Return those about personas of the user's agencies, and performers they represent."""
        if user.is_superuser and user.is_active:
            return self
        agencies = Agency.objects.visible_to(user)
        represented = Performer.objects.represented_by(agencies)
        return self.filter(Q(twin__agency__in=agencies) | Q(performer__in=represented))


class ShareChange(models.Model):
    """Shares that somebody changed for days that have passed: it waits for a second person.

    `before` and `after` are all rows of the twin's sources or owners, or of the performer's heirs.
    """

    about = coded(ShareSubject)
    twin = models.ForeignKey(DigitalTwin, models.PROTECT, null=True, related_name="+")
    performer = models.ForeignKey(Performer, models.PROTECT, null=True, related_name="+")
    before = models.JSONField()
    after = models.JSONField()
    counts_from = models.DateField(null=True, help_text="Empty: from the first use.")
    written_at = models.DateTimeField()
    written_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    objects = ShareChangeQuerySet.as_manager()

    class Meta:
        constraints = [
            has_known_code("share_change_subject_is_known", "about", ShareSubject),
            models.CheckConstraint(
                name="share_change_is_about_somebody",
                condition=Q(about=ShareSubject.ESTATE.value, twin=None, performer__isnull=False)
                | (~Q(about=ShareSubject.ESTATE.value) & Q(twin__isnull=False, performer=None)),
            ),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"{self.get_about_display()}: {self.subject}"

    @property
    def subject(self) -> Any:
        """The twin or the performer whose shares change."""
        return self.twin or self.performer

    @property
    def state(self) -> ShareChangeState:
        """Its state, from its steps; a caller that shows many loads them with it."""
        kinds = {step.kind for step in self.steps.all()}
        for kind, state in STATES.items():
            if kind in kinds:
                return state
        return ShareChangeState.WRITTEN


STATES = {
    ShareChangeStepKind.APPROVED: ShareChangeState.APPLIED,
    ShareChangeStepKind.REJECTED: ShareChangeState.REJECTED,
    ShareChangeStepKind.ASKED: ShareChangeState.WAITING,
}


class ShareChangeStepQuerySet(models.QuerySet["ShareChangeStep"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(change__in=ShareChange.objects.visible_to(user))


class ShareChangeStep(models.Model):
    """What was done about a change of shares, when, by whom and why."""

    change = models.ForeignKey(ShareChange, models.PROTECT, related_name="steps")
    kind = coded(ShareChangeStepKind)
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    reason = models.CharField(max_length=500, blank=True)

    objects = ShareChangeStepQuerySet.as_manager()

    class Meta:
        constraints = [
            has_known_code("share_change_step_kind_is_known", "kind", ShareChangeStepKind),
            models.UniqueConstraint(name="share_change_step_once", fields=["change", "kind"]),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return str(self.get_kind_display())
