"""Consent matrices and their versions: recorded once, shown for ever."""

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.http import HttpResponseRedirect
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from talent.consent import consents
from talent.consent.matrix import Cell, Scope
from talent.errors import Refused
from talent.models import ConsentCell, ConsentMatrix, ConsentVersion
from talent.words import Exclusion

from .base import DeskAdmin, FactInline, PartPanels


class ConsentVersionInline(FactInline):
    model = ConsentVersion
    fields = ["number", "in_force_from", "recorded_at", "method", "represented_by"]
    readonly_fields = fields
    ordering = ["-number"]
    show_change_link = True


@admin.register(ConsentMatrix)
class ConsentMatrixAdmin(DeskAdmin):
    list_display = ["__str__", "owner", "guild", "agency", "performer", "twin"]
    list_filter = ["guild"]
    list_select_related = ["agency", "performer", "twin"]
    search_fields = ["agency__name", "performer__name", "twin__name"]
    ordering = ["pk"]
    autocomplete_fields = ["agency", "performer", "twin"]
    inlines = [ConsentVersionInline]

    @admin.display(description=_("owner"))
    def owner(self, matrix):
        return matrix.twin or matrix.performer or matrix.agency or matrix.get_guild_display()

    def has_change_permission(self, request, obj=None):
        """An owner never changes; what it allows changes by a new version."""
        return obj is None and super().has_change_permission(request, obj)


class Codes(forms.CharField):
    """Codes with commas between them. Empty says nothing and inherits; a dash means none."""

    def to_python(self, value):
        text = (value or "").strip()
        if not text:
            return None
        return [] if text == "-" else [code.strip() for code in text.split(",") if code.strip()]


class ConsentCellForm(forms.ModelForm):
    territories = Codes(required=False, help_text=_("ISO 3166, as FR, DE. A dash means none."))
    languages = Codes(required=False, help_text=_("BCP 47, as fr, de-AT. A dash means none."))
    licensees_allowed = Codes(required=False, help_text=_("Short names. A dash means none."))
    licensees_excluded = Codes(required=False)
    exclusions = forms.MultipleChoiceField(
        choices=Exclusion.choices(), required=False, widget=forms.CheckboxSelectMultiple
    )

    class Meta:
        model = ConsentCell
        fields = ["right", "use", "stance", "overrules_agency", *Scope.__dataclass_fields__]

    def cell(self):
        """Return what the form says, for the capability that records it."""
        said = self.cleaned_data
        scope = Scope(**self._scope(said))
        return Cell(said["right"], said["use"], said["stance"], scope, said["overrules_agency"])

    def _scope(self, said):
        scope = {name: said.get(name) for name in Scope.__dataclass_fields__}
        for name in ("territories", "languages", "licensees_allowed"):
            scope[name] = None if scope[name] is None else frozenset(scope[name])
        for name in ("licensees_excluded", "exclusions"):
            scope[name] = frozenset(scope[name] or [])
        return scope


class ConsentCellInline(PartPanels):
    model = ConsentCell
    form = ConsentCellForm
    can_delete = False
    extra = 1
    fieldsets = [
        (None, {"fields": [("right", "use", "stance"), "overrules_agency"]}),
        (
            _("Scope: a field left empty says nothing and inherits"),
            {
                "fields": [
                    ("territories", "languages"),
                    ("licensees_allowed", "licensees_excluded"),
                    ("valid_from", "valid_to"),
                    ("notice_hours", "maximum_hours", "real_time"),
                    "exclusions",
                ]
            },
        ),
    ]

    def has_change_permission(self, request, obj=None):
        return False


class ConsentVersionForm(forms.ModelForm):
    """A new version of a matrix, recorded now by whoever is signed in."""

    class Meta:
        model = ConsentVersion
        fields = [
            "matrix", "in_force_from", "text_shown", "method", "represented_by",
            "representative", "signed_on", "reason",
        ]  # fmt: skip


@admin.register(ConsentVersion)
class ConsentVersionAdmin(DeskAdmin):
    """Shows versions; adding one records it through the capability, cells and all."""

    form = ConsentVersionForm
    list_display = ["__str__", "matrix", "in_force_from", "recorded_at", "method", "recorded_by"]
    list_filter = ["method", "represented_by"]
    list_select_related = ["matrix", "recorded_by"]
    search_fields = ["matrix__performer__name", "matrix__twin__name", "matrix__agency__name"]
    ordering = ["-recorded_at", "-pk"]
    autocomplete_fields = ["matrix"]
    inlines = [ConsentCellInline]

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False

    def get_fields(self, request, obj=None):
        if obj is None:
            return ConsentVersionForm.Meta.fields
        return [
            "matrix",
            "number",
            "in_force_from",
            "recorded_at",
            "recorded_by",
            "text_shown",
            "text_sha256",
            *ConsentVersionForm.Meta.fields[3:],
        ]

    def changeform_view(self, request, object_id=None, form_url="", extra_context=None):
        try:
            with transaction.atomic():
                return super().changeform_view(request, object_id, form_url, extra_context)
        except Refused as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())

    def construct_change_message(self, request, form, formsets, *_args, **_kwargs):
        """A version tells by itself what it added."""
        return []

    def save_model(self, request, obj, form, change):
        """Nothing yet: the version is recorded with its cells."""

    def save_related(self, request, form, formsets, change):
        cells = [one.cell() for formset in formsets for one in formset.forms if one.has_changed()]
        recorded = consents.record(
            cells=cells, recorded_at=timezone.now(), by=request.user, **form.cleaned_data
        )
        form.instance.pk, form.instance.number = recorded.pk, recorded.number
