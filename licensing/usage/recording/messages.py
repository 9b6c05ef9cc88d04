"""Messages: events as they were sent, where a batch of them came from, and the answer to each.

What is made for each event, here and in `recording`, is a Struct that the garbage collector leaves
alone: it holds nothing that leads back to it, and a batch makes thousands at once.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

import msgspec

from licensing.models import ApiKey, LicenseeTerms, UsageImport
from licensing.usage.events.canonical import canonical_event
from licensing.usage.events.cloudevents import Envelope
from licensing.wire.canonical import content_digest
from licensing.wire.faults import Fault, NotUnderstood
from licensing.words import Door


class MessageKey(NamedTuple):
    """The source and id of an event; with its licensee they lead to one event for ever."""

    source: str
    id: str


class Message(msgspec.Struct, frozen=True, gc=False):
    """One event as it was sent, in its place (`index`) of the batch.

    Beside the envelope stand its canonical bytes, their digest, and its key.
    """

    index: int
    envelope: Envelope
    canonical: bytes
    digest: bytes
    key: MessageKey

    @classmethod
    def of(cls, index: int, envelope: Envelope, terms: LicenseeTerms) -> "Message":
        """Return an envelope as a message; the terms' key hides the wording of a prompt."""
        canonical = canonical_event(envelope, prompt_key=bytes(terms.prompt_key))
        key = MessageKey(envelope.source, envelope.id)
        return cls(index, envelope, canonical, content_digest(canonical), key)


@dataclass(frozen=True, slots=True)
class BatchOrigin:
    """Where a batch came from: under which terms, through which door, when, and by whom.

    `actor` is sealed with each event, so it names a key or an import, never a person.
    """

    terms: LicenseeTerms
    door: Door
    received_at: datetime
    actor: str
    api_key: ApiKey | None = None
    usage_import: UsageImport | None = None


class Reception(StrEnum):
    """What became of one event of a batch."""

    RECORDED = "recorded"
    KNOWN = "known"
    CONFLICT = "conflict"
    NOT_UNDERSTOOD = "not_understood"


class EventOutcome(msgspec.Struct, frozen=True, gc=False):
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

    @classmethod
    def conflict(cls, message: Message, *, digest_known: bytes) -> "EventOutcome":
        """Return the answer to a message whose key came with other content before."""
        return cls(
            message.index,
            Reception.CONFLICT,
            digest_sent=message.digest,
            digest_known=digest_known,
        )

    @classmethod
    def not_understood(
        cls, message: Message, reason: NotUnderstood, dead_letter_id: int
    ) -> "EventOutcome":
        """Return the answer to a message that waits among the dead letters."""
        return cls(
            message.index,
            Reception.NOT_UNDERSTOOD,
            digest_sent=message.digest,
            faults=reason.faults,
            dead_letter_id=dead_letter_id,
        )
