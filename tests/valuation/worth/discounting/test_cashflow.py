"""Present values, rates of return and annuities, beside figures that others computed."""

import json
from datetime import date
from decimal import Decimal as D
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st

from valuation.worth.discounting.cashflow import (
    NoReturn,
    NoSuchAnnuity,
    fv,
    irr,
    mirr,
    nper,
    npv,
    pmt,
    pv,
    rate,
    rates_of_return,
    xirr,
    xnpv,
)

VECTORS = Path(__file__).parents[2] / "vectors" / "cashflow.json"
amounts = st.integers(-(10**6), 10**6).map(D)


def run(file):
    out = StringIO()
    call_command("worth", vectors=file, stdout=out)
    return out.getvalue().splitlines()


def flows(*amounts):
    return [D(amount) for amount in amounts]


def test_every_published_case_comes_out_as_published():
    file = json.loads(VECTORS.read_text())
    cases = sum(len(cases) for name, cases in file.items() if name != "about")

    assert run(VECTORS)[-1] == f"{cases} passed, 0 failed"


@pytest.mark.parametrize(
    "wrong",
    [
        {"npv": [{"rate": "0.05", "cashflows": [-100, 110], "expect": "4.70"}]},
        {"irr": [{"cashflows": [-100, 110], "expect": None}]},
        {"irr": [{"cashflows": [-100, 230, -132], "expect": ["0.1"]}]},
        {"pv": [{"rate": "0.1", "nper": 1, "pmt": -110, "guess": 1, "expect": "100"}]},
        {"pv": [{"rate": "0.1", "nper": 1, "pmt": -110, "when": "noon", "expect": "100"}]},
        {"xnpv": [{"rate": "0.1", "dates": [], "cashflows": [], "basis": "30/360", "expect": 0}]},
    ],
)
def test_a_case_that_comes_out_otherwise_or_says_what_is_not_known_fails(wrong, tmp_path):
    file = tmp_path / "wrong.json"
    file.write_text(json.dumps(wrong))

    with pytest.raises(CommandError) as failure:
        run(file)

    assert failure.value.returncode == 1


def test_a_list_of_cases_that_is_not_known_is_named(tmp_path):
    file = tmp_path / "other.json"
    file.write_text('{"duration": []}')

    with pytest.raises(CommandError, match="duration"):
        run(file)


def test_every_rate_of_return_is_found_and_that_nearest_zero_is_the_one():
    # −100 + 230 / 1.1 − 132 / 1.21 = 0, and at 20 % −100 + 191.67 − 91.67 = 0.
    two = flows(-100, 230, -132)

    assert [round(found, 20) for found in rates_of_return(two)] == [D("0.1"), D("0.2")]
    assert round(irr(two), 20) == D("0.1")


def test_a_rate_at_which_the_value_only_touches_zero_is_found():
    # −100 + 220/(1 + r) − 121/(1 + r)² = −100 (1 − 1.1/(1 + r))².
    assert [round(found, 12) for found in rates_of_return(flows(-100, 220, -121))] == [D("0.1")]


def test_a_large_loss_is_not_taken_for_the_rate_of_return():
    # numpy-financial's case of two rates, −0.87 and 0.0886.
    assert round(irr(flows(-5, "10.5", 1, -8, 1)), 4) == D("0.0886")


def test_dated_flows_have_the_value_and_the_rate_that_spreadsheets_give():
    # The example of Excel's page on XNPV and XIRR.
    days = [date(2008, 1, 1), date(2008, 3, 1), date(2008, 10, 30), date(2009, 2, 15),
            date(2009, 4, 1)]  # fmt: skip
    dated = list(zip(days, flows(-10000, 2750, 4250, 3250, 2750), strict=True))

    assert round(xnpv(D("0.09"), dated), 2) == D("2086.65")
    assert round(xirr(dated), 6) == D("0.373363")
    assert xirr(dated[::-1]) == xirr(dated)


@given(st.lists(amounts, min_size=2, max_size=12))
def test_at_each_rate_of_return_a_plan_is_worth_nothing(plan):
    sizes = [abs(flow) for flow in plan]
    for found in rates_of_return(plan):
        assert abs(npv(found, plan)) <= D("1e-12") * npv(found, sizes)


@given(st.lists(st.integers(-90, 900), min_size=1, max_size=4, unique=True))
def test_a_plan_made_of_its_rates_of_return_has_just_these(percents):
    """Multiply −100 out with (1 + r) − (1 + rate) for each rate."""
    plan = [D(-100)]
    for percent in percents:
        # A flow one period earlier is worth (1 + r) of it.
        growth = 1 + D(percent) / 100
        longer = [*plan, D(0)]
        for period, flow in enumerate(plan, start=1):
            longer[period] -= growth * flow
        plan = longer

    found = [round(rate * 100, 6) for rate in rates_of_return(plan)]

    assert found == sorted(percents)


@pytest.mark.parametrize("one_way", [flows(1, 2), flows(-1, -2), flows(0, 0)])
def test_flows_in_one_direction_have_no_rate_of_return(one_way):
    with pytest.raises(NoReturn):
        irr(one_way)
    with pytest.raises(NoReturn):
        mirr(one_way, D("0.1"), D("0.1"))


def test_flows_in_both_directions_may_have_no_rate_of_return():
    # 1 − x + x² is above zero everywhere.
    with pytest.raises(NoReturn):
        irr(flows(1, -1, 1))


def test_a_modified_rate_of_return_has_a_rate_for_debts_and_another_for_gains():
    # 1,210 after two years for 1,000: √1.21 − 1.
    assert round(mirr(flows(-1000, 0, 1210), D("0.5"), D("0.3")), 20) == D("0.1")


annuities = st.tuples(
    st.decimals("-0.5", "1", places=3), st.integers(1, 60), amounts, amounts, st.booleans()
)


@given(annuities)
def test_the_parts_of_an_annuity_agree(annuity):
    interest, periods, payment, end, due = annuity
    now = pv(interest, D(periods), payment, end, due=due)

    assert abs(fv(interest, D(periods), payment, now, due=due) - end) < D("1e-9")
    if 1 + interest * due:
        assert abs(pmt(interest, D(periods), now, end, due=due) - payment) < D("1e-9")


def test_the_number_and_the_rate_of_payments_are_those_of_numpy_financial():
    assert round(nper(D("0.075"), D(-2000), D(0), D(100_000)), 6) == D("21.544944")
    assert nper(D(0), D(-2000), D(0), D(100_000)) == 50
    assert round(rate(10, D(0), D(-3500), D(10_000)), 10) == D("0.1106908537")


def test_payments_that_never_make_up_for_the_interest_are_refused():
    with pytest.raises(NoSuchAnnuity):
        nper(D("0.1"), D(-99), D(1000))
    with pytest.raises(NoSuchAnnuity):
        nper(D(0), D(0), D(1000))
    with pytest.raises(NoSuchAnnuity):
        pmt(D("0.1"), D(0), D(1000))
