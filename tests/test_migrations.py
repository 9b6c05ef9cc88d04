"""Migrations: one line of them an app, and none that stops a desk at work."""

import pytest
from django.conf import settings
from django.contrib.postgres import operations as postgres
from django.core.management import call_command
from django.db import migrations, models
from django.db.migrations.loader import MigrationLoader

from talent.migrations._together import JOINED, Together, together

APPS = ["talent", "licensing", "valuation"]
# Django finds them in an order that differs from process to process.
MIGRATIONS = {
    key: migration
    for key, migration in sorted(MigrationLoader(None).disk_migrations.items())
    if key[0] in APPS
}
# Migrations that lock a table with rows in it, each with the reason why that is no harm.
HARMLESS_LOCKS: dict[tuple[str, str], str] = {
    ("talent", "0022_own_keys_and_splits"): "Few items are written to keys of performers.",
    ("valuation", "0033_bank_csv"): "Banks’ files are uploaded by hand: few rows.",
    ("valuation", "0034_receipts_allocated"): (
        "Columns that are empty or have a default in the database; receipts and what was done "
        "about lines of banks are written by hand: few rows."
    ),
    ("valuation", "0036_opening_balances_that_live"): (
        "Opening balances are entered by hand: few rows. Of readings only a choice changes, and "
        "their constraints are validated afterwards."
    ),
    ("valuation", "0046_plan_payees"): (
        "Payments of a run are drawn up by hand: few rows; of entries and accounts only a choice "
        "changes, and its check is read once."
    ),
    ("valuation", "0047_by_studios"): (
        "Columns that are empty, choices, and constraints that are validated afterwards; invoices "
        "and their steps are written by hand: few rows."
    ),
    ("valuation", "0048_whose_interest"): (
        "Of lines of statements only a choice changes, and its check is validated afterwards."
    ),
    ("valuation", "0044_part_scores"): "Of a plan’s budget only the help text changes.",
    ("valuation", "0043_payee_checks"): (
        "Payments are drawn up by hand: few rows, and of them only a choice changes."
    ),
    ("valuation", "0041_letters_of_direction"): (
        "Of entries only a choice changes, and its constraint is validated afterwards."
    ),
    ("talent", "0020_payees_of_agencies"): "Beneficiaries are entered by hand: few rows.",
    ("talent", "0008_money_whatever_comes_later"): "Shares are written by hand: few rows.",
    ("talent", "0017_captures_and_elsewhere"): "Items are stored by hand: few rows.",
    ("talent", "0021_storage_away"): "Reads are made by hand: few rows.",
    ("talent", "0018_own_keys"): (
        "Grants and reads are asked for by hand: few rows; the column of keys has a default in the "
        "database."
    ),
    ("talent", "0016_retention_clocks"): "Destructions are asked for by hand: few rows.",
    ("talent", "0014_paper_of_documents"): "Agencies are few, and entered by hand.",
    ("licensing", "0008_money_whatever_comes_later"): "Rate lines are written by hand: few rows.",
    ("valuation", "0006_money_whatever_comes_later"): (
        "Residual lines and matches are written by the night, which waits for a migration anyway."
    ),
    ("valuation", "0009_rated_in_chunks"): (
        "Totals and lines are written by the night, which waits for a migration anyway."
    ),
    ("valuation", "0007_kinds_of_money"): (
        "Accounts, entries and lines of statements are read once, and the night waits anyway."
    ),
    ("licensing", "0028_documents_of_takings"): "Documents are drawn by hand: few rows.",
    ("licensing", "0027_signed_elsewhere"): "Agreements and scans come by hand: few rows.",
    ("licensing", "0014_money_terms"): "Agreements and amendments are written by hand: few rows.",
    ("licensing", "0024_standing_offers"): (
        "A column of agreements with a default in the database; they are written by hand: few rows."
    ),
    ("licensing", "0018_strikes"): "Holds are placed by hand: few rows.",
    ("licensing", "0016_valuation_dates"): "Rules are loaded from files: some hundred rows.",
    ("valuation", "0010_money_terms"): (
        "Readings and parts of receipts are written by the night, which waits for a migration "
        "anyway."
    ),
    ("valuation", "0024_planned_use_and_legal_assessments"): (
        "Columns with defaults in the database; scenarios' items are written by hand: few rows."
    ),
    ("valuation", "0011_books"): (
        "Columns that are empty, rules that are dropped or validated afterwards, and accounts, of "
        "which there are few: no row of the journal is read."
    ),
    ("valuation", "0021_added_up_ahead"): (
        "Totals are written by the night, which waits for a migration anyway; added up by "
        "month once, some thousands of rows a night."
    ),
    ("valuation", "0026_signed_at_issue"): (
        "An index on a column that is still empty; statements are some thousands of rows."
    ),
    ("valuation", "0016_scenario_items"): (
        "Scenarios and valuations are written by hand or by the night: some hundreds in a desk's "
        "life, and a valuation's longer source changes the catalogue only."
    ),
    ("valuation", "0017_assumptions_are_inputs"): "The same few rows, copied in a moment.",
    ("valuation", "0018_no_assumptions"): "What goes was copied; the rest are the same few rows.",
    ("valuation", "0012_runs_by_hand"): "A night is one row: some thousands in a desk's life.",
    ("valuation", "0014_totals_on_their_own"): (
        "A constraint and an index go, which takes a moment and reads no row."
    ),
    ("licensing", "0021_agreement_documents"): (
        "Deal terms are new, amendments are asked for by hand: few rows."
    ),
    ("talent", "0005_twin_names_by_owner"): "A desk has some hundreds of twins: a moment.",
    ("licensing", "0004_amendments"): "Rate cards and caps are written by hand: few rows.",
    ("licensing", "0002_approvals_bound"): "People answer approvals by hand: few rows, soon read.",
    ("talent", "0003_sign_in"): "its SQL makes a table of its own; triggers are replaced at once",
    ("licensing", "0003_room_for_sums"): "More digits of the same scale change the catalogue only.",
    ("valuation", "0003_room_for_sums"): (
        "More digits of the same scale change the catalogue only; the shards that are checked are "
        "one an agreement and night, a matter of seconds."
    ),
    ("talent", "0007_scopes_of_consents"): (
        "Cells are a few hundred a matrix, written by hand; rewriting them takes a moment."
    ),
    ("licensing", "0009_archived_units"): (
        "The sums of archives are some rows a day and twin, copied in a moment."
    ),
    ("licensing", "0012_given_back_and_taken_away"): (
        "A constraint goes, which takes a moment and reads no row; the table is new."
    ),
    ("licensing", "0007_brands_and_content"): (
        "Of tables with rows only grants change their triggers, and nobody holds those for long."
    ),
    ("valuation", "0023_payouts"): (
        "Constraints go and come back without a look at rows, and are checked without a lock; "
        "choices change no table, the new column is null."
    ),
    ("valuation", "0025_invoices"): (
        "Constraints go and come back without a look at rows, and are checked without a lock; "
        "choices change no table."
    ),
    ("valuation", "0027_disputes_of_a_line"): (
        "Constraints go and come back without a look at rows, and are checked without a lock; "
        "choices change no table."
    ),
    ("valuation", "0042_late_payment"): "Codes of short lists, checked without a lock.",
    ("valuation", "0038_self_billing"): (
        "Constraints go and come back without a look at rows, and are checked without a lock; a "
        "column may be empty now, new ones are, and their indexes are of some thousands of rows."
    ),
    ("valuation", "0030_opening_balances"): "Codes of short lists, checked without a lock.",
    ("valuation", "0020_bank_lines"): "What a remittance names is a table of its own.",
}

# What changes no table, or changes it without looking at its rows and without holding up writers.
QUICK = (
    migrations.AlterModelOptions,
    postgres.AddConstraintNotValid,
    postgres.AddIndexConcurrently,
    postgres.RemoveIndexConcurrently,
    postgres.ValidateConstraint,
)


@pytest.mark.parametrize("app", APPS)
def test_the_last_migration_stands_in_max_migration(app):
    """Two branches that each add a migration clash in this file, not on a server."""
    names = [name for label, name in MIGRATIONS if label == app]
    file = settings.BASE_DIR / app / "migrations" / "max_migration.txt"

    assert file.read_text() == f"{max(names)}\n", f"Write {max(names)} into {file}."
    assert len({name.partition("_")[0] for name in names}) == len(names)


@pytest.mark.parametrize("key", MIGRATIONS, ids=".".join)
def test_no_migration_holds_up_who_is_at_work(key):
    held_up = [operation.describe() for operation in locking_operations(MIGRATIONS[key])]

    assert not held_up or HARMLESS_LOCKS.get(key), (
        f"{held_up} lock tables that have rows. Do it in steps (AddIndexConcurrently, "
        "AddConstraintNotValid, a null or db_default column), or say in HARMLESS_LOCKS why not."
    )


def test_what_was_found_harmless_is_still_there():
    assert set(HARMLESS_LOCKS) <= {key for key in MIGRATIONS if locking_operations(MIGRATIONS[key])}


@pytest.mark.parametrize(
    "operation",
    [
        migrations.AddIndex("agency", models.Index(fields=["name"], name="agency_name")),
        migrations.AddField("agency", "motto", models.TextField(default="")),
        migrations.AddField("agency", "of", models.ForeignKey("talent.User", models.PROTECT)),
        migrations.AlterField("agency", "name", models.TextField()),
        migrations.RemoveField("agency", "name"),
        migrations.RunSQL("UPDATE talent_agency SET name = ''"),
    ],
    ids=lambda operation: operation.describe(),
)
def test_an_operation_that_locks_rows_is_noticed(operation):
    assert locking_operations(migration_of(operation)) == [operation]


@pytest.mark.parametrize(
    "operation",
    [
        migrations.AddField("agency", "motto", models.TextField(null=True)),
        migrations.AddField("agency", "motto", models.TextField(db_default="")),
        postgres.AddIndexConcurrently("agency", models.Index(fields=["name"], name="agency_name")),
    ],
    ids=lambda operation: operation.describe(),
)
def test_an_operation_that_locks_no_rows_passes(operation):
    assert locking_operations(migration_of(operation)) == []


def test_a_table_that_is_new_may_be_changed_at_will():
    index = migrations.AddIndex("motto", models.Index(fields=["text"], name="motto_text"))
    create = migrations.CreateModel("Motto", [("text", models.TextField())])

    assert locking_operations(migration_of(create, index)) == []


def test_operations_are_joined_but_where_one_needs_what_another_left():
    empty = migrations.AddField("agency", "motto", models.TextField(null=True))
    filled = migrations.RunSQL("UPDATE talent_agency SET motto = ''")
    whole = migrations.AlterField("agency", "motto", models.TextField())
    renamed = migrations.AlterField("agency", "motto", models.TextField("Its motto"))
    index = migrations.AddIndex("agency", models.Index(fields=["motto"], name="agency_motto"))

    first, between, second, third = together([empty, filled, whole, renamed, index])

    assert between is filled
    assert [run.operations for run in (first, second, third)] == [
        [empty],
        [whole],
        [renamed, index],
    ]


@pytest.mark.django_db
def test_no_change_of_a_model_is_without_its_migration():
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)


def test_a_migration_of_many_operations_joins_them():
    """Alone, each renders nearly every model anew: three that did so took half of a first start."""
    at_length = {
        key: alone
        for key, migration in MIGRATIONS.items()
        if (alone := sum(isinstance(each, JOINED) for each in migration.operations)) > 12
    }

    assert at_length == {}


def test_what_changes_a_model_that_is_new_is_done_as_it_is_created():
    create = migrations.CreateModel("Motto", [("text", models.TextField())])
    field = migrations.AddField("motto", "of", models.ForeignKey("talent.User", models.PROTECT))
    (run,) = together([create, field])

    assert run.operations == [create, field]
    assert run._of_the_database() == [create]


def migration_of(*operations):
    migration = migrations.Migration("0002_trial", "talent")
    migration.operations = list(operations)
    return migration


def locking_operations(migration):
    """Return the operations that lock tables that older migrations made."""
    if migration.initial:
        return []
    operations = list(_one_by_one(migration.operations))
    new = {model.name_lower for model in operations if isinstance(model, migrations.CreateModel)}
    return [
        operation
        for operation in operations
        if not isinstance(operation, (migrations.CreateModel, *QUICK))
        and getattr(operation, "model_name_lower", None) not in new
        and not _adds_a_quick_column(operation)
    ]


def _one_by_one(operations):
    for operation in operations:
        yield from operation.operations if isinstance(operation, Together) else [operation]


def _adds_a_quick_column(operation):
    """A column that is empty, or whose value stands in the catalogue, and that nothing checks."""
    if not isinstance(operation, migrations.AddField):
        return False
    field = operation.field
    checked = field.unique or field.db_index or getattr(field, "db_constraint", False)
    return (field.null or field.has_db_default()) and not checked
