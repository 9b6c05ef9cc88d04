"""Prompts as they are stored: committed to for good, each text sealed under a key of its own.

The data key is made for the text and sealed under one derived from the desk's key-encryption
key. Destroying both erases the text; what was sealed in the log stays valid.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.conf import settings

from licensing.log.entry import SALT_SIZE, commitment
from licensing.models import PromptCommitment, PromptText
from talent.database.binary_rows import copy_rows
from talent.envelope import KEY_SIZE, EnvelopeBroken, key_for, open_envelope, seal
from talent.errors import Refused

PURPOSE = "prompts"


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
        """Return a text with a salt of its own; None where an event came without one."""
        if text is None:
            return None
        salt = secrets.token_bytes(SALT_SIZE)
        return cls(text, salt, commitment(salt, text.encode()))


def store(prompts: Sequence[tuple[int, Prompt]], *, agency_id: int) -> None:
    """Store the prompts of a batch (event id, prompt): commitments in clear, texts sealed.

    Takes two statements, however many there are.
    """
    if not prompts:
        return
    key = _key()
    commitments = ((event_id, prompt.salt, prompt.commitment) for event_id, prompt in prompts)
    copy_rows(PromptCommitment, ("event", "salt", "commitment"), commitments)
    texts = ((event_id, agency_id, *_sealed(event_id, prompt, key)) for event_id, prompt in prompts)
    copy_rows(PromptText, ("event", "agency", "wrapped_key", "sealed"), texts)


def unseal(stored: PromptText) -> Prompt:
    """Return a stored prompt in clear. Raises PromptClosed where the desk's key is another now."""
    try:
        data_key = open_envelope(bytes(stored.wrapped_key), key=_key(), about=_key_of(stored.pk))
        text = open_envelope(bytes(stored.sealed), key=data_key, about=_text_of(stored.pk))
    except EnvelopeBroken as broken:
        raise PromptClosed(
            "The text does not open. Ask the operator whether the desk's key was changed."
        ) from broken
    row = PromptCommitment.objects.get(pk=stored.pk)
    return Prompt(text.decode(), bytes(row.salt), bytes(row.commitment))


def _key() -> bytes:
    return key_for(PURPOSE, key_encryption_key=settings.KEY_ENCRYPTION_KEY)


def _sealed(event_id: int, prompt: Prompt, key: bytes) -> tuple[bytes, bytes]:
    """Return the data key under the desk's key, and the text under the data key."""
    data_key = secrets.token_bytes(KEY_SIZE)
    wrapped = seal(data_key, key=key, about=_key_of(event_id))
    return wrapped, seal(prompt.text.encode(), key=data_key, about=_text_of(event_id))


def _key_of(event_id: int) -> str:
    return f"key of prompt {event_id}"


def _text_of(event_id: int) -> str:
    return f"text of prompt {event_id}"
