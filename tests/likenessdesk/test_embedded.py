"""The desk's own servers: they come up, come back, and go."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg
import pytest
from redis import Redis

from likenessdesk import embedded
from likenessdesk.embedded import place as places
from likenessdesk.embedded import postgresql
from likenessdesk.embedded import supervisor as supervising

BOTH = ["postgresql", "valkey"]


@pytest.fixture
def place():
    """Give a place of its own, short enough for a socket and open to the servers' account."""
    with tempfile.TemporaryDirectory(prefix="desk") as folder:
        Path(folder).chmod(0o755)
        yield embedded.place_of(Path(folder))


def connect(place):
    return psycopg.connect(
        host=str(place.sockets), user=embedded.SUPERUSER, dbname=embedded.DATABASE, autocommit=True
    )


def await_answers(place, seconds=20):
    deadline = time.monotonic() + seconds
    while not all(embedded.SERVERS[name].answers(place) for name in BOTH):
        assert time.monotonic() < deadline, f"The servers did not answer within {seconds} s."
        time.sleep(0.05)


def pids(supervisor):
    return [child.process.pid for child in supervisor.children]


def runs(pid):
    return bool(supervising._command_line(pid))


def test_what_was_written_survives_the_death_of_both_servers_and_nothing_stays_running(place):
    with embedded.servers(place, BOTH) as supervisor:
        with connect(place) as database:
            database.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        with Redis.from_url(place.redis_url) as redis:
            redis.set("kept", "42")
        killed = pids(supervisor)
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        while any(pid in pids(supervisor) for pid in killed):
            time.sleep(0.05)
        await_answers(place)

        with connect(place) as database:
            assert database.execute("SELECT answer FROM kept").fetchone() == (42,)
        with Redis.from_url(place.redis_url) as redis:
            assert redis.get("kept") == b"42"
        last = pids(supervisor)

    assert not any(runs(pid) for pid in last)
    assert not embedded.all_answer(place, BOTH)


def test_no_port_is_opened_and_nobody_else_may_enter(place):
    with embedded.servers(place, BOTH), connect(place) as database:
        assert database.execute("SHOW listen_addresses").fetchone() == ("",)
        with Redis.from_url(place.redis_url) as redis:
            assert redis.config_get("port") == {"port": "0"}
        for folder in (place.sockets, place.home / "postgresql", place.home / "valkey"):
            assert folder.stat().st_mode & 0o077 == 0


def test_a_second_start_in_the_same_clone_says_who_was_first(place):
    with (
        embedded.servers(place, ["valkey"]),
        pytest.raises(embedded.AlreadyRunning, match=str(os.getpid())),
        embedded.servers(place, ["valkey"]),
    ):
        pass


def test_another_process_borrows_the_servers_that_run(place):
    said = []
    with (
        embedded.servers(place, ["valkey"]),
        embedded.borrowed_servers(place, ["valkey"], say=said.append),
    ):
        pass
    assert said == []


def test_servers_left_by_a_killed_supervisor_are_ended_by_the_next(place):
    script = (
        "import sys, time; from pathlib import Path; from likenessdesk import embedded\n"
        "place = embedded.place_of(Path(sys.argv[1]))\n"
        "with embedded.servers(place, ['postgresql', 'valkey']) as s:\n"
        "    print(*[child.process.pid for child in s.children], flush=True); time.sleep(60)"
    )
    with subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-c", script, str(place.home.parent)], stdout=subprocess.PIPE, text=True
    ) as supervisor:
        left = [int(pid) for pid in supervisor.stdout.readline().split()]
        supervisor.kill()
    assert all(runs(pid) for pid in left)

    with embedded.servers(place, BOTH):
        await_answers(place)

        assert not any(runs(pid) for pid in left)


def test_a_process_that_only_has_a_leftovers_number_is_let_live(place):
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as stranger:
        record = place.home.parent / "processes.json"
        record.write_text(f'{{"PostgreSQL": {stranger.pid}}}')

        supervising.end_leftovers(record, [place.home])

        assert stranger.poll() is None
        stranger.kill()


def test_a_long_path_gets_short_sockets():
    long = Path("/srv") / ("a" * 120)
    place = embedded.Place(long, places.sockets_of(long), places.SystemAccount(1, 1))
    assert len(str(place.postgresql_socket)) <= places.LONGEST_SOCKET_PATH


def test_data_of_another_postgresql_is_refused_with_what_to_do(tmp_path):
    (tmp_path / "PG_VERSION").write_text("14\n")
    with pytest.raises(embedded.ServersFailed, match=r"PostgreSQL 14.*docs/running\.md"):
        postgresql.refuse_other_version(tmp_path, 18)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has somebody else run the servers")
def test_as_root_a_clone_out_of_reach_keeps_its_servers_elsewhere():
    with tempfile.TemporaryDirectory(prefix="desk") as closed:
        clone = Path(closed) / "clone"
        clone.mkdir()

        place = embedded.place_of(clone)

        assert place.home.parent == places.ROOTS_HOME
        assert str(clone) in place.notice
        assert Path(closed).stat().st_mode & 0o777 == 0o700
