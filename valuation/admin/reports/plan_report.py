"""What is reported to a guild's plan of a month, as a page and as a file."""

from datetime import timedelta

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminDateWidget, UnfoldAdminSelectWidget

from licensing.words import ContributionPlan
from talent import locales, safe_csv
from talent.admin.as_read import locale_of_reader
from talent.admin.tenancy import seats_with
from talent.models import Agency
from talent.periods import period_containing
from talent.words import Period
from valuation.models import Contribution
from valuation.reports import plan_contributions

PERMISSION = "valuation.download_statement"
PLANS = [(one.value, one.label) for one in ContributionPlan if one is not ContributionPlan.NONE]
COLUMNS_SHOWN = ("performer", "production", "agreement", "period", "adjustment", "rate")


class PlanReportForm(forms.Form):
    """Of which agency, to which plan, of which month."""

    agency = forms.ModelChoiceField(
        Agency.objects.none(), label=gettext_lazy("Agency"), widget=UnfoldAdminSelectWidget
    )
    plan = forms.ChoiceField(
        label=gettext_lazy("Plan"), choices=PLANS, widget=UnfoldAdminSelectWidget
    )
    month = forms.DateField(
        label=gettext_lazy("A day of the month"), widget=UnfoldAdminDateWidget,
        help_text=gettext_lazy("The month in which nights found what is owed."),
    )  # fmt: skip

    def __init__(self, data, *, user):
        super().__init__(data)
        self.fields["agency"].queryset = seats_with(user, PERMISSION).order_by("name")


def plan_report(admin_site, request: HttpRequest) -> HttpResponse:
    """Show what is reported to a plan, or return it as a file. Nothing changes."""
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied
    form = PlanReportForm(request.GET if "plan" in request.GET else None, user=request.user)
    context = {
        **admin_site.each_context(request),
        "title": _("Report to a plan"),
        "opts": Contribution._meta,
        "form": form,
    }
    if form.is_bound and form.is_valid():
        given = form.cleaned_data
        days = period_containing(given["month"], Period.MONTH)
        report = plan_contributions.report(given["agency"], ContributionPlan(given["plan"]), days)
        columns = plan_contributions.column_map(days.ends_on - timedelta(days=1))
        if request.GET.get("format") == "csv":
            about = f"{report.agency.slug}-{days.starts_on:%Y-%m}"
            return file_of(report.rows, columns, report.plan.value, about)
        context |= _told(request, report, columns)
    return TemplateResponse(request, "admin/plan_report.html", context)


def usual_month() -> str:
    """Return the first day of the month that has ended last."""
    first = timezone.localdate().replace(day=1)
    return (first - timedelta(days=1)).replace(day=1).isoformat()


def file_of(rows, columns, kind, about) -> HttpResponse:
    """Return rows as a file that a plan gets; its name says if nobody verified its columns."""
    if columns is None:
        text = _("No rule says the columns of this file. An operator loads the rules.")
        return HttpResponse(text, status=409, content_type="text/plain; charset=utf-8")
    unverified = "-UNVERIFIED" if columns.caveat else ""
    headers = {"Content-Disposition": f'attachment; filename="{kind}{unverified}-{about}.csv"'}
    lines = safe_csv.lines(columns.header, columns.rows(rows))
    return StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8", headers=headers)


def _told(request, report, columns) -> dict:
    def money(amount, currency):
        return locales.money(amount, currency, locale_of_reader())

    query = request.GET.copy()
    query["format"] = "csv"
    return {
        "report": report,
        "rows": [
            (*(row[name] for name in COLUMNS_SHOWN), money(row["base"], row["currency"]),
             money(row["amount"], row["currency"]), row["paid_by"])
            for row in report.rows
        ],
        "owed": [money(amount, currency) for currency, amount in report.owed.items()],
        "file": f"?{query.urlencode()}",
        "caveat": columns.caveat if columns else _("no rule says its columns"),
    }  # fmt: skip
