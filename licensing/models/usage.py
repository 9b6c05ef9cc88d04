"""Usage: batches, events and their records, the key ledger, what was not understood."""

from decimal import Decimal
from typing import ClassVar, Self

import pgtrigger
from django.conf import settings
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q
from django.utils.text import Truncator

from licensing.words import Channel, Door, ImportMode, LeafKind, Meter, PromptClass, Standing
from talent.models import Agency, Build, DigitalTwin, Performer, User
from talent.models.columns import coded, codes, has_known_code, quantity
from talent.models.consent import APPEND_ONLY
from talent.models.names import minute
from talent.words import Exclusion, Power, Right, Use

from .agreements import Agreement
from .clearance import ClearanceDecision
from .leaves import Ruling, is_replaced
from .parties import ApiKey, Licensee, LicenseeTerms, Production


class UsageImportQuerySet(models.QuerySet["UsageImport"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(terms__in=LicenseeTerms.objects.visible_to(user))


class UsageImport(models.Model):
    """The stored report of one imported sheet."""

    terms = models.ForeignKey(LicenseeTerms, models.PROTECT, related_name="imports")
    imported_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    imported_at = models.DateTimeField()
    file_name = models.CharField(max_length=255)
    file_sha256 = models.CharField("SHA-256", max_length=64)
    worksheet = models.CharField(max_length=255, blank=True)
    mapping = models.JSONField()
    mode = coded(ImportMode, default=ImportMode.ALL_OR_NONE.value)
    rows = models.PositiveIntegerField()
    accepted = models.PositiveIntegerField()
    known = models.PositiveIntegerField(help_text="Rows that were here already.")
    rejected = models.PositiveIntegerField()
    left_out = models.PositiveIntegerField(
        default=0, db_default=0, help_text="Rows of totals, and the header again: no uses."
    )
    errors = models.JSONField(default=list)
    known_rows = models.JSONField(
        default=list, db_default=[], help_text="The rows that were held for known."
    )

    objects = UsageImportQuerySet.as_manager()

    class Meta:
        constraints = [has_known_code("usage_import_mode_is_known", "mode", ImportMode)]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self):
        return f"{self.file_name}, imported {minute(self.imported_at)}"


class UsageBatchQuerySet(models.QuerySet["UsageBatch"]):
    def unsealed(self) -> Self:
        return self.filter(first_index=None)

    def sealed_between(self, from_index: int, to_index: int) -> Self:
        """Batches whose leaves lie in [from, to)."""
        return self.filter(first_index__gte=from_index, first_index__lt=to_index)

    def visible_to(self, user: User) -> Self:
        return self.filter(terms__in=LicenseeTerms.objects.visible_to(user))


class UsageBatch(models.Model):
    """What one ingest transaction brought. The sequencer gives it its first index, once."""

    terms = models.ForeignKey(LicenseeTerms, models.PROTECT, related_name="batches")
    api_key = models.ForeignKey(ApiKey, models.PROTECT, null=True, related_name="+")
    usage_import = models.ForeignKey(UsageImport, models.PROTECT, null=True, related_name="batches")
    door = coded(Door)
    received_at = models.DateTimeField()
    size = models.PositiveIntegerField()
    first_index = models.BigIntegerField(null=True, unique=True)
    sealed_at = models.DateTimeField(null=True)

    named_by: ClassVar[tuple[str, ...]] = ("terms",)

    objects = UsageBatchQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "usage batches"
        constraints = [has_known_code("usage_batch_door_is_known", "door", Door)]
        indexes = [
            # The sequencer: what has no index yet, oldest first.
            models.Index(name="usage_batch_unsealed", fields=["id"], condition=Q(first_index=None)),
        ]
        triggers = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Delete),
            pgtrigger.Protect(
                name="sealed_once",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__first_index__isnull=False),
            ),
        ]

    def __str__(self):
        return f"{self.terms}: received {minute(self.received_at)}"


class UsageEventQuerySet(models.QuerySet["UsageEvent"]):
    def with_leaves(self, first: int, last: int) -> Self:
        """Events whose leaves lie from `first` to `last` of the log, both included."""
        # The batch that `first` lies in may begin before it.
        begins = UsageBatch.objects.filter(first_index__lte=first).order_by("-first_index")
        batches = UsageBatch.objects.filter(
            first_index__gte=models.Subquery(begins.values("first_index")[:1]),
            first_index__lte=last,
        )
        index = models.F("batch__first_index") + models.F("seat")
        return self.alias(index=index).filter(batch__in=batches, index__gte=first, index__lte=last)

    def to_rule_on(self) -> Self:
        """Uses outside the consent, in whole or past a cap, that nobody has ruled on."""
        ruled_on = Ruling.objects.filter(about_id=models.OuterRef("pk"))
        outside = self.filter(~Q(standing=Standing.CLEARED.value) | ~Q(over_meter=""))
        return outside.filter(
            ~models.Exists(ruled_on), ~is_replaced(), ~Q(kind=LeafKind.RULING.value)
        )

    def visible_to(self, user: User) -> Self:
        """For the agency's staff and the twin's performers, sources and delegates who see usage."""
        if user.is_superuser and user.is_active:
            return self
        agencies, twins = _whose_usage(user)
        return self.filter(Q(agency__in=agencies) | Q(twin__in=twins))


def _whose_usage(user: User) -> tuple[models.QuerySet, models.QuerySet]:
    """The agencies and the twins whose usage somebody may see."""
    performers = Performer.objects.spoken_for_by(user, Power.SEE_USAGE)
    return Agency.objects.visible_to(user), DigitalTwin.objects.of_performers(performers)


def upstream(model, **options) -> models.ForeignKey:
    """Return a foreign key without a database constraint; who writes checks what it refers to.

    A database constraint here would look every event up once per column, which halves
    the intake; rows referred to are protected from deletion by Django.
    """
    return models.ForeignKey(
        model, models.PROTECT, db_constraint=False, db_index=False, related_name="+", **options
    )


class UsageEvent(models.Model):
    """A use that happened: a fact, kept whatever its standing. RANGE-partitioned by id."""

    batch = upstream(UsageBatch)
    seat = models.IntegerField(help_text="Place in the batch; index = first index + seat.")
    kind = coded(LeafKind, default=LeafKind.USE.value)
    about = models.BigIntegerField(null=True, help_text="The event an amendment or ruling names.")
    agency = upstream(Agency)
    licensee = upstream(Licensee)
    agreement = upstream(Agreement, null=True)
    twin = upstream(DigitalTwin)
    build = upstream(Build, null=True)
    production = upstream(Production, null=True)
    permit = upstream(ClearanceDecision, null=True)
    occurred_at = models.DateTimeField()
    right = coded(Right)
    use = coded(Use)
    territory = models.CharField(max_length=6)
    language = models.CharField(max_length=35, blank=True)
    channel = coded(Channel)
    prompt_class = coded(PromptClass, default=PromptClass.NONE.value)
    real_time = models.BooleanField(default=False)
    content = codes(Exclusion, null=True, help_text="What it shows; null: not stated.")
    brand = models.CharField(
        max_length=200, blank=True, db_default="", help_text="A brand's slug, or as it was sent."
    )
    standing = coded(Standing)
    standing_reason = models.CharField(max_length=200, blank=True)
    over = quantity(null=True, help_text="The part of the quantity past a cap.")
    over_meter = coded(Meter, blank=True, db_default="", help_text="The meter of that cap.")
    lines = quantity(null=True)
    words = quantity(null=True)
    characters = quantity(null=True)
    seconds = quantity(null=True)
    frames = quantity(null=True)
    shots = quantity(null=True)
    tokens = quantity(null=True)
    prompts = quantity(null=True)
    sessions = quantity(null=True)
    gpu_seconds = quantity(null=True)
    equivalent_days = quantity(null=True)
    runs = quantity(null=True)
    copies = quantity(null=True)
    revenue = quantity(null=True)
    entry = models.BinaryField(max_length=65, help_text="What the log publishes: 65 bytes.")

    named_by: ClassVar[tuple[str, ...]] = ("twin",)

    objects = UsageEventQuerySet.as_manager()

    class Meta:
        constraints = [
            has_known_code("usage_event_kind_is_known", "kind", LeafKind),
            has_known_code("usage_event_standing_is_known", "standing", Standing),
        ]
        indexes = [
            # The night: the events of new batches, which lie side by side.
            BrinIndex(name="usage_event_batch", fields=["batch"], autosummarize=True),
            # The night: leaves about other leaves, and uses that crossed a cap.
            models.Index(
                name="usage_event_apart",
                fields=["batch"],
                condition=~Q(kind=LeafKind.USE.value) | ~Q(over_meter=""),
            ),
            # An agency's list and an agreement's drill-down, newest first.
            models.Index(name="usage_event_agreement", fields=["agreement", "-id"]),
            # The portal: what a twin did, newest first.
            models.Index(name="usage_event_twin", fields=["twin", "-id"]),
            # A studio's list in the admin, newest first.
            models.Index(name="usage_event_licensee", fields=["licensee", "-id"]),
            # What was outside consent, newest first, for the desk's tile and the list's filter.
            models.Index(
                name="usage_event_outside",
                fields=["-id", "standing"],
                condition=~Q(standing=Standing.CLEARED.value),
            ),
            # The list of one month: uses arrive roughly in the order in which they happened.
            BrinIndex(name="usage_event_month", fields=["occurred_at"], autosummarize=True),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self):
        what = "" if self.kind == LeafKind.USE else f", {self.get_kind_display().lower()}"
        return f"{self.twin}: {self.get_use_display()}, {minute(self.occurred_at)}{what}"

    def is_visible_to(self, user: User) -> bool:
        """Say what `visible_to` does of an event that comes from an archive, not from a table."""
        if user.is_superuser and user.is_active:
            return True
        agencies, twins = _whose_usage(user)
        return agencies.filter(pk=self.agency_id).exists() or twins.filter(pk=self.twin_id).exists()

    def quantities(self) -> dict[Meter, Decimal]:
        """What was metered, by meter, in the meter's own unit."""
        return {
            meter: getattr(self, meter.value)
            for meter in Meter
            if getattr(self, meter.value) is not None
        }


class UsageRecord(models.Model):
    """The canonical bytes an event's commitment opens to, and their salt.

    In a table of its own, so that the night scans narrow rows with figures only.
    """

    event = models.OneToOneField(
        UsageEvent,
        models.PROTECT,
        primary_key=True,
        db_constraint=False,
        related_name="record",
    )
    salt = models.BinaryField(max_length=32)
    canonical = models.BinaryField()

    class Meta:
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self):
        return f"Record {self.pk}"


class EventKey(models.Model):
    """The key ledger: (licensee, source, id) leads to one event, for ever."""

    licensee = models.ForeignKey(
        Licensee, models.PROTECT, db_constraint=False, db_index=False, related_name="+"
    )
    source = models.CharField(max_length=500)
    key = models.CharField(max_length=500)
    event_id = models.BigIntegerField()
    digest = models.BinaryField(max_length=32, help_text="SHA-256 of the content as sent.")

    class Meta:
        constraints = [
            models.UniqueConstraint(name="event_key_once", fields=["licensee", "source", "key"])
        ]
        indexes = [
            # From an event to its key.
            models.Index(name="event_key_event", fields=["event_id"]),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self):
        return f"Key of event {self.event_id}"


class DeadLetterQuerySet(models.QuerySet["DeadLetter"]):
    def open(self) -> Self:
        return self.filter(resolved_at=None)

    def visible_to(self, user: User) -> Self:
        return self.filter(terms__in=LicenseeTerms.objects.visible_to(user))


class DeadLetter(models.Model):
    """A message that was not understood, with the reason. It can be read again."""

    terms = models.ForeignKey(LicenseeTerms, models.PROTECT, related_name="dead_letters")
    usage_import = models.ForeignKey(
        UsageImport, models.PROTECT, null=True, related_name="dead_letters"
    )
    received_at = models.DateTimeField()
    door = coded(Door)
    source = models.CharField(max_length=500)
    key = models.CharField(max_length=500)
    digest = models.BinaryField(max_length=32)
    envelope = models.JSONField(help_text="The message as sent, prompts replaced.")
    code = models.CharField(max_length=80)
    pointer = models.CharField(max_length=200, blank=True)
    detail = models.CharField(max_length=500)
    sheet_row = models.PositiveIntegerField(null=True, blank=True)
    sheet_column = models.CharField(max_length=255, blank=True)
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolved_event_id = models.BigIntegerField(null=True, blank=True)

    named_by: ClassVar[tuple[str, ...]] = ("terms",)

    objects = DeadLetterQuerySet.as_manager()

    class Meta:
        constraints = [
            has_known_code("dead_letter_door_is_known", "door", Door),
            models.UniqueConstraint(
                name="dead_letter_once", fields=["terms", "source", "key", "digest"]
            ),
        ]
        indexes = [
            # The dead letters that wait, newest first: the desk's tile and its list.
            models.Index(
                name="dead_letter_waiting", fields=["terms", "-id"], condition=Q(resolved_at=None)
            ),
        ]

    def __str__(self):
        return (
            f"{self.terms.licensee}, {minute(self.received_at)}: {Truncator(self.detail).chars(80)}"
        )
