"""Permits with what their reservations hold, taken back here; and the keys that sign them."""

from django import forms
from django.contrib import admin
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminTextInputWidget

from licensing.models import Permit, SigningKey
from licensing.permits import revocations
from licensing.words import Meter
from talent.admin.base import FactAdmin, html_table
from talent.locales import quantity


class RevokeForm(forms.Form):
    """Why a permit is taken back."""

    reason = forms.CharField(label=_("Why"), max_length=500, widget=UnfoldAdminTextInputWidget)


def units_table(reservation) -> str:
    """Return the table of what a reservation holds, cap by cap."""
    units = reservation.units.select_related("cap_year__cap").order_by("pk")
    return html_table(
        _("Units"),
        [_("Meter"), _("Cap"), _("Reserved"), _("Of these over"), _("Confirmed"), _("Reported")],
        (
            (
                Meter(row.meter).label,
                row.cap_year.cap if row.cap_year else _("no cap counts it"),
                quantity(row.units, "en"),
                quantity(row.over, "en"),
                row.confirmed is not None and quantity(row.confirmed, "en"),
                quantity(row.drawn, "en"),
            )
            for row in units
        ),
    )


@admin.register(Permit)
class PermitAdmin(FactAdmin):
    """Permits are handed out by clearances and taken back; nothing else happens to them."""

    agency_path = "decision__terms__agency"
    list_display = ["__str__", "state", "licensee", "twin", "starts_at", "expires_at"]
    list_select_related = [
        "decision__terms__licensee", "decision__twin", "decision__reservation", "revocation",
    ]  # fmt: skip
    search_fields = ["decision__terms__licensee__name", "decision__twin__name"]
    ordering = ["-pk"]
    when_empty = _(
        "No permit was handed out yet. One stands here for each clearance that was given."
    )
    fieldsets = [
        (None, {"fields": ["decision", "state", "starts_at", "expires_at", "key"]}),
        (_("What it holds"), {"fields": ["reservation", "units"]}),
        (_("Taken back"), {"fields": ["taken_back"]}),
        (_("As it was handed out"), {"fields": ["token"]}),
    ]
    readonly_fields = ["state", "reservation", "units", "taken_back"]
    actions_detail = ["revoke"]

    @display(
        description=_("state"),
        label={"Valid": "success", "To come": "warning", "Over": "info", "Taken back": "danger"},
    )
    def state(self, permit):
        now = timezone.now()
        if getattr(permit, "revocation", None) is not None:
            return "Taken back"
        if permit.starts_at > now:
            return "To come"
        return "Over" if permit.expires_at <= now else "Valid"

    @admin.display(description=_("licensee"), ordering="decision__terms__licensee__name")
    def licensee(self, permit):
        return permit.decision.terms.licensee

    @admin.display(description=_("twin"), ordering="decision__twin__name")
    def twin(self, permit):
        return permit.decision.twin

    @admin.display(description=_("reservation"))
    def reservation(self, permit):
        return permit.decision.reservation.get_state_display()

    @admin.display(description=_("units"))
    def units(self, permit):
        return units_table(permit.decision.reservation)

    @admin.display(description=_("why"))
    def taken_back(self, permit):
        revocation = getattr(permit, "revocation", None)
        if revocation is None:
            return "–"
        by = revocation.revoked_by or _("the desk")
        return f"{revocation.reason} ({by}, {revocation.revoked_at:%Y-%m-%d %H:%M} UTC)"

    @action(description=_("Take it back…"), permissions=["revoke"], icon="block", url_path="revoke")
    def revoke(self, request, object_id):
        permit = self.get_object(request, object_id)
        form = RevokeForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            reason = form.cleaned_data["reason"]
            step = lambda: revocations.revoke(  # noqa: E731 (one step, tried below)
                decision_id=permit.pk, at=timezone.now(), by=request.user, reason=reason
            )
            self.attempt(request, permit, step, _("Permit %(row)s is taken back."))
            return redirect("admin:licensing_permit_change", permit.pk)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Take back permit %s") % permit,
            "opts": self.opts,
            "original": permit,
            "form": form,
            "hint": _(
                "It clears no use from now on; uses of before stay cleared. Its holder reads why."
            ),
            "button": _("Take it back"),
        }
        return TemplateResponse(request, "admin/step.html", context)

    def has_revoke_permission(self, request, object_id=None):
        """Offer revoking until the permit is revoked, to those at its agency who may."""
        if not request.user.has_perm("licensing.revoke_permit"):
            return False
        permit = object_id and self.get_object(request, object_id)
        if not permit:
            return True
        return getattr(permit, "revocation", None) is None and self.may(request, "revoke", permit)


@admin.register(SigningKey)
class SigningKeyAdmin(FactAdmin):
    """The operator's alone; `manage.py rotate_permit_key` makes the next one."""

    list_display = ["kid", "made_at", "retired_at"]
    ordering = ["-made_at", "-pk"]
    fields = ["kid", "public_jwk", "made_at", "retired_at"]
