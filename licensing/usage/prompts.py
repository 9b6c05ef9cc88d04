"""Prompts: revealed to people who say why, or erased for good. Each is put on record."""

from datetime import datetime

from django.db import transaction

from licensing.models import PromptErasure, PromptReveal, PromptText
from licensing.words import RevealPurpose
from talent.errors import Refused
from talent.models import User

from .recording.prompts import Prompt, unseal


class NoPrompt(Refused):
    """An event's text was never sent, came without its wording, or has been erased."""

    code = "no_prompt"


class NoPromptReason(Refused):
    """A text is neither read nor erased without a reason on record."""

    code = "no_reason"


@transaction.atomic
def reveal(*, event_id: int, by: User, purpose: RevealPurpose, note: str, at: datetime) -> Prompt:
    """Return an event's prompt and put on record who read it, when and what for.

    Raises NoPromptReason, NoPrompt, and PromptClosed where the desk's key is another by now.
    """
    note = _checked(note, "Say what the prompt is read for.")
    text = _lock_text(event_id)
    prompt = unseal(text)
    PromptReveal.objects.create(
        event_id=text.pk,
        agency_id=text.agency_id,
        by=by,
        purpose=purpose.value,
        note=note,
        revealed_at=at,
    )
    return prompt


@transaction.atomic
def erase(*, event_id: int, by: User, reason: str, at: datetime) -> PromptErasure:
    """Destroy an event's text and its key for good; the record of it stays and so does the proof.

    Raises NoPromptReason and NoPrompt.
    """
    reason = _checked(reason, "Say why the prompt is erased.")
    text = _lock_text(event_id)
    erasure = PromptErasure.objects.create(
        event_id=text.pk, agency_id=text.agency_id, by=by, reason=reason, erased_at=at
    )
    text.delete()
    return erasure


def _checked(reason: str, demand: str) -> str:
    """Return a reason, stripped. Raises NoPromptReason with the text `demand` if it is blank."""
    reason = reason.strip()
    if not reason:
        raise NoPromptReason(demand)
    return reason


def _lock_text(event_id: int) -> PromptText:
    # Locked, so that what one person erases is not revealed to another at the same moment.
    text = PromptText.objects.select_for_update().filter(pk=event_id).first()
    if text is None:
        erased = PromptErasure.objects.filter(pk=event_id).exists()
        raise NoPrompt(
            "The text of this prompt was erased; its commitment stays."
            if erased
            else f"The desk holds no text for event {event_id}."
        )
    return text
