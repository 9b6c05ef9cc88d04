import json
from decimal import Decimal as D
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensing.money import NothingToSplitBy
from licensing.pricing import PriceBracket, PriceTerms, price
from licensing.words import Pricing
from valuation.cash.waterfall import (
    DeductionsTooHigh,
    Payee,
    Received,
    amounts_by_step,
    differences,
    recoup,
    waterfall,
)
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
