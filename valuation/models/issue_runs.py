"""Issue runs: statements of one agency that are issued in the background, each in its turn."""

from typing import ClassVar, Self

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Count, Exists, OuterRef, Q

from talent.models import Agency, User
from talent.models.columns import coded, has_known_code
from valuation.words import IssueState

from .statements import Statement

OPEN = (IssueState.WAITING.value, IssueState.AT_WORK.value)


class IssueRunQuerySet(models.QuerySet["IssueRun"]):
    def open(self) -> Self:
        """Keep those of which a statement waits or is at work."""
        return self.filter(Exists(IssueItem.objects.filter(run=OuterRef("pk"), state__in=OPEN)))

    def with_counts(self) -> Self:
        """Annotate how many statements are `is_issued`, `is_failed` and `is_left`."""
        return self.annotate(
            is_issued=Count("items", filter=Q(items__state=IssueState.ISSUED.value)),
            is_failed=Count("items", filter=Q(items__state=IssueState.FAILED.value)),
            is_left=Count("items", filter=Q(items__state__in=OPEN)),
        )

    def visible_to(self, user: User) -> Self:
        return self.filter(agency__in=Agency.objects.visible_to(user))


class IssueRun(models.Model):
    """What somebody asked to have issued at once: who, when, and with which remark."""

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    note = models.CharField(max_length=300, blank=True)

    is_issued: int  # where `with_counts` adds them
    is_failed: int
    is_left: int
    named_by: ClassVar[tuple[str, ...]] = ("agency",)

    objects = IssueRunQuerySet.as_manager()

    class Meta:
        triggers = [pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.agency}, {self.asked_at:%Y-%m-%d %H:%M} UTC"


class IssueItemQuerySet(models.QuerySet["IssueItem"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(run__in=IssueRun.objects.visible_to(user))


class IssueItem(models.Model):
    """One statement of an issue run: how far it is, and why it failed."""

    run = models.ForeignKey(IssueRun, models.PROTECT, related_name="items")
    statement = models.ForeignKey(Statement, models.PROTECT, related_name="+")
    state = coded(IssueState, default=IssueState.WAITING.value)
    claimed_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)
    detail = models.CharField(max_length=500, blank=True)

    objects = IssueItemQuerySet.as_manager()

    class Meta:
        constraints = [
            has_known_code("issue_item_state_is_known", "state", IssueState),
            models.UniqueConstraint(name="issue_item_once_in_a_run", fields=["run", "statement"]),
        ]
        triggers = [pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete)]

    def __str__(self) -> str:
        return str(self.statement)
