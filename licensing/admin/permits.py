"""Permits with what their reservations hold, taken back here; and the keys that sign them."""

from django.contrib import admin
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from licensing.models import CapYear, Permit, SigningKey
from licensing.permits import revocations
from licensing.words import Meter
from talent.admin.base import FactAdmin
from talent.admin.columns import html_table, moment
from talent.admin.steps import ReasonForm, step
from talent.locales import quantity
from talent.models.names import relations_of_name


def units_table(reservation) -> str:
    """Return the table of what a reservation holds, cap by cap."""
    named = [f"cap_year__{one}" for one in relations_of_name(CapYear)]
    units = reservation.units.select_related("cap_year", *named).order_by("pk")
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
        return f"{revocation.reason} ({by}, {moment(revocation.revoked_at)})"

    @step(
        label=_("Take it back"),
        icon="block",
        permission="licensing.revoke_permit",
        step_up=True,
        says=_(
            "It clears no use from now on; uses of before stay cleared. Its holder reads why. This "
            "cannot be taken back: another clearance gives another permit."
        ),
        done=_("Permit %(row)s is taken back. Its holder reads why."),
        form=ReasonForm,
        offered=lambda permit: getattr(permit, "revocation", None) is None,
        facts=lambda permit: _about(permit),
    )
    def revoke(self, permit, given):
        revocations.revoke(decision_id=permit.pk, at=given.at, by=given.by, reason=given.reason)


def _about(permit):
    yield _("Licensee"), permit.decision.terms.licensee
    yield _("Digital twin"), permit.decision.twin
    yield _("Valid"), f"{moment(permit.starts_at)} – {moment(permit.expires_at)}"


@admin.register(SigningKey)
class SigningKeyAdmin(FactAdmin):
    """The operator's alone; `manage.py rotate_permit_key` makes the next one."""

    list_display = ["__str__", "made_at", "retired_at", "leaked_at"]
    list_select_related = ["leak"]
    ordering = ["-made_at", "-pk"]
    fields = ["kid", "public_jwk", "made_at", "retired_at", "leaked"]
    readonly_fields = ["leaked"]
    actions_detail = ["take_away"]

    @admin.display(description=_("leaked"), ordering="leak__noted_at")
    def leaked_at(self, key):
        leak = getattr(key, "leak", None)
        return moment(leak.noted_at) if leak else "–"

    @admin.display(description=_("leaked"))
    def leaked(self, key):
        leak = getattr(key, "leak", None)
        if leak is None:
            return "–"
        return f"{leak.reason} ({leak.noted_by or _('the desk')}, {moment(leak.noted_at)})"

    @step(
        label=_("It leaked: take it away"),
        icon="key_off",
        permission="licensing.change_signingkey",
        step_up=True,
        says=_(
            "It signs nothing more and leaves the list of keys at once; all permits that it signed "
            "are taken back, and their holders read why. Another key signs from now on. Who kept "
            "the list reads it again within an hour, and until then may not know the new key."
        ),
        done=_("Key %(row)s is taken away, and so are its permits."),
        form=ReasonForm,
        offered=lambda key: getattr(key, "leak", None) is None,
        facts=lambda key: _permits_of(key),
    )
    def take_away(self, key, given):
        revocations.take_key_away(kid=key.kid, at=given.at, by=given.by, reason=given.reason)


def _permits_of(key):
    running = Permit.objects.filter(key=key, expires_at__gt=timezone.now(), revocation=None)
    yield _("Permits that end"), running.count()
