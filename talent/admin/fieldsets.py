"""Fieldsets: digests last and folded away; columns in words for whoever only reads."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _lazy

from .as_read import as_read

# How columns are named that hold what no person reads.
DIGESTS = ("sha256", "_hex", "_json", "_jwk", "token", "kid")


def columns_as_read(model: type[models.Model], fieldsets: Iterable[tuple[Any, dict]]) -> list:
    """Return fieldsets whose columns are shown to whoever only reads them."""
    return [
        (title, {**options, "fields": [_line_as_read(model, line) for line in options["fields"]]})
        for title, options in fieldsets
    ]


def _line_as_read(model: type[models.Model], line: Any) -> Any:
    if isinstance(line, list | tuple):
        return [as_read(model, name) for name in line]
    return line if is_digest(line) else as_read(model, line)


def is_digest(name: object) -> bool:
    return isinstance(name, str) and name.endswith(DIGESTS)


def with_digests_last(
    fieldsets: Iterable[tuple[Any, dict]], codes: Iterable[str]
) -> Iterator[tuple[Any, dict]]:
    digests: list[str] = []
    for title, options in fieldsets:
        folded = [name for name in options["fields"] if is_digest(name) or name in codes]
        digests += folded
        fields = [name for name in options["fields"] if name not in folded]
        if fields:
            yield title, {**options, "fields": fields}
    if digests:
        yield (
            _lazy("Technical details"),
            {"fields": digests, "classes": ["collapse", "desk-technical"]},
        )
