"""Simulation for staff: what the grid in the editor would have done, before it is recorded."""

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from licensing.clearance.simulation import simulate
from talent.admin.matrix_editor import MatrixSheet
from talent.models import ConsentMatrix

MONTHS = 12


def what_if(admin_site, request: HttpRequest, matrix_id: int) -> HttpResponse:
    """Answer the editor of a matrix, which posts its grid here unsaved."""
    if not request.user.has_perm("talent.add_consentversion"):
        raise PermissionDenied
    seen = ConsentMatrix.objects.visible_to(request.user)
    matrix = get_object_or_404(seen.select_related("agency", "performer", "twin"), pk=matrix_id)
    if request.method != "POST":
        return redirect("admin:talent_consentmatrix_edit", matrix.pk)
    sheet = MatrixSheet.from_form(request.POST)
    cells = sheet.cells()
    simulation = None
    if not sheet.errors:
        simulation = simulate(
            matrix=matrix, cells=cells, months=MONTHS, user=request.user, at=timezone.now()
        )
    context = {
        **admin_site.each_context(request),
        "title": _("What this would have done in the last %d months") % MONTHS,
        "simulation": simulation,
        "faults": [text for texts in sheet.errors.values() for text in texts],
        "show_reasons": True,
    }
    return TemplateResponse(request, "admin/simulation.html", context)
