"""Plans as payees: who is paid a plan's contributions, and what each payment paid of them."""

from datetime import date
from typing import ClassVar, Self

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q

from licensing.words import ContributionPlan
from talent import locales
from talent.models import Agency, Beneficiary, User
from talent.models.columns import coded, currency, has_known_code, is_one_line, money
from talent.models.consent import APPEND_ONLY
from talent.models.names import day

from .contributions import Contribution
from .payouts import PayoutPayment


class PlanPayeeQuerySet(models.QuerySet["PlanPayee"]):
    def approved(self) -> Self:
        """Keep those that two people said count."""
        return self.filter(approved_at__isnull=False)

    def waiting(self) -> Self:
        """Keep those that wait for a second person."""
        return self.filter(approved_at=None)

    def visible_to(self, user: User) -> Self:
        return self.filter(agency__in=Agency.objects.visible_to(user))


class PlanPayee(models.Model):
    """To whom an agency pays a plan's contributions, from a day of receipt on, by two people.

    Another payee is another row; of several the newest that has begun counts. Whoever is paid for a
    plan is paid nothing else.
    """

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    plan = coded(ContributionPlan)
    payee = models.ForeignKey(Beneficiary, models.PROTECT, related_name="+")
    starts_on = models.DateField("from", help_text="The first day of receipt.")
    source = models.CharField(
        max_length=200, help_text="Where it is said, as in “Employer’s manual of the plan, page 3”."
    )
    written_on = models.DateField(editable=False)
    written_at = models.DateTimeField(editable=False)
    written_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", editable=False
    )
    approved_at = models.DateTimeField(null=True, editable=False)
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", editable=False
    )

    named_by: ClassVar[tuple[str, ...]] = ("agency", "payee")

    objects = PlanPayeeQuerySet.as_manager()

    class Meta:
        verbose_name = "payee of a plan"
        verbose_name_plural = "payees of plans"
        permissions = [("approve_planpayee", "Can approve payees of plans")]
        constraints = [
            has_known_code("plan_payee_plan_is_known", "plan", ContributionPlan),
            is_one_line("plan_payee_source_is_a_line", "source"),
            models.CheckConstraint(
                name="plan_payee_of_a_plan",
                condition=~Q(plan=ContributionPlan.NONE.value),
                violation_error_message="Name the plan.",
            ),
            models.CheckConstraint(
                name="plan_payee_by_two_people",
                condition=Q(approved_at=None, approved_by=None)
                | (Q(approved_at__isnull=False) & ~Q(approved_by=models.F("written_by"))),
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            pgtrigger.Protect(
                name="frozen_once_approved",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__approved_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_plan_display()} → {self.payee} from {day(self.starts_on)}"

    @staticmethod
    def on(rows: "list[PlanPayee]", plan: str, received_on: date) -> "PlanPayee | None":
        """Return who of approved rows of an agency counts for a plan's receipts of a day."""
        own = [row for row in rows if row.plan == plan and row.starts_on <= received_on]
        return max(own, key=lambda row: (row.starts_on, row.pk), default=None)


class RemittedContributionQuerySet(models.QuerySet["RemittedContribution"]):
    def standing(self) -> Self:
        """Keep those of payments that left what is payable and have not come back."""
        return self.filter(payment__in=PayoutPayment.objects.live())

    def visible_to(self, user: User) -> Self:
        return self.filter(payment__run__agency__in=Agency.objects.visible_to(user))


class RemittedContribution(models.Model):
    """What a payment to a plan pays of one performer's contribution of a period.

    Below zero it is a credit: by now less is owed, or received, than an earlier payment paid. The
    lines of a payment come to its amount. `contribution` is the newest row that was found of it.
    """

    payment = models.ForeignKey(PayoutPayment, models.PROTECT, related_name="remitted")
    contribution = models.ForeignKey(Contribution, models.PROTECT, related_name="remitted")
    amount = money()
    currency = currency()

    named_by: ClassVar[tuple[str, ...]] = ("payment", "contribution")

    objects = RemittedContributionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="remitted_contribution_once", fields=["payment", "contribution"]
            ),
            models.CheckConstraint(name="remitted_contribution_is_money", condition=~Q(amount=0)),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"{self.payment}: {locales.money(self.amount, self.currency, 'en')}"
