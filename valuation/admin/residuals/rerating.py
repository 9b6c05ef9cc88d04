"""Rating some agreements anew by hand: chosen, previewed, and only then posted."""

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import (
    UnfoldAdminDateWidget,
    UnfoldAdminSelect2MultipleWidget,
    UnfoldAdminSelect2Widget,
    UnfoldAdminTextareaWidget,
)

from licensing.models import Agreement, Licensee
from talent.admin.steps import LONGEST_REASON
from talent.admin.tenancy import seats_with
from talent.errors import Refused
from talent.models import DigitalTwin, Performer
from talent.sign_in import proofs
from valuation import rerating
from valuation.cash.disputed.refusals import NotItsTurn
from valuation.models import Dispute, Reading, ResidualLine

RERATES = "valuation.rerate_residualline"
LONGEST_NUMBER = 18


class ChoiceForm(forms.Form):
    """Which agreements are rated anew: some by name, or those that meet all that is filled in."""

    agreements = forms.ModelMultipleChoiceField(
        Agreement.objects.none(), label=gettext_lazy("Agreements"), required=False,
        widget=UnfoldAdminSelect2MultipleWidget,
    )  # fmt: skip
    licensee = forms.ModelChoiceField(
        Licensee.objects.none(), label=gettext_lazy("Or all of a licensee"), required=False,
        widget=UnfoldAdminSelect2Widget,
    )  # fmt: skip
    performer = forms.ModelChoiceField(
        Performer.objects.none(), label=gettext_lazy("Or all of a performer"), required=False,
        widget=UnfoldAdminSelect2Widget,
    )  # fmt: skip
    used_from = forms.DateField(
        label=gettext_lazy("Only those rated for a period from"), required=False,
        widget=UnfoldAdminDateWidget,
        help_text=gettext_lazy(
            "Of an agreement that is chosen, every period is rated anew: brackets and minimums of "
            "one hang together."
        ),
    )  # fmt: skip
    used_before = forms.DateField(
        label=gettext_lazy("… to before"), required=False, widget=UnfoldAdminDateWidget
    )
    reason = forms.CharField(
        label=gettext_lazy("Why"), max_length=LONGEST_REASON, required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text=gettext_lazy("It is kept with the run. You need it to post, not to look."),
    )  # fmt: skip

    def __init__(self, *args, user, **kwargs):
        super().__init__(*args, **kwargs)
        agreements = Agreement.objects.filter(
            agency__in=seats_with(user, RERATES), signed_at__isnull=False
        )
        twins = DigitalTwin.objects.filter(pk__in=agreements.values("twin"))
        self.offered = agreements
        self.fields["agreements"].queryset = agreements.order_by("reference")
        self.fields["licensee"].queryset = Licensee.objects.filter(
            pk__in=agreements.values("licensee")
        ).order_by("name")
        self.fields["performer"].queryset = (
            (
                Performer.objects.filter(pk__in=twins.values("performer"))
                | Performer.objects.filter(composite_sources__twin__in=twins)
            )
            .distinct()
            .order_by("name")
        )

    def clean(self):
        values = super().clean()
        if not self.errors and not self.chosen():
            raise forms.ValidationError(_("No agreement meets this. Choose another."))
        return values

    def chosen(self) -> list[int]:
        """Return the ids of the agreements that meet all that is filled in; none: if nothing is."""
        values = self.cleaned_data
        rows = self.offered
        if values.get("agreements"):
            rows = rows.filter(pk__in=values["agreements"])
        if values.get("licensee"):
            rows = rows.filter(licensee=values["licensee"])
        if values.get("performer"):
            twins = DigitalTwin.objects.of_performers([values["performer"].pk])
            rows = rows.filter(twin__in=twins)
        first, end = values.get("used_from"), values.get("used_before")
        if first or end:
            rows = rows.filter(pk__in=_rated_between(first, end))
        filled = any(values.get(name) for name in self.fields if name != "reason")
        most = rerating.MOST + 1
        return list(rows.order_by("pk").values_list("pk", flat=True)[:most]) if filled else []


def _rated_between(first, end):
    readings = Reading.objects.all()
    if first:
        readings = readings.filter(period_ends_on__gt=first)
    if end:
        readings = readings.filter(period_on__lt=end)
    return readings.values("agreement")


def rerate(admin_site, request: HttpRequest) -> HttpResponse:
    """Choose agreements, show what rating them anew would post, and post it."""
    if not request.user.has_perm(RERATES):
        raise PermissionDenied
    if asked := proofs.step_up(request):
        return asked
    dispute = _dispute_of(request)
    form = ChoiceForm(
        request.POST or None, user=request.user, initial=_for_decision(dispute) if dispute else None
    )
    outcome = None
    if request.method == "POST" and form.is_valid():
        try:
            if "post" in request.POST and (run := _post(request, form, dispute)):
                return _posted(request, run)
            outcome = rerating.preview(agreement_ids=form.chosen(), now=timezone.now())
        except Refused as refusal:
            form.add_error(None, str(refusal))
    context = {
        **admin_site.each_context(request),
        "title": _("Rate agreements anew"),
        "opts": ResidualLine._meta,
        "form": form,
        "outcome": outcome,
        "dispute": dispute,
    }
    return TemplateResponse(request, "admin/rerate.html", context)


def _dispute_of(request: HttpRequest) -> Dispute | None:
    """Return the dispute whose decision is carried out; what one may not see is not there."""
    number = request.POST.get("dispute") or request.GET.get("dispute", "")
    if not number:
        return None
    rows = Dispute.objects.visible_to(request.user).with_state().select_related("reading")
    if not number.isdecimal() or len(number) > LONGEST_NUMBER:
        raise Http404
    return get_object_or_404(rows.filter(reading__isnull=False), pk=number)


def _for_decision(dispute: Dispute):
    why = _("Puts %(dispute)s right, as it was decided.") % {"dispute": dispute.reference}
    return {"agreements": [dispute.reading.agreement_id], "reason": why}


def _post(request: HttpRequest, form: ChoiceForm, dispute: Dispute | None):
    """Post what was seen; None, with the reason on the form, if it cannot be."""
    if not form.cleaned_data["reason"]:
        form.add_error("reason", _("Say why: it is kept with the run."))
        return None
    try:
        return rerating.post(
            agreement_ids=form.chosen(),
            because=form.cleaned_data["reason"],
            by=request.user,
            now=timezone.now(),
            seen=request.POST.get("seen", ""),
            dispute_id=dispute and dispute.pk,
        )
    except (rerating.RatedOtherwise, rerating.OtherAgreement, NotItsTurn) as changed:
        form.add_error(None, str(changed))
        return None


def _posted(request: HttpRequest, run) -> HttpResponse:
    lines = reverse("admin:valuation_residualline_changelist")
    amounts = ", ".join(f"{amount} {currency}" for currency, amount in run.amounts.items())
    text = _("Posted: %s. These are the lines. Statements that are drafts are drawn anew.")
    messages.success(request, text % (amounts or _("nothing")))
    return redirect(f"{lines}?run__id__exact={run.pk}")
