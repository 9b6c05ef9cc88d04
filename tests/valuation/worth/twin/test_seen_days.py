"""Seen days: kept from new leaves only, equal to the log, the same for the same known instant."""

from datetime import date, datetime, timedelta
from decimal import Decimal as D

import pytest
from django.db import transaction
from django.db.models import Sum
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from licensing.log import sequencer
from licensing.models import LicenseeTerms, UsageEvent
from licensing.usage.totals.seen_time import FIGURES, SEEN_BY, leaves_known, seen_time
from talent.models import Agency
from tests import factories
from tests.valuation.world import TONIGHT
from valuation.models import Congruence, ExposureRun, SeenTime
from valuation.worth.twin.seen_days import add_new_leaves, compare_seen_time, seen_days

JULY_15, TODAY = date(2026, 7, 15), date(2026, 11, 22)


def hours(world, *, as_of=TODAY, known_at=None, agency=None):
    known = seen_days(
        agency_id=(agency or world.agency).pk, twin_id=world.twin.pk, as_of=as_of, known_at=known_at
    )
    return {(told.on, told.channel): told.hours for told in known.hours}


def sealed(at=TONIGHT):
    sequencer.seal(at=at)


def added(at=TONIGHT):
    sequencer.seal(at=at)
    return add_new_leaves(now=at)


def test_an_amendment_from_ten_hours_to_one_lowers_exposure(world):
    """As if one hour had been reported, whether its night came between or not."""
    use = UsageEvent.objects.get(batch=world.use("36000", meter="seconds"))
    added()
    assert hours(world) == {(JULY_15, "streaming"): 10}

    world.amend(use, "3600", meter="seconds")
    added()

    assert hours(world) == {(JULY_15, "streaming"): 1}
    assert SeenTime.objects.count() == 2


def test_an_amended_day_and_channel_leave_the_old_ones(world):
    use = UsageEvent.objects.get(batch=world.use("36000", meter="seconds"))
    added()
    later = use.occurred_at + timedelta(days=3)
    world.amend(use, "36000", meter="seconds", occurred_at=later, channel="cinema")

    added()

    assert hours(world) == {(date(2026, 7, 18), "cinema"): 10}


def test_a_ruling_says_what_a_use_costs_and_not_that_nobody_saw_it(world):
    world.use("36000", meter="seconds", standing="out_of_scope")
    added()
    before = hours(world)

    world.rule(UsageEvent.objects.get(), "zero")
    added()

    assert hours(world) == before == {(JULY_15, "streaming"): 10}


def test_another_agencys_use_of_the_same_twin_is_not_seen(world, elsewhere):
    """Else its hours would move this agency's figures, and tell of its business."""
    world.use("36000", meter="seconds")
    factories.represent(elsewhere, world.performer)
    theirs = LicenseeTerms.objects.create(agency=elsewhere, licensee=world.licensee)
    factories.make_uses(theirs, world.twin, D(1), at=TONIGHT, seconds=D(7200), channel="cinema")
    added()

    assert hours(world) == {(JULY_15, "streaming"): 10}
    assert hours(world, agency=elsewhere) == {(TODAY, "cinema"): 2}


def test_what_became_known_later_counts_only_for_who_knows_it(world):
    """The same (as_of, known_at) has the same answer, from the sums and before there are any."""
    use = UsageEvent.objects.get(batch=world.use("36000", meter="seconds"))
    added(TONIGHT)
    tomorrow = TONIGHT + timedelta(days=1)
    world.amend(use, "3600", meter="seconds")
    world.use("7200", meter="seconds", on="2026-07-16")
    sealed(tomorrow)

    then = hours(world, known_at=TONIGHT)
    now = hours(world, known_at=tomorrow)
    assert then == {(JULY_15, "streaming"): 10}
    assert now == {(JULY_15, "streaming"): 1, (date(2026, 7, 16), "streaming"): 2}

    add_new_leaves(now=tomorrow + timedelta(days=9))
    assert (hours(world, known_at=TONIGHT), hours(world, known_at=tomorrow)) == (then, now)


def test_a_use_counts_from_its_own_day_in_the_zone_of_its_agreement(world):
    world.agreement.time_zone = "America/Los_Angeles"
    world.agreement.save()
    early = datetime.fromisoformat("2026-07-15T03:00:00+00:00")
    world.use("3600", meter="seconds", occurred_at=early)
    added()

    assert hours(world) == {(date(2026, 7, 14), "streaming"): 1}
    assert hours(world, as_of=date(2026, 7, 13)) == {}


def test_uses_that_say_nothing_of_time_are_counted_and_told(world):
    use = UsageEvent.objects.get(batch=world.use("40"))
    world.use("3600", meter="seconds")
    added()

    def unmeasured():
        return seen_days(agency_id=world.agency.pk, twin_id=world.twin.pk, as_of=TODAY).unmeasured

    assert unmeasured() == 1
    world.amend(use, "0")
    added()
    assert unmeasured() == 0


def test_fit_is_that_which_names_more_and_was_recorded_last(world, production, affairs):
    def judge(fit, **about):
        Congruence.objects.create(
            agency=world.agency, fit=fit, counts_from=date(2026, 1, 1), source="The agent",
            confidence="unverified", recorded_at=TONIGHT, recorded_by=affairs, **about,
        )  # fmt: skip

    world.use("3600", meter="seconds")
    world.use("3600", meter="seconds", production=production, use="feature")
    added()
    judge("0.2")
    judge("-0.4", use="dubbing")
    judge("0.9", production=production)

    known = seen_days(agency_id=world.agency.pk, twin_id=world.twin.pk, as_of=TODAY)
    assert {told.category: told.congruence for told in known.hours} == {
        "dubbing": D("-0.4"),
        "feature": D("0.9"),
    }


@pytest.mark.parametrize("once", [1, 3])
def test_running_again_adds_nothing_and_a_stretch_cuts_no_batch(world, once):
    for _ in range(3):
        world.use("3600", "1800", meter="seconds")
    sequencer.seal(at=TONIGHT)

    assert add_new_leaves(now=TONIGHT, at_once=once) == {1: 3, 3: 2}[once]
    assert add_new_leaves(now=TONIGHT, at_once=once) == 0
    ends = list(ExposureRun.objects.order_by("pk").values_list("from_index", "to_index"))
    assert ends[0][0] == 0
    assert ends[-1][1] == leaves_known() == 6
    assert hours(world) == {(JULY_15, "streaming"): D("4.5")}


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("use"), st.integers(0, 90_000), st.integers(1, 28)),
        st.tuples(st.just("amend"), st.integers(0, 90_000), st.integers(0, 5)),
        st.tuples(st.just("night"), st.just(0), st.just(0)),
    ),
    max_size=12,
)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_kept_night_by_night_it_is_what_a_count_from_nothing_gives(world, steps):
    with transaction.atomic():
        _live(world, steps)
        added()

        names = [name.removesuffix("_id") for name in SEEN_BY]
        kept = SeenTime.objects.values_list(*names).annotate(*(Sum(one) for one in FIGURES))
        told = seen_time(
            agency_id=world.agency.pk, twin_id=world.twin.pk, from_index=0, to_index=leaves_known()
        )
        anew = {tuple(row.values()) for row in told}
        assert {row for row in kept if row[-2] or row[-1]} == anew
        assert all(compared.differences == () for compared in compare_seen_time())
        transaction.set_rollback(True)


def _live(world, steps):
    standing = []
    for step, seconds, place in steps:
        if step == "use":
            batch = world.use(str(seconds), meter="seconds", on=f"2026-07-{place:02}")
            standing.append(UsageEvent.objects.get(batch=batch))
        elif step == "amend" and standing:
            at = place % len(standing)
            standing[at] = world.amend(standing[at], str(seconds), meter="seconds")
        elif step == "night":
            added()


def test_the_check_names_what_differs(world):
    world.use("3600", meter="seconds")
    added()
    run = ExposureRun.objects.get()
    SeenTime.objects.create(
        run=run, agency=Agency.objects.get(pk=world.agency.pk), twin=world.twin,
        licensee=world.licensee, use="dubbing", channel="cinema", on=JULY_15, seconds=60,
        unmeasured=0,
    )  # fmt: skip

    (compared,) = compare_seen_time()

    (difference,) = compared.differences
    assert (difference["channel"], difference["seconds"]) == ("cinema", 60)
