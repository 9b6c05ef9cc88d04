"""Disputes of one line: who raised it, what was said and decided, and what money it holds."""

from datetime import date
from typing import ClassVar, Self

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q, Subquery, Sum, Value
from django.db.models.functions import Coalesce
from django.db.models.lookups import Exact

from licensing.models import Agreement, Licensee
from talent import locales
from talent.models import Agency, Beneficiary, User
from talent.models.columns import coded, currency, has_known_code, is_one_line, money
from talent.models.consent import APPEND_ONLY
from talent.models.names import day
from valuation.words import (
    DisputeOutcome,
    DisputeReason,
    DisputeRemedy,
    DisputeSide,
    DisputeState,
    DisputeStepKind,
)

from .ledger import JournalEntry
from .residuals import NightRun, Reading
from .statements import Statement

LONGEST_TEXT = 2000
MOST_MONTHS = 600


class DisputeQuerySet(models.QuerySet["Dispute"]):
    def with_state(self) -> Self:
        """Annotate what `state` reads: the last step, and the last decision."""
        steps = DisputeStep.objects.filter(dispute=OuterRef("pk")).order_by("-pk")
        decided = steps.filter(kind=DisputeStepKind.DECIDED.value)
        return self.annotate(
            last_step=Subquery(steps.values("kind")[:1]),
            last_outcome=Subquery(decided.values("outcome")[:1]),
        )

    def with_held(self) -> Self:
        """Annotate `held` (received) and `kept` (not received), what a dispute holds by now."""
        moves = DisputeMove.objects.filter(dispute=OuterRef("pk")).order_by().values("dispute")
        return self.annotate(
            **{
                name: Coalesce(
                    Subquery(
                        moves.filter(received_on__isnull=is_unpaid)
                        .annotate(sum=Sum("amount"))
                        .values("sum")
                    ),
                    Value(0),
                    output_field=money(),
                )
                for name, is_unpaid in (("held", False), ("kept", True))
            }
        )

    def holding(self) -> Self:
        """Keep those that hold money: not decided, or upheld and not put right."""
        return self.filter(_undecided() | _decided_as(DisputeOutcome.UPHELD))

    def proposed(self) -> Self:
        """Keep those with a proposal that waits for a second person."""
        return self.with_state().filter(last_step=DisputeStepKind.PROPOSED.value)

    def correction_awaited(self) -> Self:
        """Keep those that were upheld and are not put right."""
        return self.filter(_decided_as(DisputeOutcome.UPHELD))

    def visible_to(self, user: User) -> Self:
        """Return disputes of the user's agencies, and those that payees they speak for raised."""
        if user.is_superuser and user.is_active:
            return self
        return self.filter(
            Q(agency__in=Agency.objects.visible_to(user))
            | Q(
                side=DisputeSide.PAYEE.value,
                beneficiary__in=Beneficiary.objects.spoken_for_by(user),
            )
        )


def _undecided() -> Q:
    steps = DisputeStep.objects.filter(dispute=OuterRef("pk"), kind=DisputeStepKind.DECIDED.value)
    return Q(~Exists(steps))


def _decided_as(outcome: DisputeOutcome) -> Q:
    steps = DisputeStep.objects.filter(
        dispute=OuterRef("pk"), kind=DisputeStepKind.DECIDED.value
    ).order_by("-pk")
    return Q(Exact(Subquery(steps.values("outcome")[:1]), outcome.value))


class Dispute(models.Model):
    """One line that somebody finds wrong: a payee on their statement, a licensee of what it owes.

    Without a reading it is about something that the statement does not have, or has no money of
    its own: a claim that holds nothing. `amount` is the line's as it stood when it was raised.
    """

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    side = coded(DisputeSide)
    statement = models.ForeignKey(
        Statement, models.PROTECT, null=True, blank=True, related_name="disputes"
    )
    reading = models.ForeignKey(
        Reading, models.PROTECT, null=True, blank=True, related_name="disputes"
    )
    beneficiary = models.ForeignKey(
        Beneficiary, models.PROTECT, null=True, blank=True, related_name="+"
    )
    licensee = models.ForeignKey(Licensee, models.PROTECT, null=True, blank=True, related_name="+")
    label = models.CharField("line", max_length=300)
    amount = money()
    currency = currency()
    reason = coded(DisputeReason)
    text = models.TextField(max_length=LONGEST_TEXT)
    raised_at = models.DateTimeField()
    raised_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    last_step: str | None  # where `with_state` adds these
    last_outcome: str | None
    named_by: ClassVar[tuple[str, ...]] = ("beneficiary", "licensee")

    objects = DisputeQuerySet.as_manager()

    class Meta:
        constraints = [
            has_known_code("dispute_side_is_known", "side", DisputeSide),
            has_known_code("dispute_reason_is_known", "reason", DisputeReason),
            models.CheckConstraint(
                name="dispute_of_a_side",
                condition=Q(
                    side=DisputeSide.PAYEE.value,
                    beneficiary__isnull=False,
                    statement__isnull=False,
                    licensee=None,
                )
                | Q(
                    side=DisputeSide.LICENSEE.value,
                    licensee__isnull=False,
                    reading__isnull=False,
                    beneficiary=None,
                    statement=None,
                ),
                violation_error_message="A payee disputes a statement, a licensee what it owes.",
            ),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"{self.reference}: {self.label}"

    @property
    def reference(self) -> str:
        """By what people name it, as “D-12”."""
        return f"D-{self.pk}"

    @property
    def state(self) -> DisputeState:
        """How far it is; the caller loads it by `with_state`."""
        if self.last_step == DisputeStepKind.PROPOSED:
            return DisputeState.PROPOSED
        return DisputeState(self.last_outcome) if self.last_outcome else DisputeState.OPEN


class DisputeStepQuerySet(models.QuerySet["DisputeStep"]):
    def visible_to(self, user: User) -> Self:
        """Return those that the agency's own people see."""
        return self.filter(dispute__agency__in=Agency.objects.visible_to(user))


class DisputeMoveQuerySet(models.QuerySet["DisputeMove"]):
    def visible_to(self, user: User) -> Self:
        """Return those that the agency's own people see."""
        return self.filter(dispute__agency__in=Agency.objects.visible_to(user))


class DisputeMessageQuerySet(models.QuerySet["DisputeMessage"]):
    def visible_to(self, user: User) -> Self:
        """Return all to the agency, and to the party what is not the agency's own note."""
        return self.filter(
            Q(dispute__agency__in=Agency.objects.visible_to(user))
            | Q(dispute__in=Dispute.objects.visible_to(user), is_internal=False)
        )


class DisputeMessage(models.Model):
    """What one of the two sides wrote, or a note that only the agency reads."""

    dispute = models.ForeignKey(Dispute, models.PROTECT, related_name="messages")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField()
    is_from_agency = models.BooleanField()
    is_internal = models.BooleanField("only for the agency", default=False)
    text = models.TextField(max_length=LONGEST_TEXT)

    objects = DisputeMessageQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="dispute_note_is_the_agencys",
                condition=Q(is_internal=False) | Q(is_from_agency=True),
            )
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return self.text[:60]


class DisputeStep(models.Model):
    """A decision that one person proposes, that another sends back or takes, when and why."""

    dispute = models.ForeignKey(Dispute, models.PROTECT, related_name="steps")
    kind = coded(DisputeStepKind)
    outcome = coded(DisputeOutcome, blank=True)
    remedy = coded(DisputeRemedy, blank=True)
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    note = models.CharField(max_length=300, blank=True)

    objects = DisputeStepQuerySet.as_manager()

    class Meta:
        constraints = [
            has_known_code("dispute_step_kind_is_known", "kind", DisputeStepKind),
            models.CheckConstraint(
                name="dispute_step_says_what",
                condition=Q(kind=DisputeStepKind.SENT_BACK.value, outcome="")
                | (
                    ~Q(kind=DisputeStepKind.SENT_BACK.value) & Q(outcome__in=DisputeOutcome.codes())
                ),
            ),
            models.CheckConstraint(
                name="dispute_remedy_where_upheld",
                condition=Q(outcome=DisputeOutcome.UPHELD.value, remedy__in=DisputeRemedy.codes())
                | (~Q(outcome=DisputeOutcome.UPHELD.value) & Q(remedy="")),
            ),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return str(self.get_kind_display())


class DisputeMove(models.Model):
    """What an entry moved into a dispute for a payee, or, below zero, out of it.

    With a day it was received on it and is held from what is payable; without one it was not
    received and is kept from what is earned.
    """

    dispute = models.ForeignKey(Dispute, models.PROTECT, related_name="moves")
    entry = models.ForeignKey(JournalEntry, models.PROTECT, related_name="dispute_moves")
    beneficiary = models.ForeignKey(Beneficiary, models.PROTECT, related_name="+")
    received_on = models.DateField(null=True)
    amount = money()
    currency = currency()

    named_by: ClassVar[tuple[str, ...]] = ("beneficiary",)

    objects = DisputeMoveQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(name="dispute_move_moves_something", condition=~Q(amount=0))
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"{self.beneficiary}: {locales.money(self.amount, self.currency, 'en')}"


class DisputeCorrectionQuerySet(models.QuerySet["DisputeCorrection"]):
    def visible_to(self, user: User) -> Self:
        """Return those that the agency's own people see."""
        return self.filter(step__dispute__agency__in=Agency.objects.visible_to(user))


class DisputeCorrection(models.Model):
    """The run that rated an agreement anew because a decision upheld a dispute of its line."""

    step = models.ForeignKey(DisputeStep, models.PROTECT, related_name="corrections")
    run = models.ForeignKey(NightRun, models.PROTECT, related_name="+")
    seen = models.CharField("digest of what was seen", max_length=64)

    named_by: ClassVar[tuple[str, ...]] = ("run",)

    objects = DisputeCorrectionQuerySet.as_manager()

    class Meta:
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return str(self.run)


class ObjectionTermsQuerySet(models.QuerySet["ObjectionTerms"]):
    def in_force(self, on: date) -> Self:
        """Keep those that two people said count on a day."""
        return self.filter(starts_on__lte=on, approved_at__isnull=False)

    def visible_to(self, user: User) -> Self:
        return self.filter(agreement__in=Agreement.objects.visible_to(user))


class ObjectionTerms(models.Model):
    """For how long lines under an agreement may be disputed, from a day on, by two people.

    Other terms are another row. Of several the newest that has begun counts. A statement says what
    counts on its last day, and what it says holds for its lines.
    """

    agreement = models.ForeignKey(Agreement, models.PROTECT, related_name="+")
    starts_on = models.DateField("from", help_text="Statements whose last day is this or later.")
    months = models.PositiveSmallIntegerField(help_text="Months after a statement is issued.")
    source = models.CharField(
        max_length=200, help_text="Where it is agreed, as in “Agreement, clause 9”."
    )
    written_at = models.DateTimeField(editable=False)
    written_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", editable=False
    )
    approved_at = models.DateTimeField(null=True, editable=False)
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", editable=False
    )

    named_by: ClassVar[tuple[str, ...]] = ("agreement",)

    objects = ObjectionTermsQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "objection terms"
        permissions = [("approve_objectionterms", "Can approve objection terms of somebody else")]
        constraints = [
            is_one_line("objection_terms_source_is_a_line", "source"),
            models.CheckConstraint(
                name="objection_terms_in_months",
                condition=Q(months__gte=1, months__lte=MOST_MONTHS),
                violation_error_message="Between a month and fifty years.",
            ),
            models.CheckConstraint(
                name="objection_terms_by_two_people",
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
        return f"{self.agreement}: {self.months} months from {day(self.starts_on)}"
