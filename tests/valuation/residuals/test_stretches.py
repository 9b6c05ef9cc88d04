"""Stretches: sealed usage is added up during the day, and a night comes to the same with them."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction

from licensing.log import sequencer
from licensing.usage.totals import of_leaves
from valuation import night, tasks
from valuation.models import NightRun, ResidualLine, UsageMonth, UsageStretch, UsageTotal
from valuation.residuals import stretches, totals

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("without_statements")]

TODAY = date(2026, 10, 2)
MORNING, EVENING = datetime(2026, 10, 2, 8, tzinfo=UTC), datetime(2026, 10, 2, 20, tzinfo=UTC)
YESTERDAY, TOMORROW = MORNING - timedelta(days=1), MORNING + timedelta(days=1)


@pytest.fixture(autouse=True)
def of_two_batches(monkeypatch):
    monkeypatch.setattr(stretches, "BATCHES", 2)


@pytest.fixture
def sealed(world):
    """Report uses of these quantities, a batch each, and seal them at an instant."""
    world.line(unit_price=D(1))

    def seal(*quantities, at=MORNING):
        for quantity in quantities:
            world.use(quantity)
        sequencer.seal(at=at)

    return seal


def spans():
    return list(UsageStretch.objects.order_by("pk").values_list("from_index", "to_index"))


def lines_added_up():
    return list(UsageTotal.objects.order_by("first_index").values_list("lines", flat=True))


def posted(**which):
    return list(
        ResidualLine.objects.filter(**which).order_by("pk").values_list("amount", flat=True)
    )


def run_night(as_of=TODAY, zone="UTC"):
    return night.rate_and_match(as_of=as_of, now=TOMORROW, zone=zone)


# What is added up when


def test_much_of_a_day_is_added_up_while_it_lasts_and_the_rest_once_it_is_over(sealed):
    sealed("1", "2", "3", "4", "5")

    assert stretches.add_up_sealed(now=EVENING) == 4
    assert spans() == [(0, 2), (2, 4)]
    assert stretches.add_up_sealed(now=EVENING) == 0
    assert stretches.add_up_sealed(now=TOMORROW) == 1
    assert lines_added_up() == [3, 7, 5]


def test_a_stretch_has_leaves_of_one_day(sealed):
    sealed("1", at=YESTERDAY)
    sealed("2", "4", "8")

    stretches.add_up_sealed(now=EVENING)

    assert spans() == [(0, 1), (1, 3)]


def test_a_clock_that_was_set_back_begins_its_day_anew(sealed):
    sealed("1")
    sealed("2", at=TOMORROW)
    sealed("4")

    stretches.add_up_sealed(now=TOMORROW)

    assert spans() == [(0, 1), (1, 2), (2, 3)]


def test_days_are_those_of_the_zone(sealed):
    sealed("1", at=datetime(2026, 10, 2, 3, tzinfo=UTC))
    sealed("2", at=datetime(2026, 10, 2, 5, tzinfo=UTC))

    # Midnight in New York is four hours later.
    stretches.add_up_sealed(now=EVENING, zone="America/New_York")

    assert spans() == [(0, 1)]


def test_what_is_not_sealed_is_not_added_up(world):
    world.use("1", "2")

    assert stretches.add_up_sealed(now=TOMORROW) == 0
    assert lines_added_up() == []


def test_what_names_no_agreement_is_added_up_too(world):
    world.use("3", agreement=None, standing="uncleared")
    sequencer.seal(at=MORNING)

    stretches.add_up_sealed(now=TOMORROW)

    assert list(UsageTotal.objects.values_list("agreement", "lines")) == [(None, 3)]
    assert list(UsageMonth.objects.values_list("agreement", "lines")) == [(None, 3)]


def test_an_event_of_a_stretch_is_added_up_in_full_or_not_at_all(sealed, monkeypatch):
    sealed("1", "2")
    monkeypatch.setattr(stretches.UsageStretch.objects, "create", None)

    with pytest.raises(TypeError):
        stretches.add_up_sealed(now=EVENING)

    assert (spans(), lines_added_up()) == ([], [])


# What the night makes of it


def test_a_night_adds_up_only_what_is_left(sealed, monkeypatch):
    sealed("1", "2", "3")
    stretches.add_up_sealed(now=EVENING)
    added = []
    insert = of_leaves.insert_totals

    def insert_and_tell(**told):
        added.append((told["from_index"], told["to_index"]))
        insert(**told)

    monkeypatch.setattr(of_leaves, "insert_totals", insert_and_tell)
    run = run_night()

    assert set(added) == {(2, 3)}
    assert (run.added_until, run.events_read, run.events_rated) == (2, 3, 3)
    assert sum(posted()) == 6


def test_a_night_of_yesterday_rates_nothing_of_what_was_added_up_today(sealed):
    sealed("1", at=YESTERDAY)
    sealed("2", "4", "8", "16")
    stretches.add_up_sealed(now=EVENING)

    before = run_night(YESTERDAY.date())

    assert (before.events_read, sum(posted())) == (1, 1)
    assert list(UsageTotal.objects.read().values_list("lines", flat=True)) == [1]
    after = run_night()
    assert (after.events_read, sum(posted(run=after))) == (4, 30)


def test_what_a_night_of_another_zone_would_cut_is_added_up_anew(sealed):
    sealed("1", at=YESTERDAY)
    sealed("2", at=datetime(2026, 10, 2, 3, tzinfo=UTC))
    sealed("4", at=datetime(2026, 10, 2, 5, tzinfo=UTC))
    sealed("8", "16", at=EVENING)
    stretches.add_up_sealed(now=TOMORROW)
    assert spans() == [(0, 1), (1, 3), (3, 5)]

    first = run_night(YESTERDAY.date(), zone="America/New_York")

    assert (first.added_until, first.to_index) == (1, 2)
    assert (sum(posted()), spans()) == (3, [(0, 1)])
    assert stretches.add_up_sealed(now=TOMORROW) == 3
    second = run_night()
    assert (sum(posted(run=second)), sum(lines_added_up())) == (28, 31)
    verified()


def test_a_killed_night_goes_on_from_what_was_added_up_before_it_began(sealed):
    sealed("1", "2", "3")
    stretches.add_up_sealed(now=EVENING)
    killed = night.start(TODAY, TOMORROW, "UTC")
    sealed("4", "5", at=EVENING)
    stretches.add_up_sealed(now=TOMORROW)
    assert spans() == [(0, 2), (3, 5)]

    run_night()

    assert sum(posted(run=killed)) == 6
    assert sum(posted()) == 15
    verified()


def test_what_was_left_of_an_agreement_that_failed_is_added_up_all_the_same(sealed, monkeypatch):
    sealed("1", "2", "4")
    stretches.add_up_sealed(now=EVENING)
    with monkeypatch.context() as patched:
        patched.setattr(night, "rate_and_post", lambda **_: 1 / 0)
        assert run_night().events_held == 3

    assert lines_added_up() == [3, 4]
    run_night()
    assert sum(posted()) == 7
    verified()


def test_use_that_is_ahead_of_the_nights_is_shown_nowhere_and_then_once(sealed):
    sealed("1", "2")
    stretches.add_up_sealed(now=EVENING)

    assert not UsageTotal.objects.read().exists()
    assert not UsageMonth.objects.read().exists()
    run_night()
    assert UsageMonth.objects.read().get().lines == 3


def test_two_kinds_of_use_that_came_in_many_stretches_are_priced_as_in_one_night(world, sealed):
    world.line(code="french", unit_price=D(10), territories=["FR"])
    for territory in ("FR", "US", "FR", "US", "FR"):
        world.use("1", territory=territory)
    sequencer.seal(at=MORNING)
    stretches.add_up_sealed(now=TOMORROW)

    run_night()

    assert sorted(posted()) == [5, 30]


# Whoever adds up


def test_the_task_adds_up_and_a_second_worker_leaves_it_to_the_first(sealed, monkeypatch):
    sealed("1", "2")

    @contextmanager
    def held_by_another(name, **told):
        yield False

    with monkeypatch.context() as patched:
        patched.setattr(tasks, "hold_lock", held_by_another)
        assert tasks.add_up_sealed() == 0
    assert tasks.add_up_sealed() == 2


def test_a_total_cannot_be_changed(sealed):
    sealed("1", "2")
    stretches.add_up_sealed(now=EVENING)

    for model in (UsageTotal, UsageMonth):
        with pytest.raises(DatabaseError, match="Cannot update or delete"), transaction.atomic():
            model.objects.update(lines=9)


# Two sessions

# Of locks, since what a transaction sees of other sessions stays as it saw it first.
WAITING = """
    SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
    WHERE datname = current_database() AND locktype = 'advisory' AND NOT granted
"""
BOTH = {
    "adding up": lambda: stretches.add_up_sealed(now=TOMORROW),
    "a night": lambda: night.start(TODAY, TOMORROW, "UTC").pk,
}


def come_to_wait(other):
    """Wait until what runs in another session waits for a lock, or is done."""
    deadline = time.monotonic() + 30
    while not other.done():
        with connection.cursor() as cursor:
            cursor.execute(WAITING)
            if cursor.fetchone()[0]:
                return
        assert time.monotonic() < deadline, "It neither waits nor ends."
        time.sleep(0.02)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("first", "held_in"), [("adding up", "added_up_to"), ("a night", "add_new_leaves")]
)
def test_adding_up_and_a_night_that_begin_at_once_count_each_batch_once(
    sealed, monkeypatch, first, held_in
):
    """The other one begins while the first has seen how far usage is added up, and not yet said."""
    sealed("1", "2", "4")
    (second,) = BOTH.keys() - {first}
    began = []

    def run_the_second():
        try:
            BOTH[second]()
        finally:
            connection.close()

    def go_on_beside(*told):
        came_to = real(*told)
        if not began:
            began.append(pool.submit(run_the_second))
            come_to_wait(began[0])
        return came_to

    real = getattr(totals, held_in)
    monkeypatch.setattr(totals, held_in, go_on_beside)
    with ThreadPoolExecutor() as pool:
        BOTH[first]()
    began[0].result()
    monkeypatch.undo()
    run = NightRun.objects.get()
    night.finish(run, TOMORROW)

    assert sum(lines_added_up()) == 7
    assert sum(posted()) == 7
    assert (run.events_read, run.events_rated) == (3, 3)
    assert spans() == ([(0, 2)] if first == "adding up" else [])
    verified()


def verified():
    said = StringIO()
    call_command("night", "--verify", stdout=said)
    assert "all sums are what their events add up to, and totals theirs." in said.getvalue()
