"""Statements that are prepared on their connection: planned once, not each time they run."""

from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

import psycopg
from django.db import connection
from django.db.backends.utils import CursorDebugWrapper


def fetched(statement: str, given: Mapping[str, object]) -> list[tuple[Any, ...]]:
    """Run a statement that the server has prepared, and return its rows.

    Not by Django's own cursor, which binds in the client and so plans anew each time, and past
    the wrapper that tells the history who acts: nothing may be written here that history tracks.
    """
    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        logged = CursorDebugWrapper(cursor, connection).debug_sql(statement, given)
        with logged if connection.queries_logged else nullcontext():
            cursor.execute(statement, given)
        return cursor.fetchall()
