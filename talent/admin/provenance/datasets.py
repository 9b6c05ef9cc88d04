"""Datasets and their versions, read from manifests; and what performances left."""

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Sum
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.template.defaultfilters import filesizeformat
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.decorators import action
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminDateWidget,
    UnfoldAdminFileFieldWidget,
    UnfoldAdminSelectMultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from talent.custody import destruction
from talent.errors import Refused
from talent.lineage import graph
from talent.models import (
    Capture,
    Contamination,
    CustodyItem,
    Dataset,
    DatasetFile,
    DatasetVersion,
    LineageNode,
    Performer,
)
from talent.plain_text import is_line
from talent.provenance import croissant, data_provenance, datasets, exports, manifest, training
from talent.words import CaptureKind, DataPurpose, DataSplit, LineageKind, Remuneration

from ..base import DeskAdmin, FactAdmin
from ..parts import FactInline
from ..steps import step
from .nodes import RECORDS, latest
from .trainings import RegisterForm


class ManifestForm(forms.Form):
    """The manifest of a dataset's next version."""

    file = forms.FileField(
        label=_("Manifest (CSV or Croissant)"),
        widget=UnfoldAdminFileFieldWidget,
        help_text=_(
            "A CSV's first line names the columns: path, sha256, size, and where they are known"
            " split, owner, basis, performer, consent, reference, jurisdiction, purposes,"
            " remuneration, vault_item."
        ),
    )
    statement = forms.FileField(
        label=_("What its maker says of all files (Data Provenance Standard)"),
        required=False,
        widget=UnfoldAdminFileFieldWidget,
        help_text=_(
            "Its licence, country and purposes stand where the manifest says none. Not checked"
            " against the standard's schema."
        ),
    )
    note = forms.CharField(
        label=_("Remark"), max_length=500, required=False, widget=UnfoldAdminTextInputWidget
    )

    made_from = forms.ModelMultipleChoiceField(
        LineageNode.objects.none(),
        label=_("Made from"),
        required=False,
        widget=UnfoldAdminSelectMultipleWidget,
        help_text=_("Captures, versions of datasets and outputs that its files come from."),
    )

    def about(self, dataset):
        """Offer what this agency keeps and a dataset can be made from, the latest first."""
        kinds = graph.MADE_FROM[LineageKind.DATASET]
        kept = LineageNode.objects.filter(agency=dataset.agency_id, kind__in=kinds)
        self.fields["made_from"].queryset = latest(kept)

    def clean_file(self):
        return _read(self.cleaned_data["file"], _rows_in)

    def clean_statement(self):
        sent = self.cleaned_data["statement"]
        return _read(sent, data_provenance.read) if sent else None

    def clean(self):
        told = super().clean()
        if told.get("file") and told.get("statement"):
            try:
                rows = data_provenance.filled(told["file"], told["statement"])
                told["file"] = manifest.checked(rows)
            except Refused as refusal:
                self.add_error("statement", str(refusal))
        return told


def _rows_in(text):
    is_json = text.lstrip().startswith(("{", "["))
    return croissant.read(text) if is_json else manifest.read_csv(text)


def _read(sent, reader):
    """Return what a reader makes of a file that was sent; what it refuses is the form's error."""
    if sent.size > manifest.LARGEST:
        raise forms.ValidationError(_now("A manifest has at most 32 MB."))
    try:
        return reader(sent.read().decode("utf-8"))
    except UnicodeDecodeError as fault:
        raise forms.ValidationError(_now("Save the manifest as UTF-8.")) from fault
    except Refused as refusal:
        raise forms.ValidationError(str(refusal)) from refusal


class CaptureForm(forms.Form):
    """What a performance left, and the three questions about it."""

    performer = forms.ModelChoiceField(
        Performer.objects.none(), label=_("Whose likeness"), widget=UnfoldAdminSelectWidget
    )
    kind = forms.ChoiceField(
        label=_("What it is"), choices=CaptureKind.choices(), widget=UnfoldAdminSelectWidget
    )
    name = forms.CharField(label=_("Name"), max_length=250, widget=UnfoldAdminTextInputWidget)
    captured_on = forms.DateField(
        label=_("Captured on"), required=False, widget=UnfoldAdminDateWidget
    )
    owner = forms.CharField(
        label=_("Who owns it"), max_length=200, widget=UnfoldAdminTextInputWidget
    )
    purposes = forms.MultipleChoiceField(
        label=_("What it may be used for"),
        choices=DataPurpose.choices(),
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=_("None of them: it may be kept, and used for nothing."),
    )
    remuneration = forms.ChoiceField(
        label=_("How its use is paid"),
        choices=Remuneration.choices(),
        widget=UnfoldAdminSelectWidget,
    )
    custody_item = forms.ModelChoiceField(
        CustodyItem.objects.none(),
        label=_("Vault item"),
        required=False,
        widget=UnfoldAdminSelectWidget,
        help_text=_("If it lies in the vault."),
    )

    def about(self, rows):
        (dataset,) = rows
        self.fields["performer"].queryset = (
            Performer.objects.filter(representations__agency=dataset.agency_id)
            .distinct()
            .order_by("name")
        )
        kept = CustodyItem.objects.filter(agency=dataset.agency_id)
        self.fields["custody_item"].queryset = latest(kept.in_state(*destruction.KEPT_STATES))

    def clean(self):
        given = super().clean()
        item = given.get("custody_item")
        if item and item.performer != given.get("performer"):
            self.add_error("custody_item", _now("This item is somebody else's."))
        return given

    def _line(self, name):
        if not is_line(self.cleaned_data[name]):
            raise forms.ValidationError(_now("This is one line."))
        return self.cleaned_data[name]

    def clean_name(self):
        return self._line("name")

    def clean_owner(self):
        return self._line("owner")


class VersionInline(FactInline):
    model = DatasetVersion
    fields = readonly_fields = ["number", "note"]
    ordering = ["-number"]
    show_change_link = True


@admin.register(Dataset)
class DatasetAdmin(DeskAdmin):
    agency_path = "agency"
    list_display = ["name", "agency", "description"]
    list_filter = ["agency"]
    list_select_related = ["agency"]
    search_fields = ["name", "description"]
    ordering = ["name", "pk"]
    autocomplete_fields = ["agency"]
    inlines = [VersionInline]
    actions_detail = ["record_version", "record_capture"]
    when_empty = _("No dataset is recorded yet. Add one, then record a version by its manifest.")

    def get_urls(self):
        view = self.admin_site.admin_view(self.record)
        return [path("<int:dataset_id>/record/", view, name="record_dataset"), *super().get_urls()]

    @action(description=_("Record a version"), icon="playlist_add", url_path="record-version")
    def record_version(self, request, object_id):
        return redirect("admin:record_dataset", dataset_id=object_id)

    def record(self, request: HttpRequest, dataset_id: int) -> HttpResponse:
        """Read a manifest, and record it as the dataset's next version."""
        dataset = self.get_object(request, str(dataset_id))
        if not (request.user.has_perm(RECORDS) and self.has_seat(request, RECORDS, dataset)):
            raise PermissionDenied
        form = ManifestForm(request.POST or None, request.FILES or None)
        form.about(dataset)
        if request.method == "POST" and form.is_valid():
            try:
                version = datasets.record_version(
                    dataset=dataset, rows=form.cleaned_data["file"], at=timezone.now(),
                    by=request.user, note=form.cleaned_data["note"],
                    made_from=form.cleaned_data["made_from"],
                )  # fmt: skip
            except Refused as refusal:
                form.add_error("file", str(refusal))
            else:
                self.message_user(request, _now("%s is recorded.") % version)
                return redirect("admin:talent_datasetversion_change", version.pk)
        context = {
            **self.admin_site.each_context(request),
            "title": _now("Record a version of %(dataset)s") % {"dataset": dataset},
            "opts": self.opts,
            "original": dataset,
            "form": form,
            "back": reverse("admin:talent_dataset_change", args=[dataset.pk]),
        }
        return TemplateResponse(request, "admin/record_dataset.html", context)

    @step(
        label=_("Record what a performance left"),
        says=_(
            "It becomes a capture in the lineage, from which datasets are made. It stays recorded."
        ),
        done=_("Recorded. It stands under Captures."),
        permission=RECORDS,
        form=CaptureForm,
        icon="theater_comedy",
    )
    def record_capture(self, dataset, given):
        told = given.values
        datasets.record_capture(
            agency=dataset.agency, performer=told["performer"], name=told["name"],
            kind=CaptureKind(told["kind"]), owner=told["owner"],
            purposes=[DataPurpose(code) for code in told["purposes"]],
            remuneration=Remuneration(told["remuneration"]), captured_on=told["captured_on"],
            custody_item=told["custody_item"], at=given.at, by=given.by,
        )  # fmt: skip


class FileInline(FactInline):
    model = DatasetFile
    fields = readonly_fields = [
        "path", "split", "size", "owner", "basis", "performer", "consent", "reference",
        "jurisdiction", "purposes", "remuneration", "custody_item",
    ]  # fmt: skip
    ordering = ["path"]
    per_page = 20

    def get_queryset(self, request):
        rows = super().get_queryset(request)
        return rows.select_related("performer", "consent__matrix__performer", "custody_item")


@admin.register(DatasetVersion)
class DatasetVersionAdmin(FactAdmin):
    agency_path = "dataset__agency"
    list_display = ["__str__", "number", "note"]
    list_filter = ["dataset__agency"]
    list_select_related = ["dataset", "node"]
    search_fields = ["dataset__name", "note"]
    ordering = ["-pk"]
    fieldsets = [
        (None, {"fields": ["in_short", "dataset", "number", "node", "note", "as_croissant"]}),
        (None, {"fields": ["manifest_sha256"]}),
    ]
    inlines = [FileInline]
    actions_detail = ["register_training"]
    when_empty = _("No version is recorded yet. On a dataset's page is how to record one.")

    readonly_fields = ["in_short", "as_croissant"]

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("dataset__agency", "node")

    @admin.display(description=_("now"))
    def in_short(self, version):
        """Say how many files are there for what, of how many people, and what lies on it."""
        files = DatasetFile.objects.filter(version=version).order_by()
        splits = files.values_list("split").annotate(Count("pk")).order_by("split")
        told = files.aggregate(bytes=Sum("size"), people=Count("performer", distinct=True))
        parts = ", ".join(
            _now("%(count)d for %(split)s")
            % {"count": count, "split": DataSplit(split).label.lower()}
            for split, count in splits
        )
        people = ngettext("the likeness of one person", "the likeness of %d people", told["people"])
        whose = people % told["people"] if told["people"] > 1 else people
        said = _now("Files: %(parts)s; %(size)s; %(whose)s.") % {
            "parts": parts,
            "size": filesizeformat(told["bytes"]),
            "whose": whose if told["people"] else _now("nobody's likeness"),
        }
        marked = version.node.marks.filter(contamination__in=Contamination.objects.live())
        return _now("Contaminated: not to be trained on. %s") % said if marked.exists() else said

    @admin.display(description=_("for other programs"))
    def as_croissant(self, version):
        return format_html(
            '<a class="desk-link" href="{}">Croissant 1.1</a>'
            ' · <a class="desk-link" href="{}">Data Provenance Standard 1.0.0</a> ({})',
            reverse("admin:dataset_croissant", args=[version.pk]),
            reverse("admin:dataset_data_provenance", args=[version.pk]),
            _now("not checked against its schema"),
        )

    def get_urls(self):
        views = self.admin_site.admin_view
        return [
            path("<int:version_id>/croissant/", views(self.croissant), name="dataset_croissant"),
            path(
                "<int:version_id>/data-provenance/",
                views(self.data_provenance),
                name="dataset_data_provenance",
            ),
            *super().get_urls(),
        ]

    def data_provenance(self, request: HttpRequest, version_id: int) -> HttpResponse:
        """Send a version as Data Provenance Standard 1.0.0."""
        version = self.get_object(request, str(version_id))
        name = f'attachment; filename="N{version.node_id}-provenance.json"'
        told = exports.as_data_provenance(version)
        return JsonResponse(told, headers={"Content-Disposition": name})

    def croissant(self, request: HttpRequest, version_id: int) -> HttpResponse:
        """Send a version as Croissant 1.1."""
        version = self.get_object(request, str(version_id))
        return JsonResponse(
            exports.as_croissant(version),
            content_type=croissant.MEDIA_TYPE,
            headers={"Content-Disposition": f'attachment; filename="N{version.node_id}.json"'},
        )

    @step(
        label=_("Register a training"),
        says=_(
            "What was read is held against this afterwards. It cannot be changed, and not be"
            " registered once the training has begun."
        ),
        done=_("Registered. It stands under Training runs."),
        permission=RECORDS,
        form=RegisterForm,
        facts=lambda version: [(_("Version"), version), (_("Remark"), version.note or "–")],
        icon="model_training",
    )
    def register_training(self, version, given):
        told = dict(given.values)
        training.register(
            agency=version.dataset.agency, twin=told["twin"], provider=told["provider"],
            name=told["name"], purpose=DataPurpose(told["purpose"]), at=given.at, by=given.by,
            environment=told["environment"], versions=told["versions"],
            begins_at=told["begins_at"],
        )  # fmt: skip


@admin.register(Capture)
class CaptureAdmin(FactAdmin):
    agency_path = "node__agency"
    list_display = ["node", "performer", "kind", "owner", "remuneration", "captured_on"]
    list_filter = ["kind", "remuneration", "node__agency"]
    list_select_related = ["node", "performer"]
    search_fields = ["node__name", "performer__name", "owner"]
    ordering = ["-pk"]
    fieldsets = [
        (None, {"fields": ["node", "performer", "kind", "captured_on", "custody_item"]}),
        (_("Whose, for what, for how much"), {"fields": ["owner", "purposes", "remuneration"]}),
    ]
    when_empty = _("Nothing is recorded of what performances left. On a dataset's page is how.")

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("node", "performer", "custody_item")
