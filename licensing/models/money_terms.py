"""What an agreement promises beside its rates: guarantees, and advances."""

from datetime import date
from typing import Self

import pghistory
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import F, Q

from licensing.words import CutPeriod, GuaranteePeriod, PaidBackFrom
from talent.models import User
from talent.models.columns import coded, has_known_code, money

from .agreements import Agreement


class GuaranteeQuerySet(models.QuerySet["Guarantee"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        return self.filter(agreement__in=Agreement.objects.visible_to(user))


@pghistory.track()
class Guarantee(models.Model):
    """The least that an agreement earns in each of its periods, in the agreement's currency.

    It counts for the periods that begin from `starts_on` to before `ends_on`. What is missing at a
    period's end is owed then, as a true-up.
    """

    agreement = models.ForeignKey(Agreement, models.CASCADE, related_name="guarantees")
    amount = money(help_text="The least that each period earns, used or not.")
    period = coded(GuaranteePeriod, default=GuaranteePeriod.YEAR.value)
    cut_period = coded(
        CutPeriod,
        default=CutPeriod.WHOLE.value,
        help_text="How it counts in a period that the term cuts.",
    )
    starts_on = models.DateField(
        null=True, blank=True, editable=False, help_text="The day of its amendment, if by one."
    )
    ends_on = models.DateField(
        null=True, blank=True, editable=False, help_text="The first day on which none begins."
    )

    objects = GuaranteeQuerySet.as_manager()

    class Meta:
        constraints = [
            has_known_code("guarantee_period_is_known", "period", GuaranteePeriod),
            has_known_code("guarantee_cut_period_is_known", "cut_period", CutPeriod),
            models.UniqueConstraint(
                name="guarantee_once_from_a_day",
                fields=["agreement", "period", "starts_on"],
                nulls_distinct=False,
                violation_error_message="There is a guarantee for such periods already.",
            ),
            models.CheckConstraint(
                name="guarantee_is_above_zero",
                condition=Q(amount__gt=0),
                violation_error_message="A guarantee is above zero.",
            ),
            models.CheckConstraint(
                name="guarantee_ends_after_it_starts",
                condition=Q(ends_on=None) | Q(starts_on=None) | Q(ends_on__gte=F("starts_on")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_period_display()}: {self.amount.normalize():f}"

    def counts_for(self, begins_on: date) -> bool:
        """Tell whether it counts for the period of the agreement that begins on a day."""
        since, until = self.starts_on or date.min, self.ends_on or date.max
        return since <= begins_on < until


class AdvanceQuerySet(models.QuerySet["Advance"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        return self.filter(agreement__in=Agreement.objects.visible_to(user))


@pghistory.track()
class Advance(models.Model):
    """Money that is due ahead of use, in the agreement's currency, and what pays it back."""

    agreement = models.ForeignKey(Agreement, models.CASCADE, related_name="advances")
    label = models.CharField(max_length=200, help_text="As on signing, on delivery of the build.")
    amount = money()
    due_on = models.DateField()
    paid_back_from = coded(PaidBackFrom, default=PaidBackFrom.GROSS.value)

    objects = AdvanceQuerySet.as_manager()

    class Meta:
        constraints = [
            has_known_code("advance_paid_back_from_is_known", "paid_back_from", PaidBackFrom),
            models.CheckConstraint(
                name="advance_is_above_zero",
                condition=Q(amount__gt=0),
                violation_error_message="An advance is above zero.",
            ),
        ]
        indexes = [
            # The night: what has fallen due.
            models.Index(name="advance_due_on", fields=["due_on"]),
        ]

    def __str__(self) -> str:
        return self.label
