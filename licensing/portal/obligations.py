"""The portal's door to obligations: what agreements about a reader's twins have others do, and
calendars at secret addresses, for performers, staff and licensees alike."""

from http import HTTPStatus
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from licensing.agreements.obligations import calendars
from licensing.agreements.obligations.derived import Obligation, obligations_of, oblige
from licensing.models import Agreement
from licensing.words import ObligationState
from talent.accounts import tries
from talent.models import DigitalTwin, Performer
from talent.portal.reader import Reader, portal_page, render_page
from talent.sign_in.adapters import client_address
from talent.words import Power

OVER = (ObligationState.DONE, ObligationState.LAPSED)


@require_http_methods(["GET", "HEAD", "POST"])
@portal_page(Power.SEE_USAGE)
def obligations(request: HttpRequest) -> HttpResponse:
    """Show what others owe under the reader's agreements; make an address of a calendar of it."""
    if request.method == "POST":
        return _calendar(request)
    found = _found(request.reader)
    return _page(
        request,
        {
            "open": [one for one in found if one.state not in OVER],
            "over": [one for one in found if one.state is ObligationState.DONE],
            "since": calendars.addresses_of(**_owner(request.reader))
            .values_list("created_at", flat=True)
            .first(),
        },
    )


def _found(reader: Reader) -> list[Obligation]:
    now = timezone.now()
    twins = DigitalTwin.objects.of_performers([reader.principal.performer_id])
    rows = Agreement.objects.visible_to(reader.user).filter(oblige(now), twin__in=twins)
    return obligations_of(rows.values_list("pk", flat=True), at=now)


def _owner(reader: Reader) -> calendars.Owner:
    performer = Performer.objects.get(pk=reader.principal.performer_id)
    return {"user": reader.user, "performer": performer}


def _calendar(request: HttpRequest) -> HttpResponse:
    now, owner = timezone.now(), _owner(request.reader)
    if "off" in request.POST:
        calendars.revoke_address(at=now, **owner)
        messages.success(request, _("The address answers no more."))
        return redirect("portal:obligations")
    secret = calendars.renew_address(at=now, **owner)
    address = request.build_absolute_uri(reverse("portal:calendar", args=[secret]))
    return _page(request, {"address": address})


def _page(request: HttpRequest, values: dict) -> HttpResponse:
    return render_page(request, "portal/obligations.html", "usage", values)


@require_GET
def calendar(request: HttpRequest, secret: str) -> HttpResponse:
    """Answer a secret address with its calendar; any other is no page at all."""
    now = timezone.now()
    try:
        tries.count(calendars.counts_of(client_address(request), secret), at=now)
    except tries.TooManyTries as refusal:
        headers = {"Retry-After": "900"}
        return HttpResponse(
            str(refusal), status=HTTPStatus.TOO_MANY_REQUESTS, content_type="text/plain",
            headers=headers,
        )  # fmt: skip
    address = calendars.address_of(secret)
    if address is None:
        raise Http404
    body = calendars.calendar_of(
        calendars.obligations_shown(address, at=now),
        title=_("Obligations"),
        host=urlsplit(settings.DESK_URL).hostname or "localhost",
        at=now,
    )
    headers = {"Cache-Control": "private, no-store", "X-Robots-Tag": "noindex"}
    return HttpResponse(body, content_type="text/calendar; charset=utf-8", headers=headers)


urlpatterns = [
    path("obligations/", obligations, name="obligations"),
    path("calendar/<str:secret>.ics", calendar, name="calendar"),
]
