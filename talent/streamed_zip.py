"""A ZIP that is written as it is read, in bounded memory; the same files give the same bytes."""

import io
import zipfile
from collections.abc import Iterable, Iterator
from typing import Any

AS_WRITTEN = (1980, 1, 1, 0, 0, 0)


def streamed(files: Iterable[tuple[str, Iterable[bytes]]]) -> Iterator[bytes]:
    """Yield a ZIP of files, each a name and its parts. One is asked for when that before is done.

    So the last one, such as a manifest, may tell of all the others.
    """
    out = _Pipe()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, parts in files:
            with packed.open(_entry(name), "w", force_zip64=True) as entry:
                for part in parts:
                    entry.write(part)
                    yield from out.taken()
    yield from out.taken()


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, AS_WRITTEN)
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


class _Pipe(io.RawIOBase):
    """Takes what the archive writes and hands it on; nobody seeks in it."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def taken(self) -> Iterator[bytes]:
        parts, self._parts = self._parts, []
        yield from parts
