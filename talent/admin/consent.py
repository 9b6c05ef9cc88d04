"""Consent matrices and their versions: edited on one grid, recorded once, shown for ever."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action

from talent.consent import changes, consents, documents, overview
from talent.consent.diff import bounds_in_words, differences
from talent.errors import Refused
from talent.models import (
    Agency,
    ConsentCell,
    ConsentMatrix,
    ConsentVersion,
    DigitalTwin,
    Performer,
)

from . import matrix_editor as editor
from .base import DeskAdmin, FactAdmin
from .parts import FactInline

CONSENT_TYPE = "application/json"
JSON_LD = "application/ld+json"


class ConsentVersionInline(FactInline):
    model = ConsentVersion
    fields = ["number", "in_force_from", "recorded_at", "method", "represented_by"]
    readonly_fields = fields
    ordering = ["-number"]
    show_change_link = True


@admin.register(ConsentMatrix)
class ConsentMatrixAdmin(DeskAdmin):
    agency_path = "agency"
    list_display = ["__str__", "owner", "guild", "agency", "performer", "twin"]
    list_filter = ["guild"]
    list_select_related = ["agency", "performer", "twin__performer"]
    search_fields = ["agency__name", "performer__name", "twin__name"]
    ordering = ["pk"]
    autocomplete_fields = ["agency", "performer", "twin"]
    inlines = [ConsentVersionInline]
    actions_detail = ["edit"]

    @admin.display(description=_("owner"))
    def owner(self, matrix):
        return owner_of(matrix)

    def at_agencies(self, agencies):
        """Match an agency's own default, its performers' consents, and those of their twins."""
        performers = Performer.objects.represented_by(agencies)
        # Leaves out personas that merely draw on one of them: those belong to their own agency.
        twins = DigitalTwin.objects.filter(Q(performer__in=performers) | Q(agency__in=agencies))
        return Q(agency__in=agencies) | Q(performer__in=performers) | Q(twin__in=twins)

    def has_change_permission(self, request, obj=None):
        """Refuse edits: a matrix's owner never changes, and what it allows changes by a version."""
        return obj is None and super().has_change_permission(request, obj)

    def has_record_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        return request.user.has_perm("talent.add_consentversion")

    def response_add(self, request, obj, post_url_continue=None):
        """Redirect to the grid, since a new matrix has no version yet."""
        return redirect("admin:talent_consentmatrix_edit", obj.pk)

    @action(description=_("Edit the matrix"), icon="grid_on", permissions=["view"])
    def edit(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show the grid, or record what was sent as a new version."""
        rows = self.get_queryset(request).select_related(
            "agency", "performer", "twin__performer", "twin__agency"
        )
        consent = rows.filter(pk=_number(object_id)).first()
        if consent is None:
            raise Http404
        if not self.has_view_permission(request, consent):
            raise PermissionDenied
        page = MatrixPage(self, request, consent)
        return page.receive() if request.method == "POST" else page.show()

    def may_record(self, request: HttpRequest, consent: ConsentMatrix) -> bool:
        """Tell whether the user's own seat lets them change what this owner allows."""
        recording = self.has_record_permission(request)
        return recording and self.may(request, "change", consent)


class MatrixPage:
    """One request to the matrix editor: shows the grid, or handles a submitted one."""

    def __init__(
        self, model_admin: ConsentMatrixAdmin, request: HttpRequest, consent: ConsentMatrix
    ) -> None:
        self.admin, self.request, self.consent = model_admin, request, consent
        self.at = timezone.now()
        self.may_save = model_admin.may_record(request, consent)
        self.matrix = changes.matrix_to_edit(consent, by=request.user, at=self.at)

    def show(self) -> HttpResponse:
        sheet = editor.MatrixSheet.of(
            self.matrix.cells, editor.key_of(self.request.GET.get("cell", ""))
        )
        initial = editor.initial_evidence(self.matrix.current)
        return self._page(sheet, editor.EvidenceForm(initial=initial))

    def receive(self) -> HttpResponse:
        """Handle a submitted grid: open another cell's panel, or record the grid as a version."""
        sheet = editor.MatrixSheet.from_form(self.request.POST)
        form = editor.EvidenceForm(self.request.POST)
        if "open" in self.request.POST:
            return self._page(sheet, editor.EvidenceForm(initial=self.request.POST.dict()))
        if not self.may_save:
            raise PermissionDenied
        cells = sheet.cells()
        if sheet.errors or not form.is_valid():
            return self._page(sheet, form, refusal=_("Nothing was recorded: see what is wrong."))
        return self._record(sheet, form, cells)

    def _record(
        self, sheet: editor.MatrixSheet, form: editor.EvidenceForm, cells: list
    ) -> HttpResponse:
        try:
            version = changes.change(
                consent=self.consent,
                cells=cells,
                evidence=form.evidence(),
                based_on=_number(self.request.POST.get("based_on", "")),
                in_force_from=form.cleaned_data["in_force_from"],
                at=self.at,
                by=self.request.user,
                reason=form.cleaned_data["reason"],
            )
        except changes.ConsentLoosens as refusal:
            sheet.errors = refusal.reasons
            text = _("Nothing was recorded: these cells are looser than what is above them.")
            return self._page(sheet, form, refusal=text)
        except changes.ConsentChangedMeanwhile as refusal:
            return self._page(sheet, form, refusal=refusal, meanwhile=self._meanwhile(refusal))
        except Refused as refusal:
            return self._page(sheet, form, refusal=refusal)
        text = _("%(version)s is recorded. The SHA-256 of its text is %(hash)s.")
        values = {"version": version, "hash": version.text_sha256}
        self.admin.message_user(self.request, text % values)
        step = "compare" if version.number > 1 else "change"
        return redirect(f"admin:talent_consentversion_{step}", version.pk)

    def _meanwhile(self, refusal: changes.ConsentChangedMeanwhile):
        """Describe what the version recorded in the meantime changed."""
        read = self.consent.versions.filter(number=_number(self.request.POST.get("based_on", "")))
        before = consents.cells_of(read.get()) if read.exists() else ()
        return differences(before, consents.cells_of(refusal.version))

    def _page(
        self,
        sheet: editor.MatrixSheet,
        form: editor.EvidenceForm,
        *,
        refusal: Any = "",
        meanwhile=None,
    ) -> HttpResponse:
        # Somebody else's version is shown before it can be saved over.
        read = _number(self.request.POST.get("based_on", ""))
        sent = self.request.method == "POST" and meanwhile is None
        context = {
            **self.admin.admin_site.each_context(self.request),
            "title": _("What %s allows") % owner_of(self.consent),
            "opts": self.admin.opts,
            "matrix": self.consent,
            "original": self.consent,
            "current": self.matrix.current,
            "scheduled": self.matrix.scheduled,
            "based_on": read if sent else self.matrix.latest,
            "may_save": self.may_save,
            "uses": overview.USES,
            "rows": editor.rows(sheet, self.matrix),
            "panel": editor.panel(sheet, self.matrix, self.consent),
            "evidence": form,
            "refusal": refusal,
            "meanwhile": meanwhile,
            "errors": [("-".join(key), texts) for key, texts in sheet.errors.items()],
        }
        status = 409 if meanwhile is not None else 200
        return TemplateResponse(self.request, "admin/matrix.html", context, status=status)


def owner_of(matrix: ConsentMatrix):
    return matrix.twin or matrix.performer or matrix.agency or matrix.get_guild_display()


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 9 else 0


class ConsentCellInline(FactInline):
    model = ConsentCell
    fields = [
        "right", "use", "stance", "bounds", "overrules_agency",
    ]  # fmt: skip
    readonly_fields = ["bounds"]
    ordering = ["right", "use"]

    @admin.display(description=_("scope"))
    def bounds(self, cell):
        """Say where, when, for whom and how much the stance holds."""
        scope = consents.scope_of(cell)
        return "; ".join(f"{name}: {value}" for name, value in bounds_in_words(scope).items())


@admin.register(ConsentVersion)
class ConsentVersionAdmin(FactAdmin):
    """Shows versions, what each changed, and its papers; the matrix's grid records new ones."""

    list_display = ["__str__", "matrix", "in_force_from", "recorded_at", "method", "recorded_by"]
    list_filter = ["method", "represented_by"]
    list_select_related = ["matrix", "recorded_by"]
    search_fields = ["matrix__performer__name", "matrix__twin__name", "matrix__agency__name"]
    ordering = ["-recorded_at", "-pk"]
    fields = [
        "matrix", "number", "in_force_from", "recorded_at", "recorded_by", "text_shown",
        "text_language", "text_sha256", "method", "represented_by", "representative", "signed_on",
        "reason",
    ]  # fmt: skip
    inlines = [ConsentCellInline]
    actions_detail = ["compare", "receipt", "policy", "training"]

    @action(description=_("What it changed"), icon="compare_arrows", permissions=["view"])
    def compare(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show what differs between a version and another one of its matrix."""
        version = self._version(request, object_id)
        others = list(
            version.matrix.versions.exclude(pk=version.pk)
            .order_by("-number")
            .only("number", "in_force_from", "matrix")
        )
        wanted = _number(request.GET.get("with", "")) or version.number - 1
        before = next((other for other in others if other.number == wanted), None)
        context = {
            **self.admin_site.each_context(request),
            "title": _("%s: what it changed") % version,
            "opts": self.opts,
            "version": version,
            "others": others,
            "before": before,
            "changes": before
            and differences(consents.cells_of(before), consents.cells_of(version)),
        }
        return TemplateResponse(request, "admin/compare_consents.html", context)

    @action(description=_("Receipt"), icon="receipt_long", permissions=["view"])
    def receipt(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Send the person's receipt (ISO/IEC TS 27560)."""
        version = self._version(request, object_id)
        controller = Agency.objects.visible_to(request.user).first()
        return self._sent(
            request,
            version,
            lambda: documents.receipt_of(version, controller=controller),
            "receipt.json",
        )

    @action(description=_("ODRL policy"), icon="policy", permissions=["view"])
    def policy(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Send what all layers together allow, as an ODRL policy."""
        version = self._version(request, object_id)
        return self._sent(
            request,
            version,
            lambda: documents.policy_of(version, **self._for_reader(request, version)),
            "policy.jsonld",
            JSON_LD,
        )

    @action(description=_("Training assertion"), icon="model_training", permissions=["view"])
    def training(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Send what all layers together say of training, as a CAWG assertion."""
        version = self._version(request, object_id)
        return self._sent(
            request,
            version,
            lambda: documents.training_of(version, **self._for_reader(request, version)),
            "training-mining.json",
        )

    def _version(self, request: HttpRequest, object_id: str) -> ConsentVersion:
        rows = self.get_queryset(request).select_related(
            "matrix__agency", "matrix__performer", "matrix__twin__performer"
        )
        found = rows.filter(pk=_number(object_id)).first()
        if found is None:
            raise Http404
        if not self.has_view_permission(request, found):
            raise PermissionDenied
        return found

    def _for_reader(self, request: HttpRequest, version: ConsentVersion) -> dict[str, Any]:
        """Return the arguments for derived documents: which agencies, and as of when.

        As of now if the version is in force, else as of the instant it came into force.
        """
        now = timezone.now()
        current = ConsentVersion.objects.in_force(now, now).filter(matrix=version.matrix_id)
        at = now if current.filter(pk=version.pk).exists() else version.in_force_from
        return {"agencies": Agency.objects.visible_to(request.user), "at": at, "known_at": now}

    def _sent(self, request, version, derive, name: str, content_type: str = CONSENT_TYPE):
        try:
            document = derive()
        except Refused as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
            return redirect("admin:talent_consentversion_change", version.pk)
        return download(
            document, f"consent-{version.matrix_id}-{version.number}-{name}", content_type
        )


def download(document: dict[str, Any], name: str, content_type: str = CONSENT_TYPE) -> HttpResponse:
    """Send a derived document as a file."""
    return JsonResponse(
        document,
        content_type=content_type,
        json_dumps_params={"indent": 2, "ensure_ascii": False},
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
