"""Statements: read, taken from draft to paid by two people, downloaded by accounting."""

from functools import partial, reduce
from operator import or_

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, Sum
from django.http import FileResponse, Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from licensing.models import Audit
from talent import locales, safe_csv, workbooks
from talent.admin.base import FactAdmin
from talent.admin.columns import amount, html_table, number, once_a_row
from talent.admin.parts import FactInline
from talent.admin.steps import NoteForm, step
from talent.admin.tenancy import seats_with
from talent.beneficiaries import reader_of
from talent.errors import Refused
from talent.periods import Days, label
from valuation import tasks
from valuation.admin.closing.money import money_page
from valuation.delivery import links
from valuation.delivery import papers as delivered
from valuation.models import LastingCopy, Statement, StatementLine, StatementStep
from valuation.reports import audit_lines, payee_money
from valuation.statements import (
    documents,
    exports,
    issuing,
    looked_at,
    page_values,
    snapshot,
    steps,
)
from valuation.words import StatementKind, StatementStepKind

from . import interim, movements, tax_year


class PeriodOfPapers(forms.Form):
    """Which papers a ZIP holds."""

    agency = forms.IntegerField()
    currency = forms.CharField(max_length=3)
    period_on = forms.DateField()


OWN = Q(kind=StatementKind.BENEFICIARY.value)


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
        return (
            super()
            .get_queryset(request)
            .select_related(
                "residual_line__beneficiary",
                "residual_line__run",
                "residual_line__agreement",
                "entry",
            )
        )

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


def _figures_of(statement):
    """Yield what a statement comes to, for whoever answers for it."""
    yield _("For"), statement.beneficiary or _("the agency")
    yield _("Agency"), statement.agency
    yield _("Period"), label(Days(statement.period_on, statement.period_ends_on))
    for name in ("opening", "earned", "received", "deductions", "net", "closing"):
        value = locales.money(getattr(statement, name), statement.currency, "en")
        yield Statement._meta.get_field(name).verbose_name.capitalize(), value
    yield _("Status"), StatementStepKind(statement.status).label
    if statement.warnings:
        yield _("Look at"), "; ".join(str(one.label) for one in statement.warnings)


def _look_at(statements):
    """Find for all of them together what is unusual about each."""
    found = looked_at.warnings_of(statements)
    for statement in statements:
        statement.warnings = found.get(statement.pk, ())


def _in_all(statements):
    """Yield what the beneficiaries' statements come to by currency, and how many are unusual."""
    own = [one for one in statements if one.kind == StatementKind.BENEFICIARY]
    yield _("Statements"), f"{len(own)} + {len(statements) - len(own)}" if own else len(statements)
    for currency in sorted({one.currency for one in own}):
        for name in ("earned", "received", "closing"):
            total = sum(getattr(one, name) for one in own if one.currency == currency)
            field = Statement._meta.get_field(name).verbose_name
            yield (
                _("%(what)s in all, %(currency)s") % {
                    "what": field.capitalize(), "currency": currency,
                },
                locales.money(total, currency, "en"),
            )  # fmt: skip
    if unusual := sum(bool(one.warnings) for one in own):
        yield _("To look at"), unusual


# What stands on the page of each step: of one statement, or of as many as were chosen.
PREVIEW = {
    "prepare": _look_at,
    "facts": _figures_of,
    "in_all": _in_all,
    "rows_listed": 1_000,
}


def of_amount(amounts):
    """Return the condition that a statement opens, earns, receives, nets or closes with these."""
    named = ("opening", "earned", "received", "net", "closing")
    return reduce(or_, (Q(**{f"{name}__in": amounts}) for name in named))


class LastingCopyInline(FactInline):
    model = LastingCopy
    fields = readonly_fields = ["made_at", "ends_at", "file", "sha256"]
    ordering = ["pk"]

    @admin.display(description=_("file"))
    def file(self, copy):
        url = reverse("admin:valuation_statement_lasting", args=[copy.statement_id, copy.pk])
        return format_html('<a class="desk-link" href="{}">{}</a>', url, _("Download"))


# So many statements are issued while whoever asks for it waits.
FEW = 5


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
    list_before_template = "admin/list_totals.html"
    totals = {
        _("earned"): Sum("earned", filter=OWN),
        _("received"): Sum("received", filter=OWN),
        _("carried forward"): Sum("closing", filter=OWN),
    }
    totals_hint = _("Roll-ups are left out: they add these up.")
    search_fields = ["number", "beneficiary__name"]
    ordering = ["-period_on", "agency__name", "-kind", "pk"]
    search_help_text = _("Number, payee or amount")
    actions_list = ["interim_statement", "export_list", "export_workbook"]
    actions = ["review", "approve", "issue", "mail_link", "papers"]
    actions_detail = ["review", "approve", "issue", "mail_link"]
    fieldsets = [
        (
            None,
            {
                "fields": [
                    "status_label",
                    "number",
                    "agency",
                    "for_whom",
                    "file",
                    "seal_level",
                    "pdf_sha256",
                ]
            },
        ),
        (_("Period"), {"fields": ["period_on", "period_ends_on", "due_on", "previous"]}),
        (_("Money"), {"fields": ["movements"]}),
        (_("Invoices about it"), {"fields": ["invoices"]}),
        (_("What it adds up"), {"fields": ["rows"]}),
        (_("In the log"), {"fields": ["from_index", "to_index"]}),
    ]
    readonly_fields = ["status_label", "for_whom", "file", "seal_level", "rows", "movements",
                       "invoices"]  # fmt: skip
    inlines = [StatementLineInline, StatementStepInline, LastingCopyInline]

    def get_queryset(self, request):
        files = Statement.objects.downloadable_by(request.user).filter(pk=OuterRef("pk"))
        return super().get_queryset(request).with_status().annotate(offered=Exists(files))

    def get_search_results(self, request, queryset, search_term):
        """Find by number and payee, or by an amount that stands on the statement."""
        found, more = super().get_search_results(request, queryset, search_term)
        amounts = locales.written_amounts(search_term)
        return (found | queryset.filter(of_amount(amounts)), more) if amounts else (found, more)

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

    @admin.display(description=_("from opening to closing"))
    @once_a_row
    def movements(self, statement):
        """Show how the opening balance became the closing one, each figure with what makes it."""
        if statement.pk is None:
            return "–"
        return movements.table(statement)

    @admin.display(description=_("commission and self-billed"))
    def invoices(self, statement):
        """Lead to the payee's invoices about its days: of commission, and those of buyers."""
        if not statement.offered:
            return _("for accounting")
        found = [
            (reverse("admin:valuation_invoice_change", args=[row.pk]), row.number,
             row.get_kind_display(), row.licensee or statement.agency,
             locales.money(row.total, row.currency, "en"))
            for row in payee_money.invoices_about(statement)
        ]  # fmt: skip
        if not found:
            return "–"
        row = '<a class="desk-link" href="{}">{}</a> · {} · {} · {}'
        return format_html_join("; ", row, found)

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
        **PREVIEW,
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
        **PREVIEW,
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
        **PREVIEW,
        # Beneficiaries' statements before the roll-up that adds them up, earlier periods first.
        order=["kind", "period_on", "pk"],
        # To draw and sign one takes a second: many are left to the workers.
        one_by_one=FEW,
        take_many=lambda _admin, rows, given: _issue_soon(rows, given),
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
    @step(
        label=_("Mail a link"),
        icon="forward_to_inbox",
        permission=links.DOWNLOADS,
        says=_(
            "The payee gets a mail with a link to the statement. It works for 14 days and only "
            "after they sign in; it can be revoked under Links. The paper itself is not mailed."
        ),
        done=_("%(row)s: a link is on its way."),
        offered=lambda statement: bool(
            statement.number and statement.kind == StatementKind.BENEFICIARY
        ),
        facts=lambda statement: [
            (_("For"), statement.beneficiary),
            (_("To"), reader_of(statement.beneficiary) or _("nobody: no address in the desk")),
        ],
        order=["number"],
        prefetch=["beneficiary__user", "beneficiary__performer__user"],
    )
    def mail_link(self, statement, given):
        links.send_statement(statement=statement, by=given.by, at=given.at)

    # The files

    @admin.action(description=_("All papers as one ZIP"), permissions=["view"])
    def papers(self, request, queryset):
        """Stream the papers of the issued ones that the user may have; nothing else changes."""
        return self._zip(request, Statement.objects.filter(pk__in=queryset.values("pk")))

    def period_zip(self, request):
        """Stream all papers of a period of an agency in a currency."""
        form = PeriodOfPapers(request.GET)
        if not form.is_valid():
            raise Http404
        return self._zip(request, Statement.objects.filter(**form.cleaned_data))

    def _zip(self, request, statements):
        mine = Statement.objects.downloadable_by(request.user).issued()
        chosen = mine.filter(pk__in=statements.values("pk"))
        if not chosen.exists():
            text = _("None of these is issued, or you may not have their papers.")
            self.message_user(request, text, messages.WARNING)
            return redirect("admin:valuation_statement_changelist")
        return StreamingHttpResponse(
            delivered.archive(chosen),
            content_type="application/zip",
            headers={"Content-Disposition": 'attachment; filename="statements.zip"'},
        )

    def get_urls(self):
        view = self.admin_site.admin_view
        files = {"pdf": self.download, "csv": self.download_csv, "xlsx": self.download_workbook}
        return [
            path(
                "<int:statement_id>/lasting/<int:copy_id>/",
                view(self.download_copy),
                name="valuation_statement_lasting",
            ),
            path("audit_evidence/<int:audit_id>/", view(audit_evidence), name="audit_evidence"),
            path("zip/", view(self.period_zip), name="valuation_statement_zip"),
            path("money/", view(partial(money_page, self.admin_site)), name="money"),
            path("tax_year/", view(partial(tax_year.tax_year, self.admin_site)), name="tax_year"),
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

    def download_copy(self, request, statement_id, copy_id):
        """Send what was issued with proof for the long term behind it."""
        statement = self._downloadable(request, statement_id)
        copy = statement.lasting_copies.filter(pk=copy_id).first()
        if copy is None:
            raise Http404(_("There is no such file for you."))
        return self._sent(request, statement, lambda: documents.read_copy(copy), "-lasting.pdf")

    def download(self, request, statement_id):
        statement = self._downloadable(request, statement_id)
        return self._sent(request, statement, lambda: documents.read(statement), ".pdf")

    def _sent(self, request, statement, read, ending):
        try:
            document = read()
        except documents.PaperNotRead as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
            return redirect(reverse("admin:valuation_statement_change", args=[statement.pk]))
        name = f"{slugify(statement)}{ending}"
        return FileResponse(document, filename=name, content_type="application/pdf")


@admin.register(StatementLine)
class StatementLineAdmin(FactAdmin):
    """Lines of statements, which the figures of a statement lead to."""

    agency_path = "statement__agency"
    list_display = ["statement", "section", "label", number("quantity"), amount("amount"),
                    "cause"]  # fmt: skip
    list_display_links = None
    list_before_template = "admin/list_totals.html"
    totals = {_("on these lines"): Sum("amount")}
    list_filter = ["section", "currency", "statement__agency"]
    list_select_related = ["statement__beneficiary", "statement__agency",
                           "residual_line__beneficiary", "residual_line__run",
                           "residual_line__agreement", "entry"]  # fmt: skip
    search_fields = ["label", "statement__number", "statement__beneficiary__name"]
    ordering = ["-statement__period_on", "statement_id", "position"]
    when_empty = _("No line of a statement. Nights draw statements when their period has ended.")

    def lookup_allowed(self, lookup, value, request=None):
        return lookup in movements.ASKED or super().lookup_allowed(lookup, value, request)

    cause = StatementLineInline.its_cause


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


def _issue_soon(rows, given):
    runs = issuing.ask(statements=rows, by=given.by, at=given.at, note=given.reason)
    ids = [run.pk for run in runs]
    transaction.on_commit(lambda: tasks.issue_soon(ids))
    pages = [reverse("admin:valuation_issuerun_change", args=[run.pk]) for run in runs]
    return format_html(
        "{} {}",
        _("%d statements are being issued. How far it is:") % len(rows),
        format_html_join(
            " · ",
            '<a class="desk-link" href="{}">{}</a>',
            zip(pages, map(str, runs), strict=True),
        ),
    )
