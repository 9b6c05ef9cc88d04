"""What is answered is kept: `kill -9` in the middle of batches, and bodies meant to harm."""

import gzip
import hashlib
import http.client
import json
import re
import socket
import threading
from pathlib import Path

import pytest

from licensing.usage.events.event_types import USAGE_TYPE
from likenessdesk.management.commands.run import HOST
from tests import template
from tests.journeys.own_desk import own_desk, wait_until

pytestmark = pytest.mark.django_db
EVENTS = "/api/v1/usage/events"
BATCH = "application/cloudevents-batch+json"
CLIENTS = 3
IN_A_BATCH = 40
BATCHES_BETWEEN_KILLS = 6


@pytest.fixture(scope="module")
def desk(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        migrated = template.url(template.made())
    with own_desk(migrated) as running:
        yield running


def batch_of(desk, client, number):
    data = {
        "twin": desk.cast["twin"],
        "agreement": desk.cast["agreement"],
        "right": "voice",
        "use": "dubbing",
        "territory": "FR",
        "language": "fr",
        "channel": "cinema",
        "quantities": {"lines": "1.5", "words": "7"},
    }
    return [
        {
            "specversion": "1.0",
            "id": f"{client}-{number}-{place}",
            "source": "//studio.example/pipeline",
            "type": USAGE_TYPE,
            "time": "2026-07-14T10:31:00Z",
            "data": data,
        }
        for place in range(IN_A_BATCH)
    ]


class Studio(threading.Thread):
    """A studio's pipeline: sends batch after batch, each again until it is answered."""

    def __init__(self, desk, name):
        super().__init__()
        self.desk, self.prefix = desk, name
        self.receipts, self.lost, self.batches = {}, 0, 0
        self.done = threading.Event()

    def run(self):
        while not self.done.is_set():
            batch = batch_of(self.desk, self.prefix, self.batches)
            while (results := self.answered(batch)) is None:
                self.lost += 1
                self.done.wait(0.05)
            for event, result in zip(batch, results, strict=True):
                self.receipts[event["id"]] = (result["status"], result.get("receipt"))
            self.batches += 1

    def answered(self, batch):
        connection = http.client.HTTPConnection(HOST, self.desk.port, timeout=10)
        headers = {"Authorization": f"Bearer {self.desk.cast['key']}", "Content-Type": BATCH}
        try:
            connection.request("POST", EVENTS, json.dumps(batch), headers)
            response = connection.getresponse()
            answer = response.read()
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()
        return json.loads(answer)["results"] if response.status == 207 else None


@pytest.mark.parametrize("kills", [1, pytest.param(5, marks=pytest.mark.deep)])
@pytest.mark.parametrize("victim", ["web server", "worker", "PostgreSQL"])
def test_what_was_answered_before_a_kill_is_there_once_after_it(desk, victim, kills):
    studios = [Studio(desk, f"{victim} {kills} {number}") for number in range(CLIENTS)]
    sealing = Sealing(desk)
    for thread in (sealing, *studios):
        thread.start()
    try:
        for _ in range(kills):
            sent = sum(studio.batches for studio in studios)
            wait_until(lambda: sum(s.batches for s in studios) >= sent + BATCHES_BETWEEN_KILLS)  # noqa: B023
            desk.kill(victim)
        sent = [studio.batches for studio in studios]
        wait_until(lambda: all(s.batches > n for s, n in zip(studios, sent, strict=True)))
    finally:
        for thread in (sealing, *studios):
            thread.done.set()
        for thread in (sealing, *studios):
            thread.join()

    receipts = {key: one for studio in studios for key, one in studio.receipts.items()}
    assert len(receipts) == sum(s.batches for s in studios) * IN_A_BATCH
    assert {status for status, _ in receipts.values()} <= {201, 200}
    if victim != "worker":
        assert sum(studio.lost for studio in studios), "No kill fell into a batch."
    entries = {key: receipt["entry"] for key, (_, receipt) in receipts.items()}
    assert kept(desk, f"{victim} {kills} ") == entries
    assert_whole(desk)


class Sealing(threading.Thread):
    """Keeps the worker busy with what it does in the middle of batches."""

    def __init__(self, desk):
        super().__init__()
        self.desk, self.done = desk, threading.Event()

    def run(self):
        while not self.done.wait(0.3):
            self.desk.ask("licensing.tasks.seal")


def kept(desk, prefix):
    """The entries of the events that such keys lead to, each recomputed from its record."""
    found = {}
    for key, entry, salt, canonical in desk.rows(
        """
        SELECT ledger.key, event.entry, record.salt, record.canonical
        FROM licensing_eventkey ledger
        JOIN licensing_usageevent event ON event.id = ledger.event_id
        JOIN licensing_usagerecord record ON record.event_id = event.id
        """
    ):
        if key.startswith(prefix):
            assert key not in found
            assert json.loads(canonical)["event"]["id"] == key
            assert entry[33:] == hashlib.sha256(salt + canonical).digest()
            found[key] = entry.hex()
    return found


def assert_whole(desk):
    """No event without its key, record and seat, and a log without a gap once it is sealed."""
    counts = [
        desk.rows(f"SELECT count(*), count(DISTINCT {key}) FROM licensing_{table}")[0]  # noqa: S608
        for table, key in (
            ("usageevent", "(batch_id, seat)"),
            ("eventkey", "event_id"),
            ("usagerecord", "event_id"),
        )
    ]
    assert len({number for pair in counts for number in pair}) == 1, counts
    desk.ask("licensing.tasks.seal")
    unsealed = "SELECT count(*) FROM licensing_usagebatch WHERE first_index IS NULL"
    wait_until(lambda: desk.rows(unsealed) == [(0,)])
    size = 0
    for first_index, seats, events in desk.rows(
        """
        SELECT batch.first_index, batch.size, array_agg(event.seat ORDER BY event.seat)
        FROM licensing_usagebatch batch JOIN licensing_usageevent event ON event.batch_id = batch.id
        GROUP BY batch.id ORDER BY batch.first_index
        """
    ):
        assert first_index == size
        assert events == list(range(seats))
        size += seats
    assert desk.rows("SELECT size FROM licensing_loghead") == [(size,)]


# Sheets

ROWS, WRONG_EACH = 4_000, 100


def sheet_of(desk, mode, *, wrong):
    """A mode's own sheet of usage; if `wrong`, each hundredth row takes lines back."""
    day = {"all_or_none": "2026-07-14", "row_by_row": "2026-07-15"}[mode]
    fields = "twin,agreement,right,use,territory,language,channel,time,lines"
    same = f"{desk.cast['twin']},{desk.cast['agreement']},voice,dubbing,FR,fr,cinema"
    rows = [
        f"{same},{day}T10:31:00Z,{'-' if wrong and not n % WRONG_EACH else ''}{n + 1}"
        for n in range(ROWS)
    ]
    return "\n".join([fields, *rows])


@pytest.mark.parametrize(
    ("mode", "wrong"),
    [
        pytest.param("all_or_none", 0, marks=pytest.mark.deep),
        ("row_by_row", ROWS // WRONG_EACH),
    ],
)
def test_an_import_whose_worker_is_killed_half_way_ends_with_each_row_once(desk, mode, wrong):
    numbered = "SELECT last_value FROM licensing_usageevent_id_seq"
    letters = "SELECT count(*) FROM licensing_deadletter"
    ((begun,),), ((lettered,),) = desk.rows(numbered), desk.rows(letters)
    sheet = desk.queue_sheet(sheet_of(desk, mode, wrong=wrong), mode)
    status = f"SELECT status FROM licensing_usagesheet WHERE id = {sheet}"  # noqa: S608
    kept = f"""
        SELECT count(*), count(DISTINCT event.lines) FROM licensing_usageevent event
        JOIN licensing_usagebatch batch ON batch.id = event.batch_id
        JOIN licensing_usagesheet sheet ON sheet.report_id = batch.usage_import_id
        WHERE sheet.id = {sheet}
    """  # noqa: S608

    def ended():
        desk.ask("licensing.tasks.import_usage_sheets")  # As the timetable does each minute.
        return desk.rows(status) == [("done",)]

    desk.ask("licensing.tasks.import_usage_sheets")
    wait_until(lambda: desk.rows(numbered)[0][0] >= begun + ROWS // 2)
    desk.kill("long worker")
    assert desk.rows(status) == [("running",)], "The kill came after the import."
    assert desk.rows(kept) == [(0, 0)]
    wait_until(ended, every=1)

    assert desk.rows(kept) == [(ROWS - wrong, ROWS - wrong)]
    assert desk.rows(letters) == [(lettered + wrong,)]
    assert desk.rows("SELECT rows, accepted, known, rejected FROM licensing_usageimport")[-1:] == [
        (ROWS, ROWS - wrong, 0, wrong)
    ]
    assert_whole(desk)


# Bodies


def post(desk, body, **headers):
    connection = http.client.HTTPConnection(HOST, desk.port, timeout=20)
    sent = {"Authorization": f"Bearer {desk.cast['key']}", "Content-Type": BATCH, **headers}
    try:
        connection.request("POST", EVENTS, body, sent)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def test_a_body_of_a_hundred_megabytes_is_refused_without_reading_it(desk):
    size, piece = 100 * 1024 * 1024, b" " * 65_536
    head = (
        f"POST {EVENTS} HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: Bearer {desk.cast['key']}\r\n"
        f"Content-Type: {BATCH}\r\nContent-Length: {size}\r\n\r\n"
    )
    with socket.create_connection((HOST, desk.port), timeout=20) as studio:
        studio.sendall(head.encode())
        answer, sent = b"", 0
        studio.settimeout(0)
        while sent < size and not answer:
            try:
                sent += studio.send(piece)
            except BlockingIOError:
                studio.settimeout(20)
                answer = studio.recv(65_536)
            except OSError:
                break
            else:
                answer = received(studio)
    assert answer.startswith(b"HTTP/1.1 413")
    assert sent < size / 5


def received(studio):
    try:
        return studio.recv(65_536)
    except BlockingIOError:
        return b""


def test_bodies_meant_to_harm_are_refused_and_leave_nothing_but_a_small_desk(desk):
    before = desk.rows("SELECT count(*) FROM licensing_usagebatch")
    event = batch_of(desk, "harm", 0)[0]
    bomb = gzip.compress(b" " * 300_000_000, 1)
    deep = b'{"a":' * 100_000 + b"1" + b"}" * 100_000
    half = b'{"event": "' * 1

    answers = {
        "gzip bomb": post(desk, bomb, **{"Content-Encoding": "gzip"}),
        "gzip bomb in a gzip": post(desk, gzip.compress(bomb), **{"Content-Encoding": "gzip"}),
        "nested": post(desk, b"[" * 1_000_000),
        "nested data": post(desk, json.dumps([event]).encode().replace(b'"7"', deep)),
        "NUL": post(desk, b'[{"id":"\\u0000"}]'),
        "raw NUL": post(desk, b"\x00" * 1_000),
        "not UTF-8": post(desk, b'["\xff\xfe"]'),
        "not JSON": post(desk, half),
        "a number too large": post(desk, b"[1e999999999]"),
        "another encoding": post(desk, b"[]", **{"Content-Encoding": "br"}),
    }

    statuses = {name: status for name, (status, _) in answers.items()}
    assert statuses.pop("gzip bomb") == 413
    assert statuses.pop("another encoding") == 415
    assert set(statuses.values()) == {400}, statuses
    assert desk.rows("SELECT count(*) FROM licensing_usagebatch") == before
    assert post(desk, json.dumps([event]))[0] == 207
    assert largest(desk) < 512 * 1024


def test_a_nul_in_the_data_of_an_event_is_a_dead_letter_of_its_own(desk):
    whole, broken = batch_of(desk, "nul", 0)[:2]
    broken["data"] = broken["data"] | {"twin": "T1\x00"}

    status, answer = post(desk, json.dumps([whole, broken]))

    assert status == 207
    assert [one["status"] for one in answer["results"]] == [201, 422]


def largest(desk):
    """The most memory in KiB that a process of the web server ever held."""
    found = []
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            text = status.read_text()
            command = status.with_name("cmdline").read_bytes()
        except OSError:
            continue
        if f":{desk.port}".encode() in command:
            found.append(int(re.search(r"VmHWM:\s+(\d+)", text)[1]))
    return max(found, default=0)
