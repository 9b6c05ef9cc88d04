"""Segments: the days a night prices, each under one rate card."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from licensing.models import Agreement, Bracket, RateCard, RateLine
from licensing.words import Pricing
from talent.periods import Days, local_day, next_period, period_containing


@dataclass(frozen=True, slots=True)
class Segment:
    """Days of a rating period under one rate card; a new card in mid-period starts another."""

    days: Days
    card: RateCard


def segments(cards: Sequence[RateCard], periods: Iterable[Days]) -> Iterator[Segment]:
    """Yield periods, split where a rate card begins; days before the first card are left out.

    `cards` are sorted by `effective_from`.
    """
    for days in sorted(periods):
        changes = [
            card.effective_from
            for card in cards
            if days.starts_on < card.effective_from < days.ends_on
        ]
        starts = [days.starts_on, *changes]
        for start, end in zip(starts, [*changes, days.ends_on], strict=True):
            if card := _card_on(cards, start):
                yield Segment(Days(start, end), card)


def rating_period(agreement: Agreement, day: date) -> Days:
    """Return the agreement's rating period that contains a day (in its own time zone)."""
    return period_containing(day, agreement.rating_period, agreement.fiscal_year_start_month)


def periods_that_open_or_end(
    agreement: Agreement, since: date | None, as_of: date
) -> Iterator[Days]:
    """Yield rating periods of the agreement's term that opened or ended in (since, as_of].

    Without `since`, all periods that opened by `as_of`.
    """
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


def owes_without_use(line: RateLine, days: Days, as_of: date) -> bool:
    """Tell whether a rate line costs something for these days even without use.

    A flat price is owed from the start; a minimum, and a fee for entering the first bracket, once
    the days have ended by `as_of`.
    """
    if line.pricing == Pricing.FLAT:
        return True
    return days.ends_on <= as_of and (line.minimum > 0 or _has_entry_fee(line))


def can_owe_without_use(line: RateLine) -> bool:
    """Tell whether a rate line can cost something without use, in any period."""
    return line.pricing == Pricing.FLAT or line.minimum > 0 or _has_entry_fee(line)


def brackets_in_order(line: RateLine) -> list[Bracket]:
    """Return a line's brackets from the lowest; the open one is last."""
    return sorted(
        line.brackets.all(), key=lambda bracket: (bracket.up_to is None, bracket.up_to or 0)
    )


def _has_entry_fee(line: RateLine) -> bool:
    brackets = brackets_in_order(line)
    return bool(brackets) and brackets[0].flat > 0


def _card_on(cards: Sequence[RateCard], day: date) -> RateCard | None:
    begun = [card for card in cards if card.effective_from <= day]
    return begun[-1] if begun else None
