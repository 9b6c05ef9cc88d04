"""Valuations: the answer first, then what moves it, then the tables that prove it."""

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, StreamingHttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext_lazy as _

from talent.admin.as_read import locale_of_reader
from talent.admin.base import FactAdmin
from talent.admin.columns import amount
from talent.admin.parts import FactInline
from talent.errors import Refused
from valuation.models import Valuation, ValuationTerm

TOTAL = amount("total")


class TermInline(FactInline):
    model = ValuationTerm
    fields = readonly_fields = ["term", "label", "amount", "source", "standing"]
    ordering = ["pk"]


@admin.register(Valuation)
class ValuationAdmin(FactAdmin):
    list_display = ["scenario", "as_of", TOTAL, "computed_at", "computed_by"]
    list_filter = ["currency"]
    list_select_related = ["scenario", "computed_by"]
    search_fields = ["scenario__name", "scenario__twins__name"]
    ordering = ["-as_of", "-pk"]
    fields = readonly_fields = [
        "scenario", "as_of", TOTAL, "computed_at", "computed_by", "code_version", "versions_json",
        "inputs_sha256", "inputs",
    ]  # fmt: skip
    inlines = [TermInline]
    when_empty = _("Nothing was valued yet. Open a scenario and choose “Value now”.")

    def get_urls(self):
        def view(answer):
            return self.admin_site.admin_view(answer)

        return [
            path("<int:pk>/draws.csv", view(self.csv_view), name="valuation_valuation_csv"),
            path("<int:pk>/memo.pdf", view(self.memo_view), name="valuation_valuation_memo"),
            *super().get_urls(),
        ]

    def change_view(self, request, object_id, form_url="", extra_context=None):
        """Show a valuation that was drawn as its page; an earlier one as its columns."""
        valuation = self.get_object(request, object_id)
        if valuation.outcome is None or not self.has_view_permission(request, valuation):
            return super().change_view(request, object_id, form_url, extra_context)
        from valuation.worth.memo.told import told

        context = {
            **self.admin_site.each_context(request),
            "title": str(valuation),
            "opts": self.opts,
            "original": valuation,
            "valuation": valuation,
            "told": told(valuation, locale_of_reader()),
            "newer": Valuation.objects.filter(scenario=valuation.scenario_id, pk__gt=valuation.pk)
            .order_by("-pk")
            .first(),
        }
        return TemplateResponse(request, "admin/valuation.html", context)

    def csv_view(self, request, pk):
        from valuation.worth.memo.summary_csv import summary_csv

        valuation = self._drawn(request, pk)
        name = f"valuation-{pk}.csv"
        return StreamingHttpResponse(
            summary_csv(valuation),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    def memo_view(self, request, pk):
        from valuation.worth.memo import pdf

        valuation = self._drawn(request, pk)
        try:
            file = pdf.draw(valuation, locale=locale_of_reader())
        except Refused as refusal:
            self.message_user(request, str(refusal), "error")
            return redirect("admin:valuation_valuation_change", pk)
        return FileResponse(file, filename=f"memo-{pk}.pdf", content_type="application/pdf")

    def _drawn(self, request, pk):
        """Return a valuation that was drawn, or 404."""
        valuation = self.get_object(request, str(pk))
        if not self.has_view_permission(request, valuation):
            raise PermissionDenied
        if valuation.outcome is None:
            raise Http404
        return valuation
