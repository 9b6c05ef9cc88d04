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
def test_what_a_constraint_says_can_be_said(model):
    """Django fills its name in with %, so that a bare one fails on the page that would show it."""
    for constraint in model._meta.constraints:
        assert "%%" not in constraint.get_violation_error_message()


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_a_row_says_who_sees_it(model):
    """Every queryset a person can reach passes `visible_to`; the rest is the operator's."""
    operators = {
        "ExposureRun",
        "FactorRemoval",
        "HeldLock",
        "Installation",
        "LeakedKey",
        "LogHead",
        "NightFailure",
        "NightRun",
        "NightShard",
        "OutboxMessage",
        "Provider",
        "SigningKey",
        "TryCount",
        "UsageStretch",
        "User",
    }
    parts = {
        "ArchiveBlock",
        "ArchivedUnits",
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


def test_no_test_module_imports_another():
    """What two of them need stands in the cast, the factories or a module of the room."""
    found = []
    for path, node in _nodes(TESTS, ast.Import | ast.ImportFrom):
        names = [getattr(node, "module", None) or "", *(alias.name for alias in node.names)]
        if any(part.startswith("test_") for name in names for part in name.split(".")):
            found.append(f"{_name(path)}: {ast.unparse(node)}")

    assert found == []


def test_a_folder_of_tests_has_its_room_in_the_code():
    rooms = [settings.BASE_DIR / folder for folder in FOLDERS]
    assert [r for r in rooms if not (r.is_dir() or r.with_suffix(".py").is_file())] == []


def test_a_folder_of_tests_holds_about_a_dozen_files():
    files = {folder: len(list((ROOT / folder).glob("[!_]*.py"))) for folder in FOLDERS}
    assert {folder: number for folder, number in files.items() if number > 13} == {}


def test_modules_are_named_for_their_subject():
    of_no_subject = {"utils", "helpers", "services", "common", "core", "misc"}
    assert [_name(path) for path in SOURCES if path.stem in of_no_subject] == []


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_a_model_says_what_it_is(model):
    if hasattr(model, "pgh_id") or model._meta.auto_created:
        return

    assert model.__doc__
    assert not model.__doc__.startswith(f"{model.__name__}(")


def test_no_clock_below_the_doors():
    clocks = {"timezone.now", "datetime.now", "date.today", "time.time"}
    below = [path for path in SOURCES if not _is_a_door(path)]
    found = [
        f"{_name(path)}:{node.lineno} reads the clock"
        for path, node in _nodes(below, ast.Call)
        if isinstance(node.func, ast.Attribute) and ast.unparse(node.func) in clocks
    ]

    assert found == []


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


def test_no_sql_names_another_apps_tables():
    found = {}
    for path in STATEMENTS:
        name = _name(path)
        texts = [path.read_text()] if path.suffix == ".sql" else _texts(path)
        tables = {table for text in texts for table in TABLE.findall(text)}
        others = {table for table in tables if TABLES[table] != name.split("/")[0]}
        if others and name not in NAMES_LICENSINGS_TABLES:
            found[name] = others

    assert found == {}


def _name(path: Path) -> str:
    return path.relative_to(settings.BASE_DIR).as_posix()


def _nodes(paths, kinds):
    """Return what of some kinds stands in modules, with the module's path."""
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, kinds):
                yield path, node


def _texts(path: Path) -> list[str]:
    """Return the string constants of a module, those of f-strings among them."""
    constants = _nodes([path], ast.Constant)
    return [node.value for _, node in constants if isinstance(node.value, str)]


def _is_a_door(path: Path) -> bool:
    doors = {
        "admin", "api", "commands", "embedded", "management", "portal", "settings", "sign_in",
        "tasks",
    }  # fmt: skip
    portal = path.stem.startswith("portal_")  # one page of it
    return portal or bool(doors & {*path.parts, path.stem}) or path.parent.name == "likenessdesk"
