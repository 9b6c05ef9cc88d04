"""SQL in files beside the modules that run it, so that it can be read and pasted as SQL."""

from collections.abc import Iterable
from pathlib import Path

from django.db.models.expressions import RawSQL


class Sql(str):
    """SQL text, a statement or part of one, with the files it was assembled from."""

    files: frozenset[Path]


def sql_file(module: str, name: str, **parts: str) -> Sql:
    """Return the SQL of the file `name` beside a module; `module` is its `__file__`.

    Comments that have a line to themselves are dropped, so they may contain what psycopg would
    take for a parameter. Each `{part}` is replaced by the argument of that name, such as SQL from
    another room's file. Raises KeyError for an argument that the file does not use.
    """
    path = Path(module).with_name(name)
    lines = path.read_text(encoding="utf-8").splitlines()
    text = "\n".join(line for line in lines if not line.lstrip().startswith("--")).strip()
    files = {path}
    for part, replacement in parts.items():
        if f"{{{part}}}" not in text:
            raise KeyError(f"{path} has no place for {part}.")
        text = text.replace(f"{{{part}}}", replacement)
        files |= replacement.files if isinstance(replacement, Sql) else set()
    sql = Sql(text)
    sql.files = frozenset(files)
    return sql


def among(ids: Iterable[int]) -> RawSQL:
    """Return ids for a filter such as `pk__in`, as one parameter.

    Of a list Django makes a parameter of each: of two hundred ids that takes longer than the query.
    """
    return RawSQL("SELECT unnest(%s::bigint[])", [f"{{{','.join(map(str, ids))}}}"])
