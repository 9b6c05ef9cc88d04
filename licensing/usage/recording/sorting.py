"""Sorting: which messages of a batch are new events, which are known, which not understood."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field

from licensing.models import LicenseeTerms
from licensing.usage.events.forms import LONGEST_KEY
from licensing.usage.events.reported import ReportedUse, read_event
from licensing.wire.faults import Fault, NotUnderstood

from .amendments import EarlierEvents
from .event_keys import KnownEvent
from .messages import Message, MessageKey
from .references import KnownUse, References

KnownEvents = dict[MessageKey, KnownEvent]


@dataclass(slots=True)
class SortedBatch:
    """A batch, sorted: new messages by key, repeats of what was sent before, not understood.

    `known` are the earlier events that keys of the batch lead to.
    """

    known: KnownEvents
    earlier_events: EarlierEvents
    new: dict[MessageKey, tuple[Message, KnownUse]] = field(default_factory=dict)
    repeats: list[Message] = field(default_factory=list)
    not_understood: list[tuple[Message, NotUnderstood]] = field(default_factory=list)

    def add(self, message: Message, use: KnownUse | NotUnderstood | None) -> None:
        """Put a message where it belongs; `use` is what it was read as, None for a known key."""
        if message.key in self.known or message.key in self.new or use is None:
            self.repeats.append(message)
            return
        if isinstance(use, KnownUse) and self.earlier_events.are_needed:
            use = self.earlier_events.take_place(use)
        if isinstance(use, KnownUse):
            self.new[message.key] = (message, use)
        else:
            self.not_understood.append((message, use))


def sort_batch(
    messages: Collection[Message],
    terms: LicenseeTerms,
    *,
    find_events: Callable[[Collection[MessageKey]], KnownEvents],
) -> SortedBatch:
    """Sort messages by what their keys lead to, and by what the desk's records make of them.

    `find_events` returns the events that keys lead to. The events that amendments name are locked
    until the transaction ends.
    """
    known = find_events([message.key for message in messages])
    new = [message for message in messages if message.key not in known]
    uses = _read_uses(new, terms)
    earlier_events = EarlierEvents(
        [use for use in uses.values() if isinstance(use, KnownUse)], terms
    )
    if earlier_events.are_needed:
        # While this waited for the locks, another connection may have recorded some of them.
        known |= find_events([message.key for message in new])
    batch = SortedBatch(known, earlier_events)
    for message in messages:
        batch.add(message, uses.get(message.index))
    return batch


def _read_uses(
    messages: Iterable[Message], terms: LicenseeTerms
) -> dict[int, KnownUse | NotUnderstood]:
    """Read messages and look up the names in them, all at once; return the results by `index`."""
    reported = {message.index: _read(message) for message in messages}
    uses = [use for use in reported.values() if isinstance(use, ReportedUse)]
    references = References(uses, terms)
    return {
        index: references.of(use) if isinstance(use, ReportedUse) else use
        for index, use in reported.items()
    }


def _read(message: Message) -> ReportedUse | NotUnderstood:
    for name, text in (("id", message.key.id), ("source", message.key.source)):
        if len(text) > LONGEST_KEY:
            detail = f"This attribute has at most {LONGEST_KEY} characters."
            return NotUnderstood((Fault(f"/{name}", detail, "field_too_long"),))
    return read_event(message.envelope)
