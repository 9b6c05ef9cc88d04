"""Lines of agencies' bank statements, and what became of each."""

from typing import ClassVar, Self

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q, Subquery, Value
from django.db.models.functions import Coalesce
from django.db.models.lookups import Exact

from talent import locales
from talent.models import Agency, User
from talent.models.columns import coded, currency, has_known_code, money
from talent.models.consent import APPEND_ONLY
from talent.models.names import day
from valuation.words import BankLineStepKind

from .ledger import JournalEntry, Remittance

# What closes a line but no remittance.
BOOKED = [
    BankLineStepKind.PAID_OUT.value,
    BankLineStepKind.SENT_BACK.value,
    BankLineStepKind.COMMISSION.value,
    BankLineStepKind.REFUNDED.value,
]


class BankCsvMappingQuerySet(models.QuerySet["BankCsvMapping"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(agency__in=Agency.objects.visible_to(user))


class BankCsvMapping(models.Model):
    """How the CSV of one of an agency's accounts is read; the newest of an account counts.

    `mapping` is what `bank_files.csv_lines.CsvMapping` holds, `headings` what the columns of the
    file are called, by which the next file of the account is known.
    """

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    account = models.CharField(max_length=64)
    currency = currency()
    headings = models.JSONField(default=list)
    mapping = models.JSONField(default=dict)
    saved_at = models.DateTimeField()
    saved_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    objects = BankCsvMappingQuerySet.as_manager()

    class Meta:
        verbose_name = "mapping of a bank file"
        verbose_name_plural = "mappings of bank files"
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"… {self.account[-4:]} ({self.currency})"


class BankFileQuerySet(models.QuerySet["BankFile"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(agency__in=Agency.objects.visible_to(user))


class BankFile(models.Model):
    """A bank's file that somebody uploaded; it is read once."""

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    name = models.CharField(max_length=200)
    sha256 = models.CharField("SHA-256", max_length=64)
    uploaded_at = models.DateTimeField()
    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    lines_known = models.PositiveIntegerField(
        default=0, help_text="Lines that an earlier file had brought."
    )
    lines_pending = models.PositiveIntegerField(
        default=0, help_text="Lines that the bank announces and has not booked."
    )
    csv_mapping = models.ForeignKey(
        BankCsvMapping, models.PROTECT, null=True, related_name="+", help_text="How it was read."
    )
    lines_alike = models.PositiveIntegerField(
        default=0,
        db_default=0,
        help_text="Rows left out: a file read otherwise had brought the same day and amount.",
    )
    rows_wrong = models.JSONField(
        default=list, db_default=[], help_text="Rows that could not be read, and why."
    )

    objects = BankFileQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(name="bank_file_once", fields=["agency", "sha256"])]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return self.name


class BankBalanceQuerySet(models.QuerySet["BankBalance"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(agency__in=Agency.objects.visible_to(user))


class BankBalance(models.Model):
    """With what a bank's statement of an account opened and closed."""

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    file = models.ForeignKey(BankFile, models.PROTECT, related_name="balances")
    account = models.CharField(max_length=64)
    currency = currency()
    number = models.CharField("statement", max_length=64, blank=True)
    opening = money()
    closed_on = models.DateField()
    closing = money()

    objects = BankBalanceQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(name="bank_balance_by_day", fields=["agency", "currency", "closed_on"])
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"{locales.money(self.closing, self.currency, 'en')}, {day(self.closed_on)}"


class BankLineQuerySet(models.QuerySet["BankLine"]):
    def with_state(self) -> Self:
        """Annotate each line with `was_set_aside`, and `is_open`: that neither, nor posted.

        What was recorded and taken back, since it bounced or was somebody else's, is open again.
        """
        steps = BankLineStep.objects.filter(line=OuterRef("pk"))
        taken_back = Exists(
            JournalEntry.objects.filter(
                remittance=OuterRef("remittance"), kind="receipt", reversed_by__isnull=False
            )
        )
        recorded = steps.filter(~taken_back, kind=BankLineStepKind.RECORDED.value)
        others = steps.exclude(kind=BankLineStepKind.RECORDED.value).order_by("-pk")
        booked = steps.filter(~Q(entry__reversed_by__isnull=False), kind__in=BOOKED)
        newest = Coalesce(Subquery(others.values("kind")[:1]), Value(""))
        return self.annotate(
            was_set_aside=Q(Exact(newest, BankLineStepKind.SET_ASIDE.value)),
            is_open=~Exists(recorded) & ~Exists(booked) & Q(was_set_aside=False),
        )

    def received(self) -> Self:
        return self.filter(amount__gt=0)

    def paid(self) -> Self:
        return self.filter(amount__lt=0)

    def visible_to(self, user: User) -> Self:
        return self.filter(agency__in=Agency.objects.visible_to(user))


class BankLine(models.Model):
    """One booked movement of an account; `amount` is above zero for money that came in."""

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    file = models.ForeignKey(BankFile, models.PROTECT, related_name="lines")
    account = models.CharField(max_length=64)
    booked_on = models.DateField()
    valued_on = models.DateField(null=True)
    amount = money()
    currency = currency()
    counterparty = models.CharField(max_length=200, blank=True)
    counterparty_account = models.CharField(max_length=64, blank=True)
    text = models.CharField(max_length=1_000, blank=True)
    bank_reference = models.CharField(max_length=100, blank=True)
    end_to_end = models.CharField("reference of the payer", max_length=100, blank=True)
    is_return = models.BooleanField("payment that came back", default=False)
    # By all that it says, and which of several equal ones it is, so that a line that two files
    # bring is one line.
    fingerprint = models.BinaryField(max_length=32, editable=False)

    was_set_aside: bool  # where `with_state` adds these
    is_open: bool
    named_by: ClassVar[tuple[str, ...]] = ()

    objects = BankLineQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="bank_line_once", fields=["agency", "fingerprint"]),
            models.CheckConstraint(
                name="bank_line_moves_money",
                condition=~Q(amount=0),
                violation_error_message="A line of a bank moves money.",
            ),
        ]
        indexes = [models.Index(name="bank_line_by_day", fields=["agency", "booked_on"])]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        told = self.counterparty or self.text or self.bank_reference
        amount = locales.money(self.amount, self.currency, "en")
        return f"{amount}, {day(self.booked_on)}: {told}" if told else f"{amount}, {self.booked_on}"


class BankLineStepQuerySet(models.QuerySet["BankLineStep"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(line__in=BankLine.objects.visible_to(user))


class BankLineStep(models.Model):
    """What somebody did about a line: recorded as received, set aside, or taken up again."""

    line = models.ForeignKey(BankLine, models.PROTECT, related_name="steps")
    kind = coded(BankLineStepKind)
    remittance = models.ForeignKey(Remittance, models.PROTECT, null=True, related_name="+")
    entry = models.ForeignKey(
        JournalEntry,
        models.PROTECT,
        null=True,
        related_name="+",
        help_text="… of commission drawn, or of a refund.",
    )
    request = models.ForeignKey(
        "valuation.CashRequest",
        models.PROTECT,
        null=True,
        related_name="bank_steps",
        help_text="The refund that it is.",
    )
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    reason = models.CharField(max_length=500, blank=True)

    objects = BankLineStepQuerySet.as_manager()

    class Meta:
        constraints = [
            has_known_code("bank_line_step_kind_is_known", "kind", BankLineStepKind),
            models.CheckConstraint(
                name="bank_line_step_records_a_remittance",
                condition=Q(kind=BankLineStepKind.RECORDED.value, remittance__isnull=False)
                | (~Q(kind=BankLineStepKind.RECORDED.value) & Q(remittance=None)),
                violation_error_message="What is recorded names its remittance, nothing else does.",
            ),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return str(self.get_kind_display())
