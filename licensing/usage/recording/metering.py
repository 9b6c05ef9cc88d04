"""Metering: what a licensee reports becomes facts, a batch in one transaction.

Whatever is understood is kept with its entry for the log and with its standing; nothing is
refused for its standing. What is not understood waits among the dead letters.
"""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import partial

from django.db import transaction

from licensing.log.entry import SALT_SIZE, commitment, entry, month_tag, sealed_bytes
from licensing.models import LicenseeTerms, UsageBatch, UsageEvent
from licensing.news import announce
from licensing.usage.archive import archives
from licensing.usage.events.cloudevents import Envelope
from licensing.usage.events.forms import LONGEST_KEY
from licensing.usage.events.reported import ReportedUse, read_event
from licensing.wire.faults import Fault, NotUnderstood
from licensing.wire.names import Prefix, name_of
from licensing.words import Announcement, PromptClass, Standing

from . import copy, dead_letters, prompts
from .arrivals import Arrival, Key, Message
from .copy import Known
from .prompts import Prompt
from .references import KnownUse, References
from .standings import Stand, standings
from .successions import Successions, in_turn

MOST_NAMED = 20


class Reception(StrEnum):
    """What became of one event of a batch."""

    RECORDED = "recorded"
    KNOWN = "known"
    CONFLICT = "conflict"
    NOT_UNDERSTOOD = "not_understood"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answer to one event, in the place it was sent in.

    What was recorded or known has an event and its receipt: the entry that the log publishes,
    whose tag the sender can check. A conflict has both digests; what was not understood has
    its faults and its dead letter.
    """

    index: int
    reception: Reception
    event_id: int | None = None
    entry: bytes | None = None
    standing: str | None = None
    standing_reason: str = ""
    digest_sent: bytes | None = None
    digest_known: bytes | None = None
    faults: tuple[Fault, ...] = ()
    dead_letter_id: int | None = None


@dataclass(slots=True)
class Sorted:
    """A batch, sorted: to be recorded, told already by its key, not understood."""

    successions: Successions
    claims: dict[Key, tuple[Message, KnownUse]] = field(default_factory=dict)
    repeats: list[Message] = field(default_factory=list)
    unread: list[tuple[Message, NotUnderstood]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Row:
    """What is written for one new event."""

    event_id: int
    message: Message
    use: KnownUse
    stand: Stand
    salt: bytes
    sealed: bytes
    entry: bytes
    prompt: Prompt | None


def meter(envelopes: Sequence[Envelope], arrival: Arrival) -> list[Outcome]:
    """Keep a batch of events: each key once, each event with its record, entry and standing.

    An answer is only given for what is kept. The batch is one transaction whose statements do
    not grow with it; where it amends what it brings itself, what it amends is kept first, and
    has its own. An event sent again, in the same batch or by another connection at this moment,
    is answered with the first one's receipt.
    """
    messages = [
        Message.of(i, envelope, prompt_key=bytes(arrival.terms.prompt_key))
        for i, envelope in enumerate(envelopes)
    ]
    return [outcome for part in in_turn(messages) for outcome in _metered(part, arrival)]


@transaction.atomic
def _metered(messages: Sequence[Message], arrival: Arrival) -> list[Outcome]:
    terms = arrival.terms
    ledger = copy.known_keys(terms.licensee_id, [message.key for message in messages])
    look_again = partial(copy.known_keys, terms.licensee_id)
    batch = sort_batch(messages, ledger, terms, look_again=look_again)
    rows = _recorded(batch, arrival)
    _announce_outside(rows, arrival)
    _take_lost_claims(batch, rows)
    outcomes = [
        *map(_recorded_outcome, rows),
        *_repeated(batch, ledger, terms.licensee_id, rows),
        *_dead(batch.unread, arrival),
    ]
    return sorted(outcomes, key=lambda outcome: outcome.index)


@transaction.atomic
def replay(*, letter_ids: Sequence[int], at: datetime) -> list[Outcome]:
    """Meter dead letters anew, as received now, in the order of their numbers.

    Those that are understood by now become events and are closed; the rest stay as they are.
    """
    outcomes: list[Outcome] = []
    for arrival, envelopes in dead_letters.waiting(letter_ids, at=at):
        outcomes += meter(envelopes, arrival)
    return outcomes


# Sorting


def sort_batch(
    messages: Sequence[Message],
    ledger: dict[Key, Known],
    terms: LicenseeTerms,
    *,
    look_again: Callable[[Sequence[Key]], dict[Key, Known]] | None = None,
) -> Sorted:
    """Sort messages by what a ledger of keys and the desk's records make of them."""
    fresh = [message for message in messages if message.key not in ledger]
    read_uses = {message.index: _read(message) for message in fresh}
    uses = [use for use in read_uses.values() if isinstance(use, ReportedUse)]
    references = References(uses, terms)
    known = {
        index: references.of(use) if isinstance(use, ReportedUse) else use
        for index, use in read_uses.items()
    }
    successions = Successions([one for one in known.values() if isinstance(one, KnownUse)], terms)
    if successions.any and look_again:
        # While their events were waited for, another connection may have recorded them.
        ledger |= look_again([message.key for message in fresh])
    batch = Sorted(successions)
    for message in messages:
        use = known.get(message.index)
        if message.key in ledger or message.key in batch.claims or use is None:
            batch.repeats.append(message)
            continue
        if isinstance(use, KnownUse) and successions.any:
            use = successions.of(use)
        if isinstance(use, KnownUse):
            batch.claims[message.key] = (message, use)
        else:
            batch.unread.append((message, use))
    return batch


def _read(message: Message) -> ReportedUse | NotUnderstood:
    for name, text in (("id", message.key.id), ("source", message.key.source)):
        if len(text) > LONGEST_KEY:
            detail = f"This attribute has at most {LONGEST_KEY} characters."
            return NotUnderstood((Fault(f"/{name}", detail, "field_too_long"),))
    return read_event(message.envelope)


# Recording


def _recorded(batch: Sorted, arrival: Arrival) -> list[_Row]:
    if not batch.claims:
        return []
    digests = {key: message.digest for key, (message, _) in batch.claims.items()}
    won = copy.claim_keys(arrival.terms.licensee_id, digests)
    taken = [(won[key], *claim) for key, claim in batch.claims.items() if key in won]
    if not taken:
        return []
    uses = [use for _, _, use in taken]
    stands = standings(uses, arrival.terms, received_at=arrival.received_at)
    rows = [
        _row(event_id, message, use, stand, arrival)
        for (event_id, message, use), stand in zip(taken, stands, strict=True)
    ]
    _write(rows, arrival)
    batch.successions.keep([(row.use, row.event_id) for row in rows], at=arrival.received_at)
    dead_letters.resolve([(row.message, row.event_id) for row in rows], arrival)
    return rows


def _row(event_id: int, message: Message, use: KnownUse, stand: Stand, arrival: Arrival) -> _Row:
    prompt = Prompt.of(use.reported.prompt)
    sealed = sealed_bytes(
        message.canonical,
        kind=use.reported.kind.value,
        received_at=arrival.received_at,
        actor=arrival.actor,
        standing=stand.standing.value,
        prompt=prompt and prompt.commitment,
    )
    salt = secrets.token_bytes(SALT_SIZE)
    holder = use.agreement or arrival.terms
    tag = month_tag(bytes(holder.tag_key), arrival.received_at)
    committed = entry(tag, commitment(salt, sealed))
    return _Row(event_id, message, use, stand, salt, sealed, committed, prompt)


def _write(rows: Sequence[_Row], arrival: Arrival) -> None:
    batch = UsageBatch.objects.create(
        terms=arrival.terms,
        api_key=arrival.api_key,
        usage_import=arrival.usage_import,
        door=arrival.door.value,
        received_at=arrival.received_at,
        size=len(rows),
    )
    # Only the meters this batch carries: a dozen empty columns a row are not free.
    meters = sorted({meter for row in rows for meter in row.use.reported.quantities})
    copy.add_events(
        (
            (batch.pk, seat, *_columns(row, arrival), *map(row.use.reported.quantities.get, meters))
            for seat, row in enumerate(rows)
        ),
        ("batch", "seat", *_COLUMNS, *meters),
    )
    copy.add_records((row.event_id, row.salt, row.sealed) for row in rows)
    prompts.keep(
        [(row.event_id, row.prompt) for row in rows if row.prompt],
        agency_id=arrival.terms.agency_id,
    )


_COLUMNS = (
    "id", "kind", "about", "agency", "licensee", "agreement", "twin", "build", "production",
    "permit", "occurred_at", "right", "use", "territory", "language", "channel", "prompt_class",
    "real_time", "standing", "standing_reason", "over", "over_meter", "entry",
)  # fmt: skip


def _columns(row: _Row, arrival: Arrival) -> tuple[object, ...]:
    use = row.use.reported
    return (
        row.event_id, use.kind.value, _pk(row.use.replaced),
        arrival.terms.agency_id, arrival.terms.licensee_id,
        _pk(row.use.agreement), row.use.twin.pk, _pk(row.use.build), _pk(row.use.production),
        row.stand.permit_id, use.occurred_at, use.right, use.use, use.territory,
        use.language or "", use.channel, use.prompt_class or PromptClass.NONE.value,
        bool(use.real_time), row.stand.standing.value, row.stand.reason, row.stand.over,
        row.stand.over_meter, row.entry,
    )  # fmt: skip


def _pk(row: object) -> int | None:
    return getattr(row, "pk", None)


# Announcing


def _announce_outside(rows: Sequence[_Row], arrival: Arrival) -> None:
    """Announce the batch's uses outside the consent, all at once and the first of them by name."""
    outside = [row for row in rows if row.stand.standing is not Standing.CLEARED]
    if not outside:
        return
    announce(
        kind=Announcement.OUTSIDE_CONSENT,
        agency_id=arrival.terms.agency_id,
        licensee_id=arrival.terms.licensee_id,
        data={"count": len(outside), "events": [_named(row) for row in outside[:MOST_NAMED]]},
        at=arrival.received_at,
    )


def _named(row: _Row) -> dict[str, object]:
    return {
        "id": str(row.event_id),
        "standing": row.stand.standing.value,
        "twin": name_of(Prefix.TWIN, row.use.twin.pk),
        "agreement": row.use.agreement and row.use.agreement.reference,
        "link": f"/api/v1/usage/events/{row.event_id}",
    }


# Answering


def _take_lost_claims(batch: Sorted, rows: Sequence[_Row]) -> None:
    """Keys that another connection entered between the look and the claim are repeats."""
    won = {row.message.key for row in rows}
    batch.repeats += [message for key, (message, _) in batch.claims.items() if key not in won]


def _repeated(
    batch: Sorted, ledger: dict[Key, Known], licensee_id: int, rows: Sequence[_Row]
) -> list[Outcome]:
    """Answer repeats with the receipt of what their key leads to, or with both digests."""
    known = ledger | {row.message.key: Known(row.event_id, row.message.digest) for row in rows}
    lost = [message.key for message in batch.repeats if message.key not in known]
    if lost:
        known |= copy.known_keys(licensee_id, lost)
    same = [m for m in batch.repeats if known[m.key].digest == m.digest]
    events = _first_told({known[message.key].event_id for message in same})
    return [
        _known_outcome(message, events[known[message.key].event_id])
        if known[message.key].digest == message.digest
        else Outcome(
            message.index,
            Reception.CONFLICT,
            digest_sent=message.digest,
            digest_known=known[message.key].digest,
        )
        for message in batch.repeats
    ]


def _first_told(ids: set[int]) -> dict[int, UsageEvent]:
    events = UsageEvent.objects.in_bulk(ids)
    archived = ids - events.keys()
    return events | archives.events(list(archived)) if archived else events


def _recorded_outcome(row: _Row) -> Outcome:
    return Outcome(
        row.message.index,
        Reception.RECORDED,
        row.event_id,
        row.entry,
        row.stand.standing.value,
        row.stand.reason,
    )


def _known_outcome(message: Message, event: UsageEvent) -> Outcome:
    return Outcome(
        message.index,
        Reception.KNOWN,
        event.pk,
        bytes(event.entry),
        event.standing,
        event.standing_reason,
    )


def _dead(unread: Sequence[tuple[Message, NotUnderstood]], arrival: Arrival) -> list[Outcome]:
    kept = dead_letters.keep(unread, arrival)
    return [
        Outcome(
            message.index,
            Reception.NOT_UNDERSTOOD,
            digest_sent=message.digest,
            faults=why.faults,
            dead_letter_id=letter_id,
        )
        for (message, why), letter_id in zip(unread, kept, strict=True)
    ]
