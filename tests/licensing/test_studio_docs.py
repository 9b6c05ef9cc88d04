"""What the page for studios tells them to run is run, word by word, against a real server."""

import json
import os
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.conf import settings
from django.utils import timezone

from licensing import api_keys
from licensing.models import DeadLetter, SandboxEvent, UsageEvent

pytestmark = pytest.mark.django_db(transaction=True)
DOCS = settings.BASE_DIR / "docs"
EXAMPLE = DOCS / "examples" / "report_usage.py"
CURL = re.compile(r"```sh\n(curl .*?)```", re.DOTALL)


def told(terms, *, sandbox=False):
    return api_keys.issue(
        terms=terms, label="Docs", at=timezone.now(), by=None, sandbox=sandbox
    ).secret


def run(command, url, secret):
    return subprocess.run(  # noqa: S603 - what our own page says
        command,
        env={**os.environ, "DESK_URL": url, "DESK_KEY": secret, "DESK_WAIT": "0.01"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def curl(url, secret):
    blocks = CURL.findall((DOCS / "studios.md").read_text())
    (block,) = [block for block in blocks if "/usage/events" in block]
    return run(["bash", "-c", block], url, secret)


@pytest.fixture
def uses(tmp_path):
    """Write the file of uses that the example reads."""

    def write(*envelopes):
        file = tmp_path / "uses.json"
        rows = [{"id": one.id, "time": one.time, "data": one.data} for one in envelopes]
        file.write_text(json.dumps(rows))
        return str(file)

    return write


@pytest.mark.judge("curl")
def test_the_curl_of_the_page_reports_a_use_once(live_server, terms, agreement):
    secret = told(terms)

    first, again = curl(live_server.url, secret), curl(live_server.url, secret)

    assert (first.returncode, again.returncode) == (0, 0), first.stderr
    assert json.loads(first.stdout) == json.loads(again.stdout)
    assert UsageEvent.objects.get().pk == int(json.loads(first.stdout)["id"])


@pytest.mark.judge("curl")
def test_the_curl_of_the_page_tries_the_sandbox(live_server, terms, agreement):
    answer = curl(live_server.url, told(terms, sandbox=True))

    assert json.loads(answer.stdout)["sandbox"] is True
    assert SandboxEvent.objects.count() == 1
    assert not UsageEvent.objects.exists()


@pytest.mark.judge("curl")
def test_the_curl_of_the_page_fails_where_the_key_does(live_server, agreement):
    assert curl(live_server.url, "desk_00000000.wrong").returncode != 0


def test_the_example_prints_a_receipt_for_each_use(live_server, terms, use, uses):
    file = uses(use("a"), use("b"))

    first = run([sys.executable, EXAMPLE, file], live_server.url, told(terms))
    again = run([sys.executable, EXAMPLE, file], live_server.url, told(terms))

    entries = [bytes(event.entry).hex() for event in UsageEvent.objects.order_by("pk")]
    printed = [line.split() for line in first.stdout.splitlines()]
    assert first.returncode == again.returncode == 0, first.stderr
    assert [(line[0], line[1], line[-1]) for line in printed] == [
        ("a", "201", entries[0]),
        ("b", "201", entries[1]),
    ]
    assert again.stdout == first.stdout.replace(" 201 ", " 200 ")


def test_the_example_tells_item_by_item_what_to_change(live_server, terms, use, uses):
    file = uses(use("a"), use("odd", data={"twin": "T0"}))

    answer = run([sys.executable, EXAMPLE, file], live_server.url, told(terms))

    assert answer.returncode == 1
    assert answer.stdout.splitlines()[1] == "odd 422 unknown_twin /data/twin"
    assert (UsageEvent.objects.count(), DeadLetter.objects.count()) == (1, 1)


def test_the_example_stops_at_a_refusal(live_server, terms, use, uses):
    answer = run([sys.executable, EXAMPLE, uses(use())], live_server.url, "desk_00000000.wrong")

    assert answer.returncode == 1
    assert "Refused" in answer.stderr
    assert "trying again" not in answer.stderr


def test_the_example_tries_again_with_the_same_ids(tmp_path):
    """A desk that breaks off, then is too busy, then answers."""
    bodies = []

    class Flaky(BaseHTTPRequestHandler):
        def do_POST(self):
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            if len(bodies) == 1:
                self.close_connection = True
                return
            answer = json.dumps({"results": [{"status": 201, "standing": "cleared",
                                              "receipt": {"entry": "01"}}]}).encode()  # fmt: skip
            self.send_response(503 if len(bodies) == 2 else 207)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Flaky) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        file = tmp_path / "uses.json"
        file.write_text('[{"id": "a", "time": "2026-05-04T10:11:12+00:00", "data": {}}]')
        url = f"http://127.0.0.1:{server.server_address[1]}"
        answer = run([sys.executable, EXAMPLE, str(file)], url, "desk_x")
        server.shutdown()
        thread.join()

    assert (answer.returncode, answer.stdout) == (0, "a 201 cleared 01\n"), answer.stderr
    assert len(bodies) == 3
    assert len(set(bodies)) == 1


def test_the_example_is_short():
    assert len(EXAMPLE.read_text().splitlines()) <= 60
