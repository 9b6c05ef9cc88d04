"""Legal exposure: what could be claimed."""

from decimal import Decimal as D

import pytest

from valuation.worth.legal.risks import BadRisk, Path, PathState, legal_exposure


def test_what_could_be_claimed_is_added_up_and_what_is_not_known_has_no_amount():
    found = legal_exposure(
        [
            Path("Dataset A", PathState.UNLICENSED, D("0.25"), D(400_000)),
            Path("Dataset B", PathState.CONTAMINATED, D("0.5"), D(100_000)),
            Path("Capture", PathState.LICENSED, D("0.9"), D(1_000_000)),
            Path("Base model", PathState.UNKNOWN, D("0.9"), D(1_000_000)),
            Path("Dataset C", PathState.UNLICENSED),
        ]
    )

    assert found.total == 150_000
    assert [path.name for path in found.unknown] == ["Base model", "Dataset C"]
    with pytest.raises(BadRisk):
        Path("Dataset", PathState.UNLICENSED, D(2))
