"""What is done about invoices that are paid late: interest claimed, letters, links to papers."""

from datetime import date, datetime
from typing import ClassVar, Self

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q

from licensing.models import Agreement, Licensee
from talent.models import Agency, User
from talent.models.columns import coded, currency, has_known_code, is_one_line, money
from talent.models.consent import APPEND_ONLY
from valuation.words import InterestOwner

from .invoices import Invoice
from .ledger import JournalEntry

HIGHEST_LEVEL = 3


class InterestTermsQuerySet(models.QuerySet["InterestTerms"]):
    def in_force(self, on: date) -> Self:
        """Keep those that two people said count on a day."""
        return self.filter(starts_on__lte=on, approved_at__isnull=False)

    def waiting(self) -> Self:
        """Keep those that wait for a second person."""
        return self.filter(approved_at=None)

    def visible_to(self, user: User) -> Self:
        return self.filter(agency__in=Agency.objects.visible_to(user))


class InterestTerms(models.Model):
    """Whose money interest on late payment is, for debts that are late from a day on.

    Of one agreement, or of all of an agency that have none of their own; by two people. Other terms
    are another row; of several the newest that has begun counts.
    """

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    agreement = models.ForeignKey(
        Agreement, models.PROTECT, null=True, blank=True, related_name="+",
        help_text="Left empty: all that have no terms of their own.",
    )  # fmt: skip
    starts_on = models.DateField("from", help_text="Debts that are late from this day on.")
    owner = coded(InterestOwner, verbose_name="whose it is")
    source = models.CharField(
        max_length=200, help_text="Where it is agreed, as in “Representation agreement, clause 7”."
    )
    written_at = models.DateTimeField(editable=False)
    written_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", editable=False
    )
    approved_at = models.DateTimeField(null=True, editable=False)
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", editable=False
    )

    named_by: ClassVar[tuple[str, ...]] = ("agency", "agreement")

    objects = InterestTermsQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "interest terms"
        permissions = [("approve_interestterms", "Can approve interest terms of somebody else")]
        constraints = [
            has_known_code("interest_owner_is_known", "owner", InterestOwner),
            is_one_line("interest_terms_source_is_a_line", "source"),
            models.CheckConstraint(
                name="interest_terms_by_two_people",
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
        return f"{self.agreement or self.agency}: {self.get_owner_display()}"


class LateInterestQuerySet(models.QuerySet["LateInterest"]):
    def standing(self) -> Self:
        """Keep claims that nobody took back."""
        return self.filter(taken_back_at=None)

    def visible_to(self, user: User) -> Self:
        return self.filter(invoice__in=Invoice.objects.visible_to(user))


class LateInterest(models.Model):
    """Interest on an invoice that somebody claimed until the end of a day, with how it came about.

    `amount` is what was not claimed before, `fixed` the sum that the law adds once. Both are owed
    like use. Whose the interest is, each agreement's terms say; the sum that the law adds for the
    trouble is the agency's own.
    """

    invoice = models.ForeignKey(Invoice, models.PROTECT, related_name="interest")
    until = models.DateField("until the end of")
    amount = money()
    fixed = money(default=0)
    currency = currency()
    content = models.JSONField(help_text="By stretches of days: what was owed, at which rate.")
    entry = models.OneToOneField(JournalEntry, models.PROTECT, related_name="+")
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    taken_back_at = models.DateTimeField(null=True)
    taken_back_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    reason = models.CharField(max_length=300, blank=True)

    named_by: ClassVar[tuple[str, ...]] = ("invoice",)

    objects = LateInterestQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "late-payment interest"
        constraints = [
            models.CheckConstraint(
                name="late_interest_claims_something",
                condition=Q(amount__gte=0, fixed__gte=0) & ~Q(amount=0, fixed=0),
            )
        ]
        triggers = [
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            pgtrigger.Protect(
                name="frozen_once_taken_back",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__taken_back_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.invoice}, {self.until}"


class DunningLetterQuerySet(models.QuerySet["DunningLetter"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(agency__in=Agency.objects.visible_to(user))


class DunningLetter(models.Model):
    """A letter to a licensee about what is late: a reminder, a second one, or the last.

    It lists what is overdue and not disputed, as it stood on its day, and never changes.
    """

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    licensee = models.ForeignKey(Licensee, models.PROTECT, related_name="+")
    currency = currency()
    level = models.PositiveSmallIntegerField()
    on = models.DateField("as of")
    total = money(verbose_name="asked for")
    content = models.JSONField(help_text="All that the letter shows, as it was.")
    invoices = models.ManyToManyField(Invoice, related_name="letters")
    pdf = models.FileField("PDF", upload_to="invoices/%Y/", blank=True)
    pdf_sha256 = models.CharField("SHA-256 of the PDF", max_length=64, blank=True)
    at = models.DateTimeField("written at")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="written by"
    )
    mailed_to = models.EmailField(blank=True)

    named_by: ClassVar[tuple[str, ...]] = ("agency", "licensee")

    objects = DunningLetterQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="dunning_letter_has_a_level",
                condition=Q(level__gte=1, level__lte=HIGHEST_LEVEL),
            )
        ]
        indexes = [
            # Which letter is next: the newest to a licensee.
            models.Index(name="dunning_letter_of", fields=["agency", "licensee", "currency"])
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"{self.licensee}, {self.on}, {self.currency}"


class PaperLinkQuerySet(models.QuerySet["PaperLink"]):
    def good(self, at: datetime) -> Self:
        return self.filter(expires_at__gt=at)

    def visible_to(self, user: User) -> Self:
        return self.filter(agency__in=Agency.objects.visible_to(user))


class PaperLink(models.Model):
    """A link that was mailed to a licensee, who has no account: to one paper, for some days.

    Its secret is kept as a digest.
    """

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    invoice = models.ForeignKey(Invoice, models.PROTECT, null=True, related_name="links")
    letter = models.ForeignKey(DunningLetter, models.PROTECT, null=True, related_name="links")
    sent_to = models.EmailField()
    secret_sha256 = models.CharField("SHA-256 of the secret", max_length=64, unique=True)
    sent_at = models.DateTimeField()
    sent_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    expires_at = models.DateTimeField()

    named_by: ClassVar[tuple[str, ...]] = ("agency", "invoice", "letter")

    objects = PaperLinkQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="paper_link_opens_one_paper",
                condition=Q(invoice__isnull=False, letter=None)
                | Q(invoice=None, letter__isnull=False),
            )
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"{self.invoice or self.letter}, {self.sent_to}"
