"""P19: the most memory that a task, an import, an export or a run holds, each a process."""

import contextlib
import csv
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.db import connection

from licensing.models import Licensee
from tests import template
from tests.bench import intake_rows, load
from tests.bench.harness import Row
from tests.bench.rows import ROOT

MOST_MEGABYTES = 512

NIGHT = """
import django
django.setup()
from tests.bench import load, rows
rows.rate_as_of(load.NIGHTS[-1][1])
"""
# Streams the operator's whole list of events, as the admin's export does.
EXPORT = """
import sys
import django
django.setup()
from django.contrib import admin
from django.contrib.sessions.backends.db import SessionStore
from django.test import RequestFactory
from licensing.models import UsageEvent
from talent.models import User
request = RequestFactory().get("/admin/licensing/usageevent/")
request.user = User(is_superuser=True, is_active=True, is_staff=True)
request.session = SessionStore()
exported = admin.site.get_model_admin(UsageEvent).export_list(request)
for number, line in zip(range(int(sys.argv[1])), exported):
    pass
"""


def memory(events: int) -> Iterator[Row]:
    """Run each on the events that were loaded; the demo on an empty desk, as it demands."""
    load.forget_added_up()
    loaded, lines, scale = connection.settings_dict["NAME"], events // 10, events // 10
    manage, script = [sys.executable, "manage.py"], [sys.executable, "-c"]
    with tempfile.TemporaryDirectory() as folder, empty_desk() as empty:
        sheet = Path(folder, "sheet.csv")
        write_sheet(sheet, rows=events // 100)
        size = f"{sheet.stat().st_size / 1e6:.0f} MB"
        imported = ["import_usage", str(sheet), "--agency", "intake", "--licensee", "flow"]
        for name, command, database in (
            (f"P19 a first night over {events:,} events", [*script, NIGHT], loaded),
            (f"P19 export of {lines:,} rows of them", [*script, EXPORT, str(lines)], loaded),
            (f"P19 import of a sheet of {size}", [*manage, *imported], loaded),
            (
                f"P19 seed_demo --scale {scale}",
                [*manage, "seed_demo", "--scale", str(scale)],
                empty,
            ),
        ):
            yield held(name, command, database, folder)


@contextlib.contextmanager
def empty_desk() -> Iterator[str]:
    """Make a second scratch database, with tables and without rows."""
    name = f"{connection.settings_dict['NAME']}_empty"
    with connection._nodb_cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name} TEMPLATE {template.made()}")
        try:
            yield name
        finally:
            cursor.execute(f"DROP DATABASE {name}")


def held(name: str, command: list[str], database: str, folder: str) -> Row:
    """Run a command on a database; return the most that its process held."""
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "likenessdesk.settings",
        "DATABASE_URL": template.url(database),
        "REDIS_URL": settings.REDIS_URL,
        "MEDIA_ROOT": folder,
        "LOG_LEVEL": "ERROR",
    }
    process = subprocess.Popen(  # noqa: S603 - our own
        command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL
    )
    # Not what wait4() tells: that begins with the most that the parent held.
    most = 0
    while process.poll() is None:
        most = max(most, high_water(process.pid))
        time.sleep(0.02)
    assert process.returncode == 0, f"{name} ended with {process.returncode}"
    megabytes = most / 1024
    ratio = megabytes / MOST_MEGABYTES
    return Row(name, megabytes, "MB", MOST_MEGABYTES, ratio, f"≤ {MOST_MEGABYTES} MB", ratio <= 1)


def high_water(pid: int) -> int:
    """Return the most memory that a running process held so far, in KiB; Linux tells it."""
    with contextlib.suppress(OSError):
        if found := re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text()):
            return int(found[1])
    return 0


def write_sheet(path: Path, *, rows: int) -> None:
    """Write a sheet of the intake's cast, about a hundred bytes a row."""
    if not Licensee.objects.filter(slug="flow").exists():
        intake_rows.write_cast()
    with path.open("w", newline="") as file:
        sheet = csv.writer(file)
        sheet.writerow(
            ["id", "time", "twin", "agreement", "right", "use", "territory", "language",
             "channel", "prompt_class", "lines", "words"]
        )  # fmt: skip
        for number in range(rows):
            of = number % 20
            sheet.writerow(
                [f"row-{number}", f"2026-07-{1 + number % 28:02}T10:00:00Z",
                 f"Voice of intake {of}", f"IN-{of}", "voice", "dubbing", "FR", "fr",
                 "streaming", "scripted", 1 + number % 5, 10 + number % 50]
            )  # fmt: skip
