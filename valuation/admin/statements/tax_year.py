"""A tax year: what each payee was paid, by which return it is reported, and the files of each."""

from collections.abc import Iterator

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminSelectWidget

from talent import locales, safe_csv
from talent.admin.as_read import locale_of_reader
from talent.admin.tenancy import seats_with
from talent.models import Agency
from valuation.models import Statement
from valuation.tax_year import returns
from valuation.words import IncomeKind, TaxReport

PERMISSION = "valuation.download_statement"
FIRST_YEAR, LAST_YEAR = 1990, 2198
SUMMARY_COLUMNS = (
    "year", "payee", "currency", "report", "held_out", "form", "gross", "royalties", "other",
    "wages", "commission", "withheld", "trust", "directed", "net", "for_whom", "sent_back_later",
    "corrected", "due",
)  # fmt: skip
FILES = (TaxReport.FORM_1099_MISC, TaxReport.FORM_1042_S, TaxReport.PAYMASTER)


class TaxYearForm(forms.Form):
    """Of which agency, and which year."""

    agency = forms.ModelChoiceField(
        Agency.objects.none(), label=gettext_lazy("Agency"), widget=UnfoldAdminSelectWidget
    )
    year = forms.IntegerField(
        label=gettext_lazy("Tax year"),
        min_value=FIRST_YEAR,
        max_value=LAST_YEAR,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text=gettext_lazy("The year in which it begins."),
    )

    def __init__(self, data, *, user):
        super().__init__(data)
        self.fields["agency"].queryset = seats_with(user, PERMISSION).order_by("name")


def tax_year(admin_site, request: HttpRequest) -> HttpResponse:
    """Show a tax year, or return one of its files. Nothing changes."""
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied
    asked = request.GET if "year" in request.GET else _usual(request)
    form = TaxYearForm(asked, user=request.user)
    year = None
    if form.is_valid():
        year = returns.report(form.cleaned_data["agency"], form.cleaned_data["year"])
        kind = request.GET.get("format", "")
        if kind == "summary":
            return _sent(year, "summary", SUMMARY_COLUMNS, _summary(year))
        if kind in {target.value for target in FILES}:
            return _return_file(year, TaxReport(kind))
    context = {
        **admin_site.each_context(request),
        "title": _("Tax year"),
        "opts": Statement._meta,
        "form": form,
        "year": year,
        **(_told(year) if year else {}),
    }
    return TemplateResponse(request, "admin/tax_year.html", context)


def _usual(request: HttpRequest) -> dict:
    """Ask for the year that has ended last, of the reader's first agency."""
    agency = seats_with(request.user, PERMISSION).order_by("name").first()
    return {"agency": agency and agency.pk, "year": timezone.localdate().year - 1}


def _told(year: returns.TaxYear) -> dict:
    query = f"?agency={year.agency.pk}&year={year.year}&format="
    due = year.rules.get("tax.e_file")
    return {
        "days": year.days,
        "tables": [
            (target.label, target is TaxReport.HELD_OUT, [_row(one, year) for one in group])
            for target in TaxReport
            if (group := [one for one in year.returns if one.report is target])
        ],
        "totals": list(_totals(year)),
        "summary": f"{query}summary",
        "files": [
            (target.label, query + target.value, len(year.due(target)),
             year.caveat(returns.COLUMN_RULES[target]))
            for target in FILES
            if year.due(target)
        ],
        "returns_due": year.returns_due,
        "e_file": due and due.values["returns"],
        "e_files": bool(due and year.returns_due >= due.values["returns"]),
        "e_file_caveat": year.caveat("tax.e_file"),
        "caveats": [
            (rule.title, year.caveat(code))
            for code, rule in sorted(year.rules.items())
            if code in SHOWN_CAVEATS and year.caveat(code)
        ],
    }  # fmt: skip


SHOWN_CAVEATS = {
    "tax.year", "tax.backup_withholding", "tax.non_resident", "tax.return_1042_s",
}  # fmt: skip


def _row(one: returns.Return, year: returns.TaxYear) -> dict:
    def money(amount):
        return locales.money(amount, one.currency, locale_of_reader())

    return {
        "payee": one.beneficiary,
        "form": one.certificate.get_form_display() if one.certificate else "–",
        "kinds": [(kind.label, money(amount)) for kind, amount in one.by_kind.items() if amount],
        "gross": money(one.gross),
        "commission": money(one.commission),
        "withheld": money(one.withheld),
        "trust": money(one.trust),
        "directed": money(one.directed),
        "net": money(one.net),
        "for_whom": [(payer, money(amount)) for payer, amount in one.for_whom],
        "why": one.held_out.label if one.held_out else "",
        "below": not one.is_due,
        "corrected": one.is_corrected and money(one.sent_back),
    }


def _totals(year: returns.TaxYear) -> Iterator[tuple]:
    """Yield by currency what all of it comes to: the net is what the bank booked."""
    for currency in sorted({one.currency for one in year.returns}):
        rows = [one for one in year.returns if one.currency == currency]
        names = ("gross", "commission", "withheld", "trust", "net")
        sums = [sum(getattr(one, name) for one in rows) for name in names]
        yield tuple(locales.money(amount, currency, locale_of_reader()) for amount in sums)


def _summary(year: returns.TaxYear) -> Iterator[tuple]:
    for one in year.returns:
        kinds = [one.by_kind.get(kind, 0) for kind in IncomeKind]
        yield (
            year.year, one.beneficiary.name, one.currency, one.report.value,
            one.held_out.value if one.held_out else "",
            one.certificate.form if one.certificate else "", one.gross, *kinds, one.commission,
            one.withheld, one.trust, one.directed, one.net,
            "; ".join(f"{payer.name}: {amount}" for payer, amount in one.for_whom), one.sent_back,
            "yes" if one.is_corrected else "no", "yes" if one.is_due else "no",
        )  # fmt: skip


def _return_file(year: returns.TaxYear, target: TaxReport) -> HttpResponse:
    columns = returns.column_map(year, target)
    if columns is None:
        text = _("No rule says the columns of this file. An operator loads the rules.")
        return HttpResponse(text, status=409, content_type="text/plain; charset=utf-8")
    name = f"{target.value}{'-UNVERIFIED' if columns.caveat else ''}"
    return _sent(year, name, columns.header, columns.rows(returns.rows(year, target)))


def _sent(year, name, header, rows) -> HttpResponse:
    name = f"{name}-{year.agency.slug}-{year.year}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    content = safe_csv.lines(header, rows)
    return StreamingHttpResponse(content, content_type="text/csv; charset=utf-8", headers=headers)
