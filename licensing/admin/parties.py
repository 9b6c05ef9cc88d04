"""Licensees, what agencies agreed with them, their keys and productions."""

from django import forms
from django.contrib import admin, messages
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from unfold.decorators import action, display

from licensing import api_keys
from licensing.models import ApiKey, Licensee, LicenseeTerms, Production
from talent import identifiers
from talent.admin.base import DeskAdmin, FactAdmin, FactInline, PartsInline
from talent.admin.people import normal_form
from talent.errors import Refused


class ProductionInline(PartsInline):
    model = Production
    fields = ["title", "kind", "eidr", "photography_starts_on", "released_on"]
    show_change_link = True


@admin.register(Licensee)
class LicenseeAdmin(DeskAdmin):
    list_display = ["name", "kind", "country", "billing_email"]
    list_filter = ["kind"]
    search_fields = ["name", "slug"]
    ordering = ["name"]
    inlines = [ProductionInline]


class ApiKeyInline(FactInline):
    model = ApiKey
    fields = ["prefix", "label", "sandbox", "created_at", "expires_at", "revoked_at"]
    readonly_fields = fields
    ordering = ["-created_at"]
    show_change_link = True


@admin.register(LicenseeTerms)
class LicenseeTermsAdmin(DeskAdmin):
    agency_path = "agency"
    list_display = ["name", "agency", "licensee", "contact", "approval_hours"]
    list_filter = ["agency"]
    list_select_related = ["agency", "licensee"]
    search_fields = ["agency__name", "licensee__name"]
    ordering = ["agency__name", "licensee__name"]
    autocomplete_fields = ["agency", "licensee"]
    inlines = [ApiKeyInline]
    actions_detail = ["issue_key", "issue_sandbox_key"]

    @admin.display(description=_("terms"))
    def name(self, terms):
        return f"{terms.agency} – {terms.licensee}"

    @action(description=_("Issue an API key"), permissions=["issue_key"], icon="key")
    def issue_key(self, request, object_id):
        return self._issue(request, object_id, label="API")

    @action(description=_("Issue a sandbox key"), permissions=["issue_key"], icon="science")
    def issue_sandbox_key(self, request, object_id):
        """Issue a key for trials: what is sent with it is answered, and counts nowhere."""
        return self._issue(request, object_id, label="Sandbox", sandbox=True)

    def _issue(self, request, object_id, **options):
        terms = self.get_object(request, object_id)
        key = api_keys.issue(terms=terms, at=timezone.now(), by=request.user, **options)
        self.message_user(
            request,
            _("The key, shown this once: %s") % key.secret,
            messages.WARNING,
        )
        return redirect(reverse("admin:licensing_licenseeterms_change", args=[object_id]))

    def has_issue_key_permission(self, request, object_id=None):
        terms = object_id and self.get_object(request, object_id)
        return self.has_change_permission(request, terms)


@admin.register(ApiKey)
class ApiKeyAdmin(FactAdmin):
    agency_path = "terms__agency"
    list_display = ["prefix", "label", "licensee", "agency", "sandbox", "standing", "created_at"]
    list_filter = ["sandbox", "terms__agency"]
    list_select_related = ["terms__agency", "terms__licensee"]
    search_fields = ["prefix", "label", "terms__licensee__name"]
    ordering = ["-created_at", "-pk"]
    actions = ["rotate", "revoke"]

    @admin.display(description=_("licensee"), ordering="terms__licensee__name")
    def licensee(self, key):
        return key.terms.licensee

    @admin.display(description=_("agency"), ordering="terms__agency__name")
    def agency(self, key):
        return key.terms.agency

    @display(
        description=_("standing"),
        label={"usable": "success", "expires": "warning", "revoked": "danger"},
    )
    def standing(self, key):
        if key.revoked_at:
            return "revoked"
        return "expires" if key.expires_at else "usable"

    @admin.action(description=_("Rotate: a new key, the old one works a day longer"))
    def rotate(self, request, queryset):
        for key in self.rows_allowed(request, queryset, "licensing.change_apikey"):
            try:
                new = api_keys.rotate(key_id=key.pk, at=timezone.now(), by=request.user)
            except Refused as refusal:
                self.message_user(request, f"{key}: {refusal}", messages.ERROR)
            else:
                text = _("The key that follows %(old)s, shown this once: %(new)s")
                values = {"old": key, "new": new.secret}
                self.message_user(request, text % values, messages.WARNING)

    @admin.action(description=_("Revoke at once"))
    def revoke(self, request, queryset):
        now = timezone.now()
        rows = self.rows_allowed(request, queryset, "licensing.change_apikey")
        self.apply_to_each(
            request,
            rows,
            lambda key: api_keys.revoke(key_id=key.pk, at=now),
            _("%(row)s is revoked."),
        )

    def get_actions(self, request):
        """Leave out the keys' own actions for users who may not change keys."""
        actions = super().get_actions(request)
        if not request.user.has_perm("licensing.change_apikey"):
            actions = {name: action for name, action in actions.items() if name not in self.actions}
        return actions


class ProductionForm(forms.ModelForm):
    class Meta:
        model = Production
        fields = "__all__"  # noqa: DJ007 (the admin lists them)

    def clean_eidr(self):
        return normal_form(identifiers.eidr, self.cleaned_data["eidr"])

    def clean_isan(self):
        return normal_form(identifiers.isan, self.cleaned_data["isan"])


@admin.register(Production)
class ProductionAdmin(DeskAdmin):
    form = ProductionForm
    list_display = ["title", "licensee", "kind", "eidr", "photography_starts_on", "released_on"]
    list_filter = ["kind", "licensee"]
    list_select_related = ["licensee"]
    search_fields = ["title", "eidr", "isan", "licensee__name"]
    ordering = ["title", "pk"]
    autocomplete_fields = ["licensee"]
