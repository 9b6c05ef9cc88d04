"""One migrated database that test databases are copied from.

Migrating takes PostgreSQL a moment and Django's model states half a minute; a copy takes
neither. The template's name holds what it was made from, so that it is never out of date.
"""

import contextlib
import hashlib
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

from django.conf import settings
from django.db import DatabaseError, connection

PREFIX = "likenessdesk_template_"


def made():
    """Return the name of a template for today's migrations, making it if there is none."""
    name = PREFIX + _digest()
    with connection._nodb_cursor() as cursor:
        # By clone, so that a clone that is migrating holds up no other on the same server.
        cursor.execute("SELECT pg_advisory_lock(hashtext(%s))", [f"{PREFIX}{_clone()}"])
        if name not in _templates(cursor):
            _drop_the_old(cursor)
            _make(cursor, name)
    return name


def _digest():
    clone = settings.BASE_DIR
    files = [
        *sorted(clone.glob("*/migrations/*.py")),
        *sorted(clone.glob("*/migrations/*.sql")),
        clone / "requirements.txt",
    ]
    digest = hashlib.sha256(str(clone).encode())
    for file in files:
        digest.update(f"{file.name}\n".encode() + file.read_bytes())
    return f"{_clone()}_{digest.hexdigest()[:16]}"


def _clone():
    return hashlib.sha256(str(settings.BASE_DIR).encode()).hexdigest()[:6]


def _templates(cursor):
    cursor.execute(
        "SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [f"{PREFIX}{_clone()}"]
    )
    return [name for (name,) in cursor.fetchall()]


def _drop_the_old(cursor):
    for name in _templates(cursor):
        # Another run may be copying it.
        with contextlib.suppress(DatabaseError):
            cursor.execute(f"DROP DATABASE {name}")


def _make(cursor, name):
    unfinished = f"{name}_unfinished"
    cursor.execute(f"DROP DATABASE IF EXISTS {unfinished}")
    cursor.execute(f"CREATE DATABASE {unfinished}")
    subprocess.run(  # noqa: S603 - our own program
        [sys.executable, Path(settings.BASE_DIR, "manage.py"), "migrate", "--verbosity=0"],
        env={**os.environ, "DATABASE_URL": url(unfinished), "REDIS_URL": settings.REDIS_URL},
        check=True,
    )
    cursor.execute(f"ALTER DATABASE {unfinished} RENAME TO {name}")


def url(name):
    """Return the URL of another database on the tests' server."""
    parts = connection.settings_dict
    server = quote(parts["HOST"], safe="") + (f":{parts['PORT']}" if parts["PORT"] else "")
    person = quote(parts["USER"]) + (f":{quote(parts['PASSWORD'])}" if parts["PASSWORD"] else "")
    return f"postgres://{person}@{server}/{name}"
