"""Worth: valuations of V with every term itemised, and the runs that compute them."""

from typing import Any, ClassVar, Self

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q

from talent.models import User
from talent.models.columns import coded, currency, has_known_code, money
from talent.models.consent import APPEND_ONLY
from talent.models.names import day
from valuation.words import SourceStanding, Term

from .scenarios import Scenario


class OfScenarioQuerySet(models.QuerySet[Any]):
    """Rows that are seen with their scenario."""

    def visible_to(self, user: User) -> Self:
        return self.filter(scenario__in=Scenario.objects.visible_to(user))


class Valuation(models.Model):
    """V of a scenario on a day, with the inputs it stood on and what they came to.

    `total` is the mean of V, rounded once. The same inputs, seed and versions give the same outcome
    bit for bit on the same kind of machine. Valuations before distributions have no outcome.
    """

    scenario = models.ForeignKey(Scenario, models.PROTECT, related_name="valuations")
    as_of = models.DateField(verbose_name="valuation date")
    computed_at = models.DateTimeField()
    computed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+",
        help_text="None: the night.",
    )  # fmt: skip
    code_version = models.CharField(max_length=40)
    versions_json = models.JSONField(
        default=dict, db_default={}, help_text="Of the libraries that computed it."
    )
    inputs = models.JSONField()
    inputs_sha256 = models.CharField(max_length=64, default="", db_default="")
    outcome = models.JSONField(null=True)
    total = money()
    currency = currency()

    named_by: ClassVar[tuple[str, ...]] = ("scenario",)

    objects = OfScenarioQuerySet.as_manager()

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
    """One item of one term of V: its mean amount, rounded, and where it comes from."""

    valuation = models.ForeignKey(Valuation, models.PROTECT, related_name="terms")
    term = coded(Term)
    label = models.CharField(max_length=200)
    amount = money()
    source = models.TextField()
    standing = coded(
        SourceStanding,
        default=SourceStanding.ASSUMPTION.value,
        db_default=SourceStanding.ASSUMPTION.value,
    )

    objects = ValuationTermQuerySet.as_manager()

    class Meta:
        constraints = [
            has_known_code("valuation_term_is_known", "term", Term),
            has_known_code("valuation_term_standing_is_known", "standing", SourceStanding),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"{self.get_term_display()}: {self.label}"


class ValuationRunQuerySet(OfScenarioQuerySet):
    def open(self) -> Self:
        """Keep those that wait or compute."""
        return self.filter(finished_at=None)


class ValuationRun(models.Model):
    """One computation of a scenario's worth that somebody asked for, and how far it is.

    `done` of `steps` are through. It ends with a valuation, a reason why not, or cancelled.
    """

    scenario = models.ForeignKey(Scenario, models.CASCADE, related_name="runs")
    as_of = models.DateField()
    asked_at = models.DateTimeField()
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    started_at = models.DateTimeField(null=True)
    done = models.BigIntegerField(default=0)
    steps = models.BigIntegerField(default=0)
    cancelled_at = models.DateTimeField(null=True)
    cancelled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    finished_at = models.DateTimeField(null=True)
    failure = models.CharField(max_length=500, blank=True)
    valuation = models.ForeignKey(Valuation, models.PROTECT, null=True, related_name="+")

    named_by: ClassVar[tuple[str, ...]] = ("scenario",)

    objects = ValuationRunQuerySet.as_manager()

    class Meta:
        constraints = [
            # So that nobody computes what is being computed already.
            models.UniqueConstraint(
                name="valuation_run_one_open", fields=["scenario"], condition=Q(finished_at=None)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.scenario} as of {day(self.as_of)}"
