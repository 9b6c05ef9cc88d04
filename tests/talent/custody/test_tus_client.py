"""Another's client of tus uploads to a real server, which is killed at 99 % and started again."""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from io import BytesIO

import pytest
from tusclient.client import TusClient

from talent.custody import reading
from talent.custody.age import CHUNK
from talent.models import CustodyItem, CustodyUpload
from talent.words import CustodyStepKind, Role
from tests import factories

CONTENT = b"".join(bytes([number % 251]) * CHUNK for number in range(100)) + b"the end"
CUT = 99 * CHUNK
STARTS_WITHIN = 90


class Desk:
    """A desk's web process on the test's database."""

    def __init__(self, environment):
        with contextlib.closing(socket.socket()) as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url, self.environment = f"http://127.0.0.1:{self.port}", environment

    def start(self):
        command = [
            sys.executable, "-m", "gunicorn", "--workers", "1", "--bind", f"127.0.0.1:{self.port}",
            "--timeout", "120", "likenessdesk.wsgi",
        ]  # fmt: skip
        self.process = subprocess.Popen(  # noqa: S603 - our own
            command, env=self.environment, start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        for _try in range(STARTS_WITHIN * 10):
            try:
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
                connection.request("GET", "/.well-known/jwks.json")
                return connection.getresponse().read()
            except OSError:
                assert self.process.poll() is None, "It ended."
                time.sleep(0.1)
        raise AssertionError("The desk did not start.")

    def kill(self):
        """End it and its workers as `kill -9` does."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    close = kill


@pytest.fixture
def desk(environment, vault):
    desk = Desk(
        {**environment, "VAULT_ROOT": str(vault / "vault"), "VAULT_KEYS": str(vault / "keys"),
         "SECOND_FACTOR_ROLES": "none", "DEBUG": "1"}
    )  # fmt: skip
    with contextlib.closing(desk):
        desk.start()
        yield desk


def test_an_upload_that_is_cut_at_99_percent_by_a_kill_is_gone_on_with(desk, vault):
    agency = factories.make_agency("northlight")
    performer = factories.make_performer("Ada Example", agency)
    client = factories.sign_in(factories.make_member(agency, Role.AGENT))
    cookies = {name: cookie.value for name, cookie in client.cookies.items()}
    cookies["csrftoken"] = "a" * 32
    headers = {
        "Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items()),
        "X-CSRFToken": cookies["csrftoken"],
    }
    told = {
        "agency": str(agency.pk), "performer": str(performer.pk), "kind": "scan", "name": "Face",
        "purposes": "build,legal",
    }  # fmt: skip
    theirs = TusClient(f"{desk.url}/admin/talent/custodyitem/uploads/", headers=headers)
    sent = theirs.uploader(file_stream=BytesIO(CONTENT), metadata=told, chunk_size=33 * CHUNK)
    sent.upload(stop_at=CUT)
    _cut_in_mid_part(desk, sent.url, headers)
    assert CustodyUpload.objects.get().arrived == CUT

    desk.start()
    rest = theirs.uploader(file_stream=BytesIO(CONTENT), url=sent.url, chunk_size=33 * CHUNK)
    assert rest.offset == CUT
    rest.upload()

    item = CustodyItem.objects.with_state().get()
    assert item.state == CustodyStepKind.PROVEN
    assert b"".join(reading.content_of(item)) == CONTENT
    plain = CONTENT[: 4 * 1024]
    assert all(plain not in file.read_bytes() for file in vault.rglob("*") if file.is_file())


def _cut_in_mid_part(desk, url, headers):
    """Send half of a chunk of what is left, and kill the desk while it waits for the rest."""
    connection = http.client.HTTPConnection("127.0.0.1", desk.port, timeout=10)
    connection.putrequest("PATCH", url.removeprefix(desk.url))
    about = {
        **headers, "Tus-Resumable": "1.0.0", "Upload-Offset": str(CUT),
        "Content-Type": "application/offset+octet-stream",
        "Content-Length": str(len(CONTENT) - CUT),
    }  # fmt: skip
    for name, value in about.items():
        connection.putheader(name, value)
    connection.endheaders()
    connection.send(CONTENT[CUT : CUT + CHUNK // 2])
    desk.kill()
    connection.close()
