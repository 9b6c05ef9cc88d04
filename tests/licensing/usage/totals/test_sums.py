"""The sums of batches: written with the events, and equal to what the events add up to."""

from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.db import DatabaseError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from licensing.log import sequencer
from licensing.models import RateCard, RateLine, UsageBatch, UsageEvent, UsageSum
from licensing.usage.events.event_types import AMENDMENT
from licensing.usage.recording.record import record_events
from licensing.usage.rulings import rule
from licensing.usage.totals.check import compare_sums
from licensing.usage.totals.sums import store_missing_sums
from licensing.words import Treatment
from tests.factories import NOW

pytestmark = pytest.mark.django_db
SOURCE = "https://studio.example/dub"


@pytest.fixture
def amend(use):
    def make(key, *, of, lines):
        replaced = {"replaces": {"source": SOURCE, "id": of}}
        return use(key, type=AMENDMENT.type, data=replaced | quantities(lines))

    return make


@pytest.fixture
def decide(affairs):
    def decide(event_id, treatment):
        return rule(
            event_id=event_id,
            treatment=treatment,
            reason="Agreed.",
            by=affairs,
            role="business_affairs",
            at=NOW,
        )

    return decide


def quantities(lines):
    return {"quantities": {"lines": str(lines)}}


def sums(*names):
    return list(UsageSum.objects.order_by("batch", "pk").values_list(*names))


def differences():
    return [difference for slice_ in compare_sums() for difference in slice_.differences]


def test_a_batch_is_added_up_by_all_that_a_rate_can_see(use, origin):
    record_events(
        [
            use("a", data=quantities(3)),
            use("b", data=quantities(4)),
            use("c", data=quantities(5) | {"language": "de"}),
            use("d", data=quantities(6), time="2026-06-01T00:00:00Z"),
        ],
        origin,
    )

    told = {(row[0], row[1].month): row[2:] for row in sums("language", "month_on", "events",
            "leaves", "first_seat", "last_seat", "lines", "words")}  # fmt: skip
    assert told == {
        ("fr", 5): (2, 2, 0, 1, D(7), None),
        ("de", 5): (1, 1, 2, 2, D(5), None),
        ("fr", 6): (1, 1, 3, 3, D(6), None),
    }


def test_the_month_is_that_of_the_agreement(use, origin, agreement):
    type(agreement).objects.update(time_zone="America/Los_Angeles")

    record_events([use(time="2026-06-01T03:00:00Z")], origin)

    ((month_on,),) = sums("month_on")
    assert month_on.month == 5


def test_an_amendment_takes_back_and_adds(use, amend, origin):
    record_events([use("a", data=quantities(90))], origin)
    record_events([amend("b", of="a", lines=10)], origin)

    told = sums("events", "leaves", "lines")
    assert sorted(told[1:]) == [(-1, 0, D(-90)), (1, 1, D(10))]


def test_an_amendment_in_the_batch_of_what_it_amends_comes_to_the_same(use, amend, origin):
    record_events([use("a", data=quantities(90)), amend("b", of="a", lines=10)], origin)

    assert UsageSum.objects.count() == 3
    assert not differences()


def test_a_ruling_moves_a_use_to_another_treatment(use, origin, decide):
    (outcome,) = record_events([use("a", data=quantities(5))], origin)
    decide(outcome.event_id, Treatment.ZERO)
    decide(outcome.event_id, Treatment.HELD)

    told = sums("treatment", "events", "leaves", "lines")
    assert told[0] == ("", 1, 1, D(5))
    assert sorted(told[1:3]) == [("", -1, 0, D(-5)), ("zero", 1, 1, D(5))]
    assert sorted(told[3:]) == [("held", 1, 1, D(5)), ("zero", -1, 0, D(-5))]


def test_a_use_ahead_of_its_time_counts_from_the_day_after_it(use, origin):
    record_events([use(time=(NOW + timedelta(days=40)).isoformat())], origin)

    ((counts_from,),) = sums("counts_from")
    assert counts_from == (NOW + timedelta(days=41)).date()


def test_quantities_stay_apart_where_a_rate_rounds_each_event(use, origin, agreement):
    card = RateCard.objects.create(agreement=agreement, effective_from="2026-01-01")
    RateLine.objects.create(
        card=card, code="l", label="Lines", meter="lines", unit_price=1,
        pricing="per_unit", round_quantity="per_event_up", round_to=10,
    )  # fmt: skip

    record_events([use(key, data=quantities(lines)) for key, lines in ("a3", "b3", "c4")], origin)

    assert sorted(sums("uniform", "events", "lines")) == [(True, 1, D(4)), (True, 2, D(6))]


def test_what_was_sent_before_is_added_up_once(use, origin):
    record_events([use("a")], origin)
    record_events([use("a"), use("b")], origin)

    assert sums("leaves") == [(1,), (1,)]


def test_a_batch_that_is_not_kept_leaves_no_sums(use, origin):
    with transaction.atomic():
        record_events([use()], origin)
        transaction.set_rollback(True)

    assert not UsageSum.objects.exists()


def test_a_sum_is_never_changed(use, origin):
    record_events([use()], origin)

    with pytest.raises(DatabaseError, match="Cannot update or delete"):
        UsageSum.objects.update(lines=D(9))


# Batches from before there were sums


def forget_sums():
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE licensing_usagesum")


def test_batches_from_before_are_added_up_once(use, amend, origin):
    record_events([use("a", data=quantities(90)), use("b")], origin)
    record_events([amend("c", of="a", lines=10)], origin)
    names = ("bucket", "batch", "events", "leaves", "lines", "first_seat", "last_seat")
    before = sums(*names)
    forget_sums()
    sequencer.seal(at=NOW)

    assert store_missing_sums(from_index=0, to_index=99) == 2
    assert store_missing_sums(from_index=0, to_index=99) == 0

    assert sorted(sums(*names)) == sorted(before)


# The check


def test_a_sum_that_says_more_than_its_events_is_named(use, origin):
    record_events([use("a", data=quantities(90))], origin)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE licensing_usagesum DISABLE TRIGGER USER")
        cursor.execute("UPDATE licensing_usagesum SET lines = 93, events = 2")
        cursor.execute("ALTER TABLE licensing_usagesum ENABLE TRIGGER USER")

    (difference,) = differences()

    assert difference.more == {"events": 1, "lines": D(3)}
    assert difference.batch_id == UsageBatch.objects.get().pk


def test_a_batch_without_sums_differs_by_all_of_its_events(use, origin):
    record_events([use("a", data=quantities(90))], origin)
    forget_sums()

    (difference,) = differences()

    assert difference.more == {"events": -1, "leaves": -1, "lines": D(-90)}


def test_a_rate_that_rounds_each_event_later_is_no_difference(use, origin, agreement):
    test_quantities_stay_apart_where_a_rate_rounds_each_event(use, origin, agreement)
    RateLine.objects.update(round_quantity="never")

    assert not differences()


# The law

KEYS = st.sampled_from("abcdefgh")
USES = st.tuples(st.just("use"), KEYS, st.integers(0, 9), st.sampled_from(["fr", "de"]))
AMENDMENTS = st.tuples(st.just("amend"), KEYS, st.integers(0, 9), KEYS)
RULINGS = st.tuples(st.just("rule"), st.integers(0, 9), st.sampled_from(list(Treatment)))
BATCHES = st.lists(st.one_of(USES, AMENDMENTS), min_size=1, max_size=6)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    max_examples=settings().max_examples if settings().max_examples >= 1_000 else 15,
)
@given(history=st.lists(st.one_of(BATCHES, RULINGS), min_size=1, max_size=6))
def test_whatever_comes_the_sums_say_what_the_events_say(history, use, amend, origin, decide):
    """In whatever batches; what is refused or was known is in neither."""

    def envelope(kind, key, lines, other):
        if kind == "amend":
            return amend(f"{key}-{other}-{lines}", of=other, lines=lines)
        return use(key, data=quantities(lines) | {"language": other})

    with transaction.atomic():
        for happening in history:
            if isinstance(happening, tuple):
                _, place, treatment = happening
                events = UsageEvent.objects.exclude(kind="ruling").order_by("pk")
                to_rule_on = list(events.to_rule_on())
                if to_rule_on:
                    decide(to_rule_on[place % len(to_rule_on)].pk, treatment)
            else:
                record_events([envelope(*sent) for sent in happening], origin)
        leaves = sum(row[0] for row in sums("leaves"))
        assert leaves == UsageEvent.objects.count()
        assert not differences()
        transaction.set_rollback(True)
