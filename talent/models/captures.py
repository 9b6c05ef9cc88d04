"""What was agreed to be captured of a performer, and what other people's vaults hold of them."""

from datetime import date, timedelta
from typing import ClassVar, Self

import pgtrigger
from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import DateField, Exists, F, OuterRef, Q, Subquery
from django.db.models.functions import Cast, Coalesce, TruncDate

from talent.words import CustodyKind, CustodyPurpose, ElsewhereStepKind

from .columns import coded, codes, has_known_code, is_one_line
from .consent import APPEND_ONLY
from .people import Agency, Performer, User
from .twins import Provider

SHA256 = RegexValidator(r"\A[0-9a-f]{64}\Z", "A SHA-256 is 64 signs: 0 to 9 and a to f.")


class CaptureSessionQuerySet(models.QuerySet["CaptureSession"]):
    def visible_to(self, user: User) -> Self:
        """Return those of the user's agencies."""
        if user.is_superuser and user.is_active:
            return self
        return self.filter(agency__in=Agency.objects.visible_to(user))


class CaptureSession(models.Model):
    """What was agreed to be captured of a performer; an item of it that is more is quarantined."""

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    performer = models.ForeignKey(Performer, models.PROTECT, related_name="+")
    name = models.CharField(max_length=200)
    kinds = codes(CustodyKind, help_text="What is captured, and nothing else.")
    purposes = codes(CustodyPurpose, help_text="What it may be read for, and nothing else.")
    items_at_most = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="Empty: as many as are captured."
    )
    business_reason = models.CharField(
        max_length=500, help_text="Why it is needed, as it was said before it was asked for."
    )
    reason_given_at = models.DateTimeField()
    asked_at = models.DateTimeField(help_text="When the performer was asked.")
    notice_hours = models.PositiveSmallIntegerField(
        default=48, help_text="So long before the session the performer has to be asked."
    )
    starts_on = models.DateField()
    ends_on = models.DateField(help_text="Its last day.")
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    objects = CaptureSessionQuerySet.as_manager()

    class Meta:
        constraints = [
            is_one_line("capture_session_name_is_a_line", "name"),
            models.CheckConstraint(
                name="capture_session_has_its_reason_first",
                condition=Q(reason_given_at__lte=F("asked_at")),
                violation_error_message="The reason is given before the performer is asked.",
            ),
            models.CheckConstraint(
                name="capture_session_ends_after_it_starts",
                condition=Q(ends_on__gte=F("starts_on")),
                violation_error_message="A session ends on its first day or later.",
            ),
            models.CheckConstraint(
                name="capture_session_agrees_on_something",
                condition=Q(kinds__len__gt=0, purposes__len__gt=0),
                violation_error_message="Say what is captured, and for what.",
            ),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return self.name


class HeldElsewhereQuerySet(models.QuerySet["HeldElsewhere"]):
    def visible_to(self, user: User) -> Self:
        """Return those of the user's agencies."""
        if user.is_superuser and user.is_active:
            return self
        return self.filter(agency__in=Agency.objects.visible_to(user))

    def with_state(self) -> Self:
        """Annotate each with what was last heard: `state`, `attested_on`, `due_on`, `is_gone`."""
        steps = HeldElsewhereStep.objects.filter(held=OuterRef("pk"))
        attested = steps.filter(kind=ElsewhereStepKind.ATTESTED.value).order_by("-on")
        told = steps.filter(kind=ElsewhereStepKind.TOLD.value).order_by("-pk")
        return self.annotate(
            state=Subquery(steps.order_by("-pk").values("kind")[:1]),
            attested_on=Coalesce(
                Subquery(attested.values("on")[:1]), TruncDate("at"), output_field=DateField()
            ),
            due_on=Subquery(told.values("on")[:1]),
            is_gone=Exists(steps.filter(kind=ElsewhereStepKind.DESTROYED.value)),
        )

    def owing(self, today: date) -> Self:
        """Return those whose holder owes a word: an attestation, or what became of it."""
        attested_after = Cast(today - F("attest_every_days") * timedelta(days=1), DateField())
        late = Q(due_on__lt=today) | Q(attested_on__lt=attested_after)
        return self.with_state().filter(late, is_gone=False)


class HeldElsewhere(models.Model):
    """An item of a performer that a provider or a studio holds in a vault of its own."""

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    performer = models.ForeignKey(Performer, models.PROTECT, related_name="+")
    item = models.ForeignKey(
        "talent.CustodyItem", models.PROTECT, null=True, blank=True, related_name="elsewhere",
        help_text="Of which item of this vault it is a copy; empty: it lies only there.",
    )  # fmt: skip
    kind = coded(CustodyKind)
    name = models.CharField(max_length=200)
    holder = models.CharField(max_length=200, help_text="Who holds it.")
    provider = models.ForeignKey(
        Provider, models.PROTECT, null=True, blank=True, related_name="+",
        help_text="Where the holder is one of the desk's providers.",
    )  # fmt: skip
    place = models.CharField(max_length=300, help_text="Where it lies there, as the holder says.")
    contact = models.EmailField(help_text="Who answers for it, and is told to destroy it.")
    sha256 = models.CharField(
        "SHA-256", max_length=64, validators=[SHA256], help_text="Of its content, by the holder."
    )
    attest_every_days = models.PositiveSmallIntegerField(
        "attested every",
        default=180,
        help_text="Days after which the holder says anew that it is safe.",
    )
    at = models.DateTimeField("registered at")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="registered by"
    )

    state: str | None  # where `with_state` adds it, and the others
    attested_on: date
    due_on: date | None
    is_gone: bool

    named_by: ClassVar[tuple[str, ...]] = ()

    objects = HeldElsewhereQuerySet.as_manager()

    class Meta:
        verbose_name = "item held elsewhere"
        verbose_name_plural = "items held elsewhere"
        constraints = [
            is_one_line("held_elsewhere_name_is_a_line", "name"),
            is_one_line("held_elsewhere_holder_is_a_line", "holder"),
            has_known_code("held_elsewhere_kind_is_known", "kind", CustodyKind),
            models.CheckConstraint(
                name="held_elsewhere_is_attested_at_times",
                condition=Q(attest_every_days__gt=0),
                violation_error_message="It is attested at least every so many days.",
            ),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"{self.name} at {self.holder}"

    def owes_on(self, today: date) -> bool:
        """Tell whether its holder owes a word, where `with_state` told the rest."""
        if self.is_gone:
            return False
        late = self.due_on is not None and self.due_on < today
        return late or self.attested_on + timedelta(days=self.attest_every_days) < today


class HeldElsewhereStepQuerySet(models.QuerySet["HeldElsewhereStep"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(held__in=HeldElsewhere.objects.visible_to(user))


class HeldElsewhereStep(models.Model):
    """What a holder attested or answered, or was told: then `on` is the deadline."""

    held = models.ForeignKey(HeldElsewhere, models.PROTECT, related_name="steps")
    kind = coded(ElsewhereStepKind)
    on = models.DateField()
    note = models.CharField(max_length=500, blank=True)
    destruction = models.ForeignKey(
        "talent.Destruction", models.PROTECT, null=True, blank=True, related_name="told"
    )
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")

    objects = HeldElsewhereStepQuerySet.as_manager()

    class Meta:
        verbose_name = "step of an item held elsewhere"
        verbose_name_plural = "steps of items held elsewhere"
        constraints = [
            has_known_code("held_elsewhere_step_kind_is_known", "kind", ElsewhereStepKind),
            # Each holder is told once of a destruction, whatever is killed meanwhile.
            models.UniqueConstraint(
                name="held_elsewhere_told_once",
                fields=["held", "destruction"],
                condition=Q(kind=ElsewhereStepKind.TOLD.value),
            ),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, {self.on}"
