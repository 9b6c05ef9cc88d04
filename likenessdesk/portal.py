"""The portal's home page: what needs the reader, what their twins did, what they earned."""

from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET
from django.views.generic import RedirectView

import licensing.portal
import talent.portal
import valuation.portal
from licensing.caps import burn_down
from licensing.clearance import refusals
from licensing.portal.approvals import waiting_parts
from licensing.portal.signing import waiting_for
from licensing.usage import feed
from talent.models import DigitalTwin
from talent.portal.reader import Reader, portal_page, render_page
from talent.words import Power
from valuation.reports import earnings

LATEST_USES = 5


@dataclass(frozen=True)
class Need:
    """Something that waits for the reader, and the page where they can deal with it."""

    text: str
    url: str
    action: str
    soft: str = ""


@require_GET
@portal_page()
def home(request: HttpRequest) -> HttpResponse:
    reader = request.reader
    if reader.principal is None:
        return _without_principal(request)
    start = reader.month_start(now := timezone.now())
    local = now.astimezone(start.tzinfo)
    values = {"today": local.date(), "needs": [], "waiting": waiting_parts(reader, at=now)}
    if reader.may(Power.SEE_USAGE):
        values |= _usage(reader, start, local)
    if reader.may(Power.SEE_MONEY):
        beneficiaries = reader.principal.beneficiaries(reader.user)
        values |= {
            "sees_money": True,
            "balances": earnings.balances(
                reader.user, beneficiaries, reader.principal.performer_id
            ),
        }
    values["needs"] = [*_signatures(reader, now), *values["needs"]]
    values["to_do"] = len(values["waiting"]) + len(values["needs"])
    return render_page(request, "portal/home.html", "home", values)


def _without_principal(request: HttpRequest) -> HttpResponse:
    """Redirect staff to the admin; tell others why the portal is empty."""
    if request.user.is_staff:
        return redirect("admin:index")
    return render(
        request, "portal/nobody.html", {"reader": request.reader, "page": "home"}, status=200
    )


def _usage(reader: Reader, start: datetime, now: datetime) -> dict:
    twins = list(DigitalTwin.objects.of_performers([reader.principal.performer_id]).distinct())
    month = (start, now)
    outside = feed.uses_of(reader.user, twins, month=month, outside=True)
    return {
        "sees_usage": True,
        **_latest(reader, twins, month),
        "caps": burn_down.caps_left(reader.user, twins, at=now),
        "refused": refusals.refusals_since(reader.user, twins, start),
        "cleared": refusals.clearances_by_consent_since(reader.user, twins, start),
        "needs": _outside(feed.without_replaced(outside).count()),
    }


def _latest(reader: Reader, twins: list[DigitalTwin], month: tuple[datetime, datetime]) -> dict:
    """Return the latest uses of this month, or of the last month that had any."""
    start, _now = month
    uses = _uses(reader, twins, month)
    last = None if uses else feed.latest_use_at(reader.user, twins, before=start)
    if last is None:
        return {"uses": uses}
    used_in = reader.month_start(last)
    return {"uses": _uses(reader, twins, (used_in, start)), "used_in": used_in.date()}


def _uses(
    reader: Reader, twins: list[DigitalTwin], month: tuple[datetime, datetime]
) -> list[feed.UseRow]:
    return feed.rows_of(list(feed.uses_of(reader.user, twins, month=month)[:LATEST_USES]))


def _signatures(reader: Reader, now: datetime) -> list[Need]:
    """Return what waits for the reader's signature, whomever they act for."""
    text = _("%(twin)s for %(licensee)s waits for your signature.")
    return [
        Need(
            text=text
            % {"twin": one.round.agreement.twin, "licensee": one.round.agreement.licensee},
            url=reverse("portal:sign", args=[one.pk]),
            action=_("Read and sign"),
        )
        for one in waiting_for(reader.user, at=now)
    ]


def _outside(count: int) -> list[Need]:
    if not count:
        return []
    text = ngettext(
        "One use this month was outside your consent.",
        "%(count)d uses this month were outside your consent.",
        count,
    )
    return [
        Need(
            text=text % {"count": count},
            soft=_("It is kept and shown; nothing is paid for it unless your agreement says so."),
            url=f"{reverse('portal:usage')}?standing=outside",
            action=_("Look at it"),
        )
    ]


app_name = "portal"
urlpatterns = [
    path("", home, name="home"),
    # For people who type /portal/.
    path("portal/", RedirectView.as_view(pattern_name="portal:home")),
    *talent.portal.urlpatterns,
    *licensing.portal.urlpatterns,
    *valuation.portal.urlpatterns,
]
