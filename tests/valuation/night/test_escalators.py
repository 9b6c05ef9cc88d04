"""Escalators in the night: a period is priced by what the amounts have risen to when it begins."""

from datetime import UTC, date, datetime
from decimal import Decimal as D

import pytest
from django.db.models import Sum

from licensing.models import Escalator, IndexFigure, PriceIndex
from tests.valuation.world import OCTOBER
from valuation import night
from valuation.models import NightShard, Reading, ResidualLine
from valuation.words import ShardStatus

pytestmark = pytest.mark.usefixtures("without_statements")


def run_night(as_of):
    now = datetime(as_of.year, as_of.month, as_of.day, 3, tzinfo=UTC)
    return night.run_night(as_of=as_of, now=now)


def posted(**conditions):
    return ResidualLine.objects.filter(**conditions).aggregate(sum=Sum("amount"))["sum"] or D(0)


def escalator(world, **fields):
    given = {"raises": ["prices", "fees", "bounds"], "first_on": OCTOBER, "every": "quarter"}
    Escalator.objects.create(card=world.card, **given, **fields)


@pytest.fixture
def index():
    index = PriceIndex.objects.create(name="Consumer prices", source="An office")
    IndexFigure.objects.create(index=index, month_on="2026-06-01", figure=D(100))
    return index


def test_a_silent_agreement_owes_the_risen_fee_when_its_period_opens(world):
    world.line(pricing="flat", unit_price=D(300))
    escalator(world, percent=D(10))

    run_night(date(2026, 8, 1))
    assert posted() == D("300.00")
    run_night(date(2026, 10, 2))
    run_night(date(2027, 1, 2))

    # 300 × 1.1 = 330 from October, 300 × 1.1² = 363 from January.
    assert [posted(reading__period_on=f"{day}-01") for day in ("2026-10", "2027-01")] == [330, 363]
    (line,) = Reading.objects.get(period_on="2027-01-01").explanation
    assert (line["rise"], line["escalator"]) == (
        "1.21",
        "+10 % each quarter from October 2026, 2 steps",
    )


def test_late_use_is_priced_by_the_period_it_belongs_to(world):
    world.line(unit_price=D("1.01"))
    escalator(world, percent=D("2.5"))
    world.use("100", on="2026-10-15")
    run_night(date(2026, 11, 1))
    world.use("100", on="2026-07-15")
    run_night(date(2026, 11, 2))

    # 100 × 1.01 × 1.025 = 103.525; July knows no step.
    assert posted(reading__period_on=OCTOBER) == D("103.53")
    assert posted(reading__period_on="2026-07-01") == D("101.00")


def test_a_minimum_that_rises_is_topped_up_to_what_it_has_become(world):
    world.line(unit_price=D(1), minimum=D(100))
    escalator(world, percent=D(5))
    world.use("30", on="2026-10-15")

    run_night(date(2027, 1, 2))

    # 30 × 1.05 = 31.50; up to 105.
    assert posted(reading__period_on=OCTOBER) == D("105.00")


def test_a_period_whose_figure_is_not_entered_is_set_aside_until_it_is(world, index):
    world.line(unit_price=D(1))
    escalator(world, index=index, base_on=date(2026, 6, 1), months_before=1)
    world.use("200", on="2026-10-15")
    run_night(date(2026, 11, 1))
    shard = NightShard.objects.get()
    assert shard.status == ShardStatus.PARTLY
    assert "The figure of Consumer prices for September 2026 is not entered yet" in shard.error
    assert posted() == 0

    figure = IndexFigure.objects.create(index=index, month_on="2026-09-01", figure=D(104))
    run_night(date(2026, 11, 2))
    assert posted() == D("208.00")

    # The office revises it: the next night posts the difference, new use or not.
    figure.figure = D("104.5")
    figure.save()
    run_night(date(2026, 11, 3))
    assert posted() == D("209.00")
