"""SQL in a file of its own beside the module that runs it, so that it reads and pastes as SQL."""

from pathlib import Path


class Sql(str):
    """A statement, or a part of one, that knows the files it was put together from."""

    files: frozenset[Path]


def sql_file(module: str, name: str, **parts: str) -> Sql:
    """Return the SQL of the file `name` beside a module, which gives its `__file__`.

    A comment that is alone on its line stays in the file: the server is not sent it, and what
    psycopg takes for a parameter may stand in it. Each `{part}` is replaced by the part of that
    name, such as another room's rule that stands in a file of its own. Raises KeyError for a part
    that the file does not name.
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
