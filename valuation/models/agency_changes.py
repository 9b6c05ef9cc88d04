"""A performer who changes agency: who collects what, what commission stays, what is handed over."""

from typing import ClassVar, Self

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q

from talent.models import Agency, Performer, User
from talent.models.columns import coded, has_known_code, is_one_line
from talent.models.consent import APPEND_ONLY
from talent.models.names import day, minute
from valuation.words import Collector, HandOverStepKind


class AgencyChangeQuerySet(models.QuerySet["AgencyChange"]):
    def approved(self) -> Self:
        """Keep those that two people said count."""
        return self.filter(approved_at__isnull=False)

    def waiting(self) -> Self:
        """Keep those that wait for a second person."""
        return self.filter(approved_at=None)

    def visible_to(self, user: User) -> Self:
        return self.filter(agency__in=Agency.objects.visible_to(user))


class AgencyChange(models.Model):
    """That a performer goes from an agency to another on a day, on what terms, by two people.

    The old agency collects what was used before that day; who collects what is used later, it says.
    On receipts from `no_commission_from` on, the old agency takes none of what it had negotiated;
    empty: it keeps its commission. Other terms are another row; the newest approved one counts.
    """

    agency = models.ForeignKey(
        Agency, models.PROTECT, related_name="+", verbose_name="agency that is left"
    )
    performer = models.ForeignKey(Performer, models.PROTECT, related_name="+")
    new_agency = models.CharField(
        "new agency", max_length=200, help_text="Whether it is on this desk or not."
    )
    starts_on = models.DateField("from", help_text="The first day at the new agency.")
    collector = coded(
        Collector, verbose_name="who collects what is used from then on",
        help_text="The new agency only where what was signed here has ended by then.",
    )  # fmt: skip
    no_commission_from = models.DateField(
        "no commission from receipts of", null=True, blank=True,
        help_text="Left empty: this agency keeps its commission on what it negotiated.",
    )  # fmt: skip
    source = models.CharField(
        "reason", max_length=200,
        help_text="Where it is agreed, as in “Release of 3 May 2026, clause 4”.",
    )  # fmt: skip
    written_at = models.DateTimeField(editable=False)
    written_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", editable=False
    )
    approved_at = models.DateTimeField(null=True, editable=False)
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", editable=False
    )

    named_by: ClassVar[tuple[str, ...]] = ("performer", "agency")

    objects = AgencyChangeQuerySet.as_manager()

    class Meta:
        verbose_name = "change of agency"
        verbose_name_plural = "changes of agency"
        permissions = [("approve_agencychange", "Can approve changes of agency")]
        constraints = [
            has_known_code("agency_change_collector_is_known", "collector", Collector),
            is_one_line("agency_change_source_is_a_line", "source"),
            is_one_line("agency_change_new_agency_is_a_line", "new_agency"),
            models.CheckConstraint(
                name="agency_change_commission_ends_later",
                condition=Q(no_commission_from=None)
                | Q(no_commission_from__gte=models.F("starts_on")),
                violation_error_message="Commission ends with the change at the earliest.",
            ),
            models.CheckConstraint(
                name="agency_change_by_two_people",
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
        return f"{self.performer} to {self.new_agency} from {day(self.starts_on)}"


class HandOverQuerySet(models.QuerySet["HandOver"]):
    def with_state(self) -> Self:
        """Annotate `is_approved`."""
        approved = HandOverStep.objects.filter(
            hand_over=OuterRef("pk"), kind=HandOverStepKind.APPROVED.value
        )
        return self.annotate(is_approved=Exists(approved))

    def waiting(self) -> Self:
        """Keep those that wait for a second person."""
        return self.with_state().filter(is_approved=False)

    def visible_to(self, user: User) -> Self:
        return self.filter(change__in=AgencyChange.objects.visible_to(user))


class HandOver(models.Model):
    """The file that goes with a performer to their new agency: made once and sealed.

    Somebody else than who made it approves it; only then it is fetched.
    """

    change = models.ForeignKey(AgencyChange, models.PROTECT, related_name="hand_overs")
    content = models.BinaryField(editable=False)
    sha256 = models.CharField("SHA-256", max_length=64)
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    is_approved: bool  # where `with_state` adds it
    named_by: ClassVar[tuple[str, ...]] = ("change",)

    objects = HandOverQuerySet.as_manager()

    class Meta:
        verbose_name = "hand-over file"
        permissions = [
            ("make_handover", "Can make and fetch hand-over files"),
            ("approve_handover", "Can approve hand-over files of somebody else"),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"{self.change}, {minute(self.made_at)}"


class HandOverStepQuerySet(models.QuerySet["HandOverStep"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(hand_over__in=HandOver.objects.visible_to(user))


class HandOverStep(models.Model):
    """That somebody approved a hand-over file, or fetched it."""

    hand_over = models.ForeignKey(HandOver, models.PROTECT, related_name="steps")
    kind = coded(HandOverStepKind)
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    objects = HandOverStepQuerySet.as_manager()

    class Meta:
        verbose_name = "hand-over step"
        constraints = [
            has_known_code("hand_over_step_kind_is_known", "kind", HandOverStepKind),
            models.UniqueConstraint(
                name="hand_over_approved_once",
                fields=["hand_over"],
                condition=Q(kind=HandOverStepKind.APPROVED.value),
            ),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return str(self.get_kind_display())
