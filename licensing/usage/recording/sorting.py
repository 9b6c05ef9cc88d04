"""Sorting: which messages of a batch are new events, which are known, which not understood."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from licensing.facts.rows import FactRows, fact_rows
from licensing.models import LicenseeTerms
from licensing.usage.events.forms import LONGEST_KEY
from licensing.usage.events.reported import ReportedUse, read_event
from licensing.wire.faults import Fault, NotUnderstood
from licensing.wire.instants import IMPLAUSIBLE, is_plausible
from talent.plain_text import MORE_THAN_A_LINE, is_line

from .amendments import EarlierEvents
from .event_keys import KnownEvent
from .messages import Message, MessageKey
from .references import KnownUse, known_uses

KnownEvents = dict[MessageKey, KnownEvent]


@dataclass(slots=True)
class SortedBatch:
    """A batch, sorted: new messages by key, repeats of what was sent before, not understood.

    `known` are the earlier events that keys of the batch lead to; `rows` is what its uses
    name, with all that lies on it, or None if it tells of no new use.
    """

    known: KnownEvents
    earlier_events: EarlierEvents
    rows: FactRows | None
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
    received_at: datetime,
) -> SortedBatch:
    """Sort messages by what their keys lead to, and by what the desk's records make of them.

    `find_events` returns the events that keys lead to. The events that amendments name are locked
    until the transaction ends.
    """
    known = find_events([message.key for message in messages])
    new = [message for message in messages if message.key not in known]
    uses, rows = _look_up(new, terms, received_at)
    earlier_events = EarlierEvents(
        [use for use in uses.values() if isinstance(use, KnownUse)], terms
    )
    if earlier_events.are_needed:
        # While this waited for the locks, another connection may have recorded some of them.
        known |= find_events([message.key for message in new])
    batch = SortedBatch(known, earlier_events, rows)
    for message in messages:
        batch.add(message, uses.get(message.index))
    return batch


def _look_up(
    messages: Iterable[Message], terms: LicenseeTerms, received_at: datetime
) -> tuple[dict[int, KnownUse | NotUnderstood], FactRows | None]:
    """Read messages and look up what they name, once; return the uses by `index`.

    The rows are also those that the uses are assessed by; None if no message tells of a use.
    """
    read = {message.index: _read(message, received_at) for message in messages}
    reported = {index: use for index, use in read.items() if isinstance(use, ReportedUse)}
    uses: dict[int, KnownUse | NotUnderstood] = {
        index: use for index, use in read.items() if isinstance(use, NotUnderstood)
    }
    if not reported:
        return uses, None
    rows = fact_rows(list(reported.values()), terms, received_at)
    uses |= zip(reported, known_uses(list(reported.values()), rows), strict=True)
    return uses, rows


def _read(message: Message, received_at: datetime) -> ReportedUse | NotUnderstood:
    for name, text in (("id", message.key.id), ("source", message.key.source)):
        if len(text) > LONGEST_KEY:
            detail = f"This attribute has at most {LONGEST_KEY} characters."
            return NotUnderstood((Fault(f"/{name}", detail, "field_too_long"),))
        if not is_line(text):
            return NotUnderstood((Fault(f"/{name}", MORE_THAN_A_LINE, "unseen_characters"),))
    use = read_event(message.envelope)
    if isinstance(use, ReportedUse) and not is_plausible(use.occurred_at, received_at=received_at):
        pointer = "/data/period/starts" if use.period else "/time"
        return NotUnderstood((Fault(pointer, IMPLAUSIBLE, "implausible_time"),))
    return use
