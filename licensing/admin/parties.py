"""Licensees, what agencies agreed with them, their keys and productions."""

from urllib.parse import urlencode

from django import forms
from django.contrib import admin
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from licensing import api_keys
from licensing.models import ApiKey, Brand, Licensee, LicenseeTerms, Production
from talent import identifiers
from talent.admin.base import DeskAdmin, FactAdmin
from talent.admin.columns import COUNTRY, moment
from talent.admin.forms import DeskForm
from talent.admin.parts import FactInline, PartsInline
from talent.admin.people import normal_form
from talent.admin.steps import ShownOnce, step
from talent.words import BrandCategory

from .proposals import LeadsToProposals, LicenseeProposal, ProductionProposal, TakesProposals


class ProductionInline(PartsInline):
    model = Production
    fields = ["title", "kind", "eidr", "photography_starts_on", "released_on"]
    show_change_link = True


@admin.register(Licensee)
class LicenseeAdmin(TakesProposals, DeskAdmin):
    proposal_form = LicenseeProposal
    list_display = ["name", "kind", COUNTRY, "billing_email"]
    list_filter = ["kind"]
    search_fields = ["name", "slug"]
    ordering = ["name"]
    inlines = [ProductionInline]
    actions_detail = ["see_invoices"]

    @action(description=_("Invoices"), permissions=["view"], icon="request_quote")
    def see_invoices(self, request, object_id):
        """Lead to what was invoiced to it."""
        name = get_object_or_404(self.get_queryset(request), pk=object_id).name
        query = urlencode({"q": name})
        return redirect(f"{reverse('admin:valuation_invoice_changelist')}?{query}")


@admin.register(Brand)
class BrandAdmin(DeskAdmin):
    """What consents leave out by name or by category; the operator says what a brand sells."""

    list_display = ["name", "slug", "sells"]
    search_fields = ["name", "slug"]
    ordering = ["name"]

    @admin.display(description=_("sells"))
    def sells(self, brand):
        labels = dict(BrandCategory.choices())
        return ", ".join(labels.get(code, code) for code in brand.categories)

    def formfield_for_dbfield(self, db_field, request, **kwargs):
        if db_field.name != "categories":
            return super().formfield_for_dbfield(db_field, request, **kwargs)
        return forms.MultipleChoiceField(
            label=_("categories"),
            choices=BrandCategory.choices(),
            widget=forms.CheckboxSelectMultiple,
            help_text=db_field.help_text,
        )


class ApiKeyInline(FactInline):
    model = ApiKey
    fields = ["prefix", "label", "sandbox", "created_at", "expires_at", "revoked_at"]
    readonly_fields = fields
    ordering = ["-created_at"]
    show_change_link = True


@admin.register(LicenseeTerms)
class LicenseeTermsAdmin(LeadsToProposals, DeskAdmin):
    agency_path = "agency"
    list_display = ["__str__", "agency", "licensee", "contact", "approval_hours"]
    list_filter = ["agency"]
    search_fields = ["agency__name", "licensee__name"]
    ordering = ["agency__name", "licensee__name"]
    autocomplete_fields = ["agency", "licensee"]
    inlines = [ApiKeyInline]
    actions_detail = ["issue_key", "issue_sandbox_key"]

    def get_queryset(self, request):
        """Read with them what they are named by, for whoever looks them up."""
        return super().get_queryset(request).select_related("agency", "licensee")

    @step(
        label=_("Issue an API key"),
        icon="key",
        permission="licensing.change_licenseeterms",
        step_up=True,
        says=_(
            "A new key is made, which works at once and for good: whoever holds it asks for "
            "clearances and reports usage as this licensee. It is shown once, on the next page."
        ),
        done=_("%(row)s has a new key."),
        facts=lambda terms: _keys_of(terms),
    )
    def issue_key(self, terms, given):
        return _issue(terms, given, label="API")

    @step(
        label=_("Issue a sandbox key"),
        icon="science",
        permission="licensing.change_licenseeterms",
        step_up=True,
        says=_(
            "A new key for trials is made: what is sent with it is answered, and counts nowhere. "
            "It is shown once, on the next page."
        ),
        done=_("%(row)s has a new key."),
        facts=lambda terms: _keys_of(terms),
    )
    def issue_sandbox_key(self, terms, given):
        return _issue(terms, given, label="Sandbox", sandbox=True)


def _keys_of(terms):
    """Yield whose key it will be, and how many there are: a page sent twice makes one key."""
    yield _("Agency"), terms.agency
    yield _("Licensee"), terms.licensee
    yield _("Keys that work now"), terms.keys.usable(timezone.now()).count()


def _issue(terms, given, **options):
    key = api_keys.issue(terms=terms, at=given.at, by=given.by, **options)
    name = _("Key of %(licensee)s with %(agency)s") % {
        "licensee": terms.licensee,
        "agency": terms.agency,
    }
    return ShownOnce(name, key.secret, _("Send it as “Authorization: Bearer …”."))


@admin.register(ApiKey)
class ApiKeyAdmin(FactAdmin):
    agency_path = "terms__agency"
    list_display = ["prefix", "label", "licensee", "agency", "sandbox", "standing", "created_at"]
    list_filter = ["sandbox", "terms__agency"]
    list_select_related = ["terms__agency", "terms__licensee"]
    search_fields = ["prefix", "label", "terms__licensee__name"]
    ordering = ["-created_at", "-pk"]
    actions = actions_detail = ["rotate", "revoke"]

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

    @step(
        label=_("Rotate"),
        icon="autorenew",
        permission="licensing.change_apikey",
        step_up=True,
        says=_(
            "A new key is made and shown once, on the next page. The old one works a day longer, "
            "so that the licensee can change over; then it ends."
        ),
        done=_("%(row)s has a successor."),
        offered=lambda key: _works(key) and not key.replaced_by_id,
        facts=lambda key: _about(key),
    )
    def rotate(self, key, given):
        new = api_keys.rotate(key_id=key.pk, at=given.at, by=given.by)
        return ShownOnce(_("The key that follows %s") % key, new.secret)

    @step(
        label=_("Revoke at once"),
        icon="block",
        permission="licensing.change_apikey",
        step_up=True,
        says=_(
            "The key ends at this moment: whatever is sent with it is refused from now on. This "
            "cannot be taken back; the licensee needs another key."
        ),
        done=_("%(row)s is revoked. Whatever is sent with it is refused from now on."),
        offered=lambda key: _works(key),
        facts=lambda key: _about(key),
    )
    def revoke(self, key, given):
        api_keys.revoke(key_id=key.pk, at=given.at)


def _works(key):
    ended = key.expires_at is not None and key.expires_at <= timezone.now()
    return not (key.revoked_at or ended)


def _about(key):
    yield _("Agency"), key.terms.agency
    yield _("Licensee"), key.terms.licensee
    yield _("Label"), key.label
    yield _("Made"), moment(key.created_at)


class ProductionForm(DeskForm):
    class Meta:
        model = Production
        fields = "__all__"

    def clean_eidr(self):
        return normal_form(identifiers.eidr, self.cleaned_data["eidr"])

    def clean_isan(self):
        return normal_form(identifiers.isan, self.cleaned_data["isan"])


@admin.register(Production)
class ProductionAdmin(TakesProposals, DeskAdmin):
    proposal_form = ProductionProposal
    form = ProductionForm
    list_display = ["title", "licensee", "kind", "eidr", "photography_starts_on", "released_on"]
    list_filter = ["kind", "licensee"]
    list_select_related = ["licensee"]
    search_fields = ["title", "eidr", "isan", "licensee__name"]
    ordering = ["title", "pk"]
    autocomplete_fields = ["licensee"]
