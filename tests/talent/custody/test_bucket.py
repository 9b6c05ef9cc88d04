"""The vault in a bucket: a real server that is killed in mid-upload."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from io import BytesIO

import obstore
import pytest

from talent.custody import destruction, grants, places, reading, sweep, uploads
from talent.custody.age import CHUNK, PayloadBroken
from talent.custody.places import bucket
from talent.models import CustodyItem, CustodyRead, CustodyUpload, OutboxMessage
from talent.words import CustodyPurpose, CustodyStepKind, DestructionCause, SealLevel
from tests import factories

from .conftest import NOON

CONTENT = b"".join(bytes([number]) * CHUNK for number in range(6)) + b"end"
STARTS_WITHIN = 60


class Server:
    """An S3 server as a process; what it was told is kept, and told again after a restart."""

    def __init__(self, folder):
        with contextlib.closing(socket.socket()) as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = {
            **os.environ, "MOTO_ENABLE_RECORDING": "1",
            "MOTO_RECORDER_FILEPATH": str(folder / "recorded"),
        }  # fmt: skip

    def start(self):
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]
        self.process = subprocess.Popen(  # noqa: S603 - our own
            command, env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for _try in range(STARTS_WITHIN * 10):
            try:
                return self.ask("GET", "/moto-api/data.json")
            except OSError:
                assert self.process.poll() is None, "It ended."
                time.sleep(0.1)
        raise AssertionError("The server did not start.")

    def restart(self):
        self.start()
        self.ask("POST", "/moto-api/recorder/replay-recording")

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    close = kill

    def ask(self, method, path, content=None):
        request = urllib.request.Request(self.url + path, method=method, data=content)  # noqa: S310
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return answer.read()


@pytest.fixture
def server(tmp_path, settings, monkeypatch):
    server = Server(tmp_path)
    with contextlib.closing(server):
        server.start()
        server.ask("PUT", "/vault")
        settings.VAULT_BUCKET, settings.VAULT_S3_ENDPOINT = "s3://vault/of/tests", server.url
        settings.VAULT_S3_KEY_ID = settings.VAULT_S3_SECRET = "test"  # noqa: S105 - of no desk
        monkeypatch.setattr(uploads, "AT_ONCE", 2)
        yield server


class KillsAt(BytesIO):
    """A source that kills the server once so many bytes were read of it."""

    def __init__(self, content, server, at):
        super().__init__(content)
        self.server, self.at = server, at

    def read(self, size=-1, /):
        if self.at is not None and self.tell() >= self.at:
            self.at = None
            self.server.kill()
        return super().read(size)


def test_a_server_that_is_killed_in_mid_upload_loses_nothing_and_reads_are_refused_meanwhile(
    server, begin, stored, agent, approvers, affairs, monkeypatch
):
    kept = stored(b"kept" * 40_000)
    grant = grants.ask(
        item_id=kept.pk, purpose=CustodyPurpose.BUILD, reason="x", starts_at=NOON,
        ends_at=NOON + grants.LONGEST_WINDOW, by=agent, at=NOON,
    )  # fmt: skip
    for approver in approvers:
        grants.approve(grant_id=grant.pk, by=approver, at=NOON)
    operator = factories.make_user("operator@desk.example", is_superuser=True)
    read = {"grant_id": grant.pk, "by": agent, "clock": lambda: NOON, "address": None}
    item = begin(len(CONTENT))

    with pytest.raises(places.PlaceAway):
        uploads.receive(
            item_id=item.pk, offset=0, source=KillsAt(CONTENT, server, 3 * CHUNK), by=agent, at=NOON
        )

    arrived = CustodyUpload.objects.get().arrived
    assert arrived == 2 * CHUNK
    with pytest.raises(places.PlaceAway):
        grants.read(**read)
    assert not CustodyRead.objects.exists()  # the grant is not used up
    for _run in range(2):
        sweep.see_to_items(clock=lambda: NOON)
    assert [mail.recipient for mail in OutboxMessage.objects.all()] == [operator.email]

    server.restart()
    rest = BytesIO(CONTENT[arrived:])
    uploads.receive(item_id=item.pk, offset=arrived, source=rest, by=agent, at=NOON)

    loaded = CustodyItem.objects.with_state().get(pk=item.pk)
    assert loaded.state == CustodyStepKind.PROVEN
    assert b"".join(reading.content_of(loaded)) == CONTENT
    cut = slice(CHUNK - 5, 4 * CHUNK + 5)
    assert b"".join(reading.content_of(loaded, start=cut.start, stop=cut.stop)) == CONTENT[cut]
    assert b"".join(grants.read(**read).content) == b"kept" * 40_000
    _torn_part_is_written_again_as_it_was(loaded, begin, agent)
    _changed_object_is_noticed(loaded)
    _destroyed_item_leaves_no_object(loaded, agent, affairs, monkeypatch)


def _torn_part_is_written_again_as_it_was(item, begin, agent):
    """Two chunks were stored that the database does not know of."""
    again = begin(len(CONTENT))
    uploads.receive(
        item_id=again.pk, offset=0, source=BytesIO(CONTENT[: 4 * CHUNK]), by=agent, at=NOON
    )
    CustodyUpload.objects.filter(item=again).update(arrived=2 * CHUNK)
    with pytest.raises(uploads.OtherContent):
        uploads.receive(
            item_id=again.pk, offset=2 * CHUNK, source=BytesIO(b"?" * CHUNK), by=agent, at=NOON
        )
    for begins, ends in ((2, 3), (3, None)):
        part = CONTENT[begins * CHUNK : ends and ends * CHUNK]
        uploads.receive(
            item_id=again.pk, offset=begins * CHUNK, source=BytesIO(part), by=agent, at=NOON
        )
    assert b"".join(reading.content_of(again)) == CONTENT


def _changed_object_is_noticed(item):
    second = 16 + 2 * (CHUNK + 16)
    whole = places.read(item.place, at=second, size=2 * (CHUNK + 16))
    bucket.append(item.place, whole[:-1] + bytes([whole[-1] ^ 1]), at=second)
    given = []
    with pytest.raises(PayloadBroken):
        given.extend(reading.content_of(item))
    assert b"".join(given) == CONTENT[: 3 * CHUNK]
    bucket.append(item.place, whole, at=second)


def _destroyed_item_leaves_no_object(item, agent, affairs, monkeypatch):
    asked = destruction.ask(
        item_id=item.pk, cause=DestructionCause.ASKED, reason="x", by=agent, at=NOON
    )
    destruction.approve(destruction_id=asked.pk, by=affairs, at=NOON)
    paper = destruction.certificate.Paper(b"%PDF", SealLevel.NONE)
    monkeypatch.setattr(destruction.certificate, "drawn", lambda content, at: paper)
    certified = destruction.carry_out(destruction_id=asked.pk, at=NOON)
    assert set(certified.content["verified"].values()) == {True}
    assert (places.size_of(item.place), places.read_beside(item.place)) == (0, b"")


def test_a_bucket_that_does_not_exist_is_away_and_not_empty(server, settings):
    settings.VAULT_BUCKET = "s3://another"
    with pytest.raises(places.PlaceAway):
        places.size_of("x")
    with pytest.raises(places.PlaceAway):
        places.probe()


def test_a_file_ends_where_one_of_its_objects_is_gone(server):
    for at in (0, 4, 8):
        places.append("gap", b"part", at=at)
    assert places.size_of("gap") == 12
    assert places.every_place() == {"gap"}

    obstore.delete(bucket._store(), bucket._name("gap", 4))

    assert places.size_of("gap") == 4
