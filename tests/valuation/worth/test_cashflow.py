import json
from datetime import date
from decimal import Decimal as D
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from valuation.worth.cashflow import NoReturn, irr, mirr, npv, xirr

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "cashflow.json").read_text())


def flows(case):
    return [D(flow) for flow in case["cashflows"]]


@pytest.mark.parametrize("case", VECTORS["npv"])
def test_present_values_agree_with_the_vectors(case):
    assert abs(npv(D(case["rate"]), flows(case)) - D(case["expect"])) < D("1e-20")


@pytest.mark.parametrize("case", VECTORS["irr"])
def test_rates_of_return_agree_with_the_vectors(case):
    assert abs(irr(flows(case)) - D(case["expect"])) < D(1).scaleb(-case["places"])


@pytest.mark.parametrize("case", VECTORS["mirr"])
def test_modified_rates_of_return_agree_with_the_vectors(case):
    rate = mirr(flows(case), D(case["finance_rate"]), D(case["reinvest_rate"]))

    assert abs(rate - D(case["expect"])) < D("1e-20")


@pytest.mark.parametrize("case", VECTORS["xirr"])
def test_rates_of_return_of_dated_flows_agree_with_the_vectors(case):
    days = [date.fromisoformat(day) for day in case["dates"]]

    rate = xirr(list(zip(days, flows(case), strict=True)))

    assert abs(rate - D(case["expect"])) < D(1).scaleb(-case["places"])


@given(
    spent=st.integers(1, 10**6).map(D), gained=st.lists(st.integers(1, 10**6).map(D), min_size=1)
)
def test_at_its_rate_of_return_a_plan_is_worth_nothing(spent, gained):
    plan = [-spent, *gained]

    # Near a total loss the worth is steep, so the smallest step of the rate moves it.
    assert abs(npv(irr(plan), plan)) < D("1e-6") or irr(plan) < D("-0.9")


@pytest.mark.parametrize("one_way", [[D(1), D(2)], [D(-1), D(-2)]])
def test_flows_in_one_direction_have_no_rate_of_return(one_way):
    with pytest.raises(NoReturn):
        irr(one_way)
    with pytest.raises(NoReturn):
        mirr(one_way, D("0.1"), D("0.1"))
