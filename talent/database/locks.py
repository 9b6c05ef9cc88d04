"""Named PostgreSQL advisory locks, for work that only one process may do at a time."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


def lock_until_commit(name: str) -> None:
    """Hold a named lock until the transaction ends; waits for it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])


@contextmanager
def hold_lock(name: str, *, wait: bool = True) -> Iterator[bool]:
    """Hold a named lock of the database session; yields False if it is held elsewhere.

    With `wait` it blocks until the lock is free. The lock ends with the session, so a killed
    process holds none.
    """
    take = "pg_advisory_lock" if wait else "pg_try_advisory_lock"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {take}(hashtextextended(%s, 0))", [name])
        taken = wait or cursor.fetchone()[0]
    try:
        yield taken
    finally:
        if taken:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [name])
