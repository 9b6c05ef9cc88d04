"""Histories of rows: who changed what, in words, from the events that triggers recorded."""

from collections.abc import Iterator
from typing import Any

import pghistory.models
from django.core.exceptions import PermissionDenied
from django.db import models
from django.template.response import TemplateResponse
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from talent.models import User
from talent.models.names import relations_of_name

from .as_read import as_kept
from .fieldsets import is_digest
from .tenancy import visible_rows

HISTORY_SHOWN = 100
CHANGES = {"insert": _lazy("added"), "update": _lazy("changed"), "delete": _lazy("removed")}


class WithHistory:
    """An admin whose rows have a page of their changes."""

    def history_view(self, request, object_id, extra_context=None):
        """Show what each change replaced, from the events that database triggers recorded."""
        row = self.get_object(request, object_id)
        if not self.has_view_permission(request, row):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "title": _("History of %s") % row,
            "opts": self.opts,
            "original": row,
            "object": row,
            "changes": list(_changes(row, request.user)),
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/desk_history.html", context)


def _changes(row: models.Model, reader: User) -> Iterator[dict[str, Any]]:
    if not hasattr(row, "events"):
        return
    events = pghistory.models.Events.objects.tracks(row).order_by("-pgh_created_at", "-pgh_id")
    events = list(events.select_related(None)[:HISTORY_SHOWN])
    people = User.objects.in_bulk(
        {event.pgh_context.get("user") for event in events if event.pgh_context} - {None}
    )
    names = _names_in_history(row, [event.pgh_diff or {} for event in events], reader)
    for event in events:
        context = event.pgh_context or {}
        yield {
            "at": event.pgh_created_at,
            "kind": CHANGES.get(event.pgh_label, event.pgh_label),
            "by": people.get(context.get("user"), ""),
            "change_set": event.pgh_context_id or "",
            "values": sorted(_in_words(row, event.pgh_diff or {}, names)),
        }


def _in_words(row: models.Model, diff: dict, names: dict) -> Iterator[tuple[str, list[str]]]:
    """Yield each changed column by its label, with what stood there and what stands there now."""
    for column, values in diff.items():
        field = _field_of(row, column)
        if field is None or is_digest(field.name):
            continue
        kept = [as_kept(field, value, names.get(column, {})) for value in values]
        yield capfirst(str(field.verbose_name)), kept


def _names_in_history(row: models.Model, diffs: list[dict], reader: User) -> dict[str, dict]:
    """Return the names of rows that changed keys lead to, as far as the reader sees them."""
    keys: dict[str, set] = {}
    for diff in diffs:
        for column, values in diff.items():
            field = _field_of(row, column)
            if field is not None and field.is_relation:
                keys.setdefault(column, set()).update(set(values) - {None})
    names = {}
    for column, wanted in keys.items():
        model = _field_of(row, column).related_model
        rows = visible_rows(model._default_manager.filter(pk__in=wanted), reader)
        named = rows.select_related(*relations_of_name(model) or [None])
        names[column] = {one.pk: str(one) for one in named}
    return names


def _field_of(row: models.Model, column: str) -> models.Field | None:
    fields = row._meta.concrete_fields
    return next((one for one in fields if column in (one.name, one.attname)), None)
