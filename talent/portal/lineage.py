"""The portal's page of what models are made of the reader: captures, datasets, builds, and pay."""

from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.http import require_GET

from talent import locales
from talent.models import Capture
from talent.provenance import performers
from talent.words import DataPurpose, Power

from .reader import Reader, portal_page, render_page


@require_GET
@portal_page(Power.SEE_TWINS)
def trained(request: HttpRequest) -> HttpResponse:
    """Show in which datasets and builds the reader is, and what performances left of them."""
    reader = request.reader
    performer = reader.principal.performer_id
    left = Capture.objects.filter(performer=performer).select_related("node__agency")
    told = {
        "datasets": [_dataset(one, reader) for one in performers.datasets_with(performer)],
        "left": [_capture(one) for one in left.order_by("-pk")],
    }
    return render_page(request, "portal/trained.html", "twins", told)


def _dataset(one: performers.InDataset, reader: Reader) -> dict:
    return {
        "agency": one.agency,
        "number": one.node,
        "files": locales.quantity(one.files, reader.locale),
        "pay": one.pay,
        "contaminated": one.contaminated,
        "builds": one.builds,
    }


def _capture(capture: Capture) -> dict:
    return {
        "name": capture.node.name,
        "kind": capture.get_kind_display(),
        "agency": capture.node.agency,
        "owner": capture.owner,
        "captured_on": capture.captured_on,
        "purposes": [DataPurpose(code).label for code in capture.purposes],
        "pay": capture.get_remuneration_display(),
    }


urlpatterns = [path("trained/", trained, name="trained")]
