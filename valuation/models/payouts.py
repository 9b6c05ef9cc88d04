"""Payout runs: whom an agency pays on a day, from what, by which file, and what came of each."""

from typing import ClassVar, Self

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q

from talent import locales
from talent.models import Agency, Beneficiary, User
from talent.models.columns import coded, codes, currency, has_known_code, money
from talent.models.consent import APPEND_ONLY
from valuation.words import (
    PaymentScheme,
    PayoutHold,
    PayoutPaymentState,
    PayoutRunState,
    PayoutStepKind,
)

from .bank_details import BankDetails
from .bank_lines import BankLine
from .ledger import JournalEntry
from .statements import Statement


class PayoutRunQuerySet(models.QuerySet["PayoutRun"]):
    def with_state(self) -> Self:
        """Annotate what `state` reads: which steps were taken, and whether any money is open."""
        steps = PayoutStep.objects.filter(run=OuterRef("pk"))
        payments = PayoutPayment.objects.filter(run=OuterRef("pk"))
        return self.annotate(
            **{
                f"is_{kind.value}": Exists(steps.filter(kind=kind.value))
                for kind in (
                    PayoutStepKind.APPROVED,
                    PayoutStepKind.CANCELLED,
                    PayoutStepKind.DOWNLOADED,
                )
            },
            has_open=Exists(payments.in_transit()),
        )

    def waiting(self) -> Self:
        """Keep those that nobody has approved or cancelled."""
        decided = [PayoutStepKind.APPROVED.value, PayoutStepKind.CANCELLED.value]
        steps = PayoutStep.objects.filter(run=OuterRef("pk"), kind__in=decided)
        return self.filter(~Exists(steps))

    def visible_to(self, user: User) -> Self:
        return self.filter(agency__in=Agency.objects.visible_to(user))


class PayoutRun(models.Model):
    """What an agency pays its payees in one currency on one day, by one file.

    `file` is sealed under the desk's key, since it names every account; it is made at the approval
    and stays the same for ever.
    """

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    currency = currency()
    pay_on = models.DateField(help_text="The day on which the bank is to pay.")
    minimum = money(default=0, help_text="Less than this is carried to a later run.")
    scheme = coded(PaymentScheme)
    account = models.ForeignKey(BankDetails, models.PROTECT, related_name="+")
    reference = models.CharField(max_length=35, unique=True)
    drawn_up_at = models.DateTimeField()
    drawn_up_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    digest = models.CharField(
        max_length=64, blank=True, help_text="Of what the approver saw: payees, amounts, accounts."
    )
    file = models.BinaryField(null=True, editable=False)
    file_sha256 = models.CharField("SHA-256 of the file", max_length=64, blank=True)

    is_approved: bool  # where `with_state` adds these
    is_cancelled: bool
    is_downloaded: bool
    has_open: bool
    named_by: ClassVar[tuple[str, ...]] = ("agency",)

    objects = PayoutRunQuerySet.as_manager()

    class Meta:
        constraints = [has_known_code("payout_scheme_is_known", "scheme", PaymentScheme)]
        triggers = [
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            pgtrigger.Protect(
                name="frozen_at_approval",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__file__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reference} ({self.currency})"

    @property
    def state(self) -> PayoutRunState:
        """How far it is; the caller loads it by `with_state`."""
        if self.is_cancelled:
            return PayoutRunState.CANCELLED
        if not self.is_approved:
            return PayoutRunState.DRAWN_UP
        if not self.has_open:
            return PayoutRunState.SETTLED
        return PayoutRunState.SENT if self.is_downloaded else PayoutRunState.APPROVED


class PayoutPaymentQuerySet(models.QuerySet["PayoutPayment"]):
    def live(self) -> Self:
        """Keep those whose money left what is payable and has not come back."""
        return self.filter(entry__isnull=False, entry__reversed_by=None)

    def in_transit(self) -> Self:
        """Keep live ones that no bank has booked."""
        return self.live().filter(~_took(PayoutStepKind.CONFIRMED))

    def planned(self) -> Self:
        """Keep those of runs that wait for approval, and that nothing holds."""
        return self.filter(run__in=PayoutRun.objects.waiting(), holds=[])

    def with_state(self) -> Self:
        """Annotate what `state` reads."""
        return self.annotate(
            is_confirmed=_took(PayoutStepKind.CONFIRMED),
            is_returned=_took(PayoutStepKind.RETURNED),
            is_cancelled=Exists(
                PayoutStep.objects.filter(run=OuterRef("run"), kind=PayoutStepKind.CANCELLED.value)
            ),
        ).select_related("entry__reversed_by")

    def visible_to(self, user: User) -> Self:
        """Return payments of the user's agencies, and those made to payees they speak for."""
        if user.is_superuser and user.is_active:
            return self
        return self.filter(
            Q(run__in=PayoutRun.objects.visible_to(user))
            | Q(beneficiary__in=Beneficiary.objects.spoken_for_by(user), entry__isnull=False)
        )


def _took(kind: PayoutStepKind) -> Exists:
    return Exists(PayoutStep.objects.filter(payment=OuterRef("pk"), kind=kind.value))


class PayoutPayment(models.Model):
    """What one payee gets by a run, or why nothing.

    `items` are what it pays: day of receipt, agreement and amount each. It is fixed by its entry,
    which takes the money from what is payable.
    """

    run = models.ForeignKey(PayoutRun, models.PROTECT, related_name="payments")
    beneficiary = models.ForeignKey(Beneficiary, models.PROTECT, related_name="+")
    currency = currency()
    payable = money(help_text="What was payable when the run was drawn up.")
    amount = money(help_text="What is paid.")
    pay_by = models.DateField(null=True, help_text="By law, for the oldest receipt in it.")
    rule = models.CharField(max_length=300, blank=True, help_text="The law that sets that day.")
    details = models.ForeignKey(BankDetails, models.PROTECT, null=True, related_name="+")
    holds = codes(PayoutHold, default=list, blank=True, verbose_name="why it is held")
    note = models.CharField(max_length=300, blank=True)
    items = models.JSONField(default=list)
    statements = models.ManyToManyField(Statement, blank=True, related_name="+")
    end_to_end = models.CharField(
        "reference", max_length=15, unique=True, help_text="Comes back on the bank’s statement."
    )
    entry = models.OneToOneField(
        JournalEntry, models.PROTECT, null=True, related_name="payout_payment"
    )

    is_confirmed: bool  # where `with_state` adds these
    is_returned: bool
    is_cancelled: bool
    named_by: ClassVar[tuple[str, ...]] = ("beneficiary",)

    objects = PayoutPaymentQuerySet.as_manager()

    class Meta:
        verbose_name = "payment"
        constraints = [
            models.UniqueConstraint(name="payout_payment_once", fields=["run", "beneficiary"]),
            models.CheckConstraint(
                name="payout_payment_of_what_is_payable",
                condition=Q(amount__lte=models.F("payable")),
                violation_error_message="No more is paid than was payable.",
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            pgtrigger.Protect(
                name="frozen_by_its_entry",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__entry__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        amount = locales.money(self.amount, self.currency, "en")
        return f"{self.beneficiary}: {amount}, {self.end_to_end}"

    @property
    def state(self) -> PayoutPaymentState:
        """How far it is; the caller loads it by `with_state`."""
        if self.is_cancelled:
            return PayoutPaymentState.CANCELLED
        if self.entry is None:
            return PayoutPaymentState.HELD if self.holds else PayoutPaymentState.PLANNED
        if self.is_returned:
            return PayoutPaymentState.RETURNED
        if hasattr(self.entry, "reversed_by"):
            return PayoutPaymentState.TAKEN_BACK
        return PayoutPaymentState.PAID if self.is_confirmed else PayoutPaymentState.IN_TRANSIT


class PayoutStepQuerySet(models.QuerySet["PayoutStep"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(run__in=PayoutRun.objects.visible_to(user))


class PayoutStep(models.Model):
    """What was done with a run, or with one payment of it, when and by whom."""

    run = models.ForeignKey(PayoutRun, models.PROTECT, related_name="steps")
    payment = models.ForeignKey(PayoutPayment, models.PROTECT, null=True, related_name="steps")
    kind = coded(PayoutStepKind)
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    line = models.ForeignKey(BankLine, models.PROTECT, null=True, related_name="+")
    entry = models.ForeignKey(JournalEntry, models.PROTECT, null=True, related_name="+")
    note = models.CharField(max_length=300, blank=True)

    objects = PayoutStepQuerySet.as_manager()

    class Meta:
        constraints = [
            has_known_code("payout_step_kind_is_known", "kind", PayoutStepKind),
            models.UniqueConstraint(
                name="payout_run_step_once",
                fields=["run", "kind"],
                condition=Q(
                    payment=None,
                    kind__in=[PayoutStepKind.APPROVED.value, PayoutStepKind.CANCELLED.value],
                ),
            ),
            models.UniqueConstraint(
                name="payout_payment_step_once",
                fields=["payment", "kind"],
                condition=Q(
                    kind__in=[PayoutStepKind.CONFIRMED.value, PayoutStepKind.RETURNED.value]
                ),
            ),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return str(self.get_kind_display())
