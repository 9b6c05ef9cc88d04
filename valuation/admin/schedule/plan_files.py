"""The sheets of a solved plan, beside it: pages for the set, and files for other programs."""

from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import admin
from django.http import FileResponse, Http404, HttpResponse, StreamingHttpResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.translation import gettext_lazy as _

from talent.admin.as_read import locale_of_reader
from valuation.words import ScriptFormat

SCRIPT = "script.fdx"
# What is offered, by the name of its file. PDFs are drawn when they are asked for.
FILES = {
    "board.pdf": _("Strip board"),
    "one-liner.pdf": _("One-line schedule"),
    "day-out-of-days.pdf": _("Day-out-of-days"),
    "costs.pdf": _("Costs"),
    "schedule.csv": _("Schedule as CSV"),
    "day-out-of-days.csv": _("Day-out-of-days as CSV"),
    "costs.csv": _("Costs as CSV"),
    "cost-lines.csv": _("Costs line by line as CSV"),
    "days.ics": _("Shooting days as a calendar"),
    SCRIPT: _("Script with its days, for Final Draft"),
}


class WithSheets:
    """An admin of solved plans that offers each plan's sheets; an impossible one has none."""

    def get_urls(self):
        view = self.admin_site.admin_view(self.sheet_view)
        return [path("<int:pk>/sheet/<str:name>", view, name="plan_sheet"), *super().get_urls()]

    @admin.display(description=_("sheets for the set"))
    def sheets(self, result):
        offered = _offered(result)
        links = (
            (reverse("admin:plan_sheet", args=[result.pk, name]), label)
            for name, label in FILES.items()
            if name in offered
        )
        return format_html_join(" · ", '<a class="desk-link" href="{}">{}</a>', links) or "–"

    def sheet_view(self, request, pk, name):
        """Send one of the files of a solved plan."""
        if not self.has_view_permission(request):
            return HttpResponse(status=403)
        result = self.get_object(request, str(pk))
        if name not in _offered(result):
            raise Http404
        return _answer(result, name)


def _offered(result):
    if result.cost is None:
        return set()
    newest = _newest_file(result)
    is_draft = newest is not None and newest.format == ScriptFormat.FINAL_DRAFT
    return set(FILES) if is_draft else set(FILES) - {SCRIPT}


def _newest_file(result):
    revisions = result.plan.screenplay.revisions.defer("content")
    return revisions.order_by("-number").first()


def _answer(result, name):
    # What solves and draws is imported by whoever asks for it.
    from valuation.schedule.sheets import files
    from valuation.schedule.sheets.told import sheets
    from valuation.schedule.solution import input_from_json, solution_from_json

    told = sheets(input_from_json(result.inputs), solution_from_json(result.solution))
    as_csv = {
        "schedule.csv": files.schedule_csv, "day-out-of-days.csv": files.days_csv,
        "costs.csv": files.costs_csv, "cost-lines.csv": files.cost_lines_csv,
    }  # fmt: skip
    file_name = f"plan-{result.plan_id}-{result.pk}-{name}"
    headers = {"Content-Disposition": f'attachment; filename="{file_name}"'}
    if name in as_csv:
        lines = as_csv[name](told)
        kind = "text/csv; charset=utf-8"
        return StreamingHttpResponse(lines, content_type=kind, headers=headers)
    if name == "days.ics":
        content = files.calendar(
            told, name=f"{result.plan.screenplay}, {result.plan}", key=f"S{result.plan_id}",
            host=urlsplit(settings.DESK_URL).hostname or "localhost", at=result.solved_at,
        )  # fmt: skip
        return HttpResponse(content, content_type="text/calendar; charset=utf-8", headers=headers)
    if name == SCRIPT:
        content = files.final_draft(told, bytes(_newest_file(result).content))
        return HttpResponse(content, content_type="application/octet-stream", headers=headers)
    return _drawn(result, name.removesuffix(".pdf"), told, file_name)


def _drawn(result, sheet, told, file_name):
    from valuation.schedule.sheets import pdf

    screenplay = result.plan.screenplay
    about = pdf.About(
        agency=str(screenplay.agency), screenplay=str(screenplay),
        production=str(screenplay.production), plan=str(result.plan),
        solved_on=timezone.localdate(result.solved_at), inputs_sha256=result.inputs_sha256,
    )  # fmt: skip
    file = pdf.draw(pdf.Sheet(sheet), told, about, locale=locale_of_reader())
    return FileResponse(file, filename=file_name, content_type="application/pdf")
