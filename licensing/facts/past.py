"""History: what facts looked like when a decision was made, from the log of every change.

Consents, approvals and usage carry the time they were known and are read by it. Everything else
that a decision stands on is edited in place, and its rows of that time come from the history
that database triggers keep.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from copy import copy
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

from django.db.models import Model

from licensing.decision.request import CapFacts, Contributor, Facts, Request
from licensing.models import Agreement, Cap, Grant, Hold
from talent.models import Build, DigitalTwin, Performer

from .facts import Records, facts_about, grant_facts

Row = TypeVar("Row", bound=Model)

GONE = "delete"  # the label of a deletion in the history

# What no history tells: running totals, and which rows belong together.
NOT_KEPT = (
    "used and reserved units of a cap",
    "seconds used under a consent",
    "guild of a performer or agreement",
    "sources of a composite",
    "productions of an agreement",
)


@dataclass(frozen=True, slots=True)
class Then:
    """Facts as they were known at an instant; `since` is when their history begins, if later."""

    facts: Facts
    since: datetime | None = None


class History:
    """The changes of all rows that a chunk of decisions stands on, in a query for each kind."""

    def __init__(self, records: Records) -> None:
        twins, agreements = records.twins.values(), records.agreements.values()
        self._changes = {
            DigitalTwin: _changes(DigitalTwin, "id", twins),
            Agreement: _changes(Agreement, "id", agreements),
            Build: _changes(Build, "id", records.builds.values()),
            Performer: _changes(Performer, "id", records.people),
            Hold: _changes(Hold, "id", records.holds),
            Cap: _changes(Cap, "id", records.caps),
            Grant: _changes(Grant, "agreement_id", agreements),
        }
        self._grants = defaultdict(set)
        for pk, changes in self._changes[Grant].items():
            self._grants[changes[0].agreement_id].add(pk)

    def row(self, row: Row, at: datetime) -> Row | None:
        """Return a row as it was at an instant; None if it was not there."""
        change = _last(self._changes[type(row)].get(row.pk, ()), at)
        return _copied(row, change) if change else None

    def grants(self, agreement: Agreement, at: datetime) -> list[Grant]:
        """Return an agreement's grants as they were at an instant."""
        changes = (self._changes[Grant][pk] for pk in sorted(self._grants[agreement.pk]))
        found = (_last(each, at) for each in changes)
        return [_copied(Grant(), change) for change in found if change]

    def begins(self, row: Model | None) -> datetime | None:
        """Return when the history of a row begins."""
        changes = self._changes[type(row)].get(row.pk) if row else None
        return changes[0].pgh_created_at if changes else None


def as_known(
    request: Request, stored: Facts, known_at: datetime, records: Records, history: History
) -> Then:
    """Reconstruct the facts for a request as they were known at an instant.

    What no history tells is taken as it was stored (totals) or as it is today. A twin or
    agreement that came into the desk with its past is taken as it came.
    """
    twin = records.twins.get(request.twin)
    agreement = records.agreements.get(request.agreement or "")
    begun = [begins for begins in map(history.begins, (twin, agreement)) if begins]
    at = max([known_at, *begun])
    kept: Callable[[Iterable[Row]], list[Row]] = lambda rows: [  # noqa: E731
        then for then in (history.row(row, at) for row in rows) if then
    ]
    then = replace(records, holds=kept(records.holds), caps=kept(records.caps), known_at=known_at)
    now = facts_about(request, then)
    facts = replace(
        now,
        **_named_then(request, now, at, records, history),
        contributors=tuple(
            _contributor(person, stored, known_at, at, records, history)
            for person in now.contributors
        ),
        caps=tuple(_cap(cap, stored) for cap in now.caps),
    )
    return Then(facts, at if at > known_at else None)


def _named_then(
    request: Request, now: Facts, at: datetime, records: Records, history: History
) -> dict[str, Any]:
    """Return twin, agreement and build as they were."""
    twin, agreement = (
        records.twins.get(request.twin),
        records.agreements.get(request.agreement or ""),
    )
    build = records.builds.get(request.build or "")
    return {
        "twin": _patched(now.twin, twin and history.row(twin, at), "name", "tier", "status"),
        "agreement": _agreement(now, agreement, at, history),
        "build": _patched(
            now.build, build and history.row(build, at), "version", "built_on", "retired_on"
        ),
    }


def _agreement(now: Facts, agreement: Agreement | None, at: datetime, history: History) -> Any:
    if agreement is None:
        return None
    names = ("reference", "status", "signed_at", "starts_at", "ends_at")
    then = _patched(now.agreement, history.row(agreement, at), *names)
    return then and replace(then, grants=tuple(map(grant_facts, history.grants(agreement, at))))


def _contributor(
    person: Contributor,
    stored: Facts,
    known_at: datetime,
    at: datetime,
    records: Records,
    history: History,
) -> Contributor:
    """Return a person as they were, with the versions known then and the seconds stored."""
    row = next((row for row in records.people if str(row.pk) == person.id), None)
    then = row and history.row(row, at)
    versions = tuple(version for version in person.versions if version.recorded_at <= known_at)
    seconds = {before.id: before.seconds_used for before in stored.contributors}
    same = replace(
        person, versions=versions, seconds_used=seconds.get(person.id, person.seconds_used)
    )
    return _patched(same, then, "name", "life", "born_on") if then else same


def _cap(cap: CapFacts, stored: Facts) -> CapFacts:
    """Take a cap's totals as they were stored: they are counted up in place."""
    before = next((one for one in stored.caps if one.id == cap.id), cap)
    return replace(cap, used=before.used, reserved=before.reserved)


def _patched(facts: Any, row: Model | None, *names: str) -> Any:
    return None if row is None else replace(facts, **{name: getattr(row, name) for name in names})


def _changes(model: type[Model], key: str, rows: Iterable[Model]) -> dict[int, list[Any]]:
    """Return every change of some rows, by the id of the row that changed, oldest first."""
    events = model.pgh_event_model.objects.filter(**{f"{key}__in": {row.pk for row in rows}})
    found: dict[int, list[Any]] = defaultdict(list)
    for event in events.order_by("pgh_created_at", "pgh_id"):
        found[event.id].append(event)
    return found


def _last(changes: Iterable[Any], at: datetime) -> Any | None:
    """Return the last change up to an instant, unless it took the row away."""
    before = [change for change in changes if change.pgh_created_at <= at]
    return before[-1] if before and before[-1].pgh_label != GONE else None


def _copied(row: Row, change: Any) -> Row:
    """Return a row with the columns of a change; what it points to stays loaded."""
    then = copy(row)
    then._state = copy(row._state)
    for field in row._meta.concrete_fields:
        if hasattr(change, field.attname):
            then.__dict__[field.attname] = getattr(change, field.attname)
    return then
