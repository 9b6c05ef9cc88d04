"""SQL that stands in files: each file has a head, belongs to a module and is planned."""

import importlib
from pathlib import Path

import pytest
from django.conf import settings

from talent.database.sql import Sql, sql_file
from tests.plans import plan_of

APPS = ["talent", "licensing", "valuation", "likenessdesk"]
# A migration's file is run by the migration, once.
FILES = sorted(
    path
    for app in APPS
    for path in (settings.BASE_DIR / app).rglob("*.sql")
    if path.parent.name != "migrations"
)
STATEMENT = ("SELECT", "WITH", "INSERT", "UPDATE", "DELETE")


def _modules():
    """Return the modules that have SQL beside them."""
    for folder in sorted({path.parent for path in FILES}):
        for path in sorted(folder.glob("*.py")):
            if "sql_file" in path.read_text():
                parts = path.relative_to(settings.BASE_DIR).with_suffix("").parts
                yield importlib.import_module(".".join(parts))


LOADED = {
    f"{module.__name__}.{name}": value
    for module in _modules()
    for name, value in vars(module).items()
    if isinstance(value, Sql)
}
STATEMENTS = {name: sql for name, sql in LOADED.items() if sql.startswith(STATEMENT)}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(settings.BASE_DIR)))
def test_a_file_of_sql_says_what_it_is_and_is_planned(path):
    assert path.read_text().startswith("-- ")
    assert any(path in sql.files for sql in STATEMENTS.values()), "no statement is made of it"


@pytest.mark.django_db
@pytest.mark.parametrize("name", STATEMENTS)
def test_a_statement_is_planned(name):
    """A script of several statements has a blank line between them."""
    for statement in STATEMENTS[name].split(";\n\n"):
        assert plan_of(statement)


def test_a_part_has_its_place(tmp_path):
    (tmp_path / "some.sql").write_text("-- 100 %\nSELECT {what}\n  -- why\n  FROM here\n")
    module = str(tmp_path / "some.py")
    sql = sql_file(module, "some.sql", what="1")
    assert sql == "SELECT 1\n  FROM here"
    assert sql.files == {Path(tmp_path / "some.sql")}
    with pytest.raises(KeyError, match="no place for other"):
        sql_file(module, "some.sql", other="2")
