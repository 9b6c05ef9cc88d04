"""Opening balances: what an agency's old system said when the desk took over, by two people."""

from typing import ClassVar, Self

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q

from licensing.models import Agreement, Licensee
from talent import locales
from talent.models import Agency, Beneficiary, User
from talent.models.columns import coded, currency, has_known_code, is_one_line, money
from talent.models.consent import APPEND_ONLY
from talent.models.names import day
from valuation.words import OpeningKind, OpeningOutcome

from .ledger import JournalEntry

OF_A_PAYEE = [
    kind.value
    for kind in (
        OpeningKind.PAYABLE, OpeningKind.ACCRUED, OpeningKind.ADVANCES, OpeningKind.RESERVE,
    )
]  # fmt: skip
# What money moves later by an agreement's terms.
OF_AN_AGREEMENT = [
    kind.value for kind in (OpeningKind.ACCRUED, OpeningKind.ADVANCES, OpeningKind.RECEIVABLE)
]


class OpeningQuerySet(models.QuerySet["Opening"]):
    def waiting(self) -> Self:
        """Keep those that nobody has approved or rejected."""
        return self.filter(decision=None)

    def visible_to(self, user: User) -> Self:
        return self.filter(agency__in=Agency.objects.visible_to(user))


class Opening(models.Model):
    """Balances taken over from an old system as of the beginning of a day, entered together."""

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    on = models.DateField("as of", help_text="The balances are those with which this day begins.")
    source = models.CharField(max_length=200, help_text="The old system, and its report.")
    file_sha256 = models.CharField("SHA-256 of the file", max_length=64, blank=True)
    written_at = models.DateTimeField()
    written_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    objects = OpeningQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "opening balances"
        constraints = [is_one_line("opening_source_is_a_line", "source")]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"{self.source}, {day(self.on)}"


class OpeningBalanceQuerySet(models.QuerySet["OpeningBalance"]):
    def standing(self) -> Self:
        """Keep those that were posted and not reversed since."""
        return self.filter(entry__isnull=False, entry__reversed_by=None)

    def visible_to(self, user: User) -> Self:
        return self.filter(opening__in=Opening.objects.visible_to(user))


class OpeningBalance(models.Model):
    """One balance of an old system: of a payee, of a licensee, or of the client account.

    Each is above zero, but for what a payee owes back. Its entry is made when somebody else
    approves it. What is owed and earned names the agreement by whose terms it is received, an
    advance the one whose money pays it back, a reserve the day on which it becomes payable.
    """

    opening = models.ForeignKey(Opening, models.PROTECT, related_name="balances")
    kind = coded(OpeningKind)
    beneficiary = models.ForeignKey(
        Beneficiary, models.PROTECT, null=True, blank=True, related_name="+"
    )
    licensee = models.ForeignKey(Licensee, models.PROTECT, null=True, blank=True, related_name="+")
    agreement = models.ForeignKey(Agreement, models.PROTECT, null=True, related_name="+")
    until = models.DateField(null=True, help_text="The day on which a reserve becomes payable.")
    amount = money()
    currency = currency()
    entry = models.OneToOneField(
        JournalEntry, models.PROTECT, null=True, related_name="opening_balance"
    )

    named_by: ClassVar[tuple[str, ...]] = ("beneficiary", "licensee", "agreement")

    objects = OpeningBalanceQuerySet.as_manager()

    class Meta:
        constraints = [
            has_known_code("opening_balance_kind_is_known", "kind", OpeningKind),
            models.UniqueConstraint(
                name="opening_balance_once",
                fields=[
                    "opening",
                    "kind",
                    "beneficiary",
                    "licensee",
                    "agreement",
                    "until",
                    "currency",
                ],
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                name="opening_balance_of_its_party",
                condition=Q(kind__in=OF_A_PAYEE, beneficiary__isnull=False, licensee=None)
                | Q(kind="receivable", beneficiary=None, licensee__isnull=False)
                | Q(kind="trust_cash", beneficiary=None, licensee=None),
            ),
            models.CheckConstraint(
                name="opening_balance_of_its_terms",
                condition=Q(agreement=None) | Q(kind__in=OF_AN_AGREEMENT),
            ),
            models.CheckConstraint(
                name="opening_balance_until_a_day", condition=Q(until=None) | Q(kind="reserve")
            ),
            models.CheckConstraint(
                name="opening_balance_is_positive",
                condition=Q(amount__gt=0) | Q(amount__lt=0, kind="payable"),
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
        told = [self.beneficiary or self.licensee, self.agreement, amount]
        told += [f"until {day(self.until)}"] if self.until else []
        return f"{self.get_kind_display()}: {', '.join(str(one) for one in told if one)}"


class OpeningDecisionQuerySet(models.QuerySet["OpeningDecision"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(opening__in=Opening.objects.visible_to(user))


class OpeningDecision(models.Model):
    """What a second person said of opening balances, when and why."""

    opening = models.OneToOneField(
        Opening, models.PROTECT, primary_key=True, related_name="decision"
    )
    outcome = coded(OpeningOutcome)
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    note = models.CharField(max_length=300, blank=True)

    objects = OpeningDecisionQuerySet.as_manager()

    class Meta:
        constraints = [has_known_code("opening_outcome_is_known", "outcome", OpeningOutcome)]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return str(self.get_outcome_display())
