"""Locks: one holder, who can be named, and who is ended when it is over its time."""

from datetime import timedelta

import pytest
from django.db import OperationalError, connection, connections

from talent.database import locks
from talent.database.locks import hold_lock, holder_of

pytestmark = pytest.mark.django_db(transaction=True)
NAME = "the test"


@pytest.fixture
def elsewhere():
    """Another session of the database, as another process has one."""
    other = connections.create_connection("default")
    yield other
    other.close()


def take(other, at_most):
    with other.cursor() as cursor:
        parameters = {"name": NAME, "holder": "night on far-away, process 7", "at_most": at_most}
        cursor.execute(locks.TAKE, parameters)
        assert cursor.fetchone()


def test_who_holds_a_lock_is_named_with_its_time(elsewhere):
    take(elsewhere, timedelta(hours=6))

    with hold_lock(NAME, wait=False) as is_mine:
        assert not is_mine

    assert holder_of(NAME).startswith("night on far-away, process 7, since 2")
    assert holder_of(NAME).endswith("UTC at the latest")


def test_a_lock_is_free_again_after_its_block_and_nobody_is_named():
    with hold_lock(NAME) as is_mine:
        assert is_mine
        assert "process" in holder_of(NAME)

    assert "just beginning or ending" in holder_of(NAME)
    with hold_lock(NAME, wait=False) as is_mine:
        assert is_mine


def test_who_waits_in_vain_is_told_who_holds_it(elsewhere, monkeypatch):
    monkeypatch.setattr(locks, "WAITS", timedelta(seconds=0.2))
    take(elsewhere, timedelta(hours=6))

    with pytest.raises(locks.LockIsHeld, match="process 7"), hold_lock(NAME):
        pass


def test_a_holder_over_its_time_is_ended_by_who_comes_next(elsewhere, caplog):
    take(elsewhere, timedelta(0))

    with hold_lock(NAME, wait=False) as is_mine:
        assert is_mine

    assert "was ended: night on far-away" in caplog.text
    with pytest.raises(OperationalError), elsewhere.cursor() as cursor:
        cursor.execute("SELECT 1")


def test_a_process_that_holds_no_lock_any_more_is_not_ended(elsewhere):
    """Its number stands in the row that it left; another session may have it by now."""
    take(elsewhere, timedelta(0))
    with elsewhere.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock_all()")

    with hold_lock(NAME, wait=False) as is_mine:
        assert is_mine

    with elsewhere.cursor() as cursor:
        cursor.execute("SELECT 1")


def test_a_session_looks_whether_its_process_is_still_there():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('client_connection_check_interval'), "
            "current_setting('plan_cache_mode')"
        )
        assert cursor.fetchone() == ("5s", "force_generic_plan")
    assert "options" not in connection.settings_dict["OPTIONS"]
