"""The ways between an amount and its uses: a line's events, and the lines that an event is in."""

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from licensing.models import UsageEvent
from valuation.models import Posting, ResidualLine, StatementLine
from valuation.reports import line_events
from valuation.words import EntryKind

SEES_MONEY = "valuation.view_residualline"
SEES_USAGE = "licensing.view_usageevent"
RELATED = ("run", "reading__rate_line__card", "agreement", "beneficiary", "twin")


def events_of_line(admin_site, request: HttpRequest, line_id: int) -> HttpResponse:
    """Show the uses that a residual line was posted for; they add up to its quantity."""
    _refuse_without_both(request)
    # What is owed beside use has no uses to show.
    of_use = ResidualLine.objects.filter(reading__rate_line__isnull=False)
    lines = of_use.visible_to(request.user).select_related(*RELATED)
    line = get_object_or_404(lines, pk=line_id)
    after = _after(request)
    found = line_events.of_line(line, after=after)
    context = {
        **admin_site.each_context(request),
        "title": _("The uses behind %s") % line,
        "opts": ResidualLine._meta,
        "line": line,
        "found": found,
        "adds_up": found.adds_up_to(line),
        "elsewhere": line.quantity - found.in_all,
        "may_open_archives": request.user.is_superuser,
        "is_first": after < 0,
    }
    return TemplateResponse(request, "admin/events_of_line.html", context)


def earned_by_event(admin_site, request: HttpRequest, event_id: int) -> HttpResponse:
    """Show the lines that a use is in, the statements that show them, and their entries."""
    _refuse_without_both(request)
    events = UsageEvent.objects.visible_to(request.user).select_related("agreement")
    event = get_object_or_404(events.defer("entry"), pk=event_id)
    seen = ResidualLine.objects.visible_to(request.user)
    found = line_events.of_event(event)
    mine = set(seen.filter(pk__in=[one.line.pk for one in found]).values_list("pk", flat=True))
    found = [one for one in found if one.line.pk in mine]
    context = {
        **admin_site.each_context(request),
        "title": _("What %s earned") % event,
        "opts": UsageEvent._meta,
        "event": event,
        "rows": _with_papers(found),
    }
    return TemplateResponse(request, "admin/earned_by_event.html", context)


def _with_papers(found: list[line_events.LineOfUse]) -> list[dict]:
    """Add to each line the statements that show it, and the journal entry that posted it."""
    shown: dict[int, list] = {}
    lines = [one.line.pk for one in found]
    for row in StatementLine.objects.filter(residual_line__in=lines).select_related(
        "statement__beneficiary", "statement__agency"
    ):
        shown.setdefault(row.residual_line_id, []).append(row.statement)
    accruals = Posting.objects.filter(
        entry__run__in={one.line.run_id for one in found},
        entry__kind=EntryKind.ACCRUAL.value,
        reading__in={one.line.reading_id for one in found},
    )
    entries = {
        (posting.entry.run_id, posting.reading_id): posting.entry
        for posting in accruals.select_related("entry")
    }
    return [
        {
            "line": one.line,
            "quantity": one.quantity,
            "brought": one.brought,
            "statements": shown.get(one.line.pk, ()),
            "entry": entries.get((one.line.run_id, one.line.reading_id)),
        }
        for one in found
    ]


def _after(request: HttpRequest) -> int:
    sent = request.GET.get("after")
    if sent is None:
        return -1
    if not (sent.isascii() and sent.isdecimal() and len(sent) < 19):
        raise Http404
    return int(sent)


def _refuse_without_both(request: HttpRequest) -> None:
    if not (request.user.has_perm(SEES_MONEY) and request.user.has_perm(SEES_USAGE)):
        raise PermissionDenied
