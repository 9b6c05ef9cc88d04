"""Trainings: registered before they begin, their build and their trainer's manifest afterwards."""

from django import forms
from django.contrib import admin
from django.utils import timezone
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import (
    UnfoldAdminSelectMultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminSplitDateTimeWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from talent.models import (
    Build,
    DatasetVersion,
    DigitalTwin,
    Provider,
    TrainerKey,
    TrainingRun,
)
from talent.provenance import training
from talent.words import DataPurpose

from ..base import DeskAdmin, FactAdmin
from ..steps import step
from .nodes import RECORDS, latest


class RegisterForm(forms.Form):
    """What a training is going to read, for what, where and when."""

    twin = forms.ModelChoiceField(
        DigitalTwin.objects.none(), label=_("Twin"), widget=UnfoldAdminSelectWidget
    )
    provider = forms.ModelChoiceField(
        Provider.objects.order_by("name"), label=_("Who trains"), widget=UnfoldAdminSelectWidget
    )
    name = forms.CharField(label=_("Name"), max_length=200, widget=UnfoldAdminTextInputWidget)
    purpose = forms.ChoiceField(
        label=_("For what"), choices=DataPurpose.choices(), widget=UnfoldAdminSelectWidget
    )
    environment = forms.CharField(
        label=_("Where and with what"), max_length=500, widget=UnfoldAdminTextInputWidget
    )
    begins_at = forms.SplitDateTimeField(label=_("Begins"), widget=UnfoldAdminSplitDateTimeWidget)
    versions = forms.ModelMultipleChoiceField(
        DatasetVersion.objects.none(),
        label=_("What it reads"),
        widget=UnfoldAdminSelectMultipleWidget,
    )

    def about(self, rows):
        (version,) = rows
        agency = version.dataset.agency_id
        mine = DatasetVersion.objects.filter(dataset__agency=agency).select_related("dataset")
        self.fields["versions"].queryset = latest(mine)
        self.fields["versions"].initial = [version.pk]
        self.fields["twin"].queryset = (
            DigitalTwin.objects.known_to(agency).distinct().order_by("name")
        )
        self.fields["begins_at"].initial = timezone.localtime().replace(second=0, microsecond=0)


class ResultForm(forms.Form):
    """Which build came out."""

    build = forms.ModelChoiceField(
        Build.objects.none(), label=_("Build"), widget=UnfoldAdminSelectWidget
    )

    def about(self, rows):
        (run,) = rows
        builds = Build.objects.filter(
            twin=run.twin_id, provider=run.provider_id, trained_by=None
        ).select_related("twin")
        self.fields["build"].queryset = latest(builds)


class ManifestForm(forms.Form):
    """What the trainer signed."""

    signed = forms.CharField(
        label=_("Signed manifest"),
        max_length=training.LARGEST,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 6}),
        help_text=_("A JWS in compact form: the run's number, and the SHA-256 of each file read."),
    )


@admin.register(TrainingRun)
class TrainingRunAdmin(FactAdmin):
    agency_path = "agency"
    list_display = ["name", "twin", "provider", "begins_at", "came_of_it"]
    list_filter = ["provider", "agency"]
    list_select_related = ["twin", "provider", "result__build__twin"]
    search_fields = ["name", "twin__name", "environment"]
    ordering = ["-pk"]
    readonly_fields = ["reads", "came_of_it", "compared"]
    fieldsets = [
        (None, {"fields": ["name", "twin", "provider", "purpose", "environment", "reads"]}),
        (_("When"), {"fields": ["begins_at", "registered_at", "registered_by"]}),
        (_("What came of it"), {"fields": ["came_of_it", "compared"]}),
    ]
    actions_detail = ["record_result", "hand_in_manifest"]
    when_empty = _("No training is registered. On the page of a dataset's version is how.")

    def get_queryset(self, request):
        rows = super().get_queryset(request).select_related(*self.list_select_related, "agency")
        return rows.prefetch_related("result__manifests")

    @admin.display(description=_("what it reads"))
    def reads(self, run):
        return ", ".join(one["name"] for one in run.content["datasets"])

    @admin.display(description=_("build"))
    def came_of_it(self, run):
        return run.result.build if hasattr(run, "result") else None

    @display(description=_("held against what was read"))
    def compared(self, run):
        manifests = list(run.result.manifests.all()) if hasattr(run, "result") else []
        if not manifests:
            return _now("The trainer has not said what was read: not known")
        last = max(manifests, key=lambda one: one.pk)
        return ". ".join([last.get_finding_display(), *last.differences])

    @step(
        label=_("Record its build"),
        says=_("The build is made from the datasets that were registered. It stays recorded."),
        done=_("Recorded. Hand in what the trainer signed next."),
        permission=RECORDS,
        form=ResultForm,
        offered=lambda run: not hasattr(run, "result"),
        facts=lambda run: [(_("Training"), run), (_("Twin"), run.twin)],
        icon="deployed_code",
    )
    def record_result(self, run, given):
        training.record_result(run_id=run.pk, build=given.values["build"], at=given.at, by=given.by)

    @step(
        label=_("Hand in the trainer's manifest"),
        says=_(
            "It is held against what was registered. A difference contaminates the build and all"
            " that is made from it at once; what no known key signed proves nothing."
        ),
        done=_("Kept and compared; the page says how."),
        permission=RECORDS,
        form=ManifestForm,
        offered=lambda run: hasattr(run, "result"),
        facts=lambda run: [(_("Training"), run), (_("Build"), run.result.build)],
        icon="signature",
    )
    def hand_in_manifest(self, run, given):
        training.hand_in(
            result_id=run.result.pk, signed=given.values["signed"], at=given.at, by=given.by
        )


@admin.register(TrainerKey)
class TrainerKeyAdmin(DeskAdmin):
    list_display = ["provider", "public_key", "starts_on", "ends_on"]
    list_filter = ["provider"]
    list_select_related = ["provider"]
    search_fields = ["provider__name"]
    ordering = ["provider__name", "pk"]
    autocomplete_fields = ["provider"]
    asks_again = True
    when_empty = _("No provider has a key here, so that no manifest of a training proves anything.")
