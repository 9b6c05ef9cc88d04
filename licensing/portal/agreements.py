"""The portal's door to agreements: documents, and what only the performer reads beside them."""

from django.db.models import QuerySet
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from licensing.agreements import document
from licensing.agreements.document.drawing import drawn_file
from licensing.models import AgreementDocument
from licensing.words import DocumentKind
from talent.models import DigitalTwin, Performer
from talent.portal.reader import Reader, portal_page, render_page
from talent.words import Power


@require_GET
@portal_page(Power.SEE_USAGE)
def agreements(request: HttpRequest) -> HttpResponse:
    """List the documents that bind, or are to bind, the performer; the newest first."""
    rows = documents_for(request.reader).order_by("-drawn_at", "-pk")[:200]
    told = [(row, in_words(row)) for row in rows]
    return render_page(request, "portal/agreements.html", "twins", {"documents": told})


@require_GET
@portal_page(Power.SEE_USAGE)
def agreement(request: HttpRequest, document_id: int) -> HttpResponse:
    """Show an agreement in plain words, with what the studio does not read."""
    reader, row = request.reader, _document(request.reader, document_id)
    performer = Performer.objects.get(pk=reader.principal.performer_id)
    beside = (
        document.before_signing(row.agreement, performer, at=timezone.now(), locale=reader.locale)
        if reader.may(Power.SEE_MONEY)
        else []
    )
    values = {
        "document": row,
        "which": in_words(row),
        "beside": beside,
        "summary": (row.content or {}).get("summary", []),
    }
    return render_page(request, "portal/agreement.html", "twins", values)


@require_GET
@portal_page(Power.SEE_USAGE)
def agreement_file(request: HttpRequest, document_id: int) -> FileResponse:
    row = _document(request.reader, document_id)
    name = f"{row.agreement.reference}-{row.number}.pdf"
    response = FileResponse(drawn_file(row), filename=name, content_type="application/pdf")
    if row.kind == DocumentKind.IMPORTED:
        # From outside: nothing of it runs in this desk's name.
        response.headers["Content-Security-Policy"] = "sandbox"
    return response


def in_words(row: AgreementDocument) -> str:
    """Say which document it is; one that was drawn to be signed says once it was."""
    if row.kind == DocumentKind.TO_SIGN and row.agreement.signed_at is not None:
        return _("Signed")
    return str(row.get_kind_display())


def documents_for(reader: Reader) -> QuerySet[AgreementDocument]:
    """Return the documents about the twins of the performer for whom a reader acts."""
    twins = DigitalTwin.objects.of_performers([reader.principal.performer_id])
    return (
        AgreementDocument.objects.visible_to(reader.user)
        .filter(agreement__twin__in=twins.values("pk"))
        .exclude(kind=DocumentKind.DRAFT.value)
        .select_related("agreement__licensee", "agreement__twin", "agreement__agency")
    )


def _document(reader: Reader, document_id: int) -> AgreementDocument:
    row: AgreementDocument | None = documents_for(reader).filter(pk=document_id).first()
    if row is None:
        raise Http404
    return row


urlpatterns = [
    path("agreements/", agreements, name="agreements"),
    path("agreements/<int:document_id>/", agreement, name="agreement"),
    path("agreements/<int:document_id>/document.pdf", agreement_file, name="agreement-file"),
]
