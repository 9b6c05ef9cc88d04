"""The sequencer: places in the log, in an order that nothing committed later can slip into."""

import threading
from datetime import UTC, datetime

import pytest
from django.db import ProgrammingError, connection, transaction

from licensing.log import sequencer
from licensing.models import LogHead, UsageBatch

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db


def batch(terms, size):
    return UsageBatch.objects.create(terms=terms, door="api", received_at=NOW, size=size)


def indexes():
    return list(UsageBatch.objects.order_by("pk").values_list("first_index", flat=True))


def test_batches_lie_end_to_end(terms):
    for size in (3, 1, 5):
        batch(terms, size)

    assert sequencer.seal(at=NOW) == 9
    assert indexes() == [0, 3, 4]
    assert LogHead.objects.get().size == 9


def test_running_again_changes_nothing(terms):
    batch(terms, 3)
    sequencer.seal(at=NOW)

    assert sequencer.seal(at=NOW) == 0
    assert indexes() == [0]


def test_new_batches_follow_the_old(terms):
    batch(terms, 3)
    sequencer.seal(at=NOW)
    batch(terms, 2)
    sequencer.seal(at=NOW)

    assert indexes() == [0, 3]


def test_more_batches_than_fit_into_one_transaction_are_sealed(terms, monkeypatch):
    monkeypatch.setattr(sequencer, "BATCHES_AT_ONCE", 2)
    for _ in range(5):
        batch(terms, 1)

    assert sequencer.seal(at=NOW) == 5
    assert indexes() == [0, 1, 2, 3, 4]


def test_a_place_in_the_log_is_for_ever(terms):
    made = batch(terms, 3)
    sequencer.seal(at=NOW)

    with pytest.raises(ProgrammingError, match="Cannot update"), transaction.atomic():
        UsageBatch.objects.filter(pk=made.pk).update(first_index=99)


@pytest.mark.django_db(transaction=True)
def test_two_sequencers_at_once_share_the_work_without_a_gap(terms):
    for _ in range(40):
        batch(terms, 2)
    ready, counts = threading.Barrier(2), []

    def run():
        try:
            ready.wait()
            counts.append(sequencer.seal(at=NOW))
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(counts) == 80
    assert indexes() == list(range(0, 80, 2))


@pytest.mark.django_db(transaction=True)
def test_a_sequencer_waits_for_one_that_is_not_done(terms):
    LogHead.objects.create()
    batch(terms, 2)
    counts = []

    def run():
        try:
            counts.append(sequencer.seal(at=NOW))
        finally:
            connection.close()

    second = threading.Thread(target=run)
    with transaction.atomic():
        counts.append(sequencer.seal(at=NOW))
        second.start()
        second.join(0.5)
        assert second.is_alive()
    second.join()

    assert counts == [2, 0]
    assert indexes() == [0]


@pytest.mark.django_db(transaction=True)
def test_a_batch_committed_late_comes_after_what_was_sealed_before_it(terms):
    began, sealed = threading.Event(), threading.Event()

    def write_slowly():
        try:
            with transaction.atomic():
                batch(terms, 4)
                began.set()
                sealed.wait(10)
        finally:
            connection.close()

    slow = threading.Thread(target=write_slowly)
    slow.start()
    began.wait(10)
    batch(terms, 2)
    first = sequencer.seal(at=NOW)
    sealed.set()
    slow.join()
    second = sequencer.seal(at=NOW)

    assert (first, second) == (2, 4)
    assert indexes() == [2, 0]
