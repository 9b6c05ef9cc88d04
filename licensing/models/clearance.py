"""Clearance: holds, and decisions with the facts they stood on."""

from datetime import datetime
from typing import ClassVar, Self

import pghistory
import pgtrigger
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import F, Q

from licensing.wire.names import Prefix, name_of
from licensing.words import Engagement, HoldKind, HoldStepKind, Outcome
from talent.models import Agency, DigitalTwin, Performer, User
from talent.models.columns import coded, codes, has_known_code, tags
from talent.models.consent import APPEND_ONLY
from talent.models.names import day, minute
from talent.territories import place_names
from talent.words import Guild, Power, Use

from .agreements import Agreement
from .parties import ApiKey, LicenseeTerms


class HoldQuerySet(models.QuerySet["Hold"]):
    def at(self, at: datetime) -> Self:
        """Those that are in force at an instant."""
        return self.filter(Q(ends_at=None) | Q(ends_at__gt=at), starts_at__lte=at)

    def visible_to(self, user: User | AnonymousUser) -> Self:
        if user.is_superuser and user.is_active:
            return self
        return self.filter(
            ~Q(guild="")
            | Q(agreement__in=Agreement.objects.visible_to(user))
            | Q(twin__in=DigitalTwin.objects.visible_to(user))
            | Q(performer__in=Performer.objects.visible_to(user))
        )


@pghistory.track()
class Hold(models.Model):
    """A strike, dispute or legal hold over a guild, performer, twin or agreement."""

    kind = coded(HoldKind)
    guild = coded(Guild, blank=True)
    performer = models.ForeignKey(
        Performer, models.PROTECT, null=True, blank=True, related_name="+"
    )
    twin = models.ForeignKey(DigitalTwin, models.PROTECT, null=True, blank=True, related_name="+")
    agreement = models.ForeignKey(
        Agreement, models.PROTECT, null=True, blank=True, related_name="holds"
    )
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=500)
    engagements = codes(Engagement, null=True, blank=True)
    uses = codes(Use, null=True, blank=True)
    territories = tags(null=True, blank=True)
    spares_begun_before = models.DateField(
        null=True, blank=True, help_text="Productions whose photography began before go on."
    )

    named_by: ClassVar[tuple[str, ...]] = ("performer", "twin", "agreement")

    objects = HoldQuerySet.as_manager()

    class Meta:
        constraints = [
            has_known_code("hold_kind_is_known", "kind", HoldKind),
            models.CheckConstraint(
                name="hold_ends_after_it_starts",
                condition=Q(ends_at=None) | Q(ends_at__gt=F("starts_at")),
                violation_error_message="A hold must end after it starts.",
            ),
            models.CheckConstraint(
                name="hold_one_scope",
                condition=(
                    (~Q(guild="") & Q(performer=None, twin=None, agreement=None))
                    | Q(guild="", performer__isnull=False, twin=None, agreement=None)
                    | Q(guild="", performer=None, twin__isnull=False, agreement=None)
                    | Q(guild="", performer=None, twin=None, agreement__isnull=False)
                ),
                violation_error_message="A hold lies on one guild, performer, twin or agreement.",
            ),
            models.CheckConstraint(
                name="hold_of_a_guild_is_narrowed",
                condition=~Q(guild="")
                | Q(engagements=None, uses=None, territories=None, spares_begun_before=None),
                violation_error_message="Only a hold on a guild is narrowed to a part of its work.",
            ),
        ]

    def __str__(self) -> str:
        on = self.performer or self.twin or self.agreement or self.get_guild_display()
        return f"{on}: {self.get_kind_display().lower()} hold from {minute(self.starts_at)}"

    @property
    def scope_in_words(self) -> str:
        """The part of a guild's work that it lies on; empty: all of it."""
        parts = [
            ", ".join(str(Engagement(code).label) for code in self.engagements or ()),
            ", ".join(str(Use(code).label) for code in self.uses or ()),
            place_names(self.territories or ()),
        ]
        if self.spares_begun_before is not None:
            parts.append(f"productions not begun before {day(self.spares_begun_before)}")
        return "; ".join(filter(None, parts))

    @property
    def said_to_licensees(self) -> str:
        """What a licensee reads of it; empty: only that there is a hold, as of a dispute."""
        if self.kind != HoldKind.STRIKE or not self.guild:
            return ""
        return f"A strike holds this use from {self.starts_at:%d %B %Y} on."


class HoldStepQuerySet(models.QuerySet["HoldStep"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        return self.filter(hold__in=Hold.objects.visible_to(user))


class HoldStep(models.Model):
    """What happened to a hold, when, by whom and why."""

    hold = models.ForeignKey(Hold, models.PROTECT, related_name="steps")
    kind = coded(HoldStepKind)
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    reason = models.CharField(max_length=500)

    objects = HoldStepQuerySet.as_manager()

    class Meta:
        constraints = [has_known_code("hold_step_kind_is_known", "kind", HoldStepKind)]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return str(self.get_kind_display())


class ClearanceBatchQuerySet(models.QuerySet["ClearanceBatch"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        return self.filter(terms__in=LicenseeTerms.objects.visible_to(user))


class ClearanceBatch(models.Model):
    """Requests sent together under one idempotency key: together they get the first decisions."""

    terms = models.ForeignKey(LicenseeTerms, models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    idempotency_key = models.CharField(max_length=200)
    request_digest = models.BinaryField(max_length=32)

    named_by: ClassVar[tuple[str, ...]] = ("terms",)

    objects = ClearanceBatchQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "clearance batches"
        constraints = [
            models.UniqueConstraint(
                name="clearance_batch_key_once", fields=["terms", "idempotency_key"]
            ),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"{self.terms}: asked {minute(self.asked_at)}"


class ClearanceDecisionQuerySet(models.QuerySet["ClearanceDecision"]):
    def with_permit(self) -> Self:
        """With their reservation and its units, and their permit with its revocation."""
        return self.select_related("reservation", "permit__revocation").prefetch_related(
            "reservation__units"
        )

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """For staff of the agency asked, and performers or sources of the twin who see usage."""
        if user.is_superuser and user.is_active:
            return self
        performers = Performer.objects.spoken_for_by(user, Power.SEE_USAGE)
        return self.filter(
            Q(terms__agency__in=Agency.objects.visible_to(user))
            | Q(twin__in=DigitalTwin.objects.of_performers(performers))
        )


class ClearanceDecision(models.Model):
    """The answer to one request, with the facts it stood on. It replays to the same bytes."""

    # Where a field has no index of its own, it is the first column of another.
    terms = models.ForeignKey(
        LicenseeTerms, models.PROTECT, related_name="decisions", db_index=False
    )
    api_key = models.ForeignKey(ApiKey, models.PROTECT, null=True, related_name="+")
    batch = models.ForeignKey(
        ClearanceBatch, models.PROTECT, null=True, related_name="decisions", db_index=False
    )
    seat = models.PositiveSmallIntegerField(null=True, help_text="Place in the batch.")
    agreement = models.ForeignKey(Agreement, models.PROTECT, null=True, related_name="decisions")
    twin = models.ForeignKey(
        DigitalTwin, models.PROTECT, null=True, related_name="+", db_index=False
    )
    outcome = coded(Outcome)
    at = models.DateTimeField(help_text="The instant the use is meant for.")
    known_at = models.DateTimeField(help_text="What the desk knew when it decided.")
    idempotency_key = models.CharField(max_length=200, null=True)  # noqa: DJ001 (null: no key sent)
    request_digest = models.BinaryField(max_length=32)
    request = models.JSONField()
    facts = models.JSONField()
    decision = models.JSONField(help_text="Trace, texts and the nearest change.")

    named_by: ClassVar[tuple[str, ...]] = ("terms", "twin")

    objects = ClearanceDecisionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="clearance_decision_key_once", fields=["terms", "idempotency_key"]
            ),
            models.UniqueConstraint(
                name="clearance_decision_seat_once",
                fields=["batch", "seat"],
                condition=Q(batch__isnull=False),
            ),
            has_known_code("clearance_decision_outcome_is_known", "outcome", Outcome),
        ]
        indexes = [
            # The portal's refusals and the admin's list: newest first by twin.
            models.Index(name="decision_by_twin", fields=["twin", "-known_at"]),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        whom = self.twin or self.terms.licensee
        name = name_of(Prefix.CLEARANCE, self.pk)
        return f"{whom}: {self.get_outcome_display().lower()} {minute(self.known_at)} ({name})"
