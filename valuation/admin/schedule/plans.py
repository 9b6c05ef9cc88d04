"""Plans of a screenplay: who plays what, what that costs and saves, locked, solved, asked for."""

from django import forms
from django.contrib import admin
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget

from talent.admin.as_read import locale_of_reader
from talent.admin.base import DeskAdmin, FactAdmin
from talent.admin.columns import amount
from talent.admin.parts import FactInline, PartPanels
from talent.admin.steps import ReasonForm, step
from valuation import tasks
from valuation.admin.schedule import plan_panel
from valuation.admin.schedule.plan_files import WithSheets
from valuation.models import (
    PlanClearance,
    PlanLock,
    PlanResult,
    PlanTwin,
    PlanUnlock,
    Scene,
    ScenePart,
    SchedulePlan,
)
from valuation.schedule.plans import locks, runs

SOLVES = "valuation.solve_scheduleplan"
CHANGES = "valuation.change_scheduleplan"
ASKS = "valuation.ask_scheduleplan"
NAME = "valuation_scheduleplan"
IN_PERSON = "person"


class TwinPanels(PartPanels):
    model = PlanTwin
    autocomplete_fields = ["twin", "agreement", "cap"]
    fieldsets = [
        (None, {"fields": ["twin", "agreement", "rights", "source"]}),
        (_("What it costs"), {"fields": [
            "set_up", "compute_a_second", "post_hours_a_minute", "artifacts_a_minute",
            "mending_minutes", "artist_hour", "fee_a_scene", "fee_a_second",
        ]}),
        (_("What it uses up"), {"fields": ["cap", "cap_units"]}),
    ]  # fmt: skip
    verbose_name_plural = _("twins and their costs")


class LockInline(FactInline):
    model = PlanLock
    fields = readonly_fields = [
        "scene", "character", "twin", "reason", "locked_at", "locked_by",
    ]  # fmt: skip
    ordering = ["pk"]
    verbose_name_plural = _("locks")

    def get_queryset(self, request):
        rows = super().get_queryset(request)
        return rows.select_related("scene", "character", "twin", "locked_by")


class UnlockInline(FactInline):
    model = PlanUnlock
    fields = readonly_fields = ["scene", "reason", "unlocked_at", "unlocked_by"]
    ordering = ["pk"]
    verbose_name_plural = _("unlocked scenes")

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("scene", "unlocked_by")


class ResultInline(FactInline):
    model = PlanResult
    fields = readonly_fields = [
        "solved_at", "solved_by", amount("cost"), "days", "gap_percent",
    ]  # fmt: skip
    ordering = ["-pk"]
    show_change_link = True
    per_page = 10
    verbose_name_plural = _("solutions")

    def get_queryset(self, request):
        rows = super().get_queryset(request).select_related("solved_by")
        return rows.defer("inputs", "solution")


class PartForm(ReasonForm):
    """A part, and by whom it is to be played."""

    part = forms.ChoiceField(label=_("Part"), widget=UnfoldAdminSelectWidget)
    choice = forms.ChoiceField(label=_("Played"), widget=UnfoldAdminSelectWidget)
    field_order = ["part", "choice", "reason"]

    def about(self, rows):
        """Offer the parts that have a twin, and all twins that stand in for any of them."""
        (plan,) = rows
        self.parts = {f"{part.scene_id}-{part.character_id}": part for part in _parts(plan)}
        self.fields["part"].choices = [
            (key, f"{part.scene.number} {part.character}") for key, part in self.parts.items()
        ]
        self.twins = {
            str(twin.pk): twin
            for part in self.parts.values()
            for twin in part.character.twins.all()
        }
        self.fields["choice"].choices = [
            (IN_PERSON, _("In person")), *((key, str(twin)) for key, twin in self.twins.items()),
        ]  # fmt: skip


class LockedForm(forms.Form):
    """A part that is locked."""

    part = forms.ChoiceField(label=_("Part"), widget=UnfoldAdminSelectWidget)

    def about(self, rows):
        (plan,) = rows
        self.fields["part"].choices = [
            (f"{lock.scene_id}-{lock.character_id}", f"{lock.scene.number} {lock.character}")
            for lock in plan.locks.select_related("scene", "character").order_by("pk")
        ]


class SceneForm(ReasonForm):
    """A scene of high resonance."""

    scene = forms.ChoiceField(label=_("Scene"), widget=UnfoldAdminSelectWidget)
    field_order = ["scene", "reason"]

    def about(self, rows):
        (plan,) = rows
        self.scenes = {str(scene.pk): scene for scene in _high(plan)}
        self.fields["scene"].choices = [(key, str(one)) for key, one in self.scenes.items()]


class UnlockedForm(forms.Form):
    """A scene that was unlocked."""

    scene = forms.ChoiceField(label=_("Scene"), widget=UnfoldAdminSelectWidget)

    def about(self, rows):
        (plan,) = rows
        unlocked = plan.unlocks.select_related("scene").order_by("pk")
        self.fields["scene"].choices = [(str(one.scene_id), str(one.scene)) for one in unlocked]


def _parts(plan):
    parts = ScenePart.objects.filter(
        scene__screenplay=plan.screenplay_id, scene__omitted=False, character__twins__isnull=False
    )
    return (
        parts.select_related("scene", "character")
        .prefetch_related("character__twins")
        .order_by("scene__place", "character__name", "pk")
        .distinct()
    )


def _high(plan):
    """Return the scenes whose resonance keeps them in person in a plan."""
    scenes = Scene.objects.filter(screenplay=plan.screenplay_id, omitted=False).order_by("place")
    unlocked = set(plan.unlocks.values_list("scene", flat=True))
    return [
        scene
        for scene in scenes
        if scene.pk not in unlocked
        and (scene.proposed_resonance if scene.resonance is None else scene.resonance)
        >= plan.resonance_from
    ]


def _facts(plan):
    return [(_("Screenplay"), plan.screenplay), (_("Agency"), plan.screenplay.agency)]


def _newest(plan):
    return plan.results.order_by("-pk").first()


def _solved(plan):
    return plan.results.filter(cost__isnull=False).exists()


def _told(plan):
    """Tell what goes into the scenario, item by item."""
    from valuation.schedule.plans import savings

    yield _("Scenario"), plan.scenario
    for one in savings.evidence(_newest(plan)):
        yield (
            one.label,
            plan_panel.range_of(one.saved, plan.screenplay.currency, locale_of_reader()),
        )


def _to_ask(plan):
    """Tell each question that will be asked."""
    from valuation.schedule.plans import asking

    result = _newest(plan)
    yield _("Solution"), result
    known = result.clearances.count()
    yield _("Asked already"), known
    for question in asking.questions(result):
        yield question.description.scene, f"{question.description.lines} ({question.right})"


@admin.register(SchedulePlan)
class SchedulePlanAdmin(DeskAdmin):
    agency_path = "screenplay__agency"
    list_display = ["name", "screenplay", "starts_on", "budget", "scenario"]
    list_filter = ["screenplay__agency"]
    list_select_related = ["screenplay__agency", "scenario"]
    search_fields = ["name", "screenplay__title"]
    ordering = ["screenplay", "name", "pk"]
    autocomplete_fields = ["screenplay", "scenario"]
    fieldsets = [
        (None, {"fields": ["name", "screenplay", "scenario"]}),
        (_("On set"), {"fields": ["starts_on", "days_a_week", "unit_day", "second_unit",
                                  "crowd_day", "resonance_from"]}),
        (_("What bounds it"), {"fields": ["budget", "quality_hours", "quality_weeks",
                                          "risk_price"]}),
        (_("What consents are asked for"), {"fields": ["use", "channel", "territory", "language",
                                                       "content"]}),
        (_("How far it is searched"), {"fields": ["nodes", "order_states", "seconds",
                                                  "gap_percent", "seed"]}),
    ]  # fmt: skip
    inlines = [TwinPanels, LockInline, UnlockInline, ResultInline]
    actions_detail = [
        "solve", "cancel", "lock", "release", "unlock", "keep", "tell", "ask",
    ]  # fmt: skip
    change_form_outer_before_template = "admin/schedule_plan_panel.html"
    when_empty = _(
        "No plan yet. Add one to a screenplay, say what its twins cost, and have it solved."
    )

    def get_urls(self):
        def view(answer):
            return self.admin_site.admin_view(answer)

        return [
            path("<int:pk>/progress/", view(self.progress_view), name=f"{NAME}_progress"),
            path("<int:pk>/side-by-side/", view(self.compare_view), name=f"{NAME}_side_by_side"),
            *super().get_urls(),
        ]

    def get_queryset(self, request):
        return super().get_queryset(request).select_related(
            "screenplay__agency", "screenplay__production", "scenario"
        )  # fmt: skip

    def get_readonly_fields(self, request, obj=None):
        """Leave a plan with its screenplay: its locks are about that one's scenes."""
        return ["screenplay"] if obj else []

    def get_inlines(self, request, obj):
        return super().get_inlines(request, obj) if obj else []

    def has_delete_permission(self, request, obj=None):
        return False

    def change_view(self, request, object_id, form_url="", extra_context=None):
        plan = self.get_object(request, object_id)
        shown = plan and plan_panel.shown(plan, locale=locale_of_reader())
        return super().change_view(
            request, object_id, form_url, (shown or {}) | (extra_context or {})
        )

    def progress_view(self, request, pk):
        """Answer the page of a plan, which asks again and again how far its run is."""
        if not self.has_view_permission(request):
            return HttpResponse(status=403)
        plan = self.get_object(request, str(pk))
        shown = plan_panel.progress(plan, locale_of_reader())
        answer = render(request, "admin/schedule_plan_progress.html", {**shown, "opts": self.opts})
        if shown["run"] is None or shown["run"].finished_at:
            answer["HX-Refresh"] = "true"
        return answer

    def compare_view(self, request, pk):
        if not self.has_view_permission(request):
            return HttpResponse(status=403)
        plan = self.get_object(request, str(pk))
        others = self.get_queryset(request).filter(screenplay=plan.screenplay_id)
        return plan_panel.compare(self, request, plan, others.exclude(pk=pk).order_by("name", "pk"))

    # Steps

    @step(
        label=_("Solve"),
        icon="calculate",
        permission=SOLVES,
        says=_(
            "The desk asks what consents, caps and agreements allow now, chooses who plays what, "
            "and orders what stays in person, in the background. Nothing is asked of a performer."
        ),
        done=_("%(row)s is being solved in the background; its page shows how far it is."),
        facts=_facts,
    )
    def solve(self, plan, given):
        tasks.solve_soon(runs.ask(plan=plan, by=given.by, now=given.at))

    @step(
        label=_("Cancel"),
        icon="cancel",
        permission=SOLVES,
        says=_("Its process is ended at once, and nothing is kept of it."),
        done=_("The run of %(row)s is being cancelled."),
        offered=lambda plan: plan.runs.open().exists(),
        facts=_facts,
    )
    def cancel(self, plan, given):
        for run in plan.runs.open():
            runs.cancel(run=run, by=given.by, now=given.at)

    @step(
        label=_("Lock a part"),
        icon="lock",
        permission=CHANGES,
        form=PartForm,
        says=_("The part is played as you say, whatever it costs; the rest is chosen around it."),
        done=_("It is locked. Solve %(row)s to see what moves."),
        facts=_facts,
    )
    def lock(self, plan, given):
        form = PartForm()
        form.about([plan])
        part = form.parts[given.values["part"]]
        choice = given.values["choice"]
        locks.lock(
            plan=plan,
            scene=part.scene,
            character=part.character,
            twin=None if choice == IN_PERSON else form.twins[choice],
            reason=given.reason,
            by=given.by,
            at=given.at,
        )

    @step(
        label=_("Release a lock"),
        icon="lock_open",
        permission=CHANGES,
        form=LockedForm,
        says=_("The plan chooses for the part again."),
        done=_("It is released. Solve %(row)s to see what moves."),
        offered=lambda plan: plan.locks.exists(),
        facts=_facts,
    )
    def release(self, plan, given):
        scene, character = given.values["part"].split("-")
        locks.release(plan=plan, scene_id=int(scene), character_id=int(character))

    @step(
        label=_("Unlock a scene"),
        icon="theater_comedy",
        permission=CHANGES,
        form=SceneForm,
        says=_(
            "Scenes of high resonance stay in person. In this one twins may play nonetheless; "
            "your reason stands beside it."
        ),
        done=_("It is unlocked. Solve %(row)s to see what moves."),
        offered=lambda plan: bool(_high(plan)),
        facts=_facts,
    )
    def unlock(self, plan, given):
        scene = Scene.objects.get(pk=given.values["scene"], screenplay=plan.screenplay_id)
        locks.unlock_scene(plan=plan, scene=scene, reason=given.reason, by=given.by, at=given.at)

    @step(
        label=_("Keep a scene"),
        icon="undo",
        permission=CHANGES,
        form=UnlockedForm,
        says=_("The scene stays in person again, by its resonance."),
        done=_("It is kept in person. Solve %(row)s to see what moves."),
        offered=lambda plan: plan.unlocks.exists(),
        facts=_facts,
    )
    def keep(self, plan, given):
        locks.keep_scene(plan=plan, scene_id=int(given.values["scene"]))

    @step(
        label=_("Tell the scenario"),
        icon="trending_up",
        permission=CHANGES,
        says=_(
            "C_savings of the scenario takes over what the newest solution saves, item by item, "
            "each with its evidence. Items of this plan from before are replaced; others stay."
        ),
        done=_("The scenario of %(row)s says what it saves. Value it to see V."),
        offered=lambda plan: plan.scenario_id is not None and _solved(plan),
        facts=_told,
    )
    def tell(self, plan, given):
        from valuation.schedule.plans import savings

        savings.tell_scenario(
            result=_newest(plan), scenario=plan.scenario, by=given.by, at=given.at
        )

    @step(
        label=_("Ask for all of it"),
        icon="forward_to_inbox",
        permission=ASKS,
        says=_(
            "For each part by a twin a clearance is asked for in the licensee's name, for each "
            "right by itself. Where a consent says to ask, the performers get an approval request "
            "that describes the scene. Nothing is cleared by the plan itself."
        ),
        done=_("It is asked. The answers stand on the solution of %(row)s."),
        offered=_solved,
        facts=_to_ask,
        step_up=True,
    )
    def ask(self, plan, given):
        from valuation.schedule.plans import asking

        asking.ask_for(result=_newest(plan), by=given.by, at=given.at)


class ClearanceInline(FactInline):
    model = PlanClearance
    fields = readonly_fields = [
        "scene", "character", "right", "decision", "request", "remark", "asked_at", "asked_by",
    ]  # fmt: skip
    ordering = ["pk"]
    verbose_name_plural = _("what was asked for")

    def get_queryset(self, request):
        rows = super().get_queryset(request)
        return rows.select_related(
            "scene", "character", "decision__twin", "request__twin", "asked_by"
        )


@admin.register(PlanResult)
class PlanResultAdmin(WithSheets, FactAdmin):
    list_display = ["plan", "solved_at", amount("cost"), "days", "gap_percent", "solved_by"]
    list_filter = ["currency"]
    list_select_related = ["plan__screenplay", "solved_by"]
    search_fields = ["plan__name", "plan__screenplay__title"]
    ordering = ["-pk"]
    fields = readonly_fields = [
        "plan", "sheets", "solved_at", "solved_by", amount("cost"), "days", "gap_percent",
        "code_version", "versions_json", "inputs_sha256",
    ]  # fmt: skip
    inlines = [ClearanceInline]
    change_form_outer_before_template = "admin/schedule_plan_solution.html"
    when_empty = _("No plan was solved yet. Open a plan and choose “Solve”.")

    def get_queryset(self, request):
        return super().get_queryset(request).defer("inputs")

    def change_view(self, request, object_id, form_url="", extra_context=None):
        result = self.get_object(request, object_id)
        shown = result and plan_panel.solution_shown(result, locale_of_reader())
        return super().change_view(
            request, object_id, form_url, (shown or {}) | (extra_context or {})
        )
