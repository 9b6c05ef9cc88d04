"""Relief from royalty, worked by hand, and what must hold of any plan."""

from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from valuation.worth.twin.exposure import (
    BadExposureParameters,
    ChannelWeight,
    Curve,
    WearRules,
    price_left,
)
from valuation.worth.twin.royalty_relief import (
    BadForecast,
    Income,
    Outlook,
    PlannedHours,
    Terms,
    compare,
    forecast,
    seen_then,
    survival_of_life,
)

MILD = Curve(half_at=D(200), steepness=D("1.5"), floor=D("0.4"))
CINEMA = {"cinema": ChannelWeight(D(1), D(84))}
RULES = WearRules(CINEMA, MILD)
UNSEEN = Outlook({}, {})


def terms(months=12, *, discount="0", growth="0", renewal="1"):
    return Terms(D(discount), D(growth), D(renewal), [D(1)] * months)


def test_an_unseen_twin_is_worth_its_income_discounted_from_the_middle_of_each_month():
    told = forecast([Income(D(1200))], UNSEEN, (), RULES, terms(24, discount="0.2"))

    # 100 a month; month m at (1.2)^-((m + ½) / 12): a year's sum is 1,099.69, the second's 916.41.
    first, second = (
        sum(100 / 1.2 ** ((month + 0.5) / 12) for month in range(begin, begin + 12))
        for begin in (0, 12)
    )
    assert float(told.value) == pytest.approx(first + second, rel=1e-12)
    assert round(second / first, 10) == round(1 / 1.2, 10)


def test_a_plan_of_200_hours_at_once_costs_what_the_curve_says_of_each_month():
    found = compare([Income(D(1200))], UNSEEN, [PlannedHours("cinema", D(200))], RULES, terms(2))

    # The middle of month 0 is day 15.21875: 200 × 0.5^(15.21875 / 84) = 176.39 h, of which
    # m = 1 / (1 + (176.39 / 200)^1.5) = 0.546954; of month 1: 137.22 h, m = 0.637635.
    expected = [1 / (1 + (0.5 ** ((month + 0.5) * 365.25 / 12 / 84)) ** 1.5) for month in range(2)]
    lost = 100 * sum(1 - left for left in expected)
    assert float(found.depreciation.loss) == pytest.approx(lost, rel=1e-12)
    assert [round(float(left), 6) for left in expected] == [0.546954, 0.637635]
    assert found.depreciation.before == 200


def test_a_plan_spread_over_days_leaves_what_many_small_ones_would():
    spread = PlannedHours("cinema", D(90), begins_in=10, lasts=90)
    small = [PlannedHours("cinema", D("0.1"), begins_in=10 + n // 10) for n in range(900)]

    for day in (D(40), D(100), D(400)):
        exposure = seen_then(day, UNSEEN, [spread], RULES)[0]
        assert float(exposure) == pytest.approx(
            float(seen_then(day, UNSEEN, small, RULES)[0]), rel=0.01
        )
    assert seen_then(D(5), UNSEEN, [spread], RULES)[0] == 0


def test_use_that_goes_on_reaches_a_level_and_a_rest_recovers():
    going_on = Outlook({"cinema": D(0)}, {"cinema": D(2)})
    # 2 h a day × 84 days / ln 2 = 242.4 h.
    assert float(seen_then(D(3000), going_on, (), RULES)[0]) == pytest.approx(242.37, abs=0.01)

    resting = Outlook({"cinema": D(200)}, {})
    levels = [seen_then(D(84 * n), resting, (), RULES) for n in range(4)]
    assert [exposure for exposure, _ in levels] == [200, 100, 50, 25]
    assert levels[0][1] < levels[1][1] < levels[2][1] < levels[3][1] < 1


def test_an_agreement_that_ends_goes_on_by_the_chance_of_renewal():
    told = forecast([Income(D(1200), D(12))], UNSEEN, (), RULES, terms(36, renewal="0.5"))

    by_year = [sum(month.income for month in told.months[at : at + 12]) for at in (0, 12, 24)]
    assert by_year == [1200, 600, 300]


def test_fit_moves_more_than_count_and_concentration_takes():
    rules = WearRules(CINEMA, MILD, congruence=D("0.1"), concentration=D("0.05"))

    def left(fit, concentration=D(0)):
        return price_left(D(200), fit, concentration, rules)

    # Half of the price is left, and half of the tenth counts, since the twin is half known.
    assert (left(D(1)), left(D(0)), left(D(-1))) == (D("0.525"), D("0.5"), D("0.475"))
    assert left(D(0), D(1)) == D("0.4875")
    assert price_left(D(0), D(-1), D(1), rules) == 1


@pytest.mark.parametrize("wrong", [{"congruence": D(1)}, {"concentration": D("-0.1")}])
def test_what_would_turn_a_price_round_is_refused(wrong):
    with pytest.raises(BadExposureParameters):
        WearRules(CINEMA, MILD, **wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        {"hours": D(-1)},
        {"hours": D(1), "begins_in": -1},
        {"hours": D(1), "congruence": D(2)},
    ],
)
def test_a_plan_that_cannot_be_is_refused(wrong):
    with pytest.raises(BadForecast):
        PlannedHours("cinema", **wrong)


def test_a_channel_without_a_rule_is_refused():
    with pytest.raises(BadForecast, match="billboard"):
        forecast([], UNSEEN, [PlannedHours("billboard", D(1))], RULES, terms())


def test_who_is_87_outlives_ten_years_less_often_than_who_is_30():
    old, young = (survival_of_life(D(age), D(87), D(10), 121)[-1] for age in (87, 30))

    # Gompertz: exp(e^0 × (1 − e^1)) = 0.1794; exp(e^−5.7 × (1 − e^1)) = 0.9943.
    assert round(old, 4) == D("0.1794")
    assert round(young, 4) == D("0.9943")
    assert survival_of_life(None, D(87), D(10), 3) == [1, 1, 1]


@given(
    hours=st.decimals(0, 5_000, places=2),
    more=st.decimals(0, 5_000, places=2),
    level=st.decimals(0, 5_000, places=2),
)
def test_more_hours_never_leave_a_twin_worth_more(hours, more, level):
    outlook = Outlook({"cinema": level}, {"cinema": D(1)})

    def worth(planned):
        plan = [PlannedHours("cinema", planned)]
        return forecast([Income(D(1200))], outlook, plan, RULES, terms()).value

    assert worth(D(0)) >= worth(hours) >= worth(hours + more)
