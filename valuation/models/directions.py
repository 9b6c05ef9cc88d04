"""Letters of direction and levies: whose money is paid to somebody else, and what moved by them."""

from typing import ClassVar, Self

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q, Subquery

from licensing.models import Agreement
from talent import locales
from talent.models import Agency, Beneficiary, User
from talent.models.columns import coded, currency, has_known_code, is_one_line, money
from talent.models.consent import APPEND_ONLY
from talent.models.names import day
from valuation.words import DirectionBase, DirectionKind, DirectionStepKind

from .ledger import JournalEntry


class PaymentDirectionQuerySet(models.QuerySet["PaymentDirection"]):
    def with_state(self) -> Self:
        """Annotate the last step as `last_step`, and the day on which it was ended, if it was."""
        steps = PaymentDirectionStep.objects.filter(direction=OuterRef("pk")).order_by("-pk")
        ended = steps.filter(kind=DirectionStepKind.ENDED.value)
        return self.annotate(
            last_step=Subquery(steps.values("kind")[:1]), ended_on=Subquery(ended.values("on")[:1])
        )

    def approved(self) -> Self:
        """Keep those that two people said count, also when they have ended."""
        approved = PaymentDirectionStep.objects.filter(
            direction=OuterRef("pk"), kind=DirectionStepKind.APPROVED.value
        )
        return self.filter(Exists(approved))

    def waiting(self) -> Self:
        """Keep those that wait for a second person."""
        return self.with_state().filter(
            Q(last_step=None) | Q(last_step=DirectionStepKind.END_ASKED.value)
        )

    def visible_to(self, user: User) -> Self:
        """Return those of the user's agencies, and of payees whose money they may see."""
        if user.is_superuser and user.is_active:
            return self
        own = Beneficiary.objects.spoken_for_by(user)
        return self.filter(
            Q(agency__in=Agency.objects.visible_to(user))
            | Q(beneficiary__in=own.values("pk"))
            | Q(payee__in=own.values("pk"))
        )


class PaymentDirection(models.Model):
    """What of somebody's money an agency pays to somebody else, by letter or by levy.

    It is a percentage of what was received for them, or of what is payable to them, from a day of
    receipt on, and no more in all than `most`; an amount is all that is payable until it is
    reached. Levies come before letters, then those of a lower `place`. It counts once somebody else
    approves it, and for money that is received from the day on which it was entered.
    """

    kind = coded(DirectionKind)
    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    beneficiary = models.ForeignKey(
        Beneficiary, models.PROTECT, related_name="+", verbose_name="whose money"
    )
    payee = models.ForeignKey(Beneficiary, models.PROTECT, related_name="+", verbose_name="paid to")
    agreement = models.ForeignKey(
        Agreement, models.PROTECT, null=True, blank=True, related_name="+",
        help_text="Left empty: of all agreements.",
    )  # fmt: skip
    currency = currency()
    base = coded(DirectionBase)
    percent = models.DecimalField(max_digits=6, decimal_places=3)
    most = money(null=True, blank=True, help_text="No more than this in all. Empty: no limit.")
    place = models.PositiveSmallIntegerField(default=1, help_text="Lower ones are paid first.")
    starts_on = models.DateField("from", help_text="The first day of receipt.")
    ends_on = models.DateField("to before", null=True, blank=True)
    is_revocable = models.BooleanField(
        "revocable", help_text="Whether whose money it is may end it without who is paid."
    )
    source = models.CharField(
        max_length=200, help_text="The letter, or the order and its court or office."
    )
    written_on = models.DateField(editable=False)
    written_at = models.DateTimeField(editable=False)
    written_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", editable=False
    )

    last_step: str | None  # where `with_state` adds these
    named_by: ClassVar[tuple[str, ...]] = ("beneficiary", "payee", "agreement")

    objects = PaymentDirectionQuerySet.as_manager()

    class Meta:
        verbose_name = "letter of direction"
        verbose_name_plural = "letters of direction"
        permissions = [("approve_paymentdirection", "Can approve letters of direction")]
        constraints = [
            has_known_code("payment_direction_kind_is_known", "kind", DirectionKind),
            has_known_code("payment_direction_base_is_known", "base", DirectionBase),
            is_one_line("payment_direction_source_is_a_line", "source"),
            models.CheckConstraint(
                name="payment_direction_is_a_percentage",
                condition=Q(percent__gt=0, percent__lte=100),
                violation_error_message="Above zero, and at most 100 %%.",
            ),
            models.CheckConstraint(
                name="payment_direction_to_somebody_else",
                condition=~Q(payee=models.F("beneficiary")),
                violation_error_message="It is paid to somebody else.",
            ),
            models.CheckConstraint(
                name="payment_direction_most_is_positive",
                condition=Q(most=None) | Q(most__gt=0),
                violation_error_message="A limit is above zero.",
            ),
            models.CheckConstraint(
                name="payment_direction_ends_later",
                condition=Q(ends_on=None) | Q(ends_on__gt=models.F("starts_on")),
                violation_error_message="It ends after it begins.",
            ),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        percent = locales.percent(self.percent.normalize(), "en")
        return f"{self.beneficiary} → {self.payee}: {percent} from {day(self.starts_on)}"


class PaymentDirectionStepQuerySet(models.QuerySet["PaymentDirectionStep"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(direction__in=PaymentDirection.objects.visible_to(user))


class PaymentDirectionStep(models.Model):
    """What was decided about a letter of direction, each by another person than who asked."""

    direction = models.ForeignKey(PaymentDirection, models.PROTECT, related_name="steps")
    kind = coded(DirectionStepKind)
    on = models.DateField(null=True, help_text="The first day of receipt that is not split.")
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    note = models.CharField(max_length=300, blank=True)

    objects = PaymentDirectionStepQuerySet.as_manager()

    class Meta:
        constraints = [has_known_code("payment_direction_step_is_known", "kind", DirectionStepKind)]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return str(self.get_kind_display())


class PaymentDirectionMoveQuerySet(models.QuerySet["PaymentDirectionMove"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(direction__in=PaymentDirection.objects.visible_to(user))


class PaymentDirectionMove(models.Model):
    """What an entry moved by a letter of direction, of a receipt's day; below zero: back."""

    direction = models.ForeignKey(PaymentDirection, models.PROTECT, related_name="moves")
    entry = models.ForeignKey(JournalEntry, models.PROTECT, related_name="+")
    agreement = models.ForeignKey(Agreement, models.PROTECT, null=True, related_name="+")
    received_on = models.DateField()
    amount = money()
    currency = currency()

    named_by: ClassVar[tuple[str, ...]] = ("direction", "agreement")

    objects = PaymentDirectionMoveQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="payment_direction_move_moves_something", condition=~Q(amount=0)
            )
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"{self.direction}: {locales.money(self.amount, self.currency, 'en')}"
