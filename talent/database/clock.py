"""The database's own clock, against which that of this machine is held."""

from datetime import datetime

from django.db import connection


def database_now() -> datetime:
    """Return the instant by the clock of the database's machine."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
    return now
