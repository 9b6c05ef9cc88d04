from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talent.periods import (
    Days,
    UnknownTimeZone,
    label,
    local_day,
    next_period,
    period_containing,
    previous_period,
    starts_at,
)
from talent.words import Period


@pytest.mark.parametrize(
    ("day", "period", "first_month", "expected"),
    [
        ("2026-11-22", Period.MONTH, 1, ("2026-11-01", "2026-12-01")),
        ("2026-12-31", Period.MONTH, 1, ("2026-12-01", "2027-01-01")),
        ("2026-11-22", Period.QUARTER, 1, ("2026-10-01", "2027-01-01")),
        ("2026-10-01", Period.QUARTER, 1, ("2026-10-01", "2027-01-01")),
        ("2026-09-30", Period.QUARTER, 1, ("2026-07-01", "2026-10-01")),
        ("2026-11-22", Period.YEAR, 1, ("2026-01-01", "2027-01-01")),
        ("2026-03-31", Period.YEAR, 4, ("2025-04-01", "2026-04-01")),
        ("2026-04-01", Period.YEAR, 4, ("2026-04-01", "2027-04-01")),
        ("2026-01-15", Period.QUARTER, 2, ("2025-11-01", "2026-02-01")),
        ("2028-02-29", Period.QUARTER, 12, ("2027-12-01", "2028-03-01")),
    ],
)
def test_a_day_lies_in_its_period(day, period, first_month, expected):
    days = period_containing(date.fromisoformat(day), period, first_month)

    assert tuple(map(str, map(date.isoformat, days))) == expected


def test_the_neighbours_of_a_quarter():
    day = date(2026, 11, 22)

    assert next_period(day, Period.QUARTER) == (date(2027, 1, 1), date(2027, 4, 1))
    assert previous_period(day, Period.QUARTER) == (date(2026, 7, 1), date(2026, 10, 1))


@given(
    day=st.dates(date(1900, 1, 1), date(2200, 1, 1)),
    period=st.sampled_from(list(Period)),
    first_month=st.integers(1, 12),
)
def test_periods_adjoin_without_gap_or_overlap(day, period, first_month):
    days = period_containing(day, period, first_month)

    assert days.starts_on <= day < days.ends_on
    assert next_period(day, period, first_month).starts_on == days.ends_on
    assert previous_period(day, period, first_month).ends_on == days.starts_on
    assert period_containing(days.ends_on - timedelta(days=1), period, first_month) == days


@pytest.mark.parametrize(
    ("instant", "zone", "day"),
    [
        ("2026-10-01T05:59:59+00:00", "America/Los_Angeles", "2026-09-30"),
        ("2026-10-01T07:00:00+00:00", "America/Los_Angeles", "2026-10-01"),
        ("2026-09-30T15:00:00+00:00", "Asia/Tokyo", "2026-10-01"),
        ("2026-10-01T01:30:00+02:00", "UTC", "2026-09-30"),
    ],
)
def test_the_day_of_a_use_is_that_of_the_agreements_zone(instant, zone, day):
    assert local_day(datetime.fromisoformat(instant), zone) == date.fromisoformat(day)


def test_a_day_begins_at_local_midnight_on_both_sides_of_summer_time():
    assert starts_at(date(2026, 7, 1), "Europe/Berlin") == datetime(2026, 6, 30, 22, tzinfo=UTC)
    assert starts_at(date(2026, 12, 1), "Europe/Berlin") == datetime(2026, 11, 30, 23, tzinfo=UTC)


@given(
    instant=st.datetimes(
        datetime(1990, 1, 1),  # noqa: DTZ001 (hypothesis adds the zone)
        datetime(2090, 1, 1),  # noqa: DTZ001
        timezones=st.just(UTC),
    ),
    zone=st.sampled_from(["UTC", "America/New_York", "Asia/Kolkata", "Europe/London"]),
)
def test_an_instant_lies_between_the_beginnings_of_its_day_and_the_next(instant, zone):
    day = local_day(instant, zone)

    assert starts_at(day, zone) <= instant < starts_at(day + timedelta(days=1), zone)


def test_an_instant_without_a_zone_is_a_bug():
    with pytest.raises(ValueError, match="names no time zone"):
        local_day(datetime(2026, 1, 1), "UTC")  # noqa: DTZ001 (the bug)


@pytest.mark.parametrize("zone", ["", "Mars/Olympus", "../etc/passwd"])
def test_an_unknown_zone_is_refused(zone):
    with pytest.raises(UnknownTimeZone):
        local_day(datetime(2026, 1, 1, tzinfo=UTC), zone)


@pytest.mark.parametrize(
    ("starts_on", "ends_on", "words"),
    [
        ("2026-07-01", "2026-10-01", "1 July – 30 September 2026"),
        ("2026-07-01", "2026-08-01", "1 – 31 July 2026"),
        ("2026-04-01", "2027-04-01", "1 April 2026 – 31 March 2027"),
        ("2026-07-01", "2026-07-02", "1 July 2026"),
    ],
)
def test_a_period_is_said_with_its_last_day(starts_on, ends_on, words):
    days = Days(date.fromisoformat(starts_on), date.fromisoformat(ends_on))

    assert label(days) == str(days) == words
