"""Worth: scenarios with their assumptions, and valuations of V with every term itemised."""

from typing import ClassVar, Self

import pghistory
import pgtrigger
from django.db import models
from django.db.models import Q

from licensing.models import Agreement, Production
from talent.models import Agency, DigitalTwin, User
from talent.models.columns import coded, currency, has_known_code, money
from talent.models.consent import APPEND_ONLY
from talent.models.names import day
from valuation.words import Term


class ScenarioQuerySet(models.QuerySet["Scenario"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(agency__in=Agency.objects.visible_to(user))


@pghistory.track()
class Scenario(models.Model):
    """A production plan for a twin, whose worth is asked for."""

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    twin = models.ForeignKey(DigitalTwin, models.PROTECT, related_name="+")
    production = models.ForeignKey(
        Production, models.PROTECT, null=True, blank=True, related_name="+"
    )
    agreement = models.ForeignKey(
        Agreement, models.PROTECT, null=True, blank=True, related_name="+"
    )
    name = models.CharField(max_length=200)
    currency = currency()

    objects = ScenarioQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="scenario_name_once", fields=["agency", "twin", "name"])
        ]

    def __str__(self) -> str:
        return self.name


class AssumptionQuerySet(models.QuerySet["Assumption"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(scenario__in=Scenario.objects.visible_to(user))


@pghistory.track()
class Assumption(models.Model):
    """A named input of a scenario: quantity × unit amount towards one term, with its source."""

    scenario = models.ForeignKey(Scenario, models.CASCADE, related_name="assumptions")
    term = coded(Term)
    label = models.CharField(max_length=200)
    quantity = models.DecimalField(max_digits=20, decimal_places=6, default=1)
    unit_amount = money()
    probability = models.DecimalField(max_digits=6, decimal_places=5, default=1)
    source = models.CharField(max_length=300)

    objects = AssumptionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="assumption_label_once", fields=["scenario", "term", "label"]
            ),
            has_known_code("assumption_term_is_known", "term", Term),
            models.CheckConstraint(
                name="assumption_probability_is_a_part",
                condition=Q(probability__gte=0, probability__lte=1),
                violation_error_message="A probability is between 0 and 1.",
            ),
        ]

    def __str__(self) -> str:
        return self.label


class ValuationQuerySet(models.QuerySet["Valuation"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(scenario__in=Scenario.objects.visible_to(user))


class Valuation(models.Model):
    """V of a scenario on a day, with the inputs it stood on."""

    scenario = models.ForeignKey(Scenario, models.PROTECT, related_name="valuations")
    as_of = models.DateField()
    computed_at = models.DateTimeField()
    code_version = models.CharField(max_length=40)
    inputs = models.JSONField()
    total = money()
    currency = currency()

    named_by: ClassVar[tuple[str, ...]] = ("scenario",)

    objects = ValuationQuerySet.as_manager()

    class Meta:
        indexes = [
            # A scenario's newest valuation.
            models.Index(name="valuation_newest", fields=["scenario", "-as_of"]),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"{self.scenario} as of {day(self.as_of)}"


class ValuationTermQuerySet(models.QuerySet["ValuationTerm"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(valuation__in=Valuation.objects.visible_to(user))


class ValuationTerm(models.Model):
    """One item of one term of V: the amount, and the agreement, usage or assumption behind it."""

    valuation = models.ForeignKey(Valuation, models.PROTECT, related_name="terms")
    term = coded(Term)
    label = models.CharField(max_length=200)
    amount = money()
    source = models.CharField(max_length=300)

    objects = ValuationTermQuerySet.as_manager()

    class Meta:
        constraints = [has_known_code("valuation_term_is_known", "term", Term)]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"{self.get_term_display()}: {self.label}"
