"""Reading of items: chunk by chunk, each proven before it is given."""

from collections.abc import Iterator
from typing import Protocol

from talent.models import CustodyItem

from . import keys, places
from .age import (
    CHUNK,
    NONCE,
    OVERHEAD,
    PayloadBroken,
    PayloadCipher,
    Recipient,
    chunks_of,
    payload_size,
    seal_header,
)


class Digest(Protocol):
    """What bytes are added up in, as by hashlib."""

    def update(self, content: bytes, /) -> None: ...


def content_of(item: CustodyItem, *, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
    """Yield an item's content from a byte to another, some 64 KiB at once.

    Reads only the chunks that hold it. Raises age.PayloadBroken, places.PlaceAway,
    keys.ItemClosed, keys.KeyMissing; nothing of a chunk is given before it is proven.
    """
    end = item.size if stop is None else min(stop, item.size)
    cipher = PayloadCipher(keys.file_key_of(item.pk), bytes(item.nonce))
    last, read = chunks_of(item.size) - 1, places.opened(item.place)
    for place in range(start // CHUNK, (max(start, end - 1)) // CHUNK + 1):
        chunk = read(_at(place), CHUNK + OVERHEAD)
        content = cipher.decrypt(place, chunk, is_last=place == last)
        begins = place * CHUNK
        yield content[max(0, start - begins) : end - begins]


def read_back(item: CustodyItem, file: Digest) -> Iterator[bytes]:
    """Yield all of an item's content, and add its file up meanwhile. Raises as `content_of`.

    Raises age.PayloadBroken also for a file that is longer than it should be.
    """
    cipher = PayloadCipher(keys.file_key_of(item.pk), bytes(item.nonce))
    read = places.opened(item.place)
    file.update(read(0, NONCE))
    last = chunks_of(item.size) - 1
    for place in range(last + 1):
        chunk = read(_at(place), CHUNK + OVERHEAD)
        file.update(chunk)
        yield cipher.decrypt(place, chunk, is_last=place == last)
    if places.size_of(item.place) != payload_size(item.size):
        raise PayloadBroken("The file does not end where its content does.")


def refuse_away(item: CustodyItem) -> None:
    """Refuse what cannot be read now, before it counts as read. Raises PlaceAway, KeyMissing."""
    keys.file_key_of(item.pk)
    if places.size_of(item.place) == 0:
        raise places.PlaceAway(
            "The vault's storage does not have this file now. Nothing was lost; tell who runs it."
        )


def exported(item: CustodyItem) -> Iterator[bytes]:
    """Yield an item's file in the age format, as encrypted as it lies here, with its header.

    Its recipients open it with the ordinary `age` tool, also where the desk's own key is lost.
    Raises keys.ItemClosed, keys.KeyMissing, places.PlaceAway.
    """
    yield keys.header_of(item.pk)
    size, read = payload_size(item.size), places.opened(item.place)
    for at in range(0, size, CHUNK):
        yield read(at, min(CHUNK, size - at))


def copy_for(item: CustodyItem, to: Recipient) -> Iterator[bytes]:
    """Yield an item as a file in the age format that one recipient opens, and nobody else.

    Each chunk is proven before it is given. Raises age.PayloadBroken, keys.ItemClosed,
    keys.KeyMissing, places.PlaceAway.
    """
    file_key = keys.file_key_of(item.pk)
    yield seal_header(file_key, [to])
    yield bytes(item.nonce)
    cipher = PayloadCipher(file_key, bytes(item.nonce))
    last, read = chunks_of(item.size) - 1, places.opened(item.place)
    for place in range(last + 1):
        chunk = read(_at(place), CHUNK + OVERHEAD)
        cipher.decrypt(place, chunk, is_last=place == last)
        yield chunk


def _at(place: int) -> int:
    return NONCE + place * (CHUNK + OVERHEAD)
