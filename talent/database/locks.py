"""Named PostgreSQL advisory locks, for work that only one process may do at a time."""

import logging
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.db import connection

from talent.errors import Refused

from .sql import sql_file

logger = logging.getLogger(__name__)

TAKE = sql_file(__file__, "take_lock.sql")
IS_HELD = sql_file(__file__, "is_held.sql")
END_OVERDUE_HOLDER = sql_file(__file__, "end_overdue_holder.sql")
LOOKS_EACH = 0.1
WAITS = timedelta(seconds=30)
HELD_AT_MOST = timedelta(minutes=15)


class LockIsHeld(Refused):
    """Another process does this work now."""

    code = "lock_is_held"


def lock_until_commit(name: str) -> None:
    """Hold a named lock until the transaction ends; waits for it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])


@contextmanager
def hold_lock(name: str, *, wait: bool = True, at_most: timedelta = HELD_AT_MOST) -> Iterator[bool]:
    """Hold a named lock of the database session; yields False if it is held elsewhere.

    With `wait` it waits for a while, then raises LockIsHeld. The lock ends with the session, so a
    killed process holds none; a holder that is not done after `at_most` is ended by who comes
    next. `holder_of` tells who holds it.
    """
    taken = _take(name, at_most) or (wait and _wait_for(name, at_most))
    try:
        yield taken
    finally:
        if taken:
            _release(name)


def is_held(name: str) -> bool:
    """Tell whether any process holds a named lock; that of a killed one is held no more."""
    with connection.cursor() as cursor:
        cursor.execute(IS_HELD, {"name": name})
        (held,) = cursor.fetchone()
    return bool(held)


def holder_of(name: str) -> str:
    """Return in words who holds a lock, since when, and until when at the latest."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT holder, taken_at, ends_at FROM talent_heldlock WHERE name = %s", [name]
        )
        row = cursor.fetchone()
    if row is None:
        return "a process that is just beginning or ending"
    holder, taken_at, ends_at = row
    return f"{holder}, since {_in_words(taken_at)}, until {_in_words(ends_at)} at the latest"


def _in_words(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M:%S} UTC"


def _wait_for(name: str, at_most: timedelta) -> bool:
    until = time.monotonic() + WAITS.total_seconds()
    while time.monotonic() < until:
        time.sleep(LOOKS_EACH)
        if _take(name, at_most):
            return True
    raise LockIsHeld(f"Try again in a moment: “{name}” is held by {holder_of(name)}.")


def _take(name: str, at_most: timedelta) -> bool:
    parameters: dict[str, Any] = {"name": name, "holder": _this_process(), "at_most": at_most}
    with connection.cursor() as cursor:
        cursor.execute(TAKE, parameters)
        if cursor.fetchone():
            return True
        cursor.execute(END_OVERDUE_HOLDER, {"name": name})
        if not cursor.fetchone():
            return False
        logger.error("The holder of “%s” was ended: %s", name, holder_of(name))
        # The session that was told to end takes a moment; then the lock is free.
        time.sleep(LOOKS_EACH)
        cursor.execute(TAKE, parameters)
        return cursor.fetchone() is not None


def _this_process() -> str:
    """Return a name by which an operator finds this process."""
    return f"{Path(sys.argv[0]).name} on {socket.gethostname()}, process {os.getpid()}"[:200]


def _release(name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM talent_heldlock WHERE name = %s AND backend = pg_backend_pid()", [name]
        )
        cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [name])
