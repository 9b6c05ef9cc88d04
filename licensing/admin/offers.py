"""Standing offers: drafted here, shown to the performer, and taken by studios through the API."""

from django import forms
from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from licensing.agreements import offers
from licensing.models import OfferGrant, OfferStep, OfferTaking, StandingOffer
from licensing.words import OfferState
from talent.admin.base import DeskAdmin
from talent.admin.columns import amount, moment
from talent.admin.forms import DeskForm
from talent.admin.parts import FactInline, PartsInline
from talent.admin.scopes import Languages, Territories
from talent.admin.steps import ReasonForm, step
from talent.consent.scope import is_known_language
from talent.territories import is_known_place
from talent.words import Exclusion


def is_draft(offer):
    return offer is None or offer.state is OfferState.DRAFT


class OfferGrantForm(DeskForm):
    """A grant with its places and languages by name."""

    territories = Territories(required=False, help_text=_("Empty: everywhere. France, US-CA, EU."))
    languages = Languages(required=False, help_text=_("Empty: every language."))
    exclusions = forms.MultipleChoiceField(
        required=False, label=_("content left out"), choices=Exclusion.choices(),
        widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip

    def clean_territories(self):
        return self._known("territories", is_known_place, _("No such place: %s."))

    def clean_languages(self):
        return self._known("languages", is_known_language, _("No such language: %s."))

    def _known(self, name, known, wrong):
        codes = sorted(self.cleaned_data[name])
        unknown = [code for code in codes if not known(code)]
        if unknown:
            raise forms.ValidationError(wrong % ", ".join(unknown))
        return codes or None


class WhileOfferIsDrafted:
    """Parts of an offer that are fixed once it was shown."""

    def has_add_permission(self, request, obj=None):
        return is_draft(obj) and super().has_add_permission(request, obj)

    def has_change_permission(self, request, obj=None):
        return is_draft(obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request, obj=None):
        return is_draft(obj) and super().has_delete_permission(request, obj)


class OfferGrantInline(WhileOfferIsDrafted, PartsInline):
    model = OfferGrant
    form = OfferGrantForm
    fields = ["right", "use", "territories", "languages", "channels", "exclusions", "real_time"]


class OfferStepInline(FactInline):
    model = OfferStep
    fields = readonly_fields = ["kind", "at", "by", "performer", "reason", "digest"]
    ordering = ["at", "pk"]

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("by", "performer")


class TakingInline(FactInline):
    model = OfferTaking
    verbose_name_plural = _("takings")
    fields = readonly_fields = ["studio", "came_of_it", "try_out", "taken_at", "signatory",
                                "api_key", "digest"]  # fmt: skip
    ordering = ["-pk"]

    def get_queryset(self, request):
        rows = super().get_queryset(request)
        return rows.select_related("terms__licensee", "agreement", "api_key")

    @admin.display(description=_("studio"))
    def studio(self, taking):
        return taking.terms.licensee

    @admin.display(description=_("agreement"))
    def came_of_it(self, taking):
        url = reverse("admin:licensing_agreement_change", args=[taking.agreement_id])
        return format_html('<a class="desk-link" href="{}">{}</a>', url, taking.agreement)


@admin.register(StandingOffer)
class StandingOfferAdmin(DeskAdmin):
    """Packages that studios take without a negotiation."""

    agency_path = "agency"
    list_display = ["name", "twin", "state_label", amount("price"), "times", "offered_from",
                    "offered_until"]  # fmt: skip
    list_filter = ["agency", "kind"]
    list_select_related = ["twin", "agency"]
    search_fields = ["name", "twin__name"]
    ordering = ["-pk"]
    autocomplete_fields = ["agency", "twin"]
    inlines = [OfferGrantInline, OfferStepInline, TakingInline]
    fieldsets = [
        (None, {"fields": ["name", "agency", "twin", "description", "state_label"]}),
        (_("The package"), {"fields": ["meter", "units", "price", "currency", "months", "times"]}),
        (_("To try first"), {"fields": ["try_out_units", "try_out_days"]}),
        (_("When it is offered"), {"fields": ["offered_from", "offered_until"]}),
        (
            _("Law and guild"),
            {
                "fields": [
                    "kind",
                    "engagement",
                    "guild",
                    "governing_law",
                    "represented_by",
                    "counsel_name",
                ]
            },
        ),
        (_("As the performer and studios read it"), {"fields": ["words"]}),
    ]
    readonly_fields = ["state_label", "words"]
    actions_detail = ["propose", "withdraw"]
    when_empty = _(
        "No package is offered. Draft one: what a studio may do with a twin, how much of it and "
        "for what price; the performer approves it before any studio sees it."
    )

    def get_queryset(self, request):
        return super().get_queryset(request).prefetch_related("steps")

    def has_change_permission(self, request, obj=None):
        return is_draft(obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request, obj=None):
        return False

    @display(
        description=_("state"),
        label={
            "Draft": "info", "Waits for the performer": "warning", "Open": "success",
            "Declined": "danger", "Withdrawn": "danger",
        },
    )  # fmt: skip
    def state_label(self, offer):
        return offer.state.label

    @admin.display(description=_("words"))
    def words(self, offer):
        return offers.text_of(offer) if offer.pk else "–"

    @step(
        label=_("Show it to the performer"),
        icon="send",
        permission=offers.EDITS,
        says=_(
            "It is fixed from now on, and everybody whose likeness is in the twin is asked to "
            "approve it. It is refused where a consent or a rule would stop a taking."
        ),
        done=_("%(row)s waits for the performer."),
        offered=is_draft,
        facts=lambda offer: [(_("Words"), offers.text_of(offer))],
    )
    def propose(self, offer, given):
        offers.propose(offer=offer, at=given.at, by=given.by)

    @step(
        label=_("Withdraw"),
        icon="block",
        permission=offers.EDITS,
        says=_("No studio can take it any more. What was taken stays as it was agreed."),
        done=_("%(row)s is withdrawn."),
        form=ReasonForm,
        offered=lambda offer: offer.state in (OfferState.PROPOSED, OfferState.OPEN),
        facts=lambda offer: _about(offer),
    )
    def withdraw(self, offer, given):
        offers.withdraw(offer=offer, at=given.at, by=given.by, reason=given.reason)


def _about(offer):
    yield _("Digital twin"), offer.twin
    yield _("Offered from"), moment(offer.offered_from)
    yield _("Packages left"), offers.left_of(offer)
