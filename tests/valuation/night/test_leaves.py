"""What the night makes of amendments, rulings, reports and uses that crossed a cap."""

from datetime import UTC, datetime
from decimal import Decimal as D

import pytest
from django.db import transaction
from django.db.models import Sum
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from licensing.models import UsageEvent
from tests.valuation.world import JULY, OCTOBER, TONIGHT, issue_july_statement
from valuation import night
from valuation.models import Reading, ResidualLine, UsageTotal

pytestmark = pytest.mark.usefixtures("without_statements")


def run_night(on=TONIGHT):
    run = night.run_night(as_of=on.date(), now=on)
    assert run.events_read == run.events_rated + run.events_held + run.events_zero
    return run


def counts(run):
    return run.events_read, run.events_rated, run.events_held, run.events_zero


def posted():
    return list(ResidualLine.objects.order_by("pk").values_list("amount", flat=True))


def event(batch):
    return UsageEvent.objects.get(batch=batch)


def used(world, quantity, **fields):
    return event(world.use(quantity, **fields))


# Amendments


def test_an_amendment_posts_the_difference(world):
    world.line(("100", "60"), (None, "45"))
    first = used(world, "90")
    run_night()
    world.amend(first, "136")

    run = run_night()

    # 90 × 60 = 5,400; then 100 × 60 + 36 × 45 = 7,620 less 5,400.
    assert posted() == [D("5400"), D("2220")]
    assert counts(run) == (1, 1, 0, 0)
    assert Reading.objects.get().events == 1


def test_an_amendment_of_the_same_night_counts_alone(world):
    world.line(unit_price=D("3.90"))
    world.amend(used(world, "90"), "10")

    run = run_night()

    assert posted() == [D("39")]
    assert counts(run) == (2, 2, 0, 0)


def test_the_last_of_a_chain_counts(world):
    world.line(unit_price=D(1))
    first = used(world, "5")
    run_night()
    world.amend(world.amend(first, "50"), "7")

    run_night()

    assert sum(posted()) == D(7)


def test_what_is_taken_back_leaves_no_reading(world):
    """Not even the fee of the first bracket, which a reading of nothing would cost."""
    line = world.line(("10", "2"), (None, "1"))
    line.brackets.filter(up_to=10).update(flat=D(50))
    world.factor("territory", "JP", "1.5")
    first = used(world, "5", territory="JP", on="2026-11-15")
    run_night()
    world.amend(first, "0")

    run_night()

    # (50 + 5 × 2) × 1.5, and all of it back; the quarter before owes its fee at factor 1.
    abroad = ResidualLine.objects.filter(reading__factor=D("1.5"))
    assert list(abroad.order_by("pk").values_list("amount", flat=True)) == [D("90"), D("-90")]


def test_an_amendment_of_a_closed_period_adjusts_the_open_one(world):
    world.line(("100", "60"), (None, "45"))
    first = used(world, "98")
    run_night()
    line = ResidualLine.objects.get()
    issue_july_statement(world)
    world.amend(first, "104")

    run_night()

    # 2 × 60 + 4 × 45, across the bracket's edge.
    late = ResidualLine.objects.latest("pk")
    assert (late.amount, late.period_on, late.adjusts) == (D("300"), OCTOBER, line)


def test_an_amendment_may_move_a_use_to_another_period(world):
    world.line(unit_price=D(2))
    first = used(world, "5", on="2026-09-30")
    run_night()
    world.amend(first, "5", occurred_at=datetime(2026, 10, 1, 12, tzinfo=UTC))

    run_night()

    grosses = Reading.objects.order_by("period_on").values_list("period_on", "gross")
    assert list(grosses) == [(JULY, D(0)), (OCTOBER, D(10))]
    assert posted() == [D(10), D(-10), D(10)]


def test_what_was_rounded_up_is_taken_back_rounded_up(world):
    world.line(unit_price=D(1), meter="seconds", round_quantity="per_event_up", round_to=D(60))
    batch = world.use("61", "59", meter="seconds")
    run_night()
    world.amend(UsageEvent.objects.filter(batch=batch).earliest("pk"), "1", meter="seconds")

    run_night()

    # 120 + 60; then 60 + 60.
    assert posted() == [D(180), D(-60)]


# Rulings


def outside(world, quantity="5", **fields):
    return used(world, quantity, standing="out_of_scope", **fields)


@pytest.mark.parametrize(
    ("treatment", "amount", "disposition"),
    [
        ("licensed", "5", (1, 1, 0, 0)),
        ("unlicensed", "125", (1, 1, 0, 0)),
        ("held", "0", (1, 0, 1, 0)),
        ("zero", "0", (1, 0, 0, 1)),
    ],
)
def test_a_ruling_moves_a_use_to_its_treatment(world, treatment, amount, disposition):
    world.line(unit_price=D(1))
    world.line(unit_price=D(25), code="unlicensed", unlicensed=True)
    use = outside(world)
    run_night()
    assert sum(posted()) == D(125)

    world.rule(use, treatment)
    run = run_night()

    assert sum(posted()) == D(amount)
    assert counts(run) == disposition


def test_what_was_held_is_paid_by_a_ruling_and_the_last_ruling_counts(world):
    world.line(unit_price=D(1))
    use = outside(world)
    run_night()
    for treatment, total in (("licensed", 5), ("zero", 0), ("licensed", 5), ("unlicensed", 0)):
        world.rule(use, treatment)
        run_night()
        assert sum(posted()) == D(total)


def test_a_ruling_does_not_outlive_the_event_it_was_about(world):
    """The studio could else ask for a little, and amend it to a lot."""
    world.line(unit_price=D(1))
    use = outside(world)
    world.rule(use, "licensed")
    run_night()
    world.amend(use, "500")

    run = run_night()

    assert posted() == [D(5), D(-5)]
    assert counts(run) == (1, 0, 1, 0)


def test_a_use_without_an_agreement_can_be_ruled_to_nothing(world):
    use = outside(world, agreement=None)
    assert counts(run_night()) == (1, 0, 1, 0)
    world.rule(use, "zero")

    assert counts(run_night()) == (1, 0, 0, 1)


# Past a cap


def crossing(world, quantity, over, standing="over_cap", **fields):
    """A use whose last part is past a cap on lines."""
    return used(world, quantity, over=D(over), over_meter="lines", standing=standing, **fields)


@pytest.mark.parametrize("standing", ["over_cap", "cleared"])
def test_a_crossing_use_is_rated_within_and_past_its_cap(world, standing):
    world.line(("100", "60"), (None, "45"))
    world.line(unit_price=D(90), code="overage", unlicensed=True)
    crossing(world, "110", "7", standing)

    run = run_night()

    # Within: 100 × 60 + 3 × 45 = 6,135. Past it: 7 × 90 = 630.
    assert sorted(posted()) == [D("630"), D("6135")]
    assert counts(run) == (1, 1, 0, 0)


def test_the_part_past_a_cap_is_held_without_a_rate_for_it(world):
    world.line(unit_price=D(2))
    use = crossing(world, "10", "4")

    run = run_night()
    assert (posted(), counts(run)) == ([D(12)], (1, 1, 0, 0))

    world.rule(use, "licensed")
    run = run_night()
    assert (posted(), counts(run)) == ([D(12), D(8)], (1, 1, 0, 0))


def test_a_use_all_past_its_cap_is_held(world):
    world.line(unit_price=D(2))
    crossing(world, "10", "10")

    assert counts(run_night()) == (1, 0, 1, 0)
    assert posted() == []


def test_the_other_meters_follow_in_proportion(world):
    world.line(unit_price=D("0.01"), code="words", meter="words")
    world.line(unit_price=D("0.03"), code="over", meter="words", unlicensed=True)
    crossing(world, "3", "1", words=D(100))

    run_night()

    # A third of 100 words is 33.333333; within are 66.666667. 0.67 and 1.00.
    readings = Reading.objects.order_by("rate_line").values_list("quantity", "gross")
    assert list(readings) == [(D("66.666667"), D("0.67")), (D("33.333333"), D("1.00"))]


def test_a_use_outside_for_another_reason_has_no_part_within(world):
    world.line(unit_price=D(2))
    crossing(world, "10", "4", standing="on_hold")

    assert counts(run_night()) == (1, 0, 1, 0)


@pytest.mark.parametrize(
    ("rounding", "quantity", "over", "amounts"),
    [
        # 2.5 lines are 3; 1.2 were left: 1.2 × 3.90 and 1.8 × 11.70.
        ("per_event_up", "2.5", "1.3", ["4.68", "21.06"]),
        # 2.4 lines are 2; 1.1 were left: 1.1 × 3.90 and 0.9 × 11.70.
        ("per_event_nearest", "2.4", "1.3", ["4.29", "10.53"]),
        # 1.2 lines are 1, which were all left: nothing is past the cap.
        ("per_event_nearest", "1.2", "0.1", ["3.90"]),
        # Nothing was left: 2.5 lines are 3, all past it.
        ("per_event_up", "2.5", "2.5", ["35.10"]),
    ],
)
def test_an_event_that_crosses_its_cap_is_rounded_once(world, rounding, quantity, over, amounts):
    world.line(unit_price=D("3.90"), round_quantity=rounding)
    world.line(unit_price=D("11.70"), code="over", unlicensed=True, round_quantity=rounding)
    use = crossing(world, quantity, over)

    run_night()
    assert sorted(posted()) == sorted(map(D, amounts))

    world.amend(use, "0", standing="cleared")
    run_night()
    assert sum(posted()) == D(0)


def test_what_a_cap_held_back_is_rounded_with_its_event_when_it_is_licensed(world):
    world.line(unit_price=D("3.90"), round_quantity="per_event_up")
    use = crossing(world, "2.5", "1.3")
    run_night()
    assert posted() == [D("4.68")]

    world.rule(use, "licensed")
    run_night()

    # 3 lines in all.
    assert sum(posted()) == D("11.70")


def test_a_crossing_use_is_taken_back_in_both_parts(world):
    world.line(unit_price=D(2))
    world.line(unit_price=D(9), code="overage", unlicensed=True)
    use = crossing(world, "10", "4")
    run_night()
    world.amend(use, "3", standing="cleared")

    run_night()

    # 6 × 2 + 4 × 9 = 48; then 3 × 2.
    assert sum(posted()) == D(6)


# Reports


def test_a_report_is_rated_and_its_amendment_posts_the_difference(world):
    world.line(code="share", meter="revenue", pricing="percentage", unit_price=D(5))
    report = used(world, "1000", kind="revenue_report", meter="revenue")
    assert counts(run_night()) == (1, 1, 0, 0)
    world.amend(report, "1200.10", meter="revenue")

    run_night()

    # 5 % of 1,200.10 is 60.005, rounded half up.
    assert posted() == [D("50"), D("10.01")]


# The law

NEW_YEAR = datetime(2027, 1, 1, 3, tzinfo=UTC)

quantities = st.sampled_from(["0", "1", "2.5", "7", "61"])
uses = st.tuples(
    st.just("use"),
    quantities.filter(lambda text: text != "0"),
    st.sampled_from(["2026-07-15", "2026-09-30", "2026-10-01", "2026-12-15"]),
    st.sampled_from(["cleared", "cleared", "out_of_scope", "over_cap"]),
    st.sampled_from(["US", "JP"]),
)
amendments = st.tuples(st.just("amend"), st.integers(0, 9), quantities)
treatments = st.sampled_from(["licensed", "unlicensed", "held", "zero"])
ruled = st.tuples(st.just("rule"), st.integers(0, 9), treatments)
histories = st.lists(uses | amendments | ruled | st.just(("night",)), min_size=2, max_size=8).map(
    lambda steps: [("use", "7", "2026-07-15", "over_cap", "US"), *steps]
)


def happen(world, steps, *, nights):
    """Let a history happen, with its nights or without, and return what came of it."""
    counting = []
    for step in steps:
        match step:
            case ("use", quantity, on, standing, territory):
                over = {"over": D(1), "over_meter": "lines"} if standing == "over_cap" else {}
                fields = {"standing": standing, "territory": territory, "words": D(10), **over}
                counting.append(used(world, quantity, on=on, **fields))
            case ("amend", index, quantity):
                place = index % len(counting)
                old = counting[place]
                fields = {"words": D(0 if quantity == "0" else 3)}
                standing = "out_of_scope" if old.standing == "out_of_scope" else "cleared"
                counting[place] = world.amend(old, quantity, standing=standing, **fields)
            case ("rule", index, treatment):
                about = counting[index % len(counting)]
                if about.standing != "cleared" or about.over_meter:
                    world.rule(about, treatment)
            case ("night",) if nights:
                run_night()
    # After the last use has happened: some came before.
    run_night(NEW_YEAR)
    return outcome()


def outcome():
    """Readings, posted sums, and net totals by what rates can see."""
    readings = Reading.objects.exclude(quantity=0, gross=0).order_by(
        "rate_line", "factor", "period_on"
    )
    lines = ResidualLine.objects.values_list("reading__rate_line", "period_on")
    totals = UsageTotal.objects.values_list("month_on", "territory", "standing", "treatment")
    sums = totals.order_by().annotate(Sum("events"), Sum("lines"), Sum("words"))
    return {
        "readings": list(
            readings.values_list("rate_line", "factor", "period_on", "quantity", "events", "gross")
        ),
        "posted": sorted(row for row in lines.annotate(Sum("amount")).order_by() if row[2]),
        "totals": sorted(row for row in sums if any(row[4:])),
        "leaves": UsageTotal.objects.aggregate(Sum("leaves")),
    }


def undone(step):
    """Return what a step finds, in a world that forgets it."""
    with transaction.atomic():
        found = step()
        transaction.set_rollback(True)
    return found


@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(rounded=st.booleans(), steps=histories)
def test_many_nights_read_and_post_what_one_night_would(world, rounded, steps):
    def one(*, nights):
        rounding = {"round_quantity": "per_event_up", "round_to": D(2)} if rounded else {}
        world.line(("10", "2.33"), (None, "1.17"), pk=901, **rounding)
        world.line(unit_price=D("0.07"), code="words", meter="words", pk=902)
        world.line(unit_price=D("9.99"), code="unlicensed", unlicensed=True, pk=903)
        world.factor("territory", "JP", "1.5")
        return happen(world, steps, nights=nights)

    assert undone(lambda: one(nights=True)) == undone(lambda: one(nights=False))
