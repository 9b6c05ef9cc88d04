"""Obligations for staff: what is late and due, ticked off, and as a calendar of one's own."""

from collections import Counter
from datetime import date
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminTextareaWidget

from licensing.agreements.obligations import calendars, ticks, waiting
from licensing.agreements.obligations.derived import (
    Obligation,
    obligations_of,
    oblige,
)
from licensing.models import Agreement
from licensing.pages_by_id import number_of_row
from licensing.words import ObligationState, TickKind
from talent import locales
from talent.admin.steps import LONGEST_REASON, ShownOnce
from talent.admin.tenancy import seats_with, visible_rows
from talent.errors import Refused
from talent.models import Agency

SEES = "licensing.view_agreement"
TICKS = "licensing.add_obligationtick"
ON_A_PAGE = 50
ON_AN_AGREEMENT = 12
# The views of the list: what waits, and what lies ahead or is over.
STATES = {
    "waiting": (ObligationState.LATE, ObligationState.DUE),
    "late": (ObligationState.LATE,),
    "due": (ObligationState.DUE,),
    "ahead": (ObligationState.AHEAD, ObligationState.UNDATED),
    "over": (ObligationState.DONE, ObligationState.LAPSED),
}
LABELS = {
    "waiting": gettext_lazy("Late and due within 14 days"),
    "late": gettext_lazy("Late"),
    "due": gettext_lazy("Due within 14 days"),
    "ahead": gettext_lazy("Ahead"),
    "over": gettext_lazy("Done or no longer possible"),
}


class TickForm(forms.Form):
    """What somebody knows of an obligation that the desk does not."""

    note = forms.CharField(
        label=gettext_lazy("How you know"),
        max_length=LONGEST_REASON,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text=gettext_lazy("As “report received by mail on 2 May”. It is kept with your name."),
    )


def count_waiting(user: Any) -> Counter[str]:
    """Count what is late or due soon of the agreements that somebody sees, by its state.

    As it was when it was last derived, some minutes ago at most.
    """
    known = waiting.known(at=timezone.now())
    seen = visible_rows(Agreement.objects.filter(pk__in=known), user)
    numbers = seen.values_list("pk", flat=True)
    return Counter(state for number in numbers for state in known[number])


def obligations(admin_site, request: HttpRequest) -> HttpResponse:
    """Show what waits, or all that lies ahead or is over; make a calendar's address."""
    if not request.user.has_perm(SEES):
        raise PermissionDenied
    if request.method == "POST":
        return _calendar(admin_site, request)
    now = timezone.now()
    chosen = request.GET.get("state", "waiting")
    chosen = chosen if chosen in STATES else "waiting"
    every = obligations_of(_agreements(request, now), at=now)
    counts = {name: sum(one.state in kept for one in every) for name, kept in STATES.items()}
    shown = [one for one in every if one.state in STATES[chosen]]
    may_tick = set(seats_with(request.user, TICKS).values_list("pk", flat=True))
    page = Paginator(shown, ON_A_PAGE).get_page(request.GET.get("page"))
    kept = {"agreement": request.GET["agreement"]} if request.GET.get("agreement") else {}
    context = {
        **admin_site.each_context(request),
        "title": _("Obligations"),
        "views": [
            (label, counts[name], f"?{urlencode({'state': name, **kept})}", name == chosen)
            for name, label in LABELS.items()
        ],
        "rows": [_row(one, may_tick) for one in page],
        "page": page,
        "query": urlencode({"state": chosen, **kept}),
        "is_narrowed": bool(kept),
        "calendars": _calendars(request),
    }
    return TemplateResponse(request, "admin/obligations.html", context)


def _agreements(request: HttpRequest, now) -> list[int]:
    rows = visible_rows(Agreement.objects.filter(oblige(now)), request.user)
    sent = request.GET.get("agreement", "")
    if sent:
        try:
            rows = rows.filter(pk=number_of_row(sent))
        except ValueError as error:
            raise Http404 from error
    return list(rows.values_list("pk", flat=True))


def _row(one: Obligation, may_tick: set[int]) -> dict[str, Any]:
    """Return an obligation with the page that ticks it off, where its reader may."""
    ticked = one.fulfilment is not None and not one.fulfilment.is_fact
    offered = one.may_be_ticked and one.agreement.agency_id in may_tick
    url = f"{reverse('admin:obligation_tick')}?{urlencode(_named(one))}" if offered else ""
    return {"one": one, "url": url, "ticked": ticked}


def _named(one: Obligation) -> dict[str, object]:
    return {"agreement": one.agreement.pk, "key": one.duty.key}


def tick(admin_site, request: HttpRequest) -> HttpResponse:
    """Tick an obligation off by somebody's word, or take that back; its page says what it is."""
    now = timezone.now()
    agreement = _agreement_of(request)
    if not seats_with(request.user, TICKS).filter(pk=agreement.agency_id).exists():
        raise PermissionDenied
    key = request.GET.get("key", "")
    try:
        one = ticks.obligation_of(agreement, key, at=now)
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("admin:obligations")
    kind = TickKind.NOT_DONE if one.fulfilment is not None else TickKind.DONE
    form = TickForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            ticks.say(
                agreement, key, kind=_kind(request), seen=_day(request.POST.get("seen", "")),
                note=form.cleaned_data["note"], at=now, by=request.user,
            )  # fmt: skip
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("%s: kept with your name.") % one.what)
            return redirect(f"{reverse('admin:obligations')}?agreement={agreement.pk}")
    context = {
        **admin_site.each_context(request),
        "title": _("Tick off") if kind is TickKind.DONE else _("Not done after all"),
        "one": one,
        "kind": kind.value,
        "form": form,
        "back": f"{reverse('admin:obligations')}?agreement={agreement.pk}",
    }
    return TemplateResponse(request, "admin/obligation_tick.html", context)


def _agreement_of(request: HttpRequest) -> Agreement:
    try:
        number = number_of_row(request.GET.get("agreement", ""))
    except ValueError as error:
        raise Http404 from error
    row = visible_rows(Agreement.objects.all(), request.user).filter(pk=number).first()
    if row is None:
        raise Http404
    return row


def _kind(request: HttpRequest) -> TickKind:
    """Return what the page that was sent said it would do."""
    return TickKind.NOT_DONE if request.POST.get("kind") == TickKind.NOT_DONE else TickKind.DONE


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None


# Calendars


def _seats(request: HttpRequest):
    return Agency.objects.with_member(request.user).order_by("name")


def _calendars(request: HttpRequest) -> list[dict[str, Any]]:
    """Return each agency where the reader has a seat, with the calendar's address, if any."""
    return [
        {
            "agency": agency,
            "since": calendars.addresses_of(user=request.user, agency=agency)
            .values_list("created_at", flat=True)
            .first(),
        }
        for agency in _seats(request)
    ]


def _calendar(admin_site, request: HttpRequest) -> HttpResponse:
    """Make a new address of the reader's seat and show it once, or switch the old one off."""
    sent = request.POST.get("agency", "")
    agency = _seats(request).filter(pk=sent if sent.isdecimal() else 0).first()
    if agency is None:
        raise Http404
    now, here = timezone.now(), reverse("admin:obligations")
    if "off" in request.POST:
        calendars.revoke_address(user=request.user, agency=agency, at=now)
        messages.success(request, _("The address of %s answers no more.") % agency)
        return redirect(here)
    secret = calendars.renew_address(user=request.user, agency=agency, at=now)
    address = request.build_absolute_uri(reverse("portal:calendar", args=[secret]))
    hint = _("Add it to your calendar as a subscription. Whoever has it reads what you may see.")
    context = {
        **admin_site.each_context(request),
        "title": _("Shown once"),
        "secrets": [ShownOnce(_("Address of the calendar of %s") % agency, address, hint)],
        "back": here,
    }
    return TemplateResponse(request, "admin/shown_once.html", context)


def of_agreement(agreement: Agreement) -> str:
    """Say the next obligations of a signed agreement, and lead to all of them."""
    now = timezone.now()
    open_ones = [
        one for one in obligations_of([agreement.pk], at=now) if one.state not in STATES["over"]
    ]
    if not open_ones:
        return _("None that is open.")
    items = format_html_join(
        "", "<li>{}</li>", ([_in_a_line(one)] for one in open_ones[:ON_AN_AGREEMENT])
    )
    url = f"{reverse('admin:obligations')}?{urlencode({'agreement': agreement.pk})}"
    link = format_html('<a class="desk-link" href="{}">{}</a>', url, _("All of them"))
    return format_html("<ul>{}</ul>{}", items, link)


def _in_a_line(one: Obligation) -> str:
    due_on = one.duty.due_on
    day = locales.day(due_on, "en") if due_on else one.duty.missing
    return f"{one.state.label}, {day}: {one.what} ({one.duty.whose.label.lower()}). {one.source}"
