"""The injunction drill for staff: a page, a CSV and a PDF of what stops if something falls."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.widgets import UnfoldAdminDateWidget

from licensing.models import Agreement
from talent import locales, safe_csv
from talent.models import Build, LineageNode
from valuation.models import SchedulePlan
from valuation.reports import injunction
from valuation.reports.injunction import Drill

from .simulation import SEES_MONEY

SEES_PLANS = "valuation.view_scheduleplan"
YEARS = range(2000, 2101)
SEES = ("talent.view_lineagenode", "licensing.view_agreement", "licensing.view_permit")


class DayForm(forms.Form):
    """The day on which it would fall."""

    on = forms.DateField(label=gettext_lazy("It falls on"), widget=UnfoldAdminDateWidget)

    def clean_on(self):
        if self.cleaned_data["on"].year not in YEARS:
            raise forms.ValidationError(_("Choose a day of this century."))
        return self.cleaned_data["on"]


def of_node(admin_site, request: HttpRequest, node_id: int) -> HttpResponse:
    """Show what would stop if a node fell on a day, as page, CSV or PDF."""
    if not all(request.user.has_perm(permission) for permission in (*SEES, SEES_MONEY)):
        raise PermissionDenied
    nodes = LineageNode.objects.visible_to(request.user).select_related("agency")
    node = get_object_or_404(nodes, pk=node_id)
    form = DayForm(request.GET if "on" in request.GET else None)
    asked = form.cleaned_data["on"] if form.is_bound and form.is_valid() else None
    found = _drill(request, node, asked or timezone.localdate())
    if "csv" in request.GET:
        return _csv(found)
    if "pdf" in request.GET:
        return _pdf(found)
    context = {
        **admin_site.each_context(request),
        "title": _("If %(node)s falls") % {"node": node},
        "opts": LineageNode._meta,
        "original": node,
        "drill": found,
        "headline": _headline(found),
        "form": form if form.is_bound else DayForm(initial={"on": found.on}),
        "wholly": found.totals(wholly=True),
        "partly": found.totals(wholly=False),
        "back": reverse("admin:talent_lineagenode_change", args=[node.pk]),
    }
    return TemplateResponse(request, "admin/injunction.html", context)


def _drill(request: HttpRequest, node: LineageNode, on: date) -> Drill:
    return injunction.drill(
        node,
        on,
        agreements=Agreement.objects.visible_to(request.user),
        builds=Build.objects.visible_to(request.user),
        plans=_plans(request),
    )


def _plans(request: HttpRequest) -> QuerySet[SchedulePlan]:
    """Return the plans that the reader may see."""
    plans = SchedulePlan.objects.visible_to(request.user)
    return plans if request.user.has_perm(SEES_PLANS) else plans.none()


def _headline(found: Drill) -> str:
    """Say what stops in one sentence, its money first."""
    money = [
        locales.money(amount, currency, "en")
        for currency, amount in found.totals(wholly=True).items()
    ]
    wholly = sum(one.wholly for one in found.agreements)
    said = ngettext("One agreement stops wholly", "%(count)d agreements stop wholly", wholly)
    if not wholly:
        return _("No agreement stops wholly, if it falls.")
    a_year = _(": %(money)s a year.") % {"money": " + ".join(money)} if money else "."
    return said % {"count": wholly} + a_year


def _csv(found: Drill) -> HttpResponse:
    header = [_("What"), _("Name"), _("Of"), _("Stops"), _("Permits"), _("Currency"),
              _("Earned in the 12 months before")]  # fmt: skip
    return StreamingHttpResponse(
        safe_csv.lines(header, _lines(found)),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": _attached(found, "csv")},
    )


def _lines(found: Drill) -> Iterator[list[Any]]:
    for one in found.builds:
        yield [
            _("Build"),
            one.build.version,
            one.build.twin.name,
            _stops(wholly=not one.instead),
            "",
            "",
            "",
        ]
    for one in found.agreements:
        for currency, amount in one.earned.items() or [("", "")]:
            yield [
                _("Agreement"), one.agreement.reference, one.agreement.licensee.name,
                _stops(wholly=one.wholly), len(one.permits), currency, amount,
            ]  # fmt: skip
    for stopped in found.plans:
        for part in stopped.parts:
            yield [
                _("Scene"), f"{part.scene} {part.heading}", stopped.plan.screenplay.title,
                f"{part.character}: {part.twin}", "", "", "",
            ]  # fmt: skip


def _attached(found: Drill, kind: str) -> str:
    return f'attachment; filename="injunction-N{found.node.pk}-{found.on}.{kind}"'


def _stops(*, wholly: bool) -> str:
    return _("wholly") if wholly else _("in part: another build stays")


def _pdf(found: Drill) -> HttpResponse:
    # Imported here: WeasyPrint takes longer to import than all the rest together.
    from talent.papers.draw import draw_for_everybody

    agency = found.node.agency
    values = {
        "drill": found,
        "headline": _headline(found),
        "wholly": found.totals(wholly=True),
        "partly": found.totals(wholly=False),
        "on": locales.short_day(found.on, "en"),
        "asked_on": locales.short_day(timezone.localdate(), "en"),
        "agency": agency.name,
        "paper": agency.paper_format,
    }
    paper = draw_for_everybody(
        render_to_string("provenance/injunction.html", values), dated=timezone.localdate()
    )
    return HttpResponse(
        paper.pdf,
        content_type="application/pdf",
        headers={"Content-Disposition": _attached(found, "pdf")},
    )
