"""Tasks survive what happens to workers."""

import os
import signal
import time

import pytest
from django_celery_results.models import TaskResult

from likenessdesk.celery import app

WAIT = "tests.likenessdesk.tasks.wait_for_another_worker"


def await_result(task_id, *, status, seconds):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := TaskResult.objects.filter(task_id=task_id, status=status).first():
            return found
        time.sleep(0.05)
    return pytest.fail(f"Task {task_id} was not {status} within {seconds} s.")


@pytest.fixture
def impatient_broker(environment):
    """Hand out again after 2 s what nobody has acknowledged."""
    environment["VISIBILITY_TIMEOUT"] = "2"


def test_a_killed_workers_task_is_done_by_the_next(impatient_broker, start_worker):
    options = ["--include=tests.likenessdesk.tasks"]
    first = start_worker(*options)
    sent = app.send_task(
        "tests.likenessdesk.tasks.wait_for_another_worker", kwargs={"not_by": first.pid}
    )
    await_result(sent.id, status="STARTED", seconds=30)

    os.killpg(first.pid, signal.SIGKILL)
    start_worker(*options)

    assert await_result(sent.id, status="SUCCESS", seconds=40)
