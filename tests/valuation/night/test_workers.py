"""Real workers on one night: together, killed in a chunk, or lost in one without a word."""

import os
import signal
import time
from decimal import Decimal as D

import pytest
from django.db import connection, connections
from django_celery_results.models import TaskResult

from licensing.log import sequencer
from licensing.models import Agreement, RateCard
from tests.valuation.world import JULY, TONIGHT
from valuation import night, tasks
from valuation.models import JournalEntry, NightShard, ResidualLine
from valuation.residuals import chunks
from valuation.words import RunStatus, ShardStatus

pytestmark = [
    pytest.mark.deep,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("without_statements"),
]
AGREEMENTS = 6
WAITING_FOR_A_TABLE = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


@pytest.fixture
def start_two(start_worker):
    return lambda: [start_worker("--include=tests.valuation.night.small_chunks") for _ in range(2)]


@pytest.fixture
def run(world):
    """A night of some agreements at ten lines of 1.00 each, nothing of which is rated."""
    world.line(unit_price=D(1))
    world.use("10")
    for number in range(2, AGREEMENTS + 1):
        copy = Agreement.objects.get(pk=world.agreement.pk)
        copy.pk, copy.reference = None, f"NA-{number}"
        copy.save()
        world.card = RateCard.objects.create(agreement=copy, effective_from=JULY)
        world.line(unit_price=D(1))
        world.use("10", agreement=copy)
    sequencer.seal(at=TONIGHT)
    return night.start(TONIGHT.date(), TONIGHT, "UTC")


@pytest.fixture
def held():
    """Hold what every chunk writes to, until the test lets go of it."""
    other = connections.create_connection("default")
    with other.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("LOCK TABLE valuation_reading IN EXCLUSIVE MODE")
    yield other
    other.close()


def wait_for(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "It did not happen within a minute."
        time.sleep(0.05)


def in_chunks():
    with connection.cursor() as cursor:
        cursor.execute(WAITING_FOR_A_TABLE)
        return cursor.fetchone()[0]


def rated():
    return NightShard.objects.filter(status=ShardStatus.DONE.value).count()


def assert_each_was_posted_once(run):
    assert run.status == RunStatus.FINISHED
    assert (run.events_read, run.events_rated) == (AGREEMENTS, AGREEMENTS)
    lines = ResidualLine.objects.order_by("agreement").values_list("agreement", "amount")
    assert list(lines) == [
        (pk, D(10)) for pk in Agreement.objects.order_by("pk").values_list("pk", flat=True)
    ]
    assert JournalEntry.objects.count() == AGREEMENTS


def test_two_workers_rate_chunks_of_one_night_and_none_twice(start_two, run, held):
    start_two()
    asked = [tasks.rate_chunks.delay(run_id=run.pk).id for _ in range(2)]
    wait_for(lambda: in_chunks() == 2)

    held.close()

    done = TaskResult.objects.filter(task_id__in=asked, status="SUCCESS")
    wait_for(lambda: done.count() == 2)
    rated_each = [int(result) for result in done.values_list("result", flat=True)]
    assert min(rated_each) >= 1
    assert sum(rated_each) == AGREEMENTS
    night.finish(run, TONIGHT)
    assert_each_was_posted_once(run)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "silent"])
def test_the_chunk_of_a_worker_that_is_lost_is_rated_by_another(
    environment, start_two, run, held, how, monkeypatch
):
    """Killed, its session ends with it; silent, as a machine that is gone, the database ends it.

    The killed one's message is handed out again. The silent one's chunk is free too late for that:
    who conducts the night waits for it.
    """
    environment["VISIBILITY_TIMEOUT"] = "2"
    monkeypatch.setattr(chunks, "LONGEST_SILENCE", "2s")
    lost, _ = start_two()
    for _ in range(2):
        tasks.rate_chunks.delay(run_id=run.pk)
    wait_for(lambda: in_chunks() == 2)

    os.killpg(lost.pid, how)
    held.close()

    if how is signal.SIGKILL:
        wait_for(lambda: rated() == AGREEMENTS)
    night.finish(run, TONIGHT)
    assert_each_was_posted_once(run)
    if how is signal.SIGSTOP:
        # An hour later it comes back, and finds that it has lost its chunk.
        os.killpg(lost.pid, signal.SIGCONT)
        wait_for(lambda: not TaskResult.objects.filter(status="STARTED").exists())
        assert_each_was_posted_once(run)
