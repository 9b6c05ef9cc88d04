"""Starts and stops child programs, and restarts those that die."""

import contextlib
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .place import ServersFailed, SystemAccount

START_SECONDS = 60
STOP_SECONDS = 20
# A server that dies this often within a minute will not get better by itself.
RESTARTS_A_MINUTE = 10
LARGEST_LOG = 10_000_000


@dataclass
class Child:
    """One program that this process keeps running."""

    name: str
    command: Sequence[str | Path]
    is_ready: Callable[[], bool]
    log: Path | None = None
    account: SystemAccount | None = None
    environment: Mapping[str, str] | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    process: subprocess.Popen[bytes] | None = None
    starts: list[float] = field(default_factory=list)

    def start(self) -> None:
        """Start the program, without waiting until it is ready."""
        self.starts.append(time.monotonic())
        with contextlib.ExitStack() as stack:
            output = stack.enter_context(_open_log(self.log)) if self.log else None
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
        """End the program and wait for its end; kill it after STOP_SECONDS."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(self.stop_signal)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def complaint(self) -> str:
        """Return the text of an error: the program does not start, and where its log is."""
        where = f" Its last words are in {self.log}." if self.log else ""
        return f"{self.name} does not start.{where}"


@contextlib.contextmanager
def _open_log(log: Path) -> Iterator[int]:
    """Open a log that only its owner may read; one above LARGEST_LOG is moved aside first."""
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
        # Held while children start, stop or are replaced: the watcher is a thread of its own.
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
        self._await_readiness(child)
        self._watch()

    def stop(self) -> None:
        """Stop all children, the last started first, and forget them."""
        self._stopping.set()
        if self._watcher:
            self._watcher.join()
        for child in reversed(self.children):
            child.stop()
        self.record.unlink(missing_ok=True)

    def stop_child(self, child: Child) -> None:
        """Stop one child for good; the others go on."""
        with self._change:
            self.children.remove(child)
            child.stop()
            self._write_record()

    def wait(self, seconds: float | None = None) -> None:
        """Wait until stopped, or for `seconds`. Raises ServersFailed if a child keeps dying."""
        self._stopping.wait(seconds)
        if self.failure:
            raise self.failure

    def _await_readiness(self, child: Child) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not child.is_ready():
            if time.monotonic() > deadline or child.restarts_too_often():
                raise ServersFailed(child.complaint())
            if not child.is_alive():
                self._restart(child, pause=0.5)
            time.sleep(0.02)

    def _watch(self) -> None:
        if self._watcher is None:
            self._watcher = threading.Thread(target=self._restart_the_dead, daemon=True)
            self._watcher.start()

    def _restart_the_dead(self) -> None:
        while not self._stopping.wait(0.1):
            with self._change:
                for child in self.children:
                    if not child.is_alive():
                        self._restart(child, pause=0.1)
            if self.failure:
                self._stopping.set()

    def _restart(self, child: Child, *, pause: float) -> None:
        if child.restarts_too_often():
            self.failure = ServersFailed(f"{child.name} keeps dying. " + child.complaint())
            return
        # The dead program's own children need a moment to release its memory and lock files.
        time.sleep(pause)
        with self._change:
            if not child.is_alive() and not self._stopping.is_set():
                child.start()
                self._write_record()

    def _write_record(self) -> None:
        """Record the children's process ids, so that a later start can end those left running."""
        pids = {child.name: child.process.pid for child in self.children if child.process}
        self.record.write_text(json.dumps(pids))


def end_leftovers(record: Path, marks: Sequence[Path]) -> None:
    """End processes that a killed supervisor left running.

    Another program may have got a recorded process id since, so a process is only ended if its
    command line contains one of `marks`.
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
