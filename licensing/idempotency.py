"""Idempotency keys: what is sent twice under one key gets the first answer."""

from collections.abc import Callable
from typing import TypeVar

from django.db import transaction

from talent.errors import Refused
from talent.locks import lock_until_commit

Known = TypeVar("Known")


class KeyConflict(Refused):
    """An idempotency key came before, with another question. Carries both digests."""

    code = "key_conflict"

    def __init__(self, *, sent: bytes, known: bytes):
        self.digests = {"digest_sent": sent.hex(), "digest_known": known.hex()}
        super().__init__(
            "This idempotency key came before with another question. "
            f"Digest sent: {sent.hex()}; digest known: {known.hex()}."
        )


def once(name: str, known: Callable[[], Known | None], answer: Callable[[], Known]) -> Known:
    """Return what is known under a key, else answer; a second sender of the key waits."""
    with transaction.atomic():
        lock_until_commit(name)
        found = known()
        return answer() if found is None else found
