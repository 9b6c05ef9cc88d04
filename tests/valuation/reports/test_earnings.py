"""What a performer reads of their money: summed by currency, the last night apart."""

from datetime import date
from decimal import Decimal as D

import pytest

from tests.valuation.world import TONIGHT
from valuation import night
from valuation.reports import earnings

pytestmark = pytest.mark.usefixtures("without_statements")


def run_night():
    night.run_night(as_of=date(2026, 11, 22), now=TONIGHT)


def test_every_line_of_the_last_night_counts(world, ada):
    world.line(unit_price=D(1))
    world.line(code="words", meter="words", unit_price=D("0.10"))
    world.use("10")
    run_night()
    world.use("5")
    world.use("20", meter="words")
    run_night()

    [balance] = earnings.balances(ada, [world.beneficiary])

    # 5 × 1 + 20 × 0.10 last night; 10 the night before.
    assert balance.last_night == D("7")
    assert (balance.earned, balance.accrued) == (D("17"), D("17"))


def test_a_stranger_reads_nothing(world, stranger):
    world.line(unit_price=D(1))
    world.use("10")
    run_night()

    assert earnings.balances(stranger, [world.beneficiary]) == []
