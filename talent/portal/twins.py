"""The portal's page of the twins that the reader may see."""

from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils import timezone
from django.views.decorators.http import require_GET

from talent import locales
from talent.consent import overview
from talent.models import CompositeSource, DigitalTwin
from talent.words import Power, TwinStatus

from .reader import Reader, portal_page, render_page


@require_GET
@portal_page(Power.SEE_TWINS)
def twins(request: HttpRequest) -> HttpResponse:
    reader = request.reader
    rows = list(twins_of(reader).annotate(build_count=Count("builds", distinct=True)))
    shares = overview.sources_of(rows, reader.principal.performer_id, timezone.localdate())
    values = [_twin(row, shares.get(row.pk), reader) for row in rows]
    told = {"twins": values, "sees_usage": reader.may(Power.SEE_USAGE)}
    return render_page(request, "portal/twins.html", "twins", told)


def twins_of(reader: Reader) -> QuerySet[DigitalTwin]:
    """Return the twins of the reader's principal that the reader may see."""
    return reader.principal.twins(reader.user).order_by("name", "pk")


def _twin(row: DigitalTwin, share: CompositeSource | None, reader: Reader) -> dict:
    return {
        "name": row.name,
        "url": reverse("portal:consent", args=[row.pk]),
        "tier": row.get_tier_display(),
        "legal_class": row.get_legal_class_display(),
        "status": row.get_status_display(),
        "active": row.status == TwinStatus.ACTIVE,
        "captured_on": row.captured_on,
        "capture": row.get_capture_method_display(),
        "builds": row.build_count,
        "share": share and locales.quantity(share.weight, reader.locale),
    }


urlpatterns = [path("twins/", twins, name="twins")]
