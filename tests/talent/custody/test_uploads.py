"""Uploads: nothing plain on a disk, nothing lost that had arrived, nothing held but whole."""

import hashlib
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from talent.custody import keys, places, reading, uploads
from talent.custody.age import CHUNK, OVERHEAD
from talent.custody.places import folder
from talent.models import CustodyItem, CustodyKey, CustodyStep, CustodyUpload
from talent.words import CustodyStepKind

from .conftest import NOON

TWO_AND_A_HALF = bytes(range(256)) * 640


def state_of(item):
    return CustodyItem.objects.with_state().get(pk=item.pk).state


def content_of(item, **about):
    return b"".join(reading.content_of(item, **about))


def file_of(item, vault):
    return vault / "vault" / item.place[:2] / item.place


def test_an_item_is_stored_encrypted_read_back_and_proven(begin, send, vault):
    item = begin(len(TWO_AND_A_HALF))

    assert send(item, TWO_AND_A_HALF) == len(TWO_AND_A_HALF)

    assert state_of(item) == CustodyStepKind.PROVEN
    assert content_of(item) == TWO_AND_A_HALF
    file = file_of(item, vault).read_bytes()
    proven = CustodyStep.objects.get(item=item, kind="proven")
    assert proven.sha256 == hashlib.sha256(TWO_AND_A_HALF).hexdigest()
    assert proven.file_sha256 == hashlib.sha256(file).hexdigest()
    assert TWO_AND_A_HALF[:32] not in file
    assert not CustodyUpload.objects.exists()


def test_a_part_counts_in_whole_chunks_and_the_next_goes_on_from_there(begin, send, vault):
    item = begin(len(TWO_AND_A_HALF))

    assert send(item, TWO_AND_A_HALF[: CHUNK + 1_000]) == CHUNK

    assert file_of(item, vault).stat().st_size == 16 + CHUNK + OVERHEAD
    assert state_of(item) == CustodyStepKind.BEGUN
    assert send(item, TWO_AND_A_HALF[CHUNK:], offset=CHUNK) == len(TWO_AND_A_HALF)
    assert content_of(item) == TWO_AND_A_HALF


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(st.lists(st.integers(1, 3 * CHUNK), max_size=6))
def test_however_it_is_cut_the_same_arrives(begin, send, cuts):
    content = TWO_AND_A_HALF
    item = begin(len(content))
    arrived = 0
    for size in [*cuts, len(content)]:
        if arrived < len(content):
            arrived = send(item, content[arrived : arrived + size], offset=arrived)

    assert content_of(item) == content


def test_a_part_that_begins_elsewhere_is_refused_with_where_to_go_on(begin, send):
    item = begin(len(TWO_AND_A_HALF))
    send(item, TWO_AND_A_HALF[:CHUNK])

    for offset in (0, CHUNK - 1, 2 * CHUNK):
        with pytest.raises(uploads.NotThere, match=str(CHUNK)):
            send(item, TWO_AND_A_HALF[offset:], offset=offset)


def test_more_than_was_told_is_refused_and_what_was_told_is_stored_by_the_next_try(begin, send):
    item = begin(CHUNK)

    with pytest.raises(uploads.TooLarge):
        send(item, b"x" * (CHUNK + 1))
    arrived = CustodyUpload.objects.get(item=item).arrived
    send(item, b"x" * (CHUNK - arrived), offset=arrived)

    assert content_of(item) == b"x" * CHUNK


def test_too_large_an_item_does_not_begin(begin):
    with pytest.raises(uploads.TooLarge, match="64 GiB"):
        begin(uploads.LARGEST + 1)


def test_a_hash_that_lies_makes_the_item_unreadable(begin, send):
    item = begin(5, told_sha256=hashlib.sha256(b"other").hexdigest().upper())

    send(item, b"plain")

    assert state_of(item) == CustodyStepKind.BROKEN
    told = begin(5, told_sha256=hashlib.sha256(b"plain").hexdigest().upper())
    send(told, b"plain")
    assert state_of(told) == CustodyStepKind.PROVEN


def test_what_the_disk_changed_is_found_when_it_is_read_back(begin, send, vault, monkeypatch):
    monkeypatch.setattr(uploads, "PROVEN_AT_ONCE", 0)
    item = begin(len(TWO_AND_A_HALF))
    send(item, TWO_AND_A_HALF)
    file = file_of(item, vault)
    assert state_of(item) == CustodyStepKind.STORED
    changed = bytearray(file.read_bytes())
    changed[CHUNK + 500] ^= 1
    file.write_bytes(changed)

    assert uploads.prove(item_id=item.pk, at=NOON) == CustodyStepKind.BROKEN
    assert "Chunk 2" in CustodyStep.objects.get(item=item, kind="broken").note
    assert uploads.prove(item_id=item.pk, at=NOON) == CustodyStepKind.BROKEN
    assert CustodyStep.objects.filter(item=item).count() == 3


def test_what_was_destroyed_while_it_was_read_back_stays_destroyed(begin, send, monkeypatch):
    monkeypatch.setattr(uploads, "PROVEN_AT_ONCE", 0)
    item = begin(4)
    send(item, b"face")

    def read_back(item, _file):
        CustodyStep.objects.create(item=item, kind="destroyed", at=NOON)
        yield b"face"

    monkeypatch.setattr(reading, "read_back", read_back)
    assert uploads.prove(item_id=item.pk, at=NOON) == CustodyStepKind.DESTROYED
    assert not item.steps.filter(kind=CustodyStepKind.PROVEN.value).exists()


def test_what_the_disk_added_is_found(begin, send, vault, monkeypatch):
    monkeypatch.setattr(uploads, "PROVEN_AT_ONCE", 0)
    item = begin(CHUNK)
    send(item, b"y" * CHUNK)
    with file_of(item, vault).open("ab") as file:
        file.write(b"z")

    assert uploads.prove(item_id=item.pk, at=NOON) == CustodyStepKind.BROKEN


def test_a_full_disk_loses_nothing_that_had_arrived(begin, send, vault, monkeypatch):
    monkeypatch.setattr(uploads, "AT_ONCE", 1)
    item = begin(len(TWO_AND_A_HALF))
    written = []

    def takes_a_part(opened, content, at, *, write=folder.os.pwrite):
        written.append(at)
        return write(opened, content if len(written) == 1 else content[:10], at)

    monkeypatch.setattr(folder.os, "pwrite", takes_a_part)
    with pytest.raises(places.PlaceAway, match="Nothing was lost"):
        send(item, TWO_AND_A_HALF)
    monkeypatch.undo()

    arrived = CustodyUpload.objects.get(item=item).arrived
    assert arrived == CHUNK
    assert file_of(item, vault).stat().st_size == 16 + CHUNK + OVERHEAD
    send(item, TWO_AND_A_HALF[arrived:], offset=arrived)
    assert content_of(item) == TWO_AND_A_HALF


def test_a_chunk_that_was_written_before_a_kill_is_written_again_only_as_it_was(begin, send):
    """The file was longer than what the database knew: two contents would share one nonce."""
    item = begin(len(TWO_AND_A_HALF))
    send(item, TWO_AND_A_HALF[: 2 * CHUNK])
    CustodyUpload.objects.filter(item=item).update(arrived=CHUNK)

    with pytest.raises(uploads.OtherContent):
        send(item, b"?" + TWO_AND_A_HALF[CHUNK + 1 :], offset=CHUNK)
    send(item, TWO_AND_A_HALF[CHUNK:], offset=CHUNK)

    assert content_of(item) == TWO_AND_A_HALF


def test_a_range_is_read_from_the_chunks_that_hold_it(stored, monkeypatch):
    item = stored(TWO_AND_A_HALF)
    seen = []

    def counted(place, opened=places.opened):
        return lambda at, size: seen.append(at) or opened(place)(at, size)

    monkeypatch.setattr(places, "opened", counted)

    assert (
        content_of(item, start=CHUNK - 2, stop=CHUNK + 3) == TWO_AND_A_HALF[CHUNK - 2 : CHUNK + 3]
    )
    assert len(seen) == 2
    assert content_of(item, start=len(TWO_AND_A_HALF) - 1) == TWO_AND_A_HALF[-1:]


def test_an_abandoned_upload_leaves_neither_key_nor_file(begin, send, vault, agent):
    item = begin(len(TWO_AND_A_HALF))
    send(item, TWO_AND_A_HALF[:CHUNK])
    assert not CustodyUpload.objects.overdue(NOON + timedelta(hours=23)).exists()
    (overdue,) = CustodyUpload.objects.overdue(NOON + uploads.PATIENCE)

    uploads.abandon(item_id=overdue.item_id, at=NOON)

    assert not file_of(item, vault).exists()
    assert not CustodyKey.objects.exists()
    assert state_of(item) == CustodyStepKind.ABANDONED
    with pytest.raises(keys.ItemClosed):
        send(item, TWO_AND_A_HALF[CHUNK:], offset=CHUNK)


def test_a_second_part_at_the_same_time_waits_for_the_first(begin, send, monkeypatch):
    item = begin(10)

    class Asking:
        """A request within which another one comes; a session's lock is its own, so it is told."""

        def read(self, size):
            return b"x" * size if size > 1 else b""

    held = []
    monkeypatch.setattr(uploads, "hold_lock", _held_elsewhere(held))
    with pytest.raises(uploads.UploadIsBusy):
        uploads.receive(item_id=item.pk, offset=0, source=Asking(), by=item.begun_by, at=NOON)
    assert held == [f"upload of item {item.pk}"]


def _held_elsewhere(held):
    class Held:
        def __init__(self, name, **_how):
            held.append(name)

        def __enter__(self):
            return False

        def __exit__(self, *_error):
            return None

    return Held


def test_memory_does_not_grow_with_the_item(begin, agent):
    """Some hundred chunks at once at most, whatever the size."""

    class Endless:
        def __init__(self, size):
            self.left, self.asked = size, 0

        def read(self, size):
            self.asked = max(self.asked, size)
            size = min(size, self.left)
            self.left -= size
            return b"m" * size

    size = 3 * uploads.AT_ONCE * CHUNK + 5
    item = begin(size)
    source = Endless(size)

    uploads.receive(item_id=item.pk, offset=0, source=source, by=agent, at=NOON)

    assert source.asked == CHUNK
    assert Path(folder.path_of(item.place)).stat().st_size > size
