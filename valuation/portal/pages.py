"""The portal's pages of earnings, statements and their files, usage charts, and worth.

One of them is for everybody: whether a file is the statement that was issued.
"""

import hashlib
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from licensing.models import Audit, UsageEvent
from licensing.pages_by_id import number_of_row
from licensing.usage import feed
from licensing.words import AuditSide
from talent import safe_csv, workbooks
from talent.errors import Refused
from talent.models import DigitalTwin
from talent.portal.reader import portal_page, render_page
from talent.words import Power
from valuation.delivery import digests, links, papers, reports
from valuation.invoices import links as invoice_links
from valuation.invoices import papers as invoice_papers
from valuation.models import (
    Dispute,
    ScheduledReport,
    Statement,
    TwinValuation,
    UsageMonth,
    UsageTotal,
)
from valuation.reports import audit_lines, line_events, payee_money, twin_worth, usage
from valuation.reports import earnings as earnings_report
from valuation.statements import documents, exports, snapshot
from valuation.words import StatementStepKind

SHA256 = r"^[0-9A-Fa-f]{64}$"
CSV_COLUMNS = (
    "night_on", "period_on", "period_ends_on", "licensee", "agreement", "twin", "payee", "what",
    "quantity", "meter", "amount", "currency", "adjusts",
)  # fmt: skip


@require_GET
@portal_page(Power.SEE_MONEY)
def earnings(request: HttpRequest) -> HttpResponse:
    reader, before = request.reader, _before(request)
    beneficiaries = list(reader.principal.beneficiaries(reader.user))
    of = (reader.user, beneficiaries, reader.principal.performer_id)
    lines, older = earnings_report.page(earnings_report.lines_of(*of), before)
    payees = {payee.name for payee in beneficiaries}
    return render_page(
        request,
        "portal/earnings.html",
        "earnings",
        {
            "balances": earnings_report.balances(*of),
            "of_heirs": any(line.payee not in payees for line in lines),
            "lines": lines,
            "is_later": before is not None,
            "older_url": older and f"{reverse('portal:earnings')}?before={older}",
        },
    )


@require_GET
@portal_page(Power.SEE_MONEY)
def earnings_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Stream the page's lines, those of all of its pages."""
    reader = request.reader
    beneficiaries = list(reader.principal.beneficiaries(reader.user))
    lines = earnings_report.lines_of(reader.user, beneficiaries, reader.principal.performer_id)
    rows = (
        [getattr(line, column) for column in CSV_COLUMNS]
        for line in earnings_report.every_line(lines)
    )
    response = StreamingHttpResponse(
        safe_csv.lines(CSV_COLUMNS, rows), content_type="text/csv; charset=utf-8"
    )
    response["Content-Disposition"] = 'attachment; filename="earnings.csv"'
    return response


@require_GET
@portal_page(Power.SEE_MONEY)
def earned_line(request: HttpRequest, line_id: int) -> HttpResponse:
    """Show how a line came to its amount, and the uses behind it, as far as the reader may see."""
    reader = request.reader
    beneficiaries = list(reader.principal.beneficiaries(reader.user))
    related = ("run", "reading__rate_line__card", "agreement__licensee", "twin", "beneficiary")
    of = (reader.user, beneficiaries, reader.principal.performer_id)
    lines = earnings_report.lines_of(*of).select_related(*related)
    line = get_object_or_404(lines, pk=line_id)
    try:
        after = number_of_row(request.GET.get("after", ""))
    except ValueError as error:
        raise Http404 from error
    found = line_events.of_line(line, after=-1 if after is None else after)
    events = [use.event for use in found.uses]
    may_see = reader.may(Power.SEE_USAGE)
    seen = UsageEvent.objects.visible_to(reader.user).filter(pk__in=[one.pk for one in events])
    shown = set(seen.values_list("pk", flat=True)) if may_see else set()
    return render_page(
        request,
        "portal/earned_line.html",
        "earnings",
        {
            "line": line,
            "told": line.explanation,
            "steps": earnings_report.price_in_words(line, reader.locale),
            "uses": feed.rows_of([event for event in events if event.pk in shown]),
            "may_see_uses": may_see,
            "adds_up": found.adds_up_to(line),
            "more_url": found.goes_on_after is not None and f"?after={found.goes_on_after}",
        },
    )


def _before(request: HttpRequest) -> int | None:
    try:
        return number_of_row(request.GET.get("before", ""))
    except ValueError as error:
        raise Http404 from error


@require_GET
@portal_page(Power.SEE_MONEY)
def statements(request: HttpRequest) -> HttpResponse:
    reader = request.reader
    beneficiaries = list(reader.principal.beneficiaries(reader.user))
    issued = (
        earnings_report.statements_of(reader.user, beneficiaries)
        .select_related("agency")
        .with_status()
    )
    rows = [
        {
            "pk": statement.pk,
            "number": statement.number,
            "agency": statement.agency.name,
            "period_on": statement.period_on,
            "period_ends_on": statement.period_ends_on,
            "currency": statement.currency,
            "earned": statement.earned,
            "closing": statement.closing,
            "due_on": statement.due_on,
            "status": statement.status and StatementStepKind(statement.status).label,
        }
        for statement in issued
    ]
    disputes = Dispute.objects.visible_to(reader.user).with_held().select_related("statement")
    own = disputes.filter(beneficiary__in=[payee.pk for payee in beneficiaries])
    return render_page(
        request,
        "portal/statements.html",
        "statements",
        {
            "statements": rows,
            "disputes": own.order_by("-pk"),
            "of_studios": payee_money.of_studios(beneficiaries),
        },
    )


@require_GET
@portal_page()
def statement_pdf(request: HttpRequest, statement_id: int) -> HttpResponseBase:
    statement = _downloadable(request, statement_id)
    if not statement.pdf:
        raise Http404
    try:
        document = documents.read(statement)
    except documents.PaperNotRead as refusal:
        messages.error(request, str(refusal))
        return redirect("portal:statements")
    name = f"{statement.number}.pdf"
    return FileResponse(document, filename=name, content_type="application/pdf")


@require_GET
@portal_page()
def statement_csv(request: HttpRequest, statement_id: int) -> HttpResponse:
    statement = _downloadable(request, statement_id)
    content = exports.lines_csv(snapshot.from_json(statement.content))
    response = HttpResponse(content, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{statement.number}.csv"'
    return response


@require_GET
@portal_page()
def delivered(request: HttpRequest, secret: str) -> HttpResponseBase:
    """Hand out what a mailed link opens, to whom it was mailed, as far as they may see it now."""
    now = timezone.now()
    link = links.find(secret, user=request.user, at=now)
    if link is None:
        raise Http404(_("This link opens nothing. It was revoked, has expired, or is not yours."))
    if link.statement_id:
        return statement_pdf(request, link.statement_id)
    if link.report:
        return _report(request, link.report, now)
    statements = papers.of_period(
        request.user, agency=link.agency, currency=link.currency, period_on=link.period_on
    )
    if not statements.exists():
        raise Http404
    return zip_of(statements, f"statements-{link.agency.slug}-{link.period_on}-{link.currency}")


def zip_of(statements: QuerySet[Statement], name: str) -> StreamingHttpResponse:
    """Stream the papers of statements as one ZIP."""
    headers = {"Content-Disposition": f'attachment; filename="{name}.zip"'}
    return StreamingHttpResponse(
        papers.archive(statements), content_type="application/zip", headers=headers
    )


def _report(request: HttpRequest, report: ScheduledReport, now: datetime) -> HttpResponseBase:
    """Return a report's rows as CSV, or as a workbook where the address asks for it."""
    if not reports.may_read(report):
        raise Http404
    header, rows = reports.table_of(report, now=now)
    name = f"{report.report}-{report.agency.slug}-{now:%Y-%m-%d}"
    if request.GET.get("as") == "xlsx":
        cells = ([safe_csv.cell(cell) for cell in row] for row in rows)
        try:
            book = workbooks.workbook_of(report.report, header, cells)
        except workbooks.TooManyRows:
            return redirect(request.path)
        return FileResponse(book, as_attachment=True, filename=f"{name}.xlsx")
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    lines = safe_csv.lines(header, rows)
    return StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8", headers=headers)


@require_http_methods(["GET", "HEAD", "POST"])
@portal_page()
def digest(request: HttpRequest) -> HttpResponse:
    """Let performers choose whether they are told of their months by mail."""
    performer = getattr(request.user, "performer", None)
    if performer is None:
        raise Http404
    if request.method == "POST":
        wanted = request.POST.get("wanted") == "yes"
        digests.choose(performer_id=performer.pk, wanted=wanted, at=timezone.now())
        messages.success(request, _("Kept."))
        return redirect("portal:digest")
    wanted = digests.wants(performer.pk)
    return render_page(request, "portal/digest.html", "statements", {"wanted": wanted})


def _downloadable(request: HttpRequest, statement_id: int) -> Statement:
    """Return an issued statement whose files the user may download, or 404."""
    issued = Statement.objects.downloadable_by(request.user).issued()
    return get_object_or_404(issued, pk=statement_id)


@require_GET
@portal_page(Power.SEE_USAGE)
def usage_charts(request: HttpRequest) -> HttpResponse:
    """Draw the uses of the reader's twins by month, use and territory, as of the last night."""
    reader = request.reader
    twins = DigitalTwin.objects.of_performers([reader.principal.performer_id])
    months, totals = (
        model.objects.visible_to(reader.user).filter(agreement__twin__in=twins)
        for model in (UsageMonth, UsageTotal)
    )
    charts = usage.charts(months=months, totals=totals, locale=reader.locale)
    response = render_page(request, "portal/usage_charts.html", "usage", {"charts": charts})
    # Vega interprets its expressions, so the page can forbid evaluating scripts.
    response["Content-Security-Policy"] = "script-src 'self'"
    return response


@require_GET
@portal_page(Power.SEE_MONEY)
def worth(request: HttpRequest) -> HttpResponse:
    """Show what each of the performer's twins is worth, what wore it, and what a rest would do.

    Only replicas of their own: of a composite they have a part.
    """
    reader = request.reader
    seen = _worths(request)
    rows = twin_worth.newest(seen).select_related("twin", "agency").order_by("twin__name", "pk")
    told = twin_worth.told(list(rows), reader.locale)
    shown = [
        {"worth": one, "pictures": one.pictures(ahead=f"ahead-{place}", over=f"over-{place}")}
        for place, one in enumerate(told)
    ]
    agencies = {row.valuation.agency_id for row in told}
    response = render_page(
        request, "portal/worth.html", "worth", {"shown": shown, "several": len(agencies) > 1}
    )
    # Vega interprets its expressions, so the page can forbid evaluating scripts.
    response["Content-Security-Policy"] = "script-src 'self'"
    return response


@require_GET
@portal_page(Power.SEE_MONEY)
def worth_memo(request: HttpRequest, valuation_id: int) -> HttpResponseBase:
    """Draw the memo of what a twin of the performer's own is worth."""
    from valuation.reports import twin_memo  # It draws with WeasyPrint.

    rows = _worths(request).select_related("twin", "agency")
    valuation = get_object_or_404(rows, pk=valuation_id)
    try:
        document = twin_memo.draw(valuation, locale=request.reader.locale)
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("portal:worth")
    name = f"worth-{valuation.as_of:%Y-%m-%d}.pdf"
    return FileResponse(document, filename=name, content_type="application/pdf")


def _worths(request: HttpRequest) -> QuerySet[TwinValuation]:
    """Return the valuations of the performer's own replicas that the reader may see."""
    reader = request.reader
    return TwinValuation.objects.visible_to(reader.user).filter(
        twin__performer=reader.principal.performer_id, twin__performer__isnull=False
    )


@require_GET
@portal_page(Power.SEE_MONEY)
def audit_evidence(request: HttpRequest, audit_id: int) -> HttpResponseBase:
    """Stream the evidence of an audit of the reader's own side, as they may see it."""
    reader = request.reader
    rows = Audit.objects.visible_to(reader.user).filter(
        side=AuditSide.TALENT.value,
        agreement__twin__in=DigitalTwin.objects.of_performers([reader.principal.performer_id]),
    )
    audit = get_object_or_404(
        rows.select_related("agreement__twin__performer").prefetch_related("steps"), pk=audit_id
    )
    try:
        archive = audit_lines.archive_of(audit, user=reader.user, at=timezone.now())
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("portal:audits")
    response = StreamingHttpResponse(archive, content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="audit-{audit.pk}.zip"'
    return response


class VerifyForm(forms.Form):
    """A number, and the file or its digest."""

    number = forms.CharField(max_length=40)
    file = forms.FileField(required=False)
    sha256 = forms.RegexField(SHA256, required=False, strip=True)

    def digest(self) -> str:
        """Return the SHA-256 of the file, or the one that was given; empty where none was."""
        file = self.cleaned_data.get("file")
        if file is None:
            return str(self.cleaned_data.get("sha256") or "").lower()
        whole = hashlib.sha256()
        for chunk in file.chunks():
            whole.update(chunk)
        return whole.hexdigest()


@never_cache
@require_http_methods(["GET", "POST"])
def verify(request: HttpRequest, number: str = "") -> HttpResponse:
    """Tell anybody whether a file is the one that was issued under a number, and nothing else.

    For a number that was never given the page and its answer are those of a file that differs.
    """
    values: dict[str, Any] = {"number": number}
    if request.method == "POST":
        form = VerifyForm(request.POST, request.FILES)
        digest = form.digest() if form.is_valid() else ""
        values["number"] = request.POST.get("number", "")[:40]
        values["asked"] = bool(digest)
        values["wanting"] = not digest
        values["is_it"] = bool(digest) and documents.is_what_was_issued(
            form.cleaned_data["number"].strip(), digest
        )
    return render(request, "portal/verify.html", values)


@never_cache
@require_GET
def paper(request: HttpRequest, secret: str) -> HttpResponseBase:
    """Send a licensee the paper that was mailed to them, while its link is good."""
    link = invoice_links.find(secret, at=timezone.now())
    stored = link and (link.invoice or link.letter)
    if stored is None:
        raise Http404(_("This link opens nothing any more."))
    try:
        content = invoice_papers.read(stored)
    except Refused as refusal:
        raise Http404(str(refusal)) from refusal
    return FileResponse(content, content_type="application/pdf", filename=f"{stored}.pdf")


urlpatterns = [
    path("paper/<str:secret>/", paper, name="paper"),
    path("verify/", verify, name="verify"),
    path("verify/<str:number>/", verify, name="verify-number"),
    path("audits/<int:audit_id>/evidence/", audit_evidence, name="audit-evidence"),
    path("worth/", worth, name="worth"),
    path("worth/<int:valuation_id>.pdf", worth_memo, name="worth-memo"),
    path("usage/charts/", usage_charts, name="usage-charts"),
    path("earnings/", earnings, name="earnings"),
    path("earnings.csv", earnings_csv, name="earnings-csv"),
    path("earnings/<int:line_id>/", earned_line, name="earned-line"),
    path("statements/", statements, name="statements"),
    path("statements/<int:statement_id>/pdf/", statement_pdf, name="statement-pdf"),
    path("statements/<int:statement_id>/csv/", statement_csv, name="statement-csv"),
    path("delivered/<str:secret>/", delivered, name="delivered"),
    path("monthly-mail/", digest, name="digest"),
]
