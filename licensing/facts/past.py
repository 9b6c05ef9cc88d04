"""The facts of the past: what a decision could know when it was made, from the log of changes.

Consents, approvals and usage carry the time they were known and are read by it. All other rows
that a decision looks at are edited in place; what they were then stands in the history that
database triggers keep.
"""

from collections import defaultdict
from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

from django.db.models import Model

from licensing.decision.request import (
    AgreementFacts,
    ApprovalFacts,
    BuildFacts,
    CapFacts,
    Contributor,
    Facts,
    Request,
    TwinFacts,
)
from licensing.models import Agreement, Cap, Grant, Hold
from talent.models import Build, DigitalTwin, Performer

from .facts import Records, facts_about, grant_facts

Row = TypeVar("Row", bound=Model)

DELETION = "delete"  # the label of a deletion in the history

# What no history tells: running totals, and which rows belong together.
NOT_KEPT = (
    "used and reserved units of a cap",
    "what was taken of an approval",
    "units used under a consent",
    "guild of a performer or agreement",
    "sources of a composite",
    "productions of an agreement",
)


@dataclass(frozen=True, slots=True)
class PastFacts:
    """Facts as they were known at an instant; `since` is when their history begins, if later."""

    facts: Facts
    since: datetime | None = None


class History:
    """The changes of all rows behind the facts of a batch of decisions; one query a kind of row."""

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
        return _copy_of(row, change) if change else None

    def rows(self, rows: Iterable[Row], at: datetime) -> list[Row]:
        """Return those of some rows that were there at an instant, as they were."""
        return [then for then in (self.row(row, at) for row in rows) if then]

    def grants(self, agreement: Agreement, at: datetime) -> list[Grant]:
        """Return an agreement's grants as they were at an instant."""
        changes = (self._changes[Grant][pk] for pk in sorted(self._grants[agreement.pk]))
        last = (_last(of_grant, at) for of_grant in changes)
        return [_copy_of(Grant(), change) for change in last if change]

    def begins(self, row: Model | None) -> datetime | None:
        """Return when the history of a row begins; None where it has no history."""
        changes = self._changes[type(row)].get(row.pk) if row else None
        return changes[0].pgh_created_at if changes else None


def past_facts(
    request: Request, stored: Facts, known_at: datetime, records: Records, history: History
) -> PastFacts:
    """Return the facts for a request as they were known at an instant.

    What no history keeps (`NOT_KEPT`) is taken from `stored` if it is a total, else as it is
    today. Where the history of the twin or the agreement begins after `known_at`, rows are taken
    as they were when it began.
    """
    twin = records.twins.get(request.twin)
    agreement = records.agreements.get(request.agreement or "")
    build = records.builds.get(request.build or "")
    begun = [begins for begins in map(history.begins, (twin, agreement)) if begins]
    at = max([known_at, *begun])
    then = replace(
        records,
        holds=history.rows(records.holds, at),
        caps=history.rows(records.caps, at),
        approvals=replace(records.approvals, known_at=known_at),
        known_at=known_at,
    )
    now = facts_about(request, then)
    people = {str(row.pk): row for row in records.people}
    facts = replace(
        now,
        twin=_twin(now.twin, twin and history.row(twin, at)),
        agreement=_agreement(now.agreement, agreement, at, history),
        build=_build(now.build, build and history.row(build, at)),
        contributors=tuple(
            _contributor(person, stored, known_at, _then(people.get(person.id), at, history))
            for person in now.contributors
        ),
        caps=tuple(_cap(cap, stored) for cap in now.caps),
        approvals=tuple(_approval(approval, stored) for approval in now.approvals),
    )
    return PastFacts(facts, at if at > known_at else None)


def _then(row: Row | None, at: datetime, history: History) -> Row | None:
    return history.row(row, at) if row else None


def _twin(now: TwinFacts | None, then: DigitalTwin | None) -> TwinFacts | None:
    if now is None or then is None:
        return None
    return replace(now, name=then.name, tier=then.tier, status=then.status)


def _build(now: BuildFacts | None, then: Build | None) -> BuildFacts | None:
    if now is None or then is None:
        return None
    # Contamination and answers are facts of their own, read by when they were known.
    return replace(now, version=then.version, built_on=then.built_on, retired_on=then.retired_on)


def _agreement(
    now: AgreementFacts | None, agreement: Agreement | None, at: datetime, history: History
) -> AgreementFacts | None:
    then = _then(agreement, at, history)
    if now is None or then is None:
        return None
    return replace(
        now,
        reference=then.reference,
        status=then.status,
        signed_at=then.signed_at,
        starts_at=then.starts_at,
        ends_at=then.ends_at,
        grants=tuple(map(grant_facts, history.grants(then, at))),
    )


def _contributor(
    now: Contributor, stored: Facts, known_at: datetime, then: Performer | None
) -> Contributor:
    """Return a person as they were, with the versions known then and the units stored."""
    used = {before.id: before.used for before in stored.contributors}
    versions = tuple(version for version in now.versions if version.recorded_at <= known_at)
    person = replace(now, versions=versions, used=used.get(now.id, now.used))
    if then is None:
        return person
    return replace(
        person, name=then.name, life=then.life, born_on=then.born_on, died_on=then.died_on
    )


def _cap(now: CapFacts, stored: Facts) -> CapFacts:
    """Return a cap with the totals that were stored, since they are counted up in place."""
    before = next((cap for cap in stored.caps if cap.id == now.id), now)
    return replace(now, used=before.used, reserved=before.reserved)


def _approval(now: ApprovalFacts, stored: Facts) -> ApprovalFacts:
    """Return an answer with what was stored as taken of it, and with what it was bound to then."""
    before = next((answer for answer in stored.approvals if answer.id == now.id), now)
    return replace(
        now,
        used=before.used,
        spent=before.spent,
        total=before.total,
        described=before.described,
    )


def _changes(model: Any, key: str, rows: Iterable[Model]) -> dict[int, list[Any]]:
    """Return every change of some rows, by the id of the row that changed, oldest first."""
    events = model.pgh_event_model.objects.filter(**{f"{key}__in": {row.pk for row in rows}})
    changes: dict[int, list[Any]] = defaultdict(list)
    for event in events.order_by("pgh_created_at", "pgh_id"):
        changes[event.id].append(event)
    return changes


def _last(changes: Iterable[Any], at: datetime) -> Any | None:
    """Return the last change up to an instant, unless it took the row away."""
    before = [change for change in changes if change.pgh_created_at <= at]
    return before[-1] if before and before[-1].pgh_label != DELETION else None


def _copy_of(row: Row, change: Any) -> Row:
    """Return a copy of a row with the columns of a change; its related rows stay loaded."""
    then = copy(row)
    then._state = copy(row._state)
    for field in row._meta.concrete_fields:
        if hasattr(change, field.attname):
            then.__dict__[field.attname] = getattr(change, field.attname)
    return then
