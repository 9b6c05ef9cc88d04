"""The portal's door to what was refused on a performer's behalf, by month, and as CSV."""

from zoneinfo import ZoneInfo

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path, reverse
from django.utils import timezone
from django.views.decorators.http import require_GET

from licensing.clearance import refusals
from licensing.clearance.holds import holds_in_force
from licensing.models import ClearanceDecision
from licensing.pages_by_id import number_of_row
from talent import safe_csv
from talent.models import DigitalTwin
from talent.periods import month_range
from talent.portal.reader import Reader, portal_page, render_page
from talent.words import Power

CSV_COLUMNS = (
    *("asked_at", "licensee", "twin", "what", "territory", "language", "channel", "meant_for"),
    "why",
)


@require_GET
@portal_page(Power.SEE_USAGE)
def refused(request: HttpRequest) -> HttpResponse:
    reader, month = request.reader, request.GET.get("month", "")
    twins = _twins(reader)
    rows, older = refusals.refusals_page(_refusals_for(reader, twins, month), _before(request))
    zone = ZoneInfo(reader.time_zone)
    counts = refusals.refusals_by_month(refusals.refusals(reader.user, twins), zone)
    here, query = reverse("portal:refused"), f"month={month}" if month else ""
    return render_page(
        request,
        "portal/refused.html",
        "usage",
        {
            "attempts": rows,
            "months": [{"value": f"{on:%Y-%m}", "on": on, "count": count} for on, count in counts],
            "month": month,
            "holds": holds_in_force(twins, at=timezone.now()),
            "first_url": f"{here}?{query}" if "before" in request.GET else "",
            "older_url": older and f"{here}?{query}{'&' if query else ''}before={older}",
            "csv_url": f"{reverse('portal:refused-csv')}?{query}",
        },
    )


@require_GET
@portal_page(Power.SEE_USAGE)
def refused_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Stream what the page shows, all of its pages."""
    reader = request.reader
    decisions = _refusals_for(reader, _twins(reader), request.GET.get("month", ""))
    rows = (
        [getattr(refusal, column) for column in CSV_COLUMNS]
        for refusal in refusals.every_refusal(decisions)
    )
    lines = safe_csv.lines(CSV_COLUMNS, rows)
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="refused.csv"'
    return response


def _twins(reader: Reader) -> list[DigitalTwin]:
    rows = DigitalTwin.objects.of_performers([reader.principal.performer_id])
    return list(rows.distinct().order_by("name", "pk"))


def _refusals_for(
    reader: Reader, twins: list[DigitalTwin], month: str
) -> QuerySet[ClearanceDecision]:
    try:
        span = month_range(month, ZoneInfo(reader.time_zone)) if month else None
    except ValueError as error:
        raise Http404 from error
    return refusals.refusals(reader.user, twins, month=span)


def _before(request: HttpRequest) -> int | None:
    try:
        return number_of_row(request.GET.get("before", ""))
    except ValueError as error:
        raise Http404 from error


urlpatterns = [
    path("refused/", refused, name="refused"),
    path("refused.csv", refused_csv, name="refused-csv"),
]
