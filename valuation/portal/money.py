"""The portal's pages of payments, accounts and years."""

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from licensing.pages_by_id import number_of_row
from talent import safe_csv
from talent.models import Beneficiary
from talent.portal.reader import portal_page, render_page
from talent.words import Power
from valuation.models import PayoutPayment
from valuation.reports import payee_money
from valuation.reports.payee_money import FIGURES

ON_A_PAGE = 50


def payees_of(request: HttpRequest) -> list[Beneficiary]:
    """Return the payees of the principal that the reader acts for."""
    return list(request.reader.principal.beneficiaries(request.reader.user))


@require_GET
@portal_page(Power.SEE_MONEY)
def payments(request: HttpRequest) -> HttpResponse:
    """Show what was paid, to which account, what comes next and by when, and where it goes."""
    payees = payees_of(request)
    rows = payee_money.payments_of(request.user, payees)
    try:
        before = number_of_row(request.GET.get("before", ""))
    except ValueError:
        before = None
    if before:
        rows = rows.filter(pk__lt=before)
    shown = list(rows[: ON_A_PAGE + 1])
    accounts = payee_money.accounts_of(request.user, payees)
    return render_page(
        request,
        "portal/payments.html",
        "statements",
        {
            "payments": shown[:ON_A_PAGE],
            "older": shown[ON_A_PAGE - 1].pk if len(shown) > ON_A_PAGE else None,
            "coming": payee_money.coming(payees),
            "accounts": [(one, payee_money.cooled_off(one)) for one in accounts],
            "in_dispute": payee_money.in_dispute(payees),
            "several": len(payees) > 1,
        },
    )


@require_GET
@portal_page(Power.SEE_MONEY)
def payment(request: HttpRequest, payment_id: int) -> HttpResponse:
    """Show the remittance advice of a payment: what it is for."""
    row = _payment(request, payment_id)
    return render_page(
        request,
        "portal/payment.html",
        "statements",
        {"payment": row, "lines": payee_money.advice(row)},
    )


@require_GET
@portal_page(Power.SEE_MONEY)
def payment_csv(request: HttpRequest, payment_id: int) -> StreamingHttpResponse:
    row = _payment(request, payment_id)
    header = ["reference", "received_on", "agreement", "licensee", "amount", "currency"]
    rows = (
        [row.end_to_end, line.received_on, line.agreement, line.licensee, line.amount, row.currency]
        for line in payee_money.advice(row)
    )
    return _csv(header, rows, f"advice-{row.end_to_end}.csv")


def _payment(request: HttpRequest, payment_id: int) -> PayoutPayment:
    rows = payee_money.payments_of(request.user, payees_of(request))
    return get_object_or_404(rows, pk=payment_id)


@require_GET
@portal_page(Power.SEE_MONEY)
def years(request: HttpRequest) -> HttpResponse:
    """Show what each calendar year came to."""
    payees = payees_of(request)
    return render_page(
        request,
        "portal/years.html",
        "earnings",
        {"years": payee_money.years(request.user, payees)},
    )


@require_GET
@portal_page(Power.SEE_MONEY)
def years_csv(request: HttpRequest) -> StreamingHttpResponse:
    header = ["year", "currency", *FIGURES]
    rows = (
        [getattr(year, name) for name in header]
        for year in payee_money.years(request.user, payees_of(request))
    )
    return _csv(header, rows, f"{_('years')}.csv")


def _csv(header, rows, name: str) -> StreamingHttpResponse:
    response = StreamingHttpResponse(
        safe_csv.lines(header, rows), content_type="text/csv; charset=utf-8"
    )
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


urlpatterns = [
    path("payments/", payments, name="payments"),
    path("payments/<int:payment_id>/", payment, name="payment"),
    path("payments/<int:payment_id>.csv", payment_csv, name="payment-csv"),
    path("earnings/years/", years, name="years"),
    path("earnings/years.csv", years_csv, name="years-csv"),
]
