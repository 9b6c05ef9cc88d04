"""Ageing: what licensees owe by age, the invoices behind a figure, and the same as CSV."""

from urllib.parse import urlencode

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import StreamingHttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminDateWidget, UnfoldAdminSelectWidget

from talent import locales, safe_csv
from talent.admin.as_read import locale_of_reader
from talent.models import Agency
from talent.periods import FIRST_YEAR, LAST_YEAR
from valuation.invoices import ageing as ages
from valuation.invoices import settled
from valuation.models import Invoice
from valuation.words import Age

SEES = "valuation.view_invoice"
CSV = "text/csv; charset=utf-8"


class AgeingForm(forms.Form):
    """Whose licensees, at the end of which day."""

    agency = forms.ModelChoiceField(
        Agency.objects.none(), label=_("Agency"), widget=UnfoldAdminSelectWidget
    )
    on = forms.DateField(label=_("At the end of"), widget=UnfoldAdminDateWidget)

    def __init__(self, data, *, user):
        super().__init__(data)
        self.fields["agency"].queryset = Agency.objects.visible_to(user).order_by("name")

    def clean_on(self):
        on = self.cleaned_data["on"]
        if not FIRST_YEAR < on.year < LAST_YEAR:
            raise forms.ValidationError(_now("This year is a slip."))
        return on


def ageing(admin_site, request):
    """Show what licensees owe by age, and the invoices behind a figure; or return it as CSV."""
    if not request.user.has_perm(SEES):
        raise PermissionDenied
    agency = Agency.objects.visible_to(request.user).order_by("name").first()
    usual = {
        "agency": agency and agency.pk,
        "on": ages.newest_day(timezone.now(), agency.time_zone if agency else "UTC"),
    }
    form = AgeingForm(request.GET if "on" in request.GET else usual, user=request.user)
    told = {}
    if form.is_valid():
        given = form.cleaned_data
        rows = ages.ageing(**given)
        if request.GET.get("format") == "csv":
            return _ageing_file(given["agency"], given["on"], rows)
        query = {"agency": given["agency"].pk, "on": given["on"]}
        told = {
            "rows": [_aged(row, query) for row in rows],
            "totals": [_total(currency, rows) for currency in sorted({r.currency for r in rows})],
            "behind": _behind(request, given),
            "csv": f"?{urlencode({**query, 'format': 'csv'})}",
        }
    context = {
        **admin_site.each_context(request),
        "title": _("Ageing"),
        "opts": Invoice._meta,
        "form": form,
        "ages": [age.label for age in Age],
        **told,
    }
    return TemplateResponse(request, "admin/ageing.html", context)


def _aged(row, query):
    locale = locale_of_reader()

    def money(value):
        return locales.money(value, row.currency, locale) if value else "–"

    which = {**query, "licensee": row.licensee.pk, "currency": row.currency}
    return {
        "licensee": row.licensee.name,
        "currency": row.currency,
        "cells": [
            (money(row.by_age.get(age)), f"?{urlencode({**which, 'age': age.value})}#behind"
             if row.by_age.get(age) else "")
            for age in Age
        ],
        "invoiced": money(row.invoiced),
        "not_invoiced": money(row.not_invoiced),
        "interest": money(row.interest),
        "receivable": money(row.receivable),
        "on_account": money(row.on_account),
        "disputed": money(row.disputed),
    }  # fmt: skip


def _total(currency, rows):
    """Add up what is owed in a currency; one licensee's row says it itself."""
    own = [row for row in rows if row.currency == currency]
    locale = locale_of_reader()
    sums = [
        *(sum(row.by_age.get(age, 0) for row in own) for age in Age),
        *(sum(getattr(row, name) for row in own)
          for name in ("invoiced", "not_invoiced", "interest", "receivable", "on_account",
                       "disputed")),
    ]  # fmt: skip
    return currency, [locales.money(one, currency, locale) if one else "–" for one in sums]


def _behind(request, given):
    """Return the invoices behind the figure that was chosen, each with what is left of it."""
    licensee, age = request.GET.get("licensee", ""), request.GET.get("age", "")
    if not licensee.isdecimal() or len(licensee) > 9 or age not in Age.codes():
        return []
    issued = (
        Invoice.objects.issued()
        .claims()
        .filter(
            agency=given["agency"],
            licensee=int(licensee),
            currency=request.GET.get("currency", "")[:3],
            issued_on__lte=given["on"],
        )
    )
    rows = settled.with_paid(issued, given["on"]).select_related("licensee").order_by("due_on")
    return [
        {
            "invoice": row,
            "url": reverse("admin:valuation_invoice_change", args=[row.pk]),
            "total": locales.money(row.total, row.currency, locale_of_reader()),
            "left": locales.money(row.left, row.currency, locale_of_reader()),
        }
        for row in rows
        if row.left and ages.age_of(row.due_on, given["on"]) == age
    ]


def _ageing_file(agency, on, rows):
    header = [_now("Day"), _now("Licensee"), _now("Currency"), *(str(age.label) for age in Age),
              _now("Invoiced and open"), _now("Not invoiced"), _now("Interest claimed"),
              _now("Owed by the books"),
              _now("On account"), _now("Disputed today")]  # fmt: skip
    lines = (
        (on.isoformat(), row.licensee.name, row.currency, *(row.by_age.get(age, 0) for age in Age),
         row.invoiced, row.not_invoiced, row.interest, row.receivable, row.on_account, row.disputed)
        for row in rows
    )  # fmt: skip
    name = f"ageing-{agency.slug}-{on}.csv"
    return StreamingHttpResponse(
        safe_csv.lines(header, lines),
        content_type=CSV,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
