"""Withdrawal for staff: they record what a performer told them, as the performer would."""

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
    UnfoldAdminRadioSelectWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from licensing.models import Licensee
from licensing.withdrawals import confirm
from licensing.withdrawals.form import WithdrawalForm
from licensing.withdrawals.preview import preview
from talent.admin.tenancy import seats_with
from talent.consent.withdrawals import plan
from talent.errors import Refused
from talent.models import DigitalTwin, Performer
from talent.words import ConsentMethod, RepresentedBy

PERMISSION = "talent.add_consentversion"


WIDGETS = {
    forms.Select: UnfoldAdminSelectWidget,
    forms.RadioSelect: UnfoldAdminRadioSelectWidget,
    forms.TextInput: UnfoldAdminTextInputWidget,
    forms.Textarea: UnfoldAdminTextareaWidget,
    forms.CheckboxInput: UnfoldBooleanSwitchWidget,
}


class StaffWithdrawalForm(WithdrawalForm):
    """Beside what is taken back: whose it is, and how they said so."""

    twin = forms.ModelChoiceField(
        label=gettext_lazy("Digital twin"), queryset=DigitalTwin.objects.none()
    )
    method = forms.ChoiceField(label=gettext_lazy("Told"), choices=ConsentMethod.choices())
    represented_by = forms.ChoiceField(
        label=gettext_lazy("Represented by"), choices=RepresentedBy.choices(),
        initial=RepresentedBy.NONE.value,
    )  # fmt: skip
    representative = forms.CharField(
        label=gettext_lazy("Name of the representative"), max_length=200, required=False
    )
    at_once = forms.BooleanField(
        label=gettext_lazy("The law or a court sets the notice aside"),
        required=False,
        help_text=gettext_lazy("Say which in the reason; it ends at once then."),
    )
    field_order = ["twin", "extent", "right", "use", "whose", "licensee"]

    def __init__(self, *args, twins, **kwargs):
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            choices = getattr(field, "choices", None)
            field.widget = WIDGETS[type(field.widget)]()
            if choices is not None:
                field.widget.choices = choices
        self.fields["twin"].queryset = twins
        self.fields["reason"].required = True

    def owner(self) -> DigitalTwin | Performer:
        """Return whose matrix changes: the twin's, or its performer's where it has one."""
        twin = self.cleaned_data["twin"]
        if self.cleaned_data["whose"] == "twin" or twin.performer is None:
            return twin
        return twin.performer

    @property
    def manner(self) -> confirm.Manner:
        """How consent was taken back."""
        values = self.cleaned_data
        return confirm.Manner(
            at_once=values["at_once"],
            method=values["method"],
            represented_by=values["represented_by"],
            representative=values["representative"],
        )


def withdraw(admin_site, request: HttpRequest) -> HttpResponse:
    """Show what a withdrawal would do; record it once that was seen and confirmed."""
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied
    form = _form(request)
    context = {**admin_site.each_context(request), "title": _("Withdraw consent"), "form": form}
    if form.is_bound and form.is_valid():
        owner, now = form.owner(), timezone.now()
        try:
            if request.method == "POST":
                return _confirm(request, owner, form)
            planned = plan(
                owner=owner,
                withdrawal=form.withdrawal,
                at=now,
                at_once=form.cleaned_data["at_once"],
            )
            context["preview"] = preview(planned, at=now, user=request.user)
        except Refused as refusal:
            form.add_error(None, str(refusal))
    return TemplateResponse(request, "admin/withdraw.html", context)


def _form(request: HttpRequest) -> StaffWithdrawalForm:
    """Offer the twins that are kept at an agency where the seat allows recording consent."""
    sent = request.POST if request.method == "POST" else request.GET
    seats = seats_with(request.user, PERMISSION)
    represented = Performer.objects.represented_by(seats)
    twins = DigitalTwin.objects.filter(performer__in=represented) | DigitalTwin.objects.filter(
        agency__in=seats
    )
    return StaffWithdrawalForm(
        sent if "extent" in sent else None,
        licensees=Licensee.objects.visible_to(request.user).order_by("name"),
        twins=twins.select_related("performer").order_by("name"),
        initial={"extent": "cell", "whose": "twin", "twin": request.GET.get("twin")},
    )


def _confirm(
    request: HttpRequest, owner: DigitalTwin | Performer, form: StaffWithdrawalForm
) -> HttpResponse:
    withdrawal = confirm.confirm(
        owner=owner,
        withdrawal=form.withdrawal,
        shown=request.POST.get("shown", ""),
        at=timezone.now(),
        by=request.user,
        reason=form.cleaned_data["reason"],
        manner=form.manner,
    )
    messages.success(request, _("Withdrawn: %s.") % withdrawal.plan.withdrawal.what)
    for duty in withdrawal.without_address:
        text = _("%s has no address on record; tell them yourself.") % duty.licensee
        messages.warning(request, text)
    version = withdrawal.versions[0]
    return redirect(reverse("admin:talent_consentversion_change", args=[version.pk]))
