"""Revaluation: what money in exchange is worth on a day. It is posted by a person, or never."""

from decimal import Decimal, InvalidOperation

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminDateWidget, UnfoldAdminSelectWidget

from talent import locales
from talent.admin.as_read import locale_of_reader
from talent.admin.tenancy import seats_with
from talent.errors import Refused
from talent.models import Agency
from talent.sign_in import proofs
from valuation.cash.received import exchanges

PERMISSION = "valuation.revalue_account"


class RevaluationForm(forms.Form):
    """Whose money, in which currency it is counted, by the rates of which day."""

    agency = forms.ModelChoiceField(
        Agency.objects.none(), label=gettext_lazy("Agency"), widget=UnfoldAdminSelectWidget
    )
    currency = forms.ChoiceField(label=gettext_lazy("Counted in"), widget=UnfoldAdminSelectWidget)
    on = forms.DateField(label=gettext_lazy("On"), widget=UnfoldAdminDateWidget)

    def __init__(self, data, *, user):
        super().__init__(data)
        self.fields["agency"].queryset = seats_with(user, PERMISSION).order_by("name")
        self.fields["currency"].choices = locales.currencies(locale_of_reader())

    def clean_on(self):
        on = self.cleaned_data["on"]
        if on > timezone.localdate():
            raise forms.ValidationError(_("That day has not come."))
        return on

    @property
    def asked(self):
        values = self.cleaned_data
        return {
            "agency_id": values["agency"].pk, "currency": values["currency"], "on": values["on"],
        }  # fmt: skip


def answer(model_admin, request: HttpRequest) -> HttpResponse:
    """Show a revaluation; post it when that is confirmed on the page."""
    posts = request.method == "POST"
    if posts and (asked := proofs.step_up(request)):
        return asked
    data = request.POST if posts else request.GET
    form = RevaluationForm(data if "on" in data else None, user=request.user)
    found = None
    if form.is_bound and form.is_valid():
        try:
            if posts:
                return _post(model_admin, request, form)
            found = exchanges.revaluation(**form.asked, now=timezone.now())
        except Refused as refusal:
            form.add_error(None, str(refusal))
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _("Revaluation"),
        "opts": model_admin.opts,
        "form": form,
        "found": found,
        "positions": [_told(position) for position in found.positions] if found else [],
        "booked": found and _money(found.booked),
        "gain": found and _money(found.gain),
    }
    return TemplateResponse(request, "admin/revaluation.html", context)


def _post(model_admin, request: HttpRequest, form: RevaluationForm) -> HttpResponse:
    try:
        seen = Decimal(request.POST.get("seen", ""))
    except InvalidOperation:
        seen = Decimal("NaN")
    entry = exchanges.revalue(**form.asked, seen=seen, by=request.user, now=timezone.now())
    model_admin.message_user(request, _("%s is posted.") % entry, messages.SUCCESS)
    return redirect("admin:valuation_journalentry_change", entry.pk)


def _told(position: exchanges.Position) -> dict[str, str]:
    return {
        "held": _money(position.held), "worth": _money(position.worth), "rate": str(position.rate),
    }  # fmt: skip


def _money(money) -> str:
    return locales.money(money.amount, money.currency, locale_of_reader())
