"""`make run`: the whole desk on this machine, with its demo, until Ctrl-C."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Sequence
from datetime import UTC, datetime

from django.conf import settings
from django.core.management.base import CommandError

from likenessdesk import embedded
from likenessdesk.embedded import Child, Place, ServersFailed, Supervisor
from likenessdesk.management.commands.prepare import CommandInSteps
from talent.papers import certificate

HOST = "127.0.0.1"


class Command(CommandInSteps):
    help = "Start what the desk needs, load the demo, and serve until Ctrl-C."

    def handle(self, **options):
        with contextlib.suppress(KeyboardInterrupt), stopped_by_sigterm():
            try:
                self.serve(settings.PORT)
            except ServersFailed as failure:
                raise CommandError(str(failure)) from failure
            finally:
                self.say("Stopped.")

    def serve(self, port):
        place = settings.EMBEDDED_PLACE
        if settings.EMBEDDED and place.notice:
            self.say(place.notice)
        with self.step("Starting servers"), contextlib.ExitStack() as starting:
            supervisor = starting.enter_context(embedded.servers(place, settings.EMBEDDED))
            running = starting.pop_all()
        with running:
            # Only now: a killed desk's web server may have held the port, and was ended above.
            refuse_taken_port(port)
            seal_for_trial()
            prepare()
            self.start(web(place, port), supervisor)
            for child in workers(place):
                self.start(child, supervisor)
            self.say(f"\nThe desk is open at http://{HOST}:{port} — Ctrl-C closes it.")
            supervisor.wait()

    def start(self, child: Child, supervisor: Supervisor):
        with self.step(f"Starting the {child.name}"):
            supervisor.start(child)


def seal_for_trial():
    """Have what this process starts seal with a certificate that binds nobody, if it has none."""
    if certificate.is_there():
        return
    chain, key = certificate.make_trial(settings.VAR, at=datetime.now(UTC))
    os.environ |= {"SEAL_CERTIFICATE": str(chain), "SEAL_KEY": str(key)}


def prepare():
    """Prepare the database, static files and the demo, in a process of its own.

    Seeding and drawing take some 300 MB, which this process would keep for as long as it serves.
    """
    command = [sys.executable, settings.BASE_DIR / "manage.py", "prepare"]
    if subprocess.run(command, check=False).returncode:  # noqa: S603 - our own program
        raise CommandError("The desk could not be prepared: the reason stands above.")


def refuse_taken_port(port):
    """Raise CommandError if the port is taken, before the long preparation."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise CommandError(
                f"Port {port} cannot be used ({error.strerror.lower()}):"
                f" choose another with `make run PORT={port + 1}`."
            ) from error


@contextlib.contextmanager
def stopped_by_sigterm():
    """Treat SIGTERM like Ctrl-C within the block; ignore both once one has arrived."""
    signals = (signal.SIGINT, signal.SIGTERM)

    def interrupt(_number, _frame):
        for number in signals:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in signals}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def web(place: Place, port: int) -> Child:
    return Child(
        name="web server",
        command=[
            sys.executable, "-m", "gunicorn", "likenessdesk.wsgi", f"--bind={HOST}:{port}",
            "--workers=2", "--threads=4", "--no-control-socket", "--log-level=warning",
            # Contains this clone's path, by which a later start recognises the process.
            f"--pid={place.home / 'web.pid'}",
        ],
        is_ready=lambda: answers(port),
        stop_signal=signal.SIGTERM,
    )  # fmt: skip


def workers(place: Place) -> list[Child]:
    """Return a worker that keeps the timetable and does what is small, and those of what is not.

    A night takes every process that it finds, so what somebody waits for has some it cannot
    find: two, since a plan of shooting may take minutes to solve.
    """
    small, asked, *long = settings.LANES
    timetable = ["--beat", f"--schedule={place.home / 'timetable'}"]
    return [
        worker(place, "worker", [small], "--concurrency=2", *timetable),
        worker(place, "asked worker", [asked], "--concurrency=2"),
        worker(place, "long worker", long, f"--concurrency={len(long)}"),
    ]


def worker(place: Place, name: str, lanes: Sequence[str], *options: str) -> Child:
    started = place.home / f"{name.replace(' ', '-')}.pid"
    started.unlink(missing_ok=True)
    return Child(
        name=name,
        command=[
            sys.executable, "-W", "ignore:You're running the worker with superuser privileges",
            "-m", "celery", "-A", "likenessdesk", "--quiet", "worker", "-Q", ",".join(lanes),
            f"--hostname={name.replace(' ', '-')}@%h", "--loglevel=WARNING",
            f"--pidfile={started}", *options,
        ],
        is_ready=started.exists,
        stop_signal=signal.SIGTERM,
    )  # fmt: skip


def answers(port):
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}/", timeout=5):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
