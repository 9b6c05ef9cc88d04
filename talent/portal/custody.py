"""The portal's page of what is held of the reader: scans, recordings, and who read them."""

from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from talent import locales
from talent.custody.destruction import KEPT_STATES
from talent.custody.retention.standing import Standing, standings
from talent.models import (
    CustodyItem,
    CustodyRead,
    Destruction,
    DestructionCertificate,
    HeldElsewhere,
)
from talent.words import CustodyPurpose, CustodyStepKind, Power, ReadCause

from .reader import Reader, portal_page, render_page

# Of uploads that came to nothing, nothing is held.
SHOWN = (*KEPT_STATES, CustodyStepKind.DESTROYED)


@require_GET
@portal_page(Power.SEE_TWINS)
def held(request: HttpRequest) -> HttpResponse:
    """Show the reader's items, newest first, each with all its reads."""
    reader = request.reader
    reads = CustodyRead.objects.select_related("by", "grant").order_by("-pk")
    items = (
        CustodyItem.objects.filter(performer=reader.principal.performer_id)
        .in_state(*SHOWN)
        .select_related("agency", "performer")
        .prefetch_related(
            Prefetch("reads", reads),
            Prefetch("destructions", Destruction.objects.select_related("certificate")),
        )
        .order_by("-pk")
    )
    until = standings(list(items), at=timezone.now())
    others = HeldElsewhere.objects.filter(performer=reader.principal.performer_id).with_state()
    told = {
        "elsewhere": others.order_by("-pk"),
        "items": [_item(item, until[item.pk], reader) for item in items],
    }
    return render_page(request, "portal/held.html", "twins", told)


def _item(item: CustodyItem, until: Standing, reader: Reader) -> dict:
    return {
        "until": until,
        "name": item.name,
        "kind": item.get_kind_display(),
        "agency": item.agency,
        "is_held": item.state != CustodyStepKind.DESTROYED,
        "state": CustodyStepKind(item.state).label,
        "size": locales.quantity(item.size, reader.locale),
        "stored_at": item.begun_at,
        "captured_on": item.captured_on,
        "purposes": [CustodyPurpose(code).label for code in item.purposes],
        "reads": [_read(read) for read in item.reads.all()],
        "certificate": next(
            (one.pk for one in item.destructions.all() if hasattr(one, "certificate")), None
        ),
    }


def _read(read: CustodyRead) -> dict:
    return {
        "who": read.by.get_full_name() or read.by.email,
        "at": read.at,
        "for_what": read.get_purpose_display() or _("Without a grant"),
        "without_grant": read.cause == ReadCause.BREAK_GLASS,
        "reason": read.reason,
    }


@require_GET
@portal_page(Power.SEE_TWINS)
def certificate(request: HttpRequest, destruction_id: int) -> HttpResponse:
    """Send the certificate of one of the reader's items as a PDF."""
    mine = DestructionCertificate.objects.filter(
        destruction__item__performer=request.reader.principal.performer_id
    )
    stored = get_object_or_404(mine, destruction=destruction_id)
    response = HttpResponse(bytes(stored.pdf), content_type="application/pdf")
    response["Content-Disposition"] = f'attachment; filename="destruction-{destruction_id}.pdf"'
    return response


urlpatterns = [
    path("held/", held, name="held"),
    path("held/destruction-<int:destruction_id>.pdf", certificate, name="destruction"),
]
