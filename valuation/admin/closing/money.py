"""The accountant's home: what is next for each agency and currency, and where all money stands."""

from datetime import timedelta
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from talent import locales
from talent.admin.as_read import locale_of_reader
from talent.periods import Days, label, local_day, previous_period
from valuation.closing.overview import Desk, desks
from valuation.ledger.journal import FIRST_DAY
from valuation.models import Statement
from valuation.words import AccountKind

from .closing import where

PERMISSION = "valuation.view_statement"


def money_page(admin_site, request: HttpRequest) -> HttpResponse:
    """Show what waits in each agency and currency that the reader sees. Nothing changes."""
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied
    now = timezone.now()
    found = desks(request.user, timezone.localdate())
    context = {
        **admin_site.each_context(request),
        "title": _("Money"),
        "opts": Statement._meta,
        "desks": [_told(desk, now) for desk in found],
        "pages": [(text, url) for text, name in _pages() if (url := _address(name)) and text],
    }
    return TemplateResponse(request, "admin/money.html", context)


def _told(desk: Desk, now) -> dict:
    money = _writer(desk.currency)
    today = local_day(now, desk.agency.time_zone)
    until = Days(FIRST_DAY, today + timedelta(days=1))
    last = previous_period(today, desk.agency.statement_period)
    at = {"agency": desk.agency.pk, "currency": desk.currency}
    accounts = {"agency__id__exact": desk.agency.pk, "currency__exact": desk.currency}
    every_account = reverse("admin:valuation_account_changelist")
    close = f"{reverse('admin:period_close')}?{urlencode({**at, 'on': last.starts_on})}"
    is_closed = bool(desk.closed_until and desk.closed_until >= last.ends_on)
    return {
        "name": f"{desk.agency}, {desk.currency}",
        "items": [
            (item.what.label, item.count, money(item.amount),
             where(item, desk.agency, desk.currency, until))
            for item in desk.items
            if item.is_open
        ],
        "closes_waiting": desk.closes_waiting,
        "closes_url": f"{reverse('admin:valuation_periodclose_changelist')}?"
        f"{urlencode({**accounts, 'left': 'yes'})}",
        "balances": [
            (kind.label, money(_as_held(kind, amount)),
             f"{every_account}?{urlencode({**accounts, 'kind__exact': kind.value})}")
            for kind, amount in desk.balances.items()
        ],
        "bank_until": desk.bank_until,
        "last": label(last),
        "is_closed": is_closed,
        "close_url": close,
        "reconcile_url": f"{reverse('admin:reconciliation')}?"
        f"{urlencode({**at, 'on': desk.bank_until or today})}",
        "payable_url": reverse("admin:valuation_payoutrun_draw_up"),
    }  # fmt: skip


def _as_held(kind: AccountKind, amount):
    """Return a balance as people say it: what is owed to somebody is above zero."""
    return amount if kind in (AccountKind.TRUST_CASH, AccountKind.RECEIVABLE) else -amount


def _pages():
    yield _("Upload a bank file"), "valuation_bankfile_upload_file"
    yield _("Bank lines"), "valuation_bankline_changelist"
    yield _("Receipts"), "valuation_remittance_changelist"
    yield _("Statements"), "valuation_statement_changelist"
    yield _("Draw up a payout run"), "valuation_payoutrun_draw_up"
    yield _("Payments"), "valuation_payoutpayment_changelist"
    yield _("Client account"), "reconciliation"
    yield _("Ageing"), "ageing"
    yield _("Close a period"), "period_close"
    yield _("Trial balance"), "valuation_account_trial_balance"


def _address(name: str) -> str:
    try:
        return reverse(f"admin:{name}")
    except NoReverseMatch:
        return ""


def _writer(currency: str):
    locale = locale_of_reader()
    return lambda amount: locales.money(amount, currency, locale)
