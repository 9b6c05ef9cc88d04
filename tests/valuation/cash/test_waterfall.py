import json
from datetime import date
from decimal import Decimal as D
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensing.money import NothingToSplitBy
from licensing.pricing import PriceBracket, PriceTerms, price
from licensing.words import Pricing
from valuation.cash.waterfall import (
    Advanced,
    DeductionsTooHigh,
    Earned,
    Net,
    Payee,
    Received,
    amounts_by_step,
    commission_on_scale,
    contribution,
    differences,
    keep_back,
    recoup,
    recoup_over_time,
    true_up,
    waterfall,
)
from valuation.residuals.split import MonthOfReading, parts_by_month
from valuation.words import ReleaseStep

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "rating.json").read_text())


def amounts(steps):
    return [(step.payee, step.step.value, str(step.amount)) for step in steps]


def test_an_adult_gets_what_the_commission_leaves():
    steps = waterfall(Received(D("1000.00")), [Payee("Ada", commission=D(10))], "USD")

    assert amounts(steps) == [
        ("Ada", "share", "1000.00"),
        ("Ada", "commission", "100.00"),
        ("Ada", "payable", "900.00"),
    ]


def test_a_minors_trust_and_withholding_are_reckoned_on_the_gross_before_commission():
    child = Payee("Kit", commission=D(10), minor_trust=D(15), withholding=D(24))

    steps = waterfall(Received(D("1000.00")), [child], "USD")

    assert amounts(steps) == [
        ("Kit", "share", "1000.00"),
        ("Kit", "commission", "100.00"),
        ("Kit", "minor_trust", "150.00"),
        ("Kit", "withholding", "240.00"),
        ("Kit", "payable", "510.00"),
    ]
    assert [step.base for step in steps[1:4]] == [D(1000)] * 3


@pytest.mark.parametrize(
    ("scale", "commission"),
    [("0", "100.00"), ("600.00", "40.00"), ("1000.00", "0.00"), ("1200.00", "0.00")],
)
def test_scale_carries_no_commission_where_the_guild_rule_applies(scale, commission):
    payee = Payee("Ada", commission=D(15), commission_cap=D(10), scale_carries_commission=False)

    steps = waterfall(Received(D("1000.00"), scale=D(scale)), [payee], "USD")

    assert str(steps[1].amount) == commission
    assert steps[1].rate == D(10)


def test_without_the_rule_scale_and_rate_are_as_agreed():
    payee = Payee("Ada", commission=D(15))

    steps = waterfall(Received(D("1000.00"), scale=D("600.00")), [payee], "USD")

    assert steps[1].amount == D("150.00")


def test_scale_is_held_in_trust_and_taxed_like_the_rest():
    child = Payee(
        "Kit",
        commission=D(10),
        scale_carries_commission=False,
        minor_trust=D(15),
        withholding=D(24),
    )

    steps = waterfall(Received(D("1000.00"), scale=D("300.00")), [child], "USD")

    assert [str(step.amount) for step in steps[1:]] == ["70.00", "150.00", "240.00", "540.00"]


def test_sources_of_a_composite_share_by_weight_and_carry_their_own_deductions():
    ada = Payee("Ada", weight=D("0.5"), commission=D(10))
    bo = Payee("Bo", weight=D("0.25"), withholding=D(30))
    cy = Payee("Cy", weight=D("0.25"))

    steps = waterfall(Received(D("100.01")), [ada, bo, cy], "USD")

    # 50.005, 25.0025, 25.0025: the odd cent goes to the largest remainder.
    assert amounts(steps) == [
        ("Ada", "share", "50.01"),
        ("Ada", "commission", "5.00"),
        ("Ada", "payable", "45.01"),
        ("Bo", "share", "25.00"),
        ("Bo", "withholding", "7.50"),
        ("Bo", "payable", "17.50"),
        ("Cy", "share", "25.00"),
        ("Cy", "payable", "25.00"),
    ]
    assert [step.rate for step in steps if step.step == ReleaseStep.SHARE] == [50, 25, 25]


def test_no_deduction_takes_more_than_is_left():
    payee = Payee("Ada", commission=D(50), withholding=D(50))

    steps = waterfall(Received(D("0.01")), [payee], "USD")

    assert [str(step.amount) for step in steps] == ["0.01", "0.01", "0.00", "0.00"]


@pytest.mark.parametrize(
    "deductions",
    [
        {"commission": D(10), "minor_trust": D(61), "withholding": D(30)},
        {"withholding": D(-1)},
    ],
)
def test_deductions_that_leave_less_than_nothing_are_refused(deductions):
    with pytest.raises(DeductionsTooHigh):
        Payee("Ada", **deductions)


def test_money_without_a_payee_is_refused():
    with pytest.raises(NothingToSplitBy):
        waterfall(Received(D("1.00")), [], "USD")


PERCENT = st.decimals(0, 33, places=2, allow_nan=False, allow_infinity=False)
CENTS = st.integers(-(10**9), 10**9).map(lambda cents: D(cents).scaleb(-2))
PAYEES = st.lists(
    st.builds(
        Payee,
        st.text(max_size=3),
        weight=st.integers(1, 100).map(D),
        commission=PERCENT,
        commission_cap=st.none() | st.just(D(10)),
        scale_carries_commission=st.booleans(),
        minor_trust=st.sampled_from([D(0), D(15)]),
        withholding=PERCENT,
    ),
    min_size=1,
    max_size=5,
    unique_by=lambda payee: payee.key,
)


@given(amount=CENTS, scale=CENTS, payees=PAYEES)
def test_the_waterfall_conserves_what_was_received_to_the_cent(amount, scale, payees):
    steps = waterfall(Received(amount, scale), payees, "USD")

    shares = [step.amount for step in steps if step.step == ReleaseStep.SHARE]
    others = [step.amount for step in steps if step.step != ReleaseStep.SHARE]
    assert sum(shares) == sum(others) == amount
    assert all(step.amount * amount >= 0 for step in steps)


@given(amount=CENTS, scale=CENTS, payees=PAYEES)
def test_money_that_goes_back_takes_the_same_way(amount, scale, payees):
    there = waterfall(Received(amount, scale), payees, "USD")
    back = waterfall(Received(-amount, -scale), payees, "USD")

    assert [step.amount for step in there] == [-step.amount for step in back]


@given(receipts=st.lists(CENTS, min_size=1, max_size=5), payees=PAYEES)
def test_posting_differences_receipt_by_receipt_ends_where_one_receipt_would(receipts, payees):
    posted, reached = {}, D(0)
    for receipt in receipts:
        reached += receipt
        targets = amounts_by_step(waterfall(Received(reached), payees, "USD"))
        for key, amount in differences(targets, posted).items():
            posted[key] = posted.get(key, D(0)) + amount

    at_once = amounts_by_step(waterfall(Received(reached), payees, "USD"))
    assert posted == {**dict.fromkeys(posted, D(0)), **{k: v for k, v in at_once.items() if v}}
    assert differences(at_once, posted) == {}


def test_a_step_that_is_no_longer_due_is_taken_back():
    assert differences({"payable": D(90)}, {"payable": D(80), "commission": D(10)}) == {
        "payable": D(10),
        "commission": D(-10),
    }


@pytest.mark.parametrize("case", VECTORS["advances"], ids=lambda case: case["id"])
def test_an_advance_is_paid_back_out_of_what_is_earned(case):
    earned = D(case["gross"]) * D(case["rate"])

    (row,) = recoup([earned], D(case["advance"]) - D(case["already_recouped"]))

    assert [row.gross, row.credit, row.net] == [D(expected) for expected in case["expect"]]


@pytest.mark.parametrize("case", VECTORS["credits"], ids=lambda case: case["id"])
def test_a_credit_eats_a_price_line_by_line(case):
    brackets = tuple(
        PriceBracket(tier["up_to"] and D(tier["up_to"]), D(tier["unit"]), D(tier["flat"]))
        for tier in case["tiers"]
    )
    priced = price(PriceTerms(Pricing.GRADUATED, "USD", brackets=brackets), D(case["quantity"]))
    charged = [line.amount for line in priced.lines if line.amount]

    rows = recoup(charged, sum(map(D, case["credits"])))

    expected = [[D(value) for value in row] for row in case["lines"]]
    assert [[row.gross, row.credit, row.net] for row in rows] == expected
    assert sum(row.net for row in rows) == D(case["net"])


def test_a_loss_pays_nothing_back():
    assert [row.credit for row in recoup([D(-5), D(5)], D(3))] == [D(0), D(3)]


# Guarantees, advances, reserves, scale, contributions


@pytest.mark.parametrize(
    ("guaranteed", "earned", "missing"),
    [("500", "120", "380"), ("500", "500", "0"), ("5", "8", "0")],
)
def test_a_true_up_is_what_is_missing_of_a_guarantee(guaranteed, earned, missing):
    assert true_up(D(guaranteed), D(earned)) == D(missing)


def test_earnings_pay_back_what_was_advanced_before_their_period_ended():
    earned = [
        Earned("Q2", date(2026, 7, 1), D(100)),
        Earned("Q3", date(2026, 10, 1), D(100)),
        Earned("Q4", date(2027, 1, 1), D(100)),
    ]
    advances = [Advanced(date(2026, 12, 1), D(30)), Advanced(date(2026, 7, 1), D(150))]

    # Of 150 from July on Q3 pays 100 and Q4 50; of the 30 of December Q4 pays them all.
    assert recoup_over_time(earned, advances) == {"Q2": D(0), "Q3": D(100), "Q4": D(80)}


def test_what_is_left_after_an_advance_is_held_in_part_to_no_more_than_the_cap():
    nets = [
        Net("a", date(2026, 10, 1), D(300), reserve=D(20), most_held=D(50)),
        Net("b", date(2026, 10, 1), D(300), reserve=D(20), most_held=D(50)),
        Net("c", date(2026, 10, 1), D(300)),
    ]

    steps = amounts_by_step(keep_back(nets, [Advanced(date(2026, 9, 1), D(100))], "USD"))

    # a: 100 pay back, a fifth of 200 is 40; b: of 60 only 10 have room; c was released.
    assert {key: amount for key, amount in steps.items() if amount} == {
        ("a", ReleaseStep.RECOUPED): D(100),
        ("a", ReleaseStep.RESERVE): D(40),
        ("a", ReleaseStep.PAYABLE): D(160),
        ("b", ReleaseStep.RESERVE): D(10),
        ("b", ReleaseStep.PAYABLE): D(290),
        ("c", ReleaseStep.PAYABLE): D(300),
    }


@pytest.mark.parametrize(
    ("pay", "commission"),
    [
        # Scale 1,283: at scale, and below scale plus ten, there is none.
        ("1283.00", "0.00"),
        ("1400.00", "0.00"),
        # Scale plus ten: the ten.
        ("1411.30", "128.30"),
        # Well above: ten percent of what is above scale, once that is more than the ten.
        ("2566.00", "128.30"),
        ("3849.00", "256.60"),
    ],
)
def test_commission_never_brings_the_performer_below_scale(pay, commission):
    portion = (D(1283) / D(pay)).quantize(D("0.00001"))

    percent = commission_on_scale(D(10), portion, D("1.10"))

    assert abs(percent * D(pay) / 100 - D(commission)) < D("0.01")
    assert D(pay) * (100 - percent) / 100 >= D(1283) - D("0.01")


@given(
    agreed=st.decimals(0, 10, places=3),
    scale=st.decimals(0, 1, places=5),
)
def test_scale_stays_whole_whatever_was_agreed(agreed, scale):
    percent = commission_on_scale(agreed, scale, D("1.10"))

    assert 0 <= percent <= agreed
    assert scale * 100 <= 100 - percent


@pytest.mark.parametrize(
    ("pay", "before", "owed"),
    [("1000", "0", "205.00"), ("50000", "200000", "6560.00"), ("10", "232000", "0.00")],
)
def test_a_contribution_is_owed_below_the_ceiling(pay, before, owed):
    """20.50 % on at most 232,000; of 50,000 after 200,000 only 32,000 count."""
    step = contribution(D(pay), D(before), D("20.5"), D(232000), "USD")

    assert str(step.amount) == owed


NETS = st.lists(
    st.tuples(CENTS.map(abs), st.sampled_from([D(0), D(15)]), st.booleans()), min_size=1, max_size=5
)


@given(nets=NETS, advances=st.lists(CENTS.map(abs), max_size=3), cap=st.none() | CENTS.map(abs))
def test_what_is_kept_back_and_what_is_payable_are_all_there_is(nets, advances, cap):
    rows = [
        Net(place, date(2026, 7, 2), amount, reserve, most_held=cap if capped else None)
        for place, (amount, reserve, capped) in enumerate(nets)
    ]
    ahead = [Advanced(date(2026, 7, 1), amount) for amount in advances]

    steps = keep_back(rows, ahead, "USD")

    assert sum(step.amount for step in steps) == sum(row.amount for row in rows)
    assert all(step.amount >= 0 for step in steps)
    recouped = sum(step.amount for step in steps if step.step == ReleaseStep.RECOUPED)
    assert recouped == min(sum(advances, D(0)), sum((row.amount for row in rows), D(0)))


def test_a_hundred_cents_one_by_one_over_three_sources_lose_none():
    weights = tuple((source, D(1)) for source in (1, 2, 3))
    payable: dict[object, D] = {}
    for cents in range(1, 101):
        gross = D(cents).scaleb(-2)
        parts = parts_by_month([MonthOfReading(date(2026, 7, 1), gross, weights)], "USD")
        for (_, source), part in parts.items():
            payee = Payee(source, commission=D(10))
            steps = amounts_by_step(waterfall(Received(part), [payee], "USD"))
            payable[source] = steps[source, ReleaseStep.PAYABLE]
            taken = sum(steps.get((source, step), D(0)) for step in list(ReleaseStep)[1:])
            assert taken == part

    # 0.34, 0.33 and 0.33 less 0.03 each.
    assert payable == {1: D("0.31"), 2: D("0.30"), 3: D("0.30")}
