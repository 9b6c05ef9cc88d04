"""Behind PgBouncer, really run: in session mode as it comes; in transaction mode a check warns."""

import contextlib
import getpass
import os
import socket
import subprocess
import sys
import time

import pytest
from django.db import connection

from likenessdesk.checks import sessions_are_kept

CONFIG = """
[databases]
* = host={host} port={port} user={user} {password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {own_port}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
logfile = {folder}/log
pidfile = {folder}/pid
"""


@contextlib.contextmanager
def pgbouncer(folder, mode):
    """Run PgBouncer with nothing but where the server is and the mode; yield its port."""
    server = connection.settings_dict
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        own_port = probe.getsockname()[1]
    config = folder / "pgbouncer.ini"
    config.write_text(
        CONFIG.format(
            host=server["HOST"] or "/var/run/postgresql",
            port=server["PORT"] or 5432,
            user=server["USER"] or getpass.getuser(),
            password=f"password={server['PASSWORD']}" if server["PASSWORD"] else "",
            own_port=own_port,
            mode=mode,
            folder=folder,
        )
    )
    as_whom = []
    if os.geteuid() == 0:  # PgBouncer refuses to run as root.
        for path in (folder, *folder.parents[:2]):
            path.chmod(0o755)
        os.chown(folder, 65534, 65534)
        as_whom = ["--user=nobody"]
    process = subprocess.Popen(["pgbouncer", "--quiet", *as_whom, config])  # noqa: S603, S607
    try:
        deadline = time.monotonic() + 10
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", own_port)):
                break
            assert time.monotonic() < deadline, "PgBouncer does not answer."
            time.sleep(0.05)
        yield own_port
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def through_pooler(environment, tmp_path):
    """Run a command of the desk through PgBouncer in a mode; return how it ended."""

    def run(mode, *command):
        with pgbouncer(tmp_path, mode) as port:
            name = connection.settings_dict["NAME"]
            user = connection.settings_dict["USER"] or getpass.getuser()
            url = f"postgres://{user}@127.0.0.1:{port}/{name}"
            return subprocess.run(  # noqa: S603 - our own program
                [sys.executable, "manage.py", *command],
                env=environment | {"DATABASE_URL": url},
                capture_output=True,
                text=True,
                check=False,
            )

    return run


@pytest.mark.deep
@pytest.mark.judge("pgbouncer")
def test_the_desk_works_behind_a_pooler_in_session_mode(through_pooler):
    """A night takes its locks, prepares its statements, and is checked before it starts."""
    done = through_pooler("session", "night")
    checked = through_pooler("session", "check", "--database", "default")

    assert done.returncode == 0, done.stderr
    assert "posted nothing" in done.stdout
    assert "E004" not in checked.stderr, checked.stderr


@pytest.mark.deep
@pytest.mark.judge("pgbouncer")
def test_a_check_says_what_a_pooler_in_transaction_mode_breaks(through_pooler):
    checked = through_pooler("transaction", "check", "--database", "default")

    assert checked.returncode
    for broken in ("likenessdesk.E004", "locks of the night", "prepared statements", "cursor"):
        assert broken in checked.stderr


@pytest.mark.django_db
def test_a_direct_connection_keeps_its_session():
    assert sessions_are_kept(databases=["default"]) == []
    assert sessions_are_kept(databases=[]) == []
