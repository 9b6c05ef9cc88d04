"""Findings: what rules say of agreements, what staff state for them, what two people let pass."""

from typing import ClassVar, Self

import pghistory
import pgtrigger
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Exists, OuterRef, Q, Subquery

from licensing.words import (
    CheckOccasion,
    CheckResult,
    Confidence,
    OverrideState,
    OverrideStepKind,
    StatedFact,
    Trigger,
)
from talent.models import User
from talent.models.columns import coded, has_known_code
from talent.models.consent import APPEND_ONLY
from talent.models.names import day

from .agreements import Agreement, PartOfAgreementQuerySet


@pghistory.track()
class AgreementFact(models.Model):
    """What rules ask of an agreement and no other row of the desk says: staff state it."""

    agreement = models.ForeignKey(Agreement, models.CASCADE, related_name="stated_facts")
    fact = coded(StatedFact)
    holds = models.BooleanField(default=True)
    on = models.DateField("since", null=True, blank=True)
    evidence = models.CharField(
        max_length=300, blank=True, help_text="What shows it: a document, a number, an address."
    )

    objects = PartOfAgreementQuerySet.as_manager()

    class Meta:
        constraints = [
            has_known_code("agreement_fact_is_known", "fact", StatedFact),
            models.UniqueConstraint(name="agreement_fact_once_each", fields=["agreement", "fact"]),
        ]

    def __str__(self) -> str:
        return str(self.get_fact_display())


class RuleOverrideQuerySet(models.QuerySet["RuleOverride"]):
    def approved(self) -> Self:
        """Return those that another person approved."""
        steps = RuleOverrideStep.objects.filter(
            override=OuterRef("pk"), kind=OverrideStepKind.APPROVED.value
        )
        return self.filter(Exists(steps))

    def waiting(self) -> Self:
        return self.filter(~Exists(RuleOverrideStep.objects.filter(override=OuterRef("pk"))))

    def visible_to(self, user: User | AnonymousUser) -> Self:
        return self.filter(agreement__in=Agreement.objects.visible_to(user))


class RuleOverride(models.Model):
    """The wish to sign in spite of one finding, asked for by one person and approved by another.

    It is bound to the finding as it was read: what the rule says otherwise later, it does not
    cover.
    """

    agreement = models.ForeignKey(Agreement, models.PROTECT, related_name="rule_overrides")
    code = models.CharField("rule", max_length=80)
    title = models.CharField(max_length=200)
    digest = models.CharField("SHA-256 of the finding", max_length=64)
    sentence = models.TextField("finding")
    reason = models.CharField(max_length=500)
    asked_at = models.DateTimeField()
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    named_by: ClassVar[tuple[str, ...]] = ("agreement",)

    objects = RuleOverrideQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="rule_override_says_why",
                condition=~Q(reason=""),
                violation_error_message="An override says why.",
            ),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"{self.agreement}: {self.title}"

    @property
    def state(self) -> OverrideState:
        """Its state, from its only step; a caller that shows many loads them with it."""
        step = getattr(self, "step", None)
        return OverrideState.WAITING if step is None else OverrideState(step.kind)


class RuleOverrideStepQuerySet(models.QuerySet["RuleOverrideStep"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        return self.filter(override__in=RuleOverride.objects.visible_to(user))


class RuleOverrideStep(models.Model):
    """What became of an override, when, by whom and why. There is one at most."""

    override = models.OneToOneField(RuleOverride, models.PROTECT, related_name="step")
    kind = coded(OverrideStepKind)
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    reason = models.CharField(max_length=500, blank=True)

    objects = RuleOverrideStepQuerySet.as_manager()

    class Meta:
        constraints = [has_known_code("rule_override_step_kind_is_known", "kind", OverrideStepKind)]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return str(self.get_kind_display())


class FindingSetQuerySet(models.QuerySet["FindingSet"]):
    def latest_of(self, agreements: models.QuerySet[Agreement] | list[int]) -> Self:
        """Return the newest set of each agreement."""
        return (
            self.filter(agreement__in=agreements)
            .order_by("agreement", "-at", "-pk")
            .distinct("agreement")
        )

    def newest(self, *worst: CheckResult) -> Self:
        """Return each agreement's newest set, if its worst verdict is one of these."""
        newest = FindingSet.objects.filter(agreement=OuterRef("agreement")).order_by("-at", "-pk")
        return self.filter(
            pk=Subquery(newest.values("pk")[:1]), worst__in=[one.value for one in worst]
        )

    def visible_to(self, user: User | AnonymousUser) -> Self:
        return self.filter(agreement__in=Agreement.objects.visible_to(user))


class FindingSet(models.Model):
    """All that the rules said of an agreement at an instant, kept as it was said."""

    agreement = models.ForeignKey(Agreement, models.PROTECT, related_name="finding_sets")
    occasion = coded(CheckOccasion)
    at = models.DateTimeField()
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    document_digest = models.CharField("SHA-256 of the document", max_length=64, blank=True)
    digest = models.CharField("SHA-256 of the findings", max_length=64)
    worst = coded(CheckResult)

    named_by: ClassVar[tuple[str, ...]] = ("agreement",)

    objects = FindingSetQuerySet.as_manager()

    class Meta:
        constraints = [
            has_known_code("finding_set_occasion_is_known", "occasion", CheckOccasion),
            has_known_code("finding_set_worst_is_known", "worst", CheckResult),
        ]
        indexes = [models.Index(name="finding_set_newest", fields=["agreement", "-at"])]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"{self.agreement}: findings of {day(self.at.date())}"


class RuleFindingQuerySet(models.QuerySet["RuleFinding"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        return self.filter(found_in__in=FindingSet.objects.visible_to(user))


class RuleFinding(models.Model):
    """What one rule said: its verdict with clause, source, confidence, day and mend."""

    found_in = models.ForeignKey(FindingSet, models.PROTECT, related_name="findings")
    code = models.CharField("rule", max_length=80)
    effective_from = models.DateField("version of the rule")
    title = models.CharField(max_length=200)
    result = coded(CheckResult)
    blocks = models.BooleanField()
    instrument = models.CharField(max_length=200)
    clause = models.CharField(max_length=80, blank=True)
    jurisdiction = models.CharField(max_length=40, blank=True)
    source = models.CharField(max_length=620)
    confidence = coded(Confidence)
    trigger = coded(Trigger)
    day = models.DateField(null=True)
    assumed = models.BooleanField()
    sentence = models.TextField()
    mend = models.CharField(max_length=500, blank=True)
    override = models.ForeignKey(
        RuleOverride, models.PROTECT, null=True, related_name="+", help_text="What lets it pass."
    )

    objects = RuleFindingQuerySet.as_manager()

    class Meta:
        constraints = [
            has_known_code("rule_finding_result_is_known", "result", CheckResult),
            has_known_code("rule_finding_confidence_is_known", "confidence", Confidence),
            has_known_code("rule_finding_trigger_is_known", "trigger", Trigger),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"{self.title}: {self.get_result_display()}"
