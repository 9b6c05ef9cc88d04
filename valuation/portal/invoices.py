"""The portal's pages of invoices: those written for a payee, and those that they get."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models.fields.json import KT
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    StreamingHttpResponse,
)
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import path
from django.views.decorators.http import require_GET

from talent.errors import Refused
from talent.portal.reader import portal_page, render_page
from talent.words import Power
from valuation.invoices import exports, papers
from valuation.invoices.content import from_json
from valuation.models import Invoice
from valuation.reports import payee_money
from valuation.statements import documents
from valuation.words import EInvoiceFormat

from .money import payees_of

ON_A_PAGE = 50


@require_GET
@portal_page(Power.SEE_MONEY)
def invoices(request: HttpRequest) -> HttpResponse:
    """Show the issued invoices of the reader's payees, latest first."""
    payees = payees_of(request)
    rows = payee_money.invoices_of(request.user, payees).annotate(format=KT("content__format"))
    # What they say is long, and nothing of it stands on this page.
    light = rows.defer("content", "statement__content")
    page = Paginator(light, ON_A_PAGE).get_page(request.GET.get("page"))
    return render_page(
        request,
        "portal/invoices.html",
        "statements",
        {
            "page_of_invoices": page,
            "several_pages": page.paginator.num_pages > 1,
            "several": len(payees) > 1,
        },
    )


@require_GET
@portal_page(Power.SEE_MONEY)
def invoice_pdf(request: HttpRequest, invoice_id: int) -> HttpResponseBase:
    """Send the document: that of what an agency buys is the statement in which it stands."""
    row = _invoice(request, invoice_id)
    if row.is_by_studio:
        raise Http404
    try:
        document = documents.read(row.statement) if row.statement else papers.read(row)
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("portal:invoices")
    return FileResponse(document, filename=f"{row.number}.pdf", content_type="application/pdf")


@require_GET
@portal_page(Power.SEE_MONEY)
def invoice_csv(request: HttpRequest, invoice_id: int) -> StreamingHttpResponse:
    """Send its lines: amounts net of tax, as plain numbers."""
    row = _invoice(request, invoice_id)
    response = StreamingHttpResponse(
        exports.lines_csv(from_json(row.content)), content_type="text/csv; charset=utf-8"
    )
    response["Content-Disposition"] = f'attachment; filename="{row.number}.csv"'
    return response


@require_GET
@portal_page(Power.SEE_MONEY)
def invoice_xml(request: HttpRequest, invoice_id: int) -> HttpResponseBase:
    """Send it by EN 16931, in the syntax in which it is written."""
    row = _invoice(request, invoice_id)
    content = from_json(row.content)
    if content.format == EInvoiceFormat.NONE.value:
        raise Http404
    try:
        data = exports.xml(content)
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("portal:invoices")
    response = HttpResponse(data, content_type="application/xml")
    response["Content-Disposition"] = f'attachment; filename="{row.number}.xml"'
    return response


def _invoice(request: HttpRequest, invoice_id: int) -> Invoice:
    """Return an issued invoice of the principal's payees, or 404."""
    rows = payee_money.invoices_of(request.user, payees_of(request))
    return get_object_or_404(rows, pk=invoice_id)


urlpatterns = [
    path("invoices/", invoices, name="invoices"),
    path("invoices/<int:invoice_id>/pdf/", invoice_pdf, name="invoice-pdf"),
    path("invoices/<int:invoice_id>/csv/", invoice_csv, name="invoice-csv"),
    path("invoices/<int:invoice_id>/xml/", invoice_xml, name="invoice-xml"),
]
