"""What arrives at a door: a batch of messages, under whose terms, when and by whom."""

from dataclasses import dataclass
from datetime import datetime

from licensing.models import ApiKey, LicenseeTerms, UsageImport
from licensing.usage.events.canonical import canonical_event
from licensing.usage.events.cloudevents import Envelope
from licensing.wire.canonical import content_digest
from licensing.words import Door


@dataclass(frozen=True, slots=True)
class Key:
    """What makes an event one event: its licensee's source and id."""

    source: str
    id: str


@dataclass(frozen=True, slots=True)
class Message:
    """One event as it arrived: its key, canonical bytes and digest beside the envelope."""

    index: int
    envelope: Envelope
    canonical: bytes
    digest: bytes
    key: Key

    @classmethod
    def of(cls, index: int, envelope: Envelope, *, prompt_key: bytes) -> "Message":
        canonical = canonical_event(envelope, prompt_key=prompt_key)
        key = Key(envelope.source, envelope.id)
        return cls(index, envelope, canonical, content_digest(canonical), key)


@dataclass(frozen=True, slots=True)
class Arrival:
    """How a batch came: under which terms, through which door, when, and who sent it.

    `actor` is sealed with each event, so it names a key or an import, never a person.
    """

    terms: LicenseeTerms
    door: Door
    received_at: datetime
    actor: str
    api_key: ApiKey | None = None
    usage_import: UsageImport | None = None
