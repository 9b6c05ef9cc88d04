"""What checks read of a rule's values, and days counted in years."""

from datetime import date
from decimal import Decimal

from licensing.agreements.rules.rulebook import Rule
from talent.periods import LAST_YEAR


def number(rule: Rule, key: str) -> int:
    """Return a whole number of a rule: days, years, hours."""
    return int(str(rule.values[key]))


def amount(rule: Rule, key: str) -> Decimal:
    """Return a figure of a rule: an amount in its currency, or a percentage."""
    return Decimal(str(rule.values[key]))


def texts(rule: Rule, key: str) -> frozenset[str]:
    """Return what a rule lists; nothing where it lists nothing."""
    listed = rule.values.get(key, [])
    return frozenset(listed) if isinstance(listed, list) else frozenset()


def years_later(day: date, years: int) -> date:
    """Return the same day so many years later; the 29th of February becomes the 1st of March.

    A day after the desk's last year is that year's last.
    """
    year = day.year + years
    if year > LAST_YEAR:
        return date(LAST_YEAR, 12, 31)
    try:
        return day.replace(year=year)
    except ValueError:
        return date(year, 3, 1)


def months_later(day: date, months: int) -> date:
    """Return the same day so many months later; past a month's end, the next month's first."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if year > LAST_YEAR:
        return date(LAST_YEAR, 12, 31)
    try:
        return day.replace(year=year, month=month + 1)
    except ValueError:
        later, first = divmod(year * 12 + month + 1, 12)
        return date(later, first + 1, 1)
