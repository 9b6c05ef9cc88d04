"""Where a clone's servers keep data and sockets, and the account they run as."""

import contextlib
import hashlib
import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

DATABASE = "likenessdesk"
SUPERUSER = "postgres"
# sockaddr_un holds 104 bytes on macOS, 108 on Linux, with the closing zero.
LONGEST_SOCKET_PATH = 103
ROOTS_HOME = Path("/var/lib/likenessdesk")


class ServersFailed(Exception):
    """The embedded servers cannot run here; the text says why and what to do."""


class AlreadyRunning(ServersFailed):
    """Another process of this clone runs the servers."""


@dataclass(frozen=True)
class SystemAccount:
    """The account the servers run as; never root, which PostgreSQL refuses."""

    uid: int
    gid: int

    def can_reach(self, path: Path) -> bool:
        """Tell whether this account may enter every folder down to `path`."""
        return all(self._can_enter(folder) for folder in [path, *path.parents])

    def _can_enter(self, folder: Path) -> bool:
        status = folder.stat()
        bit = stat.S_IXOTH
        if status.st_uid == self.uid:
            bit = stat.S_IXUSR
        elif status.st_gid == self.gid:
            bit = stat.S_IXGRP
        return bool(status.st_mode & bit)

    def take_over(self, path: Path) -> None:
        """Make this account the owner of `path`; only root can, and only root needs to."""
        if os.geteuid() == 0:
            os.chown(path, self.uid, self.gid)

    def popen_options(self) -> dict[str, Any]:
        """Return the arguments with which subprocess.Popen runs a program as this account."""
        if os.geteuid() != 0:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


@dataclass(frozen=True)
class Place:
    """Where one clone keeps its servers' data and sockets."""

    home: Path
    sockets: Path
    account: SystemAccount
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


def place_of(clone: Path) -> Place:
    """Return where `clone` keeps its servers, without touching the disk.

    If the caller is root, the servers run as an account without rights, which may be unable to
    enter the clone's folder: then they keep their files in /var/lib/likenessdesk.
    """
    home, notice = clone / "var", ""
    account = _account_for(home)
    if os.geteuid() == 0 and not account.can_reach(home if home.exists() else clone):
        home = ROOTS_HOME / _digest(clone)
        account = _account_for(home)
        notice = f"The servers' account cannot reach {clone}, so their data is in {home}."
    return Place(home, sockets_of(home), account, notice)


def _account_for(home: Path) -> SystemAccount:
    """Return the owner of existing data, else the caller; for root an account without rights."""
    for data in (home / "postgresql", home / "valkey"):
        with contextlib.suppress(FileNotFoundError, PermissionError):
            owner = data.stat()
            if owner.st_uid != 0:
                return SystemAccount(owner.st_uid, owner.st_gid)
    if os.geteuid() != 0:
        return SystemAccount(os.geteuid(), os.getegid())
    return _unprivileged_account()


def _unprivileged_account() -> SystemAccount:
    for name in ("likenessdesk", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return SystemAccount(entry.pw_uid, entry.pw_gid)
    raise ServersFailed(
        "PostgreSQL refuses to run as root and there is no user `likenessdesk` or `nobody`"
        " to run it as: add one with `useradd --system likenessdesk`."
    )


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]


def sockets_of(home: Path) -> Path:
    """Return the folder of the sockets: below `home`, or in /tmp where that path is too long."""
    sockets = home / "sockets"
    if len(os.fsencode(sockets / ".s.PGSQL.5432")) <= LONGEST_SOCKET_PATH:
        return sockets
    return Path("/tmp") / f"likenessdesk-{_digest(home)}"  # noqa: S108 - owner checked on use


def ensure_folder(path: Path, account: SystemAccount | None = None) -> Path:
    """Create a folder and its parents if missing; with an account, only that one may enter it.

    Raises ServersFailed if another account owns it or it is a link: anybody may write to /tmp.
    """
    if not path.exists():
        ensure_folder(path.parent)
        path.mkdir()
        path.chmod(0o700 if account else 0o755)
        if account:
            account.take_over(path)
    status = path.lstat()
    if account and (stat.S_ISLNK(status.st_mode) or status.st_uid != account.uid):
        raise ServersFailed(f"{path} belongs to somebody else: remove it and start again.")
    return path
