"""Dead letters: what was not understood, kept with its reason until it can be."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from itertools import groupby

from django.db import connection

from licensing.models import DeadLetter
from licensing.usage.events.canonical import canonical_event
from licensing.usage.events.cloudevents import Envelope
from licensing.usage.events.forms import LONGEST_KEY
from licensing.wire.faults import NotUnderstood
from licensing.words import Door

from . import copy
from .arrivals import Arrival, Message

LONGEST_POINTER = 200
LONGEST_DETAIL = 500


@dataclass(frozen=True, slots=True)
class Place:
    """Where in its sheet a letter's row stands, and the column at fault."""

    letter_id: int
    row: int
    column: str


def keep(unread: Sequence[tuple[Message, NotUnderstood]], arrival: Arrival) -> list[int]:
    """Keep each message once, with the first thing wrong with it; return the letters' ids.

    A message sent again, unchanged, is the same letter.
    """
    if not unread:
        return []
    letters = [_letter(message, why, arrival) for message, why in unread]
    # One order for everybody, so that two overlapping batches can't wait for each other.
    in_order = sorted(letters, key=lambda letter: (letter.source, letter.key, letter.digest))
    DeadLetter.objects.bulk_create(in_order, ignore_conflicts=True)
    kept = DeadLetter.objects.filter(
        terms=arrival.terms, digest__in={letter.digest for letter in letters}
    )
    ids = {_identity(letter): letter.pk for letter in kept}
    return [ids[_identity(letter)] for letter in letters]


def resolve(recorded: Sequence[tuple[Message, int]], arrival: Arrival) -> None:
    """Close the letters whose very message has now become an event."""
    if not DeadLetter.objects.open().filter(terms=arrival.terms).exists():
        return
    copy.resolve_letters(
        arrival.terms.pk,
        [(message.key, message.digest, event_id) for message, event_id in recorded],
        at=arrival.received_at,
    )


def place(places: Iterable[Place], arrival: Arrival) -> None:
    """Tell the letters of an import where they stand; those of an earlier one know already."""
    placed = list(places)
    if not (placed and arrival.usage_import):
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE licensing_deadletter letter
            SET sheet_row = placed.sheet_row, sheet_column = placed.sheet_column
            FROM unnest(%s::bigint[], %s::int[], %s::text[])
                AS placed (id, sheet_row, sheet_column)
            WHERE letter.id = placed.id AND letter.usage_import_id = %s
            """,
            [
                [each.letter_id for each in placed],
                [each.row for each in placed],
                [each.column for each in placed],
                arrival.usage_import.pk,
            ],
        )


def settled(digests: Sequence[bytes], arrival: Arrival) -> set[bytes]:
    """Return which of these messages were dead letters that somebody has dealt with since."""
    if not digests:
        return set()
    closed = DeadLetter.objects.filter(terms=arrival.terms, digest__in=digests)
    return set(map(bytes, closed.exclude(resolved_at=None).values_list("digest", flat=True)))


def waiting(letter_ids: Sequence[int], *, at: datetime) -> Iterator[tuple[Arrival, list[Envelope]]]:
    """Yield letters that are not closed as arrivals of their messages, locked until the end."""
    letters = (
        DeadLetter.objects.open()
        .filter(pk__in=letter_ids)
        .select_related("terms__agency", "terms__licensee")
        .select_for_update(of=("self",))
        .order_by("terms", "door", "pk")
    )
    for (terms, door), group in groupby(letters, key=lambda letter: (letter.terms, letter.door)):
        yield Arrival(terms, Door(door), at, actor="replay"), [message_of(each) for each in group]


def message_of(letter: DeadLetter) -> Envelope:
    """Return the message of a letter. Its numbers are text now; its canonical bytes the same."""
    said = dict(letter.envelope)
    del said["specversion"]
    core = {name: said.pop(name) for name in _CORE if name in said}
    return Envelope(**core, extensions=said)


_CORE = frozenset(field.name for field in fields(Envelope)) - {"extensions"}


def _letter(message: Message, why: NotUnderstood, arrival: Arrival) -> DeadLetter:
    first = why.faults[0]
    return DeadLetter(
        terms=arrival.terms,
        usage_import=arrival.usage_import,
        received_at=arrival.received_at,
        door=arrival.door.value,
        source=message.key.source[:LONGEST_KEY],
        key=message.key.id[:LONGEST_KEY],
        digest=message.digest,
        envelope=_storable(message.canonical),
        code=first.code,
        pointer=first.pointer[:LONGEST_POINTER],
        detail=first.detail[:LONGEST_DETAIL],
    )


def storable(message: Envelope, *, prompt_key: bytes) -> object:
    """Return a message as jsonb can hold it, its wording replaced by keyed digests."""
    return _storable(canonical_event(message, prompt_key=prompt_key))


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


def _identity(letter: DeadLetter) -> tuple[str, str, bytes]:
    return letter.source, letter.key, bytes(letter.digest)
