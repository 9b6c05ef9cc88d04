"""Legal exposure: what could be claimed."""

from datetime import date
from decimal import Decimal as D

import pytest

from valuation.worth.draw.formula import Conversion
from valuation.worth.legal.risks import Assessment, BadRisk, Path, PathState, legal_exposure

TODAY = date(2026, 11, 22)


def said(probability, at_risk, conversion=None):
    return Assessment(D(probability), D(at_risk), "USD", "Counsel", TODAY, conversion)


def test_what_could_be_claimed_is_added_up_and_what_nobody_assessed_has_no_amount():
    rate = Conversion("EUR", D(27), D(25), TODAY, "ECB")
    found = legal_exposure(
        [
            Path("Dataset A", PathState.UNLICENSED, assessment=said("0.25", 400_000)),
            Path("Dataset B", PathState.CONTAMINATED, assessment=said("0.5", 100_000, rate)),
            Path("Capture", PathState.LICENSED, assessment=said("0.9", 1_000_000)),
            Path("Base model", PathState.UNKNOWN, assessment=said("0.1", 1_000_000)),
            Path("Dataset C", PathState.UNLICENSED),
            Path("Dataset D", PathState.UNKNOWN),
        ]
    )

    # 100,000 + 50,000 × 1.08 + 100,000; what is on file counts for nothing.
    assert found.total == 254_000
    assert [path.name for path in found.unknown] == ["Dataset C", "Dataset D"]
    assert [path.name for path in found.assessed] == ["Dataset A", "Dataset B", "Base model"]


@pytest.mark.parametrize(("probability", "at_risk"), [("1.01", 1), ("-0.01", 1), ("0.5", -1)])
def test_what_is_no_risk_is_refused(probability, at_risk):
    with pytest.raises(BadRisk):
        said(probability, at_risk)
