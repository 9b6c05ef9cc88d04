"""Uses that came before they happened: kept, shown as held, and earned once their time has come."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

import pytest

from licensing.models import UsageEvent
from licensing.wire.instants import SKEW
from tests.valuation.world import TONIGHT
from valuation import night
from valuation.models import NightShard, Reading, ResidualLine

pytestmark = pytest.mark.usefixtures("without_statements")

NEXT_MAY = "2027-05-18"


def run_night(on=TONIGHT):
    run = night.run_night(as_of=on.date(), now=on)
    assert run.events_read == run.events_rated + run.events_held + run.events_zero
    return run


def on_day(text):
    return datetime.fromisoformat(f"{text}T03:00:00+00:00")


def posted():
    return list(ResidualLine.objects.order_by("pk").values_list("amount", flat=True))


def test_a_use_of_next_year_earns_nothing_before_its_day_is_over(world):
    world.line(unit_price=D("3.90"))
    world.use("100", on=NEXT_MAY)

    assert run_night().events_held == 1
    for day in ("2026-11-23", NEXT_MAY):
        run_night(on_day(day))
    assert (posted(), Reading.objects.count()) == ([], 0)

    run_night(on_day("2027-05-19"))

    # 100 × 3.90.
    assert posted() == [D("390")]
    run_night(on_day("2027-05-20"))
    assert posted() == [D("390")]


def test_only_the_agreement_whose_use_has_come_due_is_visited(world):
    world.line(unit_price=D("3.90"))
    world.use("100", on=NEXT_MAY)
    run_night()

    assert not NightShard.objects.filter(run=run_night(on_day("2027-05-18"))).exists()
    assert NightShard.objects.filter(run=run_night(on_day("2027-05-19"))).count() == 1


def test_a_use_ahead_may_be_amended_before_and_after_its_time(world):
    world.line(unit_price=D("3.90"))
    batch = world.use("100", on=NEXT_MAY)
    run_night()
    amendment = world.amend(UsageEvent.objects.get(batch=batch), "40")
    run_night(on_day("2026-11-23"))
    assert posted() == []

    run_night(on_day("2027-05-19"))
    assert posted() == [D("156")]  # 40 × 3.90

    world.amend(amendment, "10")
    run_night(on_day("2027-05-20"))
    assert sum(posted()) == D("39")


def test_an_amendment_to_the_true_year_is_earned_at_once(world):
    world.line(unit_price=D("3.90"))
    batch = world.use("100", on=NEXT_MAY)
    run_night()

    world.amend(
        UsageEvent.objects.get(batch=batch), "100", occurred_at=datetime(2026, 5, 18, tzinfo=UTC)
    )
    world.card.effective_from = datetime(2026, 4, 1, tzinfo=UTC).date()
    world.card.save()
    run_night(on_day("2026-11-23"))
    assert posted() == [D("390")]

    run_night(on_day("2027-05-19"))
    assert sum(posted()) == D("390")


def test_a_use_ahead_brings_no_flat_fee_before_its_quarter(world):
    world.line(unit_price=D("3.90"))
    world.line(code="fee", pricing="flat", unit_price=D("500"))
    world.use("100", on=NEXT_MAY)

    run_night()

    # One fee for each quarter that has begun, July and October.
    assert posted() == [D("500"), D("500")]


@pytest.mark.parametrize(("ahead", "amounts"), [(SKEW, ["3.90"]), (SKEW * 2, [])])
def test_clocks_may_differ_by_five_minutes(world, ahead, amounts):
    world.line(unit_price=D("3.90"))
    # The night falls between receipt and use: midnight lies in the skew.
    received = datetime(2026, 11, 22, 23, 58, tzinfo=UTC)
    batch = world.use("1", occurred_at=received + ahead)
    type(batch).objects.filter(pk=batch.pk).update(received_at=received)

    run_night(received + timedelta(seconds=30))

    assert posted() == [D(amount) for amount in amounts]


def test_a_late_part_of_a_day_is_not_earned_that_night(world):
    """A night of a day reads what came that day, and need not be over itself."""
    world.line(unit_price=D("3.90"))
    world.use("1", occurred_at=TONIGHT + timedelta(hours=5))

    run_night()
    assert posted() == []

    run_night(TONIGHT + timedelta(days=1))
    assert posted() == [D("3.90")]
