"""Rows that staff put right, told from those that the studio then puts right another way.

A row without an id of its own is known by what it says. Where staff have it say 3 lines and the
studio sends it with 4, it would be two uses; only staff can tell, and are asked: when the studio's
row comes, or, where that came first, when they put theirs right.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any

from django.db.models import QuerySet

from licensing.models import (
    DeadLetter,
    LetterStep,
    LicenseeTerms,
    Replacement,
    UsageEvent,
    UsageRecord,
)
from licensing.usage.events.cloudevents import Envelope
from licensing.usage.recording.dead_letters import storable_message
from licensing.usage.recording.event_keys import find_events
from licensing.usage.recording.messages import Message, MessageKey
from licensing.wire.faults import Fault
from licensing.words import LeafKind, LetterStepKind, Meter

from .rows import CELLS, Row, RowFault
from .values import as_instant

MAY_BE_PUT_RIGHT = "may_be_put_right"
REPLACES = "replaces"
QUANTITY = "quantities/"  # what the names of a message's figures begin with, as it is told below
ENOUGH = 2  # of the three things that speak for it

_DERIVED = re.compile(r"[0-9a-f]{64}")

Told = Mapping[str, str]  # each field that a message fills in, as JSON


def has_derived_id(dead_letter: DeadLetter) -> bool:
    """Tell whether a letter is a sheet's row whose id was made of what it said."""
    report = dead_letter.usage_import
    if report is None or _DERIVED.fullmatch(dead_letter.key) is None:
        return False
    return "id" not in {*report.mapping["columns"].values(), *report.mapping["constants"]}


@dataclass(frozen=True, slots=True)
class _PutRight:
    """A row as staff put it right: where it stood, what they left as it was, and its event."""

    usage_import: int | None
    number: int | None
    unchanged: frozenset[tuple[str, str]]
    changed: frozenset[str]
    event: int

    def likeness(self, number: int, told: Told, resent: set[int]) -> int:
        """Count what speaks for it that a row tells of the same use.

        Its sheet was sent again, it stands at the same place, it says the rest the same.
        """
        rest = {(name, value) for name, value in told.items() if name not in self.changed}
        return sum((self.usage_import in resent, self.number == number, rest == self.unchanged))


class RowsPutRight:
    """The rows of a studio that staff put right before a sheet came."""

    def __init__(self, terms: LicenseeTerms):
        self._terms = terms

    def doubtful(self, rows: Sequence[Row]) -> list[Row]:
        """Return those rows that may be what staff put right, as rows that are no events yet.

        A row that the desk knows, as an event or as a wrong row, is none of them. One that was in
        doubt before is so again, so that what was said of it holds.
        """
        if not self._put_right:
            return []
        rows = [row for row in rows if _DERIVED.fullmatch(row.envelope.id)]
        keys = {row.number: MessageKey(row.envelope.source, row.envelope.id) for row in rows}
        asked = self._asked_before(keys.values())
        known = find_events(self._terms.licensee_id, list(keys.values()))
        resent = _imports_of([event.event_id for event in known.values()])
        wrong = self._wrong_before(rows)
        found = []
        for row in rows:
            key = keys[row.number]
            event = asked.get(key)
            if event is None and key not in known and row.number not in wrong:
                event = self._event_like(row, resent)
            if event is not None:
                found.append(_in_doubt(row, event))
        return found

    @cached_property
    def _put_right(self) -> list[_PutRight]:
        steps = LetterStep.objects.filter(
            letter__terms=self._terms,
            kind=LetterStepKind.CORRECTED.value,
            letter__resolved_event_id__isnull=False,
        )
        rows = steps.exclude(letter__usage_import=None).select_related("letter__usage_import")
        return [
            _as_put_right(step, event)
            for step in rows.order_by("-pk")
            if (event := step.letter.resolved_event_id) and has_derived_id(step.letter)
        ]

    def _asked_before(self, keys: Iterable[MessageKey]) -> dict[MessageKey, int]:
        letters = DeadLetter.objects.filter(
            terms=self._terms, code=MAY_BE_PUT_RIGHT, key__in={key.id for key in keys}
        )
        return {MessageKey(one.source, one.key): event_in_question(one) for one in letters}

    def _wrong_before(self, rows: Sequence[Row]) -> set[int]:
        """Return the numbers of those rows that came before, as they stand, and were no events."""
        digests = {
            Message.of(row.number, row.envelope, self._terms).digest: row.number for row in rows
        }
        letters = DeadLetter.objects.filter(terms=self._terms, digest__in=list(digests))
        return {digests[bytes(digest)] for digest in letters.values_list("digest", flat=True)}

    def _event_like(self, row: Row, resent: set[int]) -> int | None:
        """Return the event that a new row may tell of; of several like it, the last."""
        told = _told(storable_message(row.envelope, self._terms))
        best = max(self._put_right, key=lambda one: one.likeness(row.number, told, resent))
        if best.likeness(row.number, told, resent) < ENOUGH:
            return None
        return _in_force(best.event)


def event_like(dead_letter: DeadLetter, corrected: Envelope) -> int | None:
    """Return the event by which the studio may have put a row right before staff do; the last.

    It came in a later sheet and says the same but for what was at fault and what staff change. One
    that says all the same is not meant; nor is one that another row has been put right into.
    """
    now = _told(storable_message(corrected, dead_letter.terms))
    may_differ = _may_differ(dead_letter, now)
    same = {name: value for name, value in now.items() if name not in may_differ}
    if not any(name == "time" or name.startswith(QUANTITY) for name in same):
        return None
    records = _later_records(dead_letter)
    if "time" in same:
        try:
            at = datetime.fromisoformat(corrected.time or "")
        except ValueError:
            return None  # It is no use yet.
        records = records.filter(event__occurred_at=at)
    for record in records.order_by("-pk").iterator(chunk_size=500):
        told = _told(json.loads(bytes(record.canonical))["event"])
        rest = {name: value for name, value in told.items() if name not in may_differ}
        if rest == same and told != now:
            event = _in_force(record.pk)
            if not DeadLetter.objects.filter(resolved_event_id=event).exists():
                return event
    return None


def _may_differ(dead_letter: DeadLetter, now: Told) -> set[str]:
    """Return what staff and the studio may say differently of one use: the fields at fault."""
    if not (dead_letter.envelope.get("data") or {}).keys() - {CELLS}:
        # Nobody knows what its cells said; that its figures are told differently is likely.
        return {f"{QUANTITY}{meter.value}" for meter in Meter}
    sent = _told(dead_letter.envelope)
    changed = {name for name in {*sent, *now} if sent.get(name) != now.get(name)}
    return {*changed, dead_letter.pointer.removeprefix("/data").removeprefix("/")}


def _later_records(dead_letter: DeadLetter) -> QuerySet[UsageRecord]:
    """Return the records of the uses that came in later sheets."""
    later = dead_letter.terms.batches.filter(usage_import__gt=dead_letter.usage_import_id)
    return UsageRecord.objects.filter(event__batch__in=later, event__kind=LeafKind.USE.value)


def event_in_question(dead_letter: DeadLetter) -> int:
    """Return the event that a row in doubt may tell of."""
    return int(dead_letter.envelope["data"][REPLACES]["event"])


def naming(message: Envelope, event: int) -> Envelope:
    """Return a message that names the event whose place it may take."""
    data = message.data if isinstance(message.data, dict) else {}
    return replace(message, data={**data, REPLACES: {"event": str(event)}})


def _as_put_right(step: LetterStep, event: int) -> _PutRight:
    sent, corrected = _told(step.letter.envelope), _told(step.message)
    changed = {name for name in {*sent, *corrected} if sent.get(name) != corrected.get(name)}
    unchanged = frozenset(item for item in corrected.items() if item[0] not in changed)
    return _PutRight(
        step.letter.usage_import_id,
        step.letter.sheet_row,
        unchanged,
        frozenset(changed),
        event,
    )


def _told(message: Any) -> dict[str, str]:
    data = dict(message.get("data") or {})
    quantities = data.pop("quantities", None) or {}
    told = {
        "source": message["source"],
        "time": as_instant(message["time"]) if message.get("time") else None,
        **{name: value for name, value in data.items() if name not in (CELLS, REPLACES)},
        **{f"{QUANTITY}{meter}": quantity for meter, quantity in quantities.items()},
    }
    return {name: json.dumps(value, sort_keys=True) for name, value in told.items()}


def _imports_of(event_ids: Sequence[int]) -> set[int]:
    rows = UsageEvent.objects.filter(pk__in=event_ids).exclude(batch__usage_import=None)
    return set(rows.values_list("batch__usage_import", flat=True).distinct())


def _in_force(event: int) -> int:
    """Return what stands in an event's place by now."""
    while by := Replacement.objects.filter(event_id=event).values_list("amendment_id").first():
        (event,) = by
    return event


def _in_doubt(row: Row, event: int) -> Row:
    """Return a row with the question that it brings; as it stands, nobody reads it as a use."""
    detail = (
        f"Staff put a row like this right, which became event {event}. Import row by row, and say "
        "on the page of this row whether it tells of that use anew, or of another."
    )
    return Row(
        row.number,
        naming(row.envelope, event),
        (RowFault(row.number, "", MAY_BE_PUT_RIGHT, detail),),
        (Fault(f"/data/{REPLACES}", detail, MAY_BE_PUT_RIGHT),),
    )
