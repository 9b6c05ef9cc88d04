"""The portal's pages of one statement: its lines, their disputes, what was answered."""

from dataclasses import dataclass
from decimal import Decimal

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from talent import safe_csv, workbooks
from talent.errors import Refused
from talent.portal.reader import portal_page, render_page
from talent.words import Power
from valuation.cash.disputed import deciding, raising
from valuation.models import Dispute, DisputeMessage, DisputeStep, PayoutPayment, Statement
from valuation.models.disputes import LONGEST_TEXT
from valuation.reports import earnings
from valuation.statements import exports, snapshot
from valuation.statements.snapshot import StatedLine
from valuation.words import DisputeReason, DisputeState, DisputeStepKind, StatementStepKind

from .money import payees_of

LINES_ON_A_PAGE = 100
REFERENCE = "R"


class RaiseForm(forms.Form):
    """What somebody finds wrong, and why."""

    reason = forms.ChoiceField(label=gettext_lazy("What is wrong"), choices=DisputeReason.choices())
    text = forms.CharField(
        label=gettext_lazy("What would be right, and how you know"),
        max_length=LONGEST_TEXT,
        widget=forms.Textarea(attrs={"rows": 5}),
    )


class ReplyForm(forms.Form):
    text = forms.CharField(
        label=gettext_lazy("Your reply"),
        max_length=LONGEST_TEXT,
        widget=forms.Textarea(attrs={"rows": 4}),
    )


@dataclass(frozen=True)
class ShownLine:
    """A line as stated, the number by which it can be disputed, and its dispute."""

    line: StatedLine
    reading_id: int | None
    dispute: Dispute | None

    @property
    def what(self) -> str:
        uses = " · ".join(str(use.label) for use in self.line.uses)
        return uses or str(self.line.section.label)


@require_GET
@portal_page(Power.SEE_MONEY)
def statement(request: HttpRequest, statement_id: int) -> HttpResponse:
    """Show one statement: what each payment is for, line by line, and what is in dispute."""
    row = _statement(request, statement_id)
    content = snapshot.statement_from_json(row.content)
    disputes = list(Dispute.objects.with_state().filter(statement=row).order_by("pk"))
    by_reading = {one.reading_id: one for one in disputes if one.reading_id}
    lines = [_shown(line, by_reading) for line in content.lines]
    page = Paginator(lines, LINES_ON_A_PAGE).get_page(request.GET.get("page"))
    payments = PayoutPayment.objects.visible_to(request.user).filter(
        statements=row, entry__isnull=False
    )
    return render_page(
        request,
        "portal/statement.html",
        "statements",
        {
            "statement": row,
            "status": StatementStepKind(row.status).label if row.status else "",
            "content": content,
            "page_of_lines": page,
            "several_pages": page.paginator.num_pages > 1,
            "disputes": disputes,
            "period": raising.period_of(row),
            "agreed": [
                (one.reference, raising.period_of(row, one.reference))
                for one in content.agreements
                if one.objection_months
            ],
            "payments": payments.with_state().select_related("details").order_by("pk"),
            "minus_paid": -content.paid_out,
        },
    )


def _shown(line: StatedLine, by_reading: dict[int, Dispute]) -> ShownLine:
    number = line.reference.removeprefix(REFERENCE)
    reading_id = int(number) if number.isdecimal() else None
    return ShownLine(line, reading_id, by_reading.get(reading_id or 0))


def _statement(request: HttpRequest, statement_id: int) -> Statement:
    """Return an issued statement of the principal's payees, or 404."""
    rows = earnings.statements_of(request.user, payees_of(request)).with_status()
    return get_object_or_404(rows.select_related("agency", "beneficiary"), pk=statement_id)


@require_GET
@portal_page(Power.SEE_MONEY)
def statement_workbook(request: HttpRequest, statement_id: int) -> FileResponse:
    """Send the lines of a statement as an XLSX workbook."""
    row = _statement(request, statement_id)
    header, rows = exports.lines(snapshot.from_json(row.content))
    cells = ([safe_csv.cell(cell) for cell in one] for one in rows)
    book = workbooks.workbook_of(_("Lines"), header, cells)
    return FileResponse(book, as_attachment=True, filename=f"{row.number}.xlsx")


@require_http_methods(["GET", "POST"])
@portal_page(Power.SEE_MONEY)
def raise_dispute(
    request: HttpRequest, statement_id: int, reading_id: int | None = None
) -> HttpResponse:
    """Ask what is wrong with a line, or with the statement; its POST disputes it."""
    row = _statement(request, statement_id)
    content = snapshot.statement_from_json(row.content)
    own = [one for one in content.lines if one.reference == f"{REFERENCE}{reading_id}"]
    if reading_id is not None and not own:
        raise Http404
    form = RaiseForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            dispute = raising.raise_on_statement(
                statement_id=row.pk,
                reading_id=reading_id,
                reason=DisputeReason(form.cleaned_data["reason"]),
                text=form.cleaned_data["text"],
                by=request.user,
                at=timezone.now(),
            )
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(
                request,
                _("Your agency is told. Only this line waits; the rest is paid as usual."),
            )
            return redirect("portal:dispute", dispute.pk)
    return render_page(
        request,
        "portal/dispute_line.html",
        "statements",
        {
            "statement": row,
            "lines": [_shown(line, {}) for line in own],
            "amount": sum((line.amount for line in own), Decimal(0)),
            "form": form,
            "period": raising.period_of(row, own[0].agreement if own else ""),
        },
    )


@require_http_methods(["GET", "POST"])
@portal_page(Power.SEE_MONEY)
def dispute(request: HttpRequest, dispute_id: int) -> HttpResponse:
    """Show a dispute with all that was said to its party; its POST adds a reply."""
    row = _dispute(request, dispute_id)
    form = ReplyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            deciding.write(
                dispute_id=row.pk,
                text=form.cleaned_data["text"],
                by=request.user,
                at=timezone.now(),
                from_agency=False,
            )
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("Your agency is told."))
            return redirect("portal:dispute", row.pk)
    said = DisputeMessage.objects.visible_to(request.user).filter(dispute=row, is_internal=False)
    decided = DisputeStep.objects.filter(dispute=row, kind=DisputeStepKind.DECIDED.value)
    return render_page(
        request,
        "portal/dispute.html",
        "statements",
        {
            "dispute": row,
            # That a decision is proposed is the agency's own business until it is taken.
            "state": _("Being looked at") if _is_open(row) else row.state.label,
            "may_withdraw": row.state is DisputeState.OPEN,
            "may_reply": row.state is not DisputeState.WITHDRAWN,
            "said": said.select_related("by").order_by("pk"),
            "decided": decided.order_by("pk"),
            "reasons": _reasons(row),
            "form": form,
        },
    )


def _is_open(row: Dispute) -> bool:
    return row.last_outcome is None


def _reasons(row: Dispute) -> list[str]:
    """Return why decisions were taken, as they were proposed."""
    taken = row.steps.exclude(kind=DisputeStepKind.SENT_BACK.value).order_by("pk")
    reasons, note = [], ""
    for one in taken:
        if one.kind == DisputeStepKind.PROPOSED:
            note = one.note
        else:
            reasons.append(note)
    return [reason for reason in reasons if reason]


@require_POST
@portal_page(Power.SEE_MONEY)
def withdraw_dispute(request: HttpRequest, dispute_id: int) -> HttpResponse:
    """Withdraw the reader's own dispute."""
    row = _dispute(request, dispute_id)
    try:
        deciding.withdraw(dispute_id=row.pk, by=request.user, at=timezone.now())
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("It is withdrawn. Nothing of the line waits any more."))
    return redirect("portal:dispute", row.pk)


def _dispute(request: HttpRequest, dispute_id: int) -> Dispute:
    rows = Dispute.objects.visible_to(request.user).with_state().with_held()
    own = rows.filter(beneficiary__in=[payee.pk for payee in payees_of(request)])
    return get_object_or_404(own.select_related("agency", "statement"), pk=dispute_id)


urlpatterns = [
    path("statements/<int:statement_id>/", statement, name="statement"),
    path("statements/<int:statement_id>/xlsx/", statement_workbook, name="statement-xlsx"),
    path("statements/<int:statement_id>/dispute/", raise_dispute, name="dispute-statement"),
    path(
        "statements/<int:statement_id>/dispute/<int:reading_id>/",
        raise_dispute,
        name="dispute-line",
    ),
    path("disputes/<int:dispute_id>/", dispute, name="dispute"),
    path("disputes/<int:dispute_id>/withdraw/", withdraw_dispute, name="dispute-withdraw"),
]
