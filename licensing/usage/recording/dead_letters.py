"""Dead letters: messages that were not understood, kept with the reason until they are."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime

from licensing.models import DeadLetter, LicenseeTerms
from licensing.usage.events.canonical import canonical_event
from licensing.usage.events.cloudevents import Envelope
from licensing.usage.events.forms import LONGEST_KEY
from licensing.wire.faults import NotUnderstood
from talent.database import binary_rows
from talent.database.sql import sql_file

from .messages import BatchOrigin, Message

CLOSE_RECORDED = sql_file(__file__, "close_recorded.sql")
STORE_SHEET_PLACES = sql_file(__file__, "store_sheet_places.sql")
LONGEST_POINTER = 200
LONGEST_DETAIL = 500


@dataclass(frozen=True, slots=True)
class SheetPlace:
    """Where in its sheet the row of a dead letter stands, and the column at fault."""

    dead_letter_id: int
    row: int
    column: str


def store(messages: Sequence[tuple[Message, NotUnderstood]], origin: BatchOrigin) -> list[int]:
    """Store messages as dead letters, each with the first thing wrong with it; return their ids.

    A message that is sent again unchanged keeps the dead letter it has.
    """
    if not messages:
        return []
    dead_letters = [_dead_letter(message, reason, origin) for message, reason in messages]
    # One order for everybody, so that two overlapping batches can't wait for each other.
    DeadLetter.objects.bulk_create(sorted(dead_letters, key=_identity), ignore_conflicts=True)
    digests = {dead_letter.digest for dead_letter in dead_letters}
    rows = DeadLetter.objects.filter(terms=origin.terms, digest__in=digests)
    ids = {_identity(row): row.pk for row in rows}
    return [ids[_identity(dead_letter)] for dead_letter in dead_letters]


def close_recorded(
    recorded: Sequence[tuple[Message, int]], terms: LicenseeTerms, *, at: datetime
) -> None:
    """Close the dead letters of messages (message, event id) that have now become events."""
    if not DeadLetter.objects.open().filter(terms=terms).exists():
        return
    messages = [message for message, _ in recorded]
    columns = {
        "sources": [message.key.source for message in messages],
        "keys": [message.key.id for message in messages],
        "digests": [message.digest for message in messages],
        "event_ids": [event_id for _, event_id in recorded],
    }
    binary_rows.execute(CLOSE_RECORDED, {"terms": terms.pk, "at": at, **columns})


def store_sheet_places(places: Iterable[SheetPlace], usage_import_id: int) -> None:
    """Store where the dead letters of an import stand; those of an earlier one keep their place."""
    places = list(places)
    if not places:
        return
    parameters: dict[str, object] = {
        "usage_import": usage_import_id,
        "ids": [place.dead_letter_id for place in places],
        "rows": [place.row for place in places],
        "columns": [place.column for place in places],
    }
    binary_rows.execute(STORE_SHEET_PLACES, parameters)


def closed_digests(digests: Sequence[bytes], terms: LicenseeTerms) -> set[bytes]:
    """Return the digests of those messages whose dead letters somebody has dealt with."""
    if not digests:
        return set()
    closed = DeadLetter.objects.filter(terms=terms, digest__in=digests).exclude(resolved_at=None)
    return set(map(bytes, closed.values_list("digest", flat=True)))


def message_of(dead_letter: DeadLetter) -> Envelope:
    """Return the message of a dead letter, as it was sent but for its numbers, which are text.

    Its canonical bytes, and so its digest, are the same.
    """
    attributes = dict(dead_letter.envelope)
    del attributes["specversion"]
    core = {name: attributes.pop(name) for name in _CORE if name in attributes}
    return Envelope(**core, extensions=attributes)


_CORE = frozenset(field.name for field in fields(Envelope)) - {"extensions"}


def storable_message(message: Envelope, terms: LicenseeTerms) -> object:
    """Return a message as jsonb can hold it, its wording replaced by digests under terms' key."""
    return _storable(canonical_event(message, prompt_key=bytes(terms.prompt_key)))


def _storable(canonical: bytes) -> object:
    """Return the message as jsonb can hold it: PostgreSQL's text has no NUL."""
    return _without_nul(json.loads(canonical)) if rb"\u0000" in canonical else json.loads(canonical)


def _without_nul(value: object) -> object:
    if isinstance(value, str):
        return value.replace("\x00", "\N{REPLACEMENT CHARACTER}")
    if isinstance(value, list):
        return [_without_nul(part) for part in value]
    if isinstance(value, dict):
        return {_without_nul(name): _without_nul(part) for name, part in value.items()}
    return value


def _dead_letter(message: Message, reason: NotUnderstood, origin: BatchOrigin) -> DeadLetter:
    first = reason.faults[0]
    return DeadLetter(
        terms=origin.terms,
        usage_import=origin.usage_import,
        received_at=origin.received_at,
        door=origin.door.value,
        source=message.key.source[:LONGEST_KEY],
        key=message.key.id[:LONGEST_KEY],
        digest=message.digest,
        envelope=_storable(message.canonical),
        code=first.code,
        pointer=first.pointer[:LONGEST_POINTER],
        detail=first.detail[:LONGEST_DETAIL],
    )


def _identity(dead_letter: DeadLetter) -> tuple[str, str, bytes]:
    return dead_letter.source, dead_letter.key, bytes(dead_letter.digest)
