"""The servers that the desk brings: from their wheels, never dead for long, gone at the end."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time

import psycopg
import pytest
from django.conf import settings
from django.core.management.base import CommandError
from redis import Redis, RedisError

from likenessdesk import embedded
from likenessdesk.management.commands.run import refuse_taken_port

BOTH = ["postgresql", "valkey"]
HALF_A_MINUTE = 30


@pytest.fixture
def clones(tmp_path):
    """Make clones; what their servers keep outside of them goes with the test."""
    homes = []

    def made(name):
        clone = tmp_path / name
        clone.mkdir(exist_ok=True)
        homes.append(embedded.place(clone).home)
        return clone

    yield made
    for home in homes:
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def at(clones):
    """A place of its own, as another clone would have it."""
    return embedded.place(clones("clone"))


def pids(supervisor):
    return {child.name: child.process.pid for child in supervisor.children}


def is_alive(pid):
    """Tell whether a process runs; one that only waits to be reaped does not."""
    command = ["ps", "-o", "stat=", "-p", str(pid)]
    listed = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    state = listed.stdout.strip()
    return bool(state) and not state.startswith("Z")


def connected(at):
    deadline = time.monotonic() + HALF_A_MINUTE
    while True:
        try:
            return psycopg.connect(at.database_url, autocommit=True)
        except psycopg.OperationalError:
            assert time.monotonic() < deadline, "PostgreSQL did not come back."
            time.sleep(0.05)


def test_what_was_committed_survives_a_kill_of_the_server(at):
    with embedded.servers(at, BOTH) as supervisor:
        with connected(at) as connection:
            connection.execute("CREATE TABLE kept (n int)")
            connection.execute("INSERT INTO kept SELECT generate_series(1, 1000)")
        before = pids(supervisor)
        for pid in before.values():
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.3)

        with connected(at) as connection:
            count = connection.execute("SELECT count(*) FROM kept").fetchone()[0]
        after = pids(supervisor)

    assert count == 1000
    assert set(before.values()).isdisjoint(after.values())
    assert not any(map(is_alive, after.values()))


def test_a_queue_survives_a_kill_of_the_broker(at):
    with embedded.servers(at, ["valkey"]) as supervisor:
        with Redis.from_url(at.redis_url) as client:
            client.rpush("queue", *range(30))
            # The append-only file reaches the disk within a second.
            time.sleep(1.2)
            os.kill(pids(supervisor)[supervisor.children[0].name], signal.SIGKILL)
        deadline = time.monotonic() + HALF_A_MINUTE
        while True:
            try:
                with Redis.from_url(at.redis_url) as client:
                    length = client.llen("queue")
                break
            except RedisError:
                assert time.monotonic() < deadline, "Valkey did not come back."
                time.sleep(0.05)

    assert length == 30


def test_a_second_desk_of_the_same_clone_is_told_so(at):
    with (
        embedded.servers(at, ["valkey"]),
        pytest.raises(embedded.AlreadyRunning),
        embedded.servers(at, ["valkey"]),
    ):
        pass


def test_two_clones_run_side_by_side(at, clones):
    other = embedded.place(clones("other"))
    with (
        embedded.servers(at, BOTH),
        embedded.servers(other, BOTH),
        connected(at) as one,
        connected(other) as two,
    ):
        one.execute("CREATE TABLE mine (n int)")
        found = two.execute("SELECT to_regclass('mine')").fetchone()[0]

    assert found is None


def test_a_taken_port_is_said_before_anything_starts():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(CommandError, match="choose another with `make run PORT="):
            refuse_taken_port(taken.getsockname()[1])


def test_what_a_killed_desk_left_running_is_ended_by_the_next(clones):
    """A `kill -9` of the supervisor itself leaves its children; the next start takes them away."""
    script = (
        "import sys, time; from pathlib import Path; from likenessdesk import embedded; "
        "at = embedded.place(Path(sys.argv[1])); "
        "context = embedded.servers(at, ['valkey']); supervisor = context.__enter__(); "
        "print(supervisor.children[0].process.pid, flush=True); time.sleep(60)"
    )
    clone = clones("clone")
    desk = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-c", script, str(clone)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=settings.BASE_DIR,
    )
    left = int(desk.stdout.readline())
    desk.kill()
    desk.wait()
    desk.stdout.close()
    was_alive = is_alive(left)

    with embedded.servers(embedded.place(clone), ["valkey"]) as supervisor:
        now = pids(supervisor)

    assert was_alive
    assert left not in now.values()
    assert not is_alive(left)
