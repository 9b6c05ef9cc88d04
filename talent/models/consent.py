"""Consent matrices: versions that never change, and their cells."""

from datetime import datetime
from typing import ClassVar, Self

import pghistory
import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q

from talent.words import (
    Channel,
    ConsentMethod,
    Exclusion,
    Guild,
    Power,
    RepresentedBy,
    Right,
    Stance,
    Use,
)

from .columns import coded, codes, has_known_code, tags
from .people import Agency, Performer, User
from .twins import DigitalTwin

APPEND_ONLY = pgtrigger.Update | pgtrigger.Delete


class ConsentMatrixQuerySet(models.QuerySet["ConsentMatrix"]):
    def visible_to(self, user: User) -> Self:
        """Return matrices the user may see.

        Everybody sees guild floors, an agency's staff its default; a performer's or twin's matrix
        is seen by whoever may see the performer or the twin's own performer or agency.
        """
        if user.is_superuser and user.is_active:
            return self
        agencies = Agency.objects.visible_to(user)
        performers = Performer.objects.represented_by(agencies) | Performer.objects.spoken_for_by(
            user, Power.SEE_TWINS
        )
        return self.filter(
            ~Q(guild="")
            | Q(agency__in=agencies)
            | Q(performer__in=performers)
            | Q(twin__in=DigitalTwin.objects.filter(performer__in=performers))
            | Q(twin__agency__in=agencies)
        )


@pghistory.track()
class ConsentMatrix(models.Model):
    """What its one owner (guild, agency, performer or twin) allows. A change is a version."""

    guild = coded(Guild, blank=True)
    agency = models.OneToOneField(
        Agency, models.PROTECT, null=True, blank=True, related_name="consent_matrix"
    )
    performer = models.OneToOneField(
        Performer, models.PROTECT, null=True, blank=True, related_name="consent_matrix"
    )
    twin = models.OneToOneField(
        DigitalTwin, models.PROTECT, null=True, blank=True, related_name="consent_matrix"
    )

    named_by: ClassVar[tuple[str, ...]] = ("agency", "performer", "twin__performer")

    objects = ConsentMatrixQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "consent matrices"
        constraints = [
            models.CheckConstraint(
                name="consent_matrix_one_owner",
                condition=(
                    (~Q(guild="") & Q(agency=None, performer=None, twin=None))
                    | Q(guild="", agency__isnull=False, performer=None, twin=None)
                    | Q(guild="", agency=None, performer__isnull=False, twin=None)
                    | Q(guild="", agency=None, performer=None, twin__isnull=False)
                ),
                violation_error_message="A consent matrix has exactly one owner.",
            ),
            models.UniqueConstraint(
                name="consent_matrix_one_per_guild", fields=["guild"], condition=~Q(guild="")
            ),
        ]

    def __str__(self) -> str:
        """Say whose it is, as lists and links name it."""
        if self.guild:
            return f"{self.get_guild_display()}: its floor"
        if self.agency:
            return f"{self.agency}: its default"
        if self.performer:
            return f"{self.performer}: what they allow"
        if self.twin and self.twin.performer:
            names = dict.fromkeys([self.twin.performer.name, *self.twin.name.split(", ", 1)])
            return f"{', '.join(names)}: what they allow"
        return f"{self.twin}: what it allows"


class ConsentVersionQuerySet(models.QuerySet["ConsentVersion"]):
    def known(self, known_at: datetime) -> Self:
        return self.filter(recorded_at__lte=known_at)

    def in_force(self, at: datetime, known_at: datetime) -> Self:
        """Return each matrix's version in force at `at`, among those recorded by `known_at`."""
        return (
            self.known(known_at)
            .filter(in_force_from__lte=at)
            .order_by("matrix", "-in_force_from", "-number")
            .distinct("matrix")
        )

    def visible_to(self, user: User) -> Self:
        return self.filter(matrix__in=ConsentMatrix.objects.visible_to(user))


class ConsentVersion(models.Model):
    """One state of a matrix: when it counts, when it was known, what was shown and signed."""

    matrix = models.ForeignKey(ConsentMatrix, models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    in_force_from = models.DateTimeField()
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    text_shown = models.TextField()
    text_language = models.CharField(
        "language of the text", max_length=64, blank=True, default="", db_default="",
        help_text="Of the text that was shown; empty where nobody said.",
    )  # fmt: skip
    text_sha256 = models.CharField("SHA-256 of the text", max_length=64)
    method = coded(ConsentMethod)
    represented_by = coded(RepresentedBy, default=RepresentedBy.NONE.value)
    representative = models.CharField(max_length=200, blank=True)
    signed_on = models.DateField(null=True, blank=True)
    reason = models.CharField(max_length=500, blank=True)

    named_by: ClassVar[tuple[str, ...]] = ("matrix",)

    objects = ConsentVersionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="consent_version_numbers_count_up", fields=["matrix", "number"]
            ),
            has_known_code("consent_version_method_is_known", "method", ConsentMethod),
            has_known_code(
                "consent_version_representation_is_known", "represented_by", RepresentedBy
            ),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"{self.matrix}, version {self.number}"


class ConsentCellQuerySet(models.QuerySet["ConsentCell"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(version__in=ConsentVersion.objects.visible_to(user))


class ConsentCell(models.Model):
    """A stance on one right and one use. A null list says nothing; an empty list means none."""

    version = models.ForeignKey(ConsentVersion, models.PROTECT, related_name="cells")
    right = coded(Right)
    use = coded(Use)
    stance = coded(Stance)
    territories = tags(null=True, blank=True)
    territories_excluded = tags(default=list, db_default=[], blank=True)
    languages = tags(null=True, blank=True)
    languages_in = models.JSONField(
        default=list, db_default=[], blank=True, help_text="The only languages of some territories."
    )
    channels_allowed = codes(Channel, null=True, blank=True)
    channels_excluded = codes(Channel, default=list, db_default=[], blank=True)
    productions_allowed = tags(null=True, blank=True)
    productions_excluded = tags(default=list, db_default=[], blank=True)
    licensees_allowed = tags(null=True, blank=True)
    licensees_excluded = tags(default=list, blank=True)
    brands_allowed = tags(null=True, blank=True)
    brands_excluded = tags(default=list, db_default=[], blank=True)
    valid_from = models.DateTimeField(null=True, blank=True)
    valid_to = models.DateTimeField(null=True, blank=True)
    notice_hours = models.PositiveIntegerField(
        "notice before a use", null=True, blank=True,
        help_text="Hours between the request for a use and the use.",
    )  # fmt: skip
    withdrawal_notice_hours = models.PositiveIntegerField(
        "notice of withdrawal", null=True, blank=True,
        help_text="Hours between a withdrawal and its effect.",
    )  # fmt: skip
    exclusions = codes(Exclusion, default=list, blank=True)
    real_time = models.BooleanField(null=True, blank=True)
    limits = models.JSONField(default=list, db_default=[], blank=True)
    overrules_agency = models.BooleanField(
        default=False, help_text="The performer sets the agency's default aside, on the record."
    )

    objects = ConsentCellQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="consent_cell_once_each", fields=["version", "right", "use"]
            ),
            has_known_code("consent_cell_right_is_known", "right", Right),
            has_known_code("consent_cell_use_is_known", "use", Use),
            has_known_code("consent_cell_stance_is_known", "stance", Stance),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        stance = self.get_stance_display().lower()
        return f"{self.get_right_display()} × {self.get_use_display()}: {stance}"
