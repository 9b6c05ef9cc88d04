"""Simulation for staff: what the consent in the form would have done, before it is recorded."""

from django.core.exceptions import PermissionDenied
from django.forms import inlineformset_factory
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from licensing.clearance.simulation import simulate
from talent.admin.consent import ConsentCellForm
from talent.consent.matrix import Cell
from talent.models import ConsentCell, ConsentMatrix, ConsentVersion

MONTHS = 12

CellFormSet = inlineformset_factory(ConsentVersion, ConsentCell, form=ConsentCellForm, extra=0)


def what_if(admin_site, request: HttpRequest) -> HttpResponse:
    """Answer the form of a new version, which posts its matrix and cells here unsaved."""
    if not request.user.has_perm("talent.add_consentversion"):
        raise PermissionDenied
    matrix = _matrix(request)
    cells, faults = _cells(request)
    simulation = None
    if not faults:
        simulation = simulate(
            matrix=matrix, cells=cells, months=MONTHS, user=request.user, at=timezone.now()
        )
    context = {
        **admin_site.each_context(request),
        "title": _("What this would have done in the last %d months") % MONTHS,
        "simulation": simulation,
        "faults": faults,
        "matrix": matrix,
        "show_reasons": True,
    }
    return TemplateResponse(request, "admin/simulation.html", context)


def _matrix(request: HttpRequest) -> ConsentMatrix:
    pk = request.POST.get("matrix", "")
    seen = ConsentMatrix.objects.visible_to(request.user)
    found = seen.select_related("agency", "performer", "twin").filter(
        pk=int(pk) if pk.isdecimal() and len(pk) < 19 else None
    )
    matrix = found.first()
    if matrix is None:
        raise Http404(_("Choose the matrix first."))
    return matrix


def _cells(request: HttpRequest) -> tuple[list[Cell], list[str]]:
    """Return the cells that the form names, or what is wrong with it."""
    formset = CellFormSet(request.POST, instance=ConsentVersion())
    if not formset.is_valid():
        faults = [str(error) for form in formset.forms for error in form.errors.values()]
        return [], [*faults, *map(str, formset.non_form_errors())]
    return [form.cell() for form in formset.forms if form.has_changed()], []
