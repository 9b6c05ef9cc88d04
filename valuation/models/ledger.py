"""The ledger: accounts, balanced entries, remittances and what they were matched to."""

from datetime import date
from decimal import Decimal
from typing import Any, ClassVar, Self

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Case, Exists, F, OuterRef, Q, Subquery, Sum, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce, Greatest, Least

from licensing.models import Agreement, Licensee
from talent import locales
from talent.models import Agency, Beneficiary, User
from talent.models.columns import coded, currency, has_known_code, is_one_line, money
from talent.models.consent import APPEND_ONLY
from talent.models.names import day
from talent.periods import LAST_YEAR
from valuation.words import (
    AccountKind,
    CashRequestKind,
    EntryKind,
    ReceiptMeans,
    ReversalOutcome,
)

from .residuals import NightRun, Reading

FIRST_DAY, LAST_DAY = date(1990, 1, 1), date(LAST_YEAR, 12, 31)
LONGEST_DESCRIPTION = 300

# An entry's postings are written whole, by one command, and balance in each currency; nothing is
# added to it later, not even what balances. One look at all that a command wrote costs the same for
# each posting, however many an entry has. What reads tables is planned anew each time: a plan kept
# from when they were small would read them from end to end.
ENTRY_IS_WHOLE = """
    SELECT entry_id INTO faulty FROM written
    GROUP BY entry_id, currency HAVING sum(amount) <> 0 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'journal entry % does not balance', faulty
            USING ERRCODE = 'check_violation';
    END IF;
    EXECUTE $sql$
        SELECT id, CASE WHEN is_mislaid
            THEN 'posts to an account of another currency or agency'
            ELSE 'was written before'
        END FROM (
            SELECT entry.id, count(*) AS postings, bool_or(
                account.currency <> written.currency OR account.agency_id <> entry.agency_id
            ) AS is_mislaid
            FROM written
            JOIN valuation_account account ON account.id = written.account_id
            JOIN valuation_journalentry entry ON entry.id = written.entry_id
            GROUP BY entry.id
        ) entry
        WHERE is_mislaid OR postings <> (
            SELECT count(*) FROM valuation_posting posting WHERE posting.entry_id = entry.id
        )
    $sql$ INTO faulty, fault;
    IF faulty IS NOT NULL THEN
        RAISE EXCEPTION 'journal entry % %', faulty, fault USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
"""
ENTRY_HAS_POSTINGS = """
    PERFORM FROM valuation_posting WHERE entry_id = NEW.id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'journal entry % has no postings', NEW.id
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
"""


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
        party = self.licensee or self.beneficiary
        return AccountKind(self.kind).named(party.name if party else "", self.currency)


class JournalEntryQuerySet(models.QuerySet["JournalEntry"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(agency__in=Agency.objects.visible_to(user))


class JournalEntry(models.Model):
    """A balanced set of postings. A mistake is put right by a reversal that names it."""

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    kind = coded(EntryKind)
    effective_on = models.DateField()
    happened_on = models.DateField(
        null=True, help_text="The day that it is about, where that day’s period was closed."
    )
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    run = models.ForeignKey(NightRun, models.PROTECT, null=True, related_name="entries")
    agreement = models.ForeignKey(Agreement, models.PROTECT, null=True, related_name="+")
    remittance = models.ForeignKey("Remittance", models.PROTECT, null=True, related_name="entries")
    reverses = models.OneToOneField("self", models.PROTECT, null=True, related_name="reversed_by")
    adjusts = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        related_name="adjusted_by",
        help_text="The entry of a closed period that it corrects.",
    )
    description = models.CharField(max_length=LONGEST_DESCRIPTION)

    objects = JournalEntryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "journal entries"
        constraints = [
            has_known_code("journal_entry_kind_is_known", "kind", EntryKind),
            models.CheckConstraint(
                name="journal_entry_in_this_age",
                condition=Q(effective_on__gte=FIRST_DAY, effective_on__lte=LAST_DAY),
                violation_error_message="No books are kept of that year.",
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="append_only", operation=APPEND_ONLY),
            pgtrigger.Trigger(
                name="entry_has_postings",
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                timing=pgtrigger.Deferred,
                func=ENTRY_HAS_POSTINGS,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {day(self.effective_on)}: {self.description}"


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
                name="entry_is_whole",
                level=pgtrigger.Statement,
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                referencing=pgtrigger.Referencing(new="written"),  # type: ignore[no-untyped-call]
                declare=[("faulty", "bigint"), ("fault", "text")],
                func=ENTRY_IS_WHOLE,
            ),
        ]

    def __str__(self) -> str:
        return f"{locales.money(self.amount, self.currency, 'en')}: {self.account}"


class ReversalRequestQuerySet(models.QuerySet["ReversalRequest"]):
    def waiting(self) -> Self:
        """Keep those that nobody has decided on."""
        return self.filter(decision=None)

    def visible_to(self, user: User) -> Self:
        return self.filter(entry__in=JournalEntry.objects.visible_to(user))


class ReversalRequest(models.Model):
    """What one person asks for and another approves: that an entry be reversed."""

    entry = models.ForeignKey(JournalEntry, models.PROTECT, related_name="reversal_requests")
    reason = models.CharField(max_length=300)
    asked_at = models.DateTimeField()
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    named_by: ClassVar[tuple[str, ...]] = ("entry",)

    objects = ReversalRequestQuerySet.as_manager()

    class Meta:
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"Reversal of {self.entry}"


class ReversalDecisionQuerySet(models.QuerySet["ReversalDecision"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(request__in=ReversalRequest.objects.visible_to(user))


class ReversalDecision(models.Model):
    """What became of a request, when, by whom and why."""

    request = models.OneToOneField(
        ReversalRequest, models.PROTECT, primary_key=True, related_name="decision"
    )
    outcome = coded(ReversalOutcome)
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    note = models.CharField(max_length=300, blank=True)

    objects = ReversalDecisionQuerySet.as_manager()

    class Meta:
        constraints = [
            has_known_code("reversal_decision_outcome_is_known", "outcome", ReversalOutcome)
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return str(self.get_outcome_display())


# What a night may match by itself: what stands in the place of money is for the debt it was for.
MATCHED_BY_NIGHTS = [ReceiptMeans.MONEY.value, ReceiptMeans.EXCHANGED.value]
ZERO = Value(Decimal(0), output_field=models.DecimalField(max_digits=20, decimal_places=4))


class RemittanceQuerySet(models.QuerySet["Remittance"]):
    def with_left(self) -> Self:
        """Annotate each remittance with `unmatched`, `spent` and `held`.

        `unmatched` is what is neither matched to readings nor spent; `spent` is what was refunded
        or exchanged; `held` is the part of `unmatched` that a person put on account, where no night
        takes it from. Of one that was taken back, as it bounced, nothing is left.
        """
        matched = Coalesce(
            _sum_of(
                RemittanceMatch.objects.all().filter(remittance=OuterRef("pk")),
                "remittance",
                "amount",
            ),
            ZERO,
        )
        spent = _spent()
        taken_back = RemittanceQuerySet.taken_back()
        with_spent = self.annotate(spent=spent)
        left = Case(
            When(taken_back, then=ZERO), default=F("amount") - matched - spent, output_field=_MONEY
        )
        newest = _others("allocations").filter(remittance=OuterRef("pk")).order_by("-pk")
        held = Coalesce(
            Subquery(newest.annotate(reach=F("held") + F("spent_before")).values("reach")[:1]),
            ZERO,
        )
        return with_spent.annotate(unmatched=left).annotate(
            held=Least(Greatest(held - F("spent"), ZERO), F("unmatched"))
        )

    @staticmethod
    def taken_back() -> Exists:
        """Return the condition that the receipt of a remittance was reversed."""
        return Exists(
            JournalEntry.objects.filter(
                remittance=OuterRef("pk"),
                kind=EntryKind.RECEIPT.value,
                reversed_by__isnull=False,
            )
        )

    def with_unmatched(self) -> Self:
        """Keep only remittances with an unmatched amount, annotated as `unmatched`."""
        return self.with_left().exclude(unmatched=0)

    def for_a_night(self) -> Self:
        """Keep those of which a night may match something."""
        return self.filter(means__in=MATCHED_BY_NIGHTS).with_left().filter(unmatched__gt=F("held"))

    def standing(self) -> Self:
        """Leave out those that were taken back."""
        return self.exclude(RemittanceQuerySet.taken_back())

    def visible_to(self, user: User) -> Self:
        return self.filter(agency__in=Agency.objects.visible_to(user))


_MONEY = models.DecimalField(max_digits=20, decimal_places=4)


def _spent() -> Combinable:
    """Return what was refunded of a remittance, or exchanged for another currency."""
    refunds = _others("requests").filter(
        remittance=OuterRef("pk"),
        kind=CashRequestKind.REFUND.value,
        decision__entry__isnull=False,
        decision__entry__reversed_by=None,
    )
    exchanged = Remittance.objects.standing().filter(origin=OuterRef("pk"))
    return Coalesce(_sum_of(refunds, "remittance", "amount"), ZERO) + Coalesce(
        _sum_of(exchanged, "origin", "taken"), ZERO
    )


def _others(name: str) -> models.QuerySet[Any]:
    """Return the rows of a model that names a remittance, whose file stands on this one."""
    model: Any = Remittance._meta.get_field(name).related_model
    rows: models.QuerySet[Any] = model._default_manager.all()
    return rows


def _sum_of(rows: models.QuerySet[Any], by: str, column: str) -> Subquery:
    sums = rows.order_by().values(by).annotate(sum=Sum(column))
    return Subquery(sums.values("sum"), output_field=_MONEY)


class Remittance(models.Model):
    """Money a licensee paid into the trust account, or what settles a debt in its place.

    What stands in the place of money names the receipt that it belongs to (`origin`); what was
    exchanged also says how much of that it took.
    """

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    licensee = models.ForeignKey(Licensee, models.PROTECT, related_name="+")
    means = coded(
        ReceiptMeans, default=ReceiptMeans.MONEY.value, db_default=ReceiptMeans.MONEY.value
    )
    amount = money()
    currency = currency()
    received_on = models.DateField()
    reference = models.CharField(max_length=100, help_text="The bank's or the licensee's.")
    agreements = models.ManyToManyField(
        Agreement, blank=True, related_name="+", help_text="What it names, and pays first."
    )
    invoices = models.ManyToManyField(
        "valuation.Invoice", blank=True, related_name="+", help_text="… and these before them."
    )
    origin = models.ForeignKey(
        "self", models.PROTECT, null=True, related_name="settlements", help_text="It came with."
    )
    taken = money(null=True, help_text="In the currency of what it came with.")
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )

    named_by: ClassVar[tuple[str, ...]] = ("licensee",)
    unmatched: Decimal  # where `with_left` adds these
    held: Decimal
    spent: Decimal

    objects = RemittanceQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="remittance_once",
                fields=["agency", "licensee", "reference"],
                violation_error_message="This remittance was recorded before.",
            ),
            has_known_code("remittance_means_is_known", "means", ReceiptMeans),
            is_one_line("remittance_reference_is_a_line", "reference"),
            models.CheckConstraint(
                name="remittance_is_positive",
                condition=Q(amount__gt=0),
                violation_error_message="A remittance is above zero.",
            ),
            models.CheckConstraint(
                name="remittance_exchanged_takes",
                condition=Q(means=ReceiptMeans.EXCHANGED.value, origin__isnull=False, taken__gt=0)
                | (~Q(means=ReceiptMeans.EXCHANGED.value) & Q(taken=None)),
                violation_error_message="What is exchanged says of which receipt, and how much.",
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
