"""One migrated database that test databases are copied from.

Migrating takes PostgreSQL a moment and Django's model states half a minute; a copy takes
neither. The template's name holds what it was made from, so that it is never out of date. A new
one begins as a copy of any whose migrations all are among today's, so that one more migration
takes seconds.
"""

import contextlib
import hashlib
import json
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
        if name not in _templates(cursor, _clone()):
            _make(cursor, name)
            _drop_the_old(cursor, name)
    return name


def _digest():
    digest = hashlib.sha256(str(settings.BASE_DIR).encode())
    for name, content in sorted(_made_from().items()):
        digest.update(f"{name}\n{content}".encode())
    return f"{_clone()}_{digest.hexdigest()[:16]}"


def _made_from():
    """Return the digest of each file that decides what a migrated database looks like."""
    clone = settings.BASE_DIR
    files = [*clone.glob("*/migrations/*.py"), *clone.glob("*/migrations/*.sql")]
    return {
        str(file.relative_to(clone)): hashlib.sha256(file.read_bytes()).hexdigest()[:16]
        for file in [*files, clone / "requirements.txt"]
        if file.name != "__init__.py"
    }


def _clone():
    return hashlib.sha256(str(settings.BASE_DIR).encode()).hexdigest()[:6]


def _templates(cursor, clone=""):
    """Return the finished templates, of one clone or of all on this server, with their files."""
    cursor.execute(
        "SELECT datname, shobj_description(oid, 'pg_database') FROM pg_database"
        " WHERE starts_with(datname, %s) AND datname NOT LIKE '%%unfinished'",
        [f"{PREFIX}{clone}"],
    )
    return {name: json.loads(files or "{}") for name, files in cursor.fetchall()}


def _drop_the_old(cursor, newest):
    for name in _templates(cursor, _clone()).keys() - {newest}:
        # Another run may be copying it.
        with contextlib.suppress(DatabaseError):
            cursor.execute(f"DROP DATABASE {name}")


def _make(cursor, name):
    unfinished = f"{name}_unfinished"
    cursor.execute(f"DROP DATABASE IF EXISTS {unfinished}")
    _begin(cursor, unfinished)
    subprocess.run(  # noqa: S603 - our own program
        [sys.executable, Path(settings.BASE_DIR, "manage.py"), "migrate", "--verbosity=0"],
        env={**os.environ, "DATABASE_URL": url(unfinished), "REDIS_URL": settings.REDIS_URL},
        check=True,
    )
    files = json.dumps(_made_from())
    cursor.execute(f"COMMENT ON DATABASE {unfinished} IS '{files}'")
    cursor.execute(f"ALTER DATABASE {unfinished} RENAME TO {name}")


def _begin(cursor, unfinished):
    """Copy the template that is furthest on the way to today's migrations; else begin empty."""
    today = _made_from().items()
    on_the_way = {
        name: len(files)
        for name, files in _templates(cursor).items()
        if files and files.items() <= today
    }
    for name in sorted(on_the_way, key=on_the_way.get, reverse=True):
        # Another clone may be dropping it.
        with contextlib.suppress(DatabaseError):
            cursor.execute(f"CREATE DATABASE {unfinished} TEMPLATE {name}")
            return
    cursor.execute(f"CREATE DATABASE {unfinished}")


def url(name):
    """Return the URL of another database on the tests' server."""
    parts = connection.settings_dict
    server = quote(parts["HOST"], safe="") + (f":{parts['PORT']}" if parts["PORT"] else "")
    person = quote(parts["USER"]) + (f":{quote(parts['PASSWORD'])}" if parts["PASSWORD"] else "")
    return f"postgres://{person}@{server}/{name}"
