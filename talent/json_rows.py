"""Rows of many tables in one round trip: written as JSON by a statement, read back as models."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from functools import cached_property
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS
from django.db.models import DateField, DateTimeField, Field, Model

AnyModel = TypeVar("AnyModel", bound=Model)

# The rows of one table, each the list of its columns in the order of the model's fields.
Rows = list[list[Any]]


class JsonRows(Generic[AnyModel]):
    """How the rows of a model are written as JSON by a statement, and read from it again.

    `without` are columns that are not brought, since nobody looks at them here.
    """

    def __init__(self, model: type[AnyModel], *, without: Iterable[str] = ()):
        self._model = model
        self._without = frozenset(without)

    def sql(self, relation: str, *, order: str = "id", also: str = "") -> str:
        """Return SQL for the rows of a relation, which has the model's columns, as one JSON list.

        `also` is SQL of an expression that comes after the columns of each row.
        """
        columns = [f'{relation}."{field.column}"' for field in self._fields]
        row = f"json_build_array({', '.join([*columns, also] if also else columns)})"
        return (
            f"(SELECT coalesce(json_agg({row} ORDER BY {relation}.{order}), '[]') FROM {relation})"  # noqa: S608 (our own text)
        )

    def read(self, rows: Rows) -> list[AnyModel]:
        """Return what a statement wrote as rows of the model; further values are left aside."""
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
    """Return what reads a column for which JSON has no type."""
    if isinstance(field, DateTimeField):
        return datetime.fromisoformat
    return date.fromisoformat if isinstance(field, DateField) else None


def point(rows: Iterable[Model], **targets: Mapping[int, Model]) -> None:
    """Let rows know what their foreign keys of these names point to, as `select_related` does."""
    for row in rows:
        for name, by_id in targets.items():
            row._state.fields_cache[name] = by_id.get(getattr(row, f"{name}_id"))


def gather(rows: Iterable[Model], name: str, parts: Iterable[Model], key: str) -> None:
    """Let rows know their parts, whose `key` is the row's id, as `prefetch_related` does."""
    by_row = defaultdict(list)
    for part in parts:
        by_row[getattr(part, key)].append(part)
    for row in rows:
        prefetched(row)[name] = by_row[row.pk]


def prefetched(row: Model) -> dict[str, list[Model]]:
    """Return what a row holds as prefetched, by the names of its relations."""
    cache: dict[str, list[Model]] = row.__dict__.setdefault("_prefetched_objects_cache", {})
    return cache
