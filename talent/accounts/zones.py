"""In whose time zone pages write and read times: in the admin an agency's, else the reader's."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo

from django.contrib.auth import SESSION_KEY
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from talent import locales
from talent.models import Agency, User

# The agency whose zone somebody with seats at several chose, and the zone that a form was read in.
CHOSEN = "agency_of_times"
SENT = "_zone"


@dataclass(frozen=True)
class Times:
    """A page's time zone, whose it is (None: the reader's own), and which others one may choose."""

    zone: str
    agency: Agency | None = None
    others: Sequence[Agency] = ()

    @property
    def tzinfo(self) -> tzinfo:
        return ZoneInfo(self.zone) if locales.known_zone(self.zone) else UTC


def times_of_staff(user: User, chosen: int | None = None) -> Times:
    """Return the zone of the agency where somebody has a seat.

    Of several agencies it is the chosen one, else the first by name; without a seat the user's own.
    """
    agencies = list(Agency.objects.with_member(user).order_by("name"))
    if not agencies:
        return Times(user.time_zone)
    agency = next((one for one in agencies if one.pk == chosen), agencies[0])
    others = [one for one in agencies if one.time_zone != agency.time_zone]
    return Times(agency.time_zone, agency, others)


class ZoneOfPages:
    """Writes and reads times in one zone per page. Programs, and who has not signed in, get UTC."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        times = _times_of(request)
        if times is None:
            return self.get_response(request)
        # What was typed is read in the zone that stood above it, whichever has been chosen since.
        sent = request.POST.get(SENT, "") if request.method == "POST" else ""
        if locales.known_zone(sent):
            times = Times(sent, times.agency if times.zone == sent else None, times.others)
        request.times = times  # type: ignore[attr-defined]
        with timezone.override(times.tzinfo):
            return self.get_response(request)


def _times_of(request: HttpRequest) -> Times | None:
    if request.path.startswith("/api/") or SESSION_KEY not in request.session:
        return None
    user = request.user
    if not user.is_authenticated:
        return None
    if request.path.startswith(reverse("admin:index")):
        return times_of_staff(user, request.session.get(CHOSEN))
    return Times(user.time_zone)


@require_POST
def choose(request: HttpRequest) -> HttpResponse:
    """Keep for the session whose zone somebody with several seats reads times in."""
    if not request.user.is_authenticated:
        raise Http404
    chosen = request.POST.get("agency", "")
    seats = Agency.objects.with_member(request.user).values_list("pk", flat=True)
    if chosen not in map(str, seats):
        raise Http404
    request.session[CHOSEN] = int(chosen)
    back = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(back, {request.get_host()}, request.is_secure())
    return redirect(back if is_ours else "admin:index")
