"""Digital twins with their sources and builds, and the providers of builds."""

from django.contrib import admin
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from talent import identifiers
from talent.models import (
    Build,
    CompositeSource,
    Contamination,
    ContaminationMark,
    DigitalTwin,
    EarlierOwner,
    Provider,
)
from talent.provenance import answers

from .base import DeskAdmin
from .forms import DeskForm
from .parts import PartsInline
from .people import normal_form
from .shares import DatedShares, EarlierOwnerInline
from .steps import step
from .tenancy import seats_with


class CompositeSourceInline(PartsInline):
    model = CompositeSource
    autocomplete_fields = ["performer"]


class BuildInline(PartsInline):
    model = Build
    autocomplete_fields = ["provider"]


class DigitalTwinForm(DeskForm):
    class Meta:
        model = DigitalTwin
        fields = "__all__"

    def clean_hand_id(self):
        return normal_form(identifiers.hand_id, self.cleaned_data["hand_id"])


@admin.register(DigitalTwin)
class DigitalTwinAdmin(DatedShares, DeskAdmin):
    agency_path = "agency"
    form = DigitalTwinForm
    list_display = ["name", "performer", "tier_label", "legal_class", "status_label"]
    list_filter = ["tier", "legal_class", "status"]
    list_select_related = ["performer"]
    search_fields = ["name", "performer__name", "hand_id"]
    ordering = ["name", "pk"]
    autocomplete_fields = ["performer", "agency", "owner"]
    inlines = [CompositeSourceInline, EarlierOwnerInline, BuildInline]
    fieldsets = [
        (None, {"fields": ["name", "tier", "legal_class", "status", "hand_id"]}),
        (_("Whose it is"), {"fields": ["performer", "agency", "owner"]}),
        (
            _("Capture and training"),
            {"fields": ["capture_method", "captured_on", "training_hours"]},
        ),
        (_("Union notice"), {"fields": ["union_notice_on", "union_notice_reference"]}),
    ]

    @display(
        description=_("tier"),
        ordering="tier",
        label={
            "Passive static replica": "info",
            "Dynamic behavioral emulator": "success",
            "Autonomous generative persona": "warning",
        },
    )
    def tier_label(self, twin):
        return twin.get_tier_display()

    @display(
        description=_("status"),
        ordering="status",
        label={"Active": "success", "Suspended": "warning", "Retired": "danger"},
    )
    def status_label(self, twin):
        return twin.get_status_display()

    def save_model(self, request, obj, form, change):
        """Have an owner who changes keep what was used until today."""
        super().save_model(request, obj, form, change)
        before = form.initial.get("owner") if change else None
        if before and before != obj.owner_id:
            EarlierOwner.objects.get_or_create(
                twin=obj, ends_on=timezone.localdate(), defaults={"beneficiary_id": before}
            )

    def at_agencies(self, agencies):
        return Q(agency__in=agencies) | Q(performer__representations__agency__in=agencies)


@admin.register(Build)
class BuildAdmin(DeskAdmin):
    agency_path = "twin__performer__representations__agency"
    list_display = ["version", "twin", "provider", "built_on", "gpu_hours", "retired_on"]
    list_filter = ["provider"]
    list_select_related = ["twin", "provider"]
    search_fields = ["version", "twin__name"]
    ordering = ["twin__name", "-built_on"]
    autocomplete_fields = ["twin", "provider"]
    readonly_fields = ["behind_it"]
    actions_detail = ["ask_whether_clean"]

    def at_agencies(self, agencies):
        return Q(twin__agency__in=agencies) | super().at_agencies(agencies)

    @admin.display(description=_("what stands behind it"))
    def behind_it(self, build):
        node = getattr(build, "lineage", None)
        if node is None:
            return _now("Nothing is recorded.")
        marks = ContaminationMark.objects.filter(
            node=node, contamination__in=Contamination.objects.live()
        )
        return format_html(
            '{} <a class="desk-link" href="{}">{}</a> · <a class="desk-link" href="{}?{}">{}</a>',
            _now("It is contaminated.") if marks.exists() else _now("Nothing is known against it."),
            reverse("admin:lineage_graph", args=[node.pk]), _now("See the graph"),
            reverse("admin:talent_cleananswer_changelist"), f"build__id__exact={build.pk}",
            _now("Answers on it"),
        )  # fmt: skip

    @step(
        label=_("Provably clean?"),
        says=_(
            "The desk looks at all that stands behind it, and keeps the answer with a document: "
            "yes, no or not known, each with its path and what would make it yes."
        ),
        done=_("Answered. It stands under Answers on builds, with its document."),
        permission=answers.GIVES,
        facts=lambda build: [(_("Build"), build), (_("Built on"), build.built_on)],
        icon="fact_check",
    )
    def ask_whether_clean(self, build, given):
        agencies = seats_with(given.by, answers.GIVES).filter(
            Q(pk=build.twin.agency_id)
            | Q(representations__performer__twins=build.twin_id)
            | Q(representations__performer__composite_sources__twin=build.twin_id)
        )
        agency = agencies.order_by("pk")[0]
        answers.give(build_id=build.pk, agency=agency, at=given.at, by=given.by)


@admin.register(Provider)
class ProviderAdmin(DeskAdmin):
    list_display = ["name", "website"]
    search_fields = ["name"]
    ordering = ["name"]
