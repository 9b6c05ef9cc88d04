"""Exposure and what a twin is worth by itself: seen time, its rules, and valuations of twins."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar, Self

import pgtrigger
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from licensing.models import Licensee, Production
from licensing.models.usage import upstream
from licensing.words import Channel, Confidence
from talent import locales
from talent.models import Agency, DigitalTwin, Performer, User
from talent.models.columns import coded, currency, has_known_code, money, quantity_sum
from talent.models.consent import APPEND_ONLY
from talent.models.names import day
from talent.words import Power, Use
from valuation.words import WorthParameter as Parameter


class ExposureRun(models.Model):
    """The leaves [from_index, to_index) whose seen time was added up at once. Never edited."""

    from_index = models.BigIntegerField(unique=True)
    to_index = models.BigIntegerField(unique=True)
    leaves = models.BigIntegerField(help_text="Fewer than the stretch has: the rest is archived.")
    added_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="exposure_run_reads_forward", condition=Q(to_index__gt=F("from_index"))
            )
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"Leaves {self.from_index} to {self.to_index}"


class SeenTimeQuerySet(models.QuerySet["SeenTime"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(agency__in=Agency.objects.visible_to(user))


class SeenTime(models.Model):
    """What one exposure run adds to a day on which a twin was seen, or takes back. Never edited.

    A day's time is the sum over all runs. It can be rebuilt from the log and compared.
    """

    run = models.ForeignKey(ExposureRun, models.PROTECT, related_name="seen", db_index=False)
    agency = upstream(Agency)
    twin = upstream(DigitalTwin)
    licensee = upstream(Licensee)
    production = upstream(Production, null=True)
    use = coded(Use)
    channel = coded(Channel)
    brand = models.CharField(max_length=200, blank=True)
    on = models.DateField()
    seconds = quantity_sum()
    unmeasured = models.IntegerField(help_text="Uses that say nothing of time.")

    named_by: ClassVar[tuple[str, ...]] = ("twin",)

    objects = SeenTimeQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "seen time"
        indexes = [
            # A twin's exposure at an agency.
            models.Index(name="seen_time_twin", fields=["agency", "twin", "on"])
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"{self.twin}: {self.get_channel_display()} on {self.on}"


class DatedByAgencyQuerySet(models.QuerySet[Any]):
    def counting(self, on: date, *, known_at: datetime) -> Self:
        """Those that count on a day, as known then, the newest of them first."""
        rows = self.filter(counts_from__lte=on, recorded_at__lte=known_at)
        return rows.order_by("-counts_from", "-pk")

    def visible_to(self, user: User) -> Self:
        return self.filter(agency__in=Agency.objects.visible_to(user))


# From which value to which each figure may be; the second bound may be left open.
BOUNDS: dict[str, tuple[Decimal, Decimal | None]] = {
    Parameter.HALF_LIFE: (Decimal("0.1"), Decimal(3650)),
    Parameter.WEIGHT: (Decimal(0), None),
    Parameter.HALF_AT: (Decimal("0.1"), None),
    Parameter.STEEPNESS: (Decimal("0.1"), Decimal(10)),
    Parameter.FLOOR: (Decimal(0), Decimal(1)),
    Parameter.CONGRUENCE: (Decimal(0), Decimal("0.99")),
    Parameter.CONCENTRATION: (Decimal(0), Decimal("0.99")),
    Parameter.DISCOUNT_LIVING: (Decimal("-0.5"), Decimal(2)),
    Parameter.DISCOUNT_ESTATE: (Decimal("-0.5"), Decimal(2)),
    Parameter.GROWTH: (Decimal("-0.9"), Decimal(1)),
    Parameter.RENEWAL: (Decimal(0), Decimal(1)),
    Parameter.ECONOMIC_LIFE: (Decimal(1), Decimal(100)),
    Parameter.TAX: (Decimal(0), Decimal("0.9")),
    Parameter.TAX_YEARS: (Decimal(1), Decimal(100)),
    Parameter.AGE_OF_DEATH: (Decimal(50), Decimal(120)),
    Parameter.AGE_SPREAD: (Decimal(1), Decimal(30)),
}
BY_CHANNEL = {Parameter.HALF_LIFE.value, Parameter.WEIGHT.value}


class LegalAssessment(models.Model):
    """What an agency says could be claimed for a legal path, from a day on. Never edited.

    A later row takes its place. `path` is the path's key, `name` what it was called then.
    """

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    path = models.CharField(max_length=100)
    name = models.CharField(max_length=300, verbose_name="what it is about")
    probability_percent = models.DecimalField(
        "probability of a claim", max_digits=7, decimal_places=4, help_text="In percent."
    )
    at_risk = money(verbose_name="capital at risk", help_text="What is lost if it succeeds.")
    currency = currency()
    source = models.CharField(max_length=300, help_text="Who says so, and where.")
    counts_from = models.DateField()
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    named_by: ClassVar[tuple[str, ...]] = ()

    objects = DatedByAgencyQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="legal_assessment_is_a_risk",
                condition=Q(probability_percent__range=(0, 100), at_risk__gte=0),
                violation_error_message="A probability is from 0 to 100 percent.",
            ),
        ]
        indexes = [
            # What an agency said of the paths of a plan.
            models.Index(name="legal_assessment_path", fields=["agency", "path"])
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"{self.name}, from {day(self.counts_from)}"


class WorthParameter(models.Model):
    """A figure of exposure or worth as an agency sees it, from a day on; it beats the rulebook's.

    Never edited: a later row takes its place. `worst` and `best` are for the twin's worth.
    """

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    parameter = coded(Parameter)
    channel = coded(Channel, blank=True, help_text="Only for half-lives and audience weights.")
    value = models.DecimalField(max_digits=16, decimal_places=6)
    worst = models.DecimalField(
        max_digits=16, decimal_places=6, help_text="Where the twin is worth least."
    )
    best = models.DecimalField(
        max_digits=16, decimal_places=6, help_text="Where the twin is worth most."
    )
    counts_from = models.DateField()
    source = models.CharField(max_length=300)
    confidence = coded(Confidence)
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    objects = DatedByAgencyQuerySet.as_manager()

    class Meta:
        constraints = [
            has_known_code("worth_parameter_is_known", "parameter", Parameter),
            has_known_code("worth_parameter_confidence_is_known", "confidence", Confidence),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        where = f", {self.get_channel_display().lower()}" if self.channel else ""
        figure = locales.quantity(self.value, "en")
        return f"{self.get_parameter_display()}{where}: {figure} from {day(self.counts_from)}"

    def clean(self) -> None:
        if self.channel and self.parameter not in BY_CHANNEL:
            raise ValidationError({"channel": _("This figure is the same for all channels.")})
        figures = (self.worst, self.value, self.best)
        if self.parameter not in BOUNDS or None in figures:
            return
        low, high = BOUNDS[self.parameter]
        for name, figure in zip(("worst", "value", "best"), figures, strict=True):
            if figure < low or (high is not None and figure > high):
                most = _("any") if high is None else high.normalize()
                told = {"low": low.normalize(), "high": most}
                raise ValidationError({name: _("It goes from %(low)s to %(high)s.") % told})
        if sorted(figures) not in (list(figures), list(reversed(figures))):
            raise ValidationError({"value": _("It lies between the worst and the best.")})


class Congruence(models.Model):
    """How well a kind of use or a production fits a twin, from −1 to 1, as an agency judges it.

    Of several that speak to a use the one that names more counts: production, then twin, then use.
    Never edited: a later row takes its place.
    """

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    twin = models.ForeignKey(
        DigitalTwin, models.PROTECT, null=True, blank=True, related_name="+",
        help_text="Empty: any twin.",
    )  # fmt: skip
    production = models.ForeignKey(
        Production, models.PROTECT, null=True, blank=True, related_name="+",
        help_text="Empty: any production.",
    )  # fmt: skip
    use = coded(Use, blank=True, help_text="Empty: any use.")
    fit = models.DecimalField(
        max_digits=4, decimal_places=3, help_text="From −1, not at all, to 1, wholly."
    )
    counts_from = models.DateField()
    source = models.CharField(max_length=300)
    confidence = coded(Confidence)
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    named_by: ClassVar[tuple[str, ...]] = ("twin", "production")

    objects = DatedByAgencyQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "congruence"
        constraints = [
            has_known_code("congruence_confidence_is_known", "confidence", Confidence),
            models.CheckConstraint(
                name="congruence_is_from_minus_one_to_one",
                condition=Q(fit__gte=-1, fit__lte=1),
                violation_error_message="How well a use fits is from −1 to 1.",
            ),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        of = self.production or self.get_use_display() or "any use"
        return f"{self.twin or 'Any twin'}: {of}"


class TwinValuationQuerySet(models.QuerySet["TwinValuation"]):
    def visible_to(self, user: User) -> Self:
        """For the agency's staff, and for whoever may see the money of the replica's performer.

        A composite's source has a part of it only, so that the whole is none of theirs.
        """
        performers = Performer.objects.spoken_for_by(user, Power.SEE_MONEY)
        return self.filter(
            Q(agency__in=Agency.objects.visible_to(user)) | Q(twin__performer__in=performers)
        )


class TwinValuation(models.Model):
    """What a twin is worth at an agency on a day: a range, with all that it stood on. Never edited.

    `tax_benefit` is in the three figures; `price_left` is what exposure leaves of an unseen
    twin's price.
    """

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    twin = models.ForeignKey(DigitalTwin, models.PROTECT, related_name="+")
    as_of = models.DateField()
    currency = currency()
    low = money()
    base = money()
    high = money()
    tax_benefit = money()
    exposure = models.DecimalField(max_digits=20, decimal_places=4, help_text="Weighted hours.")
    price_left = models.DecimalField(max_digits=10, decimal_places=6)
    inputs = models.JSONField()
    digest = models.BinaryField(max_length=32, help_text="SHA-256 of the inputs.")
    code_version = models.CharField(max_length=40)
    computed_at = models.DateTimeField()

    named_by: ClassVar[tuple[str, ...]] = ("twin",)

    objects = TwinValuationQuerySet.as_manager()

    class Meta:
        constraints = [
            # Also a twin's newest, and its change since a day.
            models.UniqueConstraint(
                name="twin_valuation_once",
                fields=["agency", "twin", "as_of", "digest", "code_version"],
            )
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"{self.twin} as of {day(self.as_of)}"
