"""Twins as assets, and the figures that they and their exposure stand on."""

from decimal import Decimal
from functools import partial

from django.contrib import admin
from django.db.models import Sum
from django.template.loader import render_to_string
from django.urls import path
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from licensing.words import Confidence
from talent import locales
from talent.admin.as_read import locale_of_reader
from talent.admin.base import DeskAdmin, FactAdmin
from talent.admin.columns import amount, number, percent
from valuation.models import Congruence, LegalAssessment, TwinValuation, WorthParameter
from valuation.reports import twin_worth

from . import reckoning

HUNDRED = Decimal(100)
UNSURE = {Confidence.UNVERIFIED.value, Confidence.CONFLICTING.value}


class RecordedByAPerson(DeskAdmin):
    """Rows that one adds and nobody changes: a later one takes an earlier one's place."""

    agency_path = "agency"
    exclude = ("recorded_at", "recorded_by")

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False

    def save_model(self, request, obj, form, change):
        obj.recorded_at, obj.recorded_by = timezone.now(), request.user
        super().save_model(request, obj, form, change)

    @display(
        description=_("how sure"), ordering="confidence", label={"unsure": "danger", "sure": "info"}
    )
    def how_sure(self, row):
        label = Confidence(row.confidence).label
        return ("unsure" if row.confidence in UNSURE else "sure"), label


@admin.register(WorthParameter)
class WorthParameterAdmin(RecordedByAPerson):
    list_display = ["parameter", "channel", number("value"), number("worst"), number("best"),
                    "counts_from", "how_sure", "source", "agency"]  # fmt: skip
    list_filter = ["parameter", "agency"]
    list_select_related = ["agency"]
    search_fields = ["source"]
    ordering = ["parameter", "channel", "-counts_from", "-pk"]
    autocomplete_fields = ["agency"]
    when_empty = _(
        "Your twins are valued by the figures of the rulebook. Add one here where you know better; "
        "it counts from its day, and the rulebook’s stays beside it."
    )


@admin.register(Congruence)
class CongruenceAdmin(RecordedByAPerson):
    list_display = ["twin", "use", "production", number("fit"), "counts_from", "how_sure",
                    "source", "agency"]  # fmt: skip
    list_filter = ["use", "agency"]
    list_select_related = ["twin", "production", "agency"]
    search_fields = ["twin__name", "production__title", "source"]
    ordering = ["-counts_from", "-pk"]
    autocomplete_fields = ["agency", "twin", "production"]
    when_empty = _(
        "Nobody said yet which uses fit which twins. How well a use fits moves what a twin is "
        "worth more than how often it is seen."
    )


@admin.register(LegalAssessment)
class LegalAssessmentAdmin(FactAdmin):
    """Added where a scenario shows its legal paths; kept for ever."""

    agency_path = "agency"
    list_display = ["name", percent("probability_percent"), amount("at_risk"), "counts_from",
                    "source", "recorded_by", "agency"]  # fmt: skip
    list_filter = ["agency", "currency"]
    list_select_related = ["agency", "recorded_by"]
    search_fields = ["name", "source"]
    ordering = ["name", "-counts_from", "-pk"]
    fields = readonly_fields = [
        "name", percent("probability_percent"), amount("at_risk"), "counts_from", "source",
        "agency", "recorded_by", "recorded_at",
    ]  # fmt: skip
    when_empty = _(
        "Nobody has assessed a legal path yet. Open a scenario and choose “Assess a legal path”: "
        "until then, what could be claimed is unknown, and no valuation counts it as zero."
    )


@admin.register(TwinValuation)
class TwinValuationAdmin(FactAdmin):
    agency_path = "agency"
    list_display = ["twin", amount("base"), "between", "change",
                    number("exposure", _("exposure, h")), "left", "day",
                    "agency"]  # fmt: skip
    list_filter = ["agency", "currency"]
    list_select_related = ["twin", "agency"]
    search_fields = ["twin__name", "twin__performer__name"]
    ordering = ["-base", "pk"]
    list_before_template = "admin/portfolio.html"
    change_form_template = "admin/twin_valuation.html"
    fieldsets = [
        (None, {"fields": ["report"]}),
        (_("Of this valuation"), {"fields": ["agency", "twin", "as_of", "currency", "computed_at",
                                             "code_version", "inputs"]}),
    ]  # fmt: skip
    readonly_fields = ["report"]
    for_programs = ("inputs", "code_version")
    when_empty = _("Each night values the twins that you have signed agreements for.")

    def get_urls(self):
        """Add the pages on which one moves figures."""
        pages = {
            "cap_advice": ("<int:valuation_id>/cap/", reckoning.cap_page),
            "break_even": ("break-even/", reckoning.break_even_page),
            "quality": ("quality/", reckoning.quality_page),
        }
        site = self.admin_site
        return [
            *(
                path(address, site.admin_view(partial(view, site)), name=name)
                for name, (address, view) in pages.items()
            ),
            *super().get_urls(),
        ]

    def get_queryset(self, request):
        """List each twin's newest valuation; any can be opened."""
        rows = super().get_queryset(request)
        if not getattr(request, "lists_newest", False):
            return rows
        return twin_worth.newest(rows).select_related("twin", "agency")

    def get_changelist_instance(self, request):
        request.lists_newest = True
        return super().get_changelist_instance(request)

    def changelist_view(self, request, extra_context=None):
        seen = twin_worth.newest(TwinValuation.objects.visible_to(request.user))
        sums = (
            seen.order_by("currency")
            .values("currency")
            .annotate(low=Sum("low"), base=Sum("base"), high=Sum("high"))
        )
        more = {
            "title": _("What your twins are worth"),
            "sums": list(sums),
            "anchors": list(twin_worth.anchors(locale_of_reader())),
        }
        return super().changelist_view(request, more | (extra_context or {}))

    @display(description=_("between"))
    def between(self, row):
        locale = locale_of_reader()
        low, high = (locales.money(one, row.currency, locale) for one in (row.low, row.high))
        return format_html('<span class="desk-amount">{} – {}</span>', low, high)

    @display(description=_("since a month before"), ordering="change")
    def change(self, row):
        if row.change is None:
            return "–"
        told = locales.money(row.change, row.currency, locale_of_reader())
        return format_html('<span class="desk-amount">{}</span>', told)

    @display(description=_("price left"), ordering="price_left")
    def left(self, row):
        return locales.percent((row.price_left * HUNDRED).quantize(Decimal("0.1")),
                               locale_of_reader())  # fmt: skip

    @display(description=_("as of"), ordering="as_of")
    def day(self, row):
        told = locales.short_day(row.as_of, locale_of_reader())
        return format_html('<span class="worth-day">{}</span>', told)

    day.export_field = "as_of"

    @display(description=_("worth"))
    def report(self, valuation):
        (worth,) = twin_worth.told([valuation], locale_of_reader())
        return render_to_string(
            "admin/twin_worth.html", {"worth": worth, "pictures": worth.pictures()}
        )
