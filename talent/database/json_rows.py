"""Rows of many tables in one round trip: a SQL statement writes them as JSON, models read them."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from functools import cached_property
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS
from django.db.models import DateField, DateTimeField, Field, Model

AnyModel = TypeVar("AnyModel", bound=Model)

# The rows of one table; each is a list of column values in the order of the model's fields.
Rows = list[list[Any]]


class JsonRows(Generic[AnyModel]):
    """Writes the SQL that gives rows of a model as JSON, and reads that JSON back as models.

    `without` are columns to leave out; on the models they are deferred.
    """

    def __init__(self, model: type[AnyModel], *, without: Iterable[str] = ()):
        self._model = model
        self._without = frozenset(without)

    def sql(self, relation: str, *, order: str = "id", also: str = "") -> str:
        """Return a subquery that gives all rows of a relation as one JSON list.

        The relation has the model's columns. `also` is a SQL expression that is appended to each
        row as a last value.
        """
        columns = [f'{relation}."{field.column}"' for field in self._fields]
        row = f"json_build_array({', '.join([*columns, also] if also else columns)})"
        return (
            f"(SELECT coalesce(json_agg({row} ORDER BY {relation}.{order}), '[]') FROM {relation})"  # noqa: S608 (our own text)
        )

    def read(self, rows: Rows) -> list[AnyModel]:
        """Return JSON rows as instances of the model; values after its columns are ignored."""
        return [
            self._model.from_db(
                DEFAULT_DB_ALIAS,
                self._names,
                [
                    value if read is None or value is None else read(value)
                    for read, value in zip(self._readers, row, strict=False)
                ],
            )
            for row in rows
        ]

    @cached_property
    def _fields(self) -> "list[Field[Any, Any]]":
        fields = self._model._meta.concrete_fields
        return [field for field in fields if field.attname not in self._without]

    @cached_property
    def _names(self) -> list[str]:
        return [field.attname for field in self._fields]

    @cached_property
    def _readers(self) -> list[Callable[[str], object] | None]:
        return [_reader_of(field) for field in self._fields]


def _reader_of(field: "Field[Any, Any]") -> Callable[[str], object] | None:
    """Return the function that parses a field's JSON value; None: it needs none."""
    if isinstance(field, DateTimeField):
        return datetime.fromisoformat
    return date.fromisoformat if isinstance(field, DateField) else None


def point(rows: Iterable[Model], **targets: Mapping[int, Model]) -> None:
    """Fill the rows' foreign keys of these names from objects by id, as `select_related` does."""
    for row in rows:
        for name, by_id in targets.items():
            row._state.fields_cache[name] = by_id.get(getattr(row, f"{name}_id"))


def gather(rows: Iterable[Model], name: str, parts: Iterable[Model], key: str) -> None:
    """Fill the rows' relation `name` with parts, as `prefetch_related` does.

    The parts' attribute `key` is the id of their row.
    """
    by_row = defaultdict(list)
    for part in parts:
        by_row[getattr(part, key)].append(part)
    for row in rows:
        prefetched(row)[name] = by_row[row.pk]


def parts_of(row: Model, name: str) -> list[Any]:
    """Return the parts of a row's relation `name`: those gathered before, else from the database.

    The relation itself makes a manager and a queryset anew each time that it is asked.
    """
    gathered = prefetched(row).get(name)
    return list(getattr(row, name).all()) if gathered is None else gathered


def prefetched(row: Model) -> dict[str, list[Model]]:
    """Return a row's cache of prefetched relations, by name; changes to it take effect."""
    cache: dict[str, list[Model]] = row.__dict__.setdefault("_prefetched_objects_cache", {})
    return cache
