"""Segments: the days a night prices, each under one rate version."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from licensing.models import Agreement, RateCard, RateLine
from licensing.words import Pricing
from talent.periods import Days, local_day, next_period, period_containing


@dataclass(frozen=True, slots=True)
class Segment:
    """Days of a rating period under one rate version: a change in mid-period ends it there."""

    days: Days
    card: RateCard


def segments(cards: Sequence[RateCard], periods: Iterable[Days]) -> Iterator[Segment]:
    """Cut periods where a rate version begins; days before the first version have no price.

    `cards` are in the order of their first days.
    """
    for days in sorted(periods):
        changes = [
            card.effective_from
            for card in cards
            if days.starts_on < card.effective_from < days.ends_on
        ]
        starts = [days.starts_on, *changes]
        for start, end in zip(starts, [*changes, days.ends_on], strict=True):
            if card := _in_force(cards, start):
                yield Segment(Days(start, end), card)


def rating_period(agreement: Agreement, day: date) -> Days:
    """Return the agreement's rating period that holds a day of its own zone."""
    return period_containing(day, agreement.rating_period, agreement.fiscal_year_start_month)


def opened_or_ended(agreement: Agreement, since: date | None, as_of: date) -> Iterator[Days]:
    """Yield the term's periods that opened or ended after `since`, up to `as_of` included."""
    days = rating_period(agreement, local_day(agreement.starts_at, agreement.time_zone))
    last = as_of
    if agreement.ends_at is not None:
        last = min(as_of, local_day(agreement.ends_at, agreement.time_zone))
    while days.starts_on <= last:
        if since is None or days.starts_on > since or since < days.ends_on <= as_of:
            yield days
        days = next_period(
            days.starts_on, agreement.rating_period, agreement.fiscal_year_start_month
        )


def owed_unused(line: RateLine, days: Days, as_of: date) -> bool:
    """Tell whether a line costs something without use: a flat price, a minimum at the end."""
    if line.pricing == Pricing.FLAT:
        return True
    return days.ends_on <= as_of and (line.minimum > 0 or _flat_at_zero(line))


def costs_unused(line: RateLine) -> bool:
    """Tell whether a line may ever cost something without use."""
    return line.pricing == Pricing.FLAT or line.minimum > 0 or _flat_at_zero(line)


def _flat_at_zero(line: RateLine) -> bool:
    brackets = sorted_brackets(line)
    return bool(brackets) and brackets[0].flat > 0


def sorted_brackets(line: RateLine) -> list:
    """Return a line's brackets from the lowest; the open one is last."""
    return sorted(line.brackets.all(), key=lambda one: (one.up_to is None, one.up_to))


def _in_force(cards: Sequence[RateCard], day: date) -> RateCard | None:
    begun = [card for card in cards if card.effective_from <= day]
    return begun[-1] if begun else None
