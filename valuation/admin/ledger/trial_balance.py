"""The trial balance: asked for by agency and days, read, taken along, followed to its postings."""

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from urllib.parse import urlencode

from django import forms
from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminDateWidget, UnfoldAdminSelectWidget

from talent import locales, safe_csv, workbooks
from talent.admin.as_read import locale_of_reader
from talent.models import Agency
from talent.periods import FIRST_YEAR, LAST_YEAR
from valuation.ledger import trial_balance
from valuation.ledger.trial_balance import Figures, Period, Row
from valuation.models import Account

ROWS_SHOWN = 1_000
FORMATS = {"csv": "csv", "xlsx": "xlsx"}


class AskForm(forms.Form):
    """Whose books, of which days, as known at the end of which day."""

    agency = forms.ModelChoiceField(
        Agency.objects.none(), label=gettext_lazy("Agency"), widget=UnfoldAdminSelectWidget
    )
    currency = forms.ChoiceField(
        label=gettext_lazy("Currency"), required=False, widget=UnfoldAdminSelectWidget
    )
    first = forms.DateField(label=gettext_lazy("From"), widget=UnfoldAdminDateWidget)
    last = forms.DateField(label=gettext_lazy("To, included"), widget=UnfoldAdminDateWidget)
    known_on = forms.DateField(
        label=gettext_lazy("As known on"),
        required=False,
        widget=UnfoldAdminDateWidget,
        help_text=gettext_lazy("Empty: as known now. What was posted later is left out."),
    )

    def __init__(self, data, *, user):
        super().__init__(data)
        agencies = Agency.objects.visible_to(user).order_by("name")
        self.fields["agency"].queryset = agencies
        known = Account.objects.visible_to(user).order_by("currency").distinct()
        names = dict(locales.currencies(locale_of_reader()))
        codes = known.values_list("currency", flat=True)
        self.fields["currency"].choices = [
            ("", _("All currencies")),
            *((code, names.get(code, code)) for code in codes),
        ]

    def clean(self):
        days = self.cleaned_data
        first, last = days.get("first"), days.get("last")
        for name in ("first", "last", "known_on"):
            if (day := days.get(name)) and not FIRST_YEAR <= day.year <= LAST_YEAR:
                self.add_error(name, _("This year is a slip."))
        if first and last and first > last:
            self.add_error("last", _("The last day comes before the first."))
        return days

    @property
    def period(self) -> Period:
        day = self.cleaned_data["known_on"]
        now = timezone.now()
        known_at = now if day is None else _end_of(day)
        return Period(self.cleaned_data["first"], self.cleaned_data["last"], known_at)


def _end_of(day):
    return timezone.make_aware(datetime.combine(day + timedelta(days=1), time.min))


def answer(model_admin, request: HttpRequest) -> HttpResponse:
    """Show the trial balance that is asked for, or return it as a file."""
    asked = request.GET if "first" in request.GET else _usual(request)
    form = AskForm(asked, user=request.user)
    rows: list[Row] = []
    if form.is_valid():
        rows = trial_balance.trial_balance(
            agency_id=form.cleaned_data["agency"].pk,
            period=form.period,
            currency=form.cleaned_data["currency"],
        )
        if request.GET.get("format") in FORMATS:
            return _file(request.GET["format"], rows)
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _("Trial balance"),
        "opts": model_admin.opts,
        "form": form,
        "asked": form.is_bound and form.is_valid(),
        "tables": list(_tables(rows, form)) if rows else [],
        "more": max(0, len(rows) - ROWS_SHOWN),
        "files": {kind: f"?{_query(asked)}&format={kind}" for kind in FORMATS},
    }
    return TemplateResponse(request, "admin/trial_balance.html", context)


def _usual(request: HttpRequest) -> dict:
    """Ask for this year's books until today, of the reader's first agency."""
    today = timezone.localdate()
    agency = Agency.objects.visible_to(request.user).order_by("name").first()
    return {
        "agency": agency and agency.pk,
        "first": today.replace(month=1, day=1).isoformat(),
        "last": today.isoformat(),
    }


def _query(asked) -> str:
    names = ("agency", "currency", "first", "last", "known_on")
    return urlencode({name: asked.get(name) or "" for name in names})


def _tables(rows: list[Row], form: AskForm) -> Iterator[dict]:
    """Yield each currency's accounts by kind, with sums, as the page shows them."""
    kinds, sums = trial_balance.by_kind(rows), trial_balance.totals(rows)
    shown = rows[:ROWS_SHOWN]
    for currency, total in sums.items():
        groups = [
            {
                "kind": kind.label,
                "sum": _shown(figures, currency),
                "rows": [
                    {
                        "name": row.party or kind.label,
                        "figures": _shown(row.figures, currency),
                        "links": _links(row, form.period),
                    }
                    for row in shown
                    if (row.currency, row.kind) == (currency, kind)
                ],
            }
            for (code, kind), figures in kinds.items()
            if code == currency
        ]
        yield {
            "currency": currency,
            "groups": groups,
            "sum": _shown(total, currency),
            "balances": not total.opening and not total.closing,
        }


def _shown(figures: Figures, currency: str) -> dict[str, str]:
    locale = locale_of_reader()
    names = ("opening", "debits", "credits", "closing")
    return {name: locales.money(getattr(figures, name), currency, locale) for name in names}


def _links(row: Row, period: Period) -> dict[str, str]:
    """Return where each figure's postings are listed."""
    known = {
        "account__id__exact": row.account_id,
        "entry__recorded_at__lte": period.known_at.isoformat(),
    }
    within = {
        "entry__effective_on__gte": period.first.isoformat(),
        "entry__effective_on__lte": period.last.isoformat(),
    }
    asked = {
        "opening": {"entry__effective_on__lt": period.first.isoformat()},
        "debits": {**within, "amount__gt": 0},
        "credits": {**within, "amount__lt": 0},
        "closing": {"entry__effective_on__lte": period.last.isoformat()},
    }
    page = reverse("admin:valuation_posting_changelist")
    return {name: f"{page}?{urlencode({**known, **terms})}" for name, terms in asked.items()}


def _file(kind: str, rows: list[Row]) -> HttpResponse:
    header = [_("Currency"), _("Account"), _("Party"), _("Opening"), _("Debits"), _("Credits"),
              _("Closing")]  # fmt: skip
    lines = (
        (row.currency, row.kind.label, row.party, row.figures.opening, row.figures.debits,
         row.figures.credits, row.figures.closing)
        for row in rows
    )  # fmt: skip
    if kind == "xlsx":
        book = workbooks.workbook_of("trial balance", header, lines)
        return FileResponse(book, as_attachment=True, filename="trial-balance.xlsx")
    return StreamingHttpResponse(
        safe_csv.lines(header, lines),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="trial-balance.csv"'},
    )
