"""Prompts: committed to for good, kept under a key of their own, revealed on record, erased.

Each text is sealed under a data key that is made for it, and that key under one derived from the
desk's key-encryption key. Erasing destroys both; what was sealed in the log stays valid.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings
from django.db import transaction

from licensing.log.entry import SALT_SIZE, commitment
from licensing.models import PromptCommitment, PromptErasure, PromptReveal, PromptText
from licensing.usage import intake
from licensing.words import RevealPurpose
from talent.envelope import KEY_SIZE, EnvelopeBroken, key_for, opened, seal
from talent.errors import Refused
from talent.models import User

PURPOSE = "prompts"


class NoPrompt(Refused):
    """An event's text was never sent, came without its wording, or has been erased."""

    code = "no_prompt"


class NoReason(Refused):
    """A text is neither read nor erased without a reason on record."""

    code = "no_reason"


class PromptClosed(Refused):
    """A text does not open under the key that the desk has now."""

    code = "prompt_closed"


@dataclass(frozen=True, slots=True)
class Prompt:
    """A text as it came, with the salt and the commitment that the log keeps of it."""

    text: str = field(repr=False)
    salt: bytes
    commitment: bytes

    @classmethod
    def of(cls, text: str | None) -> "Prompt | None":
        if text is None:
            return None
        salt = secrets.token_bytes(SALT_SIZE)
        return cls(text, salt, commitment(salt, text.encode()))


def keep(prompts: Sequence[tuple[int, Prompt]], *, agency_id: int) -> None:
    """Store the prompts of a batch (event id, prompt): commitments in clear, texts sealed.

    Takes two statements, however many there are.
    """
    if not prompts:
        return
    key = _key()
    intake.add_prompts((event_id, each.salt, each.commitment) for event_id, each in prompts)
    intake.add_prompt_texts(
        (event_id, agency_id, *_sealed(event_id, each, key)) for event_id, each in prompts
    )


@transaction.atomic
def reveal(*, event_id: int, by: User, purpose: RevealPurpose, note: str, at: datetime) -> Prompt:
    """Return an event's prompt and put on record who read it, when and what for.

    Raises NoReason, NoPrompt, and PromptClosed where the desk's key is another by now.
    """
    said = _said(note, "Say what the prompt is read for.")
    kept = _kept(event_id)
    prompt = _opened(kept)
    PromptReveal.objects.create(
        event_id=kept.pk,
        agency_id=kept.agency_id,
        by=by,
        purpose=purpose.value,
        note=said,
        revealed_at=at,
    )
    return prompt


@transaction.atomic
def erase(*, event_id: int, by: User, reason: str, at: datetime) -> PromptErasure:
    """Destroy an event's text and its key for good; the record of it stays and so does the proof.

    Raises NoReason and NoPrompt.
    """
    said = _said(reason, "Say why the prompt is erased.")
    kept = _kept(event_id)
    erasure = PromptErasure.objects.create(
        event_id=kept.pk, agency_id=kept.agency_id, by=by, reason=said, erased_at=at
    )
    kept.delete()
    return erasure


def _said(text: str, otherwise: str) -> str:
    said = text.strip()
    if not said:
        raise NoReason(otherwise)
    return said


def _kept(event_id: int) -> PromptText:
    # Locked, so that what one person erases is not revealed to another at the same moment.
    kept = PromptText.objects.select_for_update().filter(pk=event_id).first()
    if kept is None:
        erased = PromptErasure.objects.filter(pk=event_id).exists()
        raise NoPrompt(
            "The text of this prompt was erased; its commitment stays."
            if erased
            else f"The desk holds no text for event {event_id}."
        )
    return kept


# Sealing


def _key() -> bytes:
    return key_for(PURPOSE, key_encryption_key=settings.KEY_ENCRYPTION_KEY)


def _sealed(event_id: int, prompt: Prompt, key: bytes) -> tuple[bytes, bytes]:
    """Return the data key under the desk's key, and the text under the data key."""
    data_key = secrets.token_bytes(KEY_SIZE)
    wrapped = seal(data_key, key=key, about=_key_of(event_id))
    return wrapped, seal(prompt.text.encode(), key=data_key, about=_text_of(event_id))


def _opened(kept: PromptText) -> Prompt:
    try:
        data_key = opened(bytes(kept.wrapped_key), key=_key(), about=_key_of(kept.pk))
        text = opened(bytes(kept.sealed), key=data_key, about=_text_of(kept.pk))
    except EnvelopeBroken as broken:
        raise PromptClosed(
            "The text does not open. Ask the operator whether the desk's key was changed."
        ) from broken
    committed = PromptCommitment.objects.get(pk=kept.pk)
    return Prompt(text.decode(), bytes(committed.salt), bytes(committed.commitment))


def _key_of(event_id: int) -> str:
    return f"key of prompt {event_id}"


def _text_of(event_id: int) -> str:
    return f"text of prompt {event_id}"
