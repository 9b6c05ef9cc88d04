"""What the desk holds of performers: items, their keys, who may read them and who did."""

from datetime import datetime
from typing import ClassVar, Self

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Exists, F, OuterRef, Q, Subquery

from talent.words import (
    CustodyKind,
    CustodyPurpose,
    CustodyStepKind,
    DestructionCause,
    DestructionState,
    DestructionStepKind,
    GrantState,
    GrantStepKind,
    LegalHoldKind,
    ReadCause,
    ReadEnding,
    SealLevel,
)

from .captures import CaptureSession
from .columns import coded, codes, has_known_code, is_one_line
from .consent import APPEND_ONLY
from .people import Agency, Performer, User

# Of two people, neither of whom is the asker.
APPROVALS_NEEDED = 2


class CustodyItemQuerySet(models.QuerySet["CustodyItem"]):
    def with_state(self) -> Self:
        """Annotate each with `state`, the kind of its last step."""
        last = CustodyStep.objects.filter(item=OuterRef("pk")).order_by("-pk")
        return self.annotate(state=Subquery(last.values("kind")[:1]))

    def in_state(self, *kinds: CustodyStepKind) -> Self:
        """Return those whose last step is one of these, annotated with it."""
        return self.with_state().filter(state__in=[kind.value for kind in kinds])

    def visible_to(self, user: User) -> Self:
        """Return those that the user's agencies keep. Performers read of theirs in the portal."""
        if user.is_superuser and user.is_active:
            return self
        return self.filter(agency__in=Agency.objects.visible_to(user))


class CustodyItem(models.Model):
    """A scan, a recording or the like of one performer, kept encrypted by an agency.

    The file holds its chunks without the header: who has the file alone can open nothing.
    """

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    performer = models.ForeignKey(Performer, models.PROTECT, related_name="custody_items")
    kind = coded(CustodyKind)
    name = models.CharField(max_length=200)
    purposes = codes(CustodyPurpose, help_text="What it may be read for.")
    captured_on = models.DateField(null=True, blank=True)
    session = models.ForeignKey(
        CaptureSession, models.PROTECT, null=True, blank=True, related_name="items",
        help_text="What was agreed to be captured; what is more is quarantined.",
    )  # fmt: skip
    size = models.BigIntegerField(help_text="Bytes of its content.")
    told_sha256 = models.CharField(
        "SHA-256 as told", max_length=64, blank=True, help_text="By whoever uploaded it."
    )
    place = models.CharField(max_length=100, unique=True, help_text="Its file's name in the vault.")
    nonce = models.BinaryField(max_length=16, editable=False)
    begun_at = models.DateTimeField()
    begun_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    state: str | None  # where `with_state` adds it

    objects = CustodyItemQuerySet.as_manager()

    class Meta:
        verbose_name = "vault item"
        constraints = [
            is_one_line("custody_item_name_is_a_line", "name"),
            has_known_code("custody_item_kind_is_known", "kind", CustodyKind),
            models.CheckConstraint(
                name="custody_item_has_a_size",
                condition=Q(size__gt=0),
                violation_error_message="An empty file is nothing to keep.",
            ),
            models.CheckConstraint(
                name="custody_item_has_a_purpose",
                condition=Q(purposes__len__gt=0),
                violation_error_message="Say what it may be read for.",
            ),
        ]
        indexes = [models.Index(name="custody_item_by_performer", fields=["performer"])]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return self.name


class CustodyStepQuerySet(models.QuerySet["CustodyStep"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(item__in=CustodyItem.objects.visible_to(user))


class CustodyStep(models.Model):
    """What became of an item: begun, stored, proven, …, destroyed."""

    item = models.ForeignKey(CustodyItem, models.PROTECT, related_name="steps")
    kind = coded(CustodyStepKind)
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    note = models.CharField(max_length=500, blank=True)
    sha256 = models.CharField(
        "SHA-256", max_length=64, blank=True, help_text="Of the content, as it was read back."
    )
    file_sha256 = models.CharField(
        "SHA-256 of the file",
        max_length=64,
        blank=True,
        help_text="Of its encrypted file: whoever holds no key can check it.",
    )

    objects = CustodyStepQuerySet.as_manager()

    class Meta:
        verbose_name = "step of a vault item"
        verbose_name_plural = "steps of vault items"
        constraints = [has_known_code("custody_step_kind_is_known", "kind", CustodyStepKind)]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return str(self.get_kind_display())


class CustodyUploadQuerySet(models.QuerySet["CustodyUpload"]):
    def visible_to(self, user: User) -> Self:
        """Return the user's own: nobody goes on with what somebody else began."""
        return self.filter(item__begun_by=user, item__in=CustodyItem.objects.visible_to(user))

    def overdue(self, now: datetime) -> Self:
        """Return those that nobody went on with in time."""
        return self.filter(expires_at__lte=now)


class CustodyUpload(models.Model):
    """An upload that is under way. It ends with the item's content stored, or abandoned."""

    item = models.OneToOneField(CustodyItem, models.CASCADE, related_name="upload")
    arrived = models.BigIntegerField(default=0, help_text="Bytes in whole chunks so far.")
    expires_at = models.DateTimeField()

    objects = CustodyUploadQuerySet.as_manager()

    class Meta:
        verbose_name = "upload to the vault"
        verbose_name_plural = "uploads to the vault"

    def __str__(self) -> str:
        return f"{self.item}: {self.arrived}"


class CustodyKeyQuerySet(models.QuerySet["CustodyKey"]):
    def visible_to(self, _user: User) -> Self:
        """Return none: no page shows keys."""
        return self.none()


class CustodyKey(models.Model):
    """The header that wraps an item's key for its recipients, sealed under the key of an epoch.

    Destroying this row, and its epoch's key, is what erases the item, wherever its file lies.
    """

    item = models.OneToOneField(CustodyItem, models.PROTECT, related_name="key")
    epoch = models.PositiveIntegerField()
    sealed = models.BinaryField(max_length=64 * 1024, editable=False)
    wrapped_for = models.CharField(
        max_length=64,
        blank=True,
        default="",
        db_default="",
        help_text="SHA-256 of the keys of desk and escrow that it is wrapped for.",
    )

    objects = CustodyKeyQuerySet.as_manager()

    class Meta:
        verbose_name = "key of a vault item"
        verbose_name_plural = "keys of vault items"

    def __str__(self) -> str:
        return f"Key of item {self.item_id}"


class CustodyGrantQuerySet(models.QuerySet["CustodyGrant"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(item__in=CustodyItem.objects.visible_to(user))

    def with_state(self) -> Self:
        """Load what the state of each is read from."""
        return self.select_related("item").prefetch_related("steps", "reads")


class CustodyGrant(models.Model):
    """Somebody asks to read one item, once, for a purpose, within a window."""

    item = models.ForeignKey(CustodyItem, models.PROTECT, related_name="grants")
    purpose = coded(CustodyPurpose, blank=True, help_text="Empty: it is the performer's own copy.")
    reason = models.CharField(max_length=500)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(help_text="From then on it opens nothing.")
    asked_at = models.DateTimeField()
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    named_by: ClassVar[tuple[str, ...]] = ("item", "asked_by")

    objects = CustodyGrantQuerySet.as_manager()

    class Meta:
        verbose_name = "reading grant"
        constraints = [
            models.CheckConstraint(
                name="custody_grant_purpose_is_known",
                condition=Q(purpose__in=["", *CustodyPurpose.codes()]),
            ),
            models.CheckConstraint(
                name="custody_grant_has_a_window",
                condition=Q(ends_at__gt=F("starts_at")),
                violation_error_message="The window ends after it begins.",
            ),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"{self.asked_by} reads {self.item}"

    def state_at(self, now: datetime) -> GrantState:
        """Its state, from its steps and its read; a caller that shows many loads them with it."""
        kinds = [step.kind for step in self.steps.all()]
        if GrantStepKind.REJECTED in kinds:
            return GrantState.REJECTED
        if GrantStepKind.TAKEN_BACK in kinds:
            return GrantState.TAKEN_BACK
        if self.reads.all():
            return GrantState.USED
        if now >= self.ends_at:
            return GrantState.OVER
        if kinds.count(GrantStepKind.APPROVED) < APPROVALS_NEEDED:
            return GrantState.WAITING
        return GrantState.OPEN if now >= self.starts_at else GrantState.AHEAD


class CustodyGrantStepQuerySet(models.QuerySet["CustodyGrantStep"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(grant__in=CustodyGrant.objects.visible_to(user))


class CustodyGrantStep(models.Model):
    """An approval of a grant, its rejection, or that it was taken back."""

    grant = models.ForeignKey(CustodyGrant, models.PROTECT, related_name="steps")
    kind = coded(GrantStepKind)
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    reason = models.CharField(max_length=500, blank=True)

    objects = CustodyGrantStepQuerySet.as_manager()

    class Meta:
        verbose_name = "step of a reading grant"
        verbose_name_plural = "steps of reading grants"
        constraints = [
            has_known_code("custody_grant_step_kind_is_known", "kind", GrantStepKind),
            models.UniqueConstraint(
                name="custody_grant_step_once_a_person",
                fields=["grant", "by", "kind"],
                violation_error_message="You have approved this already.",
            ),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return str(self.get_kind_display())


class CustodyReadQuerySet(models.QuerySet["CustodyRead"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(item__in=CustodyItem.objects.visible_to(user))


class CustodyRead(models.Model):
    """That somebody began to read an item. It is stored before the first byte of it leaves."""

    item = models.ForeignKey(CustodyItem, models.PROTECT, related_name="reads")
    grant = models.ForeignKey(CustodyGrant, models.PROTECT, null=True, related_name="reads")
    cause = coded(ReadCause)
    purpose = coded(CustodyPurpose, blank=True)
    reason = models.CharField(max_length=500)
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    address = models.GenericIPAddressField(null=True, help_text="From where, as the desk saw it.")

    named_by: ClassVar[tuple[str, ...]] = ("item", "by")

    objects = CustodyReadQuerySet.as_manager()

    class Meta:
        verbose_name = "read of a vault item"
        verbose_name_plural = "reads of vault items"
        constraints = [
            has_known_code("custody_read_cause_is_known", "cause", ReadCause),
            # One read for each grant, also for two who come at once.
            models.UniqueConstraint(name="custody_read_once_a_grant", fields=["grant"]),
            models.CheckConstraint(
                name="custody_read_by_a_grant_names_it",
                condition=Q(cause=ReadCause.BREAK_GLASS.value, grant=None)
                | (~Q(cause=ReadCause.BREAK_GLASS.value) & Q(grant__isnull=False)),
            ),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"{self.by} read {self.item}"


class CustodyReadEndQuerySet(models.QuerySet["CustodyReadEnd"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(read__in=CustodyRead.objects.visible_to(user))


class CustodyReadEnd(models.Model):
    """How a read ended, and after how many bytes. A read without it was cut off with its server."""

    read = models.OneToOneField(CustodyRead, models.PROTECT, related_name="end")
    at = models.DateTimeField()
    ending = coded(ReadEnding)
    sent = models.BigIntegerField(help_text="Bytes of content that left.")

    objects = CustodyReadEndQuerySet.as_manager()

    class Meta:
        verbose_name = "end of a read"
        verbose_name_plural = "ends of reads"
        constraints = [has_known_code("custody_read_ending_is_known", "ending", ReadEnding)]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return str(self.get_ending_display())


class LegalHoldQuerySet(models.QuerySet["LegalHold"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(item__in=CustodyItem.objects.visible_to(user))

    def holds(self, item: CustodyItem) -> "LegalHold | None":
        """Return what holds an item now; None: nothing."""
        last = self.filter(item=item).order_by("-pk").first()
        return last if last and last.kind == LegalHoldKind.PLACED else None


class LegalHold(models.Model):
    """A warrant, a subpoena or a claim says that an item must not be destroyed, or no longer."""

    item = models.ForeignKey(CustodyItem, models.PROTECT, related_name="holds")
    kind = coded(LegalHoldKind)
    reason = models.CharField(max_length=500, help_text="Which court or authority, and its number.")
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    objects = LegalHoldQuerySet.as_manager()

    class Meta:
        constraints = [has_known_code("legal_hold_kind_is_known", "kind", LegalHoldKind)]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.reason}"


class DestructionQuerySet(models.QuerySet["Destruction"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(item__in=CustodyItem.objects.visible_to(user))

    def with_state(self) -> Self:
        """Load what the state of each is read from."""
        return self.select_related("item").prefetch_related("steps")

    def undecided(self) -> Self:
        """Return those that nobody approved, rejected or took back."""
        steps = DestructionStep.objects.filter(destruction=OuterRef("pk"))
        return self.filter(~Exists(steps.exclude(kind=DestructionStepKind.CONFIRMED.value)))

    def approved(self) -> Self:
        """Return those that were approved and are not through yet."""
        steps = DestructionStep.objects.filter(destruction=OuterRef("pk"))
        return self.filter(
            Exists(steps.filter(kind=DestructionStepKind.APPROVED.value)),
            ~Exists(steps.filter(kind=DestructionStepKind.CERTIFIED.value)),
        )


class Destruction(models.Model):
    """Somebody asks to destroy an item; another approves; then its key and its file go."""

    item = models.ForeignKey(CustodyItem, models.PROTECT, related_name="destructions")
    cause = coded(DestructionCause)
    reason = models.CharField(max_length=500)
    asked_at = models.DateTimeField()
    # Nobody: the desk proposed it, since a retention clock ran out.
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    clocks_sha256 = models.CharField(
        "SHA-256 of its clock",
        max_length=64,
        blank=True,
        default="",
        db_default="",
        help_text="Of what the clock said when the desk proposed it: once that moves, it is over.",
    )

    named_by: ClassVar[tuple[str, ...]] = ("item",)

    objects = DestructionQuerySet.as_manager()

    class Meta:
        constraints = [has_known_code("destruction_cause_is_known", "cause", DestructionCause)]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"Destruction of {self.item}"

    @property
    def state(self) -> DestructionState:
        """Its state, from its steps; a caller that shows many loads them with it."""
        kinds = {step.kind for step in self.steps.all()}
        if kinds & {DestructionStepKind.REJECTED, DestructionStepKind.TAKEN_BACK}:
            return DestructionState.CLOSED
        if DestructionStepKind.CERTIFIED in kinds:
            return DestructionState.DONE
        if DestructionStepKind.APPROVED in kinds:
            return DestructionState.UNDER_WAY
        stands_for_it = self.asked_by_id or DestructionStepKind.CONFIRMED in kinds
        return DestructionState.WAITING if stands_for_it else DestructionState.PROPOSED


class DestructionStepQuerySet(models.QuerySet["DestructionStep"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(destruction__in=Destruction.objects.visible_to(user))


class DestructionStep(models.Model):
    """What was done about a destruction; nobody did what the desk did by itself."""

    destruction = models.ForeignKey(Destruction, models.PROTECT, related_name="steps")
    kind = coded(DestructionStepKind)
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    reason = models.CharField(max_length=500, blank=True)

    objects = DestructionStepQuerySet.as_manager()

    class Meta:
        constraints = [
            has_known_code("destruction_step_kind_is_known", "kind", DestructionStepKind),
            models.UniqueConstraint(name="destruction_step_once", fields=["destruction", "kind"]),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return str(self.get_kind_display())


class DestructionCertificateQuerySet(models.QuerySet["DestructionCertificate"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(destruction__in=Destruction.objects.visible_to(user))


class DestructionCertificate(models.Model):
    """What the desk certifies of a destruction; it stays when the item is gone."""

    destruction = models.OneToOneField(Destruction, models.PROTECT, related_name="certificate")
    issued_at = models.DateTimeField()
    content = models.JSONField(help_text="Everything that the document says.")
    pdf = models.BinaryField(editable=False)
    sha256 = models.CharField("SHA-256 of the PDF", max_length=64)
    level = coded(SealLevel)

    named_by: ClassVar[tuple[str, ...]] = ("destruction",)

    objects = DestructionCertificateQuerySet.as_manager()

    class Meta:
        constraints = [has_known_code("destruction_certificate_level_is_known", "level", SealLevel)]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"Certificate: {self.destruction}"
