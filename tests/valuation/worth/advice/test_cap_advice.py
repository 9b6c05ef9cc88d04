"""Cap advice: by hand, by law."""

from dataclasses import replace
from datetime import date
from decimal import Decimal as D

import pytest

from valuation.worth.advice.cap_advice import CapPlan, NoAdvice, advise, sensitivity
from valuation.worth.twin.exposure import ChannelWeight, Curve, WearRules
from valuation.worth.twin.royalty_relief import DAYS_A_YEAR, Income, Outlook, Rights, TwinInputs

TODAY = date(2026, 11, 22)


def inputs(income="100000", floor="0.01", weight=1, seen=0, fit="0"):
    """Return a twin's figures; `seen` are the hours of cinema a year that go on anyway."""
    return TwinInputs(
        rules=WearRules(
            {"cinema": ChannelWeight(D(weight), D(84))}, Curve(D(200), D("1.5"), D(floor)),
            congruence=D("0.5"),
        ),
        incomes=(Income(D(income)),),
        outlook=Outlook({}, {"cinema": seen / DAYS_A_YEAR} if seen else {}, D(fit)),
        discount=D("0.2"), growth=D(0),
        renewal=D(1), rights=Rights(), age_of_death=D(87), age_spread=D(10), years=10,
        tax=D(0), tax_years=15,
    )  # fmt: skip


def test_a_cap_is_where_the_next_hour_takes_as_much_as_it_pays():
    """Between its neighbours the gain is highest, and gain is fees less value lost."""
    advice = advise(inputs(), CapPlan("cinema", fee=D(200), most_hours=D(3000)))

    assert advice.has_limit
    at = advice.curve.index(advice.best)
    assert 0 < at < len(advice.curve) - 1
    before, best, after = advice.curve[at - 1 : at + 2]
    assert before.gain < best.gain > after.gain
    assert best.gain == best.fees - best.lost
    assert advice.curve[0].gain == advice.curve[0].fees == advice.curve[0].lost == 0


def test_a_fee_that_holds_makes_the_last_hour_pay_and_then_no_cap_does():
    held = advise(
        inputs(income="1"), CapPlan("cinema", fee=D(200), most_hours=D(3000), share_worn=D(0))
    )

    assert not held.has_limit
    assert held.best == held.curve[-1]


def test_nothing_is_gained_where_an_hour_pays_less_than_it_takes():
    advice = advise(inputs(income="10000000"), CapPlan("cinema", fee=D(1), most_hours=D(100)))

    assert (advice.best.hours, advice.best.gain) == (0, 0)


def test_a_cap_falls_where_exposure_lasts_longer_or_wears_sooner():
    told = {
        (one.half_life, one.half_at): one.advice.best.hours
        for one in sensitivity(inputs(), CapPlan("cinema", fee=D(200), most_hours=D(3000)))
    }

    assert told[D("0.5"), D(1)] > told[D(2), D(1)]
    assert told[D(1), D(2)] > told[D(1), D("0.5")]


def points(told, *, most_hours, congruence=0):
    plan = CapPlan("cinema", D(200), D(most_hours), congruence=D(congruence))
    return advise(told, plan, steps=2).curve


def test_fees_are_hours_at_the_fee_each_year_where_nothing_wears_or_is_discounted():
    told = replace(inputs(floor="1"), discount=D(0))

    _, half, whole = points(told, most_hours=100)

    # 100 hours × 200 × 10 years; nothing is lost where the price is held.
    assert (round(whole.fees, 6), round(half.fees, 6)) == (200_000, 100_000)
    assert whole.lost == 0


def test_hours_wear_by_the_weight_of_their_channel_on_top_of_what_is_seen_anyway():
    _, once, twice = points(inputs(), most_hours=2000)

    assert points(inputs(weight=2), most_hours=1000)[2].lost == pytest.approx(twice.lost)
    on_top = points(inputs(seen=1000), most_hours=1000)[2]
    assert on_top.lost == pytest.approx(twice.lost - once.lost)


def test_fit_is_that_of_all_hours_by_how_many_they_are():
    # 1,000 hours that fit by 1 and 3,000 by 0 are 4,000 that fit by a quarter.
    mixed = points(inputs(seen=1000, fit="1"), most_hours=3000)[2]
    alike = points(inputs(seen=1000, fit="0.25"), most_hours=3000, congruence="0.25")[2]

    assert mixed.fees == pytest.approx(alike.fees)


@pytest.mark.parametrize(
    "wrong", [{"fee": D(0)}, {"most_hours": D(0)}, {"share_worn": D(2)}, {"congruence": D(-2)}]
)
def test_a_plan_without_a_fee_or_hours_is_no_plan(wrong):
    with pytest.raises(NoAdvice):
        CapPlan(**{"channel": "cinema", "fee": D(1), "most_hours": D(1), **wrong})
