"""Corrections: what staff do about dead letters: correct, read again, or close them.

The message of a dead letter stays as it was sent.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import groupby
from typing import Any

from django.db import transaction

from licensing.models import DeadLetter, LetterStep, UsageEvent
from licensing.usage.events.canonical import DIGEST_SUFFIX
from licensing.usage.events.cloudevents import Envelope
from licensing.usage.events.event_types import AMENDMENT, USAGE_TYPE
from licensing.usage.events.forms import GENERATIVE_PREFIX
from licensing.usage.recording import dead_letters
from licensing.usage.recording.event_keys import find_events
from licensing.usage.recording.messages import BatchOrigin, EventOutcome, MessageKey, Reception
from licensing.usage.recording.record import record_events
from licensing.usage.sheets.put_right import (
    MAY_BE_PUT_RIGHT,
    REPLACES,
    event_in_question,
    event_like,
    has_derived_id,
    naming,
)
from licensing.usage.sheets.rows import (
    TRUTHS,
    derived_id,
    digest_of_row,
    instant_text,
    normal_form,
)
from licensing.wire.faults import Fault
from licensing.wire.fields import CHECKS
from licensing.words import Door, LetterStepKind, Meter
from talent.errors import Refused
from talent.models import User

LONGEST_REASON = 500


class DeadLetterClosed(Refused):
    """Somebody has dealt with the dead letter already."""

    code = "letter_closed"


class NoStepReason(Refused):
    """A step with a dead letter says why."""

    code = "reason_missing"


class StillNotUnderstood(Refused):
    """The message as corrected is not understood either. Carries the faults."""

    code = "still_not_understood"

    def __init__(self, faults: tuple[Fault, ...]):
        super().__init__("The message is not understood yet. Nothing was kept of the correction.")
        self.faults = faults


class AlreadyAnEvent(Refused):
    """The studio's id has become an event by another message meanwhile."""

    code = "already_an_event"


class SaysWhatIsKnown(Refused):
    """The row as corrected may tell of a use that is known. Carries the event it would replace.

    None where that event says all the same: nothing needs to take its place.
    """

    code = "says_what_is_known"

    def __init__(self, text: str, *, event: int | None = None):
        super().__init__(text)
        self.event = event


@transaction.atomic
def correct(
    *,
    dead_letter_id: int,
    fields: Mapping[str, str],
    time_zone: str,
    at: datetime,
    by: User,
    reason: str,
    is_another: bool = False,
    in_place_of: int | None = None,
) -> EventOutcome:
    """Record a dead letter's message as corrected, store the correction, and close the letter.

    `fields` holds fields of the use, meters, `time` and, where it is to change, `id`, as text;
    what is empty is left out. A sheet's row without an id of its own gets that of what it now says,
    so that it is known when the studio sends it put right. Where an event may tell of the same use,
    because it says the same or was put right another way, by staff or by the studio, `is_another`
    says that this is another use, `in_place_of` that it takes the place of the event it was asked
    about. Returns the outcome, which has the event.
    Raises DeadLetterClosed, NoStepReason, StillNotUnderstood, AlreadyAnEvent and SaysWhatIsKnown;
    then nothing is kept.
    """
    dead_letter = _lock_open(dead_letter_id)
    message = _corrected(dead_letters.message_of(dead_letter), fields, time_zone)
    if message.id == dead_letter.key and has_derived_id(dead_letter):
        message = _told_apart(message, dead_letter, is_another=is_another, in_place_of=in_place_of)
    step = LetterStep.objects.create(
        letter=dead_letter,
        kind=LetterStepKind.CORRECTED.value,
        message=dead_letters.storable_message(message, dead_letter.terms),
        reason=_checked(reason),
        by=by,
        at=at,
    )
    origin = BatchOrigin(
        dead_letter.terms,
        Door(dead_letter.door),
        at,
        actor=f"correction {step.pk}",
        usage_import=dead_letter.usage_import,
    )
    (outcome,) = record_events([message], origin)
    if outcome.reception is Reception.NOT_UNDERSTOOD:
        raise StillNotUnderstood(outcome.faults)
    if outcome.reception is Reception.CONFLICT:
        raise AlreadyAnEvent(
            "An event with this id came meanwhile, with other content. If this letter tells of "
            "the same use, close it; if of another, give it an id of its own."
        )
    _close(dead_letter, outcome.event_id, at)
    return outcome


@transaction.atomic
def read_again(*, dead_letter_ids: Sequence[int], at: datetime) -> list[EventOutcome]:
    """Record the messages of dead letters as received now; return what became of each.

    In the order of terms, door and dead letter id, not of `dead_letter_ids`. Those that are
    understood now become events and are closed; the rest stay open.
    """
    return [
        outcome
        for origin, messages in _lock_waiting(dead_letter_ids, at=at)
        for outcome in record_events(messages, origin)
    ]


@transaction.atomic
def close(*, dead_letter_id: int, at: datetime, by: User, reason: str) -> LetterStep:
    """Close a dead letter that tells of no use, or of one that is known. It stays, with the reason.

    Raises DeadLetterClosed and NoStepReason.
    """
    dead_letter = _lock_open(dead_letter_id)
    step = LetterStep.objects.create(
        letter=dead_letter,
        kind=LetterStepKind.NOT_A_USE.value,
        reason=_checked(reason),
        by=by,
        at=at,
    )
    _close(dead_letter, None, at)
    return step


def can_be_corrected(dead_letter: DeadLetter) -> bool:
    """Whether its type is that of a use; a message of another type is only read again or closed."""
    return bool(dead_letter.envelope.get("type") == USAGE_TYPE)


def unknown_fields(dead_letter: DeadLetter) -> dict[str, Any]:
    """Return what the message says under names that the desk does not know.

    A correction leaves it out.
    """
    data = dead_letter.envelope.get("data")
    if not isinstance(data, dict):
        return {"data": data} if data is not None else {}
    # What the desk itself has noted of a row in doubt stands on its page.
    own = {REPLACES} if dead_letter.code == MAY_BE_PUT_RIGHT else set()
    unknown = {
        name: value for name, value in data.items() if not _is_known(name) and name not in own
    }
    quantities = data.get("quantities")
    if isinstance(quantities, dict):
        meters = Meter.codes()
        unknown |= {name: value for name, value in quantities.items() if name not in meters}
    return unknown


def _lock_open(dead_letter_id: int) -> DeadLetter:
    """Lock a dead letter, so that it is closed once. Raises DeadLetterClosed."""
    rows = DeadLetter.objects.select_for_update(of=("self",)).select_related(
        "terms__agency", "terms__licensee", "usage_import"
    )
    dead_letter = rows.get(pk=dead_letter_id)
    if dead_letter.resolved_at is not None:
        raise DeadLetterClosed("This message was dealt with already.")
    return dead_letter


def _lock_waiting(
    dead_letter_ids: Sequence[int], *, at: datetime
) -> Iterator[tuple[BatchOrigin, list[Envelope]]]:
    """Lock those that are not closed, and yield their messages in batches of one origin."""
    rows = (
        DeadLetter.objects.open()
        .filter(pk__in=dead_letter_ids)
        .select_related("terms__agency", "terms__licensee")
        .select_for_update(of=("self",))
        .order_by("terms", "door", "pk")
    )
    for (terms, door), batch in groupby(rows, key=lambda row: (row.terms, row.door)):
        messages = [dead_letters.message_of(dead_letter) for dead_letter in batch]
        yield BatchOrigin(terms, Door(door), at, actor="replay"), messages


def _checked(reason: str) -> str:
    if not reason.strip():
        raise NoStepReason("Say why, for those who read this later.")
    return reason.strip()[:LONGEST_REASON]


def _close(dead_letter: DeadLetter, event_id: int | None, at: datetime) -> None:
    dead_letter.resolved_at, dead_letter.resolved_event_id = at, event_id
    dead_letter.save(update_fields=["resolved_at", "resolved_event_id"])


def _corrected(message: Envelope, fields: Mapping[str, str], time_zone: str) -> Envelope:
    """Return a message with fields changed; a field that is changed to nothing is left out."""
    changes = {name: value.strip() for name, value in fields.items() if value.strip()}
    before = message.data if isinstance(message.data, dict) else {}
    data: dict[str, Any] = {
        name: value
        for name, value in before.items()
        if _is_known(name) and name not in fields and name != "quantities"
    }
    data |= {name: changes[name] for name in CHECKS if name in changes}
    if "real_time" in changes:
        data["real_time"] = TRUTHS.get(changes["real_time"], changes["real_time"])
    meters = [meter for meter in Meter.codes() if meter in changes]
    data["quantities"] = {meter: normal_form(changes[meter]) for meter in meters}
    return replace(
        message,
        id=changes.get("id", message.id),
        time=instant_text(changes["time"], time_zone) if "time" in changes else None,
        data=data,
        datacontenttype=None,
        data_base64=None,
    )


def _told_apart(
    message: Envelope, dead_letter: DeadLetter, *, is_another: bool, in_place_of: int | None
) -> Envelope:
    """Return a row put right as the use that it is said to be: one that is known, or its own.

    Raises SaysWhatIsKnown.
    """
    event = None if is_another else _may_be(dead_letter, message)
    if event is None:
        return _identified_anew(message, dead_letter, is_another=is_another)
    if event != in_place_of:
        raise SaysWhatIsKnown(
            f"Event {event} may tell of the same use in another way. Say below whether what stands "
            "here takes its place. If the event is right as it is, close this row instead.",
            event=event,
        )
    return replace(naming(message, event), type=AMENDMENT.type)


def _may_be(dead_letter: DeadLetter, message: Envelope) -> int | None:
    if dead_letter.code == MAY_BE_PUT_RIGHT:
        return event_in_question(dead_letter)
    return event_like(dead_letter, message)


def _identified_anew(message: Envelope, dead_letter: DeadLetter, *, is_another: bool) -> Envelope:
    """Give a row put right the id that it would have had; rows of its own sheet come before it.

    Raises SaysWhatIsKnown.
    """
    terms = dead_letter.terms
    row = digest_of_row(message, licensee=terms.licensee.slug, prompt_key=bytes(terms.prompt_key))
    which = 0
    while True:
        which += 1
        key = MessageKey(message.source, derived_id(row, str(which)))
        known = find_events(terms.licensee_id, [key]).get(key)
        if known is None:
            return replace(message, id=key.id)
        if not is_another and not _is_of_import(known.event_id, dead_letter.usage_import_id):
            raise SaysWhatIsKnown(
                f"Event {known.event_id} says the same and came another way. If this row tells of "
                "that use, close it; if of another, say so below."
            )


def _is_of_import(event_id: int, usage_import_id: int | None) -> bool:
    events = UsageEvent.objects.filter(pk=event_id, batch__usage_import=usage_import_id)
    return events.exists()


def _is_known(name: str) -> bool:
    return (
        name in CHECKS
        or name == "quantities"
        or name.startswith(GENERATIVE_PREFIX)
        or name.endswith(DIGEST_SUFFIX)
    )
