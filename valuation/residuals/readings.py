"""Readings: what each rate line metered in a rating period to date, and what that costs.

A reading is priced through the end of each of its months, so that every amount has the month it
belongs to, in whatever night its facts came. It keeps what it came to by month, so that a night
only adds what is new (`add_to_readings`); `price_to_date` prices all use of a period from nothing,
and both come to the same.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any

from licensing.agreements.rates.escalators import rises_on
from licensing.agreements.rates.explained import as_json
from licensing.agreements.rates.price_terms import terms_of
from licensing.models import Agreement, RateLine
from licensing.pricing import Price, PriceTerms, price_period
from licensing.words import CutPeriod, Pricing
from talent.errors import Refused
from talent.periods import Days
from valuation.models import Reading
from valuation.residuals.rated_use import (
    AgreementTerms,
    LineUse,
    RatedDays,
    RatedSegment,
    uses_of_line,
)
from valuation.residuals.rating import MeteredUse, UnratedUse, UsageCell
from valuation.residuals.segments import Segment, has_entry_fee
from valuation.residuals.totals import MonthCell

ZERO, ONE = Decimal(0), Decimal(1)
FACTOR_PLACES = Decimal("0.00000001")
NOTHING = Price((), ZERO)

# What the columns of readings, lines and postings hold, with room for sums.
MOST_GROSS, MOST_QUANTITY = Decimal(10) ** 13, Decimal(10) ** 13
NO_USE = UsageCell("", "", "", "", "", "", {}, events=0, leaves=0)
UNPRICEABLE = "Its quantity cannot be priced by these terms."

# What a reading says of the use that it covers.
SUMMARY = ("uses", "rights", "territories", "languages", "production_ids", "factors")

# Identifies a reading of an agreement: rate line id, factor, first day.
Key = tuple[int, Decimal, date]


@dataclass(frozen=True, slots=True)
class PricedMonth:
    """What a reading came to through the month, or part of one, that begins on a day.

    `quantity` is what was priced; `used` and `events` are what was metered until then, which a
    price that ignores it keeps too, or None where that could not be told again.
    """

    starts_on: date
    quantity: Decimal
    price: Price
    used: Decimal | None = ZERO
    events: int = 0


@dataclass(slots=True)
class PricedReading:
    """An unsaved reading, and what it came to month by month; the last month is the reading's."""

    reading: Reading
    months: list[PricedMonth] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class SetAside:
    """Use that cannot be rated, and why; with the days, the rate line, and its span of the log."""

    period_on: date
    rate_line: str
    reason: str
    events: int
    first_index: int
    last_index: int

    @classmethod
    def of(cls, line: RateLine, days: Days, uses: Sequence[UnratedUse]) -> "SetAside":
        cells = [use.cell for use in uses]
        return cls(
            days.starts_on,
            line.label or line.code,
            uses[0].reason,
            sum(cell.events for cell in cells),
            min(cell.first_index for cell in cells),
            max(cell.last_index for cell in cells),
        )


class MoreThanCanBePosted(Refused):
    """A reading comes to more than the ledger holds."""

    code = "more_than_can_be_posted"


class CannotAdd(Exception):
    """New use cannot be added to readings as they stand: the period is priced from nothing."""


@dataclass(slots=True)
class PeriodPrices:
    """A rating period's readings by key, and what was set aside.

    Of `unpriced_lines` nothing could be priced, so what was posted for them stays.
    """

    readings: dict[Key, PricedReading] = field(default_factory=dict)
    set_aside: list[SetAside] = field(default_factory=list)
    unpriced_lines: set[int] = field(default_factory=set)


def price_to_date(
    terms: AgreementTerms, rated: RatedDays, parts: Sequence[date], as_of: date
) -> PeriodPrices:
    """Price all use of a rating period to date, from nothing.

    `parts` are the first days of the period's months, and of the parts that a changed share cuts
    them into. A rate line without use has a reading only if it costs something without use. No use
    makes this fail: what cannot be rated or priced is set aside with the reason.
    """
    prices = PeriodPrices()

    def price_line(pricer: LinePricer, part: RatedSegment) -> Sequence[PricedReading]:
        return _price_line(terms, pricer, part, prices)

    _price_lines(terms, rated, parts, as_of, price_line, prices)
    return prices


def add_to_readings(
    terms: AgreementTerms,
    stored: Mapping[Key, Reading],
    rated: RatedDays,
    parts: Sequence[date],
    as_of: date,
    *,
    is_first: bool,
) -> PeriodPrices:
    """Price a rating period to date, by its readings as stored and the use that is new since.

    `is_first` says that no use was rated before. Raises CannotAdd where the sum could be something
    else than `price_to_date` comes to.
    """
    before: dict[int, list[Reading]] = defaultdict(list)
    for reading in () if is_first else stored.values():
        before[reading.rate_line_id or 0].append(reading)
    prices = PeriodPrices()

    def price_line(pricer: LinePricer, part: RatedSegment) -> Sequence[PricedReading]:
        new, unrated = part.uses_of(pricer.line)
        if unrated:
            raise CannotAdd
        if pricer.line.pricing == Pricing.FLAT and not (before[pricer.line.pk] or is_first):
            raise CannotAdd  # Used before its fee was due, perhaps: that is in no reading.
        told = [use for reading in before[pricer.line.pk] for use in _uses_told_by(reading)]
        try:
            return _checked(pricer.readings(_added_up(told, new)))
        except (Refused, ValueError, ArithmeticError) as failure:
            raise CannotAdd from failure

    _price_lines(terms, rated, parts, as_of, price_line, prices)
    for key, priced in prices.readings.items():
        if earlier := stored.get(key):
            _widen_span(priced.reading, earlier)
    return prices


def _price_lines(
    terms: AgreementTerms,
    rated: RatedDays,
    parts: Sequence[date],
    as_of: date,
    price_line: Callable[["LinePricer", RatedSegment], Sequence[PricedReading]],
    prices: PeriodPrices,
) -> None:
    # What is owed once for the period is topped up over the costs of its later cards.
    costs_by_code: dict[str, Decimal] = defaultdict(Decimal)
    for part in reversed(rated.segments):
        for line in terms.lines_of(part.segment.card):
            elsewhere = costs_by_code[line.code] if line.cut_period == CutPeriod.WHOLE else ZERO
            pricer = LinePricer(terms.agreement, part.segment, line, parts, as_of, elsewhere)
            for priced in price_line(pricer, part):
                _add_span(priced.reading, part.cells)
                prices.readings[key_of(priced.reading)] = priced
                costs_by_code[line.code] += priced.reading.gross


def _price_line(
    terms: AgreementTerms, pricer: "LinePricer", part: RatedSegment, prices: PeriodPrices
) -> Sequence[PricedReading]:
    """Price one line of what was rated by month; add to `prices` what has to be set aside.

    A line that cannot rate some use prices nothing: the rest alone would take back what was
    posted for that use before.
    """
    line = pricer.line
    uses, unrated = part.uses_of(line)
    readings: Sequence[PricedReading] = ()
    if not unrated:
        readings, unrated = _price_what_can_be_posted(terms, pricer, part.cells, uses)
    if unrated:
        prices.set_aside.append(SetAside.of(line, pricer.segment.days, unrated))
    if unrated and not readings:
        prices.unpriced_lines.add(line.pk)
    return readings


def _price_what_can_be_posted(
    terms: AgreementTerms, pricer: "LinePricer", cells: Sequence[MonthCell], uses: list[LineUse]
) -> tuple[Sequence[PricedReading], list[UnratedUse]]:
    """Price a line, without the largest of its use where that is more than can be posted."""
    line = pricer.line
    left = [cell for cell in cells if line.meter in cell.cell.quantities]
    unrated: list[UnratedUse] = []
    while uses or not unrated:
        try:
            return _checked(pricer.readings(uses)), unrated
        except (Refused, ValueError, ArithmeticError) as failure:
            reason = str(failure) if isinstance(failure, Refused) else UNPRICEABLE
        largest = max(left, key=lambda cell: abs(cell.cell.quantities[line.meter]), default=None)
        unrated.append(UnratedUse(largest.cell if largest else NO_USE, reason))
        left = [cell for cell in left if cell is not largest]
        uses, _ = uses_of_line(terms.rate_months(pricer.segment.card, left), line)
    return (), unrated


def _checked(readings: Iterable[PricedReading]) -> Sequence[PricedReading]:
    """Return readings that the ledger can hold. Raises MoreThanCanBePosted."""
    readings = list(readings)
    for priced in readings:
        reading = priced.reading
        if abs(reading.gross) > MOST_GROSS or abs(reading.quantity) > MOST_QUANTITY:
            raise MoreThanCanBePosted("It comes to more than the ledger can hold; amend the use.")
    return readings


def _uses_told_by(reading: Reading) -> Iterator[LineUse]:
    """Yield what a stored reading metered in each of its months. Raises CannotAdd."""
    used, events = ZERO, 0
    summary: dict[str, Any] = {
        name: tuple(map(_frozen, reading.summary.get(name, ()))) for name in SUMMARY
    }
    for month in reading.months:
        if "used" not in month:  # Priced before the desk kept it.
            raise CannotAdd
        through = Decimal(month["used"])
        use = MeteredUse(
            line_key=reading.rate_line_id,
            factor=reading.factor,
            quantity=through - used,
            events=month["events"] - events,
            **summary,
        )
        if use.quantity or use.events:
            yield LineUse(date.fromisoformat(month["starts_on"]), use)
        used, events = through, month["events"]


def _frozen(value: Any) -> Hashable:
    """Return a value of JSON with tuples for lists."""
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


def _added_up(told: Iterable[LineUse], new: Iterable[LineUse]) -> list[LineUse]:
    """Add new use to what was told before, by month and factor. Raises CannotAdd.

    What comes to nothing would leave its territories and the like behind, and a factor finer than
    readings tell would be another one.
    """
    sums: dict[tuple[date, Decimal], MeteredUse] = {
        (line_use.month_on, line_use.use.factor): line_use.use for line_use in told
    }
    for line_use in new:
        use, key = line_use.use, (line_use.month_on, line_use.use.factor)
        if use.factor != use.factor.quantize(FACTOR_PLACES):
            raise CannotAdd
        if before := sums.get(key):
            summary: dict[str, Any] = {
                name: (*getattr(before, name), *getattr(use, name)) for name in SUMMARY
            }
            quantity, events = before.quantity + use.quantity, before.events + use.events
            use = replace(use, quantity=quantity, events=events, **summary)
        if not use.quantity and not use.events:
            raise CannotAdd
        sums[key] = use
    return [LineUse(month_on, use) for (month_on, _), use in sums.items()]


def key_of(reading: Reading) -> Key:
    """Return what identifies a reading of an agreement: rate line id, factor, first day."""
    return reading.rate_line_id or 0, reading.factor, reading.period_on


def clear(reading: Reading) -> PricedReading:
    """Set a reading to no use and no cost; return it, unsaved."""
    reading.quantity, reading.events, reading.gross = ZERO, 0, ZERO
    reading.explanation, reading.months = [], []
    return PricedReading(reading)


def lines_in_plain_values(price: Price) -> list[dict[str, object]]:
    """Return a price's lines as JSON values."""
    return list(map(as_json, price.lines))


@dataclass(frozen=True)
class LinePricer:
    """Prices one rate line in one segment, month by month.

    `elsewhere` is what the line of the same code costs under the period's later cards.
    """

    agreement: Agreement
    segment: Segment
    line: RateLine
    parts: Sequence[date]
    as_of: date
    elsewhere: Decimal

    def readings(self, uses: Sequence[LineUse]) -> Iterator[PricedReading]:
        """Yield the line's readings by factor, each with its months."""
        months: dict[Decimal, list[PricedMonth]] = defaultdict(list)
        for month_on, used in self._use_to_date(uses):
            # What was taken back altogether is left out.
            quantities = {factor: n for factor, (n, events) in used.items() if n or events}
            prices = self._prices(month_on, quantities)
            for factor in months.keys() - prices.keys():
                until = used.get(factor, (ZERO, 0))
                months[factor].append(PricedMonth(month_on, ZERO, NOTHING, *until))
            for factor, price in prices.items():
                quantity, until = quantities.get(factor, ZERO), used.get(factor, (ZERO, 0))
                months[factor].append(PricedMonth(month_on, quantity, price, *until))
        for factor, told in months.items():
            mine = [use.use for use in uses if use.use.factor == factor]
            if factor != factor.quantize(FACTOR_PLACES):
                # A stored reading could not tell of which factor its use is.
                told = [replace(month, used=None) for month in told]
            yield PricedReading(self._reading(factor, told[-1], mine), told)

    def _use_to_date(
        self, uses: Sequence[LineUse]
    ) -> Iterator[tuple[date, dict[Decimal, tuple[Decimal, int]]]]:
        """Yield each month with the cumulative quantity and events by factor."""
        used: dict[Decimal, tuple[Decimal, int]] = {}
        for month_on in sorted({use.month_on for use in uses} | self._months_of_fees()):
            for use in (line_use.use for line_use in uses if line_use.month_on == month_on):
                quantity, events = used.get(use.factor, (ZERO, 0))
                used[use.factor] = quantity + use.quantity, events + use.events
            yield month_on, dict(used)

    def _months_of_fees(self) -> set[date]:
        """Return the months in which the line may cost something without use."""
        months = set()
        if self._owes_fee_by(self.as_of):
            months.add(self._month_of_fee())
        if self._is_topped_up:
            months.add(self.parts[-1])
        return months

    def _owes_fee_by(self, day: date) -> bool:
        """Tell whether the line is a flat fee that has fallen due by a day."""
        if self.line.pricing != Pricing.FLAT or not self.segment.owes(self.line):
            return False
        return self._month_of_fee() <= min(day, self.as_of)

    def _month_of_fee(self) -> date:
        """Return the month in which a flat fee falls due: that of its first day in the term."""
        first = (self.segment.term_days or self.segment.days).starts_on
        return max(part for part in self.parts if part <= first)

    @cached_property
    def _is_topped_up(self) -> bool:
        """Tell whether the period has ended, and the line owes something whatever was used."""
        line = self.line
        return (
            self.segment.period.ends_on <= self.as_of
            and self.segment.owes(line)
            and (line.minimum > 0 or has_entry_fee(line))
        )

    def _prices(
        self, month_on: date, quantities: Mapping[Decimal, Decimal]
    ) -> dict[Decimal, Price]:
        """Price the quantities through a month; without use only what is owed without it."""
        is_last = self._is_topped_up and month_on == self.parts[-1]
        is_flat = self.line.pricing == Pricing.FLAT
        if is_flat and not self._owes_fee_by(month_on):
            return {}
        if not is_flat and not quantities and not is_last:
            return {}
        if not is_last:
            return price_period(self._terms_before_the_end, quantities)
        return price_period(self._terms, quantities, self.elsewhere)

    @cached_property
    def _terms(self) -> PriceTerms:
        """Return the line's price terms for the segment's part of the period."""
        segment = self.segment
        terms = terms_of(
            self.line,
            self.agreement.currency,
            days=segment.counted_days,
            of_days=segment.period_length,
            rises=rises_on(segment.card, segment.days.starts_on),
        )
        return terms if segment.owes(self.line) else _without_minimum(terms)

    @cached_property
    def _terms_before_the_end(self) -> PriceTerms:
        """Return the terms without the minimum, which is owed once the period has ended."""
        return _without_minimum(self._terms)

    def _reading(self, factor: Decimal, last: PricedMonth, uses: Sequence[MeteredUse]) -> Reading:
        return Reading(
            agreement=self.agreement,
            rate_line=self.line,
            factor=factor.quantize(FACTOR_PLACES),
            period_on=self.segment.days.starts_on,
            period_ends_on=self.segment.days.ends_on,
            quantity=last.quantity,
            events=sum(use.events for use in uses),
            gross=last.price.gross,
            currency=self.agreement.currency,
            explanation=lines_in_plain_values(last.price),
            summary={name: _all(uses, name) for name in SUMMARY},
        )


def _without_minimum(terms: PriceTerms) -> PriceTerms:
    """Return terms without a minimum. Those that have none are given back: to make them is slow."""
    return terms if terms.minimum is None else replace(terms, minimum=None)


def _all(uses: Iterable[MeteredUse], name: str) -> list[Hashable]:
    return sorted({value for use in uses for value in getattr(use, name)})


def _add_span(reading: Reading, cells: Sequence[MonthCell]) -> None:
    """Set the range of log indexes of the segment's usage; 0 and 0 if it has none."""
    reading.first_index = min((cell.cell.first_index for cell in cells), default=0)
    reading.last_index = max((cell.cell.last_index for cell in cells), default=0)


def _widen_span(reading: Reading, earlier: Reading) -> None:
    """Have a reading span what it spanned before and what is new; 0 and 0 is no span."""
    spans = [one for one in (reading, earlier) if one.last_index or one.first_index or one.events]
    reading.first_index = min((one.first_index for one in spans), default=0)
    reading.last_index = max((one.last_index for one in spans), default=0)
