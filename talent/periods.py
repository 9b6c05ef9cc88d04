"""Periods: months, quarters and years as half-open ranges of days."""

from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from talent.errors import Refused
from talent.words import Period

MONTHS: dict[str, int] = {Period.MONTH: 1, Period.QUARTER: 3, Period.YEAR: 12}
NAMES = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]


OF_AGE = 18
LENGTH_OF_MONTH = len("2026-07")
FIRST_YEAR, LAST_YEAR = 1900, 2199


class UnknownTimeZone(Refused):
    code = "unknown_time_zone"


class Days(NamedTuple):
    """The days from `starts_on` to before `ends_on`."""

    starts_on: date
    ends_on: date

    def __str__(self) -> str:
        return label(self)


@lru_cache(maxsize=4_096)
def period_containing(day: date, period: str, first_month: int = 1) -> Days:
    """Return the month, quarter or year that contains a day; a year starts in `first_month`."""
    length = MONTHS[period]
    into = (day.month - first_month) % length
    starts_on = months_later(day.replace(day=1), -into)
    return Days(starts_on, months_later(starts_on, length))


def next_period(day: date, period: str, first_month: int = 1) -> Days:
    """Return the period after the one that contains a day."""
    return period_containing(
        period_containing(day, period, first_month).ends_on, period, first_month
    )


def previous_period(day: date, period: str, first_month: int = 1) -> Days:
    """Return the period before the one that contains a day."""
    starts_on = period_containing(day, period, first_month).starts_on
    return period_containing(starts_on - timedelta(days=1), period, first_month)


def local_day(instant: datetime, zone: str) -> date:
    """Return the day on which an instant falls in an IANA time zone. Raises UnknownTimeZone."""
    return _aware(instant).astimezone(_zone(zone)).date()


def starts_at(day: date, zone: str) -> datetime:
    """Return the instant, in UTC, at which a day begins in a zone. Raises UnknownTimeZone."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=_zone(zone))
    return midnight.astimezone(UTC)


def month_range(month: str, zone: tzinfo) -> tuple[datetime, datetime]:
    """Return the start and end (exclusive) of a month such as 2026-07 in a zone.

    Raises ValueError, also for a month that no calendar of the desk has to reach.
    """
    first = date.fromisoformat(f"{month}-01")
    if len(month) != LENGTH_OF_MONTH or not FIRST_YEAR <= first.year <= LAST_YEAR:
        raise ValueError(f"{month} is no month of the years {FIRST_YEAR} to {LAST_YEAR}.")
    start = datetime(first.year, first.month, 1, tzinfo=zone)
    return start, (start + timedelta(days=32)).replace(day=1)


def label(days: Days) -> str:
    """Write a period in English with its last day included: “1 July – 30 September 2026”."""
    first, last = days.starts_on, days.ends_on - timedelta(days=1)
    if first == last:
        return _in_words(first)
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day} – {_in_words(last)}"
    if first.year == last.year:
        return f"{first.day} {NAMES[first.month - 1]} – {_in_words(last)}"
    return f"{_in_words(first)} – {_in_words(last)}"


def of_age(born_on: date, on: date) -> bool:
    """Tell whether somebody is an adult on a day."""
    birthday_to_come = (on.month, on.day) < (born_on.month, born_on.day)
    return on.year - born_on.year - birthday_to_come >= OF_AGE


def months_later(first_of_month: date, months: int) -> date:
    """Return the first day of the month that many months later."""
    years, month = divmod(first_of_month.month - 1 + months, 12)
    return date(first_of_month.year + years, month + 1, 1)


def _in_words(day: date) -> str:
    return f"{day.day} {NAMES[day.month - 1]} {day.year}"


def _aware(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise ValueError(f"{instant} names no time zone, so no day can be told from it.")
    return instant


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as unknown:
        raise UnknownTimeZone(f"“{name}” is not a time zone of the IANA database.") from unknown
