"""A parallel run: an old system's figures, sent as a file, beside the desk's. Nothing is kept."""

from django import forms
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminSelectWidget

from talent import locales, safe_csv
from talent.admin.as_read import locale_of_reader
from talent.admin.tenancy import seats_with
from talent.errors import Refused
from talent.models import Agency
from valuation.opening import balances, parallel, told
from valuation.words import Compared

ROWS_SHOWN = 500
CSV_COLUMNS = (
    "payee", "period", "currency", "line", "there", "here", "difference", "standing", "statement",
)  # fmt: skip


class ParallelForm(forms.Form):
    """Of which agency, and the old system's figures."""

    agency = forms.ModelChoiceField(
        Agency.objects.none(), label=gettext_lazy("Agency"), widget=UnfoldAdminSelectWidget
    )
    file = forms.FileField(
        label=gettext_lazy("Figures of the old system"),
        widget=UnfoldAdminFileFieldWidget,
        help_text=gettext_lazy(
            "CSV in UTF-8 with the columns payee, period (the first day of a statement period), "
            "currency, line, amount. A line is the reference of an agreement, for what it earned, "
            "or one of opening, earned, received, deducted, paid_out, closing."
        ),
    )

    def __init__(self, *args, user, **kwargs):
        super().__init__(*args, **kwargs)
        agencies = seats_with(user, balances.ENTERS).order_by("name")
        self.fields["agency"].queryset = agencies
        self.fields["agency"].initial = agencies.first()

    def clean_file(self):
        file = self.cleaned_data["file"]
        if file.size > told.MOST_BYTES:
            raise forms.ValidationError(_("The file is larger than 2 MB; part it."))
        return file


def answer(model_admin, request: HttpRequest) -> HttpResponse:
    """Show how the file's figures stand to the desk's, or return that as CSV."""
    form = ParallelForm(request.POST or None, request.FILES or None, user=request.user)
    rows = None
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            rows = parallel.compare(given["agency"], given["file"].read())
        except Refused as refusal:
            form.add_error("file", str(refusal))
        else:
            if request.POST.get("format") == "csv":
                return _file(given["agency"], rows)
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _("Parallel run"),
        "opts": model_admin.opts,
        "form": form,
        "compared": rows is not None,
        "totals": [_total(total) for total in parallel.totals(rows or ())],
        "rows": [_row(row) for row in _worst_first(rows or ())[:ROWS_SHOWN]],
        "more": max(0, len(rows or ()) - ROWS_SHOWN),
        "standings": [standing.label for standing in Compared],
    }
    return TemplateResponse(request, "admin/parallel_run.html", context)


def _worst_first(rows):
    return sorted(rows, key=lambda row: row.standing is Compared.EQUAL)


def _money(amount, currency):
    return "–" if amount is None else locales.money(amount, currency, locale_of_reader())


def _row(row):
    return {
        "payee": row.payee,
        "period": row.period_on,
        "line": row.line,
        "there": _money(row.there, row.currency),
        "here": _money(row.here, row.currency),
        "difference": _money(row.difference, row.currency),
        "standing": row.standing.label,
        "url": row.statement_id
        and reverse("admin:valuation_statement_change", args=[row.statement_id]),
    }


def _total(total):
    return {
        "what": total.line or _("agreements"),
        "there": _money(total.there, total.currency),
        "here": _money(total.here, total.currency),
        "difference": _money(total.difference, total.currency),
        "counts": [total.counts[standing] for standing in Compared],
    }


def _file(agency, rows) -> HttpResponse:
    cells = (
        (row.payee, row.period_on, row.currency, row.line, row.there, row.here, row.difference,
         row.standing.value, row.statement_id)
        for row in rows
    )  # fmt: skip
    headers = {"Content-Disposition": f'attachment; filename="parallel-run-{agency.slug}.csv"'}
    content = safe_csv.lines(CSV_COLUMNS, cells)
    return StreamingHttpResponse(content, content_type="text/csv; charset=utf-8", headers=headers)
