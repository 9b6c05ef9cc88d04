"""Burn-down: what is gone of a cap, at what pace, and when the rest will be."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from licensing.caps.burn_down import burn_downs
from licensing.models import Cap, CapYear, UsageBatch, UsageEvent

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)

pytestmark = pytest.mark.django_db


@pytest.fixture
def used(terms, agreement, twin):
    """Record used lines so many days before noon."""
    batch = UsageBatch.objects.create(terms=terms, door="api", received_at=NOON, size=9)

    def make(lines, *, days, channel="cinema", **other):
        UsageEvent.objects.create(
            **{
                "batch": batch,
                "seat": 0,
                "agency": terms.agency,
                "licensee": terms.licensee,
                "agreement": agreement,
                "twin": twin,
                "occurred_at": NOON - timedelta(days=days),
                "right": "voice",
                "use": "dubbing",
                "territory": "FR",
                "channel": channel,
                "standing": "cleared",
                "lines": lines,
                "entry": b"",
                **other,
            }
        )

    return make


@pytest.fixture
def cap(agreement):
    return Cap.objects.create(
        agreement=agreement, meter="lines", limit=1000, starts_on=date(2026, 1, 1)
    )


def burnt(*caps):
    return burn_downs(list(caps), at=NOON)


def test_the_pace_is_that_of_the_last_90_days(cap, used):
    CapYear.objects.create(cap=cap, starts_on=date(2026, 1, 1), used=700, reserved=30)
    used(180, days=10)
    used(90, days=89)
    used(5000, days=91)
    used(70, days=10, agreement=None)

    (one,) = burnt(cap)

    assert (one.used, one.reserved, one.limit, one.left) == (700, 30, 1000, 270)
    assert one.pace == D(3)
    assert one.percent == 73
    assert one.full_on is None  # 90 days from now lie in the next fiscal year

    CapYear.objects.update(used=910)
    (one,) = burnt(cap)
    assert one.full_on == date(2026, 12, 12)


def test_a_young_year_has_its_own_pace_and_the_agreements_start(cap, agreement, used):
    agreement.fiscal_year_start_month = 11
    agreement.save()
    CapYear.objects.create(cap=cap, starts_on=date(2026, 11, 1), used=210)
    used(210, days=1)
    used(999, days=30)

    (one,) = burnt(cap)

    assert (one.starts_on, one.ends_on) == (date(2026, 11, 1), date(2027, 11, 1))
    assert one.pace == D(10)
    assert one.full_on == date(2027, 2, 9)


def test_a_year_turns_at_midnight_of_the_agreement(cap, agreement):
    agreement.time_zone = "Pacific/Auckland"
    agreement.save()
    noon = datetime(2026, 12, 31, 12, tzinfo=UTC)

    (before,) = burn_downs([cap], at=noon - timedelta(hours=2))
    (after,) = burn_downs([cap], at=noon)

    assert (before.starts_on, after.starts_on) == (date(2026, 1, 1), date(2027, 1, 1))


def test_what_lapsed_is_not_reserved_and_a_full_cap_is_full_today(cap):
    CapYear.objects.create(cap=cap, starts_on=date(2026, 1, 1), used=1000)
    assert burnt(cap)[0].full_on == NOON.date()


def test_a_cap_counts_its_channels_and_every_twin_of_its_performer(cap, performer, twin, used):
    one = Cap.objects.create(
        performer=performer, meter="lines", limit=10, starts_on=date(2026, 1, 1), channels=["game"]
    )
    CapYear.objects.create(cap=one, starts_on=date(2026, 1, 1))
    used(90, days=1)
    used(9, days=1, channel="game", agreement=None)
    assert [round(each.pace, 2) for each in burnt(cap, one)] == [D(1), D("0.10")]


def test_many_caps_take_no_more_queries_than_one(cap, performer, used):
    used(1, days=1)
    others = [
        Cap.objects.create(performer=performer, meter="lines", limit=9, starts_on=date(2026, 1, 1))
        for _ in range(10)
    ]
    with CaptureQueriesContext(connection) as queries:
        burnt(cap, *others)
    assert len(queries) == 3
