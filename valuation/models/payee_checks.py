"""Checks of payees: who looked at which list or paper, what was found, until when it holds."""

from datetime import date
from typing import ClassVar, Self

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q

from talent.models import Agency, Beneficiary, User
from talent.models.columns import coded, has_known_code, is_one_line
from talent.models.consent import APPEND_ONLY
from talent.models.names import day
from valuation.words import PayeeCheckKind, PayeeCheckOutcome


class PayeeCheckRuleQuerySet(models.QuerySet["PayeeCheckRule"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(agency__in=Agency.objects.visible_to(user))


class PayeeCheckRule(models.Model):
    """That an agency pays nobody from a day on without a check of a kind; another is another row.

    Of several of a kind the newest that has begun counts; one that asks for none ends it.
    """

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    kind = coded(PayeeCheckKind)
    starts_on = models.DateField("from", help_text="Payments of this day and later.")
    is_needed = models.BooleanField("needed", default=True)
    source = models.CharField(
        max_length=200, help_text="What asks for it, as in “Policy of March 2026, 4.2”."
    )
    written_at = models.DateTimeField(editable=False)
    written_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", editable=False
    )

    objects = PayeeCheckRuleQuerySet.as_manager()

    class Meta:
        constraints = [
            has_known_code("payee_check_rule_kind_is_known", "kind", PayeeCheckKind),
            is_one_line("payee_check_rule_source_is_a_line", "source"),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"{self.agency}: {self.get_kind_display()} from {day(self.starts_on)}"


class PayeeCheckQuerySet(models.QuerySet["PayeeCheck"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(agency__in=Agency.objects.visible_to(user))


class PayeeCheck(models.Model):
    """One check of a payee; the newest of a kind counts. Never edited: another is another row.

    `looked_at` names the list and its version, or the paper. What was found on a list is cleared by
    somebody else than who found it.
    """

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    beneficiary = models.ForeignKey(
        Beneficiary, models.PROTECT, related_name="+", verbose_name="payee"
    )
    kind = coded(PayeeCheckKind)
    outcome = coded(PayeeCheckOutcome)
    looked_at = models.CharField(
        "list or paper",
        max_length=200,
        help_text="Which list, of which version; or which paper, as the kind and its last signs.",
    )
    checked_on = models.DateField("looked on")
    expires_on = models.DateField("holds until", help_text="The last day on which it counts.")
    note = models.CharField(max_length=300, blank=True)
    written_at = models.DateTimeField(editable=False)
    written_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", editable=False
    )

    named_by: ClassVar[tuple[str, ...]] = ("beneficiary",)

    objects = PayeeCheckQuerySet.as_manager()

    class Meta:
        constraints = [
            has_known_code("payee_check_kind_is_known", "kind", PayeeCheckKind),
            has_known_code("payee_check_outcome_is_known", "outcome", PayeeCheckOutcome),
            is_one_line("payee_check_list_is_a_line", "looked_at"),
            models.CheckConstraint(
                name="payee_check_holds_after_it_was_made",
                condition=Q(expires_on__gte=models.F("checked_on")),
                violation_error_message="It holds for a day at least.",
            ),
        ]
        indexes = [
            # Payout runs: the newest check of each payee.
            models.Index(name="payee_check_newest", fields=["agency", "beneficiary", "kind", "id"])
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"{self.beneficiary}: {self.get_kind_display()}, {day(self.checked_on)}"

    def holds_on(self, on: date) -> bool:
        """Tell whether it lets somebody be paid on a day."""
        is_clear = self.outcome == PayeeCheckOutcome.CLEAR
        return is_clear and self.checked_on <= on <= self.expires_on
