"""Contributions: what is owed to guild plans on top of pay, line by line."""

from typing import Self

import pgtrigger
from django.db import models
from django.db.models import Q

from licensing.models import Agreement, Production, RuleSet
from licensing.words import Confidence, ContributionPlan, ContributionsPaidBy, PayClass
from talent.models import Performer, User
from talent.models.columns import coded, currency, has_known_code, money
from talent.models.consent import APPEND_ONLY

from .residuals import NightRun, Reading


class ContributionQuerySet(models.QuerySet["Contribution"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(agreement__in=Agreement.objects.visible_to(user))


class Contribution(models.Model):
    """What one night found that a plan is owed for a performer's pay on one production.

    `base` is the pay that counts so far, cut to what is left of the ceiling; `amount` is the
    difference from what was found before. Without a rule that tells the rate there is no amount,
    and `note` says what is missing. Never edited.
    """

    run = models.ForeignKey(NightRun, models.PROTECT, related_name="contributions")
    agreement = models.ForeignKey(Agreement, models.PROTECT, related_name="+")
    reading = models.ForeignKey(
        Reading, models.PROTECT, null=True, related_name="+", help_text="Null: a memo line."
    )
    performer = models.ForeignKey(Performer, models.PROTECT, related_name="+")
    production = models.ForeignKey(Production, models.PROTECT, null=True, related_name="+")
    period_on = models.DateField(help_text="The rating period of the use.")
    plan = coded(ContributionPlan)
    pay_class = coded(PayClass)
    paid_by = coded(ContributionsPaidBy)
    rule = models.ForeignKey(RuleSet, models.PROTECT, null=True, related_name="+")
    clause = models.CharField(max_length=200, blank=True)
    confidence = coded(Confidence, blank=True)
    rate = models.DecimalField(max_digits=6, decimal_places=3, null=True, help_text="In percent.")
    ceiling = money(null=True)
    base = money()
    amount = money()
    currency = currency()
    note = models.CharField(max_length=300, blank=True)

    objects = ContributionQuerySet.as_manager()

    class Meta:
        constraints = [
            has_known_code("contribution_plan_is_known", "plan", ContributionPlan),
            has_known_code("contribution_pay_class_is_known", "pay_class", PayClass),
            has_known_code("contribution_payer_is_known", "paid_by", ContributionsPaidBy),
            models.CheckConstraint(
                name="contribution_has_a_rate_or_says_why_not",
                condition=Q(rate__isnull=False) | (Q(amount=0) & ~Q(note="")),
            ),
        ]
        indexes = [
            # The night: what was found before.
            models.Index(name="contribution_agreement", fields=["agreement", "period_on"]),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"Contribution {self.pk}"
