"""Clearance decisions with their trace, and holds."""

from django.contrib import admin
from django.db.models import Q
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from licensing.models import ClearanceDecision, Hold
from licensing.words import Dimension, Finding
from talent.admin.base import DeskAdmin, FactAdmin


@admin.register(ClearanceDecision)
class ClearanceDecisionAdmin(FactAdmin):
    list_display = ["__str__", "outcome_label", "licensee", "twin", "what", "at", "known_at"]
    list_filter = ["outcome"]
    list_select_related = ["terms__licensee", "terms__agency", "twin"]
    search_fields = ["terms__licensee__name", "twin__name", "agreement__reference"]
    ordering = ["-pk"]
    fieldsets = [
        (None, {"fields": ["outcome", "twin", "agreement", "terms", "at", "known_at"]}),
        (_("Why"), {"fields": ["studio_text", "staff_text", "nearest_change", "trace"]}),
        (_("What was asked, and the facts it stood on"), {"fields": ["request", "facts"]}),
    ]
    readonly_fields = ["studio_text", "staff_text", "nearest_change", "trace"]

    @display(
        description=_("outcome"),
        ordering="outcome",
        label={"Cleared": "success", "Needs approval": "warning", "Refused": "danger"},
    )
    def outcome_label(self, decision):
        return decision.get_outcome_display()

    @admin.display(description=_("licensee"), ordering="terms__licensee__name")
    def licensee(self, decision):
        return decision.terms.licensee

    @admin.display(description=_("asked for"))
    def what(self, decision):
        asked = decision.request
        return f"{asked.get('right', '?')} × {asked.get('use', '?')}, {asked.get('territory', '?')}"

    @admin.display(description=_("said to the studio"))
    def studio_text(self, decision):
        return decision.decision.get("studio_text", "")

    @admin.display(description=_("for staff"))
    def staff_text(self, decision):
        return decision.decision.get("staff_text", "")

    @admin.display(description=_("nearest change that would allow it"))
    def nearest_change(self, decision):
        return decision.decision.get("nearest_change") or "–"

    @admin.display(description=_("trace"))
    def trace(self, decision):
        rows = format_html_join(
            "",
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            (
                (
                    Dimension(step["dimension"]).label,
                    Finding(step["finding"]).label,
                    step["rule"],
                    step.get("set_by") or "–",
                    (step.get("since") or "–")[:10],
                )
                for step in decision.decision.get("trace", [])
            ),
        )
        return format_html(
            '<table class="desk-history"><thead><tr><th scope="col">{}</th><th scope="col">{}</th>'
            '<th scope="col">{}</th><th scope="col">{}</th><th scope="col">{}</th></tr></thead>'
            "<tbody>{}</tbody></table>",
            _("Dimension"), _("Finding"), _("Rule"), _("Set by"), _("Since"), rows,
        )  # fmt: skip


@admin.register(Hold)
class HoldAdmin(DeskAdmin):
    agency_path = "agreement__agency"
    list_display = ["__str__", "lies_on", "starts_at", "ends_at", "reason"]
    list_filter = ["kind"]
    list_select_related = ["performer", "twin", "agreement"]
    search_fields = ["performer__name", "twin__name", "agreement__reference", "reason"]
    ordering = ["-starts_at", "-pk"]
    autocomplete_fields = ["performer", "twin", "agreement"]

    def at(self, agencies):
        return (
            Q(agreement__agency__in=agencies)
            | Q(performer__representations__agency__in=agencies)
            | Q(twin__agency__in=agencies)
            | Q(twin__performer__representations__agency__in=agencies)
        )

    def get_exclude(self, request, obj=None):
        """A strike over a whole guild is the operator's to declare: it binds every agency."""
        return [] if request.user.is_superuser else ["guild"]

    @admin.display(description=_("lies on"))
    def lies_on(self, hold):
        return hold.agreement or hold.twin or hold.performer or hold.get_guild_display()
