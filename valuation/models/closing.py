"""Closes of periods: asked for by one person on figures that they saw, approved by another."""

from typing import ClassVar, Self

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, OuterRef, Q, Subquery

from talent.models import Agency, User
from talent.models.columns import coded, currency, has_known_code
from talent.models.consent import APPEND_ONLY
from talent.periods import Days, label
from valuation.words import CloseStepKind

# After which steps a period is closed.
CLOSED = [
    CloseStepKind.CLOSED.value,
    CloseStepKind.REOPEN_ASKED.value,
    CloseStepKind.KEPT_CLOSED.value,
]


class PeriodCloseQuerySet(models.QuerySet["PeriodClose"]):
    def with_state(self) -> Self:
        """Annotate each close with `state`, the kind of its last step."""
        last = PeriodCloseStep.objects.filter(close=OuterRef("pk")).order_by("-pk")
        return self.annotate(state=Subquery(last.values("kind")[:1]))

    def closed(self) -> Self:
        """Keep the periods that are closed, also those that somebody asks to reopen."""
        return self.with_state().filter(state__in=CLOSED)

    def waiting(self) -> Self:
        """Keep those that a second person has to decide about."""
        asked = [CloseStepKind.ASKED.value, CloseStepKind.REOPEN_ASKED.value]
        return self.with_state().filter(state__in=asked)

    def visible_to(self, user: User) -> Self:
        return self.filter(agency__in=Agency.objects.visible_to(user))


class PeriodClose(models.Model):
    """An agency's period in one currency that was closed, or that somebody asked to close."""

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    currency = currency()
    period_on = models.DateField()
    period_ends_on = models.DateField(help_text="The first day after the period.")

    state: str | None  # where `with_state` adds it
    named_by: ClassVar[tuple[str, ...]] = ("agency",)

    objects = PeriodCloseQuerySet.as_manager()

    class Meta:
        verbose_name = "close of a period"
        verbose_name_plural = "closes of periods"
        constraints = [
            models.UniqueConstraint(
                name="period_close_once", fields=["agency", "currency", "period_on"]
            ),
            models.CheckConstraint(
                name="period_close_has_days", condition=Q(period_ends_on__gt=F("period_on"))
            ),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"{self.agency}, {label(self.days)}, {self.currency}"

    @property
    def days(self) -> Days:
        return Days(self.period_on, self.period_ends_on)


class PeriodCloseStepQuerySet(models.QuerySet["PeriodCloseStep"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(close__in=PeriodClose.objects.visible_to(user))


class PeriodCloseStep(models.Model):
    """What one person did about the close of a period, and the figures that they saw."""

    close = models.ForeignKey(PeriodClose, models.PROTECT, related_name="steps")
    kind = coded(CloseStepKind)
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    reason = models.CharField(max_length=300, blank=True)
    figures = models.JSONField(
        default=list, help_text="The checklist as it was seen, with why what is open stays open."
    )
    digest = models.CharField("digest of the figures", max_length=64, blank=True)

    objects = PeriodCloseStepQuerySet.as_manager()

    class Meta:
        constraints = [
            has_known_code("period_close_step_kind_is_known", "kind", CloseStepKind),
            models.CheckConstraint(
                name="period_close_step_says_why",
                condition=~Q(reason="")
                | Q(kind__in=[CloseStepKind.ASKED.value, CloseStepKind.CLOSED.value]),
                violation_error_message="Whoever reopens a period, or does not close it, says why.",
            ),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return str(self.get_kind_display())
