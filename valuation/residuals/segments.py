"""Segments: the days a night prices, each under one rate card."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from licensing.agreements.rates.price_terms import brackets_in_order
from licensing.models import Agreement, RateCard, RateLine
from licensing.words import CutPeriod, Pricing
from talent.periods import Days, local_day, next_period, period_containing

MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Segment:
    """Days of a rating period under one rate card; a new card in mid-period starts another.

    `term_days` are the segment's days within the agreement's term, on which fees fall due; None if
    there are none. `is_first` marks the first segment of its period that has such days: it owes
    what is owed once for the period.
    """

    days: Days
    card: RateCard
    period: Days
    term_days: Days | None
    is_first: bool

    @property
    def counted_days(self) -> int:
        """How many days fees by days count for."""
        return length_of(self.term_days) if self.term_days else 0

    @property
    def period_length(self) -> int:
        """How many days the whole rating period has."""
        return length_of(self.period)

    def holds(self, day: date) -> bool:
        """Tell whether a day is one of the segment's."""
        return self.days.starts_on <= day < self.days.ends_on

    def owes(self, line: RateLine) -> bool:
        """Tell whether the segment owes a line's fee or minimum, or a part of it by days."""
        if line.cut_period == CutPeriod.BY_DAYS:
            return self.counted_days > 0
        return self.is_first


def segments(agreement: Agreement, cards: Sequence[RateCard], period: Days) -> list[Segment]:
    """Split a rating period where a rate card begins; days before the first card are left out.

    `cards` are sorted by `effective_from`.
    """
    changes = [
        card.effective_from
        for card in cards
        if period.starts_on < card.effective_from < period.ends_on
    ]
    starts, ends = [period.starts_on, *changes], [*changes, period.ends_on]
    found: list[Segment] = []
    for days in map(Days, starts, ends):
        if card := _card_on(cards, days.starts_on):
            term_days = _within_term(agreement, days)
            is_first = term_days is not None and not any(one.is_first for one in found)
            found.append(Segment(days, card, period, term_days, is_first))
    return found


def rating_period(agreement: Agreement, day: date) -> Days:
    """Return the agreement's rating period that contains a day (in its own time zone)."""
    return period_containing(day, agreement.rating_period, agreement.fiscal_year_start_month)


def periods_that_open_or_end(
    agreement: Agreement, since: date | None, as_of: date
) -> Iterator[Days]:
    """Yield rating periods of the agreement's term that opened or ended in (since, as_of].

    Without `since`, all periods that opened by `as_of`.
    """
    first, last = first_day(agreement), min(as_of, last_day(agreement))
    days = rating_period(agreement, first)
    while days.starts_on <= last:
        opens_on = max(first, days.starts_on)
        if since is None or opens_on > since or since < days.ends_on <= as_of:
            yield days
        days = next_period(
            days.starts_on, agreement.rating_period, agreement.fiscal_year_start_month
        )


def can_owe_without_use(line: RateLine) -> bool:
    """Tell whether a rate line can cost something without use, in any period."""
    return line.pricing == Pricing.FLAT or line.minimum > 0 or has_entry_fee(line)


def has_entry_fee(line: RateLine) -> bool:
    """Tell whether a line charges a fee for entering its first bracket."""
    brackets = brackets_in_order(line)
    return bool(brackets) and brackets[0].flat > 0


def length_of(days: Days) -> int:
    """Return how many days a period has."""
    return (days.ends_on - days.starts_on).days


def _card_on(cards: Sequence[RateCard], day: date) -> RateCard | None:
    begun = [card for card in cards if card.effective_from <= day]
    return begun[-1] if begun else None


def _within_term(agreement: Agreement, days: Days) -> Days | None:
    starts_on = max(days.starts_on, first_day(agreement))
    last = min(days.ends_on - timedelta(days=1), last_day(agreement))
    return Days(starts_on, last + timedelta(days=1)) if starts_on <= last else None


def first_day(agreement: Agreement) -> date:
    return local_day(agreement.starts_at, agreement.time_zone)


def last_day(agreement: Agreement) -> date:
    """Return the term's last day; one that ends at midnight has no day in what begins then."""
    if agreement.ends_at is None:
        return date.max - timedelta(days=1)
    return local_day(agreement.ends_at - MOMENT, agreement.time_zone)
