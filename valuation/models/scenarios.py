"""Scenarios: plans whose worth is asked for, with their items, inputs and correlations."""

from typing import Any, ClassVar, Self

import pghistory
from django.db import models
from django.db.models import F, Q

from licensing.models import Agreement, Production, RateLine
from licensing.words import Channel
from talent.models import Agency, DigitalTwin, User
from talent.models.columns import coded, currency, has_known_code, is_one_line, rate
from valuation.words import InputRole, SourceStanding, Spreading, Term, View

# Powers of two: only then is every part of a Sobol sequence filled evenly. See docs/worth.md.
DRAWS = [(2**power, f"{2**power:,}") for power in (10, 12, 14, 16, 17, 18, 20)]
DEFAULT_DRAWS = 2**16
MOST_MONTHS = 600


class ScenarioQuerySet(models.QuerySet["Scenario"]):
    def in_use(self) -> Self:
        """Keep those that the night values."""
        return self.filter(in_use=True)

    def visible_to(self, user: User) -> Self:
        return self.filter(agency__in=Agency.objects.visible_to(user))


@pghistory.track()
class Scenario(models.Model):
    """A plan for one or several twins, whose worth is asked for.

    Everything in it is one agency's, also where another agency has plans for the same twin.
    """

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    name = models.CharField(max_length=200)
    view = coded(
        View,
        verbose_name="whose view",
        default=View.STUDIO.value,
        db_default=View.STUDIO.value,
        help_text="For whom it saves, earns and costs.",
    )
    twins = models.ManyToManyField(DigitalTwin, verbose_name="digital twins", related_name="+")
    production = models.ForeignKey(
        Production, models.PROTECT, null=True, blank=True, related_name="+"
    )
    agreements = models.ManyToManyField(
        Agreement,
        blank=True,
        related_name="+",
        help_text="Their rate lines price the planned use, and what they cost so far is shown.",
    )
    currency = currency()
    begins_on = models.DateField(help_text="The first day of its first month.")
    months = models.PositiveSmallIntegerField(
        default=24, db_default=24, help_text="How many months it looks ahead."
    )
    discount_percent = models.DecimalField(
        "discount rate",
        max_digits=7,
        decimal_places=4,
        default=0,
        db_default=0,
        help_text="In percent a year. It makes the net present value of the monthly flows.",
    )
    discount_source = models.CharField(
        "source of the discount rate", max_length=300, blank=True, default="", db_default=""
    )
    draws = models.PositiveIntegerField(
        choices=DRAWS,
        default=DEFAULT_DRAWS,
        db_default=DEFAULT_DRAWS,
        help_text="More draws make the range more exact, and take longer.",
    )
    seed = models.PositiveIntegerField(
        default=7, db_default=7, help_text="The same seed draws the same figures."
    )
    in_use = models.BooleanField(
        default=True, db_default=True, help_text="The night values it anew when an input changed."
    )

    objects = ScenarioQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="scenario_name_once",
                fields=["agency", "name"],
                violation_error_message="The agency has a scenario of this name.",
            ),
            is_one_line("scenario_name_is_a_line", "name"),
            has_known_code("scenario_view_is_known", "view", View),
            models.CheckConstraint(
                name="scenario_looks_ahead",
                condition=Q(months__range=(1, MOST_MONTHS)),
                violation_error_message=f"A scenario looks 1 to {MOST_MONTHS} months ahead.",
            ),
            models.CheckConstraint(
                name="scenario_discounts_by_a_rate",
                condition=Q(discount_percent__gt=-100, discount_percent__lte=1000),
                violation_error_message="A discount rate lies between −100 and 1,000 % a year.",
            ),
            models.CheckConstraint(
                name="scenario_draws_are_known",
                condition=Q(draws__in=[draws for draws, _ in DRAWS]),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class PartOfScenarioQuerySet(models.QuerySet[Any]):
    """Rows that are seen with their scenario."""

    def visible_to(self, user: User) -> Self:
        return self.filter(scenario__in=Scenario.objects.visible_to(user))


@pghistory.track()
class ScenarioItem(models.Model):
    """A part of one of the five terms: the product of its inputs.

    With a rate line, the quantity is priced by that line of an agreement of the scenario.
    """

    scenario = models.ForeignKey(Scenario, models.CASCADE, related_name="items")
    term = coded(Term)
    label = models.CharField(max_length=200)
    begins_in = models.PositiveSmallIntegerField(
        "from month",
        default=1,
        help_text="The scenario's month in which it begins; 1 is the first.",
    )
    months = models.PositiveSmallIntegerField(
        default=1, help_text="Over how many months it is spread, evenly."
    )
    currency = currency(
        blank=True,
        default="",
        help_text="Empty: the scenario's. Another one is converted by the stored rate of the day.",
    )
    rate_line = models.ForeignKey(
        RateLine,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text="Prices the quantity. Then the item needs no rate of its own.",
    )
    territory = models.CharField(
        max_length=6,
        blank=True,
        default="",
        db_default="",
        help_text="Where it is used, as FR or US-CA: the rate card's multipliers look at it.",
    )
    language = models.CharField(
        max_length=35,
        blank=True,
        default="",
        db_default="",
        help_text="In which language it is used, as fr or fr-CA.",
    )
    real_time = models.BooleanField("generated in real time", default=False, db_default=False)

    named_by: ClassVar[tuple[str, ...]] = ("scenario",)

    objects = PartOfScenarioQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="scenario_item_once",
                fields=["scenario", "term", "label"],
                violation_error_message="The term has an item of this name.",
            ),
            is_one_line("scenario_item_label_is_a_line", "label"),
            has_known_code("scenario_item_term_is_known", "term", Term),
            models.CheckConstraint(
                name="scenario_item_falls_in_months",
                condition=Q(begins_in__range=(1, MOST_MONTHS), months__range=(1, MOST_MONTHS)),
                violation_error_message=f"Months count from 1, up to {MOST_MONTHS}.",
            ),
            models.CheckConstraint(
                name="scenario_item_is_priced_where_it_licenses",
                condition=Q(rate_line=None) | Q(term=Term.LICENSING.value),
                violation_error_message="A rate line prices items of licensing only.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.label} ({self.scenario})"


class PartOfItemQuerySet(models.QuerySet[Any]):
    """Rows that are seen with their item's scenario."""

    def visible_to(self, user: User) -> Self:
        return self.filter(item__scenario__in=Scenario.objects.visible_to(user))


@pghistory.track()
class ScenarioInput(models.Model):
    """A figure that an item is made of, how it is spread, and where it comes from."""

    item = models.ForeignKey(ScenarioItem, models.CASCADE, related_name="inputs")
    role = coded(InputRole, verbose_name="what it is")
    name = models.CharField(max_length=200, help_text="Such as “Shooting days saved”.")
    unit = models.CharField(max_length=40, blank=True, help_text="Such as days, or minutes.")
    spreading = coded(Spreading, verbose_name="distribution", default=Spreading.FIXED.value)
    low = rate(null=True, blank=True)
    middle = rate("most likely", null=True, blank=True)
    high = rate(null=True, blank=True)
    deviation = rate(null=True, blank=True)
    values = models.CharField(
        "values and their weights", max_length=300, blank=True, help_text="As in 0: 60, 40000: 40."
    )
    source = models.CharField(max_length=300, blank=True)
    standing = coded(
        SourceStanding,
        verbose_name="how far it holds",
        default=SourceStanding.ASSUMPTION.value,
    )

    objects = PartOfItemQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="scenario_input_once",
                fields=["item", "role"],
                violation_error_message="An item has one input of each kind.",
            ),
            is_one_line("scenario_input_name_is_a_line", "name"),
            has_known_code("scenario_input_role_is_known", "role", InputRole),
            has_known_code("scenario_input_spreading_is_known", "spreading", Spreading),
            has_known_code("scenario_input_standing_is_known", "standing", SourceStanding),
            models.CheckConstraint(
                name="scenario_input_without_source_is_assumed",
                condition=~Q(source="") | Q(standing=SourceStanding.ASSUMPTION.value),
                violation_error_message="What names no source is an assumption.",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def place(self) -> int:
        """Its place among the inputs of its item: the quantity first."""
        return InputRole.codes().index(self.role)


@pghistory.track()
class InputCorrelation(models.Model):
    """How two inputs of a scenario move together: −1 to 1, of their ranks as a copula has them."""

    scenario = models.ForeignKey(Scenario, models.CASCADE, related_name="correlations")
    one = models.ForeignKey(ScenarioInput, models.CASCADE, related_name="+")
    other = models.ForeignKey(ScenarioInput, models.CASCADE, related_name="+")
    coefficient = models.DecimalField(max_digits=5, decimal_places=4)
    source = models.CharField(max_length=300, blank=True)

    named_by: ClassVar[tuple[str, ...]] = ("one", "other")

    objects = PartOfScenarioQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="correlation_once", fields=["one", "other"]),
            models.CheckConstraint(
                name="correlation_of_two",
                condition=~Q(one=F("other")),
                violation_error_message="An input moves with itself anyway: choose another one.",
            ),
            models.CheckConstraint(
                name="correlation_is_a_coefficient",
                condition=Q(coefficient__gt=-1, coefficient__lt=1),
                violation_error_message="A correlation lies between −1 and 1, both left out.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.one} and {self.other}"


@pghistory.track()
class PlannedExposure(models.Model):
    """Hours in which a scenario has a twin seen or heard on a channel; they wear off its worth."""

    scenario = models.ForeignKey(Scenario, models.CASCADE, related_name="exposures")
    twin = models.ForeignKey(DigitalTwin, models.PROTECT, related_name="+")
    channel = coded(Channel)
    hours = models.DecimalField(max_digits=12, decimal_places=3, help_text="As the audience gets.")
    congruence = models.DecimalField(
        "fit",
        max_digits=4,
        decimal_places=3,
        default=0,
        help_text="How well it fits the person, from −1 (not at all) to 1 (wholly).",
    )
    begins_in = models.PositiveSmallIntegerField("from month", default=1)
    months = models.PositiveSmallIntegerField(default=1)
    source = models.CharField(max_length=300, blank=True)

    named_by: ClassVar[tuple[str, ...]] = ("twin",)

    objects = PartOfScenarioQuerySet.as_manager()

    class Meta:
        constraints = [
            has_known_code("planned_exposure_channel_is_known", "channel", Channel),
            models.CheckConstraint(
                name="planned_exposure_is_a_time",
                condition=Q(hours__gte=0, congruence__gte=-1, congruence__lte=1),
                violation_error_message="Hours are zero or more, and a fit is from −1 to 1.",
            ),
            models.CheckConstraint(
                name="planned_exposure_falls_in_months",
                condition=Q(begins_in__range=(1, MOST_MONTHS), months__range=(1, MOST_MONTHS)),
                violation_error_message=f"Months count from 1, up to {MOST_MONTHS}.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.twin}, {self.get_channel_display()}"
