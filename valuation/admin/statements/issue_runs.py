"""Issue runs: how far statements are that are issued in the background, and what failed of them."""

from django.contrib import admin
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from talent.admin.base import FactAdmin
from talent.admin.columns import moment
from talent.admin.parts import FactInline
from talent.admin.steps import step
from valuation import tasks
from valuation.admin.residuals.nights import in_words
from valuation.models import IssueItem, IssueRun
from valuation.statements import issuing
from valuation.words import IssueState


class IssueItemInline(FactInline):
    model = IssueItem
    fields = readonly_fields = ["its_statement", "state_label", "done_at", "detail"]
    ordering = ["pk"]
    per_page = 50

    def get_queryset(self, request):
        rows = super().get_queryset(request)
        return rows.select_related("statement__agency", "statement__beneficiary")

    @admin.display(description=_("statement"))
    def its_statement(self, item):
        url = reverse("admin:valuation_statement_change", args=[item.statement_id])
        return format_html('<a class="desk-link" href="{}">{}</a>', url, item.statement)

    @admin.display(description=_("how far"))
    def state_label(self, item):
        return IssueState(item.state).label


@admin.register(IssueRun)
class IssueRunAdmin(FactAdmin):
    agency_path = "agency"
    list_display = ["__str__", "asked_by", "status_label", "issued", "failed", "left"]
    list_select_related = ["agency", "asked_by"]
    list_filter = ["agency"]
    ordering = ["-pk"]
    fieldsets = [(None, {"fields": ["agency", "asked_at", "asked_by", "note"]})]
    inlines = [IssueItemInline]
    actions_detail = ["try_again"]
    change_form_outer_before_template = "admin/issue_progress.html"
    when_empty = _(
        "Nothing was issued in the background yet: choose many approved statements and issue them."
    )

    def get_queryset(self, request):
        return super().get_queryset(request).with_counts()

    def get_urls(self):
        view = self.admin_site.admin_view(self.progress_view)
        name = "valuation_issuerun_progress"
        return [path("<int:pk>/progress/", view, name=name), *super().get_urls()]

    @display(
        description=_("status"),
        label={"At work": "info", "Done": "success", "Done with failures": "danger"},
    )
    def status_label(self, run):
        if run.is_left:
            return "At work"
        return "Done with failures" if run.is_failed else "Done"

    @admin.display(description=_("issued"))
    def issued(self, run):
        return run.is_issued

    @admin.display(description=_("failed"))
    def failed(self, run):
        return run.is_failed

    @admin.display(description=_("left"))
    def left(self, run):
        return run.is_left

    # How far it is

    def change_view(self, request, object_id, form_url="", extra_context=None):
        shown = {**_shown(self.get_object(request, object_id)), **(extra_context or {})}
        return super().change_view(request, object_id, form_url, shown)

    def progress_view(self, request, pk):
        """Answer the page of a run, which asks again and again how far it is."""
        if not self.has_view_permission(request):
            return HttpResponse(status=403)
        shown = _shown(self.get_object(request, str(pk)))
        answer = render(request, "admin/issue_progress.html", shown)
        if not shown["far"].left:
            # It has ended since: the whole page says other things now.
            answer["HX-Refresh"] = "true"
        return answer

    @step(
        label=_("Try again"),
        icon="replay",
        permission="valuation.issue_statement",
        step_up=True,
        says=_(
            "What failed is issued once more, each with the number that was kept for it. See first "
            "that what hindered it is put right."
        ),
        done=_("What failed of %(row)s is being issued again."),
        offered=lambda run: run.is_failed > 0,
        facts=lambda run: [
            (_("Asked"), moment(run.asked_at)),
            (_("Asked by"), run.asked_by),
            (_("Failed"), run.is_failed),
        ],
    )
    def try_again(self, run, _given):
        issuing.try_again(run)
        transaction.on_commit(lambda: tasks.issue_soon([run.pk]))


def _shown(run):
    """Return what the panel above a run's page shows."""
    far = issuing.progress_of(run, timezone.now())
    return {
        "run": run,
        "opts": IssueRun._meta,
        "far": far,
        "rest": far.rest is not None and in_words(far.rest),
    }
