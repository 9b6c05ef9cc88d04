"""A desk of a test's own, run as `make run` runs it, so that killing it hurts nobody.

Its supervisor starts the killed again. Run as a program, this writes the cast, or queues a sheet,
in the desk that the environment names, and tells what it is called.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from celery import Celery

from likenessdesk import embedded
from likenessdesk.embedded import Child, Place, Supervisor
from likenessdesk.management.commands import run

ROOT = Path(__file__).resolve().parents[2]
BOTH = ["postgresql", "valkey"]
STARTS_WITHIN = 90
# Who can sign in to a desk of this kind, and with what.
OPERATOR, PASSWORD = "operator@desk.example", "a long enough phrase"
TOTP_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"  # noqa: S105 (of a test's own account)


@dataclass
class OwnDesk:
    """A running desk: its address, a licensee's key, what events name, and its processes."""

    place: Place
    supervisor: Supervisor
    port: int
    cast: dict[str, str]
    environment: dict[str, str]

    def child(self, name: str) -> Child:
        return next(child for child in self.supervisor.children if child.name == name)

    def kill(self, name: str) -> None:
        """End a process and all it started as `kill -9` does, and wait for the next one."""
        child = self.child(name)
        pid = child.process.pid
        os.killpg(pid, signal.SIGKILL)
        wait_until(lambda: child.process.pid != pid and child.is_alive() and child.is_ready())

    def kill_for_good(self, name: str) -> None:
        """End a process as `kill -9` does, and have nobody start it again."""
        child = self.child(name)
        with self.supervisor._change:
            self.supervisor.children.remove(child)
            os.killpg(child.process.pid, signal.SIGKILL)
            child.process.wait()

    def rows(self, statement: str) -> list[tuple]:
        with psycopg.connect(self.place.database_url.replace("postgres://", "postgresql://")) as db:
            return db.execute(statement).fetchall()

    def queue_sheet(self, text: str, mode: str) -> int:
        """Have a sheet wait for its import, as staff leaves it; return its number."""
        return _told(self.environment, "sheet", mode, text=text)

    def ask(self, task: str) -> None:
        """Hand a task to the worker, past the timetable."""
        app = Celery(
            broker=f"redis+socket://{self.place.valkey_socket}?virtual_host=0",
            set_as_current=False,
        )
        app.conf.task_default_queue = "small"
        app.conf.broker_transport_options = {"global_keyprefix": f"{embedded.DATABASE}:"}
        with app.connection_for_write() as connection:
            app.send_task(task, connection=connection, ignore_result=True)


def wait_until(holds, *, every: float = 0.02) -> None:
    deadline = time.monotonic() + STARTS_WITHIN
    while not holds():
        assert time.monotonic() < deadline, f"Waited for {STARTS_WITHIN} s in vain."
        time.sleep(every)


@contextlib.contextmanager
def own_desk(schema_of: str) -> Iterator[OwnDesk]:
    """Run servers, web and worker on a database with the tables of a migrated one."""
    with tempfile.TemporaryDirectory(prefix="desk") as folder:
        Path(folder).chmod(0o755)
        place = embedded.place_of(Path(folder))
        with embedded.servers(place, BOTH) as supervisor:
            environment = {
                "DATABASE_URL": place.database_url,
                "REDIS_URL": place.redis_url,
                "MEDIA_ROOT": str(place.home / "media"),
                "LOG_LEVEL": "CRITICAL",
            }
            _copy_tables(schema_of, place.database_url)
            cast = _told(environment, "cast")
            port = _free_port()
            for child in (run.web(place, port), *run.workers(place)):
                child.environment = environment
                child.log = place.log(child.name.replace(" ", "-"))
                supervisor.start(child)
            yield OwnDesk(place, supervisor, port, cast, environment)


def _copy_tables(source: str, target: str) -> None:
    programs = embedded.postgresql_programs()
    with tempfile.NamedTemporaryFile() as dump:
        for command in (
            ["pg_dump", "--format=custom", f"--file={dump.name}", f"--dbname={source}"],
            ["pg_restore", f"--dbname={target}", "--exit-on-error", "--no-owner", dump.name],
        ):
            subprocess.run([programs / command[0], *command[1:]], check=True)  # noqa: S603


def _told(environment: dict[str, str], *asked: str, text: str = "") -> Any:
    told = subprocess.run(  # noqa: S603 (this very file)
        [sys.executable, "-m", "tests.journeys.own_desk", *asked],
        env={**os.environ, **environment},
        cwd=ROOT,
        check=True,
        capture_output=True,
        input=text.encode(),
    )
    return json.loads(told.stdout)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((run.HOST, 0))
        return probe.getsockname()[1]


def _cast() -> dict[str, str]:
    from allauth.mfa.totp.internal.auth import TOTP
    from django.utils import timezone

    from licensing import api_keys
    from talent.models import User
    from tests import factories

    agency, studio = factories.make_agency(), factories.make_licensee()
    terms = factories.make_terms(agency, studio)
    operator = User.objects.create_superuser(OPERATOR, PASSWORD)
    TOTP.activate(operator, TOTP_SECRET)
    twin = factories.make_twin(factories.make_performer("Ada Example", agency))
    agreement = factories.make_agreement(agency, studio, twin, ends_at=None)
    issued = api_keys.issue(terms=terms, label="Pipeline", at=timezone.now(), by=None)
    return {
        "key": issued.secret,
        "twin": f"T{twin.pk}",
        "agreement": agreement.reference,
    }


def _queued_sheet(mode: str) -> int:
    from django.utils import timezone

    from licensing.models import LicenseeTerms
    from licensing.usage.sheets import uploads
    from licensing.words import ImportMode
    from talent.models import User

    clerk, _ = User.objects.get_or_create(email="clerk@desk.example")
    sheet = uploads.receive(
        sys.stdin.buffer,
        file_name=f"{mode}.csv",
        terms=LicenseeTerms.objects.get(),
        at=timezone.now(),
        by=clerk,
    )
    uploads.queue(sheet, ImportMode(mode))
    return sheet.pk


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "likenessdesk.settings")
    import django

    django.setup()
    told = _cast() if sys.argv[1] == "cast" else _queued_sheet(sys.argv[2])
    sys.stdout.write(json.dumps(told))
