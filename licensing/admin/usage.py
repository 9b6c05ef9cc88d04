"""Usage: events that nobody edits, batches, imported sheets, messages not understood."""

import json
from functools import cached_property

from django.contrib import admin
from django.core.paginator import Paginator
from django.db import connection
from django.http import Http404
from django.utils.translation import gettext as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import display

from licensing.admin.prompts import PromptActions
from licensing.admin.rulings import RulingActions
from licensing.models import UsageBatch, UsageEvent
from licensing.usage import archives
from talent.admin.base import FactAdmin

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
class UsageEventAdmin(RulingActions, PromptActions, FactAdmin):
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
        (None, {"fields": ["kind", "replaces", "replaced_by", "standing", "standing_reason",
                           "quantity", "over", "over_meter", "rulings"]}),
        (_("Who, what, where, when"), {
            "fields": ["licensee", "agreement", "twin", "build", "production", "right", "use",
                       "territory", "language", "channel", "prompt_class", "prompt_kept",
                       "real_time", "occurred_at"],
        }),
        (_("In the log"), {"fields": ["batch", "seat", "index", "entry_hex", "permit", "about"]}),
    ]  # fmt: skip
    readonly_fields = ["replaces", "replaced_by", "quantity", "rulings", "prompt_kept", "index",
                       "entry_hex"]  # fmt: skip
    actions_detail = ("rule", *PromptActions.actions_detail)

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
