"""Quality: mending weighed against shooting again."""

from decimal import Decimal as D

import pytest

from valuation.worth.advice.quality import ArtifactClass, BadRates, Shoot, against

EYES = ArtifactClass("Eyes", D(1), D(2), D(3), minutes=D(90), an_hour=D(100), source="Counted")


def test_mending_is_weighed_against_the_shoot():
    found = against([EYES], D(10), Shoot(D(2), D(2_500)))

    # 2 a minute × 10 min × 1.5 h × 100 = 3,000; the shoot 5,000; so 3.333 a minute cost the same.
    assert (found.mending, found.shooting, found.mends) == (3_000, 5_000, True)
    assert round(found.crossover, 3) == D("3.333")
    # Three a minute, the most there may be, cost 4,500: the shoot is never cheaper.
    assert found.chance == 0
    # PERT 1, 2, 3 is symmetric: at 3,000 it is even.
    assert against([EYES], D(10), Shoot(D(1), D(3_000))).chance == pytest.approx(0.5, abs=0.001)
    assert Shoot(D(2), D(100), besides=D(50)).cost == 250


def test_rates_of_classes_vary_apart():
    """Two that are high at once are rarer than one: costs of both spread less than twice one's."""
    one = against([EYES], D(10), Shoot(D(1), D(3_750)))
    both = against([EYES, EYES], D(10), Shoot(D(1), D(7_500)))

    assert 0 < both.chance < one.chance / 2


def test_bad_rates_are_refused():
    with pytest.raises(BadRates):
        ArtifactClass("Eyes", D(3), D(2), D(1), D(1), D(1), "Counted")
    with pytest.raises(BadRates):
        against([EYES], D(0), Shoot(D(1), D(1)))
