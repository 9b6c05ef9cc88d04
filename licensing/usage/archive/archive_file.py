"""The file of an archive: events as lines of JSON, a thousand to a gzip member.

`zcat` reads the whole, and one seek reads the block that an event lies in. Each line has the
columns of an event's row with the salt and the bytes that its entry commits to.
"""

import gzip
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from typing import Any, BinaryIO

import msgspec

from licensing.log.entry import ENTRY_SIZE, commitment, entry

EVENTS_IN_A_BLOCK = 1_000

_LINES = msgspec.json.Decoder(float_hook=Decimal)


@dataclass(frozen=True, slots=True)
class Block:
    """Where a block lies in its file, and the digest of its bytes there."""

    first_id: int
    offset: int
    length: int
    sha256: bytes


class Damaged(Exception):
    """A file is not what was written; the text says where."""


def write_blocks(lines: Iterable[str], file: BinaryIO) -> Iterator[Block]:
    """Write lines, which come in the order of their ids, and yield each block once it is there."""
    lines, offset = iter(lines), 0
    while block := list(islice(lines, EVENTS_IN_A_BLOCK)):
        # Without the time of day, the same events give the same bytes.
        packed = gzip.compress("".join(f"{line}\n" for line in block).encode(), mtime=0)
        file.write(packed)
        first_id = _LINES.decode(block[0])["id"]
        yield Block(first_id, offset, len(packed), hashlib.sha256(packed).digest())
        offset += len(packed)


def read_block(block: Block, file: BinaryIO) -> list[str]:
    """Return the lines of one block, in bounded memory. Raises Damaged."""
    file.seek(block.offset)
    packed = file.read(block.length)
    if hashlib.sha256(packed).digest() != block.sha256:
        raise Damaged(f"The block at {block.offset} is not the one that was written.")
    # Not splitlines(): texts in JSON may hold U+2028 and others, which end no line here.
    return gzip.decompress(packed).decode().split("\n")[:-1]


def columns_of(line: str) -> dict[str, Any]:
    """Return a line's columns; bytes stand in it as PostgreSQL writes them."""
    columns: dict[str, Any] = _LINES.decode(line)
    for name in ("entry", "salt", "canonical"):
        columns[name] = bytes.fromhex(columns[name].removeprefix("\\x"))
    return columns


def prove_lines(blocks: Iterable[Block], file: BinaryIO, *, starts: int, ends: int) -> int:
    """Prove every line by its entry and its place in the ids [starts, ends); return their count.

    Raises Damaged.
    """
    count, last = 0, starts - 1
    for block in blocks:
        for line in read_block(block, file):
            row = columns_of(line)
            if not last < row["id"] < ends:
                raise Damaged(f"Event {row['id']} does not follow event {last}.")
            if not _is_committed(row):
                raise Damaged(f"Event {row['id']} is not what its entry commits to.")
            count, last = count + 1, row["id"]
    return count


def _is_committed(row: dict[str, Any]) -> bool:
    published = row["entry"]
    if len(published) != ENTRY_SIZE:
        return False
    return bool(entry(published[1:33], commitment(row["salt"], row["canonical"])) == published)
