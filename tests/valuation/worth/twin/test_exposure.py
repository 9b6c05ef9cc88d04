from datetime import date, timedelta
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from valuation.worth.twin.exposure import (
    BadExposureParameters,
    ChannelWeight,
    Curve,
    SeenHours,
    WearRules,
    remaining,
    scarcity,
    wear_of,
)

CINEMA, ADS = ChannelWeight(D(1), D(84)), ChannelWeight(D("0.5"), D("17.5"))
CHANNELS = {"cinema": CINEMA, "online": ADS}
CURVE = Curve(D(100), D("1.5"), D("0.4"))
KNOWN = {"half_at": D(1), "steepness": D(1), "floor": D(0)}
RULES = WearRules(CHANNELS, CURVE)
DAY = date(2026, 11, 22)
HOURS = st.decimals(0, 10_000, places=3, allow_nan=False, allow_infinity=False)


def test_an_exposure_halves_in_its_half_life():
    assert remaining(D(8), 84, D(84)) == D(4)
    assert remaining(D(8), 168, D(84)) == D(2)
    # Published weekly retention at a half-life of 2.5 weeks: 0.758.
    assert round(remaining(D(1), 7, D("17.5")), 3) == D("0.758")


def test_each_channel_has_its_own_weight_and_half_life():
    seen = [
        SeenHours(DAY, "cinema", D(10)),
        SeenHours(DAY - timedelta(days=84), "cinema", D(10)),
        SeenHours(DAY - timedelta(days=35), "online", D(8)),
    ]

    assert wear_of(seen, RULES, DAY).by_channel == {"cinema": D(15), "online": D(1)}


def test_what_is_seen_later_does_not_count_yet():
    tomorrow = SeenHours(DAY + timedelta(days=1), "cinema", D(10))

    assert wear_of([tomorrow], RULES, DAY).by_channel == {"cinema": 0, "online": 0}


@given(hours=st.lists(HOURS, max_size=5), days=st.integers(0, 400))
def test_carrying_yesterdays_exposure_on_gives_what_a_count_from_nothing_gives(hours, days):
    seen = [SeenHours(DAY - timedelta(days=age), "cinema", one) for age, one in enumerate(hours)]
    later = DAY + timedelta(days=days)

    carried = remaining(wear_of(seen, RULES, DAY).by_channel["cinema"], days, CINEMA.half_life_days)

    assert abs(carried - wear_of(seen, RULES, later).by_channel["cinema"]) < D("1e-18")


@pytest.mark.parametrize(
    ("exposure", "factor"), [("0", "1"), ("100", "0.5"), ("400", "0.4"), ("1000000", "0.4")]
)
def test_scarcity_falls_from_one_through_a_half_to_its_floor(exposure, factor):
    assert scarcity(D(exposure), CURVE) == D(factor)


@given(one=HOURS, more=HOURS)
def test_more_exposure_never_makes_a_twin_scarcer(one, more):
    assert CURVE.floor <= scarcity(one + more, CURVE) <= scarcity(one, CURVE) <= 1


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        (Curve, {**KNOWN, "half_at": D(0)}),
        (Curve, {**KNOWN, "floor": D(2)}),
        (Curve, {**KNOWN, "steepness": D(0)}),
        (ChannelWeight, {"weight": D(-1), "half_life_days": D(1)}),
        (ChannelWeight, {"weight": D(1), "half_life_days": D(0)}),
    ],
)
def test_parameters_without_meaning_are_refused(kind, wrong):
    with pytest.raises(BadExposureParameters):
        kind(**wrong)
