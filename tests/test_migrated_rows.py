"""Migrations that rewrite rows: what was recorded before them means the same after."""

from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal as D

import pytest
from django.db import connection, connections
from django.db.migrations.executor import MigrationExecutor

JULY = datetime(2026, 7, 1, 12, tzinfo=UTC)
NEW_YEAR = datetime(2025, 12, 31, 23, 30, tzinfo=UTC)
ALIAS = "past"


@pytest.fixture
def past(django_db_blocker, monkeypatch):
    """A database of its own, without a table; rows go in past their keys and triggers."""
    name = f"{connection.settings_dict['NAME']}_{ALIAS}"[-60:]
    with django_db_blocker.unblock(), connection._nodb_cursor() as server:
        server.execute(f'DROP DATABASE IF EXISTS "{name}"')
        server.execute(f'CREATE DATABASE "{name}"')
        monkeypatch.setitem(connections.settings, ALIAS, connection.settings_dict | {"NAME": name})
        try:
            with closing(connections[ALIAS]) as its_own:
                yield its_own
        finally:
            del connections[ALIAS]
            server.execute(f'DROP DATABASE "{name}"')


def migrated(database, *targets):
    """Bring a database to some migrations; return the models of that time."""
    executor = MigrationExecutor(database)
    executor.migrate(list(targets))
    return executor.loader.project_state(list(targets)).apps.get_model


def write(database, model, *rows):
    """Write rows whose owners are of no matter here, and do not exist."""
    with database.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        model.objects.using(ALIAS).bulk_create(model(**row) for row in rows)
        cursor.execute("SET session_replication_role = origin")


def test_rows_mean_the_same_after_the_migrations_that_rewrite_them(past):
    at_first = migrated(past, ("talent", "0006_mails_let_be"))
    cell = {"version_id": 1, "right": "voice", "stance": "allow"}
    write(
        past,
        at_first("talent", "ConsentCell"),
        cell | {"use": "dubbing", "maximum_hours": D("2.5"), "notice_hours": 48},
        cell | {"use": "game", "maximum_hours": D(10)},
        cell | {"use": "series"},
        cell | {"use": "advertising", "exclusions": ["tobacco", "competitor"]},
        cell | {"use": "feature", "exclusions": ["competitor"], "stance": "deny"},
    )

    before = (
        ("talent", "0008_money_whatever_comes_later"),
        ("licensing", "0008_money_whatever_comes_later"),
    )
    then = migrated(past, *before)
    cells = then("talent", "ConsentCell").objects.using(ALIAS)
    told = cells.values_list("use", "limits", "notice_hours", "withdrawal_notice_hours")
    # Two and a half hours are 9,000 seconds; the one notice there was counts for both.
    of_seconds = {"meter": "seconds", "per_year": False, "per_licensee": False}
    assert {use: ([D(x.pop("maximum")) for x in limits], limits, *notices)
            for use, limits, *notices in told} == {
        "dubbing": ([D(9000)], [of_seconds], 48, 48),
        "game": ([D(36000)], [of_seconds], None, None),
        "series": ([], [], None, None),
        "advertising": ([], [], None, None),
        "feature": ([], [], None, None),
    }  # fmt: skip
    # Nobody had said who the competitors are, so the performer is asked.
    assert {use: (stance, exclusions) for use, stance, exclusions
            in cells.values_list("use", "stance", "exclusions")} == {
        "dubbing": ("allow", []),
        "game": ("allow", []),
        "series": ("allow", []),
        "advertising": ("ask", ["tobacco"]),
        "feature": ("deny", []),
    }  # fmt: skip
    with past.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_trigger WHERE tgenabled = 'D'")
        assert cursor.fetchone() == (0,), "Versions stay as they are, by a trigger."

    twin = {"id": 7, "name": "Vesper", "performer_id": 1, "tier": "dynamic_behavioral_emulator"}
    write(past, then("talent", "DigitalTwin"), twin | {"legal_class": "employment_based"})
    archive = {"id": 1, "first_id": 1, "end_id": 9, "first_index": 0, "last_index": 7}
    write(past, then("licensing", "EventArchive"), archive | {"events": 8, "made_at": JULY})
    sums = {"archive_id": 1, "twin_id": 7, "right": "voice", "use": "dubbing"}
    write(
        past,
        then("licensing", "ArchivedSeconds"),
        sums | {"received_until": NEW_YEAR, "seconds": D("0.5")},
        sums | {"received_until": JULY, "seconds": D(36000)},
    )

    now = migrated(past, ("licensing", "0009_archived_units"))
    units = now("licensing", "ArchivedUnits").objects.using(ALIAS).order_by("received_until")
    names = ("archive_id", "twin_id", "licensee_id", "right", "use", "year", "received_until",
             "meter", "quantity")  # fmt: skip
    of_the_twin = (1, 7, None, "voice", "dubbing")
    assert list(units.values_list(*names)) == [
        (*of_the_twin, 2025, NEW_YEAR, "seconds", D("0.5")),
        (*of_the_twin, 2026, JULY, "seconds", D(36000)),
    ]

    then = migrated(past, ("valuation", "0015_exposure"))
    plan = {"agency_id": 1, "twin_id": 7, "currency": "USD"}
    write(past, then("valuation", "Scenario"), plan | {"id": 4, "name": "Plan"})
    days = {"scenario_id": 4, "term": "c_savings", "source": "Line producer", "id": 9}
    figures = {"quantity": D(2), "unit_amount": D(250000), "probability": D("0.6")}
    write(past, then("valuation", "Assumption"), days | figures | {"label": "Days"})
    write(
        past,
        then("valuation", "Assumption"),
        days | {"id": 10, "label": "Travel", "unit_amount": D(40000)},
    )

    now = migrated(past, ("valuation", "0018_no_assumptions"))
    items = now("valuation", "ScenarioItem").objects.using(ALIAS)
    inputs = now("valuation", "ScenarioInput").objects.using(ALIAS).order_by("item_id", "role")
    assert list(items.order_by("pk").values_list("scenario_id", "label", "months")) == [
        (4, "Days", 1), (4, "Travel", 1),
    ]  # fmt: skip
    assert list(inputs.values_list("item_id", "role", "middle", "source")) == [
        (9, "quantity", D(2), "Line producer"), (9, "rate", D(250000), "Line producer"),
        (9, "share", D("0.6"), "Line producer"),
        (10, "quantity", D(1), "Line producer"), (10, "rate", D(40000), "Line producer"),
    ]  # fmt: skip
    twins = now("valuation", "Scenario").twins.through.objects.using(ALIAS)
    assert list(twins.values_list("scenario_id", "digitaltwin_id")) == [(4, 7)]
