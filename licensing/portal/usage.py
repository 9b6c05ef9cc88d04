"""The portal's door to usage: every reported use, by month, and as CSV."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path, reverse
from django.views.decorators.http import require_GET

from licensing.pages_by_id import number_of_row
from licensing.usage import feed
from talent import safe_csv
from talent.models import DigitalTwin
from talent.periods import month_range
from talent.portal.reader import Reader, portal_page, render_page
from talent.words import Power

CSV_COLUMNS = (
    *("licensee", "production", "twin", "right", "use", "territory", "language", "channel"),
    *("occurred_at", "quantity", "meter", "standing", "reason"),
    *("number", "replaces", "replaced_by"),
)
LONGEST_NUMBER = 19


@dataclass(frozen=True)
class Choice:
    """What the reader wants to see, read from the address; Http404 for what can't be read."""

    month: str = ""
    twin: int | None = None
    outside: bool = False
    before: int | None = None

    @classmethod
    def of(cls, request: HttpRequest) -> "Choice":
        get = request.GET
        try:
            if month := get.get("month", ""):
                month_range(month, UTC)
            return cls(
                month=month,
                twin=number_of_row(get.get("twin", "")),
                outside=get.get("standing") == "outside",
                before=number_of_row(get.get("before", "")),
            )
        except (ValueError, OverflowError) as error:
            raise Http404 from error

    @property
    def filtered(self) -> bool:
        return bool(self.month or self.twin or self.outside)

    def range(self, zone: ZoneInfo) -> tuple[datetime, datetime] | None:
        """Return the month as the reader's zone has it."""
        if not self.month:
            return None
        return month_range(self.month, zone)

    def query(self, **change: object) -> str:
        values = {
            "month": self.month,
            "twin": self.twin or "",
            "standing": "outside" if self.outside else "",
            **change,
        }
        return urlencode({name: value for name, value in values.items() if value})


@require_GET
@portal_page(Power.SEE_USAGE)
def usage(request: HttpRequest) -> HttpResponse:
    reader, choice = request.reader, Choice.of(request)
    zone = ZoneInfo(reader.time_zone)
    twins = _twins(reader)
    rows, older = feed.page_of_rows(_events_for(reader, twins, choice), choice.before)
    months = feed.months_with_uses(reader.user, twins, zone)
    here = reverse("portal:usage")
    return render_page(
        request,
        "portal/usage.html",
        "usage",
        {
            "uses": rows,
            "months": [{"value": f"{month:%Y-%m}", "on": month} for month in months],
            "twins": twins,
            "chosen": choice,
            "filtered": choice.filtered,
            "is_later": choice.before is not None,
            "first_url": f"{here}?{choice.query()}",
            "feed_url": "" if choice.before or not rows else _feed_url(choice, rows[0].id),
            "older_url": older and f"{here}?{choice.query(before=older)}",
            "csv_url": f"{reverse('portal:usage-csv')}?{choice.query()}",
        },
    )


@require_GET
@portal_page(Power.SEE_USAGE)
def usage_feed(request: HttpRequest) -> HttpResponse:
    """Show the uses that came since the newest one on the page; 204 where none did."""
    reader, choice = request.reader, Choice.of(request)
    since = request.GET.get("since", "")
    if not (since.isdecimal() and len(since) < LONGEST_NUMBER):
        raise Http404
    newer = _events_for(reader, _twins(reader), choice).filter(pk__gt=since)
    rows, _older = feed.page_of_rows(newer, None)
    if not rows:
        return HttpResponse(status=HTTPStatus.NO_CONTENT)
    values = {"uses": rows, "feed_url": _feed_url(choice, rows[0].id)}
    return render_page(request, "portal/use_feed.html", "usage", values)


def _feed_url(choice: Choice, newest: int) -> str:
    return f"{reverse('portal:usage-feed')}?{choice.query(since=newest)}"


@require_GET
@portal_page(Power.SEE_USAGE)
def usage_csv(request: HttpRequest) -> StreamingHttpResponse:
    reader, choice = request.reader, Choice.of(request)
    events = _events_for(reader, _twins(reader), choice)
    lines = safe_csv.lines(CSV_COLUMNS, _csv_rows(events))
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="usage.csv"'
    return response


def _twins(reader: Reader) -> list[DigitalTwin]:
    """Return the twins whose use the reader may see; usage has its own power."""
    rows = DigitalTwin.objects.of_performers([reader.principal.performer_id])
    return list(rows.distinct().order_by("name", "pk"))


def _events_for(reader: Reader, twins: list[DigitalTwin], choice: Choice):
    if choice.twin is not None:
        twins = [twin for twin in twins if twin.pk == choice.twin]
        if not twins:
            raise Http404
    month = choice.range(ZoneInfo(reader.time_zone))
    return feed.uses_of(reader.user, twins, month=month, outside=choice.outside)


def _csv_rows(events) -> Iterator[list[object]]:
    for row in feed.stream_rows(events):
        for measure in row.quantities or (None,):
            yield [_value(row, measure, column) for column in CSV_COLUMNS]


def _value(row: feed.UseRow, measure: feed.Measure | None, column: str) -> object:
    if column == "quantity":
        return measure and measure.quantity
    if column == "meter":
        return measure and measure.meter.label.lower()
    return row.id if column == "number" else getattr(row, column)


urlpatterns = [
    path("usage/", usage, name="usage"),
    path("usage/feed/", usage_feed, name="usage-feed"),
    path("usage.csv", usage_csv, name="usage-csv"),
]
