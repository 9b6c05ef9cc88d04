"""The house's arrows, where the import linter cannot see them."""

import ast
import re
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings

APPS = ["talent", "licensing", "valuation"]
ORDER = {label: place for place, label in enumerate(APPS)}
MODELS = [model for model in apps.get_models() if model._meta.app_label in ORDER]
SOURCES = [
    path
    for app in [*APPS, "likenessdesk"]
    for path in (settings.BASE_DIR / app).rglob("*.py")
    if "migrations" not in path.parts
]
ROOT = settings.BASE_DIR / "tests"
TESTS = sorted(ROOT.rglob("*.py"))
FOLDERS = sorted(
    file.parent.relative_to(ROOT)
    for app in [*APPS, "likenessdesk"]
    for file in (ROOT / app).rglob("__init__.py")
)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_foreign_keys_point_upstream(model):
    """A string such as "valuation.Statement" would slip past the import linter."""
    for field in model._meta.get_fields():
        owned = field.is_relation and not field.auto_created and field.related_model
        if owned and field.related_model._meta.app_label in ORDER:
            target = field.related_model._meta.app_label
            assert ORDER[target] <= ORDER[model._meta.app_label], field
            if target != model._meta.app_label:
                assert field.remote_field.hidden, f"{field} needs related_name='+'"


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_a_row_says_who_sees_it(model):
    """Every queryset a person can reach passes `visible_to`; the rest is the operator's."""
    operators = {
        "HeldLock",
        "Installation",
        "LogHead",
        "NightRun",
        "NightShard",
        "OutboxMessage",
        "Provider",
        "SigningKey",
        "TryCount",
        "User",
    }
    parts = {
        "ArchiveBlock",
        "ArchivedSeconds",
        "EventKey",
        "PromptCommitment",
        "PromptText",
        "Replacement",
        "ReportedPeriod",
        "Ruling",
        "RulingReason",
        "UsageRecord",
    }
    tracked = model.__name__.endswith("Event") and hasattr(model, "pgh_id")
    through = model._meta.auto_created
    if model.__name__ in operators | parts or tracked or through:
        return

    assert hasattr(model.objects.all(), "visible_to")


@pytest.mark.parametrize("path", TESTS, ids=lambda path: str(path.relative_to(settings.BASE_DIR)))
def test_no_test_module_imports_another(path):
    """What two of them need stands in the cast, the factories or a module of the room."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [getattr(node, "module", None) or "", *(alias.name for alias in node.names)]
            parts = {part for name in names for part in name.split(".")}
            assert not [part for part in parts if part.startswith("test_")], ast.unparse(node)


@pytest.mark.parametrize("folder", FOLDERS, ids=str)
def test_a_folder_of_tests_has_its_room_in_the_code(folder):
    room = settings.BASE_DIR / folder
    assert room.is_dir() or room.with_suffix(".py").is_file()


@pytest.mark.parametrize("folder", FOLDERS, ids=str)
def test_a_folder_of_tests_holds_about_a_dozen_files(folder):
    assert len(list((ROOT / folder).glob("[!_]*.py"))) <= 13


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(settings.BASE_DIR)))
def test_modules_are_named_for_their_subject(path):
    assert path.stem not in {"utils", "helpers", "services", "common", "core", "misc"}


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_a_model_says_what_it_is(model):
    if hasattr(model, "pgh_id") or model._meta.auto_created:
        return

    assert model.__doc__
    assert not model.__doc__.startswith(f"{model.__name__}(")


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(settings.BASE_DIR)))
def test_no_clock_below_the_doors(path):
    if _is_a_door(path):
        return
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            called = ast.unparse(node.func)
            assert called not in {"timezone.now", "datetime.now", "date.today", "time.time"}, (
                f"{path.name}:{node.lineno} reads the clock"
            )


# A statement of one app may name the tables of no other: what it needs of them is SQL that the
# other app owns (talent/consent/decision_rows.py). Doors name admin pages, which are named alike.
STATEMENTS = [
    path
    for app in [*APPS, "likenessdesk"]
    for path in (settings.BASE_DIR / app).rglob("*")
    if path.suffix in {".py", ".sql"} and "migrations" not in path.parts
]
TABLES = {model._meta.db_table: model._meta.app_label for model in MODELS}
TABLE = re.compile(rf"(?<![\w.:])({'|'.join(sorted(TABLES, key=len, reverse=True))})(?![\w])")
NAMES_LICENSINGS_TABLES = {
    # The demo's year of usage is written with INSERT…SELECT, which no model does as fast.
    "likenessdesk/demo/scale.py",
}


@pytest.mark.parametrize(
    "path", STATEMENTS, ids=lambda path: str(path.relative_to(settings.BASE_DIR))
)
def test_no_sql_names_another_apps_tables(path):
    name = path.relative_to(settings.BASE_DIR).as_posix()
    if name in NAMES_LICENSINGS_TABLES:
        return
    texts = [path.read_text()] if path.suffix == ".sql" else _texts(path)
    tables = {table for text in texts for table in TABLE.findall(text)}

    assert {TABLES[table] for table in tables} <= {name.split("/")[0]}


def _texts(path: Path) -> list[str]:
    """Return the string constants of a module, those of f-strings among them."""
    nodes = ast.walk(ast.parse(path.read_text()))
    return [
        node.value
        for node in nodes
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]


def _is_a_door(path: Path) -> bool:
    doors = {
        "admin", "api", "commands", "embedded", "management", "portal", "settings", "sign_in",
        "tasks",
    }  # fmt: skip
    portal = path.stem.startswith("portal_")  # one page of it
    return portal or bool(doors & {*path.parts, path.stem}) or path.parent.name == "likenessdesk"
