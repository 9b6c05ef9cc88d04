"""Items of a scenario, each with its inputs on one page, and their curves beside their fields."""

from django import forms
from django.contrib import admin
from django.http import HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from licensing.models import RateLine
from talent import locales
from talent.admin.as_read import locale_of_reader
from talent.admin.base import DeskAdmin
from talent.admin.forms import DeskForm
from talent.admin.parts import PartPanels
from talent.consent.scope import is_known_language
from talent.territories import is_known_territory
from valuation.models import Scenario, ScenarioInput, ScenarioItem
from valuation.words import InputRole, SourceStanding, Spreading, Term
from valuation.worth.memo.drawings import CURVE_HEIGHT, CURVE_WIDTH, curve_path

FIGURES = ("low", "middle", "high", "deviation", "values")


def id_in_address(request):
    """Return the id of the row whose page is asked for; None: there is none, as on an add page."""
    return request.resolver_match and request.resolver_match.kwargs.get("object_id")


def curve(row):
    """Draw an input's distribution; what is impossible says why."""
    from valuation.worth.memo.inputs import figures_in_words
    from valuation.worth.scenario.gathering import figures_of
    from valuation.worth.scenario.input_figures import ImpossibleDistribution, curve_of

    if row.pk is None:
        return "–"
    figures = figures_of(row)
    try:
        points = curve_of(figures.distribution())
    except ImpossibleDistribution as impossible:
        return format_html('<span class="desk-wrong">{}</span>', str(impossible))
    told = figures_in_words(figures.only_needed(), locale_of_reader())
    return format_html(
        '<span class="worth-curve"><svg viewBox="0 0 {} {}" role="img" aria-label="{}">'
        '<path d="{}"/></svg> <span>{}</span></span>',
        CURVE_WIDTH, CURVE_HEIGHT, told, curve_path(points), told,
    )  # fmt: skip


class InputForm(DeskForm):
    """An input's figures make a distribution, or the form says what is missing."""

    class Meta:
        model = ScenarioInput
        fields = "__all__"

    def clean(self):
        from valuation.worth.scenario.input_figures import ImpossibleDistribution, InputFigures

        given = super().clean()
        if not given.get("source"):
            given["standing"] = SourceStanding.ASSUMPTION.value
        if given.get("spreading") and not any(name in self.errors for name in FIGURES):
            figures = {name: given.get(name) for name in FIGURES}
            try:
                InputFigures(Spreading(given["spreading"]), **figures).distribution()
            except ImpossibleDistribution as impossible:
                self.add_error("spreading", str(impossible))
        return given


class ItemForm(DeskForm):
    """An item; where and in which language it is used are known codes."""

    class Meta:
        model = ScenarioItem
        fields = "__all__"

    def clean_territory(self):
        code = self.cleaned_data["territory"].strip().upper()
        if code and not is_known_territory(code):
            raise forms.ValidationError(_("ISO 3166 has no such code. Write it as FR or US-CA."))
        return code

    def clean_language(self):
        tag = self.cleaned_data["language"].strip()
        if tag and not is_known_language(tag):
            raise forms.ValidationError(_("BCP 47 has no such tag. Write it as fr or fr-CA."))
        return tag


class InputInline(PartPanels):
    model = ScenarioInput
    form = InputForm
    readonly_fields = ["curve"]
    tab = False
    fields = [
        ("role", "name", "unit"),
        ("spreading", "curve"),
        ("low", "middle", "high"),
        ("deviation", "values"),
        ("source", "standing"),
    ]
    ordering = ["pk"]
    verbose_name_plural = _("inputs: the amount is their product")

    def get_extra(self, request, obj=None, **kwargs):
        """Offer a quantity and a rate on the page of a new item."""
        return 0 if obj else 2

    @admin.display(description=_("curve"))
    def curve(self, row):
        return curve(row)


@admin.register(ScenarioItem)
class ScenarioItemAdmin(DeskAdmin):
    agency_path = "scenario__agency"
    form = ItemForm
    list_display = ["label", "term", "scenario", "begins_in", "months"]
    list_filter = ["term"]
    list_select_related = ["scenario"]
    search_fields = ["label", "scenario__name"]
    ordering = ["scenario__name", "term", "pk"]
    fieldsets = [
        (None, {"fields": ["scenario", "term", "label"]}),
        (_("When it falls due"), {"fields": [("begins_in", "months")]}),
        (_("Currency and price"), {"fields": ["currency", "rate_line"]}),
        (_("Which use a rate line prices"), {"fields": [("territory", "language"), "real_time"]}),
    ]
    inlines = [InputInline]
    change_form_outer_before_template = "admin/back_to_scenario.html"

    def get_formset_kwargs(self, request, obj, inline, prefix):
        options = super().get_formset_kwargs(request, obj, inline, prefix)
        if obj is None or obj.pk is None:
            options["initial"] = [
                {"role": role.value} for role in (InputRole.QUANTITY, InputRole.RATE)
            ]
        return options

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if db_field.name == "rate_line":
            field.label_from_instance = _named
        return field

    def _choices(self, db_field, request):
        """Price by the lines of the scenario's agreements."""
        if db_field.name != "rate_line":
            return super()._choices(db_field, request)
        scenarios = Scenario.objects.visible_to(request.user)
        item = id_in_address(request)
        if item:
            scenarios = scenarios.filter(items=item)
        elif asked := request.POST.get("scenario") or request.GET.get("scenario"):
            scenarios = scenarios.filter(pk=asked) if asked.isdigit() else scenarios.none()
        lines = RateLine.objects.visible_to(request.user).filter(
            card__agreement__in=scenarios.values("agreements"), card__proposed=False
        )
        return lines.select_related("card__agreement").order_by("card__agreement", "card", "pk")

    def response_post_save_add(self, request, obj):
        return self._back(obj)

    def response_post_save_change(self, request, obj):
        return self._back(obj)

    def _back(self, item):
        """Go back to the scenario, where the item stands among the others."""
        url = reverse("admin:valuation_scenario_change", args=[item.scenario_id])
        return HttpResponseRedirect(f"{url}#items-{Term(item.term).value}")


def _named(line):
    agreement = line.card.agreement
    price = locales.unit_price(line.unit_price, agreement.currency, locale_of_reader())
    begins = locales.short_day(line.card.effective_from, locale_of_reader())
    return f"{agreement.reference}: {line.label}, {price} (from {begins})"
