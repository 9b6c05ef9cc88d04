"""The lineage: what was made from what, what is contaminated, and the graph of it."""

from decimal import Decimal

from django import forms
from django.contrib import admin
from django.db.models import Exists, OuterRef
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminSplitDateTimeWidget,
    UnfoldAdminTextInputWidget,
)

from talent.lineage import contamination, graph
from talent.models import Contamination, ContaminationMark, DatasetFile, LineageEdge, LineageNode
from talent.plain_text import is_line
from talent.provenance import drawing, exports
from talent.words import ContaminationCause, LineageKind

from ..base import FactAdmin
from ..parts import FactInline
from ..steps import ReasonForm, step
from . import credentials
from .credentials import RECORDS

OFFERED = 300


def latest(rows):
    """Return the latest of some rows, as a form's select offers them."""
    ids = list(rows.order_by("-pk").values_list("pk", flat=True)[:OFFERED])
    return rows.filter(pk__in=ids).order_by("-pk")


class MarkForm(ReasonForm):
    """Why something may not be built upon, and from when."""

    cause = forms.ChoiceField(
        label=_("Cause"), choices=ContaminationCause.choices(), widget=UnfoldAdminSelectWidget
    )
    from_at = forms.SplitDateTimeField(
        label=_("From"),
        widget=UnfoldAdminSplitDateTimeWidget,
        help_text=_("From when it may not be used. What is made from it is refused from then on."),
    )
    file = forms.CharField(
        label=_("Only this file"),
        required=False,
        max_length=500,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("Its path in the dataset. Empty: all of it."),
    )
    field_order = ("cause", "from_at", "file", "reason")

    def about(self, rows):
        (self.node,) = rows
        self.fields["from_at"].initial = timezone.localtime().replace(second=0, microsecond=0)
        if self.node.kind != LineageKind.DATASET:
            del self.fields["file"]

    def clean_file(self):
        told = self.cleaned_data["file"]
        if not told:
            return None
        file = DatasetFile.objects.filter(version__node=self.node, path=told).first()
        if file is None:
            raise forms.ValidationError(_now("This version holds no file of that path."))
        return file


class ConnectForm(forms.Form):
    """From what else something was made."""

    source = forms.ModelChoiceField(
        LineageNode.objects.none(), label=_("Made from"), widget=UnfoldAdminSelectWidget
    )
    share = forms.DecimalField(
        label=_("Share"),
        required=False,
        min_value=Decimal("0.000001"),
        max_value=1,
        max_digits=7,
        decimal_places=6,
        widget=UnfoldAdminDecimalFieldWidget,
        help_text=_("Of its data, from 0 to 1. Empty: not known."),
    )

    def about(self, rows):
        """Offer what this agency keeps and this kind can be made from, the latest first."""
        (node,) = rows
        kept = LineageNode.objects.filter(
            agency=node.agency_id, kind__in=graph.MADE_FROM[node.kind]
        ).exclude(pk=node.pk)
        self.fields["source"].queryset = latest(kept)


class OutputForm(forms.Form):
    """What a build made."""

    name = forms.CharField(label=_("Name"), max_length=250, widget=UnfoldAdminTextInputWidget)
    sha256 = forms.RegexField(
        r"\A[0-9a-f]{64}\Z",
        label=_("SHA-256"),
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("Of its one file, as 64 hexadecimal digits in lower case, where it has one."),
    )

    def clean_name(self):
        if not is_line(self.cleaned_data["name"]):
            raise forms.ValidationError(_now("This is one line."))
        return self.cleaned_data["name"]


class MadeFromInline(FactInline):
    model = LineageEdge
    fk_name = "target"
    verbose_name_plural = _("made from")
    fields = readonly_fields = ["source", "share", "at", "by"]
    ordering = ["pk"]
    per_page = 20

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("source", "by")


class MadeInline(FactInline):
    model = LineageEdge
    fk_name = "source"
    verbose_name_plural = _("what was made from it")
    fields = readonly_fields = ["target", "share", "at", "by"]
    ordering = ["pk"]
    per_page = 20

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("target", "by")


def contaminated():
    """Return whether a live contamination reaches a node, as an annotation of nodes."""
    return Exists(
        ContaminationMark.objects.filter(
            node=OuterRef("pk"), contamination__in=Contamination.objects.live()
        )
    )


class ContaminatedFilter(admin.SimpleListFilter):
    title = _("contaminated")
    parameter_name = "contaminated"

    def lookups(self, request, model_admin):
        return [("yes", _("Yes")), ("no", _("No"))]

    def queryset(self, request, queryset):
        known = self.value() in ("yes", "no")
        return queryset.filter(is_contaminated=self.value() == "yes") if known else queryset


@admin.register(LineageNode)
class LineageNodeAdmin(FactAdmin):
    agency_path = "agency"
    list_display = ["name", "kind", "agency", "state_label", "recorded_at"]
    list_filter = ["kind", ContaminatedFilter, "agency"]
    list_select_related = ["agency"]
    search_fields = ["name"]
    ordering = ["-pk"]
    readonly_fields = ["state_label"]
    fieldsets = [
        (None, {"fields": ["name", "kind", "agency", "build", "state_label"]}),
        (_("Who recorded it"), {"fields": ["recorded_at", "recorded_by"]}),
        (None, {"fields": ["sha256"]}),
    ]
    inlines = [MadeFromInline, MadeInline]
    actions_list = ["read_credentials", "export_list", "export_workbook"]
    actions_detail = [
        "see_graph", "injunction_drill", "mark_contaminated", "made_from", "record_output",
    ]  # fmt: skip
    when_empty = _(
        "Nothing is recorded yet. A version of a dataset, a capture and a build that came out of a"
        " registered training stand here by themselves."
    )

    def get_queryset(self, request):
        rows = super().get_queryset(request).select_related("build__twin", "recorded_by")
        return rows.annotate(is_contaminated=contaminated())

    @display(description=_("state"), label={_("Contaminated"): "danger"})
    def state_label(self, node):
        return _("Contaminated") if node.is_contaminated else _("Nothing known against it")

    def get_urls(self):
        view = self.admin_site.admin_view(self.graph)
        export = self.admin_site.admin_view(self.export)
        credentials_of = self.admin_site.admin_view(self.credentials)
        own = [
            path("credentials/", credentials_of, name="content_credentials"),
            path("<int:node_id>/graph/", view, name="lineage_graph"),
            path("<int:node_id>/as-<slug:kind>/", export, name="lineage_export"),
        ]
        return [*own, *super().get_urls()]

    def has_record_permission(self, request, obj=None):
        return request.user.has_perm(RECORDS)

    @action(description=_("Read content credentials"), permissions=["record"], icon="verified_user")
    def read_credentials(self, request):
        return redirect("admin:content_credentials")

    def credentials(self, request: HttpRequest) -> HttpResponse:
        """Show what the content credentials of a file come to."""
        return credentials.read(self.admin_site, request)

    def export(self, request: HttpRequest, node_id: int, kind: str) -> HttpResponse:
        """Send what is behind a node in one of the formats of others."""
        node = self.get_object(request, str(node_id))
        if kind not in exports.FORMATS:
            raise Http404(_now("The desk knows no such format."))
        told = exports.graph_behind(node, LineageNode.objects.visible_to(request.user))
        return JsonResponse(
            exports.FORMATS[kind](told, timezone.now()),
            safe=False,
            headers={"Content-Disposition": f'attachment; filename="N{node.pk}-{kind}.json"'},
        )

    @action(description=_("See the graph"), icon="account_tree", url_path="see-graph")
    def see_graph(self, request, object_id):
        return redirect("admin:lineage_graph", node_id=object_id)

    @action(description=_("If it falls"), icon="gavel", url_path="injunction-drill")
    def injunction_drill(self, request, object_id):
        return redirect("admin:injunction_drill", node_id=object_id)

    def graph(self, request: HttpRequest, node_id: int) -> HttpResponse:
        """Draw what a node is made from and what is made from it, with the same as a table."""
        node = self.get_object(request, str(node_id))
        seen = LineageNode.objects.visible_to(request.user)
        context = {
            **self.admin_site.each_context(request),
            "title": _now("Lineage of %(node)s") % {"node": node},
            "opts": self.opts,
            "original": node,
            "picture": drawing.around(node, seen),
            "formats": exports.TITLES.items(),
            "back": reverse("admin:talent_lineagenode_change", args=[node.pk]),
        }
        return TemplateResponse(request, "admin/lineage_graph.html", context)

    @step(
        label=_("Mark as contaminated"),
        says=_(
            "All that is made from it is marked at once, at any depth, and a studio's next"
            " clearance with a build among them is refused with the path. Only two other people"
            " clear it."
        ),
        done=_("%(row)s is marked, and all that is made from it."),
        permission=contamination.MARKS,
        form=MarkForm,
        facts=lambda node: [(_("What"), node), (_("Kind"), node.get_kind_display())],
        step_up=True,
        icon="report",
    )
    def mark_contaminated(self, node, given):
        contamination.mark(
            node=node, cause=ContaminationCause(given.values["cause"]), reason=given.reason,
            from_at=given.values["from_at"], at=given.at, by=given.by,
            file=given.values.get("file"),
        )  # fmt: skip

    @step(
        label=_("Record what it was made from"),
        says=_(
            "It stays recorded. What is contaminated there reaches this and all that is made from"
            " it; a build among them that was provably clean no longer is."
        ),
        done=_("Recorded."),
        permission=RECORDS,
        form=ConnectForm,
        offered=lambda node: node.kind != LineageKind.CAPTURE,
        facts=lambda node: [(_("What"), node), (_("Kind"), node.get_kind_display())],
        icon="call_merge",
    )
    def made_from(self, node, given):
        graph.connect(
            source=given.values["source"], target=node, share=given.values["share"], at=given.at,
            by=given.by,
        )  # fmt: skip

    @step(
        label=_("Record an output"),
        says=_(
            "It stands in the lineage as made by this, and may become part of a dataset. It stays"
            " recorded."
        ),
        done=_("Recorded. It stands under Lineage nodes."),
        permission=RECORDS,
        form=OutputForm,
        offered=lambda node: node.kind in (LineageKind.BUILD, LineageKind.OUTPUT),
        facts=lambda node: [(_("What made it"), node), (_("Kind"), node.get_kind_display())],
        icon="movie",
    )
    def record_output(self, node, given):
        graph.record_output(
            source=node, name=given.values["name"], sha256=given.values["sha256"], at=given.at,
            by=given.by,
        )  # fmt: skip
