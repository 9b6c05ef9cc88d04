"""Answers to “provably clean?”, with their documents."""

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import path, reverse
from django.utils import formats, timezone
from django.utils.html import format_html, format_html_join
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
    readonly_fields = ["answer_label", "still_stands", "findings", "documents"]
    fieldsets = [
        (
            None,
            {
                "fields": [
                    "build",
                    "answer_label",
                    "still_stands",
                    "findings",
                    "documents",
                    "agency",
                    "at",
                    "by",
                ],
            },
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
        lines = [
            (one["text"], one["path_in_words"], _now("What would make it yes: %s.") % one["remedy"])
            for one in row.content["findings"]
        ]
        said = "<p><strong>{}</strong><br>{}<br>{}</p>"
        return format_html_join("", said, lines) or "–"

    @admin.display(description=_("does it still stand"))
    def still_stands(self, row):
        later = CleanAnswer.objects.filter(build=row.build_id, agency=row.agency_id, pk__gt=row.pk)
        last = later.order_by("pk").only("answer", "at").last()
        if last is None:
            return _now("Yes: it is the last answer on this build.")
        told = {
            "answer": last.get_answer_display(),
            "day": formats.date_format(timezone.localtime(last.at)),
        }
        return _now("No: on %(day)s it was answered anew: %(answer)s.") % told

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
