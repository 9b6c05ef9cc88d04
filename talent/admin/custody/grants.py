"""Reading grants: approved by two others, and read once."""

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from talent.custody import grants
from talent.models import CustodyGrant, CustodyGrantStep, CustodyItem
from talent.sign_in import proofs
from talent.sign_in.adapters import client_address
from talent.words import GrantState

from ..base import FactAdmin
from ..parts import FactInline
from ..steps import NoteForm, ReasonForm, step
from .item_parts import ReadInline
from .sending import send

GRANT_COLOURS = {
    GrantState.WAITING.label: "warning",
    GrantState.OPEN.label: "success",
    GrantState.AHEAD.label: "info",
    GrantState.REJECTED.label: "danger",
}


class GrantStepInline(FactInline):
    model = CustodyGrantStep
    fields = readonly_fields = ["kind", "at", "by", "reason"]
    ordering = ["pk"]

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("by")


class GrantReadInline(ReadInline):
    fields = readonly_fields = ["at", "by", "address", "came_of_it"]


def _grant_facts(grant):
    return [
        (_("Who"), grant.asked_by),
        (_("Item"), grant.item),
        (_("For what"), grant.get_purpose_display() or _("The performer's own copy")),
        (_("Why"), grant.reason),
        (_("From"), grant.starts_at),
        (_("Until"), grant.ends_at),
    ]


def _is(*states):
    return lambda grant: grant.state_at(timezone.now()) in states


@admin.register(CustodyGrant)
class CustodyGrantAdmin(FactAdmin):
    agency_path = "item__agency"
    list_display = ["item", "asked_by", "purpose", "starts_at", "ends_at", "state_label"]
    list_filter = ["purpose", "item__agency"]
    list_select_related = ["item", "asked_by"]
    search_fields = ["item__name", "item__performer__name", "asked_by__email", "reason"]
    ordering = ["-pk"]
    readonly_fields = ["state_label", "next_step"]
    fieldsets = [
        (None, {"fields": ["item", "asked_by", "asked_at", "state_label", "next_step"]}),
        (_("What for"), {"fields": ["purpose", "reason"]}),
        (_("When"), {"fields": ["starts_at", "ends_at"]}),
    ]
    inlines = [GrantStepInline, GrantReadInline]
    actions = ["approve_grants"]
    actions_detail = ["read_now", "approve_grants", "reject_grant"]
    when_empty = _("Nobody has asked to read anything. On an item's page is how to ask.")

    def get_queryset(self, request):
        return super().get_queryset(request).with_state()

    @display(description=_("how far"), label=GRANT_COLOURS)
    def state_label(self, grant):
        return grant.state_at(timezone.now()).label

    @admin.display(description=_("what is next"))
    def next_step(self, grant):
        return NEXT[grant.state_at(timezone.now())]

    def get_urls(self):
        view = self.admin_site.admin_view
        return [
            path("<int:grant_id>/read/", view(self.read), name="custody_read_by_grant"),
            *super().get_urls(),
        ]

    @step(
        label=_("Approve"),
        says=_("It opens once two people have approved it who did not ask for it."),
        done=_("%(row)s: approved by you."),
        permission=grants.APPROVES,
        form=NoteForm,
        offered=_is(GrantState.WAITING),
        facts=_grant_facts,
        step_up=True,
        icon="check",
    )
    def approve_grants(self, grant, given):
        grants.approve(grant_id=grant.pk, by=given.by, at=given.at, reason=given.reason)

    @step(
        label=_("Reject, or take back"),
        says=_("It opens nothing from then on."),
        done=_("%(row)s: closed."),
        permission=grants.ASKS,
        or_permission=grants.APPROVES,
        form=ReasonForm,
        offered=_is(GrantState.WAITING, GrantState.AHEAD, GrantState.OPEN),
        facts=_grant_facts,
        icon="block",
    )
    def reject_grant(self, grant, given):
        grants.reject(grant_id=grant.pk, by=given.by, at=given.at, reason=given.reason)

    @action(description=_("Read it"), icon="download", url_path="read-now")
    def read_now(self, request, object_id):
        return redirect("admin:custody_read_by_grant", grant_id=object_id)

    def get_actions_detail(self, request, object_id):
        actions = super().get_actions_detail(request, object_id)
        row = self.get_object(request, object_id)
        may = _is(GrantState.OPEN)(row) and row.asked_by_id == request.user.pk
        return [one for one in actions if may or "read_now" not in one.action_name]

    def read(self, request: HttpRequest, grant_id: int) -> HttpResponse:
        """Ask whether to use a grant up, and send its item."""
        grant = self.get_object(request, str(grant_id))
        # Whoever asked may have another seat by now.
        if grant.asked_by_id != request.user.pk or not self.has_seat(request, grants.ASKS, grant):
            raise PermissionDenied
        if asked := proofs.step_up(request):
            return asked
        if request.method == "POST":
            return send(
                lambda: grants.read(
                    grant_id=grant.pk, by=request.user, clock=timezone.now,
                    address=client_address(request),
                ),
                grant.item,
            )  # fmt: skip
        says = _(
            "This uses the grant up, also if you leave before the end. That you read it is written "
            "down before the first byte comes. The file bears no mark of yours."
        )
        items = self.admin_site._registry[CustodyItem]
        return items.reading_page(request, grant.item, says=says, form=None, back=grant)


NEXT = {
    GrantState.WAITING: _("Two people approve it who did not ask for it."),
    GrantState.AHEAD: _("Wait for its window."),
    GrantState.OPEN: _("Whoever asked for it reads it, once."),
    GrantState.USED: _("Nothing: it was used. Ask again if you need more."),
    GrantState.OVER: _("Nothing: ask again."),
    GrantState.REJECTED: _("Nothing."),
    GrantState.TAKEN_BACK: _("Nothing."),
}
