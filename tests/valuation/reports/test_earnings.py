"""What a performer reads of their money: summed by currency, the last night apart."""

from datetime import date
from decimal import Decimal as D

import pytest

from talent.models import Beneficiary, CompositeSource, EstateShare, Performer
from talent.principals import principals_of
from tests.factories import make_delegate, make_performer
from tests.valuation.world import TONIGHT, give_certificate, make_composite
from valuation import night
from valuation.models import ResidualLine, Statement
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


# Estates


@pytest.fixture
def estate(world):
    """Ada died in June; Dora and Emil inherit 2 : 1. Dora also owns a persona of her own."""
    Performer.objects.filter(pk=world.performer.pk).update(life="deceased", died_on="2026-06-01")
    heirs = [Beneficiary.objects.create(name=name) for name in ("Dora", "Emil")]
    for heir, weight in zip(heirs, (2, 1), strict=True):
        give_certificate(heir)
        EstateShare.objects.create(performer=world.performer, beneficiary=heir, weight=weight)
    world.line(unit_price=D(1))
    world.use("30")
    return heirs


@pytest.mark.parametrize(
    ("powers", "earned"), [(["see_money"], [D(30)]), (["see_twins", "see_usage"], [])]
)
def test_who_acts_for_an_estate_sees_what_its_twins_earned_as_far_as_they_may(
    world, estate, powers, earned
):
    """30 lines at $1.00: $20 for Dora and $10 for Emil, both through Ada."""
    delegate = make_delegate(world.performer, "estate", *powers)
    run_night()
    [principal] = principals_of(delegate)
    of = (delegate, principal.beneficiaries(delegate), principal.performer_id)

    assert [balance.earned for balance in earnings.balances(*of)] == earned
    # What is payable to an heir is theirs to see, and theirs alone.
    assert [balance.accrued for balance in earnings.balances(*of)] == [0] * len(earned)
    assert not Statement.objects.visible_to(delegate).exists()


def test_an_estate_sees_nothing_that_its_heirs_earn_elsewhere(world, estate):
    """Dora also inherits half of a stranger, who is another source of the same persona."""
    delegate = make_delegate(world.performer, "estate", "see_money")
    twin = make_composite(world, Zoe="1")
    other = Performer.objects.get(name="Zoe")
    Performer.objects.filter(pk=other.pk).update(life="deceased", died_on="2026-06-01")
    for heir in estate:
        EstateShare.objects.create(performer=other, beneficiary=heir, weight=1)
    run_night()
    lines = earnings.lines_of(delegate, [], world.performer.pk)

    # The agreement is about the persona now: 15 and 15, none of it through Ada.
    assert ResidualLine.objects.count() == 2
    assert list(lines) == []

    CompositeSource.objects.create(twin=twin, performer=world.performer, weight=1)
    # Through Ada as well as through Zoe: the lines do not say how much.
    assert list(lines.all()) == []

    EstateShare.objects.filter(performer=other, beneficiary=estate[1]).delete()
    assert [line.beneficiary.name for line in lines.all()] == ["Emil"]


def test_a_living_performers_delegate_sees_no_heirs(world, estate):
    delegate = make_delegate(make_performer("Bo Example", world.agency), "counsel", "see_money")
    run_night()

    assert not ResidualLine.objects.visible_to(delegate).exists()


def test_a_stranger_reads_nothing(world, stranger):
    world.line(unit_price=D(1))
    world.use("10")
    run_night()

    assert earnings.balances(stranger, [world.beneficiary]) == []
