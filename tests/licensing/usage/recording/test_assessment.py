"""How a use stands: found as of its own time, never a reason to drop it."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from licensing.models import Agreement, Brand, Cap, CapYear, DeadLetter, Hold, UsageEvent
from licensing.usage.recording.record import record_events
from licensing.usage.sandbox import rehearsal
from talent.consent.scope import Limit, Scope
from talent.models import ConsentVersion
from tests.factories import record_consent

pytestmark = pytest.mark.django_db


def told(outcomes):
    return [outcome.standing for outcome in outcomes]


def test_a_use_inside_consent_and_agreement_is_cleared(use, origin, performer):
    record_consent(performer=performer)

    (outcome,) = record_events([use()], origin)

    assert outcome.standing == "cleared"


def test_a_use_nobody_allowed_is_kept_as_uncleared(use, origin):
    (outcome,) = record_events([use()], origin)

    assert outcome.standing == "uncleared"
    assert UsageEvent.objects.get().standing_reason


@pytest.mark.parametrize(
    ("stated", "kept", "standing"),
    [
        ({}, (None, ""), "out_of_scope"),
        ({"content": ["none"], "brand": "none"}, ([], "none"), "cleared"),
        ({"content": ["alcohol"], "brand": "Pop"}, (["alcohol"], "pop"), "cleared"),
        ({"content": ["alcohol"], "brand": "fizz"}, (["alcohol"], "fizz"), "out_of_scope"),
        ({"content": ["hate"], "brand": "pop"}, (["hate"], "pop"), "out_of_scope"),
    ],
    ids=["silent", "none", "others", "brand left out", "content left out"],
)
def test_a_use_keeps_the_content_and_brand_it_states_and_stands_by_them(
    use, origin, performer, stated, kept, standing
):
    for name in ("Fizz", "Pop"):
        Brand.objects.create(name=name, slug=name.lower(), categories=["alcohol"])
    scope = Scope(exclusions=frozenset({"hate"}), brands_excluded=frozenset({"fizz"}))
    record_consent(performer=performer, scope=scope)

    (outcome,) = record_events([use(data=stated)], origin)

    event = UsageEvent.objects.get()
    assert (event.content, event.brand) == kept
    assert outcome.standing == standing


def test_a_use_outside_the_term_is_kept_as_out_of_scope(use, origin, performer):
    record_consent(performer=performer, at=datetime(1990, 1, 1, tzinfo=UTC))

    outcomes = record_events(
        [use("a", time="2031-01-01T00:00:00Z"), use("b", time="1999-01-01T00:00:00Z")], origin
    )

    assert told(outcomes) == ["out_of_scope", "out_of_scope"]
    assert UsageEvent.objects.count() == 2


@pytest.mark.parametrize(
    "time",
    ["0001-01-01T00:00:00Z", "1989-12-31T23:59:59Z", "2062-11-22T10:00:00Z",
     "9999-12-31T23:59:59Z", "9999-12-31T23:59:59-12:00"],
)  # fmt: skip
def test_a_time_nobody_can_mean_is_a_dead_letter_and_takes_no_other_with_it(use, origin, time):
    Cap.objects.create(
        agreement=Agreement.objects.get(), meter="lines", limit=D(10), starts_on=date(2020, 1, 1)
    )

    slip, kept = record_events([use("slip", time=time), use("kept")], origin)

    assert kept.event_id
    assert [(fault.pointer, fault.code) for fault in slip.faults] in (
        [("/time", "implausible_time")],
        [("/time", "unreadable_time")],
    )
    assert DeadLetter.objects.get().key == "slip"


def test_the_largest_quantities_fit_a_cap_and_stop_no_batch(use, origin):
    Cap.objects.create(
        agreement=Agreement.objects.get(), meter="lines", limit=D(10), starts_on=date(2020, 1, 1)
    )
    largest = {"quantities": {"lines": "99999999999999.999999"}}

    record_events([use("a", data=largest), use("b", data=largest)], origin)

    assert CapYear.objects.get().used == 2 * D("99999999999999.999999")


@pytest.mark.parametrize(("minutes", "flagged"), [(-1, False), (5, False), (6, True)])
def test_a_use_ahead_of_its_receipt_is_kept_and_flagged(use, origin, performer, minutes, flagged):
    record_consent(performer=performer)
    at = origin.received_at + timedelta(minutes=minutes)

    (outcome,) = record_events([use(time=at.isoformat())], origin)

    assert outcome.standing == "cleared"
    reason = UsageEvent.objects.get().standing_reason
    said = f"In the future when it came: held until it has happened, {at:%Y-%m-%d %H:%M} UTC. "
    assert reason.startswith(said) if flagged else "future" not in reason
    assert reason.endswith("Dubbing.")


def test_the_consent_that_counts_is_that_of_the_time_of_use(use, origin, performer):
    record_consent(performer=performer)
    record_consent("deny", performer=performer, at=datetime(2026, 6, 1, tzinfo=UTC))

    outcomes = record_events(
        [use("before", time="2026-05-31T23:59:59Z"), use("after", time="2026-06-01T00:00:00Z")],
        origin,
    )

    assert told(outcomes) == ["cleared", "uncleared"]


def test_a_territory_outside_the_consent_is_out_of_scope(use, origin, performer):
    record_consent(performer=performer, scope=Scope(territories=frozenset({"DE"})))

    (outcome,) = record_events([use()], origin)

    assert outcome.standing == "out_of_scope"


def test_a_use_under_a_hold_is_on_hold(use, origin, performer, twin):
    record_consent(performer=performer)
    Hold.objects.create(
        kind="strike", twin=twin, starts_at="2026-05-01T00:00:00Z", reason="A strike."
    )

    (outcome,) = record_events([use()], origin)

    assert outcome.standing == "on_hold"


@pytest.fixture
def cap(agreement, performer):
    record_consent(performer=performer)
    return Cap.objects.create(agreement=agreement, meter="lines", limit=10, starts_on="2026-01-01")


def lines(use, key, quantity, **attributes):
    return use(key, data={"quantities": {"lines": str(quantity)}}, **attributes)


def test_the_event_that_crosses_a_cap_keeps_its_part_within_and_its_part_over(use, origin, cap):
    outcomes = record_events([lines(use, "a", 6), lines(use, "b", 6), lines(use, "c", 3)], origin)

    assert told(outcomes) == ["cleared", "over_cap", "over_cap"]
    assert list(UsageEvent.objects.order_by("seat").values_list("over", flat=True)) == [
        None,
        D(2),
        D(3),
    ]
    assert CapYear.objects.get().used == 15


def test_a_use_that_room_would_not_help_has_no_part_within(use, origin, cap, twin):
    Hold.objects.create(kind="dispute", twin=twin, starts_at="2026-05-01T00:00:00Z", reason="Suit")

    record_events([lines(use, "a", 12)], origin)

    event = UsageEvent.objects.get()
    assert (event.standing, event.over, event.over_meter) == ("on_hold", None, "")
    assert CapYear.objects.get().used == 12


def test_the_hours_of_a_consent_are_used_up_within_a_batch_too(use, origin, performer):
    record_consent(performer=performer, scope=Scope(limits=(Limit("seconds", D(3600)),)))
    sent = [use(f"take-{n}", data={"quantities": {"seconds": "1800"}}) for n in range(3)]

    assert told(record_events(sent, origin)) == ["cleared", "cleared", "over_cap"]


def test_a_cap_remembers_the_batches_before(use, origin, cap):
    record_events([lines(use, "a", 9)], origin)

    outcomes = record_events([lines(use, "b", 1), lines(use, "c", 1)], origin)

    assert told(outcomes) == ["cleared", "over_cap"]
    assert CapYear.objects.get().used == 11


def test_a_replay_consumes_nothing(use, origin, cap):
    record_events([lines(use, "a", 9)], origin)
    record_events([lines(use, "a", 9)], origin)

    assert CapYear.objects.get().used == 9


def test_a_use_that_is_not_cleared_consumes_its_cap_too(use, origin, cap):
    record_events([lines(use, "a", 9, time="2026-05-04T00:00:00Z")], origin)
    elsewhere = use("b", data={"right": "face", "quantities": {"lines": "1"}})

    record_events([elsewhere], origin)

    assert CapYear.objects.get().used == 10


def test_a_use_without_the_caps_meter_is_uncleared(use, origin, cap):
    (outcome,) = record_events([use(data={"quantities": {"words": "3"}})], origin)

    assert outcome.standing == "uncleared"
    assert CapYear.objects.get().used == 0


def test_a_cap_counts_its_channels_and_its_year_only(use, origin, cap):
    Cap.objects.filter(pk=cap.pk).update(channels=["cinema"])

    record_events([lines(use, "a", 9), use("b", data={"channel": "game"})], origin)

    assert CapYear.objects.get().used == 9
    assert CapYear.objects.get().starts_on.isoformat() == "2026-01-01"


def test_what_the_desk_learned_later_does_not_count(use, origin, performer):
    record_consent(performer=performer, at=datetime(2026, 11, 25, tzinfo=UTC))
    backdated = ConsentVersion.objects.get()
    assert backdated.recorded_at > origin.received_at

    (early,) = record_events([use("early", time="2026-11-26T00:00:00Z")], origin)
    later = replace(origin, received_at=datetime(2026, 11, 27, tzinfo=UTC))
    (late,) = record_events([use("late", time="2026-11-26T00:00:00Z")], later)

    assert (early.standing, late.standing) == ("uncleared", "cleared")


REPORTED = st.fixed_dictionaries({
    "time": st.sampled_from([f"2026-{day}T12:00:00Z" for day in ("02-01", "05-31", "06-01")]),
    "territory": st.sampled_from(["FR", "DE"]),
    "channel": st.sampled_from(["cinema", "game"]),
    "quantities": st.fixed_dictionaries(
        {"lines": st.sampled_from(["1", "4", "7"])},
        optional={"seconds": st.sampled_from(["600", "1800"])},
    ),
})  # fmt: skip


@pytest.fixture
def world(agreement, performer, twin):
    """Consents of two times, one with hours, caps of which one is soft, and a hold."""
    first = Scope(territories=frozenset({"FR", "DE"}), limits=(Limit("seconds", D(3600)),))
    second = Scope(territories=frozenset({"FR"}))
    record_consent(performer=performer, at=datetime(2025, 1, 1, tzinfo=UTC), scope=first)
    record_consent(performer=performer, at=datetime(2026, 6, 1, tzinfo=UTC), scope=second)
    for meter_, limit, hard in (
        ("lines", 10, True),
        ("lines", 15, False),
        ("seconds", 4_000, True),
    ):
        Cap.objects.create(
            agreement=agreement, meter=meter_, limit=limit, hard=hard, starts_on="2026-03-01",
            channels=["cinema"] if meter_ == "seconds" else None,
        )  # fmt: skip
    Hold.objects.create(
        kind="dispute", twin=twin, starts_at="2026-06-01T00:00:00Z", reason="A suit."
    )


@given(sent=st.lists(REPORTED, max_size=8))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_events_of_a_batch_stand_as_they_would_one_by_one(use, origin, world, sent):
    events = [
        use(f"take-{n}", time=one["time"], data={k: v for k, v in one.items() if k != "time"})
        for n, one in enumerate(sent)
    ]

    with rehearsal():
        record_events(events, origin)
        together = stands()
    with rehearsal():
        for number, event in enumerate(events):
            later = replace(origin, received_at=origin.received_at + timedelta(seconds=number))
            record_events([event], later)
        alone = stands()

    assert together == alone


def stands():
    events = UsageEvent.objects.order_by("pk")
    caps = CapYear.objects.order_by("cap", "starts_on")
    return (
        list(events.values_list("standing", "standing_reason", "over", "over_meter")),
        list(caps.values_list("cap", "starts_on", "used")),
    )
