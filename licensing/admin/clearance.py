"""Clearance decisions with their trace, and holds."""

from functools import partial

from django import forms
from django.contrib import admin
from django.db.models import Q
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminSplitDateTimeWidget

from licensing.admin import as_sent
from licensing.clearance import holds
from licensing.clearance.refusals import what_was_asked
from licensing.clearance.strikes import preview
from licensing.models import ApprovalAsking, ClearanceDecision, Hold, HoldStep, Production
from licensing.wire.names import Prefix, number_in
from licensing.words import Dimension, Finding, HoldKind
from talent import locales
from talent.admin.base import DeskAdmin, FactAdmin
from talent.admin.columns import html_table, moment
from talent.admin.forms import DeskForm
from talent.admin.parts import FactInline
from talent.admin.steps import ReasonForm, step

from . import availability, simulation, strikes, withdrawals
from .permits import units_table


@admin.register(ClearanceDecision)
class ClearanceDecisionAdmin(FactAdmin):
    list_display = ["__str__", "outcome_label", "licensee", "twin", "what", "at", "known_at"]
    list_filter = ["outcome"]
    list_select_related = ["terms__licensee", "terms__agency", "twin"]
    search_fields = ["terms__licensee__name", "twin__name", "agreement__reference"]
    ordering = ["-pk"]
    fieldsets = [
        (None, {"fields": ["outcome", "twin", "agreement", "terms", "at", "known_at"]}),
        (
            _("Why"),
            {"fields": ["studio_text", "staff_text", "nearest_change", "approval", "trace"]},
        ),
        (_("What it holds"), {"fields": ["reservation", "permit"]}),
        (_("What was asked"), {"fields": ["asked", "facts_json"]}),
    ]
    readonly_fields = [
        "studio_text", "staff_text", "nearest_change", "approval", "trace", "reservation",
        "permit", "asked", "facts_json",
    ]  # fmt: skip

    def get_urls(self):
        """Add the pages of availability, simulation and withdrawal, which are about no one row."""
        pages = {
            "availability": ("availability/", availability.availability),
            "simulate_consent": ("simulate_consent/<int:matrix_id>/", simulation.what_if),
            "withdraw_consent": ("withdraw_consent/", withdrawals.withdraw),
        }
        site = self.admin_site
        return [
            *(
                path(address, site.admin_view(partial(view, site)), name=name)
                for name, (address, view) in pages.items()
            ),
            *super().get_urls(),
        ]

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
        where = locales.territory(decision.request.get("territory") or "?", "en")
        return f"{what_was_asked(decision.request)}, {where}"

    @admin.display(description=_("said to the studio"))
    def studio_text(self, decision):
        return decision.decision.get("studio_text", "")

    @admin.display(description=_("for staff"))
    def staff_text(self, decision):
        return decision.decision.get("staff_text", "")

    @admin.display(description=_("what would allow it"))
    def nearest_change(self, decision):
        return decision.decision.get("nearest_change") or "–"

    @admin.display(description=_("approval"))
    def approval(self, decision):
        askings = ApprovalAsking.objects.select_related("request__twin")
        asking = askings.filter(decision=decision).first()
        if asking is None:
            return "–"
        link = reverse("admin:licensing_approvalrequest_change", args=[asking.request_id])
        return format_html('<a class="desk-link" href="{}">{}</a>', link, asking.request)

    @admin.display(description=_("what was asked"))
    def asked(self, decision):
        production = number_in(decision.request.get("production") or "", Prefix.PRODUCTION)
        named = {
            "licensee": decision.terms.licensee,
            "agreement": decision.agreement,
            "twin": decision.twin,
            "production": Production.objects.filter(pk=production).first(),
        }
        names = {key: str(row) for key, row in named.items() if row is not None}
        return as_sent.in_words(decision.request | names)

    @admin.display(description=_("the facts it stood on"))
    def facts_json(self, decision):
        return as_sent.as_json(decision.facts)

    @admin.display(description=_("reservation"))
    def reservation(self, decision):
        reservation = getattr(decision, "reservation", None)
        if reservation is None:
            return "–"
        until = moment(reservation.expires_at)
        text = _("%(state)s, held until %(until)s") % {
            "state": reservation.get_state_display(),
            "until": until,
        }
        return format_html("{}{}", text, units_table(reservation))

    @admin.display(description=_("permit"))
    def permit(self, decision):
        permit = getattr(decision, "permit", None)
        if permit is None:
            return "–"
        url = reverse("admin:licensing_permit_change", args=[permit.pk])
        return format_html('<a class="desk-link" href="{}">{}</a>', url, permit)

    @admin.display(description=_("trace"))
    def trace(self, decision):
        return html_table(
            _("Trace"),
            [_("Dimension"), _("Finding"), _("Rule"), _("Set by"), _("Since")],
            (
                (
                    Dimension(step["dimension"]).label,
                    Finding(step["finding"]).label,
                    step["rule"],
                    step.get("set_by"),
                    (step.get("since") or "")[:10],
                )
                for step in decision.decision.get("trace", [])
            ),
        )


class HoldStepInline(FactInline):
    model = HoldStep
    fields = readonly_fields = ["kind", "at", "by", "reason"]
    ordering = ["-at", "-pk"]


class LiftForm(ReasonForm):
    """When a hold ends, and why."""

    ends_at = forms.SplitDateTimeField(
        label=_("Ends"), widget=UnfoldAdminSplitDateTimeWidget, initial=timezone.now
    )
    field_order = ("ends_at", "reason")


NARROWED = ["engagements", "uses", "territories", "spares_begun_before"]


class HoldForm(DeskForm):
    """A hold of its own page; a guild's strike has another, which shows first what it holds."""

    def clean(self):
        told = super().clean()
        if told.get("guild") and told.get("kind") == HoldKind.STRIKE:
            self.add_error(
                "guild", _("Declare a guild's strike by “Declare a strike” of the list.")
            )
        return told


@admin.register(Hold)
class HoldAdmin(DeskAdmin):
    """Holds are placed and lifted; what they say in between is not edited."""

    agency_path = "agreement__agency"
    list_display = ["__str__", "lies_on", "state", "starts_at", "ends_at", "reason"]
    list_filter = ["kind"]
    list_select_related = ["performer", "twin", "agreement"]
    search_fields = ["performer__name", "twin__name", "agreement__reference", "reason"]
    ordering = ["-starts_at", "-pk"]
    autocomplete_fields = ["performer", "twin", "agreement"]
    inlines = [HoldStepInline]
    when_empty = _(
        "No hold lies on anybody. A strike, a dispute or an order stops clearances while it lies."
    )
    actions_list = ["declare", "export_list", "export_workbook"]
    actions_detail = ["lift"]
    form = HoldForm

    def at_agencies(self, agencies):
        return (
            Q(agreement__agency__in=agencies)
            | Q(performer__representations__agency__in=agencies)
            | Q(twin__agency__in=agencies)
            | Q(twin__performer__representations__agency__in=agencies)
        )

    def get_urls(self):
        """Add the page of a guild's strike, which shows first what it would hold."""
        view = self.admin_site.admin_view(partial(strikes.declare, self.admin_site))
        return [path("declare_strike/", view, name="declare_strike"), *super().get_urls()]

    @action(description=_("Declare a strike"), icon="front_hand", permissions=["declare"])
    def declare(self, request):
        return redirect("admin:declare_strike")

    def has_declare_permission(self, request):
        """A strike over a whole guild is the operator's to declare: it binds every agency."""
        return request.user.is_superuser

    def get_exclude(self, request, obj=None):
        """Leave out what only a strike says, which has its own page, and guilds for the staff."""
        if obj is not None and obj.guild:
            return []
        return NARROWED if request.user.is_superuser else ["guild", *NARROWED]

    def get_readonly_fields(self, request, obj=None):
        if obj is None:
            return []
        excluded = self.get_exclude(request, obj)
        return [field.name for field in Hold._meta.fields[1:] if field.name not in excluded]

    def get_fieldsets(self, request, obj=None):
        text = "" if obj else _("A hold lies on one performer, one twin or one agreement.")
        return [(None, {"fields": self.get_fields(request, obj), "description": text})]

    def has_delete_permission(self, request, obj=None):
        return False

    def save_model(self, request, obj, form, change):
        """Place a new hold by `holds.place`, which stores the first step too."""
        if not change:
            placed = holds.place(at=timezone.now(), by=request.user, **form.cleaned_data)
            obj.pk, obj._state.adding = placed.pk, False

    @step(
        label=_("Lift"),
        icon="lock_open",
        permission="licensing.change_hold",
        step_up=True,
        says=_(
            "Uses from that instant on are decided without it. What was refused before stays "
            "refused."
        ),
        done=_("%(row)s is lifted. Studios may ask again for what it refused."),
        form=LiftForm,
        offered=lambda hold: hold.ends_at is None or hold.ends_at > timezone.now(),
        facts=lambda hold: [*_about(hold), *_set_free(hold)],
    )
    def lift(self, hold, given):
        holds.lift(
            hold=hold, ends_at=given.values["ends_at"], at=given.at, by=given.by,
            reason=given.reason,
        )  # fmt: skip

    @admin.display(description=_("lies on"))
    def lies_on(self, hold):
        return hold.agreement or hold.twin or hold.performer or hold.get_guild_display()

    @display(description=_("state"), label={"Lies": "danger", "Over": "info", "To come": "warning"})
    def state(self, hold):
        now = timezone.now()
        if hold.starts_at > now:
            return "To come"
        return "Over" if hold.ends_at is not None and hold.ends_at <= now else "Lies"


def _about(hold):
    yield _("Kind"), hold.get_kind_display()
    yield _("Lies on"), hold.agreement or hold.twin or hold.performer or hold.get_guild_display()
    yield _("Since"), moment(hold.starts_at)
    yield _("Placed because"), hold.reason


def _set_free(hold):
    """Tell what the lift of a guild's hold sets free, all of it in one."""
    if not hold.guild:
        return
    held = preview(hold, at=timezone.now())
    told = [f"{agency}: {count}" for agency, count in held.by_agency]
    yield _("Agreements set free"), ", ".join(told) or _("none")
    yield _("Permits that count again"), held.permits
