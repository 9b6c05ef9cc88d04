"""The portal's door to simulation: what another answer in one cell would have done."""

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from licensing.clearance.simulation import current_cells, simulate
from talent.consent.matrix import Cell, cell_name
from talent.models import ConsentMatrix, DigitalTwin, Performer
from talent.portal.reader import portal_page, render_page
from talent.words import Power, Right, Stance, Use


class ChangeForm(forms.Form):
    """Another answer for one cell, and how far to look back."""

    stance = forms.ChoiceField(
        label=_("What if the answer had been"),
        choices=[
            (Stance.DENY.value, _("no")),
            (Stance.ASK.value, _("ask me first")),
            (Stance.ALLOW.value, _("yes")),
        ],
    )
    months = forms.TypedChoiceField(
        label=_("In the last"),
        choices=[(3, _("3 months")), (12, _("12 months")), (24, _("24 months"))],
        coerce=int,
        initial=12,
    )


@require_GET
@portal_page(Power.SEE_USAGE)
def what_if(request: HttpRequest, twin_id: int) -> HttpResponse:
    """Say what another answer would have done; nothing is changed by asking."""
    reader = request.reader
    twin = get_object_or_404(reader.principal.twins(reader.user), pk=twin_id)
    performer = get_object_or_404(Performer, pk=reader.principal.performer_id)
    right, use = _cell_of(request)
    form = ChangeForm(request.GET if "stance" in request.GET else None)
    values = {
        "twin": twin,
        "form": form,
        "cell": request.GET["cell"],
        "name": cell_name(right, use),
    }
    if form.is_bound and form.is_valid():
        matrix, now = _matrix(twin, performer), timezone.now()
        values["simulation"] = simulate(
            matrix=matrix,
            cells=_cells_with(current_cells(matrix, now), right, use, form.cleaned_data["stance"]),
            months=form.cleaned_data["months"],
            user=reader.user,
            at=now,
        )
    return render_page(request, "portal/simulate.html", "consents", values)


def _cell_of(request: HttpRequest) -> tuple[str, str]:
    right, _dot, use = request.GET.get("cell", "").partition(".")
    if right not in Right.codes() or use not in Use.codes():
        raise Http404
    return right, use


def _matrix(twin: DigitalTwin, performer: Performer) -> ConsentMatrix:
    """Return the matrix that is the performer's to change; unsaved if there is none yet."""
    owner = {"twin": twin} if twin.performer_id == performer.pk else {"performer": performer}
    matrix = ConsentMatrix.objects.select_related("twin", "performer").filter(**owner).first()
    return matrix or ConsentMatrix(**owner)


def _cells_with(cells: tuple[Cell, ...], right: str, use: str, stance: str) -> list[Cell]:
    own = next((cell for cell in cells if (cell.right, cell.use) == (right, use)), None)
    changed = Cell(right, use, stance, own.scope) if own else Cell(right, use, stance)
    return [*(cell for cell in cells if cell is not own), changed]


urlpatterns = [path("twins/<int:twin_id>/what-if/", what_if, name="simulate")]
