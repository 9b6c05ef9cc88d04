"""Instants as RFC 3339 writes them."""

import re
from calendar import monthrange
from datetime import UTC, datetime, timedelta
from functools import lru_cache

_INSTANT = re.compile(
    r"(?P<year>[0-9]{4})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})"
    r"[Tt](?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})(?:\.(?P<fraction>[0-9]+))?"
    r"(?:[Zz]|(?P<sign>[+-])(?P<ahead_hours>[0-9]{2}):(?P<ahead_minutes>[0-9]{2}))"
)
# How far a sender's clock may be ahead before a time counts as one that has not come yet.
SKEW = timedelta(minutes=5)
# What lies outside these is a slip of the pen, and no calendar of the desk has to reach it.
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)
FARTHEST_AHEAD = timedelta(days=3653)
IMPLAUSIBLE = "This time is before 1990, or more than ten years ahead; check its year."
_LONGEST_REMEMBERED = 40
_LEAP_YEAR_FOR_YEAR_ZERO = 2000  # Year 0 leaps like 2000; Python's calendar begins at year 1.


def is_instant(text: str) -> bool:
    """Tell whether a text is a date and time of RFC 3339.

    A leap second counts only as the last second of a month in UTC.
    """
    if len(text) <= _LONGEST_REMEMBERED and _cached_instant(text):
        return True
    match = _INSTANT.fullmatch(text)
    return match is not None and _is_on_the_calendar(match)


def instant(text: str) -> datetime | None:
    """Return the instant that a text names, in UTC and cut to microseconds.

    None where it is not of RFC 3339, or lies outside the years 1 to 9999 in UTC.

    A leap second becomes the last microsecond before it, so that it stays in its day.
    """
    return _cached_instant(text) if len(text) <= _LONGEST_REMEMBERED else _instant(text)


def _instant(text: str) -> datetime | None:
    match = _INSTANT.fullmatch(text)
    if match is None or not _is_on_the_calendar(match):
        return None
    leap = match["second"] == "60"
    fraction = "999999" if leap else (match["fraction"] or "")[:6].ljust(6, "0")
    try:
        local = datetime(
            int(match["year"]), int(match["month"]), int(match["day"]),
            int(match["hour"]), int(match["minute"]), 59 if leap else int(match["second"]),
            int(fraction), tzinfo=UTC,
        )  # fmt: skip
        return local - _ahead(match)
    except (ValueError, OverflowError):
        return None


def is_plausible(at: datetime, *, received_at: datetime) -> bool:
    """Tell whether somebody can have meant an instant: not before 1990, ten years ahead at most."""
    return EARLIEST <= at <= received_at + FARTHEST_AHEAD


def is_ahead(at: datetime, *, received_at: datetime) -> bool:
    """Tell whether something came before it happened, by more than clocks differ."""
    return at > received_at + SKEW


# The time of an event is checked first and read again later, so results are remembered.
_cached_instant = lru_cache(maxsize=4096)(_instant)


def _ahead(match: re.Match[str]) -> timedelta:
    if match["sign"] is None:
        return timedelta(0)
    size = timedelta(hours=int(match["ahead_hours"]), minutes=int(match["ahead_minutes"]))
    return size if match["sign"] == "+" else -size


def _is_on_the_calendar(match: re.Match[str]) -> bool:
    year = int(match["year"]) or _LEAP_YEAR_FOR_YEAR_ZERO
    month, day = int(match["month"]), int(match["day"])
    if not (1 <= month <= 12 and 1 <= day <= monthrange(year, month)[1]):
        return False
    if not (int(match["hour"]) <= 23 and int(match["minute"]) <= 59):
        return False
    if not (int(match["ahead_hours"] or 0) <= 23 and int(match["ahead_minutes"] or 0) <= 59):
        return False
    return int(match["second"]) <= 59 or (match["second"] == "60" and _ends_a_month(match))


def _ends_a_month(match: re.Match[str]) -> bool:
    """Leap seconds are only ever the last of a month, in UTC."""
    year = int(match["year"]) or _LEAP_YEAR_FOR_YEAR_ZERO
    minute = datetime(
        year, int(match["month"]), int(match["day"]), int(match["hour"]), int(match["minute"]),
        tzinfo=UTC,
    )  # fmt: skip
    try:
        universal = minute - _ahead(match)
        return (universal + timedelta(minutes=1)).strftime("%d %H:%M") == "01 00:00"
    except OverflowError:
        return False
