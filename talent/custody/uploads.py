"""Uploads: content arrives in any number of parts, and no byte of it touches a disk unencrypted.

What has arrived counts in whole chunks. A part that ends within a chunk is taken up to the chunk
before, and whoever sends goes on from there.
"""

import hashlib
import secrets
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol

from django.db import transaction

from talent.database.locks import hold_lock
from talent.errors import Refused
from talent.models import (
    Agency,
    CaptureSession,
    CustodyItem,
    CustodyKey,
    CustodyStep,
    CustodyUpload,
    Performer,
    User,
)
from talent.words import CustodyKind, CustodyPurpose, CustodyStepKind

from . import captures, keys, places, reading
from .age import (
    CHUNK,
    OVERHEAD,
    PayloadBroken,
    PayloadCipher,
    chunks_of,
    new_nonce,
    payload_size,
)

LARGEST = 64 * 1024**3
# So many chunks are written, and seen on the disk, at once.
AT_ONCE = 64
# An upload that nobody goes on with for so long is abandoned.
PATIENCE = timedelta(days=1)
# So many bytes are read back within the request that brings the last of them; more take a task.
PROVEN_AT_ONCE = 16 * 1024**2
FILE_KEY = 16
LONGEST_PART = timedelta(hours=1)


class Source(Protocol):
    """What bytes are read from, such as a request."""

    def read(self, size: int, /) -> bytes: ...


class TooLarge(Refused):
    """An item is larger than the vault takes, or more arrives than was told."""

    code = "custody_too_large"


class NotThere(Refused):
    """A part begins elsewhere than the upload goes on."""

    code = "custody_other_offset"


class UploadIsBusy(Refused):
    """Another request is sending a part of the same upload."""

    code = "custody_upload_is_busy"


class OtherContent(Refused):
    """A chunk that was being written is sent again with other content."""

    code = "custody_other_content"


def begin(
    *,
    agency: Agency,
    performer: Performer,
    kind: CustodyKind,
    name: str,
    purposes: Sequence[CustodyPurpose],
    size: int,
    by: User,
    at: datetime,
    told_sha256: str = "",
    captured_on: date | None = None,
    session: CaptureSession | None = None,
) -> CustodyItem:
    """Begin the upload of an item of so many bytes. Raises TooLarge, keys.KeyMissing."""
    if size > LARGEST:
        raise TooLarge(f"The vault takes files of up to {LARGEST // 1024**3} GiB.")
    to = keys.recipients()
    with transaction.atomic():
        item = CustodyItem.objects.create(
            agency=agency,
            performer=performer,
            kind=kind.value,
            name=name,
            purposes=[purpose.value for purpose in purposes],
            captured_on=captured_on,
            session=session,
            size=size,
            told_sha256=told_sha256.lower(),
            place=secrets.token_hex(24),
            nonce=new_nonce(),
            begun_at=at,
            begun_by=by,
        )
        keys.keep(item, secrets.token_bytes(FILE_KEY), to)
        CustodyUpload.objects.create(item=item, expires_at=at + PATIENCE)
        _step(item, CustodyStepKind.BEGUN, at=at, by=by)
    return item


def receive(*, item_id: int, offset: int, source: Source, by: User, at: datetime) -> int:
    """Take a part of an upload, which begins at an offset; return where the next one begins.

    Raises NotThere, UploadIsBusy, TooLarge, OtherContent, places.PlaceAway, keys.KeyMissing,
    keys.ItemClosed. What had arrived before stays.
    """
    with hold_lock(f"upload of item {item_id}", wait=False, at_most=LONGEST_PART) as is_alone:
        if not is_alone:
            raise UploadIsBusy("Another request is sending a part of this; wait for its end.")
        return _receive(item_id, offset, source, by, at)


def _receive(item_id: int, offset: int, source: Source, by: User, at: datetime) -> int:
    upload = CustodyUpload.objects.select_related("item").filter(item=item_id).first()
    if upload is None:
        raise keys.ItemClosed("This upload has ended: nothing is added to it.")
    if offset != upload.arrived:
        raise NotThere(f"{upload.arrived} bytes have arrived: go on from there.")
    item = upload.item
    cipher = PayloadCipher(keys.file_key_of(item.pk), bytes(item.nonce))
    for sealed, arrived in _sealed(item, cipher, source, offset):
        _write(item, upload.arrived, sealed)
        upload.arrived, upload.expires_at = arrived, at + PATIENCE
        upload.save(update_fields=["arrived", "expires_at"])
    if upload.arrived == item.size:
        _end(upload, by=by, at=at)
    return upload.arrived


def _sealed(
    item: CustodyItem, cipher: PayloadCipher, source: Source, arrived: int
) -> Iterator[tuple[memoryview, int]]:
    """Yield encrypted chunks, some at once, each time with the bytes that have arrived by then.

    What is yielded is written over by the next.
    """
    left = min(AT_ONCE, chunks_of(item.size - arrived))
    room = memoryview(bytearray(left * (CHUNK + OVERHEAD)))
    used = 0
    while arrived < item.size:
        wanted = min(CHUNK, item.size - arrived)
        content = _read_whole(source, wanted)
        if len(content) < wanted:
            break
        used += cipher.encrypt_into(
            arrived // CHUNK, content, room[used:], is_last=arrived + wanted == item.size
        )
        arrived += wanted
        if len(room) - used < CHUNK + OVERHEAD:
            yield room[:used], arrived
            used = 0
    if used:
        yield room[:used], arrived
    if arrived == item.size and source.read(1):
        raise TooLarge("More arrives than the upload was said to hold.")


def _read_whole(source: Source, wanted: int) -> bytes:
    """Return so many bytes of a source; fewer only at its end."""
    part = source.read(wanted)
    if len(part) in (0, wanted):
        return part
    parts = [part]
    wanted -= len(part)
    while wanted and (part := source.read(wanted)):
        parts.append(part)
        wanted -= len(part)
    return b"".join(parts)


def _write(item: CustodyItem, arrived: int, sealed: memoryview) -> None:
    """Write chunks behind those that have arrived. Raises OtherContent, places.PlaceAway.

    A request that was cut off may have written some of them. They are written once more only with
    the same content: two contents under one nonce would give both away.
    """
    at = payload_size(arrived) if arrived else 0
    if not arrived:
        sealed = memoryview(bytes(item.nonce) + sealed)
    is_torn = places.size_of(item.place) > at
    if is_torn and not bytes(sealed).startswith(places.read(item.place, at=at, size=len(sealed))):
        raise OtherContent(
            "This upload was cut off, and other content is sent for where it was. Begin it anew."
        )
    places.append(item.place, sealed, at=at)


def _end(upload: CustodyUpload, *, by: User, at: datetime) -> None:
    with transaction.atomic():
        _step(upload.item, CustodyStepKind.STORED, at=at, by=by)
        upload.delete()
    if upload.item.size <= PROVEN_AT_ONCE:
        prove(item_id=upload.item_id, at=at)


def prove(*, item_id: int, at: datetime) -> CustodyStepKind:
    """Read a stored item back from the disk, and keep what it is; return what became of it.

    It is broken where a chunk is not what was written, or where its SHA-256 is not what was told,
    and quarantined where it is more than its session agreed.
    Raises places.PlaceAway and keys.KeyMissing; then it waits on.
    """
    item = CustodyItem.objects.with_state().select_related("session__agency").get(pk=item_id)
    if item.state == CustodyStepKind.STORED:
        _conclude(item, _read_back(item), at)
    return CustodyStepKind(str(_state_of(item)))


@dataclass(frozen=True, slots=True)
class _ReadBack:
    """What reading an item back showed: its hashes, and what is wrong with it (empty: nothing)."""

    wrong: str = ""
    sha256: str = ""
    file_sha256: str = ""


def _read_back(item: CustodyItem) -> _ReadBack:
    """Read all of an item. Raises places.PlaceAway, keys.KeyMissing, keys.ItemClosed."""
    content, file = hashlib.sha256(), hashlib.sha256()
    try:
        for part in reading.read_back(item, file):
            content.update(part)
    except PayloadBroken as broken:
        return _ReadBack(str(broken))
    wrong = ""
    if item.told_sha256 not in ("", content.hexdigest()):
        wrong = "Its SHA-256 is not what was told: upload it again, or ask where it came from."
    return _ReadBack(wrong, content.hexdigest(), file.hexdigest())


@transaction.atomic
def _conclude(item: CustodyItem, found: _ReadBack, at: datetime) -> None:
    """Keep what reading an item back showed, unless something became of it meanwhile."""
    CustodyItem.objects.select_for_update().get(pk=item.pk)
    if _state_of(item) != CustodyStepKind.STORED:
        return
    kind = CustodyStepKind.BROKEN if found.wrong else CustodyStepKind.PROVEN
    _step(item, kind, at=at, note=found.wrong, sha256=found.sha256, file_sha256=found.file_sha256)
    if not found.wrong:
        captures.quarantine_what_is_outside(item, at=at)


def _state_of(item: CustodyItem) -> str | None:
    return CustodyItem.objects.with_state().get(pk=item.pk).state


def abandon(*, item_id: int, at: datetime, by: User | None = None, note: str = "") -> None:
    """End an upload that will not be finished: its key goes, then what has arrived of it."""
    with transaction.atomic():
        upload = CustodyUpload.objects.select_for_update().filter(item=item_id).first()
        if upload is None:
            raise keys.ItemClosed("This upload has ended.")
        CustodyKey.objects.filter(item=item_id).delete()
        _step(upload.item, CustodyStepKind.ABANDONED, at=at, by=by, note=note)
        place = upload.item.place
        upload.delete()
    with suppress(places.PlaceAway):  # without its key it is noise
        places.delete(place)


def _step(
    item: CustodyItem,
    kind: CustodyStepKind,
    *,
    at: datetime,
    by: User | None = None,
    note: str = "",
    sha256: str = "",
    file_sha256: str = "",
) -> None:
    CustodyStep.objects.create(
        item=item, kind=kind.value, at=at, by=by, note=note, sha256=sha256, file_sha256=file_sha256
    )
