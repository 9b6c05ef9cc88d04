"""A bucket of an S3-compatible storage, as a place of files.

S3 adds to no object. So a file is a series of objects, each named by the byte at which it begins:
each is there whole or not at all, also where the storage is killed meanwhile, and nothing of a file
is kept in memory or on a disk here while it comes.
"""

from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import lru_cache

import obstore
from django.conf import settings
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import S3Store

from .refusals import PlaceAway

BESIDE = "header"
OFFSET = 16  # hexadecimal digits
# Read at once and kept until the next: a request each for 64 KiB would take ten times as long.
AHEAD = 4 * 1024 * 1024
CONNECTS_WITHIN = timedelta(seconds=5)
ANSWERS_WITHIN = timedelta(seconds=60)


class NotThere(PlaceAway):
    """An object, or the bucket itself, is not there."""


Segment = tuple[int, int]  # at which byte it begins, and how many it has


def size_of(place: str) -> int:
    """Return how many bytes a file has up to the first gap; 0 where there is none."""
    segments = _segments(place)
    return sum(segments[-1]) if segments else 0


def append(place: str, content: bytes | memoryview, *, at: int) -> None:
    """Add to a file's end, which is at a byte; one that was cut off there before is replaced."""
    with _told():
        obstore.put(_store(), _name(place, at), bytes(content))


def opened(place: str) -> "_Reader":
    """Return what reads a file."""
    return _Reader(place)


def delete(place: str) -> None:
    """Delete a file and what lies beside it, if they are there."""
    with _told():
        names = [meta["path"] for some in obstore.list(_store(), f"{place}/") for meta in some]
        for name in names:
            obstore.delete(_store(), name)


def write_beside(place: str, content: bytes) -> None:
    """Replace what lies beside a file."""
    with _told():
        obstore.put(_store(), f"{place}/{BESIDE}", content)


def read_beside(place: str) -> bytes:
    """Return what lies beside a file; empty where nothing does."""
    try:
        with _told():
            return bytes(obstore.get(_store(), f"{place}/{BESIDE}").bytes())
    except NotThere:
        return b""


def every_place() -> set[str]:
    """Return the names of all files."""
    with _told():
        return set(obstore.list_with_delimiter(_store())["common_prefixes"])


def probe() -> None:
    """Return if the bucket answers."""
    with _told():
        next(iter(obstore.list(_store(), "probe/")), None)


class _Reader:
    """Reads one file, whose objects are listed once, some megabytes ahead."""

    def __init__(self, place: str) -> None:
        self._place = place
        self._segments = _segments(place)
        self._begins = [begin for begin, _size in self._segments]
        self._at, self._held = 0, b""

    def __call__(self, at: int, size: int) -> bytes:
        """Return so many bytes from a byte on; fewer at the file's end."""
        if not self._segments:
            raise PlaceAway("The vault's storage does not have this file. Nothing was changed.")
        parts = []
        while size > 0 and (part := self._from(at)[:size]):
            parts.append(part)
            at, size = at + len(part), size - len(part)
        return b"".join(parts)

    def _from(self, at: int) -> bytes:
        """Return what is held from a byte on, or read it first; empty at the file's end."""
        if not self._at <= at < self._at + len(self._held):
            begin, length = self._segments[bisect_right(self._begins, at) - 1]
            stop = min(begin + length, at + AHEAD)
            self._at, self._held = at, self._range(begin, at, stop) if at < stop else b""
        return self._held[at - self._at :]

    def _range(self, begin: int, at: int, stop: int) -> bytes:
        with _told():
            name = _name(self._place, begin)
            return bytes(obstore.get_range(_store(), name, start=at - begin, end=stop - begin))


def _segments(place: str) -> list[Segment]:
    """Return a file's objects in their order, up to the first gap."""
    with _told():
        listed = [meta for some in obstore.list(_store(), f"{place}/") for meta in some]
    named = ((meta["path"].rpartition("/")[2], meta["size"]) for meta in listed)
    found = sorted((int(name, 16), size) for name, size in named if name != BESIDE)
    whole: list[Segment] = []
    for begin, size in found:
        if begin != (sum(whole[-1]) if whole else 0):
            break
        whole.append((begin, size))
    return whole


def _name(place: str, at: int) -> str:
    return f"{place}/{at:0{OFFSET}x}"


def _store() -> S3Store:
    return _connected(
        settings.VAULT_BUCKET,
        settings.VAULT_S3_ENDPOINT,
        settings.VAULT_S3_REGION,
        settings.VAULT_S3_KEY_ID,
        settings.VAULT_S3_SECRET,
    )


@lru_cache(maxsize=4)
def _connected(url: str, endpoint: str, region: str, key_id: str, secret: str) -> S3Store:
    """Return a client of a bucket, `s3://bucket/folder`; it connects once it is used."""
    bucket, _slash, prefix = url.removeprefix("s3://").partition("/")
    named = {
        "endpoint": endpoint, "region": region, "access_key_id": key_id,
        "secret_access_key": secret,
    }  # fmt: skip
    return S3Store(
        bucket,
        prefix=prefix or None,
        config={name: value for name, value in named.items() if value},  # type: ignore[arg-type]
        client_options={
            "allow_http": endpoint.startswith("http://"),
            "connect_timeout": CONNECTS_WITHIN,
            "timeout": ANSWERS_WITHIN,
        },
        retry_config={"max_retries": 2, "retry_timeout": 2 * CONNECTS_WITHIN},
    )


@contextmanager
def _told() -> Iterator[None]:
    """Say that the storage is away, whatever its client raised.

    Its own words name addresses and keys: they stand in the log's trace, and on no page.
    """
    try:
        yield
    except (FileNotFoundError, NotFoundError) as missing:
        raise NotThere("The vault's storage does not have this. Nothing was changed.") from missing
    except BaseError as error:
        raise PlaceAway(
            "The vault's storage does not answer. Nothing was lost; try again once it does."
        ) from error
