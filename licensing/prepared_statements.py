"""Statements that are prepared on their connection: planned once, not each time they run."""

from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

import psycopg
from django.db import connection
from django.db.backends.utils import CursorDebugWrapper


def fetch_prepared(statement: str, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Run a statement that the server has prepared, and return its rows.

    Django's own cursor fills in the parameters in the client, so the server plans anew each time.
    This one also bypasses the wrapper that tells the history who acts, so such a statement must
    not write to a table whose history is kept.
    """
    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        logged = CursorDebugWrapper(cursor, connection).debug_sql(statement, parameters)
        with logged if connection.queries_logged else nullcontext():
            cursor.execute(statement, parameters)
        return cursor.fetchall()
