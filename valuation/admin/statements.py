"""Statements: read, taken from draft to paid by two people, downloaded by accounting."""

from django.contrib import admin, messages
from django.db.models import Exists, OuterRef
from django.http import FileResponse, Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from licensing.models import Audit
from talent import locales, safe_csv
from talent.admin import workbooks
from talent.admin.base import FactAdmin
from talent.admin.columns import amount, html_table, number
from talent.admin.parts import FactInline
from talent.admin.steps import NoteForm, step
from talent.admin.tenancy import seats_with
from talent.errors import Refused
from talent.periods import Days, label
from valuation.models import Statement, StatementLine, StatementStep
from valuation.reports import audit_lines
from valuation.statements import documents, exports, page_values, snapshot, steps
from valuation.words import StatementKind, StatementStepKind

from . import interim


class StepFilter(admin.SimpleListFilter):
    title = _("step")
    parameter_name = "step"

    def lookups(self, request, model_admin):
        return StatementStepKind.choices()

    def queryset(self, request, queryset):
        return queryset.filter(status=self.value()) if self.value() else queryset


class StatementLineInline(FactInline):
    model = StatementLine
    fields = readonly_fields = ["position", "section", "label", number("quantity"),
                                amount("amount"), "its_cause"]  # fmt: skip
    ordering = ["position"]
    per_page = 50

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("residual_line", "entry")

    @admin.display(description=_("rests on"))
    def its_cause(self, line):
        row = line.residual_line or line.entry
        if row is None:
            return "–"
        url = reverse(f"admin:valuation_{row._meta.model_name}_change", args=[row.pk])
        return format_html('<a class="desk-link" href="{}">{}</a>', url, row)


class StatementStepInline(FactInline):
    model = StatementStep
    fields = readonly_fields = ["kind", "at", "by", "note"]
    ordering = ["pk"]

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("by")


FIGURES = [
    amount(name)
    for name in ("opening", "earned", "received", "deductions", "net", "closing", "outstanding")
]


def audit_evidence(request, audit_id):
    """Stream the evidence of an audit that the user may see, as its side may see it."""
    rows = Audit.objects.visible_to(request.user).select_related("agreement__twin__performer")
    audit = rows.prefetch_related("steps").filter(pk=audit_id).first()
    if audit is None or not request.user.has_perm("licensing.view_audit"):
        raise Http404
    try:
        archive = audit_lines.archive_of(audit, user=request.user, at=timezone.now())
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("admin:licensing_audit_change", audit.pk)
    return StreamingHttpResponse(
        archive,
        content_type="application/zip",
        headers={"Content-Disposition": f'attachment; filename="audit-{audit.pk}.zip"'},
    )


@admin.register(Statement)
class StatementAdmin(FactAdmin):
    agency_path = "agency"
    list_display = ["__str__", "for_whom", "period_on", amount("earned"), amount("received"),
                    amount("closing"), "status_label", "file"]  # fmt: skip
    list_filter = [StepFilter, "kind", "currency", "agency"]
    list_select_related = ["beneficiary", "agency"]
    search_fields = ["number", "beneficiary__name"]
    ordering = ["-period_on", "agency__name", "-kind", "pk"]
    actions = ["review", "approve", "issue"]
    actions_list = ["interim_statement", "export_list", "export_workbook"]
    actions_detail = ["review", "approve", "issue"]
    fieldsets = [
        (None, {"fields": ["status_label", "number", "agency", "for_whom", "file", "pdf_sha256"]}),
        (_("Period"), {"fields": ["period_on", "period_ends_on", "due_on", "previous"]}),
        (_("Money"), {"fields": FIGURES}),
        (_("What it adds up"), {"fields": ["rows"]}),
        (_("In the log"), {"fields": ["from_index", "to_index"]}),
    ]
    readonly_fields = ["status_label", "for_whom", "file", "rows", *FIGURES]
    inlines = [StatementLineInline, StatementStepInline]

    def get_queryset(self, request):
        files = Statement.objects.downloadable_by(request.user).filter(pk=OuterRef("pk"))
        return super().get_queryset(request).with_status().annotate(offered=Exists(files))

    @admin.display(description=_("for"), ordering="beneficiary__name")
    def for_whom(self, statement):
        return statement.beneficiary or _("the agency")

    @display(
        description=_("status"),
        ordering="status",
        label={
            "Draft": "warning",
            "Reviewed": "info",
            "Approved": "info",
            "Issued": "success",
            "Paid": "success",
            "Payment came back": "warning",
        },
    )
    def status_label(self, statement):
        return StatementStepKind(statement.status).label if statement.status else "–"

    @admin.display(description=_("PDF"))
    def file(self, statement):
        if not statement.pdf:
            return _("not drawn yet")
        if not statement.offered:
            return _("for accounting")
        links = (
            (reverse(f"admin:valuation_statement_{kind}", args=[statement.pk]), label)
            for kind, label in (("pdf", _("Download")), ("csv", "CSV"), ("xlsx", "XLSX"))
        )
        return format_html_join(" · ", '<a class="desk-link" href="{}">{}</a>', links)

    @admin.display(description=_("what it adds up"))
    def rows(self, statement):
        """Show the rows of a roll-up as its paper does; other statements have lines instead."""
        if statement.kind != StatementKind.ROLL_UP:
            return _("Its lines stand on the tab beside this one.")
        values = page_values.roll_up_values(snapshot.roll_up_from_json(statement.content))
        return format_html_join("", "<h3>{}</h3>{}", _tables_of(values))

    # Steps

    @step(
        label=_("Review"),
        icon="visibility",
        permission="valuation.review_statement",
        says=_(
            "You say that you have read it and found it right. Somebody else approves it then; "
            "until it is issued, the night may still draw it again."
        ),
        done=_("%(row)s is reviewed. Next, somebody else approves it."),
        form=NoteForm,
        offered=lambda statement: statement.status == StatementStepKind.DRAFT,
        facts=lambda statement: _figures_of(statement),
    )
    def review(self, statement, given):
        _take(steps.review, statement, given)

    @step(
        label=_("Approve"),
        icon="verified",
        permission="valuation.approve_statement",
        step_up=True,
        says=_("You approve, as the second person, what somebody else reviewed."),
        done=_("%(row)s is approved. Next, it is issued."),
        form=NoteForm,
        offered=lambda statement: statement.status == StatementStepKind.REVIEWED,
        facts=lambda statement: _figures_of(statement),
    )
    def approve(self, statement, given):
        _take(steps.approve, statement, given)

    @step(
        label=_("Issue"),
        icon="send",
        permission="valuation.issue_statement",
        step_up=True,
        says=_(
            "It gets its number and is frozen for good, and its beneficiary is told. What is found "
            "later stands on the next one."
        ),
        done=_(
            "%(row)s is issued. It is paid once the bank has booked what a payout run pays of it."
        ),
        form=NoteForm,
        offered=lambda statement: statement.status == StatementStepKind.APPROVED,
        facts=lambda statement: _figures_of(statement),
        # Beneficiaries' statements before the roll-up that adds them up, earlier periods first.
        order=["kind", "period_on", "pk"],
    )
    def issue(self, statement, given):
        _take(steps.issue, statement, given)

    # Between two of them

    def has_interim_permission(self, request, obj=None):
        return seats_with(request.user, interim.PERMISSION).exists()

    @action(description=_("Interim statement"), permissions=["interim"], icon="pending_actions")
    def interim_statement(self, request):
        """Show where a payee stands at the end of a day, or send it as a file."""
        return interim.answer(self, request)

    # The file

    def get_urls(self):
        view = self.admin_site.admin_view
        files = {"pdf": self.download, "csv": self.download_csv, "xlsx": self.download_workbook}
        return [
            path("audit_evidence/<int:audit_id>/", view(audit_evidence), name="audit_evidence"),
            *(
                path(f"<int:statement_id>/{kind}/", view(send), name=f"valuation_statement_{kind}")
                for kind, send in files.items()
            ),
            *super().get_urls(),
        ]

    def _downloadable(self, request, statement_id):
        statements_seen = Statement.objects.downloadable_by(request.user)
        statement = statements_seen.filter(pk=statement_id).first()
        if statement is None or not statement.pdf:
            raise Http404(_("There is no such file for you."))
        return statement

    def download_csv(self, request, statement_id):
        """Send the lines of a statement, or the rows of a roll-up, as CSV."""
        statement = self._downloadable(request, statement_id)
        content = exports.lines_csv(snapshot.from_json(statement.content))
        name = _file_name(statement, "csv")
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return HttpResponse(content, content_type="text/csv; charset=utf-8", headers=headers)

    def download_workbook(self, request, statement_id):
        """Send the same lines as an XLSX workbook."""
        statement = self._downloadable(request, statement_id)
        header, rows = exports.lines(snapshot.from_json(statement.content))
        cells = ([safe_csv.cell(cell) for cell in row] for row in rows)
        book = workbooks.workbook_of(str(_("Lines")), header, cells)
        return FileResponse(book, as_attachment=True, filename=_file_name(statement, "xlsx"))

    def download(self, request, statement_id):
        statement = self._downloadable(request, statement_id)
        try:
            document = documents.read(statement)
        except documents.PaperNotRead as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
            return redirect(reverse("admin:valuation_statement_change", args=[statement_id]))
        name = _file_name(statement, "pdf")
        return FileResponse(document, filename=name, content_type="application/pdf")


def _file_name(statement, ending):
    return f"{slugify(statement)}.{ending}"


def _tables_of(values):
    """Yield the tables of a roll-up with their headings, each with its total."""
    figures = {
        "beneficiaries": [_("Earned"), _("Received"), _("Commission"), _("Tax, trust"), _("Net"),
                          _("Payable"), _("Not yet received")],
        "licensees": [_("Owed at the start"), _("Earned"), _("Received"), _("Owed at the end")],
        "productions": [_("Earned"), _("Received")],
    }  # fmt: skip
    named = (
        ("beneficiaries", _("By performer"), "name", "beneficiary_totals"),
        ("licensees", _("By licensee"), "name", "licensee_totals"),
        ("productions", _("By production"), "title", "production_totals"),
    )
    for table, heading, name, totals in named:
        rows = [[row[name], *row["figures"]] for row in values[table]]
        total = [_("Total"), *values[totals]]
        yield heading, html_table(heading, [_("Name"), *figures[table]], [*rows, total])


def _take(take, statement, given):
    take(statement_id=statement.pk, by=given.by, at=given.at, note=given.reason)


def _figures_of(statement):
    """Yield what a statement comes to, for whoever answers for it."""
    yield _("For"), statement.beneficiary or _("the agency")
    yield _("Agency"), statement.agency
    yield _("Period"), label(Days(statement.period_on, statement.period_ends_on))
    for name in ("opening", "earned", "received", "deductions", "net", "closing"):
        value = locales.money(getattr(statement, name), statement.currency, "en")
        yield Statement._meta.get_field(name).verbose_name.capitalize(), value
    yield _("Status"), StatementStepKind(statement.status).label
