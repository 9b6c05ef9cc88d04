"""Statements: read, taken from draft to paid by two people, downloaded by accounting."""

from django.contrib import admin, messages
from django.db.models import Exists, OuterRef
from django.http import FileResponse, Http404
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from talent.admin.base import FactAdmin, FactInline, amount, number
from valuation.models import Statement, StatementLine, StatementStep
from valuation.statements import documents, steps
from valuation.words import StatementStepKind


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
    actions_detail = ["review_this", "approve_this", "issue_this", "mark_paid_this"]
    fieldsets = [
        (None, {"fields": ["status_label", "number", "agency", "for_whom", "file", "pdf_sha256"]}),
        (_("Period"), {"fields": ["period_on", "period_ends_on", "due_on", "previous"]}),
        (_("Money"), {"fields": FIGURES}),
        (_("In the log"), {"fields": ["from_index", "to_index"]}),
    ]
    readonly_fields = ["status_label", "for_whom", "file", *FIGURES]
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
        url = reverse("admin:valuation_statement_pdf", args=[statement.pk])
        return format_html('<a class="desk-link" href="{}">{}</a>', url, _("Download"))

    # Steps

    @admin.action(description=_("Review"), permissions=["review"])
    def review(self, request, queryset):
        rows = self.rows_allowed(request, queryset, "valuation.review_statement")
        self._take_steps(request, rows, steps.review, _("%(row)s is reviewed."))

    @admin.action(description=_("Approve"), permissions=["approve"])
    def approve(self, request, queryset):
        rows = self.rows_allowed(request, queryset, "valuation.approve_statement")
        self._take_steps(request, rows, steps.approve, _("%(row)s is approved."))

    @admin.action(description=_("Issue"), permissions=["issue"])
    def issue(self, request, queryset):
        # Beneficiaries' statements before the roll-up that adds them up, and earlier periods first.
        rows = self.rows_allowed(request, queryset, "valuation.issue_statement")
        rows = rows.order_by("kind", "period_on", "pk")
        self._take_steps(request, rows, steps.issue, _("%(row)s is issued."))

    @action(description=_("Review"), permissions=["review"], icon="visibility")
    def review_this(self, request, object_id):
        return self._take_step(request, object_id, steps.review, _("%(row)s is reviewed."))

    @action(description=_("Approve"), permissions=["approve"], icon="verified")
    def approve_this(self, request, object_id):
        return self._take_step(request, object_id, steps.approve, _("%(row)s is approved."))

    @action(description=_("Issue"), permissions=["issue"], icon="send")
    def issue_this(self, request, object_id):
        return self._take_step(request, object_id, steps.issue, _("%(row)s is issued."))

    @action(description=_("Mark paid"), permissions=["mark_paid"], icon="paid")
    def mark_paid_this(self, request, object_id):
        return self._take_step(request, object_id, steps.mark_paid, _("%(row)s is paid."))

    def _take_steps(self, request, queryset, step, done):
        at = timezone.now()
        self.apply_to_each(
            request, queryset, lambda row: step(statement_id=row.pk, by=request.user, at=at), done
        )

    def _take_step(self, request, object_id, step, done):
        statement = self.get_object(request, object_id)
        self._take_steps(request, [statement], step, done)
        return redirect(reverse("admin:valuation_statement_change", args=[object_id]))

    def has_review_permission(self, request, object_id=None):
        return self._may(request, "review", object_id, StatementStepKind.DRAFT)

    def has_approve_permission(self, request, object_id=None):
        return self._may(request, "approve", object_id, StatementStepKind.REVIEWED)

    def has_issue_permission(self, request, object_id=None):
        return self._may(request, "issue", object_id, StatementStepKind.APPROVED)

    def has_mark_paid_permission(self, request, object_id=None):
        return self._may(request, "issue", object_id, StatementStepKind.ISSUED)

    def _may(self, request, step, object_id, standing):
        """Tell whether a step may be offered; on a statement's page only its next step."""
        statement = self.get_object(request, object_id) if object_id else None
        if statement and statement.status != standing:
            return False
        allowed = request.user.has_perm(f"valuation.{step}_statement")
        return allowed and self.may(request, step, statement)

    # The file

    def get_urls(self):
        download = self.admin_site.admin_view(self.download)
        return [
            path("<int:statement_id>/pdf/", download, name="valuation_statement_pdf"),
            *super().get_urls(),
        ]

    def download(self, request, statement_id):
        statements_seen = Statement.objects.downloadable_by(request.user)
        statement = statements_seen.filter(pk=statement_id).first()
        if statement is None or not statement.pdf:
            raise Http404(_("There is no such file for you."))
        try:
            document = documents.read(statement)
        except documents.PaperChanged as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
            return redirect(reverse("admin:valuation_statement_change", args=[statement_id]))
        name = f"{statement}.pdf".replace(" ", "-").lower()
        return FileResponse(document, filename=name, content_type="application/pdf")
