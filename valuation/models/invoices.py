"""Invoices: what an agency asks its licensees to pay, by whose terms, and the steps to issue."""

from typing import ClassVar, Self

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Exists, F, OuterRef, Q

from licensing.models import Agreement, ApiKey, Licensee
from talent.models import Agency, Beneficiary, User
from talent.models.columns import coded, country, currency, has_known_code, is_one_line, money
from talent.models.columns import quantity as quantity_of
from talent.models.consent import APPEND_ONLY
from talent.models.names import day
from valuation.words import (
    EInvoiceFormat,
    InvoiceKind,
    InvoiceLineKind,
    InvoiceState,
    InvoiceStepKind,
    TaxCategory,
)

from .residuals import Reading

MOST_DAYS = 365
CLAIMS = [InvoiceKind.INVOICE.value, InvoiceKind.CREDIT_NOTE.value]

# An issued invoice gets its paper once, and nothing else; its number is spent for good.
FROZEN_AT_ISSUE = """
    IF OLD.number IS NOT NULL AND (
        OLD.pdf <> '' OR
        to_jsonb(NEW) - 'pdf' - 'pdf_sha256' <> to_jsonb(OLD) - 'pdf' - 'pdf_sha256'
    ) THEN
        RAISE EXCEPTION 'an issued invoice does not change' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
"""
LINES_BEFORE_ISSUE = """
    IF EXISTS (
        SELECT 1 FROM valuation_invoice WHERE id = NEW.invoice_id AND number IS NOT NULL
    ) THEN
        RAISE EXCEPTION 'an issued invoice does not change' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
"""


class PaymentTermsQuerySet(models.QuerySet["PaymentTerms"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(agency__in=Agency.objects.visible_to(user))


class PaymentTerms(models.Model):
    """By when a licensee pays an agency's invoices from a day on; other terms are another row.

    Of several the newest that has begun counts. An agreement with terms of its own is invoiced on
    invoices of its own.
    """

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    licensee = models.ForeignKey(Licensee, models.PROTECT, related_name="+")
    agreement = models.ForeignKey(
        Agreement,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Left empty: all of the licensee’s that have no terms of their own.",
    )
    starts_on = models.DateField("from", help_text="Invoices drawn up from this day on.")
    days = models.PositiveSmallIntegerField(help_text="Days after the invoice is issued.")
    end_of_month = models.BooleanField(
        default=False, help_text="Due on the last day of the month in which these days run out."
    )
    interest_percent = models.DecimalField(
        "interest when late",
        max_digits=6,
        decimal_places=3,
        null=True,
        blank=True,
        help_text="In percent a year, as agreed. Empty: what the law of the place says.",
    )
    mails_invoices = models.BooleanField(
        "mail invoices as they are issued",
        default=False,
        db_default=False,
        help_text="A link goes to the licensee’s billing address, unless who issues it says no.",
    )
    source = models.CharField(
        max_length=200, help_text="Where it is agreed, as in “Agreement, clause 9”."
    )
    written_at = models.DateTimeField(editable=False)
    written_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", editable=False
    )

    named_by: ClassVar[tuple[str, ...]] = ("agency", "licensee", "agreement")

    objects = PaymentTermsQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "payment terms"
        constraints = [
            models.CheckConstraint(
                name="payment_terms_within_a_year",
                condition=Q(days__lte=MOST_DAYS),
                violation_error_message="Nobody waits longer than a year for an invoice.",
            ),
            models.CheckConstraint(
                name="payment_terms_interest_is_a_part",
                condition=Q(interest_percent=None)
                | Q(interest_percent__gte=0, interest_percent__lte=100),
                violation_error_message="Interest is between 0 and 100 percent a year.",
            ),
            is_one_line("payment_terms_source_is_a_line", "source"),
        ]
        indexes = [models.Index(name="payment_terms_of", fields=["agency", "licensee"])]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        month = ", end of month" if self.end_of_month else ""
        return f"{self.agreement or self.licensee}: {self.days} days{month}, {day(self.starts_on)}"


class BillingDetailsQuerySet(models.QuerySet["BillingDetails"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(agency__in=Agency.objects.visible_to(user))


class BillingDetails(models.Model):
    """Who a party to an agency's invoices is from a day on, and how it is taxed.

    Without a licensee or payee it is the agency itself. Of several the newest that has begun
    counts.
    """

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    licensee = models.ForeignKey(Licensee, models.PROTECT, null=True, blank=True, related_name="+")
    beneficiary = models.ForeignKey(
        Beneficiary,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="payee",
        help_text="Licensee and payee left empty: the agency itself.",
    )
    starts_on = models.DateField("from", help_text="Invoices drawn up from this day on.")
    name = models.CharField(max_length=200, help_text="As registered.")
    street = models.CharField(max_length=200, blank=True)
    postcode = models.CharField(max_length=20, blank=True)
    town = models.CharField(max_length=100, blank=True)
    country = country()
    vat_number = models.CharField(
        "VAT number", max_length=20, blank=True, help_text="With its country’s letters."
    )
    registration = models.CharField(
        max_length=40, blank=True, help_text="In a company or tax register, without VAT."
    )
    electronic_scheme = models.CharField(
        max_length=4, blank=True, help_text="As in 0088 (GLN), 9930 (German VAT number), EM (mail)."
    )
    electronic_address = models.CharField(max_length=200, blank=True)
    buyer_reference = models.CharField(
        max_length=100, blank=True, help_text="What they want named, as a routing or order number."
    )
    tax_category = coded(
        TaxCategory, default=TaxCategory.OUTSIDE.value, help_text="Of what is invoiced to them."
    )
    tax_percent = models.DecimalField(max_digits=6, decimal_places=3, default=0)
    tax_reason = models.CharField(
        max_length=200, blank=True, help_text="Why no tax is charged, as it stands on the invoice."
    )
    source = models.CharField(
        max_length=200, help_text="Where this is known from, as in “Their order of 3 May 2026”."
    )
    format = coded(
        EInvoiceFormat, default=EInvoiceFormat.NONE.value, help_text="What they take beside PDF."
    )
    written_at = models.DateTimeField(editable=False)
    written_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", editable=False
    )

    named_by: ClassVar[tuple[str, ...]] = ("agency", "licensee", "beneficiary")

    objects = BillingDetailsQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "billing details"
        constraints = [
            models.CheckConstraint(
                name="billing_details_of_one_party",
                condition=Q(licensee=None) | Q(beneficiary=None),
                violation_error_message="Name a licensee or a payee, not both.",
            ),
            has_known_code("billing_details_tax_is_known", "tax_category", TaxCategory),
            has_known_code("billing_details_format_is_known", "format", EInvoiceFormat),
            models.CheckConstraint(
                name="billing_details_tax_is_a_part",
                condition=Q(
                    tax_category=TaxCategory.STANDARD.value, tax_percent__gt=0, tax_percent__lt=100
                )
                | (~Q(tax_category=TaxCategory.STANDARD.value) & Q(tax_percent=0)),
                violation_error_message="Tax at the usual rate has a rate; any other has none.",
            ),
            models.CheckConstraint(
                name="billing_details_untaxed_with_reason",
                condition=Q(tax_category__in=[TaxCategory.STANDARD.value, TaxCategory.ZERO.value])
                | ~Q(tax_reason=""),
                violation_error_message="Say why no tax is charged: it stands on the invoice.",
            ),
            is_one_line("billing_details_name_is_a_line", "name"),
            is_one_line("billing_details_reference_is_a_line", "buyer_reference"),
        ]
        indexes = [models.Index(name="billing_details_of", fields=["agency", "licensee"])]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"{self.licensee or self.beneficiary or self.agency}: {self.name}"


class InvoiceQuerySet(models.QuerySet["Invoice"]):
    def with_state(self) -> Self:
        """Annotate what `state` reads: which steps were taken."""
        return self.annotate(**{f"is_{kind.value}": _took(kind) for kind in InvoiceStepKind})

    def live(self) -> Self:
        """Keep those that nobody discarded: what they take, no other takes."""
        return self.filter(~_took(InvoiceStepKind.DISCARDED))

    def issued(self) -> Self:
        return self.filter(number__isnull=False)

    def claims(self) -> Self:
        """Keep what the agency asks of licensees, and what it credits to them."""
        return self.filter(kind__in=CLAIMS)

    def waiting(self) -> Self:
        """Keep those that wait for approval."""
        return self.live().filter(~_took(InvoiceStepKind.APPROVED))

    def visible_to(self, user: User) -> Self:
        """Return invoices of the user's agencies, and issued ones of payees they speak for."""
        if user.is_superuser and user.is_active:
            return self
        return self.filter(
            Q(agency__in=Agency.objects.visible_to(user))
            | Q(beneficiary__in=Beneficiary.objects.spoken_for_by(user), number__isnull=False)
        )

    def by_studios(self) -> Self:
        """Keep the invoices of payees that studios write themselves; the desk has their data."""
        return self.filter(licensee__isnull=False, beneficiary__isnull=False)


def _took(kind: InvoiceStepKind) -> Exists:
    return Exists(InvoiceStep.objects.filter(invoice=OuterRef("pk"), kind=kind.value))


class Invoice(models.Model):
    """What an agency asks of a licensee, or of a payee for its commission, in one currency.

    A self-billed one is a payee's, written by who buys: by the agency, with a statement, or by a
    licensee.

    Its lines are what was posted by the end of `through` and stands on no other invoice. What is
    posted later stands on the next one: nothing of an issued invoice ever changes.
    """

    kind = coded(InvoiceKind)
    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    licensee = models.ForeignKey(Licensee, models.PROTECT, null=True, related_name="+")
    beneficiary = models.ForeignKey(
        Beneficiary, models.PROTECT, null=True, related_name="+", verbose_name="payee"
    )
    agreement = models.ForeignKey(
        Agreement,
        models.PROTECT,
        null=True,
        related_name="+",
        help_text="The only one in it, where it has payment terms of its own.",
    )
    statement = models.OneToOneField(
        "Statement",
        models.PROTECT,
        null=True,
        related_name="self_billed",
        help_text="The one that it stands in, where the agency is the buyer.",
    )
    currency = currency()
    through = models.DateField("posted until the end of")
    net = money()
    tax = money()
    total = money(verbose_name="to be paid")
    drawn_up_at = models.DateTimeField()
    drawn_up_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    content = models.JSONField(help_text="All that the document shows, as it was.")
    number = models.CharField(max_length=40, null=True)  # noqa: DJ001 (null: draft)
    issued_on = models.DateField(null=True)
    due_on = models.DateField(null=True, help_text="By its terms. A credit note has none.")
    pdf = models.FileField("PDF", upload_to="invoices/%Y/", blank=True)
    pdf_sha256 = models.CharField("SHA-256 of the PDF", max_length=64, blank=True)

    is_approved: bool  # where `with_state` adds these
    is_issued: bool
    is_discarded: bool
    named_by: ClassVar[tuple[str, ...]] = ("agency", "licensee", "beneficiary")

    objects = InvoiceQuerySet.as_manager()

    class Meta:
        constraints = [
            has_known_code("invoice_kind_is_known", "kind", InvoiceKind),
            models.CheckConstraint(
                name="invoice_to_one_party",
                condition=Q(licensee__isnull=False, beneficiary=None)
                | Q(licensee=None, beneficiary__isnull=False)
                | Q(
                    kind__in=[InvoiceKind.SELF_BILLED.value, InvoiceKind.SELF_BILLED_CREDIT.value],
                    licensee__isnull=False,
                    beneficiary__isnull=False,
                ),
            ),
            models.CheckConstraint(
                name="invoice_adds_up",
                condition=Q(total=F("net") + F("tax")),
                violation_error_message="Net and tax make the total.",
            ),
            # A studio numbers what it writes itself: two studios may give the same one.
            models.UniqueConstraint(
                name="invoice_numbers_are_given_once",
                fields=["number"],
                condition=Q(licensee=None) | Q(beneficiary=None),
            ),
            models.CheckConstraint(
                name="invoice_issued_with_number_and_day",
                condition=Q(number=None, issued_on=None, due_on=None)
                | Q(number__isnull=False, issued_on__isnull=False),
            ),
        ]
        indexes = [
            # Ageing: what was issued to whom by a day.
            models.Index(name="invoice_by_licensee", fields=["agency", "licensee", "currency"])
        ]
        triggers = [
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            pgtrigger.Trigger(
                name="frozen_at_issue",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                func=FROZEN_AT_ISSUE,
            ),
        ]

    def __str__(self) -> str:
        if self.number:
            return self.number
        return f"Draft for {self.licensee or self.beneficiary}, {day(self.through)}"

    @property
    def is_by_studio(self) -> bool:
        """Whether a studio writes it: the document and its number are theirs."""
        return self.licensee_id is not None and self.beneficiary_id is not None

    @property
    def state(self) -> InvoiceState:
        """How far it is; the caller loads it by `with_state`."""
        if self.is_discarded:
            return InvoiceState.DISCARDED
        if self.number:
            return InvoiceState.ISSUED
        return InvoiceState.APPROVED if self.is_approved else InvoiceState.DRAFT


class InvoiceLineQuerySet(models.QuerySet["InvoiceLine"]):
    def live(self) -> Self:
        return self.filter(invoice__in=Invoice.objects.live())

    def visible_to(self, user: User) -> Self:
        return self.filter(invoice__in=Invoice.objects.visible_to(user))


class InvoiceLine(models.Model):
    """What an invoice asks for one reading: what is posted for it, less what was invoiced before.

    Lines of tax come when the invoice is issued, one for each agreement, with a reading of their
    own, so that money pays tax as it pays use.
    """

    invoice = models.ForeignKey(Invoice, models.PROTECT, related_name="lines")
    position = models.PositiveIntegerField()
    kind = coded(InvoiceLineKind)
    agreement = models.ForeignKey(Agreement, models.PROTECT, null=True, related_name="+")
    reading = models.ForeignKey(Reading, models.PROTECT, null=True, related_name="+")
    payees_reading = models.ForeignKey(
        Reading,
        models.PROTECT,
        null=True,
        related_name="+",
        help_text="Of an invoice that a studio writes: the reading whose part of the payee it is.",
    )
    corrects = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        related_name="corrected_by",
        help_text="The line of an earlier invoice that was about the same.",
    )
    label = models.CharField(max_length=300)
    period_on = models.DateField()
    period_ends_on = models.DateField(help_text="The first day after the period.")
    quantity = quantity_of(null=True, help_text="How much more was used than was invoiced before.")
    amount = money()
    currency = currency()
    tax_category = coded(TaxCategory)
    tax_percent = models.DecimalField(max_digits=6, decimal_places=3, default=0)

    named_by: ClassVar[tuple[str, ...]] = ("invoice", "agreement")

    objects = InvoiceLineQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="invoice_line_positions_count_up", fields=["invoice", "position"]
            ),
            models.UniqueConstraint(
                name="invoice_line_once",
                fields=["invoice", "reading", "kind"],
                condition=Q(reading__isnull=False),
            ),
            has_known_code("invoice_line_kind_is_known", "kind", InvoiceLineKind),
            has_known_code("invoice_line_tax_is_known", "tax_category", TaxCategory),
        ]
        triggers = [
            pgtrigger.Protect(name="append_only", operation=APPEND_ONLY),
            pgtrigger.Trigger(
                name="before_issue",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func=LINES_BEFORE_ISSUE,
            ),
        ]

    def __str__(self) -> str:
        return self.label


class InvoiceStepQuerySet(models.QuerySet["InvoiceStep"]):
    def visible_to(self, user: User) -> Self:
        """Return steps on invoices of the user's agencies: their remarks are for staff."""
        return self.filter(invoice__agency__in=Agency.objects.visible_to(user))


class InvoiceStep(models.Model):
    """A step that an invoice has taken, once each. `digest` is of what its taker saw."""

    invoice = models.ForeignKey(Invoice, models.PROTECT, related_name="steps")
    kind = coded(InvoiceStepKind)
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    by_key = models.ForeignKey(
        ApiKey,
        models.PROTECT,
        null=True,
        related_name="+",
        verbose_name="by the studio’s key",
        help_text="Where a studio’s program told its number.",
    )
    digest = models.CharField(max_length=64, blank=True)
    note = models.CharField(max_length=300, blank=True)
    mail_to = models.EmailField(
        blank=True,
        default="",
        db_default="",
        help_text="Of the issue: where a link to the document goes once it is drawn.",
    )

    objects = InvoiceStepQuerySet.as_manager()

    class Meta:
        constraints = [
            has_known_code("invoice_step_kind_is_known", "kind", InvoiceStepKind),
            models.UniqueConstraint(name="invoice_step_once", fields=["invoice", "kind"]),
            models.CheckConstraint(
                name="invoice_step_by_person_or_key",
                condition=Q(by=None) ^ Q(by_key=None),
            ),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return str(self.get_kind_display())
