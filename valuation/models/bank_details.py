"""Where money is paid to: accounts of payees and of agencies, encrypted, approved by two people."""

from typing import ClassVar, Self

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q

from talent.models import Agency, Beneficiary, User
from talent.models.columns import coded, currency, has_known_code, is_one_line
from talent.models.consent import APPEND_ONLY
from valuation.words import BankDetailsOutcome


class BankDetailsQuerySet(models.QuerySet["BankDetails"]):
    def waiting(self) -> Self:
        """Keep those that nobody has approved or rejected."""
        return self.filter(decision=None)

    def approved(self) -> Self:
        return self.filter(decision__outcome=BankDetailsOutcome.APPROVED.value)

    def visible_to(self, user: User) -> Self:
        """Return those of the user's agencies, and of payees whose money they may see."""
        if user.is_superuser and user.is_active:
            return self
        return self.filter(
            Q(agency__in=Agency.objects.visible_to(user))
            | Q(beneficiary__in=Beneficiary.objects.spoken_for_by(user))
        )


class BankDetails(models.Model):
    """The account on which an agency pays somebody in one currency; other ones are another row.

    Without a beneficiary it is the agency's own client account, from which it pays. `sealed` is
    the account itself, encrypted under the desk's key; `masked` is what people read of it.
    """

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    beneficiary = models.ForeignKey(
        Beneficiary,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Left empty: the agency’s own client account, from which it pays.",
    )
    currency = currency()
    holder = models.CharField(max_length=70, help_text="As the bank writes it.")
    masked = models.CharField("account", max_length=64, editable=False)
    sealed = models.BinaryField(editable=False)
    written_at = models.DateTimeField(editable=False)
    written_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", editable=False
    )

    named_by: ClassVar[tuple[str, ...]] = ("agency", "beneficiary")

    objects = BankDetailsQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "bank details"
        constraints = [is_one_line("bank_details_holder_is_a_line", "holder")]
        indexes = [
            models.Index(name="bank_details_of_payee", fields=["agency", "currency", "beneficiary"])
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"{self.beneficiary or self.agency} ({self.currency}): {self.masked}"


class BankDetailsDecisionQuerySet(models.QuerySet["BankDetailsDecision"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(details__in=BankDetails.objects.visible_to(user))


class BankDetailsDecision(models.Model):
    """What a second person said of bank details, when and why."""

    details = models.OneToOneField(
        BankDetails, models.PROTECT, primary_key=True, related_name="decision"
    )
    outcome = coded(BankDetailsOutcome)
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    note = models.CharField(max_length=300, blank=True)

    objects = BankDetailsDecisionQuerySet.as_manager()

    class Meta:
        constraints = [
            has_known_code("bank_details_outcome_is_known", "outcome", BankDetailsOutcome)
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return str(self.get_outcome_display())
