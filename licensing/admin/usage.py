"""Usage: events that nobody edits, batches, imported sheets, messages not understood."""

import json
from functools import cached_property

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db import connection
from django.http import Http404
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import action, display
from unfold.widgets import (
    UnfoldAdminFileFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
)

from licensing.admin.prompts import PromptActions
from licensing.models import DeadLetter, LicenseeTerms, UsageBatch, UsageEvent, UsageImport
from licensing.usage import archives, imports, metering
from licensing.usage.sheets import ColumnMapping
from talent.admin.base import FactAdmin, seats_with
from talent.errors import Refused

COUNTED_EXACTLY = 50_000


class EstimatedPaginator(Paginator):
    """Counts long lists by the planner's estimate; a list of ten million is never counted."""

    @cached_property
    def count(self):
        sql, params = self.object_list.order_by().values("pk").query.sql_with_params()
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}", params)
            planned = cursor.fetchone()[0]
        planned = json.loads(planned) if isinstance(planned, str) else planned
        estimate = int(planned[0]["Plan"]["Plan Rows"])
        return estimate if estimate > COUNTED_EXACTLY else super().count


def is_number(text: str) -> bool:
    return text.isdecimal() and len(text) < 19


@admin.register(UsageEvent)
class UsageEventAdmin(PromptActions, FactAdmin):
    list_display = ["__str__", "occurred_at", "licensee", "agreement", "twin", "right", "use",
                    "quantity", "standing_label"]  # fmt: skip
    list_filter = [
        "standing",
        "kind",
        "use",
        ("licensee", AutocompleteSelectFilter),
        ("agreement", AutocompleteSelectFilter),
        ("twin", AutocompleteSelectFilter),
    ]
    list_select_related = ["licensee", "agreement", "twin"]
    search_fields = ["=id"]
    search_help_text = _("The number of an event")
    ordering = ["-id"]
    sortable_by = ()
    paginator = EstimatedPaginator
    fieldsets = [
        (None, {"fields": ["kind", "standing", "standing_reason", "quantity", "over"]}),
        (_("Who, what, where, when"), {
            "fields": ["licensee", "agreement", "twin", "build", "production", "right", "use",
                       "territory", "language", "channel", "prompt_class", "prompt_kept",
                       "real_time", "occurred_at"],
        }),
        (_("In the log"), {"fields": ["batch", "seat", "index", "entry_hex", "permit", "about"]}),
    ]  # fmt: skip
    readonly_fields = ["quantity", "prompt_kept", "index", "entry_hex"]

    def get_queryset(self, request):
        return super().get_queryset(request).defer("entry")

    def get_object(self, request, object_id, from_field=None):
        """Find an event also where its partition has left the tables."""
        try:
            return super().get_object(request, object_id, from_field)
        except Http404:
            event = archives.event(int(object_id)) if is_number(object_id) else None
            if event is None or not event.is_visible_to(request.user):
                raise
            return event

    @admin.display(description=_("quantity"))
    def quantity(self, event):
        measured = event.quantities().items()
        return ", ".join(
            f"{value.normalize():f} {meter.label.lower()}" for meter, value in measured
        )

    @display(
        description=_("standing"),
        label={
            "Cleared": "success",
            "Uncleared": "danger",
            "Out of scope": "danger",
            "Over cap": "warning",
            "On hold": "warning",
        },
    )
    def standing_label(self, event):
        return event.get_standing_display()

    @admin.display(description=_("index"))
    def index(self, event):
        first = event.batch.first_index
        return _("not sealed yet") if first is None else first + event.seat

    @admin.display(description=_("entry"))
    def entry_hex(self, event):
        return bytes(event.entry).hex()


@admin.register(UsageBatch)
class UsageBatchAdmin(FactAdmin):
    list_display = ["__str__", "licensee", "agency", "door", "size", "received_at", "first_index"]
    list_filter = ["door"]
    list_select_related = ["terms__licensee", "terms__agency"]
    ordering = ["-pk"]

    @admin.display(description=_("licensee"))
    def licensee(self, batch):
        return batch.terms.licensee

    @admin.display(description=_("agency"))
    def agency(self, batch):
        return batch.terms.agency


class ImportForm(forms.Form):
    """A studio's sheet, from whom it is, and what its columns say."""

    terms = forms.ModelChoiceField(
        LicenseeTerms.objects.none(), label=_("Studio"), widget=UnfoldAdminSelectWidget
    )
    sheet = forms.FileField(
        label=_("Sheet (CSV)"), widget=UnfoldAdminFileFieldWidget(attrs={"accept": ".csv"})
    )
    mapping = forms.JSONField(
        label=_("Column mapping"),
        required=False,
        initial=dict,
        widget=UnfoldAdminTextareaWidget,
        help_text=_(
            'As {"columns": {"Line no.": "", "Lang": "language"}, "constants": {"use": "dubbing"}, '
            '"time_zone": "Europe/Rome"}. A column that is not mapped must bear a field\'s name.'
        ),
    )

    def __init__(self, *args, user, **kwargs):
        super().__init__(*args, **kwargs)
        terms = LicenseeTerms.objects.filter(
            agency__in=seats_with(user, "licensing.add_usageimport")
        ).select_related("agency", "licensee")
        self.fields["terms"].queryset = terms
        self.fields["terms"].label_from_instance = lambda one: f"{one.licensee} – {one.agency}"

    def clean_mapping(self):
        try:
            return ColumnMapping(**(self.cleaned_data["mapping"] or {}))
        except (TypeError, ValueError) as wrong:
            raise ValidationError(_("A mapping holds columns, constants and time_zone.")) from wrong


@admin.register(UsageImport)
class UsageImportAdmin(FactAdmin):
    list_display = ["__str__", "file_name", "licensee", "imported_at", "imported_by", "rows",
                    "accepted", "known", "rejected"]  # fmt: skip
    list_select_related = ["terms__licensee", "imported_by"]
    search_fields = ["file_name", "terms__licensee__name"]
    ordering = ["-pk"]
    actions_list = ["export_list", "import_sheet"]

    @admin.display(description=_("licensee"))
    def licensee(self, report):
        return report.terms.licensee

    @action(description=_("Import a sheet"), permissions=["import"], icon="upload_file")
    def import_sheet(self, request):
        form = ImportForm(request.POST or None, request.FILES or None, user=request.user)
        tally = None
        if request.method == "POST" and form.is_valid():
            try:
                if "preview" not in request.POST:
                    return self._imported(request, form.cleaned_data)
                tally = self._previewed(form.cleaned_data)
            except Refused as refusal:
                form.add_error("sheet", str(refusal))
        context = {
            **self.admin_site.each_context(request),
            "title": _("Import a sheet of usage"),
            "opts": self.opts,
            "form": form,
            "tally": tally,
        }
        return TemplateResponse(request, "admin/import_sheet.html", context)

    def _previewed(self, given):
        return imports.preview_sheet(
            given["sheet"].file, terms=given["terms"], mapping=given["mapping"], at=timezone.now()
        )

    def _imported(self, request, given):
        report = imports.import_sheet(
            given["sheet"].file,
            file_name=given["sheet"].name,
            terms=given["terms"],
            mapping=given["mapping"],
            at=timezone.now(),
            by=request.user,
        )
        level = messages.ERROR if report.rejected else messages.SUCCESS
        text = _("%(rows)d rows: %(accepted)d new, %(known)d known before, %(rejected)d wrong.")
        self.message_user(request, text % vars(report), level)
        return redirect(reverse("admin:licensing_usageimport_change", args=[report.pk]))

    def has_import_permission(self, request):
        return request.user.has_perm("licensing.add_usageimport")


class Waiting(admin.SimpleListFilter):
    title = _("waiting")
    parameter_name = "waiting"

    def lookups(self, request, model_admin):
        return [("yes", _("waiting")), ("no", _("understood since"))]

    def queryset(self, request, queryset):
        match self.value():
            case "yes":
                return queryset.open()
            case "no":
                return queryset.exclude(resolved_at=None)
        return queryset


@admin.register(DeadLetter)
class DeadLetterAdmin(FactAdmin):
    agency_path = "terms__agency"
    list_display = [
        "__str__",
        "licensee",
        "code",
        "pointer",
        "detail",
        "received_at",
        "resolved_at",
    ]
    list_filter = [Waiting, "code", "door"]
    list_select_related = ["terms__licensee"]
    search_fields = ["key", "source", "code"]
    ordering = ["-pk"]
    actions = ["replay"]
    fields = ["terms", "door", "received_at", "source", "key", "code", "pointer", "detail",
              "message", "resolved_at", "resolved_event_id"]  # fmt: skip
    readonly_fields = ["message"]

    @admin.display(description=_("licensee"))
    def licensee(self, letter):
        return letter.terms.licensee

    @admin.display(description=_("as sent"))
    def message(self, letter):
        return format_html("<pre>{}</pre>", json.dumps(letter.envelope, indent=2))

    @admin.action(description=_("Read again"), permissions=["replay"])
    def replay(self, request, queryset):
        rows = self.allowed(request, queryset.open(), "licensing.add_usageimport")
        letters = list(rows.values_list("pk", flat=True))
        metering.replay(letter_ids=letters, at=timezone.now())
        left = DeadLetter.objects.open().filter(pk__in=letters).count()
        text = _("%(done)d understood now, %(left)d still not.")
        self.message_user(request, text % {"done": len(letters) - left, "left": left})

    def has_replay_permission(self, request):
        return request.user.has_perm("licensing.add_usageimport")
