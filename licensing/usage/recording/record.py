"""Recording: what a licensee reports becomes facts, a batch in one transaction.

Whatever is understood is kept with its entry for the log and with its standing; nothing is
refused for its standing. What is not understood waits among the dead letters.
"""

import secrets
from collections.abc import Iterable, Sequence
from functools import partial

import msgspec
from django.db import transaction

from licensing.approvals.spending import store_spending_of_events
from licensing.log.entry import SALT_SIZE, commitment, entry, month_tag, sealed_bytes
from licensing.models import Agreement, UsageBatch, UsageEvent, UsageRecord
from licensing.news import announce
from licensing.usage.archive.archived_events import events_in_archives
from licensing.usage.events.cloudevents import Envelope
from licensing.usage.totals.sums import store_sums
from licensing.wire.faults import NotUnderstood
from licensing.wire.names import Prefix, name_of
from licensing.words import Announcement, LeafKind, PromptClass, Standing
from talent.database.binary_rows import copy_rows

from . import dead_letters, event_keys, prompts
from .amendments import split_before_amendments
from .assessment import Assessment, assess_uses
from .event_keys import KnownEvent
from .messages import BatchOrigin, EventOutcome, Message, Reception
from .prompts import Prompt
from .references import KnownUse
from .sorting import SortedBatch, sort_batch

MOST_NAMED = 20


class _NewEvent(msgspec.Struct, frozen=True, gc=False):
    """What is written for one new event."""

    id: int
    message: Message
    use: KnownUse
    assessment: Assessment
    salt: bytes
    sealed: bytes
    entry: bytes
    prompt: Prompt | None


def record_events(envelopes: Sequence[Envelope], origin: BatchOrigin) -> list[EventOutcome]:
    """Record a batch of events, each key once, and return the answer to each, in their order.

    Each event is stored with its record, entry and standing. The batch is one transaction whose
    statements do not grow with it, so an answer is only given for what is kept; if the batch
    amends an event that it brings itself, it is split, and the part with that event is recorded
    first, in a transaction of its own. An event sent again, in the same batch or by another
    connection at this moment, is answered with the first one's receipt.
    """
    messages = [Message.of(i, envelope, origin.terms) for i, envelope in enumerate(envelopes)]
    return [
        outcome
        for part in split_before_amendments(messages)
        for outcome in _record_part(part, origin)
    ]


@transaction.atomic
def _record_part(messages: Sequence[Message], origin: BatchOrigin) -> list[EventOutcome]:
    find_events = partial(event_keys.find_events, origin.terms.licensee_id)
    batch = sort_batch(
        messages, origin.terms, find_events=find_events, received_at=origin.received_at
    )
    events = _record_new(batch, origin)
    _announce_outside(events, origin)
    outcomes = [
        *map(_recorded_outcome, events),
        *_repeat_outcomes(batch, events, origin),
        *_dead_letter_outcomes(batch.not_understood, origin),
    ]
    return sorted(outcomes, key=lambda outcome: outcome.index)


# Recording


def _record_new(batch: SortedBatch, origin: BatchOrigin) -> list[_NewEvent]:
    """Record the new uses of a batch whose keys no other connection has entered meanwhile."""
    if not batch.new or batch.rows is None:
        return []
    digests = {key: message.digest for key, (message, _) in batch.new.items()}
    ids = event_keys.claim_keys(origin.terms.licensee_id, digests)
    claimed = [(ids[key], *new) for key, new in batch.new.items() if key in ids]
    if not claimed:
        return []
    uses = [use for _, _, use in claimed]
    assessments = assess_uses(uses, batch.rows, origin.terms, received_at=origin.received_at)
    tag_keys = _tag_keys(uses, origin)
    events = [
        _new_event(event_id, message, use, assessment, tag_key, origin)
        for (event_id, message, use), assessment, tag_key in zip(
            claimed, assessments, tag_keys, strict=True
        )
    ]
    _store(events, origin)
    at = origin.received_at
    batch.earlier_events.store([(event.use, event.id) for event in events], at=at)
    store_spending_of_events(
        [(event.id, event.assessment.spending) for event in events if event.assessment.spending],
        {event.id: event.assessment.given_back for event in events},
        at=at,
    )
    recorded = [(event.message, event.id) for event in events]
    dead_letters.close_recorded(recorded, origin.terms, at=at)
    return events


def _tag_keys(uses: Sequence[KnownUse], origin: BatchOrigin) -> list[bytes]:
    """Return the key that tags each use: its agreement's, else that of the licensee's terms.

    The keys are secret, so the rows that a decision reads come without them.
    """
    ids = {use.agreement.pk for use in uses if use.agreement}
    keys = dict(Agreement.objects.filter(pk__in=ids).values_list("pk", "tag_key"))
    return [
        bytes(keys[use.agreement.pk] if use.agreement else origin.terms.tag_key) for use in uses
    ]


def _new_event(
    event_id: int,
    message: Message,
    use: KnownUse,
    assessment: Assessment,
    tag_key: bytes,
    origin: BatchOrigin,
) -> _NewEvent:
    """Seal an event: its bytes, the salt that hides them, and the entry that commits to them."""
    prompt = Prompt.of(use.reported.prompt)
    sealed = sealed_bytes(
        message.canonical,
        kind=use.reported.kind.value,
        received_at=origin.received_at,
        actor=origin.actor,
        standing=assessment.standing.value,
        prompt=prompt.commitment if prompt else None,
    )
    salt = secrets.token_bytes(SALT_SIZE)
    tag = month_tag(tag_key, origin.received_at)
    published = entry(tag, commitment(salt, sealed))
    return _NewEvent(event_id, message, use, assessment, salt, sealed, published, prompt)


def _store(events: Sequence[_NewEvent], origin: BatchOrigin) -> None:
    batch = UsageBatch.objects.create(
        terms=origin.terms,
        api_key=origin.api_key,
        usage_import=origin.usage_import,
        door=origin.door.value,
        received_at=origin.received_at,
        size=len(events),
    )
    # Only the meters this batch carries: a dozen empty columns a row are not free.
    meters = sorted({meter for event in events for meter in event.use.reported.quantities})
    rows = (
        (batch.pk, seat, *_values(event, origin), *map(event.use.reported.quantities.get, meters))
        for seat, event in enumerate(events)
    )
    copy_rows(UsageEvent, ("batch", "seat", *_COLUMNS, *meters), rows)
    records = ((event.id, event.salt, event.sealed) for event in events)
    copy_rows(UsageRecord, ("event", "salt", "canonical"), records)
    prompts.store(
        [(event.id, event.prompt) for event in events if event.prompt],
        agency_id=origin.terms.agency_id,
    )
    store_sums(
        batch_id=batch.pk,
        event_ids=[event.id for event in events],
        has_other_leaves=any(map(_is_no_ordinary_use, events)),
    )


def _is_no_ordinary_use(event: _NewEvent) -> bool:
    return event.use.reported.kind is not LeafKind.USE or bool(event.assessment.over_meter)


_COLUMNS = (
    "id", "kind", "about", "agency", "licensee", "agreement", "twin", "build", "production",
    "permit", "occurred_at", "right", "use", "territory", "language", "channel", "prompt_class",
    "real_time", "content", "brand", "standing", "standing_reason", "over", "over_meter", "entry",
)  # fmt: skip


def _values(event: _NewEvent, origin: BatchOrigin) -> tuple[object, ...]:
    """Return what `_COLUMNS` hold of an event."""
    use, assessment = event.use.reported, event.assessment
    return (
        event.id, use.kind.value, _pk(event.use.replaced),
        origin.terms.agency_id, origin.terms.licensee_id,
        _pk(event.use.agreement), event.use.twin.pk, _pk(event.use.build),
        _pk(event.use.production), assessment.permit_id, use.occurred_at, use.right, use.use,
        use.territory, use.language or "", use.channel,
        use.prompt_class or PromptClass.NONE.value, bool(use.real_time),
        None if use.content is None else list(use.content), event.use.brand or "",
        assessment.standing.value, assessment.reason, assessment.over, assessment.over_meter,
        event.entry,
    )  # fmt: skip


def _pk(row: object) -> int | None:
    return getattr(row, "pk", None)


# Announcing


def _announce_outside(events: Sequence[_NewEvent], origin: BatchOrigin) -> None:
    """Announce the uses outside the consent in one message, which names the first of them."""
    outside = [event for event in events if event.assessment.standing is not Standing.CLEARED]
    if not outside:
        return
    announce(
        kind=Announcement.OUTSIDE_CONSENT,
        agency_id=origin.terms.agency_id,
        licensee_id=origin.terms.licensee_id,
        data={"count": len(outside), "events": [_news_of(event) for event in outside[:MOST_NAMED]]},
        at=origin.received_at,
    )


def _news_of(event: _NewEvent) -> dict[str, object]:
    return {
        "id": str(event.id),
        "standing": event.assessment.standing.value,
        "twin": name_of(Prefix.TWIN, event.use.twin.pk),
        "agreement": event.use.agreement and event.use.agreement.reference,
        "link": f"/api/v1/usage/events/{event.id}",
    }


# Answering


def _recorded_outcome(event: _NewEvent) -> EventOutcome:
    return EventOutcome(
        event.message.index,
        Reception.RECORDED,
        event.id,
        event.entry,
        event.assessment.standing.value,
        event.assessment.reason,
    )


def _repeat_outcomes(
    batch: SortedBatch, events: Sequence[_NewEvent], origin: BatchOrigin
) -> list[EventOutcome]:
    """Answer repeats with the receipt of what their key leads to, or with both digests."""
    lost = _lost_to_others(batch, events)
    repeats = [*batch.repeats, *lost]
    if not repeats:
        return []
    known = batch.known | {
        event.message.key: KnownEvent(event.id, event.message.digest) for event in events
    }
    if lost:
        keys = [message.key for message in lost]
        known |= event_keys.find_events(origin.terms.licensee_id, keys)
    same = [message for message in repeats if known[message.key].digest == message.digest]
    receipts = _stored_events({known[message.key].event_id for message in same})
    return [_repeat_outcome(message, known[message.key], receipts) for message in repeats]


def _lost_to_others(batch: SortedBatch, events: Sequence[_NewEvent]) -> list[Message]:
    """Return new messages whose keys another connection entered between look-up and claim."""
    if len(events) == len(batch.new):
        return []
    recorded = {event.message.key for event in events}
    return [message for key, (message, _) in batch.new.items() if key not in recorded]


def _repeat_outcome(
    message: Message, known: KnownEvent, receipts: dict[int, UsageEvent]
) -> EventOutcome:
    if known.digest != message.digest:
        return EventOutcome.conflict(message, digest_known=known.digest)
    event = receipts[known.event_id]
    return EventOutcome(
        message.index,
        Reception.KNOWN,
        event.pk,
        bytes(event.entry),
        event.standing,
        event.standing_reason,
    )


def _stored_events(ids: set[int]) -> dict[int, UsageEvent]:
    events = UsageEvent.objects.in_bulk(ids)
    archived = ids - events.keys()
    return events | events_in_archives(archived) if archived else events


def _dead_letter_outcomes(
    messages: Sequence[tuple[Message, NotUnderstood]], origin: BatchOrigin
) -> Iterable[EventOutcome]:
    dead_letter_ids = dead_letters.store(messages, origin)
    return [
        EventOutcome.not_understood(message, reason, dead_letter_id)
        for (message, reason), dead_letter_id in zip(messages, dead_letter_ids, strict=True)
    ]
