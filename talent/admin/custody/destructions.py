"""Destructions: approved by another, and their certificates."""

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from talent.custody import destruction
from talent.custody.retention import standing
from talent.models import Destruction, DestructionStep
from talent.words import DestructionState

from ..base import FactAdmin
from ..parts import FactInline
from ..steps import NoteForm, ReasonForm, step
from .items import facts_of


class DestructionStepInline(FactInline):
    model = DestructionStep
    fields = readonly_fields = ["kind", "at", "by", "reason"]
    ordering = ["pk"]

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("by")


def _destruction_facts(row):
    return [
        *facts_of(row.item),
        (_("Cause"), row.get_cause_display()),
        (_("Why"), row.reason),
        (_("Asked for by"), row.asked_by or _("the desk, since its time is over")),
        (_("Kept until"), standing.standing_of(row.item, at=timezone.now())),
    ]


class DecidedFilter(admin.SimpleListFilter):
    title = _("decided")
    parameter_name = "decided"

    def lookups(self, request, model_admin):
        return [("no", _("Not yet"))]

    def queryset(self, request, queryset):
        return queryset.undecided() if self.value() == "no" else queryset


@admin.register(Destruction)
class DestructionAdmin(FactAdmin):
    agency_path = "item__agency"
    list_display = ["item", "cause", "asked_by", "asked_at", "state_label"]
    list_filter = [DecidedFilter, "cause", "item__agency"]
    list_select_related = ["item", "asked_by"]
    search_fields = ["item__name", "item__performer__name", "reason"]
    ordering = ["-pk"]
    readonly_fields = ["state_label", "certificate_file"]
    fieldsets = [
        (None, {"fields": ["item", "cause", "reason", "state_label", "certificate_file"]}),
        (_("Who asked for it"), {"fields": ["asked_by", "asked_at"]}),
    ]
    inlines = [DestructionStepInline]
    actions_detail = ["confirm_destruction", "approve_destruction", "reject_destruction"]
    when_empty = _("Nobody has asked to destroy anything. On an item's page is how to ask.")

    def get_queryset(self, request):
        rows = super().get_queryset(request).with_state()
        return rows.select_related("item__performer", "item__agency", "certificate")

    @display(
        description=_("how far"),
        label={
            DestructionState.PROPOSED.label: "warning",
            DestructionState.WAITING.label: "warning",
            DestructionState.UNDER_WAY.label: "info",
            DestructionState.DONE.label: "success",
        },
    )
    def state_label(self, row):
        return row.state.label

    @admin.display(description=_("certificate"))
    def certificate_file(self, row):
        if not hasattr(row, "certificate"):
            return _now("Issued once key and file are gone")
        url = reverse("admin:custody_certificate", args=[row.pk])
        return format_html('<a class="desk-link" href="{}">{}</a>', url, _now("Open (PDF)"))

    def get_urls(self):
        view = self.admin_site.admin_view(self.certificate)
        own = path("<int:destruction_id>/certificate/", view, name="custody_certificate")
        return [own, *super().get_urls()]

    def certificate(self, request: HttpRequest, destruction_id: int) -> HttpResponse:
        row = self.get_object(request, str(destruction_id))
        if not hasattr(row, "certificate"):
            raise Http404(_now("No certificate was issued yet."))
        return certificate_file(row)

    @step(
        label=_("Confirm"),
        says=_("You stand for it as if you had asked. Somebody else then approves it."),
        done=_("Confirmed: somebody else approves it."),
        permission=destruction.ASKS,
        form=NoteForm,
        offered=lambda row: row.state == DestructionState.PROPOSED,
        facts=_destruction_facts,
        step_up=True,
        icon="done",
    )
    def confirm_destruction(self, row, given):
        destruction.confirm(destruction_id=row.pk, by=given.by, at=given.at, reason=given.reason)

    @step(
        label=_("Approve"),
        says=_(
            "The desk destroys the key, then the file, within minutes. Nothing brings it back, and"
            " nobody can stop it then."
        ),
        done=_("Approved: the desk destroys it now. The certificate stands on this page then."),
        permission=destruction.APPROVES,
        form=NoteForm,
        offered=lambda row: row.state == DestructionState.WAITING,
        facts=_destruction_facts,
        step_up=True,
        icon="check",
    )
    def approve_destruction(self, row, given):
        destruction.approve(destruction_id=row.pk, by=given.by, at=given.at, reason=given.reason)

    @step(
        label=_("Reject, or take back"),
        says=_("The item stays. Whoever asked takes it back; whoever may approve rejects it."),
        done=_("%(row)s: closed, the item stays."),
        permission=destruction.ASKS,
        or_permission=destruction.APPROVES,
        form=ReasonForm,
        offered=lambda row: row.state in (DestructionState.PROPOSED, DestructionState.WAITING),
        facts=_destruction_facts,
        icon="block",
    )
    def reject_destruction(self, row, given):
        destruction.reject(destruction_id=row.pk, by=given.by, at=given.at, reason=given.reason)


def certificate_file(row: Destruction) -> HttpResponse:
    """Return the certificate of a destruction as a file."""
    response = HttpResponse(bytes(row.certificate.pdf), content_type="application/pdf")
    response["Content-Disposition"] = content_disposition_header(
        as_attachment=True, filename=f"destruction-{row.pk}.pdf"
    )
    return response
