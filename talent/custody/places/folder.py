"""A folder, as a place of files."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from .refusals import PlaceAway


def size_of(place: str) -> int:
    """Return how many bytes a file has; 0 where there is none. Raises PlaceAway."""
    with _told():
        path = path_of(place)
        return path.stat().st_size if path.exists() else 0


def append(place: str, content: bytes | memoryview, *, at: int) -> None:
    """Add to a file's end, which is at a byte, and see it on the disk. Raises PlaceAway.

    What does not arrive whole is cut off again.
    """
    with _told():
        path = path_of(place)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        opened = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)
        try:
            try:
                if os.pwrite(opened, content, at) != len(content):
                    raise OSError("The disk took a part only.")
                os.fsync(opened)
            except OSError:
                os.ftruncate(opened, at)
                raise
        finally:
            os.close(opened)


def opened(place: str) -> Callable[[int, int], bytes]:
    """Return what reads a file: from a byte, so many; fewer where it ends before."""

    def read(at: int, size: int) -> bytes:
        with _told(), path_of(place).open("rb") as file:
            file.seek(at)
            return file.read(size)

    return read


def every_place() -> set[str]:
    """Return the names of all files. Raises PlaceAway."""
    with _told():
        return {path.name for path in Path(settings.VAULT_ROOT).glob("??/*") if not path.suffix}


def probe() -> None:
    """Return if the folder is there, or was never needed. Raises PlaceAway."""
    root = Path(settings.VAULT_ROOT)
    with _told():
        if root.exists():
            os.listdir(root)


def delete(place: str) -> None:
    """Delete a file and what lies beside it, if they are there. Raises PlaceAway."""
    with _told():
        _beside(place).unlink(missing_ok=True)
        path_of(place).unlink(missing_ok=True)


def write_beside(place: str, content: bytes) -> None:
    """Replace what lies beside a file, all at once. Raises PlaceAway."""
    with _told():
        file = _beside(place)
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = file.with_suffix(".new")
        opened = os.open(new, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
        with os.fdopen(opened, "wb") as target:
            target.write(content)
            target.flush()
            os.fsync(target.fileno())
        new.replace(file)


def read_beside(place: str) -> bytes:
    """Return what lies beside a file; empty where nothing does. Raises PlaceAway."""
    with _told():
        file = _beside(place)
        return file.read_bytes() if file.exists() else b""


def path_of(place: str) -> Path:
    """Return where a file lies."""
    return Path(settings.VAULT_ROOT) / place[:2] / place


def _beside(place: str) -> Path:
    return path_of(place).with_suffix(".header")


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise PlaceAway(
            f"The vault's disk answers: {error.strerror or error}. Nothing was lost; try again once"
            " it is there."
        ) from error
