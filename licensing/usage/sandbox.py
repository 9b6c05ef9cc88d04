"""The sandbox: events answered as real ones are, and kept where nothing that counts looks."""

import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db import transaction

from licensing.log.entry import ENTRY_SIZE
from licensing.models import SandboxEvent
from licensing.usage.events.cloudevents import Envelope
from licensing.usage.events.forms import LONGEST_KEY
from licensing.usage.recording.arrivals import Arrival, Key, Message
from licensing.usage.recording.copy import Known
from licensing.usage.recording.metering import Outcome, Reception, sort_batch
from licensing.usage.recording.standings import Stand, standings
from licensing.wire.faults import NotUnderstood

KEPT = timedelta(days=30)
LONGEST_POINTER = 200
# What a sandbox entry begins with. No entry of the log does, so nobody takes one for the other.
NO_FORMAT = b"\x00"


@contextmanager
def undone() -> Iterator[None]:
    """Take back whatever is written inside: caps and records are as if nobody had asked."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@transaction.atomic
def rehearse(envelopes: Sequence[Envelope], arrival: Arrival) -> list[Outcome]:
    """Answer a batch as `meter` would, by the keys and the letters of the sandbox alone.

    The standing is what a real event would get, but nothing is taken from any cap.
    """
    terms = arrival.terms
    messages = [
        Message.of(i, envelope, prompt_key=bytes(terms.prompt_key))
        for i, envelope in enumerate(envelopes)
    ]
    ledger = {key: Known(row.pk, bytes(row.digest)) for key, row in _kept(messages, arrival)}
    batch = sort_batch(messages, ledger, terms)
    with undone():
        uses = [use for _, use in batch.claims.values()]
        stands = standings(uses, terms, received_at=arrival.received_at)
    events = {
        key: _event(message, stand, arrival)
        for (key, (message, _)), stand in zip(batch.claims.items(), stands, strict=True)
    }
    _add([*events.values(), *(_letter(message, why, arrival) for message, why in batch.unread)])
    kept = dict(_kept(messages, arrival))
    outcomes = [
        *(_answer(each, kept[each.key], events[each.key]) for each, _ in batch.claims.values()),
        *(_answer(each, kept[each.key]) for each in batch.repeats),
        *_not_understood(batch.unread, arrival),
    ]
    return sorted(outcomes, key=lambda outcome: outcome.index)


def purge(*, at: datetime) -> int:
    """Delete what is older than thirty days; return how many events that was."""
    deleted, _ = SandboxEvent.objects.filter(received_at__lt=at - KEPT).delete()
    return deleted


# Keeping


def _kept(messages: Iterable[Message], arrival: Arrival) -> Iterator[tuple[Key, SandboxEvent]]:
    rows = SandboxEvent.objects.filter(
        terms=arrival.terms, code="", key__in={message.key.id for message in messages}
    )
    return ((Key(row.source, row.key), row) for row in rows)


def _add(rows: Iterable[SandboxEvent]) -> None:
    # One order for everybody, so that two overlapping batches can't wait for each other.
    in_order = sorted(rows, key=lambda row: (row.source, row.key, row.digest))
    SandboxEvent.objects.bulk_create(in_order, ignore_conflicts=True)


def _event(message: Message, stand: Stand, arrival: Arrival) -> SandboxEvent:
    return SandboxEvent(
        standing=stand.standing.value,
        standing_reason=stand.reason,
        entry=NO_FORMAT + secrets.token_bytes(ENTRY_SIZE - len(NO_FORMAT)),
        **_sent(message, arrival),
    )


def _letter(message: Message, why: NotUnderstood, arrival: Arrival) -> SandboxEvent:
    first = why.faults[0]
    return SandboxEvent(
        code=first.code, pointer=first.pointer[:LONGEST_POINTER], **_sent(message, arrival)
    )


def _sent(message: Message, arrival: Arrival) -> dict[str, object]:
    return {
        "terms": arrival.terms,
        "api_key": arrival.api_key,
        "received_at": arrival.received_at,
        "source": message.key.source[:LONGEST_KEY],
        "key": message.key.id[:LONGEST_KEY],
        "digest": message.digest,
        "canonical": message.canonical,
    }


# Answering


def _answer(message: Message, row: SandboxEvent, written: SandboxEvent | None = None) -> Outcome:
    """Answer by what its key leads to; it is new if that is the row written for it just now."""
    if bytes(row.digest) != message.digest:
        return Outcome(
            message.index,
            Reception.CONFLICT,
            digest_sent=message.digest,
            digest_known=bytes(row.digest),
        )
    is_new = written is not None and bytes(row.entry) == written.entry
    return Outcome(
        message.index,
        Reception.RECORDED if is_new else Reception.KNOWN,
        row.pk,
        bytes(row.entry),
        row.standing,
        row.standing_reason,
    )


def _not_understood(
    unread: Sequence[tuple[Message, NotUnderstood]], arrival: Arrival
) -> Iterator[Outcome]:
    letters = SandboxEvent.objects.filter(
        terms=arrival.terms, code__gt="", digest__in={message.digest for message, _ in unread}
    )
    numbers = {(row.source, row.key, bytes(row.digest)): row.pk for row in letters}
    for message, why in unread:
        identity = message.key.source[:LONGEST_KEY], message.key.id[:LONGEST_KEY], message.digest
        yield Outcome(
            message.index,
            Reception.NOT_UNDERSTOOD,
            digest_sent=message.digest,
            faults=why.faults,
            dead_letter_id=numbers[identity],
        )
