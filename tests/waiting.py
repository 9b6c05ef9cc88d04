"""Two sessions at once: one waits for what the other has locked."""

from django.db import connection


def wait_for_lock(thread, sessions):
    """Wait until another session waits for a lock; return whether it has its locks, by kind.

    `sessions` are the ids of the server's processes. Of tables only what it writes to counts.
    """
    while thread.is_alive():
        thread.join(0.02)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT locktype, granted FROM pg_locks WHERE pid = ANY(%s)"
                " AND (locktype = 'advisory' OR mode = 'RowExclusiveLock')",
                [sessions],
            )
            found = dict(cursor.fetchall())
        if found.get("advisory") is False:
            return found
    return {}
