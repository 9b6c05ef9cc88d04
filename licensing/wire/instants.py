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
_LONGEST_REMEMBERED = 40
_LEAP_YEAR_FOR_YEAR_ZERO = 2000  # Year 0 leaps like 2000; Python's calendar begins at year 1.


def is_instant(text: str) -> bool:
    """Whether the text is a date and time of RFC 3339; a leap second only where one can be."""
    if len(text) <= _LONGEST_REMEMBERED and _remembered(text):
        return True
    found = _INSTANT.fullmatch(text)
    return found is not None and _is_on_the_calendar(found)


def instant(text: str) -> datetime | None:
    """Return the instant in UTC, cut to microseconds; None where none can be kept.

    A leap second becomes the last microsecond before it, so that it stays in its day.
    """
    return _remembered(text) if len(text) <= _LONGEST_REMEMBERED else _instant(text)


def _instant(text: str) -> datetime | None:
    found = _INSTANT.fullmatch(text)
    if found is None or not _is_on_the_calendar(found):
        return None
    leap = found["second"] == "60"
    fraction = "999999" if leap else (found["fraction"] or "")[:6].ljust(6, "0")
    try:
        local = datetime(
            int(found["year"]), int(found["month"]), int(found["day"]),
            int(found["hour"]), int(found["minute"]), 59 if leap else int(found["second"]),
            int(fraction), tzinfo=UTC,
        )  # fmt: skip
        return local - _ahead(found)
    except (ValueError, OverflowError):
        return None


# An envelope's time is checked first and read later.
_remembered = lru_cache(maxsize=4096)(_instant)


def _ahead(found: re.Match[str]) -> timedelta:
    if found["sign"] is None:
        return timedelta(0)
    size = timedelta(hours=int(found["ahead_hours"]), minutes=int(found["ahead_minutes"]))
    return size if found["sign"] == "+" else -size


def _is_on_the_calendar(found: re.Match[str]) -> bool:
    year = int(found["year"]) or _LEAP_YEAR_FOR_YEAR_ZERO
    month, day = int(found["month"]), int(found["day"])
    if not (1 <= month <= 12 and 1 <= day <= monthrange(year, month)[1]):
        return False
    if not (int(found["hour"]) <= 23 and int(found["minute"]) <= 59):
        return False
    if not (int(found["ahead_hours"] or 0) <= 23 and int(found["ahead_minutes"] or 0) <= 59):
        return False
    return int(found["second"]) <= 59 or (found["second"] == "60" and _ends_a_month(found))


def _ends_a_month(found: re.Match[str]) -> bool:
    """Leap seconds are only ever the last of a month, in UTC."""
    year = int(found["year"]) or _LEAP_YEAR_FOR_YEAR_ZERO
    minute = datetime(
        year, int(found["month"]), int(found["day"]), int(found["hour"]), int(found["minute"]),
        tzinfo=UTC,
    )  # fmt: skip
    try:
        universal = minute - _ahead(found)
        return (universal + timedelta(minutes=1)).strftime("%d %H:%M") == "01 00:00"
    except OverflowError:
        return False
