"""The sandbox in the admin: what studios tried, and what the desk made of it."""

import json

from django.contrib import admin
from django.utils.translation import gettext as _
from unfold.decorators import display

from licensing.admin import as_sent
from licensing.models import SandboxEvent
from talent.admin.base import FactAdmin

NOT_UNDERSTOOD = "Not understood"


@admin.register(SandboxEvent)
class SandboxEventAdmin(FactAdmin):
    list_display = ["__str__", "received_at", "licensee", "agency", "key", "answered",
                    "standing_reason"]  # fmt: skip
    list_filter = ["standing", "code", "terms__agency"]
    list_select_related = ["terms__licensee", "terms__agency"]
    search_fields = ["key", "source", "terms__licensee__name"]
    ordering = ["-pk"]
    when_empty = _(
        "No studio has tried its pipeline out yet. What one sends with a sandbox key stands here."
    )
    fields = ["received_at", "licensee", "agency", "api_key", "source", "key", "answered",
              "why", "pointer", "said", "message_json"]  # fmt: skip
    readonly_fields = ["licensee", "agency", "answered", "why", "said", "message_json"]

    @admin.display(description=_("licensee"), ordering="terms__licensee__name")
    def licensee(self, event):
        return event.terms.licensee

    @admin.display(description=_("agency"), ordering="terms__agency__name")
    def agency(self, event):
        return event.terms.agency

    @display(
        description=_("standing"),
        label={
            "Cleared": "success",
            "Uncleared": "danger",
            "Out of scope": "danger",
            "Over cap": "warning",
            "On hold": "warning",
            NOT_UNDERSTOOD: "danger",
        },
    )
    def answered(self, event):
        return event.get_standing_display() if event.standing else NOT_UNDERSTOOD

    @admin.display(description=_("why"))
    def why(self, event):
        """Say why it stands so, or what was not understood: the code of a fault is its words."""
        return event.standing_reason or event.code.replace("_", " ").capitalize() or "–"

    @admin.display(description=_("what it says"))
    def said(self, event):
        return as_sent.in_words(json.loads(bytes(event.canonical)))

    @admin.display(description=_("as sent"))
    def message_json(self, event):
        return as_sent.as_json(json.loads(bytes(event.canonical)))
