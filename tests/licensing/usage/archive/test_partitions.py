"""Partitions are made ahead of need, and a job that did not run loses nothing."""

import threading

import psycopg
import pytest
from django.db import ProgrammingError, connection, connections, transaction

from licensing.models import UsageEvent, UsageRecord
from licensing.tasks import make_partitions
from licensing.usage.archive import partitions
from licensing.usage.recording.record import record_events
from tests import template

pytestmark = pytest.mark.django_db

END_OF_THE_FIRST = 40_000_000


@pytest.fixture(autouse=True)
def _no_number_stays_given(db):
    """A sequence is not taken back with its transaction."""
    before = partitions.newest_id()
    yield
    skip_to(before + 1)


def skip_to(number):
    """Let the next event have a number as if the ones before had been given."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT setval('licensing_usageevent_id_seq', greatest(%s, 1))", [number - 1]
        )


def holding(model, pk):
    with connection.cursor() as cursor:
        table, key = model._meta.db_table, model._meta.pk.column
        cursor.execute(f"SELECT tableoid::regclass::text FROM {table} WHERE {key} = %s", [pk])  # noqa: S608
        return cursor.fetchone()[0]


def bounds():
    return [(one.starts, one.ends) for one in partitions.attached_partitions()]


def test_empty_partitions_are_kept_ahead_of_the_newest_event():
    before = bounds()
    skip_to(END_OF_THE_FIRST - 5)

    made = partitions.make_ahead(rows=1_000, ahead=2)

    assert [(one.starts, one.ends) for one in made] == [
        (END_OF_THE_FIRST, END_OF_THE_FIRST + 1_000),
        (END_OF_THE_FIRST + 1_000, END_OF_THE_FIRST + 2_000),
    ]
    assert bounds() == [*before, *((one.starts, one.ends) for one in made)]
    assert partitions.make_ahead(rows=1_000, ahead=2) == []


def test_events_and_records_lie_in_partitions_of_the_same_bounds(use, origin):
    (made,) = partitions.make_ahead(rows=1_000, ahead=4)
    skip_to(made.starts + 7)

    (outcome,) = record_events([use()], origin)

    assert outcome.event_id == made.starts + 7
    assert holding(UsageEvent, outcome.event_id) == made.events
    assert holding(UsageRecord, outcome.event_id) == made.records


def test_a_new_partition_has_the_indexes_and_triggers_of_the_first():
    (made,) = partitions.make_ahead(rows=1_000, ahead=4)

    for kept, new in (
        ("licensing_usageevent_p0", made.events),
        ("licensing_usagerecord_p0", made.records),
    ):
        assert described(new) == described(kept)
    assert len(described(made.events)) >= 5


def described(table):
    """An index by its method and columns, a trigger by its function."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT substring(indexdef FROM 'USING .*') FROM pg_indexes WHERE tablename = %(table)s
            UNION ALL
            SELECT tgfoid::regproc::text FROM pg_trigger
            WHERE tgrelid = %(table)s::regclass AND NOT tgname LIKE 'RI_%%'
            ORDER BY 1
            """,
            {"table": table},
        )
        return cursor.fetchall()


def test_events_go_on_where_no_job_ran_and_the_next_run_makes_room_for_them(use, origin):
    skip_to(END_OF_THE_FIRST + 3)
    late = [outcome.event_id for outcome in record_events([use("a"), use("b")], origin)]
    assert {holding(UsageEvent, pk) for pk in late} == {"licensing_usageevent_default"}

    made = partitions.make_ahead(rows=1_000, ahead=1)

    assert bounds()[-2:] == [
        (END_OF_THE_FIRST, END_OF_THE_FIRST + 2_000),
        (END_OF_THE_FIRST + 2_000, END_OF_THE_FIRST + 3_000),
    ]
    for pk in late:
        assert holding(UsageEvent, pk) == made[0].events
        assert holding(UsageRecord, pk) == made[0].records
    (after,) = record_events([use("c")], origin)
    assert holding(UsageEvent, after.event_id) == made[0].events
    skip_to(10**12)
    (far,) = record_events([use("d")], origin)
    assert holding(UsageEvent, far.event_id) == "licensing_usageevent_default"


def test_what_a_late_run_took_over_still_never_changes(use, origin):
    skip_to(END_OF_THE_FIRST + 3)
    (late,) = record_events([use("a")], origin)
    partitions.make_ahead(rows=1_000, ahead=1)

    with pytest.raises(ProgrammingError, match="Cannot update or delete"), transaction.atomic():
        UsageEvent.objects.filter(pk=late.event_id).update(territory="IT")


def test_the_task_keeps_as_many_as_the_settings_say(settings):
    settings.EVENTS_IN_A_PARTITION, settings.PARTITIONS_AHEAD = 500, 5
    skip_to(5)  # In the first of four.

    assert make_partitions() == ["40,000,000 to 40,000,499", "40,000,500 to 40,000,999"]
    assert make_partitions() == []


@pytest.mark.django_db(transaction=True)
def test_two_at_once_make_each_partition_once():
    def make(found):
        try:
            found.append(partitions.make_ahead(rows=1_000, ahead=6))
        finally:
            connections.close_all()

    before, made = bounds(), []
    threads = [threading.Thread(target=make, args=[made]) for _ in range(3)]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        partitions.make_ahead(rows=1_000, ahead=6)

        assert len(bounds()) == len(set(bounds())) == len(before) + sum(map(len, made))
    finally:
        remove(before)


@pytest.mark.django_db(transaction=True)
def test_a_long_read_makes_the_job_give_up_and_stops_no_event(monkeypatch, use, origin):
    monkeypatch.setattr(partitions, "PAUSES", (0, 0))
    monkeypatch.setattr(partitions, "LOCK_TIMEOUT", "50ms")
    before = bounds()
    try:
        with psycopg.connect(template.url(connection.settings_dict["NAME"])) as reader:
            reader.execute("SELECT count(*) FROM licensing_usageevent")

            with pytest.raises(partitions.PartitionsAreBusy):
                partitions.make_ahead(rows=1_000, ahead=6)
            assert bounds() == before
            assert record_events([use()], origin)[0].event_id
        assert partitions.make_ahead(rows=1_000, ahead=6)
    finally:
        remove(before)


def remove(kept):
    for one in partitions.attached_partitions():
        if (one.starts, one.ends) not in kept:
            partitions.drop(one)
