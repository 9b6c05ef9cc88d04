"""Idempotency keys: what is sent twice under one key gets the first answer."""

from collections.abc import Callable
from typing import TypeVar

from django.db import transaction

from talent.database.locks import lock_until_commit
from talent.errors import Refused

Answer = TypeVar("Answer")


class KeyConflict(Refused):
    """An idempotency key was used before for another request. Carries both digests."""

    code = "key_conflict"

    def __init__(self, *, sent: bytes, known: bytes):
        self.digests = {"digest_sent": sent.hex(), "digest_known": known.hex()}
        super().__init__(
            "This idempotency key came before with another question. "
            f"Digest sent: {sent.hex()}; digest known: {known.hex()}."
        )


def do_once(name: str, find: Callable[[], Answer | None], make: Callable[[], Answer]) -> Answer:
    """Return what `find` finds under a key, else what `make` makes, in one transaction.

    A second sender of the key waits at the lock of that name until the first has committed, and
    then finds its answer. Without the lock both would find nothing and one would fail.
    """
    with transaction.atomic():
        lock_until_commit(name)
        answer = find()
        return make() if answer is None else answer
