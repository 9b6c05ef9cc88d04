"""Self-billing: with whom it is agreed that the buyer writes the supplier's invoices, and how."""

from datetime import date, timedelta
from typing import ClassVar, Self

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Coalesce

from licensing.models import Licensee
from talent.models import Agency, Beneficiary, User
from talent.models.columns import coded, has_known_code, is_one_line
from talent.models.consent import APPEND_ONLY
from talent.models.names import day
from valuation.words import SelfBillingState, SelfBillingStepKind, TaxCategory

# So long before an agreement ends, the desk asks for another one.
RUNS_OUT_WITHIN = timedelta(days=60)


class SelfBillingAgreementQuerySet(models.QuerySet["SelfBillingAgreement"]):
    def with_state(self) -> Self:
        """Annotate what `state` reads: which steps were taken."""
        return self.annotate(**{f"is_{kind.value}": _took(kind) for kind in SelfBillingStepKind})

    def waiting(self) -> Self:
        """Keep those that nobody has approved or rejected."""
        return self.filter(~Exists(SelfBillingStep.objects.filter(agreement=OuterRef("pk"))))

    def approved(self) -> Self:
        return self.filter(_took(SelfBillingStepKind.APPROVED))

    def in_force(self, on: date) -> Self:
        """Keep those that are approved, have begun, and were neither withdrawn nor ended."""
        withdrawn = SelfBillingStep.objects.filter(
            agreement=OuterRef("pk"), kind=SelfBillingStepKind.WITHDRAWN.value, on__lte=on
        )
        return self.filter(
            _took(SelfBillingStepKind.APPROVED), ~Exists(withdrawn),
            starts_on__lte=on, ends_on__gt=on,
        )  # fmt: skip

    def running_out(self, on: date) -> Self:
        """Keep those in force that end soon, and that no later one of the same parties follows."""
        later = SelfBillingAgreement.objects.alias(buyer=Coalesce("licensee", 0)).filter(
            ~_took(SelfBillingStepKind.REJECTED),
            ~_took(SelfBillingStepKind.TAKEN_BACK),
            ~_took(SelfBillingStepKind.WITHDRAWN),
            buyer=Coalesce(OuterRef("licensee"), 0),
            agency=OuterRef("agency"),
            beneficiary=OuterRef("beneficiary"),
            ends_on__gt=OuterRef("ends_on"),
        )
        return self.in_force(on).filter(~Exists(later), ends_on__lte=on + RUNS_OUT_WITHIN)

    def visible_to(self, user: User) -> Self:
        """Return those of the user's agencies, and of payees whose money they may see."""
        if user.is_superuser and user.is_active:
            return self
        return self.filter(
            Q(agency__in=Agency.objects.visible_to(user))
            | Q(beneficiary__in=Beneficiary.objects.spoken_for_by(user))
        )


class SelfBillingAgreement(models.Model):
    """That a buyer writes a payee's invoices, on paper, from a day to before another.

    The buyer is a licensee, or the agency itself where it buys what it licenses on. Other terms
    are another row; of several in force the newest counts. A number that changes is one.
    """

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    licensee = models.ForeignKey(
        Licensee,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="buyer",
        help_text="The studio that writes the invoices. Left empty: the agency buys, and writes.",
    )
    beneficiary = models.ForeignKey(
        Beneficiary, models.PROTECT, related_name="+", verbose_name="supplier"
    )
    starts_on = models.DateField("from")
    ends_on = models.DateField(
        "until before",
        help_text="The first day on which it counts no more. Twelve months are usual.",
    )
    tax_category = coded(TaxCategory, help_text="How the supplier’s work is taxed.")
    vat_number = models.CharField(
        "supplier’s VAT number", max_length=20, blank=True, help_text="With its country’s letters."
    )
    tax_reason = models.CharField(
        max_length=200, blank=True, help_text="Why no tax is charged, as it stands on the invoice."
    )
    source = models.CharField(
        max_length=200, help_text="The signed paper, as in “Self-billing agreement of 3 May 2026”."
    )
    written_at = models.DateTimeField(editable=False)
    written_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", editable=False
    )

    is_approved: bool  # where `with_state` adds these
    is_rejected: bool
    is_taken_back: bool
    is_withdrawn: bool
    named_by: ClassVar[tuple[str, ...]] = ("agency", "licensee", "beneficiary")

    objects = SelfBillingAgreementQuerySet.as_manager()

    class Meta:
        verbose_name = "self-billing agreement"
        constraints = [
            has_known_code("self_billing_tax_is_known", "tax_category", TaxCategory),
            models.CheckConstraint(
                name="self_billing_ends_after_it_begins",
                condition=Q(ends_on__gt=F("starts_on")),
                violation_error_message="It ends after it begins.",
            ),
            models.CheckConstraint(
                name="self_billing_taxed_with_number",
                condition=~Q(tax_category=TaxCategory.STANDARD.value) | ~Q(vat_number=""),
                violation_error_message="Who charges tax has a VAT number.",
            ),
            models.CheckConstraint(
                name="self_billing_untaxed_with_reason",
                condition=Q(tax_category__in=[TaxCategory.STANDARD.value, TaxCategory.ZERO.value])
                | ~Q(tax_reason=""),
                violation_error_message="Say why no tax is charged: it stands on the invoice.",
            ),
            is_one_line("self_billing_source_is_a_line", "source"),
            is_one_line("self_billing_reason_is_a_line", "tax_reason"),
        ]
        indexes = [
            # Drawing and issuing a statement: what is agreed with its payee.
            models.Index(name="self_billing_of", fields=["agency", "beneficiary"])
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"{self.licensee or self.agency} for {self.beneficiary}, {day(self.starts_on)}"

    @property
    def state(self) -> SelfBillingState:
        """How far it is; the caller loads it by `with_state`."""
        for kind in (SelfBillingState.WITHDRAWN, SelfBillingState.APPROVED,
                     SelfBillingState.REJECTED, SelfBillingState.TAKEN_BACK):  # fmt: skip
            if getattr(self, f"is_{kind.value}"):
                return kind
        return SelfBillingState.WAITING


def _took(kind: SelfBillingStepKind) -> Exists:
    return Exists(SelfBillingStep.objects.filter(agreement=OuterRef("pk"), kind=kind.value))


class SelfBillingStepQuerySet(models.QuerySet["SelfBillingStep"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(agreement__in=SelfBillingAgreement.objects.visible_to(user))


class SelfBillingStep(models.Model):
    """What was done about a self-billing agreement, each once. `on` is when a withdrawal counts."""

    agreement = models.ForeignKey(SelfBillingAgreement, models.PROTECT, related_name="steps")
    kind = coded(SelfBillingStepKind)
    at = models.DateTimeField()
    on = models.DateField(null=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    note = models.CharField(max_length=300, blank=True)

    objects = SelfBillingStepQuerySet.as_manager()

    class Meta:
        verbose_name = "self-billing step"
        constraints = [
            has_known_code("self_billing_step_kind_is_known", "kind", SelfBillingStepKind),
            models.UniqueConstraint(name="self_billing_step_once", fields=["agreement", "kind"]),
            models.CheckConstraint(
                name="self_billing_withdrawn_on_a_day",
                condition=Q(kind=SelfBillingStepKind.WITHDRAWN.value, on__isnull=False)
                | (~Q(kind=SelfBillingStepKind.WITHDRAWN.value) & Q(on=None)),
            ),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return str(self.get_kind_display())
