"""Corrections: what staff do about messages that were not understood. The message stays as sent."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import transaction

from licensing.models import DeadLetter, LetterStep
from licensing.usage.events.canonical import DIGEST_SUFFIX
from licensing.usage.events.cloudevents import Envelope
from licensing.usage.events.event_types import USAGE_TYPE
from licensing.usage.events.forms import GENERATIVE_PREFIX
from licensing.usage.recording.arrivals import Arrival
from licensing.usage.recording.metering import Outcome, Reception, meter
from licensing.usage.sheets.rows import TRUTHS, alike, instant_of
from licensing.wire.faults import Fault
from licensing.wire.fields import CHECKS
from licensing.words import Door, LetterStepKind, Meter
from talent.errors import Refused
from talent.models import User

from .recording import dead_letters

LONGEST_REASON = 500


class LetterClosed(Refused):
    """Somebody has dealt with the letter already."""

    code = "letter_closed"


class ReasonMissing(Refused):
    """A step with a letter says why."""

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


@transaction.atomic
def correct(
    *, letter_id: int, said: Mapping[str, str], time_zone: str, at: datetime, by: User, reason: str
) -> Outcome:
    """Meter a letter's message as corrected, keep the correction beside it, and close the letter.

    `said` holds fields of the use, meters, `time` and, where it is to change, `id`; what is
    empty is left out. Returns the outcome, which has the event. Raises LetterClosed,
    ReasonMissing, StillNotUnderstood and AlreadyAnEvent; then nothing is kept.
    """
    letter = _open(letter_id)
    message = _corrected(dead_letters.message_of(letter), said, time_zone)
    step = LetterStep.objects.create(
        letter=letter,
        kind=LetterStepKind.CORRECTED.value,
        message=dead_letters.storable(message, prompt_key=bytes(letter.terms.prompt_key)),
        reason=_why(reason),
        by=by,
        at=at,
    )
    arrival = Arrival(
        letter.terms,
        Door(letter.door),
        at,
        actor=f"correction {step.pk}",
        usage_import=letter.usage_import,
    )
    (outcome,) = meter([message], arrival)
    if outcome.reception is Reception.NOT_UNDERSTOOD:
        raise StillNotUnderstood(outcome.faults)
    if outcome.reception is Reception.CONFLICT:
        raise AlreadyAnEvent(
            "An event with this id came meanwhile, with other content. If this letter tells of "
            "the same use, close it; if of another, give it an id of its own."
        )
    _close(letter, outcome.event_id, at)
    return outcome


@transaction.atomic
def close(*, letter_id: int, at: datetime, by: User, reason: str) -> LetterStep:
    """Close a letter that tells of no use, or of one that is known. It stays, with the reason.

    Raises LetterClosed and ReasonMissing.
    """
    letter = _open(letter_id)
    kind = LetterStepKind.NOT_A_USE.value
    step = LetterStep.objects.create(letter=letter, kind=kind, reason=_why(reason), by=by, at=at)
    _close(letter, None, at)
    return step


def can_be_corrected(letter: DeadLetter) -> bool:
    """Whether the message reports a use; what else there is can be read again or closed."""
    return bool(letter.envelope.get("type") == USAGE_TYPE)


def left_out(letter: DeadLetter) -> dict[str, Any]:
    """Return what the message says in words the desk has no field for; a correction drops it."""
    data = letter.envelope.get("data")
    if not isinstance(data, dict):
        return {"data": data} if data is not None else {}
    quantities = data.get("quantities")
    unknown = {name: value for name, value in data.items() if not _is_kept(name)}
    if isinstance(quantities, dict):
        known = Meter.codes()
        unknown |= {name: value for name, value in quantities.items() if name not in known}
    return unknown


def _open(letter_id: int) -> DeadLetter:
    letters_open = DeadLetter.objects.select_for_update(of=("self",)).select_related(
        "terms__agency", "terms__licensee", "usage_import"
    )
    letter = letters_open.get(pk=letter_id)
    if letter.resolved_at is not None:
        raise LetterClosed("This message was dealt with already.")
    return letter


def _why(reason: str) -> str:
    if not reason.strip():
        raise ReasonMissing("Say why, for those who read this later.")
    return reason.strip()[:LONGEST_REASON]


def _close(letter: DeadLetter, event_id: int | None, at: datetime) -> None:
    letter.resolved_at, letter.resolved_event_id = at, event_id
    letter.save(update_fields=["resolved_at", "resolved_event_id"])


def _corrected(message: Envelope, said: Mapping[str, str], time_zone: str) -> Envelope:
    given = {name: value.strip() for name, value in said.items() if value.strip()}
    before = message.data if isinstance(message.data, dict) else {}
    data: dict[str, Any] = {
        name: value
        for name, value in before.items()
        if _is_kept(name) and name not in said and name != "quantities"
    }
    data |= {name: given[name] for name in CHECKS if name in given}
    if "real_time" in given:
        data["real_time"] = TRUTHS.get(given["real_time"], given["real_time"])
    data["quantities"] = {meter: alike(given[meter]) for meter in Meter.codes() if meter in given}
    return replace(
        message,
        id=given.get("id", message.id),
        time=instant_of(given["time"], time_zone) if "time" in given else None,
        data=data,
        datacontenttype=None,
        data_base64=None,
    )


def _is_kept(name: str) -> bool:
    return (
        name in CHECKS
        or name == "quantities"
        or name.startswith(GENERATIVE_PREFIX)
        or name.endswith(DIGEST_SUFFIX)
    )
