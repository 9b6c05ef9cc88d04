"""What a performer reads of their money: summed by currency, the last night apart."""

from datetime import date
from decimal import Decimal as D

import pytest

from talent.models import User
from tests.valuation.conftest import TONIGHT
from valuation import night
from valuation.reports import earnings


@pytest.fixture(autouse=True)
def _rating_alone(monkeypatch):
    monkeypatch.setattr(night.statements, "draw_due", lambda **_: [])


@pytest.fixture
def ada(world):
    world.performer.user = User.objects.create_user("ada@example.com")
    world.performer.save()
    return world.performer.user


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


def test_a_stranger_reads_nothing(world, ada):
    world.line(unit_price=D(1))
    world.use("10")
    run_night()
    stranger = User.objects.create_user("else@example.com")

    assert earnings.balances(stranger, [world.beneficiary]) == []
