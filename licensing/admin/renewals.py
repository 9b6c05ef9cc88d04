"""What ends within 30, 60 and 90 days, what lapses with it, and the draft that carries it on."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from licensing.agreements import renewals as renewing
from licensing.agreements.renewals import Lapsing
from licensing.models import Agreement, Renewal
from licensing.quantities import measured
from talent import locales
from talent.admin.columns import moment
from talent.admin.tenancy import seats_with, visible_rows
from talent.errors import Refused

SEES, RENEWS = "licensing.view_agreement", "licensing.add_agreement"
BUCKETS = (30, 60, 90)


def renewals(admin_site, request: HttpRequest) -> HttpResponse:
    """Show the agreements that end soon, by how soon, with what lapses first."""
    if not request.user.has_perm(SEES):
        raise PermissionDenied
    now = timezone.now()
    seen = visible_rows(
        Agreement.objects.expiring_within(timedelta(days=BUCKETS[-1])), request.user
    )
    rows = list(
        seen.select_related("agency", "licensee", "twin", "renewed_by__agreement").order_by(
            "ends_at", "pk"
        )
    )
    lapsing = renewing.lapsing_with(rows, at=now)
    may_renew = set(seats_with(request.user, RENEWS).values_list("pk", flat=True))
    context = {
        **admin_site.each_context(request),
        "title": _("Ends and renewals"),
        "buckets": [
            (days, [_row(row, lapsing[row.pk], may_renew) for row in ending])
            for days, ending in renewing.ending(rows, at=now, buckets=BUCKETS).items()
        ],
    }
    return TemplateResponse(request, "admin/renewals.html", context)


def _row(agreement: Agreement, lapsing: Lapsing, may_renew: set[int]) -> dict[str, Any]:
    renewal = getattr(agreement, "renewed_by", None)
    offered = renewal is None and not agreement.try_out and agreement.agency_id in may_renew
    step = reverse("admin:licensing_agreement_renew", args=[agreement.pk])
    return {
        "agreement": agreement,
        "renewal": renewal,
        "url": step if offered else "",
        "lapses": list(_in_words(lapsing)),
    }


def _in_words(lapsing: Lapsing) -> Iterator[str]:
    if lapsing.permits:
        text = ngettext("%d permit that holds now", "%d permits that hold now", lapsing.permits)
        yield text % lapsing.permits
    if lapsing.reservations:
        text = ngettext(
            "%d cleared request that holds units",
            "%d cleared requests that hold units",
            lapsing.reservations,
        )
        yield text % lapsing.reservations
    if lapsing.approvals_given:
        text = ngettext("%d approval given", "%d approvals given", lapsing.approvals_given)
        yield text % lapsing.approvals_given
    if lapsing.approvals_waiting:
        text = ngettext(
            "%d approval asked for", "%d approvals asked for", lapsing.approvals_waiting
        )
        yield text % lapsing.approvals_waiting
    for burnt in lapsing.caps:
        yield _("of its cap, %(left)s of %(limit)s left this year") % {
            "left": measured(burnt.left, burnt.cap.meter),
            "limit": measured(burnt.limit, burnt.cap.meter),
        }
    if lapsing.destroy_by:
        day = locales.day(lapsing.destroy_by, "en")
        yield _("its biometric data must be destroyed by %s") % day


def told(agreement: Agreement) -> Iterator[tuple[Any, Any]]:
    """Yield what lapses with an agreement, then what would carry it on, for the step's page."""
    now = timezone.now()
    lapsing = renewing.lapsing_with([agreement], at=now)[agreement.pk]
    yield _("Lapses with it"), "; ".join(_in_words(lapsing)) or _("nothing that is open")
    yield _("Ends"), moment(agreement.ends_at)
    try:
        term = renewing.next_term(agreement, at=now)
    except Refused as refusal:
        yield _("Cannot be renewed"), str(refusal)
        return
    yield _("The new term starts"), moment(term.starts_at)
    yield _("The new term ends"), moment(term.ends_at)


def renew(agreement: Agreement, given) -> None:
    """Draft what carries an agreement on."""
    renewing.renew(agreement=agreement, at=given.at, by=given.by)


def links_of(agreement: Agreement) -> str:
    """Return links to the agreement that one carries on, and to the one that carries it on."""
    rows = Renewal.objects.filter(agreement=agreement).select_related("renews")
    before = [(_("It carries on"), one.renews) for one in rows]
    rows = Renewal.objects.filter(renews=agreement).select_related("agreement")
    after = [(_("It is carried on by"), one.agreement) for one in rows]
    links = (
        (text, reverse("admin:licensing_agreement_change", args=[row.pk]), row)
        for text, row in [*before, *after]
    )
    shown = format_html_join("; ", '{} <a class="desk-link" href="{}">{}</a>', links)
    return format_html("{}", shown) if shown else "–"
