"""Rows in PostgreSQL's binary form, many at a time, past Django's cursor.

Django's cursor writes parameters into the statement as text, which takes twice as long for a
thousand rows.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import psycopg
from django.db import connection, models
from psycopg.types.json import Jsonb

_WIRE_TYPES = {
    "ArrayField": "varchar[]",
    "AutoField": "int4",
    "BigAutoField": "int8",
    "BigIntegerField": "int8",
    "BinaryField": "bytea",
    "BooleanField": "bool",
    "CharField": "text",
    "DateField": "date",
    "DateTimeField": "timestamptz",
    "DecimalField": "numeric",
    "ForeignKey": "int8",
    "IntegerField": "int4",
    "JSONField": "jsonb",
    "OneToOneField": "int8",
}


def execute(statement: str, parameters: Mapping[str, object]) -> psycopg.Cursor[tuple[Any, ...]]:
    """Run a statement whose parameters the server binds; return the cursor on its rows."""
    return _cursor().execute(statement.encode(), parameters)


def copy_rows(
    model: type[models.Model], names: Sequence[str], rows: Iterable[Sequence[object]]
) -> None:
    """Store rows of a model by COPY; `names` are the fields or columns of a row's values, in order.

    A JSON value comes from `as_json`. Columns that are not named get what the database gives them.
    """
    known = {name: field for field in model._meta.concrete_fields
             for name in (field.name, field.attname)}  # fmt: skip
    fields = [known[name] for name in names]
    columns = ", ".join(f'"{field.column}"' for field in fields)
    statement = f"COPY {model._meta.db_table} ({columns}) FROM STDIN (FORMAT BINARY)"
    with _cursor().copy(statement.encode()) as copy:
        copy.set_types([_WIRE_TYPES[field.get_internal_type()] for field in fields])
        for row in rows:
            copy.write_row(row)


def as_json(value: object) -> Jsonb:
    """Return a value as a parameter or a column of JSON, written by what is quickest at it."""
    return Jsonb(value, msgspec.json.encode)


def take_ids(model: type[models.Model], count: int) -> list[int]:
    """Take so many ids of a model's sequence, for rows that name each other before they exist."""
    sequence = "pg_get_serial_sequence(%(table)s, 'id')"
    statement = f"SELECT nextval({sequence}) FROM generate_series(1, %(count)s)"  # noqa: S608
    rows = execute(statement, {"table": model._meta.db_table, "count": count}).fetchall()
    return [pk for (pk,) in rows]


def _cursor() -> psycopg.Cursor[tuple[Any, ...]]:
    """Return a cursor on Django's connection, in the transaction that is open on it."""
    connection.ensure_connection()
    return psycopg.Cursor(connection.connection)
