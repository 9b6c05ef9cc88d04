"""Strikes for the operator: what a strike would hold is shown; its confirmation places the hold."""

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import (
    UnfoldAdminDateWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminSplitDateTimeWidget,
    UnfoldAdminTextareaWidget,
)

from licensing.clearance import strikes
from licensing.models import Hold
from licensing.words import Engagement, HoldKind
from talent.admin.scopes import Territories
from talent.admin.steps import LONGEST_REASON
from talent.errors import Refused
from talent.sign_in import proofs
from talent.territories import is_known_place
from talent.words import Guild, Use


class StrikeForm(forms.Form):
    """Whose strike, on which of their work, from when, and why the desk holds it."""

    guild = forms.ChoiceField(
        label=gettext_lazy("Guild"),
        choices=[pair for pair in Guild.choices() if pair[0] != Guild.NONE],
        widget=UnfoldAdminSelectWidget,
    )
    starts_at = forms.SplitDateTimeField(
        label=gettext_lazy("From"), widget=UnfoldAdminSplitDateTimeWidget
    )
    engagements = forms.MultipleChoiceField(
        label=gettext_lazy("Engagements"),
        choices=Engagement.choices(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("Nothing ticked: all."),
    )
    uses = forms.MultipleChoiceField(
        label=gettext_lazy("Uses"),
        choices=Use.choices(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("Nothing ticked: all."),
    )
    territories = Territories(
        label=gettext_lazy("Territories"),
        required=False,
        help_text=gettext_lazy("Empty: everywhere. United States, CA, EU."),
    )
    spares_begun_before = forms.DateField(
        label=gettext_lazy("Spares productions begun before"),
        required=False,
        widget=UnfoldAdminDateWidget,
        help_text=gettext_lazy(
            "A use that names a production whose photography began before that day goes on. "
            "Empty: it spares none."
        ),
    )
    reason = forms.CharField(
        label=gettext_lazy("Why"),
        max_length=LONGEST_REASON,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text=gettext_lazy("It is kept with the hold. Staff read it; studios do not."),
    )

    def clean_territories(self) -> frozenset[str]:
        codes = self.cleaned_data["territories"]
        unknown = sorted(code for code in codes if not is_known_place(code))
        if unknown:
            raise forms.ValidationError(_("No such place: %s.") % ", ".join(unknown))
        return codes

    def strike(self) -> Hold:
        """Return the hold that the form describes; it is not stored."""
        told = self.cleaned_data
        lists = {
            name: sorted(told[name]) or None for name in ("engagements", "uses", "territories")
        }
        return Hold(
            kind=HoldKind.STRIKE.value,
            guild=told["guild"],
            starts_at=told["starts_at"],
            reason=told["reason"],
            spares_begun_before=told["spares_begun_before"],
            **lists,
        )


def declare(admin_site, request: HttpRequest) -> HttpResponse:
    """Show what a strike would hold; let it lie once that was seen and confirmed."""
    if not request.user.is_superuser:
        # It binds every agency.
        raise PermissionDenied
    if asked := proofs.step_up(request):
        return asked
    sent = request.POST if request.method == "POST" else request.GET
    form = StrikeForm(sent if "guild" in sent else None, initial={"starts_at": timezone.now()})
    context = {**admin_site.each_context(request), "title": _("Declare a strike"), "form": form}
    context["opts"] = Hold._meta
    if form.is_bound and form.is_valid():
        now = timezone.now()
        try:
            if request.method == "POST":
                hold = strikes.declare(
                    strike=form.strike(), shown=sent.get("shown", ""), at=now, by=request.user
                )
                messages.success(request, _("%s. It lies on all agreements listed.") % hold)
                return redirect(reverse("admin:licensing_hold_change", args=[hold.pk]))
        except Refused as refusal:
            form.add_error(None, str(refusal))
        context["preview"] = strikes.preview(form.strike(), at=now)
    return TemplateResponse(request, "admin/strike.html", context)
