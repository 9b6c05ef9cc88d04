"""Plans of a screenplay: what bounds them, what people locked, and what each was solved to."""

from typing import Any, ClassVar, Self

import pghistory
import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q

from licensing.models import Agreement, ApprovalRequest, Cap, ClearanceDecision
from licensing.words import Channel
from talent.models import DigitalTwin, User
from talent.models.columns import (
    coded,
    codes,
    currency,
    has_known_code,
    is_one_line,
    money,
    printed_line,
    rate,
)
from talent.models.consent import APPEND_ONLY
from talent.words import Exclusion, Right, Use
from valuation.words import PlanStage

from .scenarios import Scenario
from .schedule import HIGHEST_SCORE, Character, Scene, Screenplay

MOST_NODES, MOST_STATES, MOST_SECONDS = 10_000_000, 50_000_000, 3_600


class PartOfScreenplayQuerySet(models.QuerySet[Any]):
    """Rows that are seen with their screenplay."""

    def visible_to(self, user: User) -> Self:
        return self.filter(screenplay__in=Screenplay.objects.visible_to(user))


@pghistory.track()
class SchedulePlan(models.Model):
    """One way to make a screenplay, with what bounds it; money is in the screenplay's currency."""

    screenplay = models.ForeignKey(Screenplay, models.PROTECT, related_name="plans")
    name = printed_line()
    starts_on = models.DateField("shooting begins on")
    days_a_week = models.PositiveSmallIntegerField(
        "shooting days a week",
        default=5,
        db_default=5,
        help_text="From Monday on.",
    )
    unit_day = money(
        verbose_name="a day of the unit",
        default=0,
        db_default=0,
        help_text="What a shooting day costs without the cast.",
    )
    second_unit = money(
        default=0, db_default=0, help_text="What a scene with a stunt costs besides."
    )
    crowd_day = money(verbose_name="a day of a background performer", default=0, db_default=0)
    resonance_from = models.PositiveSmallIntegerField(
        "in person from resonance",
        default=7,
        db_default=7,
        help_text="Scenes with this emotional resonance or more stay in person, unless somebody "
        "unlocks them with a reason.",
    )
    budget = money(
        null=True,
        blank=True,
        help_text="Bounds what the choice weighs: by the minute, without waiting and moves. What "
        "is paid by whole days is compared with it. Empty: no limit.",
    )
    quality_hours = models.DecimalField(
        "hours of checking and mending a week",
        max_digits=8,
        decimal_places=2,
        null=True,
        blank=True,
        help_text="Empty: no limit.",
    )
    quality_weeks = models.PositiveSmallIntegerField(
        "weeks of checking and mending", default=1, db_default=1
    )
    risk_price = money(
        verbose_name="price of a point of quality risk",
        default=0,
        db_default=0,
        help_text="A weight, not money that flows. A part has up to ten points: how much of the "
        "face is seen, by the scene's resonance.",
    )
    use = coded(Use, default=Use.FEATURE.value, db_default=Use.FEATURE.value)
    channel = coded(Channel, default=Channel.CINEMA.value, db_default=Channel.CINEMA.value)
    territory = models.CharField(
        max_length=6,
        blank=True,
        default="",
        db_default="",
        help_text="Where it is shown first, as FR or US-CA: consents are asked for it.",
    )
    language = models.CharField(
        max_length=35, default="en", db_default="en", help_text="In which language, as en or fr-CA."
    )
    content = codes(
        Exclusion,
        default=list,
        db_default=[],
        blank=True,
        verbose_name="what its scenes show",
        help_text="Of what consents may exclude. None: nothing of it, as whoever plans says.",
    )
    nodes = models.PositiveIntegerField(
        default=20_000,
        db_default=20_000,
        help_text="How many nodes the choice of parts is searched for. With nodes alone, the same "
        "plan is solved to the same answer.",
    )
    order_states = models.PositiveIntegerField(
        "sets of scenes",
        default=2_000_000,
        db_default=2_000_000,
        help_text="How many sets of scenes the order is searched for.",
    )
    seconds = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="The most for the choice of parts. Empty: by nodes alone."
    )
    gap_percent = models.DecimalField(
        "gap that is enough", max_digits=6, decimal_places=3, default=0, db_default=0,
        help_text="In percent of the cost. 0: until nothing cheaper is possible.",
    )  # fmt: skip
    seed = models.PositiveIntegerField(default=7, db_default=7)
    scenario = models.ForeignKey(
        Scenario,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text="Whose V takes over what the plan saves.",
    )

    named_by: ClassVar[tuple[str, ...]] = ("screenplay",)

    objects = PartOfScreenplayQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="schedule_plan_name_once",
                fields=["screenplay", "name"],
                violation_error_message="The screenplay has a plan of this name.",
            ),
            is_one_line("schedule_plan_name_is_a_line", "name"),
            has_known_code("schedule_plan_use_is_known", "use", Use),
            has_known_code("schedule_plan_channel_is_known", "channel", Channel),
            models.CheckConstraint(
                name="schedule_plan_week_has_days",
                condition=Q(days_a_week__range=(1, 7)),
                violation_error_message="A week has one to seven shooting days.",
            ),
            models.CheckConstraint(
                name="schedule_plan_costs",
                condition=Q(unit_day__gte=0, second_unit__gte=0, crowd_day__gte=0,
                            risk_price__gte=0)
                & (Q(budget=None) | Q(budget__gte=0))
                & (Q(quality_hours=None) | Q(quality_hours__gte=0)),
                violation_error_message="Costs, hours and a budget are zero or more.",
            ),
            models.CheckConstraint(
                name="schedule_plan_keeps_by_a_score",
                condition=Q(resonance_from__range=(0, HIGHEST_SCORE + 1)),
                violation_error_message="Resonance goes from 0 to 10; 11 keeps no scene.",
            ),
            models.CheckConstraint(
                name="schedule_plan_searches_so_far",
                condition=Q(nodes__range=(1, MOST_NODES), order_states__range=(1, MOST_STATES))
                & (Q(seconds=None) | Q(seconds__range=(1, MOST_SECONDS)))
                & Q(gap_percent__range=(0, 100)),
                violation_error_message=f"Up to {MOST_NODES:,} nodes, {MOST_STATES:,} sets of "
                f"scenes and {MOST_SECONDS:,} seconds are searched, to a gap of 0 to 100 percent.",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.name


class PartOfPlanQuerySet(models.QuerySet[Any]):
    """Rows that are seen with their plan."""

    def visible_to(self, user: User) -> Self:
        return self.filter(plan__in=SchedulePlan.objects.visible_to(user))


@pghistory.track()
class PlanTwin(models.Model):
    """What playing parts by a twin costs in a plan, and on which agreement it would stand."""

    plan = models.ForeignKey(SchedulePlan, models.CASCADE, related_name="twins")
    twin = models.ForeignKey(DigitalTwin, models.PROTECT, related_name="+")
    agreement = models.ForeignKey(
        Agreement, models.PROTECT, null=True, blank=True, related_name="+",
        help_text="Consents and caps are asked under it. Without one, nothing is allowed.",
    )  # fmt: skip
    rights = codes(
        Right, help_text="What of the performer is used; each must be allowed, such as face, voice."
    )
    set_up = money(default=0, help_text="Once, as soon as it plays at all.")
    compute_a_second = rate(
        "compute, a second", default=0, help_text="Of the finished scene, as all that follow."
    )
    post_hours_a_minute = rate("hours of post-production, a minute", default=0)
    artifacts_a_minute = rate("artifacts to mend, a minute", default=0)
    mending_minutes = rate("minutes to mend one", default=0)
    artist_hour = money(verbose_name="an hour of an artist", default=0)
    fee_a_scene = money(default=0)
    fee_a_second = rate("fee a second", default=0)
    cap = models.ForeignKey(
        Cap, models.PROTECT, null=True, blank=True, related_name="+",
        help_text="What is left of it bounds the plan.",
    )  # fmt: skip
    cap_units = rate(
        "units of the cap, a second", default=1, help_text="1 where the cap counts seconds."
    )
    source = models.CharField(max_length=300, blank=True, help_text="Where the figures come from.")

    named_by: ClassVar[tuple[str, ...]] = ("twin",)

    objects = PartOfPlanQuerySet.as_manager()

    class Meta:
        verbose_name = "twin of a plan"
        verbose_name_plural = "twins of a plan"
        constraints = [
            models.UniqueConstraint(
                name="plan_twin_once",
                fields=["plan", "twin"],
                violation_error_message="The plan has costs of this twin.",
            ),
            models.CheckConstraint(
                name="plan_twin_costs",
                condition=Q(
                    set_up__gte=0, compute_a_second__gte=0, post_hours_a_minute__gte=0,
                    artifacts_a_minute__gte=0, mending_minutes__gte=0, artist_hour__gte=0,
                    fee_a_scene__gte=0, fee_a_second__gte=0, cap_units__gte=0,
                ),
                violation_error_message="Costs and times are zero or more.",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return str(self.twin)


@pghistory.track()
class PlanLock(models.Model):
    """A choice that a person made for a part: in person (no twin), or a twin."""

    plan = models.ForeignKey(SchedulePlan, models.CASCADE, related_name="locks")
    scene = models.ForeignKey(Scene, models.PROTECT, related_name="+")
    character = models.ForeignKey(Character, models.PROTECT, related_name="+")
    twin = models.ForeignKey(
        DigitalTwin, models.PROTECT, null=True, blank=True, related_name="+",
        help_text="Empty: in person.",
    )  # fmt: skip
    reason = models.CharField(max_length=300)
    locked_at = models.DateTimeField()
    locked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    named_by: ClassVar[tuple[str, ...]] = ("scene", "character")

    objects = PartOfPlanQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="plan_lock_once",
                fields=["plan", "scene", "character"],
                violation_error_message="The part is locked already.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.character} in {self.scene}"


@pghistory.track()
class PlanUnlock(models.Model):
    """That a scene of high resonance may be played by twins in a plan, and why somebody says so."""

    plan = models.ForeignKey(SchedulePlan, models.CASCADE, related_name="unlocks")
    scene = models.ForeignKey(Scene, models.PROTECT, related_name="+")
    reason = models.CharField(max_length=300)
    unlocked_at = models.DateTimeField()
    unlocked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    named_by: ClassVar[tuple[str, ...]] = ("scene",)

    objects = PartOfPlanQuerySet.as_manager()

    class Meta:
        verbose_name = "unlocked scene"
        constraints = [
            models.UniqueConstraint(
                name="plan_unlock_once",
                fields=["plan", "scene"],
                violation_error_message="The scene is unlocked already.",
            ),
        ]

    def __str__(self) -> str:
        return str(self.scene)


class PlanResult(models.Model):
    """A plan as it was solved: the frozen input and the solution. Never changed.

    `cost` is what is paid, by whole days, waiting included; what was weighed, where no days were
    found; null where the plan is impossible.
    """

    plan = models.ForeignKey(SchedulePlan, models.PROTECT, related_name="results")
    solved_at = models.DateTimeField()
    solved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    code_version = models.CharField(max_length=40)
    versions_json = models.JSONField(help_text="Of the libraries that solved it.")
    inputs = models.JSONField()
    inputs_sha256 = models.CharField(max_length=64)
    solution = models.JSONField()
    cost = money(null=True)
    currency = currency()
    days = models.PositiveIntegerField("shooting days", null=True)
    gap_percent = models.DecimalField(max_digits=9, decimal_places=4, null=True)

    named_by: ClassVar[tuple[str, ...]] = ("plan",)

    objects = PartOfPlanQuerySet.as_manager()

    class Meta:
        verbose_name = "solved plan"
        indexes = [
            # The newest result of a plan.
            models.Index(name="plan_result_newest", fields=["plan", "-id"]),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"{self.plan}, solution {self.pk}"


class PlanRunQuerySet(PartOfPlanQuerySet):
    def open(self) -> Self:
        """Keep those that wait or are solved."""
        return self.filter(finished_at=None)


class PlanRun(models.Model):
    """That somebody asked for a plan to be solved, and how far it is.

    It ends with a result, a reason why not, or cancelled.
    """

    plan = models.ForeignKey(SchedulePlan, models.CASCADE, related_name="runs")
    asked_at = models.DateTimeField()
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    started_at = models.DateTimeField(null=True)
    stage = coded(PlanStage, default=PlanStage.WAITS.value, db_default=PlanStage.WAITS.value)
    cost = money(null=True, help_text="The cheapest known so far, of what is chosen.")
    bound = money(null=True, help_text="What it costs at least.")
    cancelled_at = models.DateTimeField(null=True)
    cancelled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    finished_at = models.DateTimeField(null=True)
    failure = models.CharField(max_length=500, blank=True)
    result = models.ForeignKey(PlanResult, models.PROTECT, null=True, related_name="+")

    named_by: ClassVar[tuple[str, ...]] = ("plan",)

    objects = PlanRunQuerySet.as_manager()

    class Meta:
        constraints = [
            # So that nobody solves what is being solved already.
            models.UniqueConstraint(
                name="plan_run_one_open", fields=["plan"], condition=Q(finished_at=None)
            ),
            has_known_code("plan_run_stage_is_known", "stage", PlanStage),
        ]

    def __str__(self) -> str:
        return f"{self.plan}, run {self.pk}"


class PlanClearanceQuerySet(models.QuerySet["PlanClearance"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(result__in=PlanResult.objects.visible_to(user))


class PlanClearance(models.Model):
    """What was asked for a part of a solved plan: a clearance for each right, and an approval.

    Nothing is cleared by a plan itself.
    """

    result = models.ForeignKey(PlanResult, models.PROTECT, related_name="clearances")
    scene = models.ForeignKey(Scene, models.PROTECT, related_name="+")
    character = models.ForeignKey(Character, models.PROTECT, related_name="+")
    right = coded(Right)
    decision = models.ForeignKey(ClearanceDecision, models.PROTECT, related_name="+")
    request = models.ForeignKey(ApprovalRequest, models.PROTECT, null=True, related_name="+")
    remark = models.CharField(
        max_length=500, blank=True, default="", help_text="Why no approval could be asked for."
    )
    asked_at = models.DateTimeField()
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    named_by: ClassVar[tuple[str, ...]] = ("scene", "character")

    objects = PlanClearanceQuerySet.as_manager()

    class Meta:
        verbose_name = "clearance of a plan"
        verbose_name_plural = "clearances of a plan"
        constraints = [
            models.UniqueConstraint(
                name="plan_clearance_once", fields=["result", "scene", "character", "right"]
            ),
            has_known_code("plan_clearance_right_is_known", "right", Right),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"{self.character} in {self.scene}"
