"""Answers to “provably clean?”, with their documents."""

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from talent.models import CleanAnswer
from talent.words import Answer

from ..base import FactAdmin


@admin.register(CleanAnswer)
class CleanAnswerAdmin(FactAdmin):
    agency_path = "agency"
    list_display = ["build", "answer_label", "at", "by"]
    list_filter = ["answer", "agency"]
    list_select_related = ["build__twin", "by"]
    search_fields = ["build__twin__name", "build__version"]
    ordering = ["-pk"]
    readonly_fields = ["answer_label", "findings", "documents"]
    fieldsets = [
        (
            None,
            {"fields": ["build", "agency", "answer_label", "at", "by", "findings", "documents"]},
        ),
        (None, {"fields": ["sha256", "level"]}),
    ]
    when_empty = _("Nobody has asked yet. On a build's page is how to ask.")

    def get_queryset(self, request):
        rows = super().get_queryset(request).select_related("build__twin", "by")
        return rows.defer("pdf")

    @display(
        description=_("provably clean"),
        ordering="answer",
        label={
            Answer.YES.label: "success",
            Answer.NO.label: "danger",
            Answer.UNKNOWN.label: "warning",
        },
    )
    def answer_label(self, row):
        return row.get_answer_display()

    @admin.display(description=_("what stands against a yes"))
    def findings(self, row):
        if not row.content:
            return _now("What stands behind it has changed since the answer before: ask again.")
        found = row.content["findings"]
        return "; ".join(f"{one['text']} ({one['path_in_words']})" for one in found) or "–"

    @admin.display(description=_("documents"))
    def documents(self, row):
        if not row.sha256:
            return "–"
        urls = [reverse(f"admin:clean_answer_{kind}", args=[row.pk]) for kind in ("pdf", "json")]
        return format_html(
            '<a class="desk-link" href="{}">{}</a> · <a class="desk-link" href="{}">{}</a>',
            urls[0], _now("Open (PDF)"), urls[1], _now("As data (JSON)"),
        )  # fmt: skip

    def get_urls(self):
        view = self.admin_site.admin_view
        own = [
            path("<int:answer_id>/pdf/", view(self.pdf), name="clean_answer_pdf"),
            path("<int:answer_id>/json/", view(self.json), name="clean_answer_json"),
        ]
        return [*own, *super().get_urls()]

    def pdf(self, request: HttpRequest, answer_id: int) -> HttpResponse:
        row = self._kept(request, answer_id)
        response = HttpResponse(bytes(row.pdf), content_type="application/pdf")
        response["Content-Disposition"] = content_disposition_header(
            as_attachment=True, filename=f"provably-clean-{row.pk}.pdf"
        )
        return response

    def json(self, request: HttpRequest, answer_id: int) -> HttpResponse:
        return JsonResponse(self._kept(request, answer_id).content)

    def _kept(self, request: HttpRequest, answer_id: int) -> CleanAnswer:
        row = self.get_object(request, str(answer_id))
        if not row.sha256:
            raise Http404(_now("This answer has no document."))
        return row
