from decimal import Decimal as D

import pytest

from valuation.worth.discounting.tax import NoBenefit, amortisation_benefit


def test_the_benefit_is_worked_out_by_hand():
    # The annuity of 15 years at 12 % is 6.8109, mid-year × √1.12 = 7.2080; 1 / (1 − 25 % × 7.2080
    # / 15) = 1.13653.
    assert round(amortisation_benefit(tax=D("0.25"), discount=D("0.12"), years=15), 5) == D(
        "1.13653"
    )


def test_without_a_discount_all_of_the_tax_is_saved():
    assert amortisation_benefit(tax=D("0.2"), discount=D(0), years=10) == D("1.25")


@pytest.mark.parametrize(
    "impossible",
    [
        {"tax": D(1), "discount": D("0.1"), "years": 5},
        {"tax": D("-0.1"), "discount": D("0.1"), "years": 5},
        {"tax": D("0.2"), "discount": D(-1), "years": 5},
        {"tax": D("0.2"), "discount": D("0.1"), "years": 0},
        {"tax": D("0.9"), "discount": D("-0.5"), "years": 5},
    ],
)
def test_what_has_no_benefit_is_refused(impossible):
    with pytest.raises(NoBenefit):
        amortisation_benefit(**impossible)
