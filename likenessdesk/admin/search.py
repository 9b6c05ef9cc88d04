"""The admin's search: a few rows of each kind that the person may see."""

from collections.abc import Iterator

from django.db.models import Model, Q
from django.http import HttpRequest
from django.urls import reverse
from unfold.dataclasses import SearchResult

from licensing.models import (
    Agreement,
    Licensee,
    Production,
    UsageEvent,
)
from licensing.usage.archive import archived_events
from talent import locales
from talent.admin.tenancy import visible_rows
from talent.models import (
    DigitalTwin,
    Performer,
)
from valuation.models import (
    PayoutPayment,
    Remittance,
    Statement,
)

from .navigation import may_view

FOUND_EACH = 5

SEARCHED = {
    Performer: ("person", ["name__icontains", "legal_name__icontains", "isni", "hand_id"]),
    DigitalTwin: ("face_retouching_natural", ["name__icontains", "hand_id"]),
    Agreement: ("handshake", ["reference__icontains", "licensee__name__icontains"]),
    Licensee: ("apartment", ["name__icontains", "slug"]),
    Production: ("movie", ["title__icontains", "eidr__iexact"]),
    Statement: ("description", ["number__icontains", "beneficiary__name__icontains"]),
    Remittance: ("payments", ["reference__icontains", "licensee__name__icontains"]),
    PayoutPayment: ("price_check", ["end_to_end__iexact", "beneficiary__name__icontains"]),
}
# Columns of theirs in which an amount is looked for.
AMOUNTS = {
    Statement: ["opening", "earned", "received", "net", "closing"],
    Remittance: ["amount"],
    PayoutPayment: ["amount", "payable"],
}


def search(request: HttpRequest, term: str) -> list[SearchResult]:
    """Find a few rows of each kind that the user may see; a number also finds an event."""
    if "\x00" in term:
        return []  # No text in PostgreSQL holds it.
    found = [
        result
        for model, (icon, lookups) in SEARCHED.items()
        if may_view(request, model)
        for result in _search(request, model, icon, lookups, term)
    ]
    if term.isdecimal() and len(term) < 19:
        event = UsageEvent.objects.filter(pk=int(term)).first() or archived_events.event_in_archive(
            int(term)
        )
        if event and event.is_visible_to(request.user):
            found.append(_result(event, "graphic_eq"))
    return found


def _search(request, model, icon, lookups, term) -> Iterator[SearchResult]:
    matches = Q()
    for lookup in lookups:
        matches |= Q(**{lookup: term})
    if amounts := locales.written_amounts(term):
        for column in AMOUNTS.get(model, ()):
            matches |= Q(**{f"{column}__in": amounts})
    rows = visible_rows(model.objects.filter(matches), request.user).order_by("-pk")
    for row in rows.distinct()[:FOUND_EACH]:
        yield _result(row, icon)


def _result(row: Model, icon: str) -> SearchResult:
    meta = row._meta
    return SearchResult(
        title=str(row),
        description=str(meta.verbose_name).capitalize(),
        link=reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[row.pk]),
        icon=icon,
    )
