"""Where the vault's files lie: a folder, or a bucket of an S3-compatible storage (`VAULT_BUCKET`).

Their content is encrypted before it comes here. A file is only added to at its end, read by ranges,
and deleted. Everything here raises PlaceAway where the storage cannot be reached.
"""

from collections.abc import Callable
from types import ModuleType

from django.conf import settings

from .refusals import PlaceAway

__all__ = [
    "PlaceAway",
    "append",
    "delete",
    "every_place",
    "opened",
    "probe",
    "read",
    "read_beside",
    "size_of",
    "write_beside",
]


def size_of(place: str) -> int:
    """Return how many bytes a file has; 0 where there is none."""
    size: int = _storage().size_of(place)
    return size


def append(place: str, content: bytes | memoryview, *, at: int) -> None:
    """Add to a file's end, which is at a byte, and see it stored: all of it, or nothing."""
    _storage().append(place, content, at=at)


def read(place: str, *, at: int, size: int) -> bytes:
    """Return bytes of a file; fewer where it ends before."""
    return opened(place)(at, size)


def opened(place: str) -> Callable[[int, int], bytes]:
    """Return what reads a file that nobody adds to: from a byte, so many; fewer at its end."""
    reads: Callable[[int, int], bytes] = _storage().opened(place)
    return reads


def delete(place: str) -> None:
    """Delete a file and what lies beside it, if they are there."""
    _storage().delete(place)


def write_beside(place: str, content: bytes) -> None:
    """Replace what lies beside a file, all at once."""
    _storage().write_beside(place, content)


def read_beside(place: str) -> bytes:
    """Return what lies beside a file; empty where nothing does."""
    beside: bytes = _storage().read_beside(place)
    return beside


def every_place() -> set[str]:
    """Return the names of all files that lie here."""
    named: set[str] = _storage().every_place()
    return named


def probe() -> None:
    """Return if the storage answers. Raises PlaceAway."""
    _storage().probe()


def _storage() -> ModuleType:
    # Imported here: who keeps files in a folder needs no client of S3.
    if settings.VAULT_BUCKET:
        from . import bucket

        return bucket
    from . import folder

    return folder
