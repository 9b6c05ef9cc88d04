"""The sandbox: events answered as real ones are, and kept apart from all that counts."""

import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial

from django.db import transaction

from licensing.log.entry import ENTRY_SIZE
from licensing.models import LicenseeTerms, SandboxEvent
from licensing.usage.events.cloudevents import Envelope
from licensing.usage.events.forms import LONGEST_KEY
from licensing.usage.recording.assessment import Assessment, assess_uses
from licensing.usage.recording.event_keys import KnownEvent
from licensing.usage.recording.messages import (
    BatchOrigin,
    EventOutcome,
    Message,
    MessageKey,
    Reception,
)
from licensing.usage.recording.sorting import KnownEvents, sort_batch
from licensing.wire.faults import NotUnderstood

KEPT = timedelta(days=30)
LONGEST_POINTER = 200
# What a sandbox entry begins with. No entry of the log does, so nobody takes one for the other.
NO_FORMAT = b"\x00"


@contextmanager
def rehearsal() -> Iterator[None]:
    """Roll back whatever is written inside, so that caps and records stay as they were."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@transaction.atomic
def rehearse(envelopes: Sequence[Envelope], origin: BatchOrigin) -> list[EventOutcome]:
    """Answer a batch as `record_events` would, by the keys and dead letters of the sandbox alone.

    The standing is what a real event would get, but nothing is taken from any cap.
    """
    messages = [Message.of(i, envelope, origin.terms) for i, envelope in enumerate(envelopes)]
    find_events = partial(_known_events, terms=origin.terms)
    batch = sort_batch(
        messages, origin.terms, find_events=find_events, received_at=origin.received_at
    )
    with rehearsal():
        uses = [use for _, use in batch.new.values()]
        assessments = (
            assess_uses(uses, batch.rows, origin.terms, received_at=origin.received_at)
            if batch.rows
            else []
        )
    new = {
        key: _event(message, assessment, origin)
        for (key, (message, _)), assessment in zip(batch.new.items(), assessments, strict=True)
    }
    dead_letters = [_dead_letter(*unread, origin) for unread in batch.not_understood]
    _store([*new.values(), *dead_letters])
    # Read again: of two batches at once with one key, one finds the event that the other stored.
    stored = _events([message.key for message in messages], origin.terms)
    outcomes = [
        *(_outcome(message, stored[key], new[key]) for key, (message, _) in batch.new.items()),
        *(_outcome(message, stored[message.key]) for message in batch.repeats),
        *_dead_letter_outcomes(batch.not_understood, origin),
    ]
    return sorted(outcomes, key=lambda outcome: outcome.index)


def purge(*, at: datetime) -> int:
    """Delete what is older than thirty days; return how many events that was."""
    deleted, _ = SandboxEvent.objects.filter(received_at__lt=at - KEPT).delete()
    return deleted


# Storing


def _events(keys: Iterable[MessageKey], terms: LicenseeTerms) -> dict[MessageKey, SandboxEvent]:
    rows = SandboxEvent.objects.filter(terms=terms, code="", key__in={key.id for key in keys})
    return {MessageKey(row.source, row.key): row for row in rows}


def _known_events(keys: Iterable[MessageKey], terms: LicenseeTerms) -> KnownEvents:
    events = _events(keys, terms).items()
    return {key: KnownEvent(event.pk, bytes(event.digest)) for key, event in events}


def _store(rows: Iterable[SandboxEvent]) -> None:
    # One order for everybody, so that two overlapping batches can't wait for each other.
    in_order = sorted(rows, key=lambda row: (row.source, row.key, row.digest))
    SandboxEvent.objects.bulk_create(in_order, ignore_conflicts=True)


def _event(message: Message, assessment: Assessment, origin: BatchOrigin) -> SandboxEvent:
    return SandboxEvent(
        standing=assessment.standing.value,
        standing_reason=assessment.reason,
        entry=NO_FORMAT + secrets.token_bytes(ENTRY_SIZE - len(NO_FORMAT)),
        **_columns(message, origin),
    )


def _dead_letter(message: Message, reason: NotUnderstood, origin: BatchOrigin) -> SandboxEvent:
    first = reason.faults[0]
    return SandboxEvent(
        code=first.code, pointer=first.pointer[:LONGEST_POINTER], **_columns(message, origin)
    )


def _columns(message: Message, origin: BatchOrigin) -> dict[str, object]:
    return {
        "terms": origin.terms,
        "api_key": origin.api_key,
        "received_at": origin.received_at,
        "source": message.key.source[:LONGEST_KEY],
        "key": message.key.id[:LONGEST_KEY],
        "digest": message.digest,
        "canonical": message.canonical,
    }


# Answering


def _outcome(message: Message, row: SandboxEvent, new: SandboxEvent | None = None) -> EventOutcome:
    """Answer by what its key leads to; it is recorded if that is the row stored for it just now."""
    if bytes(row.digest) != message.digest:
        return EventOutcome.conflict(message, digest_known=bytes(row.digest))
    is_new = new is not None and bytes(row.entry) == new.entry
    return EventOutcome(
        message.index,
        Reception.RECORDED if is_new else Reception.KNOWN,
        row.pk,
        bytes(row.entry),
        row.standing,
        row.standing_reason,
    )


def _dead_letter_outcomes(
    messages: Sequence[tuple[Message, NotUnderstood]], origin: BatchOrigin
) -> Iterator[EventOutcome]:
    digests = {message.digest for message, _ in messages}
    rows = SandboxEvent.objects.filter(terms=origin.terms, code__gt="", digest__in=digests)
    ids = {(row.source, row.key, bytes(row.digest)): row.pk for row in rows}
    for message, reason in messages:
        identity = message.key.source[:LONGEST_KEY], message.key.id[:LONGEST_KEY], message.digest
        yield EventOutcome.not_understood(message, reason, ids[identity])
