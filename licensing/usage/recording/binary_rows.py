"""Rows in PostgreSQL's binary form, a batch at a time, past Django's cursor.

Django's cursor writes parameters into the statement as text, which takes twice as long for a
thousand rows.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import psycopg
from django.db import connection, models

_WIRE_TYPES = {
    "ArrayField": "varchar[]",
    "AutoField": "int4",
    "BigAutoField": "int8",
    "BigIntegerField": "int8",
    "BinaryField": "bytea",
    "BooleanField": "bool",
    "CharField": "text",
    "DateTimeField": "timestamptz",
    "DecimalField": "numeric",
    "ForeignKey": "int8",
    "IntegerField": "int4",
    "OneToOneField": "int8",
}


def execute(statement: str, parameters: Mapping[str, object]) -> psycopg.Cursor[tuple[Any, ...]]:
    """Run a statement whose parameters the server binds; return the cursor on its rows."""
    return _cursor().execute(statement.encode(), parameters)


def copy_rows(
    model: type[models.Model], names: Sequence[str], rows: Iterable[Sequence[object]]
) -> None:
    """Store rows of a model by COPY; `names` are the fields of a row's values, in order."""
    known = {field.name: field for field in model._meta.concrete_fields}
    fields = [known[name] for name in names]
    columns = ", ".join(f'"{field.column}"' for field in fields)
    statement = f"COPY {model._meta.db_table} ({columns}) FROM STDIN (FORMAT BINARY)"
    with _cursor().copy(statement.encode()) as copy:
        copy.set_types([_WIRE_TYPES[field.get_internal_type()] for field in fields])
        for row in rows:
            copy.write_row(row)


def _cursor() -> psycopg.Cursor[tuple[Any, ...]]:
    """Return a cursor on Django's connection, in the transaction that is open on it."""
    connection.ensure_connection()
    return psycopg.Cursor(connection.connection)
