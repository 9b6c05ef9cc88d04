"""The client account, day by day: bank, books, whose money it is, and what differs."""

from collections.abc import Iterator
from datetime import date, timedelta
from urllib.parse import urlencode

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminDateWidget, UnfoldAdminSelectWidget

from talent import locales, safe_csv
from talent.admin.as_read import locale_of_reader
from talent.models import Agency
from talent.periods import FIRST_YEAR, LAST_YEAR
from valuation.cash.reconciliation import Part, Reconciliation, reconcile
from valuation.models import Account, BankBalance, BankFile, Posting
from valuation.words import CashDifference

PERMISSION = "valuation.view_account"


class ReconciliationForm(forms.Form):
    """Whose client account, in which currency, at the end of which day."""

    agency = forms.ModelChoiceField(
        Agency.objects.none(), label=gettext_lazy("Agency"), widget=UnfoldAdminSelectWidget
    )
    currency = forms.ChoiceField(label=gettext_lazy("Currency"), widget=UnfoldAdminSelectWidget)
    on = forms.DateField(label=gettext_lazy("At the end of"), widget=UnfoldAdminDateWidget)

    def __init__(self, data, *, user):
        super().__init__(data)
        self.fields["agency"].queryset = Agency.objects.visible_to(user).order_by("name")
        names = dict(locales.currencies(locale_of_reader()))
        codes = Account.objects.visible_to(user).order_by("currency").distinct()
        codes = codes.values_list("currency", flat=True)
        self.fields["currency"].choices = [(code, names.get(code, code)) for code in codes]

    def clean_on(self):
        return sensible_day(self.cleaned_data["on"])


def sensible_day(on: date) -> date:
    """Return a day of years that books reach. Raises ValidationError."""
    if not FIRST_YEAR < on.year < LAST_YEAR:
        raise forms.ValidationError(_("This year is a slip."))
    return on


def reconciliation(admin_site, request: HttpRequest) -> HttpResponse:
    """Show the reconciliation that is asked for, or return it as CSV. Nothing changes."""
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied
    asked = request.GET if "on" in request.GET else _usual(request)
    form = ReconciliationForm(asked, user=request.user)
    found = None
    if form.is_valid():
        given = form.cleaned_data
        found = reconcile(**given, now=timezone.now())
        if request.GET.get("format") == "csv":
            return _file(given["agency"], found)
    context = {
        **admin_site.each_context(request),
        "title": _("Client account"),
        "opts": BankFile._meta,
        "form": form,
        "found": found,
        **(_told(form, found) if found else {}),
    }
    return TemplateResponse(request, "admin/reconciliation.html", context)


def _usual(request: HttpRequest) -> dict:
    """Ask for the day of the newest bank statement that the reader sees, or for today.

    Without a statement, for the agency and currency in which was posted last.
    """
    newest = BankBalance.objects.visible_to(request.user).order_by("closed_on", "pk").last()
    if newest:
        return {
            "agency": newest.agency_id, "currency": newest.currency, "on": newest.closed_on,
        }  # fmt: skip
    posting = Posting.objects.visible_to(request.user).select_related("account").last()
    return {
        "agency": posting and posting.account.agency_id,
        "currency": posting and posting.currency,
        "on": timezone.localdate(),
    }


def _told(form, found: Reconciliation) -> dict:
    agency = form.cleaned_data["agency"]
    money = _writer(found.currency)
    query = {"agency": agency.pk, "currency": found.currency}
    days = (found.on - timedelta(1), found.on + timedelta(1))
    return {
        "bank": money(found.bank) if found.bank is not None else "",
        "balances": [(_account(one), one.closed_on, money(one.closing)) for one in found.balances],
        "stale": any(one.closed_on < found.on for one in found.balances),
        "trust_cash": money(found.trust_cash),
        "trust_url": _postings(found.cash_accounts, found),
        "parts": [
            (part.share.label, money(part.amount), list(_rows(part, found))) for part in found.parts
        ],
        "on_hold": money(found.on_hold) if found.on_hold else "",
        "differences": [
            (reason.label, money(amount), _where(reason, agency, found))
            for reason, amount in found.differences
        ],
        "difference": money(found.difference),
        "csv": "?" + urlencode({**query, "on": found.on, "format": "csv"}),
        "before": "?" + urlencode({**query, "on": days[0]}),
        "after": "?" + urlencode({**query, "on": days[1]}),
    }


def _account(balance: BankBalance) -> str:
    """Return the last signs of an account, by which people tell theirs apart."""
    return f"… {balance.account[-4:]}"


def _writer(currency: str):
    locale = locale_of_reader()
    return lambda amount: locales.money(amount, currency, locale)


def _rows(part: Part, found: Reconciliation) -> Iterator[tuple[str, str, str]]:
    """Yield each account of a part: its name, amount, and where its postings are."""
    money = _writer(found.currency)
    for row in part.rows:
        yield row.name, money(-row.figures.closing), _postings((row.account_id,), found)


def _postings(accounts: tuple[int, ...], found: Reconciliation) -> str:
    """Return where the postings of an account until the day are listed; empty: of none."""
    if not accounts:
        return ""
    page = reverse("admin:valuation_posting_changelist")
    until = {"entry__effective_on__lte": found.on.isoformat()}
    return f"{page}?{urlencode({'account__id__exact': accounts[0], **until})}"


def _where(reason: CashDifference, agency: Agency, found: Reconciliation) -> str:
    """Return where what makes a difference is listed; empty: it is on no list."""
    if reason is CashDifference.BOOKS_ONLY:
        return _postings(found.cash_accounts, found)
    if reason in (CashDifference.BEFORE, CashDifference.MISSING):
        return reverse("admin:valuation_bankfile_changelist")
    left = "open" if reason is CashDifference.WAITS else "done"
    asked = {"left": left, "agency__id__exact": agency.pk, "currency__exact": found.currency}
    return f"{reverse('admin:valuation_bankline_changelist')}?{urlencode(asked)}"


def _file(agency: Agency, found: Reconciliation) -> HttpResponse:
    header = [_("Day"), _("What"), _("Account"), _("Amount"), _("Currency")]
    name = f"client-account-{agency.slug}-{found.currency}-{found.on}.csv"
    return StreamingHttpResponse(
        safe_csv.lines(header, _lines(found)),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _lines(found: Reconciliation) -> Iterator[tuple]:
    def line(what, account, amount):
        return found.on.isoformat(), what, account, amount, found.currency

    for one in found.balances:
        yield line(_("Bank"), f"{_account(one)}, {one.closed_on}", one.closing)
    yield line(_("Trust cash"), "", found.trust_cash)
    for part in found.parts:
        yield line(part.share.label, _("in all"), part.amount)
        for row in part.rows:
            yield line(part.share.label, row.name, -row.figures.closing)
    for reason, amount in found.differences:
        yield line(_("Difference"), reason.label, amount)
