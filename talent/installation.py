"""The installation: whether this is the database that the desk knows, and the key it knows."""

from datetime import datetime

from django.db import connection, transaction

from talent.database.locks import lock_until_commit
from talent.envelope import EnvelopeBroken, key_for, open_envelope, seal
from talent.errors import Refused
from talent.models import Installation
from talent.words import InstallationReason

TEXT = b"Sealed by the desk, to know its key again."
PURPOSE = "installation"
# More numbers than a desk gives out between two backups, and fewer than would ever be missed.
SKIPPED = 1_000_000


class WrongKey(Refused):
    """The key-encryption key is not the one that sealed this database's secrets."""

    code = "wrong_key_encryption_key"


class DatabaseMoved(Refused):
    """The database is a copy of the one that the desk last ran on."""

    code = "database_moved"


class NothingToDo(Refused):
    """The database was not moved, or the key is the right one."""

    code = "nothing_to_do"


@transaction.atomic
def verify(*, key_encryption_key: bytes, at: datetime) -> None:
    """Check database and key against what was noted; note them at the first start.

    Raises WrongKey, DatabaseMoved.
    """
    # So that two processes that start at once do not both note their own key as the first.
    lock_until_commit("installation")
    last = Installation.objects.order_by("-pk").first()
    if last is None:
        _note(InstallationReason.FIRST_START, key_encryption_key, at)
        return
    if not _opens(last, key_encryption_key):
        raise WrongKey(
            "KEY_ENCRYPTION_KEY is not the key that sealed this database’s secrets. Set the right "
            "one; if it is lost, `manage.py lost_key` says what is lost with it."
        )
    if (last.system_identifier, last.database_oid) != _identity():
        raise DatabaseMoved(
            "This database is a copy of the desk’s: it was restored from a backup, moved, or "
            "copied. Numbers given out since the backup would be given out again, and a copy "
            "beside the desk would send its mail. If this is the desk now, run "
            "`manage.py restored`."
        )


@transaction.atomic
def go_on_after_restore(*, key_encryption_key: bytes, at: datetime, skip: int = SKIPPED) -> int:
    """Note that the desk goes on with a restored database; return how many sequences skip numbers.

    What was recorded after the backup is gone, but its numbers were given out, as receipts say.
    All sequences skip so many that none is given out twice, and the numbers of statements carry
    how often the desk was restored. Raises WrongKey.
    """
    lock_until_commit("installation")
    last = Installation.objects.order_by("-pk").first()
    if last is not None and not _opens(last, key_encryption_key):
        raise WrongKey("Set KEY_ENCRYPTION_KEY to the key of the backup first.")
    _note(InstallationReason.RESTORED, key_encryption_key, at)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT setval(format('%%I.%%I', schemaname, sequencename)::regclass, "
            "coalesce(last_value, 0) + %s) FROM pg_sequences "
            "WHERE schemaname = current_schema() AND max_value > 2 * %s",
            [skip, skip],
        )
        return int(cursor.rowcount)


@transaction.atomic
def accept_lost_key(*, key_encryption_key: bytes, at: datetime) -> None:
    """Note that a key is lost and that this one seals from now on. Raises NothingToDo."""
    lock_until_commit("installation")
    last = Installation.objects.order_by("-pk").first()
    if last is None or _opens(last, key_encryption_key):
        raise NothingToDo("KEY_ENCRYPTION_KEY opens what is sealed: no key is lost.")
    _note(InstallationReason.KEY_LOST, key_encryption_key, at)


def restores() -> int:
    """Return how often the desk went on with a restored database."""
    return Installation.objects.filter(reason=InstallationReason.RESTORED.value).count()


def _note(reason: InstallationReason, key_encryption_key: bytes, at: datetime) -> None:
    system_identifier, database_oid = _identity()
    Installation.objects.create(
        reason=reason.value,
        noted_at=at,
        system_identifier=system_identifier,
        database_oid=database_oid,
        sealed_text=seal(TEXT, key=_key(key_encryption_key), about=PURPOSE),
    )


def _opens(noted: Installation, key_encryption_key: bytes) -> bool:
    try:
        text = open_envelope(bytes(noted.sealed_text), key=_key(key_encryption_key), about=PURPOSE)
    except EnvelopeBroken:
        return False
    return text == TEXT


def _key(key_encryption_key: bytes) -> bytes:
    return key_for(PURPOSE, key_encryption_key=key_encryption_key)


def _identity() -> tuple[str, int]:
    """Return what tells this database from its copies: its cluster, and its number in that."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT system_identifier::text, oid::bigint FROM pg_control_system(), pg_database "
            "WHERE datname = current_database()"
        )
        system_identifier, oid = cursor.fetchone()
    return system_identifier, oid
