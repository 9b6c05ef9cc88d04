"""The ledger: accounts, balanced entries, remittances and what they were matched to."""

from decimal import Decimal
from typing import ClassVar, Self

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q, Sum, Value
from django.db.models.functions import Coalesce

from licensing.models import Agreement, Licensee
from talent import locales
from talent.models import Agency, Beneficiary, User
from talent.models.columns import coded, currency, has_known_code, is_one_line, money
from talent.models.consent import APPEND_ONLY
from valuation.words import AccountKind, EntryKind

from .residuals import NightRun, Reading


class AccountQuerySet(models.QuerySet["Account"]):
    def with_balances(self) -> Self:
        """Adds `balance`: debits above zero, credits below."""
        return self.annotate(balance=Sum("postings__amount"))

    def visible_to(self, user: User) -> Self:
        return self.filter(agency__in=Agency.objects.visible_to(user))


class Account(models.Model):
    """What one agency holds of one kind with one party in one currency."""

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    kind = coded(AccountKind)
    licensee = models.ForeignKey(Licensee, models.PROTECT, null=True, blank=True, related_name="+")
    beneficiary = models.ForeignKey(
        Beneficiary, models.PROTECT, null=True, blank=True, related_name="+"
    )
    currency = currency()

    named_by: ClassVar[tuple[str, ...]] = ("agency", "licensee", "beneficiary")

    objects = AccountQuerySet.as_manager()

    class Meta:
        constraints = [
            has_known_code("account_kind_is_known", "kind", AccountKind),
            models.UniqueConstraint(
                name="account_once",
                fields=["agency", "kind", "licensee", "beneficiary", "currency"],
                nulls_distinct=False,
            ),
        ]

    def __str__(self) -> str:
        whose = self.licensee or self.beneficiary or self.agency
        return f"{whose}: {self.get_kind_display()} ({self.currency})"


class JournalEntryQuerySet(models.QuerySet["JournalEntry"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(agency__in=Agency.objects.visible_to(user))


class JournalEntry(models.Model):
    """A balanced set of postings. A mistake is put right by a reversal that names it."""

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    kind = coded(EntryKind)
    effective_on = models.DateField()
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    run = models.ForeignKey(NightRun, models.PROTECT, null=True, related_name="entries")
    agreement = models.ForeignKey(Agreement, models.PROTECT, null=True, related_name="+")
    remittance = models.ForeignKey("Remittance", models.PROTECT, null=True, related_name="entries")
    reverses = models.OneToOneField("self", models.PROTECT, null=True, related_name="reversed_by")
    description = models.CharField(max_length=300)

    objects = JournalEntryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "journal entries"
        constraints = [has_known_code("journal_entry_kind_is_known", "kind", EntryKind)]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.effective_on}: {self.description}"


class PostingQuerySet(models.QuerySet["Posting"]):
    def visible_to(self, user: User) -> Self:
        """Return postings of the user's agencies, or of beneficiaries they speak for."""
        if user.is_superuser and user.is_active:
            return self
        return self.filter(
            Q(account__agency__in=Agency.objects.visible_to(user))
            | Q(account__beneficiary__in=Beneficiary.objects.spoken_for_by(user))
        )


class Posting(models.Model):
    """One side of an entry: debits above zero, credits below. An entry sums to nothing."""

    entry = models.ForeignKey(JournalEntry, models.PROTECT, related_name="postings")
    account = models.ForeignKey(Account, models.PROTECT, related_name="postings")
    amount = money()
    currency = currency()
    reading = models.ForeignKey(Reading, models.PROTECT, null=True, related_name="+")

    named_by: ClassVar[tuple[str, ...]] = ("account",)

    objects = PostingQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="posting_moves_something",
                condition=~Q(amount=0),
                violation_error_message="A posting of nothing says nothing.",
            )
        ]
        triggers = [
            pgtrigger.Protect(name="append_only", operation=APPEND_ONLY),
            pgtrigger.Trigger(
                name="entry_balances",
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                timing=pgtrigger.Deferred,
                func="""
                    IF EXISTS (
                        SELECT 1 FROM valuation_posting
                        WHERE entry_id = NEW.entry_id
                        GROUP BY currency HAVING sum(amount) <> 0
                    ) THEN
                        RAISE EXCEPTION 'journal entry % does not balance', NEW.entry_id
                            USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NULL;
                """,
            ),
            pgtrigger.Trigger(
                name="currency_of_its_account",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func="""
                    IF NEW.currency <> (
                        SELECT currency FROM valuation_account WHERE id = NEW.account_id
                    ) THEN
                        RAISE EXCEPTION 'posting in % on an account in another currency',
                            NEW.currency USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{locales.money(self.amount, self.currency, 'en')}: {self.account}"


class RemittanceQuerySet(models.QuerySet["Remittance"]):
    def with_left(self) -> Self:
        """Annotate each remittance with `unmatched`, the amount not yet matched to readings."""
        matched = Coalesce(Sum("matches__amount"), Value(Decimal(0)))
        return self.annotate(unmatched=F("amount") - matched)

    def with_unmatched(self) -> Self:
        """Keep only remittances with an unmatched amount, annotated as `unmatched`."""
        return self.with_left().exclude(unmatched=0)

    def visible_to(self, user: User) -> Self:
        return self.filter(agency__in=Agency.objects.visible_to(user))


class Remittance(models.Model):
    """Money a licensee paid into the trust account."""

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    licensee = models.ForeignKey(Licensee, models.PROTECT, related_name="+")
    amount = money()
    currency = currency()
    received_on = models.DateField()
    reference = models.CharField(max_length=100, help_text="The bank's or the licensee's.")
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )

    named_by: ClassVar[tuple[str, ...]] = ("licensee",)

    objects = RemittanceQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="remittance_once",
                fields=["agency", "licensee", "reference"],
                violation_error_message="This remittance was recorded before.",
            ),
            is_one_line("remittance_reference_is_a_line", "reference"),
            models.CheckConstraint(
                name="remittance_is_positive",
                condition=Q(amount__gt=0),
                violation_error_message="A remittance is above zero.",
            ),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"{self.licensee}: {self.reference}"


class RemittanceMatchQuerySet(models.QuerySet["RemittanceMatch"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(remittance__in=Remittance.objects.visible_to(user))


class RemittanceMatch(models.Model):
    """The part of a remittance that pays a reading. A negative match takes one back."""

    remittance = models.ForeignKey(Remittance, models.PROTECT, related_name="matches")
    reading = models.ForeignKey(Reading, models.PROTECT, related_name="matches")
    amount = money()
    matched_at = models.DateTimeField()
    takes_back = models.ForeignKey(
        "self", models.PROTECT, null=True, related_name="taken_back_by", help_text="… of this one."
    )

    named_by: ClassVar[tuple[str, ...]] = ("remittance",)

    objects = RemittanceMatchQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "remittance matches"
        constraints = [
            models.CheckConstraint(
                name="remittance_match_pays_or_takes_back",
                condition=Q(amount__gt=0, takes_back=None)
                | Q(amount__lt=0, takes_back__isnull=False),
                violation_error_message="A match below zero names the one that it takes back.",
            )
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        amount = locales.money(self.amount, self.remittance.currency, "en")
        return f"{amount} of {self.remittance}"


class ReleasedPartQuerySet(models.QuerySet["ReleasedPart"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(match__in=RemittanceMatch.objects.visible_to(user))


class ReleasedPart(models.Model):
    """A beneficiary's part of a match, and the rates of deduction that count for it for ever.

    Commission is that of the agreement's signing, the other rates are those of the day of receipt,
    as they were known when the part was first released. A part that a corrected share changes is
    followed by another row with the difference and the same rates.
    """

    match = models.ForeignKey(RemittanceMatch, models.PROTECT, related_name="parts")
    agreement = models.ForeignKey(Agreement, models.PROTECT, related_name="+")
    beneficiary = models.ForeignKey(Beneficiary, models.PROTECT, related_name="+")
    amount = money()
    scale = money(help_text="The part of the amount that is guild scale.")
    currency = currency()
    commission = models.DecimalField(max_digits=9, decimal_places=6, help_text="In percent.")
    scale_carries_commission = models.BooleanField()
    minor_trust = models.DecimalField(max_digits=6, decimal_places=3, help_text="In percent.")
    withholding = models.DecimalField(max_digits=6, decimal_places=3, help_text="In percent.")
    reserve = models.DecimalField(
        max_digits=6,
        decimal_places=3,
        default=0,
        db_default=0,
        help_text="Held back of what would be payable, in percent.",
    )
    reserved_until = models.DateField(
        null=True, help_text="The day on which what is held back becomes payable."
    )
    sources = models.JSONField(default=dict, help_text="Where each rate comes from.")
    released_at = models.DateTimeField()

    named_by: ClassVar[tuple[str, ...]] = ("beneficiary",)

    objects = ReleasedPartQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(name="released_part_moves_something", condition=~Q(amount=0))
        ]
        indexes = [
            # Releasing: all parts of an agreement.
            models.Index(name="released_part_agreement", fields=["agreement", "id"]),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"{self.beneficiary}: {locales.money(self.amount, self.currency, 'en')}"
