"""Scenarios: edited item by item, filled from templates, copied, and valued in the background."""

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import OuterRef, Subquery
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminDateWidget,
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from talent import locales
from talent.admin.as_read import locale_of_reader
from talent.admin.base import DeskAdmin
from talent.admin.columns import amount
from talent.admin.forms import DeskForm, DeskFormSet
from talent.admin.parts import FactInline, PartsInline
from talent.admin.steps import step
from talent.models import DigitalTwin
from talent.words import Tier
from valuation import tasks
from valuation.models import InputCorrelation, PlannedExposure, Scenario, ScenarioInput, Valuation
from valuation.worth.scenario import runs

from . import scenario_panel, scenario_sources
from .scenario_items import id_in_address

VALUES = "valuation.value_scenario"
CHANGES = "valuation.change_scenario"
NAME = "valuation_scenario"


class ScenarioForm(DeskForm):
    """A scenario's own fields. Its twins and agreements are its agency's."""

    class Meta:
        model = Scenario
        fields = "__all__"

    def clean(self):
        given = super().clean()
        agency = given.get("agency")
        if agency is None:
            return given
        known = DigitalTwin.objects.known_to(agency.pk)
        if given.get("twins") and given["twins"].exclude(pk__in=known.values("pk")).exists():
            self.add_error("twins", _("The agency represents the performers of its twins."))
        if given.get("agreements") and given["agreements"].exclude(agency=agency).exists():
            self.add_error("agreements", _("An agreement of another agency prices nothing here."))
        return given


class CorrelationFormSet(DeskFormSet):
    """Correlations of a scenario: together they must be possible."""

    def clean(self):
        super().clean()
        pairs = [
            (given["one"], given["other"], given["coefficient"])
            for form in self.forms
            if not self._should_delete_form(form)
            and {"one", "other", "coefficient"} <= {*(given := getattr(form, "cleaned_data", {}))}
            and all(given[name] is not None for name in ("one", "other", "coefficient"))
        ]
        from valuation.worth.scenario.gathering import correlations_hold

        if fault := correlations_hold(pairs):
            raise ValidationError(fault)


class CorrelationInline(PartsInline):
    model = InputCorrelation
    formset = CorrelationFormSet
    fields = ["one", "other", "coefficient", "source"]
    verbose_name_plural = _("inputs that move together")

    def _choices(self, db_field, request):
        """Offer the scenario's own inputs."""
        scenario = id_in_address(request)
        return ScenarioInput.objects.filter(item__scenario=scenario).order_by("name", "pk")


class ExposureInline(PartsInline):
    model = PlannedExposure
    fields = ["twin", "channel", "hours", "congruence", "begins_in", "months", "source"]
    verbose_name_plural = _("hours that it has twins seen")

    def _choices(self, db_field, request):
        """Offer the scenario's own twins."""
        scenario = id_in_address(request)
        return DigitalTwin.objects.filter(
            pk__in=Scenario.twins.through.objects.filter(scenario=scenario).values("digitaltwin")
        ).order_by("name", "pk")


class ValuationInline(FactInline):
    model = Valuation
    fields = readonly_fields = ["as_of", amount("total"), "computed_at", "computed_by"]
    ordering = ["-pk"]
    show_change_link = True
    per_page = 10


class TierForm(forms.Form):
    """The tier whose template fills a scenario."""

    tier = forms.ChoiceField(
        label=_("Tier"), choices=Tier.choices(), widget=UnfoldAdminSelectWidget,
        help_text=_("What the scenario has already stays as it is."),
    )  # fmt: skip


class AssessmentForm(forms.Form):
    """What somebody says could be claimed for one of the scenario's legal paths."""

    path = forms.ChoiceField(label=_("What it is about"), widget=UnfoldAdminSelectWidget)
    probability_percent = forms.DecimalField(
        label=_("Probability of a claim"), min_value=0, max_value=100, decimal_places=4,
        help_text=_("In percent."), widget=UnfoldAdminDecimalFieldWidget,
    )  # fmt: skip
    at_risk = forms.DecimalField(
        label=_("Capital at risk"), min_value=0, max_digits=18, decimal_places=2,
        help_text=_("What is lost if the claim succeeds."), widget=UnfoldAdminDecimalFieldWidget,
    )  # fmt: skip
    currency = forms.ChoiceField(label=_("Currency"), widget=UnfoldAdminSelectWidget)
    source = forms.CharField(
        label=_("Source"), max_length=300, help_text=_("Who says so, and where."),
        widget=UnfoldAdminTextInputWidget,
    )  # fmt: skip
    counts_from = forms.DateField(label=_("Counts from"), widget=UnfoldAdminDateWidget)

    def about(self, rows):
        """Offer the paths of the scenario that are not on file."""
        (scenario,) = rows
        self.paths = {path.key: path for path in _open_paths(scenario)}
        self.fields["path"].choices = [(key, path.name) for key, path in self.paths.items()]
        self.fields["currency"].choices = locales.currencies(locale_of_reader())
        self.fields["currency"].initial = scenario.currency
        self.fields["counts_from"].initial = timezone.localdate()

    def clean(self):
        given = super().clean()
        given["path"] = self.paths.get(given.get("path"))
        return given


def _open_paths(scenario):
    from valuation.worth.legal.risks import PathState
    from valuation.worth.scenario.gathering import found_paths

    now = timezone.now()
    found = found_paths(scenario, as_of=timezone.localdate(now), now=now)
    return [path for path in found if path.state is not PathState.LICENSED]


def _legal_facts(scenario):
    """Tell each open path with what was said of it, in the currency in which it was said."""
    from valuation.worth.legal.assessments import assessed
    from valuation.worth.memo.facts import legal_table

    now = timezone.now()
    paths = assessed(
        _open_paths(scenario),
        agency_id=scenario.agency_id,
        as_of=timezone.localdate(now),
        known_at=now,
    )
    yield _("Agency"), scenario.agency
    for row in legal_table(list(paths), scenario.currency, locale_of_reader()).rows:
        said = ", ".join(filter(None, [row.risk, row.said])) or _("not assessed")
        yield row.name, f"{row.state}: {said}"


def _facts(scenario):
    return [(_("Agency"), scenario.agency), (_("Whose view"), scenario.get_view_display())]


@admin.register(Scenario)
class ScenarioAdmin(DeskAdmin):
    agency_path = "agency"
    form = ScenarioForm
    list_display = ["name", "view", amount("worth", _("V, as valued last")), "production",
                    "months", "in_use", "agency"]  # fmt: skip
    list_filter = ["agency", "view", "in_use"]
    search_fields = ["name", "twins__name", "production__title"]
    ordering = ["name", "pk"]
    autocomplete_fields = ["agency", "twins", "production", "agreements"]
    fieldsets = [
        (None, {"fields": ["name", "agency", "view", "twins", "production", "agreements",
                           "currency", "in_use"]}),
        (_("Time and money"), {"fields": ["begins_on", "months", "discount_percent",
                                          "discount_source"]}),
        (_("How it is drawn"), {"fields": ["draws", "seed"]}),
    ]  # fmt: skip
    inlines = [ExposureInline, CorrelationInline, ValuationInline]
    actions = ["value"]
    actions_detail = ["value", "cancel", "fill", "assess", "duplicate", "make_independent"]
    change_form_outer_before_template = "admin/scenario_panel.html"
    when_empty = _(
        "No scenario yet. Add one, fill it from a template of its twin's tier, value it."
    )

    def get_urls(self):
        def view(answer):
            return self.admin_site.admin_view(answer)

        return [
            path("<int:pk>/progress/", view(self.progress_view), name=f"{NAME}_progress"),
            path("<int:pk>/source/", view(self.source_view), name=f"{NAME}_source"),
            path("<int:pk>/side-by-side/", view(self.compare_view), name=f"{NAME}_side_by_side"),
            *super().get_urls(),
        ]  # fmt: skip

    def get_queryset(self, request):
        """Tell of each what it was worth when it was valued last."""
        drawn = Valuation.objects.filter(scenario=OuterRef("pk"), outcome__isnull=False)
        newest = drawn.order_by("-pk").values("total")[:1]
        rows = super().get_queryset(request).select_related("agency", "production")
        return rows.annotate(worth=Subquery(newest))

    def get_object(self, request, object_id, from_field=None):
        """Read a page's row once: the page, what stands above it and its steps all ask for it."""
        if request.method != "GET":
            return super().get_object(request, object_id, from_field)
        read = request.__dict__.setdefault("scenarios_read", {})
        if object_id not in read:
            read[object_id] = super().get_object(request, object_id, from_field)
        return read[object_id]

    def get_inlines(self, request, obj):
        """Nothing moves together before there are items."""
        return super().get_inlines(request, obj) if obj else []

    def get_changeform_initial_data(self, request):
        begins_on = timezone.localdate().replace(day=1)
        return {"begins_on": begins_on, **super().get_changeform_initial_data(request)}

    def change_view(self, request, object_id, form_url="", extra_context=None):
        scenario = self.get_object(request, object_id)
        shown = scenario_panel.shown(
            scenario,
            may_change=self.has_change_permission(request, scenario),
            locale=locale_of_reader(),
            now=timezone.now(),
        )
        return super().change_view(request, object_id, form_url, shown | (extra_context or {}))

    def progress_view(self, request, pk):
        """Answer the page of a scenario, which asks again and again how far its run is."""
        if not self.has_view_permission(request):
            return HttpResponse(status=403)
        scenario = self.get_object(request, str(pk))
        shown = scenario_panel.progress(scenario, timezone.now())
        answer = render(request, "admin/valuation_progress.html", {**shown, "opts": self.opts})
        if shown["run"] is None or shown["run"].finished_at:
            answer["HX-Refresh"] = "true"
        return answer

    def compare_view(self, request, pk):
        if not self.has_view_permission(request):
            return HttpResponse(status=403)
        scenario = self.get_object(request, str(pk))
        others = self.get_queryset(request).exclude(pk=pk).order_by("name", "pk")
        return scenario_panel.compare(self, request, scenario, others)

    def source_view(self, request, pk):
        """Lead from a figure of a scenario or its valuations to the rows that it rests on."""
        if not self.has_view_permission(request):
            return HttpResponse(status=403)
        scenario = self.get_object(request, str(pk))
        url = scenario and scenario_sources.url_of(scenario, request.GET, request.user)
        if not url:
            raise Http404
        return HttpResponseRedirect(url)

    # Steps

    @step(
        label=_("Value now"),
        icon="trending_up",
        permission=VALUES,
        says=_(
            "The scenario is valued in the background from its items and from what the desk "
            "knows now. The result is added to its page; earlier ones stay."
        ),
        done=_("%(row)s is being valued in the background; its page shows how far it is."),
        facts=_facts,
    )
    def value(self, scenario, given):
        run = runs.ask(
            scenario=scenario, as_of=timezone.localdate(given.at), by=given.by, now=given.at
        )
        tasks.value_soon(run)

    @step(
        label=_("Cancel"),
        icon="cancel",
        permission=VALUES,
        says=_("It ends after the draws that it is at, and nothing is kept of it."),
        done=_("The valuation of %(row)s is being cancelled."),
        offered=lambda scenario: scenario.runs.open().exists(),
        facts=_facts,
    )
    def cancel(self, scenario, given):
        for run in scenario.runs.open():
            runs.cancel(run=run, by=given.by, now=given.at)

    @step(
        label=_("Fill from a template"),
        icon="playlist_add",
        permission=CHANGES,
        form=TierForm,
        says=_(
            "Items that scenarios of such a twin usually have are added, each with its source and "
            "how sure it is. They are there to be replaced by better figures."
        ),
        done=_("%(row)s is filled. Look at what is marked as an assumption first."),
        facts=_facts,
    )
    def fill(self, scenario, given):
        from valuation.worth.scenario import editing

        tier = Tier(given.values["tier"])
        editing.fill(scenario=scenario, tier=tier, as_of=timezone.localdate(given.at))

    @step(
        label=_("Assess a legal path"),
        icon="gavel",
        permission=CHANGES,
        form=AssessmentForm,
        says=_(
            "What could be claimed for something that the plan rests on in law is kept for the "
            "agency, and counts in all its scenarios from its day: beside V, never in it. It is "
            "never changed; a later one takes its place."
        ),
        done=_("It is kept, and stands among the legal paths of %(row)s. Value it to have it in "
               "a memo."),
        facts=_legal_facts,
    )  # fmt: skip
    def assess(self, scenario, given):
        from valuation.worth.legal import assessments

        assessments.assess(agency_id=scenario.agency_id, by=given.by, now=given.at, **given.values)

    @step(
        label=_("Duplicate"),
        icon="content_copy",
        permission=CHANGES,
        says=_(
            "A copy with all items and inputs is added, to be changed without touching this one."
        ),
        done=_("A copy of %(row)s stands in the list."),
        facts=_facts,
    )
    def duplicate(self, scenario, _given):
        from valuation.worth.scenario import editing

        editing.duplicate(scenario)

    @step(
        label=_("Make an independent's version"),
        icon="call_split",
        permission=CHANGES,
        says=_(
            "A copy is added that an independent producer would have: the whole of what a studio "
            "spreads over several titles, and the shooting days of a small production. What no "
            "template knows is kept as it is."
        ),
        done=_("The independent's version of %(row)s stands in the list; value both to compare."),
        offered=lambda scenario: scenario.view == "studio",
        facts=_facts,
    )
    def make_independent(self, scenario, _given):
        from valuation.worth.scenario import editing

        editing.independent_of(scenario)
