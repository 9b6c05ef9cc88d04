"""The installation: another key or another database is noticed before anything is sealed."""

from datetime import UTC, datetime

import pytest
from django.db import connection

from talent import installation
from talent.installation import accept_lost_key, go_on_after_restore, verify
from talent.models import Agency, Installation
from tests.factories import make_agency

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
KEY, OTHER = b"k" * 40, b"o" * 40


@pytest.fixture(autouse=True)
def _first_start():
    verify(key_encryption_key=KEY, at=NOON)


def move_database(monkeypatch):
    monkeypatch.setattr(installation, "_identity", lambda: ("7", 7))


def test_a_start_with_the_same_key_on_the_same_database_notes_nothing():
    verify(key_encryption_key=KEY, at=NOON)

    assert Installation.objects.count() == 1


def test_another_key_is_refused():
    with pytest.raises(installation.WrongKey, match="not the key that sealed"):
        verify(key_encryption_key=OTHER, at=NOON)


def test_a_copy_of_the_database_is_refused_until_it_is_said_to_be_the_desk(monkeypatch):
    move_database(monkeypatch)
    with pytest.raises(installation.DatabaseMoved, match="restored from a backup"):
        verify(key_encryption_key=KEY, at=NOON)

    go_on_after_restore(key_encryption_key=KEY, at=NOON)

    verify(key_encryption_key=KEY, at=NOON)
    assert installation.restores() == 1


def test_no_number_that_was_given_out_after_the_backup_is_given_out_again():
    before = make_agency("before").pk

    assert go_on_after_restore(key_encryption_key=KEY, at=NOON, skip=1_000) > 50

    assert make_agency("after").pk == before + 1_001
    with connection.cursor() as cursor:
        cursor.execute("SELECT last_value FROM licensing_usageevent_id_seq")
        assert cursor.fetchone()[0] > 1_000
    assert Agency.objects.count() == 2


def test_a_restore_under_the_wrong_key_is_refused():
    with pytest.raises(installation.WrongKey):
        go_on_after_restore(key_encryption_key=OTHER, at=NOON)


def test_a_lost_key_is_accepted_once_and_only_if_it_is_lost():
    with pytest.raises(installation.NothingToDo):
        accept_lost_key(key_encryption_key=KEY, at=NOON)

    accept_lost_key(key_encryption_key=OTHER, at=NOON)

    verify(key_encryption_key=OTHER, at=NOON)
    with pytest.raises(installation.WrongKey):
        verify(key_encryption_key=KEY, at=NOON)
