"""Statements: content that freezes at issue, lines, and the steps to payment."""

from typing import ClassVar, Self

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, OuterRef, Q, Subquery

from talent.models import Agency, Beneficiary, User
from talent.models.columns import coded, currency, has_known_code, money, quantity
from talent.models.consent import APPEND_ONLY
from talent.periods import Days, label
from talent.words import Role, SealLevel
from valuation.words import Section, StatementKind, StatementStepKind

from .ledger import JournalEntry
from .residuals import ResidualLine


class StatementQuerySet(models.QuerySet["Statement"]):
    def with_status(self) -> Self:
        """Annotate each statement with `status`, the kind of its last step."""
        last = StatementStep.objects.filter(statement=OuterRef("pk")).order_by("-id")
        return self.annotate(status=Subquery(last.values("kind")[:1]))

    def issued(self) -> Self:
        return self.filter(number__isnull=False)

    def visible_to(self, user: User) -> Self:
        """Return statements of the user's agencies, and issued ones of their beneficiaries.

        Only staff see roll-ups.
        """
        if user.is_superuser and user.is_active:
            return self
        return self.filter(
            Q(agency__in=Agency.objects.visible_to(user))
            | Q(
                beneficiary__in=Beneficiary.objects.spoken_for_by(user),
                kind=StatementKind.BENEFICIARY.value,
                number__isnull=False,
            )
        )

    def downloadable_by(self, user: User) -> Self:
        """Return statements whose files the user may have.

        Those of agencies where they are in accounting, and issued ones of beneficiaries they speak
        for.
        """
        if user.is_superuser and user.is_active:
            return self
        return self.filter(
            Q(agency__in=Agency.objects.with_member(user, Role.ACCOUNTING))
            | Q(
                beneficiary__in=Beneficiary.objects.spoken_for_by(user),
                kind=StatementKind.BENEFICIARY.value,
                number__isnull=False,
            )
        )


class Statement(models.Model):
    """What an agency owes one beneficiary (or its own roll-up) for a period in one currency."""

    kind = coded(StatementKind)
    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    beneficiary = models.ForeignKey(
        Beneficiary, models.PROTECT, null=True, blank=True, related_name="+"
    )
    currency = currency()
    period_on = models.DateField()
    period_ends_on = models.DateField(help_text="The first day after the period.")
    number = models.CharField(max_length=40, null=True, unique=True)  # noqa: DJ001 (null: draft)
    reserved = models.CharField(  # noqa: DJ001 (null: nobody has begun to issue it)
        "number kept for it", max_length=40, null=True, unique=True, editable=False
    )
    self_billed_number = models.CharField(  # noqa: DJ001 (null: it has no self-billed invoice)
        "number kept for its self-billed invoice",
        max_length=40,
        null=True,
        unique=True,
        editable=False,
    )
    previous = models.OneToOneField("self", models.PROTECT, null=True, related_name="following")
    from_index = models.BigIntegerField(help_text="The log's leaves it covers start here.")
    to_index = models.BigIntegerField(help_text="… and end before this one.")
    opening = money(help_text="Payable brought forward.")
    earned = money()
    received = money()
    deductions = money()
    net = money()
    closing = money(help_text="Payable carried forward.")
    outstanding = money(help_text="Earned and not yet received.")
    due_on = models.DateField()
    content = models.JSONField(help_text="Everything the document shows, as it was.")
    pdf = models.FileField(upload_to="statements/%Y/", blank=True)
    pdf_sha256 = models.CharField("SHA-256 of the PDF", max_length=64, blank=True)

    seal_level = coded(
        SealLevel, default=SealLevel.NONE.value, db_default=SealLevel.NONE.value, editable=False
    )

    status: str | None  # where `with_status` adds it

    named_by: ClassVar[tuple[str, ...]] = ("agency", "beneficiary")

    objects = StatementQuerySet.as_manager()

    class Meta:
        constraints = [
            has_known_code("statement_kind_is_known", "kind", StatementKind),
            has_known_code("statement_seal_level_is_known", "seal_level", SealLevel),
            models.CheckConstraint(
                name="statement_has_the_number_kept_for_it",
                condition=Q(number=None) | Q(reserved=None) | Q(number=F("reserved")),
            ),
            models.UniqueConstraint(
                name="statement_once_per_period",
                fields=["kind", "agency", "beneficiary", "currency", "period_on"],
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                name="statement_of_a_beneficiary_unless_roll_up",
                condition=Q(kind=StatementKind.ROLL_UP.value, beneficiary=None)
                | Q(kind=StatementKind.BENEFICIARY.value, beneficiary__isnull=False),
            ),
            models.CheckConstraint(
                name="statement_adds_up",
                condition=Q(closing=F("opening") + F("net")),
                violation_error_message="Opening balance and net make the closing balance.",
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="frozen_at_issue",
                operation=APPEND_ONLY,
                condition=pgtrigger.Q(old__number__isnull=False),
            )
        ]

    def __str__(self) -> str:
        if self.number:
            return self.number
        period = label(Days(self.period_on, self.period_ends_on))
        return f"Draft for {self.beneficiary or self.agency}, {period}, {self.currency}"


class StatementLineQuerySet(models.QuerySet["StatementLine"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(statement__in=Statement.objects.visible_to(user))


class StatementLine(models.Model):
    """One line of a statement: a residual line, an entry or a held use, as it was shown."""

    statement = models.ForeignKey(Statement, models.CASCADE, related_name="lines")
    position = models.PositiveIntegerField()
    section = coded(Section)
    residual_line = models.ForeignKey(
        ResidualLine, models.PROTECT, null=True, related_name="statement_lines"
    )
    entry = models.ForeignKey(JournalEntry, models.PROTECT, null=True, related_name="+")
    label = models.CharField(max_length=300)
    quantity = quantity(null=True)
    amount = money()
    currency = currency()

    objects = StatementLineQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="statement_line_positions_count_up", fields=["statement", "position"]
            ),
            has_known_code("statement_line_section_is_known", "section", Section),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="frozen_at_issue",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete,
                func="""
                    IF EXISTS (
                        SELECT 1 FROM valuation_statement
                        WHERE id = CASE WHEN TG_OP = 'INSERT' THEN NEW.statement_id
                                        ELSE OLD.statement_id END
                          AND number IS NOT NULL
                    ) THEN
                        RAISE EXCEPTION 'an issued statement does not change'
                            USING ERRCODE = 'check_violation';
                    END IF;
                    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
                    RETURN NEW;
                """,
            )
        ]

    def __str__(self) -> str:
        return self.label


class StatementStepQuerySet(models.QuerySet["StatementStep"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(statement__in=Statement.objects.visible_to(user))


class StatementStep(models.Model):
    """A step that a statement has taken, when and by whom."""

    statement = models.ForeignKey(Statement, models.CASCADE, related_name="steps")
    kind = coded(StatementStepKind)
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    note = models.CharField(max_length=300, blank=True)

    objects = StatementStepQuerySet.as_manager()

    class Meta:
        constraints = [has_known_code("statement_step_kind_is_known", "kind", StatementStepKind)]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return str(self.get_kind_display())


class LastingCopyQuerySet(models.QuerySet["LastingCopy"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(statement__in=Statement.objects.visible_to(user))


class LastingCopy(models.Model):
    """An issued file with proof for the long term behind it; it begins with the issued bytes.

    The proof is renewed before `ends_at`, by another copy that begins with this one.
    """

    statement = models.ForeignKey(Statement, models.PROTECT, related_name="lasting_copies")
    pdf = models.FileField(upload_to="statements/%Y/")
    sha256 = models.CharField("SHA-256 of the file", max_length=64)
    made_at = models.DateTimeField()
    ends_at = models.DateTimeField(help_text="When the time server's certificate ends.")

    objects = LastingCopyQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "lasting copies"
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"{self.statement}, {self.made_at:%Y-%m-%d}"
