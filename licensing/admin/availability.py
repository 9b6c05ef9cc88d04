"""Availability for staff: which twins are free for a planned use, and what stands in the way."""

from django import forms
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminDateWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from licensing.clearance.availability import PlannedUse, avails
from licensing.facts.rows import known_twins
from licensing.models import Brand, LicenseeTerms
from licensing.words import NO_BRAND_STATED, Channel
from talent.consent.scope import is_known_language
from talent.errors import Refused
from talent.models import DigitalTwin
from talent.periods import starts_at
from talent.territories import is_known_territory
from talent.words import Exclusion, Right, Use

MOST_SHOWN = 500


class TermsChoice(forms.ModelChoiceField):
    def label_from_instance(self, terms):
        return f"{terms.licensee.name} ({terms.agency.name})"


class AvailabilityForm(forms.Form):
    """A use that a studio plans."""

    terms = TermsChoice(
        LicenseeTerms.objects.none(), label=_("Studio"), widget=UnfoldAdminSelectWidget
    )
    right = forms.ChoiceField(choices=Right.choices(), widget=UnfoldAdminSelectWidget)
    use = forms.ChoiceField(choices=Use.choices(), widget=UnfoldAdminSelectWidget)
    territory = forms.CharField(
        max_length=6, help_text=_("ISO 3166, as FR"), widget=UnfoldAdminTextInputWidget
    )
    language = forms.CharField(
        max_length=35, required=False, help_text=_("BCP 47, as fr-CA"),
        widget=UnfoldAdminTextInputWidget,
    )  # fmt: skip
    channel = forms.ChoiceField(choices=Channel.choices(), widget=UnfoldAdminSelectWidget)
    real_time = forms.BooleanField(required=False, widget=UnfoldBooleanSwitchWidget)
    content = forms.MultipleChoiceField(
        choices=Exclusion.choices(), required=False, widget=forms.CheckboxSelectMultiple,
        help_text=_("Nothing ticked: it shows nothing of the kind."),
    )  # fmt: skip
    brand = forms.ModelChoiceField(
        Brand.objects.none(), required=False, empty_label=_("for no brand"),
        widget=UnfoldAdminSelectWidget,
    )  # fmt: skip
    starts_on = forms.DateField(label=_("From"), widget=UnfoldAdminDateWidget)
    ends_on = forms.DateField(
        label=_("Until"), help_text=_("This day is not included."), widget=UnfoldAdminDateWidget
    )

    def __init__(self, *args, terms: QuerySet[LicenseeTerms], brands: QuerySet[Brand], **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["brand"].queryset = brands
        self.fields["terms"].queryset = terms

    def clean_territory(self):
        code = self.cleaned_data["territory"].strip().upper()
        if not is_known_territory(code):
            raise forms.ValidationError(_("ISO 3166 has no such code. Write it as FR or US-CA."))
        return code

    def clean_language(self):
        tag = self.cleaned_data["language"].strip()
        if tag and not is_known_language(tag):
            raise forms.ValidationError(_("BCP 47 has no such tag. Write it as fr or fr-CA."))
        return tag or None

    def planned_use(self) -> PlannedUse:
        values = self.cleaned_data
        zone = values["terms"].agency.time_zone
        return PlannedUse(
            right=values["right"],
            use=values["use"],
            starts_at=starts_at(values["starts_on"], zone),
            ends_at=starts_at(values["ends_on"], zone),
            territory=values["territory"],
            language=values["language"],
            channel=values["channel"],
            real_time=values["real_time"],
            content=tuple(values["content"]),
            brand=values["brand"].slug if values["brand"] else NO_BRAND_STATED,
        )


def availability(admin_site, request: HttpRequest) -> HttpResponse:
    """Ask the same as a studio does, about all twins that the reader and the studio may see."""
    if not request.user.has_perm("licensing.view_clearancedecision"):
        raise PermissionDenied
    terms = LicenseeTerms.objects.visible_to(request.user).select_related("licensee", "agency")
    form = AvailabilityForm(
        request.GET if "terms" in request.GET else None,
        terms=terms.order_by("licensee__name", "agency__name"),
        brands=Brand.objects.visible_to(request.user).order_by("name"),
        initial={"starts_on": timezone.localdate()},
    )
    rows = None
    if form.is_bound and form.is_valid():
        try:
            rows = _avails_for(form, request.user)
        except Refused as refusal:
            form.add_error("ends_on", str(refusal))
    context = {
        **admin_site.each_context(request),
        "title": _("Availability"),
        "form": form,
        "found": rows,
    }
    return TemplateResponse(request, "admin/availability.html", context)


def _avails_for(form: AvailabilityForm, user):
    chosen = form.cleaned_data["terms"]
    twins = DigitalTwin.objects.visible_to(user).filter(pk__in=known_twins(chosen).values("pk"))
    return avails(
        list(twins.order_by("name", "pk")[:MOST_SHOWN]),
        form.planned_use(),
        terms=chosen,
        at=timezone.now(),
    )
