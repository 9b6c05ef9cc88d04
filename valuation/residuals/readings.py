"""Readings: what each rate line metered in a rating period to date, and what that costs.

A reading is priced through the end of each of its months, so that every amount has the month it
belongs to, in whatever night its facts came.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from licensing.agreements.escalators import rises_on
from licensing.agreements.explained import as_json
from licensing.agreements.price_terms import terms_of
from licensing.models import Agreement, RateCard, RateLine
from licensing.pricing import Price, PriceTerms, price_period
from licensing.words import CutPeriod, Pricing, RoundQuantity
from talent.errors import Refused
from talent.periods import Days
from valuation.models import Reading
from valuation.residuals.rating import (
    LineConditions,
    MeteredUse,
    PriceFactor,
    RatedUse,
    UnratedUse,
    UsageCell,
    rate_cells,
)
from valuation.residuals.segments import Segment, has_entry_fee, segments
from valuation.residuals.totals import Row, cell_of

ZERO, ONE = Decimal(0), Decimal(1)
FACTOR_PLACES = Decimal("0.00000001")
NOTHING = Price((), ZERO)
NO_CARD = "No rate card counts on the day of the use."

# What the columns of readings, lines and postings hold, with room for sums.
MOST_GROSS, MOST_QUANTITY = Decimal(10) ** 13, Decimal(10) ** 13
NO_USE = UsageCell("", "", "", "", "", "", {}, events=0, leaves=0)
UNPRICEABLE = "Its quantity cannot be priced by these terms."

# Identifies a reading of an agreement: rate line id, factor, first day.
Key = tuple[int, Decimal, date]


@dataclass(frozen=True, slots=True)
class PricedMonth:
    """What a reading came to through the month, or part of one, that begins on a day."""

    starts_on: date
    quantity: Decimal
    price: Price


@dataclass(slots=True)
class PricedReading:
    """An unsaved reading, and what it came to month by month; the last month is the reading's."""

    reading: Reading
    months: list[PricedMonth] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class MonthCell:
    """The use of one month, or part of one, that is equal in everything a rate depends on."""

    month_on: date
    cell: UsageCell


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


@dataclass(slots=True)
class PeriodPrices:
    """A rating period's readings by key, and what was set aside.

    Of `unpriced_lines` nothing could be priced, so what was posted for them stays.
    """

    readings: dict[Key, PricedReading] = field(default_factory=dict)
    set_aside: list[SetAside] = field(default_factory=list)
    unpriced_lines: set[int] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class LineUse:
    """The use that one line meters at one factor in one month."""

    month_on: date
    use: MeteredUse


def price_period_to_date(
    agreement: Agreement,
    cards: Sequence[RateCard],
    period: Days,
    rows: Sequence[Row],
    parts: Sequence[date],
    as_of: date,
) -> PeriodPrices:
    """Price a rating period's usage totals to date.

    `cards` are sorted by their first day, `parts` are the first days of the period's months, and of
    the parts that a changed share cuts them into; `rows` are their totals. A rate line without use
    has a reading only if it costs something without use. No use makes this fail: what cannot be
    rated or priced is set aside with the reason.
    """
    prices = PeriodPrices()
    # What is owed once for the period is topped up over the costs of its later cards.
    costs_by_code: dict[str, Decimal] = defaultdict(Decimal)
    for segment in reversed(segments(agreement, cards, period)):
        inside = [row for row in rows if segment.holds(row["month_on"])]
        cells = [MonthCell(row["month_on"], cell_of(row, as_of)) for row in inside]
        rated = _rate_months(segment.card, cells)
        for line in segment.card.lines.all():
            elsewhere = costs_by_code[line.code] if line.cut_period == CutPeriod.WHOLE else ZERO
            pricer = LinePricer(agreement, segment, line, parts, as_of, elsewhere)
            for priced in _price_line(pricer, cells, rated, prices):
                _add_span(priced.reading, inside)
                prices.readings[key_of(priced.reading)] = priced
                costs_by_code[line.code] += priced.reading.gross
    return prices


def _price_line(
    pricer: "LinePricer",
    cells: Sequence[MonthCell],
    rated: Mapping[date, RatedUse],
    prices: PeriodPrices,
) -> Sequence[PricedReading]:
    """Price one line of what was rated by month; add to `prices` what has to be set aside.

    A line that cannot rate some use prices nothing: the rest alone would take back what was
    posted for that use before.
    """
    line = pricer.line
    uses, unrated = _uses_of_line(rated, line)
    readings: Sequence[PricedReading] = ()
    if not unrated:
        readings, unrated = _price_what_can_be_posted(pricer, cells, uses)
    if unrated:
        prices.set_aside.append(SetAside.of(line, pricer.segment.days, unrated))
    if unrated and not readings:
        prices.unpriced_lines.add(line.pk)
    return readings


def _price_what_can_be_posted(
    pricer: "LinePricer", cells: Sequence[MonthCell], uses: list[LineUse]
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
        uses, _ = _uses_of_line(_rate_months(pricer.segment.card, left), line)
    return (), unrated


def _checked(readings: Iterable[PricedReading]) -> Sequence[PricedReading]:
    """Return readings that the ledger can hold. Raises MoreThanCanBePosted."""
    readings = list(readings)
    for priced in readings:
        reading = priced.reading
        if abs(reading.gross) > MOST_GROSS or abs(reading.quantity) > MOST_QUANTITY:
            raise MoreThanCanBePosted("It comes to more than the ledger can hold; amend the use.")
    return readings


def rate_by_card(card: RateCard, cells: Iterable[UsageCell]) -> RatedUse:
    """Rate cells of usage by a rate card's lines and multipliers."""
    return rate_cells(
        cells,
        [conditions_of(line) for line in card.lines.all()],
        [PriceFactor(row.dimension, row.value, row.factor) for row in card.multipliers.all()],
    )


def unpriced_use(
    agreement: Agreement, cards: Sequence[RateCard], days: Days, rows: Sequence[Row], as_of: date
) -> RatedUse:
    """Return what of some days' use is held, worth zero or set aside, each with a reason.

    Use before the first rate card is held: it has no price yet.
    """
    held: list[UnratedUse] = []
    zero: list[UnratedUse] = []
    set_aside: dict[Hashable, Sequence[UnratedUse]] = {}
    left = list(rows)
    for segment in segments(agreement, cards, days):
        outcome = rate_by_card(
            segment.card, (cell_of(row, as_of) for row in left if segment.holds(row["month_on"]))
        )
        held += outcome.held
        zero += outcome.zero
        set_aside.update(outcome.set_aside)
        left = [row for row in left if not segment.holds(row["month_on"])]
    held += (UnratedUse(cell_of(row, as_of), NO_CARD) for row in left)
    return RatedUse((), tuple(held), tuple(zero), set_aside)


def key_of(reading: Reading) -> Key:
    """Return what identifies a reading of an agreement: rate line id, factor, first day."""
    return reading.rate_line_id, reading.factor, reading.period_on


def clear(reading: Reading) -> PricedReading:
    """Set a reading to no use and no cost; return it, unsaved."""
    reading.quantity, reading.events, reading.gross = ZERO, 0, ZERO
    reading.explanation, reading.months = [], []
    return PricedReading(reading)


def conditions_of(line: RateLine) -> LineConditions:
    """Return a stored rate line as the conditions that `rating` works on."""
    return LineConditions(
        key=line.pk,
        meter=line.meter,
        rights=_codes(line.rights),
        uses=_codes(line.uses),
        territories=_codes(line.territories),
        languages=_codes(line.languages),
        channels=_codes(line.channels),
        prompt_classes=_codes(line.prompt_classes),
        production_id=line.production_id,
        unlicensed=line.unlicensed,
        charge_group=line.charge_group,
        rounding=RoundQuantity(line.round_quantity),
        step=line.round_to,
    )


def lines_in_plain_values(price: Price) -> list[dict[str, object]]:
    """Return a price's lines as JSON values."""
    return list(map(as_json, price.lines))


@dataclass(frozen=True, slots=True)
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
        for month_on, quantities in self._quantities_to_date(uses):
            prices = self._prices(month_on, quantities)
            for factor in months.keys() - prices.keys():
                months[factor].append(PricedMonth(month_on, ZERO, NOTHING))
            for factor, price in prices.items():
                quantity = quantities.get(factor, ZERO)
                months[factor].append(PricedMonth(month_on, quantity, price))
        for factor, told in months.items():
            mine = [use.use for use in uses if use.use.factor == factor]
            yield PricedReading(self._reading(factor, told[-1], mine), told)

    def _quantities_to_date(
        self, uses: Sequence[LineUse]
    ) -> Iterator[tuple[date, dict[Decimal, Decimal]]]:
        """Yield each month's cumulative quantities by factor; what was taken back is left out."""
        quantities: dict[Decimal, Decimal] = defaultdict(Decimal)
        events: dict[Decimal, int] = defaultdict(int)
        for month_on in sorted({use.month_on for use in uses} | self._months_of_fees()):
            for use in uses:
                if use.month_on == month_on:
                    quantities[use.use.factor] += use.use.quantity
                    events[use.use.factor] += use.use.events
            yield (
                month_on,
                {
                    factor: quantity
                    for factor, quantity in quantities.items()
                    if quantity or events[factor]
                },
            )

    def _months_of_fees(self) -> set[date]:
        """Return the months in which the line may cost something without use."""
        months = set()
        if self._owes_fee_by(self.as_of):
            months.add(self._month_of_fee())
        if self._is_topped_up():
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
        is_last = self._is_topped_up() and month_on == self.parts[-1]
        is_flat = self.line.pricing == Pricing.FLAT
        if is_flat and not self._owes_fee_by(month_on):
            return {}
        if not is_flat and not quantities and not is_last:
            return {}
        terms = self._terms()
        if not is_last:
            return price_period(replace(terms, minimum=None), quantities)
        return price_period(terms, quantities, self.elsewhere)

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
        return terms if segment.owes(self.line) else replace(terms, minimum=None)

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
            summary={
                "uses": _all(uses, "uses"),
                "rights": _all(uses, "rights"),
                "territories": _all(uses, "territories"),
                "languages": _all(uses, "languages"),
                "production_ids": _all(uses, "production_ids"),
                "factors": _all(uses, "factors"),
            },
        )


def _rate_months(card: RateCard, cells: Iterable[MonthCell]) -> dict[date, RatedUse]:
    by_month: dict[date, list[UsageCell]] = defaultdict(list)
    for cell in cells:
        by_month[cell.month_on].append(cell.cell)
    return {month_on: rate_by_card(card, of_month) for month_on, of_month in by_month.items()}


def _uses_of_line(
    rated: Mapping[date, RatedUse], line: RateLine
) -> tuple[list[LineUse], list[UnratedUse]]:
    """Return what a line meters of each month's use, and what it cannot rate."""
    uses: list[LineUse] = []
    unrated: list[UnratedUse] = []
    for month_on, outcome in rated.items():
        uses += [LineUse(month_on, use) for use in outcome.metered if use.line_key == line.pk]
        unrated += outcome.set_aside.get(line.pk, ())
    return uses, unrated


def _all(uses: Iterable[MeteredUse], name: str) -> list[Hashable]:
    return sorted({value for use in uses for value in getattr(use, name)})


def _add_span(reading: Reading, rows: Sequence[Row]) -> None:
    """Set the range of log indexes of the segment's usage; 0 and 0 if it has none."""
    reading.first_index = min((row["first_index"] for row in rows), default=0)
    reading.last_index = max((row["last_index"] for row in rows), default=0)


def _codes(codes: list[str] | None) -> tuple[str, ...] | None:
    return None if codes is None else tuple(codes)
