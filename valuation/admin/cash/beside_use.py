"""What agreements owe beside use: contributions to plans, and what use paid back of advances."""

from functools import partial

from django.contrib import admin
from django.shortcuts import redirect
from django.urls import path
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from licensing.words import Confidence
from talent.admin.base import FactAdmin
from talent.admin.columns import amount, number
from valuation.admin.reports import plan_report
from valuation.models import Contribution, Recoupment

FIGURES = [number("rate"), amount("base"), amount("amount")]


@admin.register(Contribution)
class ContributionAdmin(FactAdmin):
    agency_path = "agreement__agency"
    list_display = ["__str__", "performer", "production", "agreement", "period_on", *FIGURES,
                    "how_sure"]  # fmt: skip
    list_filter = ["plan", "paid_by", "confidence", "currency"]
    list_select_related = ["performer", "production", "agreement"]
    search_fields = ["performer__name", "production__title", "agreement__reference"]
    ordering = ["-pk"]
    fieldsets = [
        (None, {"fields": ["plan", "pay_class", "performer", "production", "agreement",
                           "period_on"]}),
        (_("What it comes to"), {"fields": [*FIGURES, "ceiling", "note"]}),
        (_("What it rests on"), {"fields": ["rule", "clause", "how_sure"]}),
        (_("Who pays it"), {"fields": ["paid_by", "reading", "run"]}),
    ]  # fmt: skip
    readonly_fields = [*FIGURES, "how_sure"]
    actions_list = ["report_to_a_plan", "export_list", "export_workbook"]
    when_empty = _(
        "No plan is owed anything. Name a plan in an agreement's money terms, and the night "
        "reckons what it is owed."
    )

    def get_urls(self):
        site = self.admin_site
        view = site.admin_view(partial(plan_report.plan_report, site))
        return [path("plan_report/", view, name="plan_report"), *super().get_urls()]

    def has_report_permission(self, request):
        return request.user.has_perm(plan_report.PERMISSION)

    @action(description=_("Report to a plan"), permissions=["report"], icon="summarize")
    def report_to_a_plan(self, request):
        """Lead to the report of the month that has ended last."""
        return redirect("admin:plan_report")

    @display(
        description=_("how sure"),
        ordering="confidence",
        label={
            "Read in the primary text": "success",
            "Read in a secondary source": "info",
            "Derived from found figures": "info",
            "Not verified": "warning",
            "Not found or sources conflict": "danger",
        },
    )
    def how_sure(self, contribution):
        if not contribution.confidence:
            return Confidence.CONFLICTING.label
        return contribution.get_confidence_display()


@admin.register(Recoupment)
class RecoupmentAdmin(FactAdmin):
    agency_path = "agreement__agency"
    list_display = ["reading", "agreement", amount("amount"), "recouped_at"]
    list_filter = ["currency"]
    list_select_related = ["agreement", "reading"]
    search_fields = ["agreement__reference"]
    ordering = ["-pk"]
    when_empty = _("No use has paid an advance back yet.")
