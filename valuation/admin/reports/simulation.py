"""Simulation in money for staff: other rates, or another consent, before anything is saved.

Rates are of one agreement, and told at once. A consent may be about all use of a guild: it is
answered in the background, and who asked sees how far that is.
"""

from uuid import UUID

from django.contrib import messages
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
from talent.errors import Refused
from talent.models import ConsentMatrix
from valuation import tasks
from valuation.admin.residuals.nights import in_words
from valuation.reports import simulation, simulation_runs
from valuation.reports.simulation import MONTHS, Outcome
from valuation.reports.simulation_runs import SimulationRun

SEES_MONEY = "valuation.view_residualline"
RECORDS = "talent.add_consentversion"


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
    """Take what the editor of a matrix posts, its grid unsaved, and lead to the answer."""
    _refuse_without(request, RECORDS)
    seen = ConsentMatrix.objects.visible_to(request.user)
    matrix = get_object_or_404(seen.select_related("agency", "performer", "twin"), pk=matrix_id)
    if request.method != "POST":
        return redirect("admin:talent_consentmatrix_edit", matrix.pk)
    sheet = MatrixSheet.from_form(request.POST)
    cells = sheet.cells()
    months = _months(request.POST.get("months"))
    faults = [text for texts in sheet.errors.values() for text in texts]
    if not faults:
        run = simulation_runs.ask(
            matrix=matrix,
            cells=cells,
            grid=_grid(request),
            months=months,
            user=request.user,
            at=timezone.now(),
        )
        try:
            tasks.simulate_soon(run)
            return redirect("admin:simulated_consent", run.number)
        except Refused as refusal:
            faults = [str(refusal)]
    return _consent_page(admin_site, request, matrix.pk, months=months, faults=faults)


def _grid(request: HttpRequest) -> list[tuple[str, str]]:
    """Return the grid as it was sent, to ask with again for other months."""
    return [
        (name, value)
        for name, values in request.POST.lists()
        for value in values
        if name not in ("months", "csrfmiddlewaretoken")
    ]


def answer(admin_site, request: HttpRequest, number: UUID) -> HttpResponse:
    """Show who asked what a consent would have made of the months, or how far that is."""
    run = _run_of(request, number)
    if run is None:
        messages.error(
            request, _("This simulation is kept no longer. Ask again from the consent’s editor.")
        )
        return redirect("admin:talent_consentmatrix_changelist")
    question = run.question
    if run.outcome and "csv" in request.GET:
        return _csv(run.outcome, "consent")
    now = timezone.now()
    rest = run.rest(now)
    return _consent_page(
        admin_site,
        request,
        question.matrix_id,
        run=run,
        is_cancelled=run.is_cancelled,
        is_abandoned=run.is_abandoned(now),
        rest=rest and in_words(rest),
        outcome=run.outcome,
        months=question.months,
        grid=question.grid,
    )


def cancel(admin_site, request: HttpRequest, number: UUID) -> HttpResponse:
    """Have a simulation end, and lead back to its page."""
    run = _run_of(request, number)
    if run is not None and request.method == "POST":
        simulation_runs.cancel(run)
    return redirect("admin:simulated_consent", number)


def _run_of(request: HttpRequest, number: UUID) -> SimulationRun | None:
    """Return what the reader asked for, if they may still see what it is about."""
    _refuse_without(request, RECORDS)
    run = simulation_runs.find(number=number, user=request.user)
    seen = ConsentMatrix.objects.visible_to(request.user)
    return run if run and seen.filter(pk=run.question.matrix_id).exists() else None


def _consent_page(admin_site, request: HttpRequest, matrix_id: int, **context) -> HttpResponse:
    return _page(
        admin_site,
        request,
        title=_("What this consent would have made of what was earned"),
        opts=ConsentMatrix._meta,
        asks=reverse("admin:simulate_consent_in_money", args=[matrix_id]),
        back=reverse("admin:talent_consentmatrix_edit", args=[matrix_id]),
        **context,
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
