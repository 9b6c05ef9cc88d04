"""A key leads to one event for ever, whoever sends it again and however often."""

import threading
from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest
from django.db import connection

from licensing.models import EventKey, UsageBatch, UsageEvent
from licensing.usage.recording import event_keys
from licensing.usage.recording.messages import MessageKey, Reception
from licensing.usage.recording.record import record_events

pytestmark = pytest.mark.django_db


def receptions(outcomes):
    return [(outcome.index, outcome.reception.value) for outcome in outcomes]


def test_the_same_event_again_gets_the_first_receipt(use, origin):
    (first,) = record_events([use()], origin)
    later = replace(origin, received_at=origin.received_at + timedelta(days=40))

    (again,) = record_events([use()], later)

    assert again == msgspec.structs.replace(first, reception=Reception.KNOWN)
    assert UsageEvent.objects.count() == UsageBatch.objects.count() == 1


@pytest.mark.parametrize(
    "change",
    [
        {"data": {"quantities": {"lines": "2"}}},
        {"time": "2026-05-05T10:11:12Z"},
        {"extensions": {"take": 2}},
        {"data": {"prompt": "Weep."}},
    ],
)
def test_the_same_key_with_other_content_is_refused_with_both_digests(use, origin, change):
    record_events([use()], origin)

    (outcome,) = record_events([use(**change)], origin)

    known = EventKey.objects.get()
    assert outcome.reception is Reception.CONFLICT
    assert outcome.digest_known == bytes(known.digest)
    assert outcome.digest_sent != outcome.digest_known
    assert UsageEvent.objects.count() == 1


def test_duplicates_within_a_batch_count_once(use, origin):
    other = use(data={"quantities": {"lines": "5"}})

    outcomes = record_events([use(), use(), other, use("take-2")], origin)

    assert receptions(outcomes) == [
        (0, "recorded"),
        (1, "known"),
        (2, "conflict"),
        (3, "recorded"),
    ]
    assert outcomes[1].event_id == outcomes[0].event_id
    assert UsageEvent.objects.count() == 2


def test_the_same_id_from_another_source_is_another_event(use, origin):
    outcomes = record_events([use(), use(source="https://other.example/")], origin)

    assert receptions(outcomes) == [(0, "recorded"), (1, "recorded")]


@pytest.fixture
def slow_ledger(transactional_db):
    """A key ledger so slow that batches surely meet in it."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN PERFORM pg_sleep(0.01); RETURN NEW; END $$;
            CREATE TRIGGER dawdle BEFORE INSERT ON licensing_eventkey
                FOR EACH ROW EXECUTE FUNCTION dawdle();
            """
        )
        yield
        cursor.execute("DROP TRIGGER dawdle ON licensing_eventkey; DROP FUNCTION dawdle()")


@pytest.mark.django_db(transaction=True)
def test_two_connections_with_the_same_keys_keep_them_once(slow_ledger, use, origin):
    envelopes = [use(f"take-{i}") for i in range(20)]
    ready, outcomes = threading.Barrier(2), {}

    def send(name, batch):
        try:
            ready.wait()
            outcomes[name] = record_events(batch, origin)
        finally:
            connection.close()

    threads = [
        threading.Thread(target=send, args=("forwards", envelopes)),
        threading.Thread(target=send, args=("backwards", envelopes[::-1])),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    both = [outcome.reception.value for batch in outcomes.values() for outcome in batch]
    assert sorted(both) == ["known"] * 20 + ["recorded"] * 20
    assert UsageEvent.objects.count() == EventKey.objects.count() == 20


@pytest.fixture
def known(terms):
    keys = [MessageKey("//studio.example", f"take-{number}") for number in range(500)]
    event_keys.claim_keys(terms.licensee_id, dict.fromkeys(keys, b"\0" * 32))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE licensing_eventkey")
    return keys


def rows_read(look):
    """Return how many keys are read from the table, by whatever way, while a function runs."""
    read = """
        SELECT seq_tup_read + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables
        WHERE relname = 'licensing_eventkey'
    """
    with connection.cursor() as cursor:
        # PostgreSQL would rather read a table of 500 rows in full.
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(read)
        (before,) = cursor.fetchone()
        look()
        cursor.execute(read)
        (after,) = cursor.fetchone()
    return after - before


def test_keys_are_looked_up_one_by_one_however_many_their_licensee_has(terms, known):
    sent = known[:20]

    def look():
        assert event_keys.find_events(terms.licensee_id, sent).keys() == set(sent)

    assert rows_read(look) == len(sent)


def test_events_are_locked_one_by_one_however_many_their_licensee_has(terms, known):
    ids = event_keys.find_events(terms.licensee_id, known[:10])
    by_number = [event.event_id for event in ids.values()]

    def lock():
        locked = event_keys.lock_events(terms.licensee_id, known[5:15], by_number)
        assert locked.keys() == set(known[:15])

    assert rows_read(lock) <= 2 * 20
