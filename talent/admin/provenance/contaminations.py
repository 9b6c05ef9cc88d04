"""Contaminations, and the wish to clear them: asked by one, approved by another."""

from django.contrib import admin
from django.db.models import Count
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from talent.lineage import contamination
from talent.models import Contamination, ContaminationClearing, ContaminationMark
from talent.words import ClearingState

from ..base import FactAdmin
from ..parts import FactInline
from ..steps import NoteForm, ReasonForm, step


class ReachedInline(FactInline):
    model = ContaminationMark
    verbose_name_plural = _("what it reaches")
    fields = readonly_fields = ["node", "via", "distance"]
    ordering = ["distance", "node"]
    per_page = 20

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("node", "via")


class ClearingInline(FactInline):
    model = ContaminationClearing
    fields = readonly_fields = ["asked_by", "asked_at", "reason", "how_far"]
    ordering = ["-pk"]
    show_change_link = True

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("asked_by", "decided")

    @admin.display(description=_("how far"))
    def how_far(self, clearing):
        return clearing.state.label


class LiveFilter(admin.SimpleListFilter):
    title = _("whether it counts")
    parameter_name = "counts"

    def lookups(self, request, model_admin):
        return [("yes", _("Counts")), ("no", _("Cleared"))]

    def queryset(self, request, queryset):
        known = self.value() in ("yes", "no")
        return queryset.filter(cleared_at__isnull=self.value() == "yes") if known else queryset


def _facts(row):
    return [
        (_("What"), row.node),
        (_("Only the file"), row.file or "–"),
        (_("Cause"), row.get_cause_display()),
        (_("Why"), row.reason),
        (_("From"), row.from_at),
    ]


@admin.register(Contamination)
class ContaminationAdmin(FactAdmin):
    agency_path = "node__agency"
    list_display = ["node", "cause", "from_at", "known_at", "reaches", "state_label"]
    list_filter = ["cause", LiveFilter, "node__agency"]
    list_select_related = ["node", "file", "by"]
    search_fields = ["node__name", "reason"]
    ordering = ["-pk"]
    readonly_fields = ["state_label", "reaches", "cleared"]
    fieldsets = [
        (None, {"fields": ["node", "file", "cause", "reason", "state_label", "reaches"]}),
        (_("When"), {"fields": ["from_at", "known_at", "cleared"]}),
        (_("Who marked it"), {"fields": ["by", "consent"]}),
    ]
    inlines = [ReachedInline, ClearingInline]
    actions_detail = ["ask_clearing"]
    when_empty = _(
        "Nothing is contaminated. On a dataset's or build's page in the lineage is how to mark it."
    )

    def get_queryset(self, request):
        rows = super().get_queryset(request).with_cleared_at()
        return rows.annotate(reached=Count("marks") - 1).select_related("node", "file", "by")

    @display(description=_("state"), label={_("Counts"): "danger", _("Cleared"): "success"})
    def state_label(self, row):
        return _("Counts") if row.cleared_at is None else _("Cleared")

    @admin.display(description=_("made from it"), ordering="reached")
    def reaches(self, row):
        return row.reached

    @admin.display(description=_("cleared at"))
    def cleared(self, row):
        return row.cleared_at

    @step(
        label=_("Ask to clear it"),
        says=_(
            "Somebody else approves, who has not marked it either. Until then it counts. What was"
            " trained on it was; clearing says that it may be used after all."
        ),
        done=_("Asked. It stands under Clearings of contaminations until somebody approves."),
        permission=contamination.ASKS,
        form=ReasonForm,
        offered=lambda row: row.cleared_at is None,
        facts=_facts,
        icon="cleaning_services",
    )
    def ask_clearing(self, row, given):
        contamination.ask_clearing(
            contamination_id=row.pk, reason=given.reason, by=given.by, at=given.at
        )


@admin.register(ContaminationClearing)
class ContaminationClearingAdmin(FactAdmin):
    agency_path = "contamination__node__agency"
    list_display = ["what", "asked_by", "asked_at", "state_label"]
    list_filter = ["contamination__node__agency"]
    list_select_related = ["contamination__node", "contamination__file", "asked_by", "decided__by"]
    search_fields = ["contamination__node__name", "reason"]
    ordering = ["-pk"]
    readonly_fields = ["what", "state_label", "decided_by", "decided_why"]
    fieldsets = [
        (None, {"fields": ["contamination", "reason", "state_label"]}),
        (_("Who asked for it"), {"fields": ["asked_by", "asked_at"]}),
        (_("Who decided"), {"fields": ["decided_by", "decided_why"]}),
    ]
    actions_detail = ["approve_clearing", "reject_clearing"]
    when_empty = _("Nobody has asked to clear a contamination.")

    def get_queryset(self, request):
        return super().get_queryset(request).select_related(*self.list_select_related)

    @admin.display(description=_("contamination"))
    def what(self, row):
        return row.contamination

    @display(
        description=_("how far"),
        label={ClearingState.WAITING.label: "warning", ClearingState.CLEARED.label: "success"},
    )
    def state_label(self, row):
        return row.state.label

    @admin.display(description=_("by"))
    def decided_by(self, row):
        return row.decided.by if hasattr(row, "decided") else _now("Nobody yet")

    @admin.display(description=_("remark"))
    def decided_why(self, row):
        return row.decided.reason if hasattr(row, "decided") else None

    @step(
        label=_("Approve"),
        says=_(
            "From now on it no longer counts for clearances. No build is provably clean by that:"
            " the question is to be asked anew."
        ),
        done=_("Cleared."),
        permission=contamination.APPROVES,
        form=NoteForm,
        offered=lambda row: row.state == ClearingState.WAITING,
        facts=lambda row: [
            *_facts(row.contamination),
            (_("Why it may be cleared"), row.reason),
            (_("Asked for by"), row.asked_by),
        ],
        step_up=True,
        icon="check",
    )
    def approve_clearing(self, row, given):
        contamination.approve_clearing(
            clearing_id=row.pk, by=given.by, at=given.at, reason=given.reason
        )

    @step(
        label=_("Reject, or take back"),
        says=_("It counts on. Whoever asked takes it back; whoever may approve rejects it."),
        done=_("Closed; the contamination counts on."),
        permission=contamination.ASKS,
        or_permission=contamination.APPROVES,
        form=ReasonForm,
        offered=lambda row: row.state == ClearingState.WAITING,
        facts=lambda row: _facts(row.contamination),
        icon="block",
    )
    def reject_clearing(self, row, given):
        contamination.reject_clearing(
            clearing_id=row.pk, by=given.by, at=given.at, reason=given.reason
        )
