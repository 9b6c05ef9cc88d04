"""Worth: scenarios with their assumptions, and the valuations of them."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from talent.admin.base import DeskAdmin, FactAdmin
from talent.admin.columns import amount
from talent.admin.parts import FactInline, PartsInline
from talent.admin.steps import step
from valuation import tasks
from valuation.models import Assumption, Scenario, Valuation, ValuationTerm

TOTAL = amount("total")


class AssumptionInline(PartsInline):
    model = Assumption


class ValuationInline(FactInline):
    model = Valuation
    fields = readonly_fields = ["as_of", TOTAL, "computed_at"]
    ordering = ["-as_of", "-pk"]
    show_change_link = True
    per_page = 10


@admin.register(Scenario)
class ScenarioAdmin(DeskAdmin):
    agency_path = "agency"
    list_display = ["name", "twin", "production", "agreement", "currency", "agency"]
    list_filter = ["agency"]
    list_select_related = ["twin", "production", "agreement", "agency"]
    search_fields = ["name", "twin__name", "production__title"]
    ordering = ["name", "pk"]
    autocomplete_fields = ["agency", "twin", "production", "agreement"]
    inlines = [AssumptionInline, ValuationInline]
    actions = actions_detail = ["value"]

    @step(
        label=_("Value now"),
        icon="trending_up",
        permission="valuation.value_scenario",
        says=_(
            "The scenario is valued in the background from its assumptions and from what the desk "
            "knows now. The result is added to its page; earlier ones stay."
        ),
        done=_("%(row)s is being valued in the background; the result stands on its page."),
        facts=lambda scenario: [(_("Digital twin"), scenario.twin), (_("Agency"), scenario.agency)],
    )
    def value(self, scenario, _given):
        tasks.value_soon(scenario.pk)


class TermInline(FactInline):
    model = ValuationTerm
    fields = readonly_fields = ["term", "label", "amount", "source"]
    ordering = ["pk"]


@admin.register(Valuation)
class ValuationAdmin(FactAdmin):
    list_display = ["scenario", "twin", "as_of", TOTAL, "computed_at"]
    list_filter = ["currency"]
    list_select_related = ["scenario__twin"]
    search_fields = ["scenario__name", "scenario__twin__name"]
    ordering = ["-as_of", "-pk"]
    fields = readonly_fields = ["scenario", "as_of", TOTAL, "computed_at", "code_version", "inputs"]
    inlines = [TermInline]

    @admin.display(description=_("twin"), ordering="scenario__twin__name")
    def twin(self, valuation):
        return valuation.scenario.twin
