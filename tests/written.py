"""What a test has written: PostgreSQL counts the rows of a transaction, and a test is one."""

from django.db import connection

# What a browser carries with it from page to page: messages that it has read, for whom it acts.
CARRIED = {"django_session"}
# A secret address that nobody was given is a guess, and guesses are counted.
GUESSED = {"talent_trycount"}


def rows_written():
    """Return how many rows this transaction has added, changed or removed, by table."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_xact_user_tables"
        )
        written = dict(cursor.fetchall())
    return {name: count for name, count in written.items() if count and name not in CARRIED}


def what_was_done():
    """Return the rows written, and how many tasks wait for the commit."""
    return rows_written(), len(connection.run_on_commit)
