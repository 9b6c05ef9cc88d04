"""Simulation in money for staff: other rates, or another consent, before anything is saved."""

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from licensing.models import RateCard
from talent import safe_csv
from talent.admin.matrix_editor import MatrixSheet
from talent.models import ConsentMatrix
from valuation.reports import simulation
from valuation.reports.simulation import MONTHS, Outcome

SEES_MONEY = "valuation.view_residualline"


def rates(admin_site, request: HttpRequest, card_id: int) -> HttpResponse:
    """Show what the last months would have earned by a rate card, drafted or agreed."""
    _refuse_without(request, "licensing.view_ratecard")
    cards = RateCard.objects.visible_to(request.user).select_related("agreement__licensee")
    card = get_object_or_404(cards, pk=card_id)
    months = _months(request.GET.get("months"))
    outcome = simulation.of_card(card, months=months, now=timezone.now())
    if "csv" in request.GET:
        return _csv(outcome, f"rates-{card.agreement.reference}")
    return _page(
        admin_site,
        request,
        title=_("What %(agreement)s would have earned by the rates from %(day)s")
        % {"agreement": card.agreement, "day": card.effective_from},
        opts=RateCard._meta,
        outcome=outcome,
        months=months,
        back=reverse("admin:licensing_ratecard_change", args=[card.pk]),
    )


def consent(admin_site, request: HttpRequest, matrix_id: int) -> HttpResponse:
    """Answer the editor of a matrix, which posts its grid here unsaved."""
    _refuse_without(request, "talent.add_consentversion")
    seen = ConsentMatrix.objects.visible_to(request.user)
    matrix = get_object_or_404(seen.select_related("agency", "performer", "twin"), pk=matrix_id)
    if request.method != "POST":
        return redirect("admin:talent_consentmatrix_edit", matrix.pk)
    sheet = MatrixSheet.from_form(request.POST)
    cells = sheet.cells()
    months = _months(request.POST.get("months"))
    outcome = None
    if not sheet.errors:
        outcome = simulation.of_consent(
            matrix=matrix, cells=cells, months=months, user=request.user, at=timezone.now()
        )
        if "csv" in request.POST:
            return _csv(outcome, "consent")
    return _page(
        admin_site,
        request,
        title=_("What this consent would have made of what was earned"),
        opts=ConsentMatrix._meta,
        outcome=outcome,
        months=months,
        faults=[text for texts in sheet.errors.values() for text in texts],
        grid=[
            (name, value)
            for name, values in request.POST.lists()
            for value in values
            if name not in ("months", "csv", "csrfmiddlewaretoken")
        ],
        back=reverse("admin:talent_consentmatrix_edit", args=[matrix.pk]),
    )


def _refuse_without(request: HttpRequest, permission: str) -> None:
    if not (request.user.has_perm(permission) and request.user.has_perm(SEES_MONEY)):
        raise PermissionDenied


def _months(sent: str | None) -> int:
    if sent is None:
        return MONTHS[2]
    if sent not in map(str, MONTHS):
        raise Http404
    return int(sent)


def _page(admin_site, request: HttpRequest, **context) -> HttpResponse:
    shared = {**admin_site.each_context(request), "spans": MONTHS}
    return TemplateResponse(request, "admin/simulation_in_money.html", {**shared, **context})


def _csv(outcome: Outcome, name: str) -> HttpResponse:
    header = [_("Month (ISO 8601)"), _("Agreement"), _("Beneficiary"), _("Currency"),
              _("Earned"), _("Would have earned"), _("Difference")]  # fmt: skip
    rows = (
        [one.month_on.isoformat(), one.agreement, one.beneficiary, one.currency, one.before,
         one.after, one.difference]
        for one in outcome.changes
    )  # fmt: skip
    return StreamingHttpResponse(
        safe_csv.lines(header, rows),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="simulation-{name}.csv"'},
    )
