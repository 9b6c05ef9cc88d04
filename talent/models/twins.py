"""Digital twins: tiers, sources of composites, builds and their providers."""

from collections.abc import Iterable
from datetime import date
from typing import ClassVar, Self

import pghistory
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.db import models
from django.db.models import F, Q

from talent.words import CaptureMethod, LegalClass, Power, Tier, TwinStatus

from .columns import coded, currency, days, has_known_code, is_one_line
from .people import Agency, Beneficiary, Performer, User


class ProviderQuerySet(models.QuerySet["Provider"]):
    def visible_to(self, user: User) -> Self:
        """Return all, for who signs in: an identity that the operator keeps for every agency."""
        return self if user.is_authenticated and user.is_active else self.none()


class Provider(models.Model):
    """Owns or hosts builds and reports usage and compute cost. It has no right to money."""

    name = models.CharField(max_length=200, unique=True)
    website = models.URLField(blank=True)

    objects = ProviderQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name


class DigitalTwinQuerySet(models.QuerySet["DigitalTwin"]):
    def of_performers(self, performers: Iterable[Performer | int]) -> Self:
        """Twins of the performers, and personas that draw on one of them."""
        return self.filter(
            Q(performer__in=performers)
            | Q(pk__in=CompositeSource.objects.filter(performer__in=performers).values("twin"))
        )

    def known_to(self, agency_id: int) -> Self:
        """Return an agency's personas, and the twins of performers it represents or ever did."""
        performers = Performer.objects.filter(representations__agency=agency_id)
        return self.filter(
            Q(agency=agency_id)
            | Q(performer__in=performers)
            | Q(pk__in=CompositeSource.objects.filter(performer__in=performers).values("twin"))
        )

    def visible_to(self, user: User) -> Self:
        if user.is_superuser and user.is_active:
            return self
        agencies = Agency.objects.visible_to(user)
        spoken_for = Performer.objects.spoken_for_by(user, Power.SEE_TWINS)
        performers = Performer.objects.represented_by(agencies) | spoken_for
        return self.filter(
            Q(pk__in=DigitalTwin.objects.of_performers(performers).values("pk"))
            | Q(agency__in=agencies)
        )


@pghistory.track()
class DigitalTwin(models.Model):
    """A licensed replica or persona. Its tier decides which fields, uses and checks apply."""

    name = models.CharField(max_length=200)
    performer = models.ForeignKey(
        Performer, models.PROTECT, null=True, blank=True, related_name="twins"
    )
    agency = models.ForeignKey(
        Agency,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="personas",
        help_text="Keeps a persona that is nobody's replica.",
    )
    owner = models.ForeignKey(
        Beneficiary,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="personas",
        help_text="Is paid for a persona without human sources.",
    )
    tier = coded(Tier)
    legal_class = coded(LegalClass)
    status = coded(TwinStatus, default=TwinStatus.ACTIVE.value)
    hand_id = models.CharField("HAND ID", max_length=40, blank=True)
    capture_method = coded(CaptureMethod, blank=True)
    captured_on = models.DateField(null=True, blank=True)
    training_hours = models.DecimalField(
        max_digits=10,
        decimal_places=2,
        null=True,
        blank=True,
        help_text="Hours of performance an emulator was trained on.",
    )
    union_notice_on = models.DateField(
        null=True, blank=True, help_text="When the union was told of a synthetic performer."
    )
    union_notice_reference = models.CharField(max_length=100, blank=True)

    objects = DigitalTwinQuerySet.as_manager()

    class Meta:
        constraints = [
            is_one_line("digital_twin_name_is_a_line", "name"),
            has_known_code("digital_twin_tier_is_known", "tier", Tier),
            has_known_code("digital_twin_legal_class_is_known", "legal_class", LegalClass),
            has_known_code("digital_twin_status_is_known", "status", TwinStatus),
            models.CheckConstraint(
                name="digital_twin_of_somebody",
                condition=Q(tier=Tier.PERSONA.value, performer=None, agency__isnull=False)
                | (~Q(tier=Tier.PERSONA.value) & Q(performer__isnull=False, agency=None)),
                violation_error_message=(
                    "A replica or emulator belongs to a performer; a persona to an agency."
                ),
            ),
            models.CheckConstraint(
                name="digital_twin_capture_fits_its_tier",
                condition=~Q(tier=Tier.STATIC.value)
                | (~Q(capture_method="") & Q(captured_on__isnull=False)),
                violation_error_message="A static replica records how and when it was captured.",
            ),
            models.CheckConstraint(
                name="digital_twin_training_fits_its_tier",
                condition=Q(training_hours=None) | Q(tier=Tier.EMULATOR.value),
                violation_error_message="Only an emulator has training hours.",
            ),
            models.CheckConstraint(
                name="digital_twin_synthetic_has_union_notice",
                condition=~Q(legal_class=LegalClass.SYNTHETIC.value)
                | Q(union_notice_on__isnull=False),
                violation_error_message="A synthetic performer needs the date of the union notice.",
            ),
            # Once an owner: whether another agency has a twin of a name is nobody's business.
            models.UniqueConstraint(
                name="digital_twin_name_once_a_performer",
                fields=["performer", "name"],
                violation_error_message="This performer has a twin of that name.",
            ),
            models.UniqueConstraint(
                name="digital_twin_name_once_an_agency",
                fields=["agency", "name"],
                violation_error_message="This agency has a persona of that name.",
            ),
            models.UniqueConstraint(
                name="digital_twin_hand_id_unique", fields=["hand_id"], condition=~Q(hand_id="")
            ),
        ]

    def __str__(self) -> str:
        return self.name


class CompositeSourceQuerySet(models.QuerySet["CompositeSource"]):
    def on(self, day: date) -> Self:
        """Return the shares that count for use on a day."""
        return self.filter(
            Q(starts_on=None) | Q(starts_on__lte=day), Q(ends_on=None) | Q(ends_on__gt=day)
        )

    def visible_to(self, user: User) -> Self:
        """Return a performer's own shares; for an agency's staff, its performers' and personas'."""
        if user.is_superuser and user.is_active:
            return self
        agencies = Agency.objects.visible_to(user)
        return self.filter(
            Q(performer__in=Performer.objects.visible_to(user)) | Q(twin__agency__in=agencies)
        )


@pghistory.track()
class CompositeSource(models.Model):
    """A performer on whom a persona draws, and the weight of the share.

    It counts for use on the days from `starts_on` to before `ends_on`. Another weight from a day on
    is another row; who leaves keeps what use until then earned.
    """

    twin = models.ForeignKey(DigitalTwin, models.CASCADE, related_name="sources")
    performer = models.ForeignKey(Performer, models.PROTECT, related_name="composite_sources")
    weight = models.DecimalField(max_digits=12, decimal_places=6)
    starts_on = models.DateField(
        null=True, blank=True, help_text="The first day of use; empty: from the start."
    )
    ends_on = models.DateField(
        null=True, blank=True, help_text="The first day that no longer counts."
    )

    named_by: ClassVar[tuple[str, ...]] = ("performer", "twin")

    objects = CompositeSourceQuerySet.as_manager()

    class Meta:
        constraints = [
            ExclusionConstraint(
                name="composite_source_one_at_a_time",
                expressions=[
                    ("twin", RangeOperators.EQUAL),
                    ("performer", RangeOperators.EQUAL),
                    (days("starts_on", "ends_on"), RangeOperators.OVERLAPS),
                ],
                violation_error_message="There is a share for some of these days already.",
            ),
            models.CheckConstraint(
                name="composite_source_weight_is_positive",
                condition=Q(weight__gt=0),
                violation_error_message="A source's weight must be above zero.",
            ),
            models.CheckConstraint(
                name="composite_source_ends_after_it_starts",
                condition=Q(starts_on=None) | Q(ends_on=None) | Q(ends_on__gt=F("starts_on")),
                violation_error_message="A share must end after it starts.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.performer} in {self.twin}"


class BuildQuerySet(models.QuerySet["Build"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(twin__in=DigitalTwin.objects.visible_to(user))


@pghistory.track()
class Build(models.Model):
    """A trained version of a twin's model."""

    twin = models.ForeignKey(DigitalTwin, models.PROTECT, related_name="builds")
    provider = models.ForeignKey(Provider, models.PROTECT, related_name="builds")
    version = models.CharField(max_length=50)
    sha256 = models.CharField("SHA-256", max_length=64, blank=True)
    built_on = models.DateField()
    gpu_hours = models.DecimalField(max_digits=12, decimal_places=2, default=0)
    training_cost = models.DecimalField(max_digits=20, decimal_places=4, default=0)
    training_cost_currency = currency(default="USD")
    retired_on = models.DateField(null=True, blank=True)

    named_by: ClassVar[tuple[str, ...]] = ("twin",)

    objects = BuildQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="build_version_once", fields=["twin", "version"]),
            models.CheckConstraint(
                name="build_retired_after_it_was_built",
                condition=Q(retired_on=None) | Q(retired_on__gte=F("built_on")),
                violation_error_message="A build retires after it was built.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.twin}, build {self.version}"
