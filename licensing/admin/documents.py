"""Documents of agreements: drawn on the agreement's page, opened and compared on their own."""

from django.contrib import admin
from django.http import FileResponse, Http404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action

from licensing.agreements import document
from licensing.agreements.clauses.redline import redline
from licensing.agreements.document import clause_versions
from licensing.agreements.document.drawing import drawn_file
from licensing.models import AgreementDocument
from licensing.words import DocumentKind
from talent.admin.base import FactAdmin
from talent.admin.parts import FactInline
from talent.admin.steps import step

from .amendments import is_signed
from .drafts import is_draft
from .signing import tell_called_back

DRAWS = "licensing.change_agreement"


def _file_link(row):
    url = reverse("admin:licensing_agreementdocument_pdf", args=[row.pk])
    return format_html('<a class="desk-link" href="{}">{}</a>', url, _("Open the PDF"))


class DocumentInline(FactInline):
    """Of an agreement's page: what was drawn of it."""

    model = AgreementDocument
    fields = readonly_fields = ["number", "kind", "drawn_at", "drawn_by", "file"]
    ordering = ["-number"]
    show_change_link = True

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("drawn_by", "agreement")

    @admin.display(description=_("file"))
    def file(self, row):
        return _file_link(row)


class DrawsDocuments:
    """Of an agreement's page: the steps that draw its document, and take newer clauses."""

    @admin.display(description=_("clauses of which a newer version was published"))
    def newer_clauses(self, agreement):
        """Say of which clauses a draft uses an older version; a signed one keeps its own."""
        if agreement.pk is None or not is_draft(agreement):
            return _("A signed agreement keeps the clauses it was signed with.")
        if not hasattr(agreement, "_newer"):
            agreement._newer = clause_versions.with_newer(agreement)
        if not agreement._newer:
            return _("None. The next draft that is drawn uses the newest of what it has not yet.")
        return ", ".join(row.title for row in agreement._newer)

    @step(
        label=_("Draw a draft"),
        icon="description",
        permission=DRAWS,
        says=_(
            "The text is drawn from the terms as they are now, under the next number. It is marked "
            "as a draft and binds nobody. What it still misses is listed on its first page."
        ),
        done=_("%(row)s: the draft is drawn. It stands under Documents."),
        offered=is_draft,
        facts=lambda agreement: _missing(agreement),
    )
    def draw_draft(self, agreement, given):
        document.draw(agreement=agreement, kind=DocumentKind.DRAFT, at=given.at, by=given.by)

    @step(
        label=_("Draw as amended"),
        icon="difference",
        permission=DRAWS,
        says=_(
            "The whole text is drawn anew from the terms that hold now, with what changed against "
            "the version before it. That version stays as it is."
        ),
        done=_("%(row)s: the new version is drawn. It stands under Documents."),
        offered=is_signed,
        facts=lambda agreement: _missing(agreement),
    )
    def draw_amended(self, agreement, given):
        document.draw(agreement=agreement, kind=DocumentKind.AMENDED, at=given.at, by=given.by)

    @step(
        label=_("Take newer clauses"),
        icon="upgrade",
        permission=DRAWS,
        says=_(
            "The draft keeps the wording it was first drawn with. Newer versions of its clauses "
            "take their place, and clauses about twins of another tier are dropped; draw the draft "
            "again to read it."
        ),
        done=_("%(row)s uses the newest version of each clause. Draw the draft again to read it."),
        offered=is_draft,
        facts=lambda agreement: _newer(agreement),
    )
    def take_newer_clauses(self, agreement, given):
        clause_versions.take_newer(agreement=agreement, at=given.at)
        tell_called_back(self, given.request, agreement)


def _missing(agreement):
    """Yield what the document still misses, with the step of the wizard that mends it."""
    lacking = document.missing(agreement, at=timezone.now())
    for one in lacking:
        yield one.place, f"{one.sentence} ({one.step.label})"
    if not lacking:
        yield _("Still missing"), _("nothing")


def _newer(agreement):
    found = clause_versions.with_newer(agreement)
    for row in found:
        yield row.title, _("version %(own)d → %(newest)d") % {
            "own": row.own, "newest": row.newest,
        }  # fmt: skip
    if not found:
        yield _("Newer versions"), _("none")


def _since(row):
    """Say whether the terms are still those that a document was drawn from."""
    if document.is_current(row, at=timezone.now()):
        return _("The terms are unchanged since: it says what is agreed now.")
    return _("The terms have changed since: draw it again, whoever reads it reads old terms.")


@admin.register(AgreementDocument)
class AgreementDocumentAdmin(FactAdmin):
    """What was drawn stays as it was drawn; here it is opened and compared."""

    for_programs = ("digest",)
    agency_path = "agreement__agency"
    list_display = ["__str__", "agreement", "kind", "drawn_at", "drawn_by", "file"]
    list_filter = ["kind"]
    list_select_related = ["agreement", "drawn_by"]
    search_fields = ["agreement__reference"]
    ordering = ["-pk"]
    fields = readonly_fields = [
        "of", "number", "kind", "drawn_at", "drawn_by", "file", "digest",
        "content_sha256",
    ]  # fmt: skip
    actions_detail = ["open_file", "redline"]
    when_empty = _("Nothing was drawn yet. Draw a draft on the page of an agreement.")

    def get_urls(self):
        view = self.admin_site.admin_view(self.send_file)
        name = "licensing_agreementdocument_pdf"
        return [path("<int:pk>/pdf/", view, name=name), *super().get_urls()]

    @admin.display(description=_("agreement"))
    def of(self, row):
        url = reverse("admin:licensing_agreement_change", args=[row.agreement_id])
        return format_html('<a class="desk-link" href="{}">{}</a>', url, row.agreement)

    @admin.display(description=_("file"))
    def file(self, row):
        return _file_link(row)

    @action(description=_("Open the PDF"), icon="picture_as_pdf", permissions=["view"])
    def open_file(self, request, object_id):
        return self.send_file(request, int(object_id))

    def send_file(self, request, pk):
        """Send the file as it was drawn, once its digest is checked."""
        row = AgreementDocument.objects.visible_to(request.user).filter(pk=pk).first()
        if row is None or not self.has_view_permission(request, row):
            raise Http404(_("There is no such file for you."))
        name = f"{row.agreement.reference}-{row.number}.pdf"
        response = FileResponse(drawn_file(row), filename=name, content_type="application/pdf")
        if row.kind == DocumentKind.IMPORTED:
            # From outside: nothing of it runs in this desk's name.
            response.headers["Content-Security-Policy"] = "sandbox"
        return response

    @action(description=_("What changed"), icon="compare_arrows", permissions=["view"])
    def redline(self, request, object_id):
        """Show what differs between a document and an earlier one, in words and in numbers."""
        row = self.get_object(request, object_id)
        seen = AgreementDocument.objects.visible_to(request.user)
        earlier = list(
            seen.filter(agreement=row.agreement_id, number__lt=row.number)
            .exclude(content_sha256="")
            .order_by("-number")
        )
        wanted = request.GET.get("with", "")
        before = next((one for one in earlier if str(one.number) == wanted), None)
        before = before or next(iter(earlier), None)
        context = {
            **self.admin_site.each_context(request),
            "title": _("%s: what changed") % row,
            "opts": self.opts,
            "document": row,
            "earlier": earlier,
            "before": before,
            "changes": before and redline(before.content, row.content),
            "terms": _since(row),
        }
        return TemplateResponse(request, "admin/redline.html", context)
