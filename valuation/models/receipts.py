"""Receipts: what a person said they pay, and refunds, write-offs, exchanges by two people."""

from typing import ClassVar, Self

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q

from licensing.models import Agreement, Licensee
from talent import locales
from talent.models import Agency, Beneficiary, User
from talent.models.columns import coded, currency, has_known_code, money
from talent.models.consent import APPEND_ONLY
from talent.models.names import day
from valuation.words import (
    AllocationTarget,
    Bearer,
    CashRequestKind,
    CashRequestOutcome,
    Discrepancy,
)

from .invoices import Invoice
from .ledger import JournalEntry, Remittance
from .residuals import Reading


class CashAllocationQuerySet(models.QuerySet["CashAllocation"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(remittance__in=Remittance.objects.visible_to(user))


class CashAllocation(models.Model):
    """What a person said a whole receipt pays; the newest of a receipt counts.

    What pays what stands in the matches, which follow from it. `held` is what was put on account,
    `spent_before` what had been refunded or exchanged of the receipt by then.
    """

    remittance = models.ForeignKey(Remittance, models.PROTECT, related_name="allocations")
    held = money()
    spent_before = money(default=0)
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    reason = models.CharField(max_length=300, blank=True)

    named_by: ClassVar[tuple[str, ...]] = ("remittance",)

    objects = CashAllocationQuerySet.as_manager()

    class Meta:
        verbose_name = "allocation of a receipt"
        verbose_name_plural = "allocations of receipts"
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"{self.remittance}, {day(self.at.date())}"


class CashAllocationItemQuerySet(models.QuerySet["CashAllocationItem"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(allocation__in=CashAllocation.objects.visible_to(user))


class CashAllocationItem(models.Model):
    """One target of an allocation, and why another amount came for it than was owed."""

    allocation = models.ForeignKey(CashAllocation, models.PROTECT, related_name="items")
    target = coded(AllocationTarget)
    invoice = models.ForeignKey(Invoice, models.PROTECT, null=True, related_name="allocated")
    agreement = models.ForeignKey(Agreement, models.PROTECT, null=True, related_name="+")
    reading = models.ForeignKey(Reading, models.PROTECT, null=True, related_name="+")
    amount = money()
    reason = coded(Discrepancy, blank=True)
    difference = money(default=0, help_text="What is missing of what was owed, or too much.")
    note = models.CharField(max_length=200, blank=True)
    parts = models.JSONField(
        default=list, help_text="By reading, what it was to pay, with what settles a difference."
    )
    settlement = models.ForeignKey(
        Remittance, models.PROTECT, null=True, related_name="+", help_text="What settles that."
    )

    named_by: ClassVar[tuple[str, ...]] = ("invoice", "agreement", "reading")

    objects = CashAllocationItemQuerySet.as_manager()

    class Meta:
        constraints = [
            has_known_code("allocation_target_is_known", "target", AllocationTarget),
            models.CheckConstraint(
                name="allocation_reason_is_known",
                condition=Q(reason="") | Q(reason__in=Discrepancy.codes()),
            ),
            models.CheckConstraint(
                name="allocation_item_is_not_negative",
                condition=Q(amount__gte=0, difference__gte=0),
            ),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return str(self.invoice or self.agreement or self.reading or self.get_target_display())


class CashRequestQuerySet(models.QuerySet["CashRequest"]):
    def waiting(self) -> Self:
        """Keep those that nobody has decided on."""
        return self.filter(decision=None)

    def visible_to(self, user: User) -> Self:
        return self.filter(agency__in=Agency.objects.visible_to(user))


class CashRequest(models.Model):
    """A refund, a write-off or a payout in another currency: one asks, another approves."""

    kind = coded(CashRequestKind)
    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    licensee = models.ForeignKey(Licensee, models.PROTECT, null=True, related_name="+")
    beneficiary = models.ForeignKey(
        Beneficiary, models.PROTECT, null=True, related_name="+", verbose_name="payee"
    )
    remittance = models.ForeignKey(
        Remittance, models.PROTECT, null=True, related_name="requests", verbose_name="receipt"
    )
    agreement = models.ForeignKey(Agreement, models.PROTECT, null=True, related_name="+")
    paid = money(null=True, help_text="What leaves the account, in the other currency.")
    paid_currency = currency(blank=True, default="")
    amount = money()
    currency = currency()
    on = models.DateField(null=True, help_text="The day of the payment, and of its rate.")
    bearer = coded(Bearer, blank=True)
    reason = models.CharField(max_length=300)
    asked_at = models.DateTimeField()
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    named_by: ClassVar[tuple[str, ...]] = ("licensee", "beneficiary")

    objects = CashRequestQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "refunds, write-offs and exchanges"
        constraints = [
            has_known_code("cash_request_kind_is_known", "kind", CashRequestKind),
            models.CheckConstraint(
                name="cash_request_bearer_is_known",
                condition=Q(bearer="") | Q(bearer__in=Bearer.codes()),
            ),
            models.CheckConstraint(name="cash_request_moves_something", condition=Q(amount__gt=0)),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        amount = locales.money(self.amount, self.currency, "en")
        return f"{self.get_kind_display()}: {amount}, {self.licensee or self.beneficiary}"


class CashDecisionQuerySet(models.QuerySet["CashDecision"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(request__in=CashRequest.objects.visible_to(user))


class CashDecision(models.Model):
    """What became of such a request, when, by whom and why, and the entry that it made."""

    request = models.OneToOneField(
        CashRequest, models.PROTECT, primary_key=True, related_name="decision"
    )
    outcome = coded(CashRequestOutcome)
    entry = models.ForeignKey(JournalEntry, models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    note = models.CharField(max_length=300, blank=True)

    objects = CashDecisionQuerySet.as_manager()

    class Meta:
        constraints = [
            has_known_code("cash_decision_outcome_is_known", "outcome", CashRequestOutcome)
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return str(self.get_outcome_display())


class SearchNoteQuerySet(models.QuerySet["SearchNote"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(agency__in=Agency.objects.visible_to(user))


class SearchNote(models.Model):
    """What was done to find somebody whose money nobody claims, as a letter that was sent."""

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    beneficiary = models.ForeignKey(
        Beneficiary, models.PROTECT, null=True, related_name="+", verbose_name="payee"
    )
    licensee = models.ForeignKey(Licensee, models.PROTECT, null=True, related_name="+")
    done_on = models.DateField(help_text="The day of the letter, call or answer.")
    note = models.CharField(max_length=500)
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    named_by: ClassVar[tuple[str, ...]] = ("beneficiary", "licensee")

    objects = SearchNoteQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="search_note_about_one",
                condition=Q(beneficiary=None, licensee__isnull=False)
                | Q(beneficiary__isnull=False, licensee=None),
                violation_error_message="It is about a payee or a licensee.",
            )
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"{self.beneficiary or self.licensee}, {day(self.done_on)}: {self.note[:80]}"
