"""Readings: what each rate line metered in a segment to date, and what that costs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from licensing.models import Agreement, RateCard, RateLine
from licensing.words import Pricing, RoundQuantity
from talent.errors import Refused
from talent.periods import Days
from valuation.models import Reading
from valuation.residuals.pricing import Price, PriceBracket, PricedLine, PriceTerms, price_period
from valuation.residuals.rating import (
    LineConditions,
    MeteredUse,
    PriceFactor,
    RatedUse,
    UnratedUse,
    UsageCell,
    rate_cells,
)
from valuation.residuals.segments import Segment, brackets_in_order, owes_without_use
from valuation.residuals.totals import Row, cell_of

ZERO, ONE = Decimal(0), Decimal(1)
FACTOR_PLACES = Decimal("0.00000001")

# What the columns of readings, lines and postings hold, with room for sums.
MOST_GROSS, MOST_QUANTITY = Decimal(10) ** 13, Decimal(10) ** 13
NO_USE = UsageCell("", "", "", "", "", "", {}, events=0, leaves=0)
UNPRICEABLE = "Its quantity cannot be priced by these terms."

# Identifies a reading within a segment: rate line id and factor.
Key = tuple[int, Decimal]


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
class SegmentPrices:
    """A segment's unsaved readings by key, and what was set aside.

    Of `unpriced_lines` nothing could be priced, so what was posted for them stays.
    """

    readings: dict[Key, Reading] = field(default_factory=dict)
    set_aside: list[SetAside] = field(default_factory=list)
    unpriced_lines: set[int] = field(default_factory=set)


def price_segment(
    agreement: Agreement, segment: Segment, rows: Sequence[Row], as_of: date
) -> SegmentPrices:
    """Price a segment's usage totals to date.

    A rate line without use has a reading only if it costs something without use. No use makes this
    fail: what cannot be rated or priced is set aside with the reason.
    """
    prices = SegmentPrices()
    cells = [cell_of(row, as_of) for row in rows]
    rated = rate_by_card(segment.card, cells)
    for line in segment.card.lines.all():
        if line.pk in rated.set_aside:
            prices.set_aside.append(SetAside.of(line, segment.days, rated.set_aside[line.pk]))
            prices.unpriced_lines.add(line.pk)
            continue
        _price_line(agreement, segment, line, cells, rated, as_of, prices)
    for reading in prices.readings.values():
        _add_span(reading, rows)
    return prices


def _price_line(
    agreement: Agreement,
    segment: Segment,
    line: RateLine,
    cells: list[UsageCell],
    rated: RatedUse,
    as_of: date,
    prices: SegmentPrices,
) -> None:
    """Price one line, without the largest of its use where that is more than can be posted."""
    days = segment.days
    cells = [cell for cell in cells if line.meter in cell.quantities and not cell.counts_from]
    aside: list[UnratedUse] = []
    while True:
        by_factor = {use.factor: use for use in rated.metered if use.line_key == line.pk}
        if not by_factor and (aside or not owes_without_use(line, days, as_of)):
            break
        try:
            readings = _checked(_readings_of_line(agreement, days, line, by_factor, as_of))
        except (Refused, ValueError, ArithmeticError) as failure:
            reason = str(failure) if isinstance(failure, Refused) else UNPRICEABLE
        else:
            prices.readings |= {key_of(reading): reading for reading in readings}
            break
        if not cells:
            aside = aside or [UnratedUse(NO_USE, reason)]
            break
        largest = max(cells, key=lambda cell: abs(cell.quantities[line.meter]))
        aside.append(UnratedUse(largest, reason))
        cells.remove(largest)
        rated = rate_by_card(segment.card, cells)
    if aside:
        prices.set_aside.append(SetAside.of(line, days, aside))
        if not any(key[0] == line.pk for key in prices.readings):
            prices.unpriced_lines.add(line.pk)


def _checked(readings: Iterable[Reading]) -> Sequence[Reading]:
    """Return readings that the ledger can hold. Raises MoreThanCanBePosted."""
    readings = list(readings)
    for reading in readings:
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


def key_of(reading: Reading) -> Key:
    """Return what identifies a reading within its segment: rate line id and factor."""
    return reading.rate_line_id, reading.factor


def clear(reading: Reading) -> Reading:
    """Set a reading to no use and no cost; return it, unsaved."""
    reading.quantity, reading.events, reading.gross = ZERO, 0, ZERO
    reading.explanation = []
    return reading


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


def _readings_of_line(
    agreement: Agreement,
    days: Days,
    line: RateLine,
    metered: dict[Decimal, MeteredUse],
    as_of: date,
) -> Iterable[Reading]:
    quantities = {factor: use.quantity for factor, use in metered.items()}
    prices = price_period(_price_terms(agreement, line, days, as_of), quantities)
    for factor, price in prices.items():
        reading = _reading(agreement, days, line, factor, price)
        _add_usage(reading, metered.get(factor))
        yield reading


def _price_terms(agreement: Agreement, line: RateLine, days: Days, as_of: date) -> PriceTerms:
    """Return a line's price terms; a minimum only counts once the period has ended."""
    return PriceTerms(
        kind=Pricing(line.pricing),
        currency=agreement.currency,
        unit_price=line.unit_price,
        brackets=tuple(
            PriceBracket(bracket.up_to, bracket.unit_price, bracket.flat)
            for bracket in brackets_in_order(line)
        ),
        package_size=line.package_size or ONE,
        minimum=line.minimum if line.minimum and days.ends_on <= as_of else None,
        rounding=RoundQuantity(line.round_quantity),
        step=line.round_to,
    )


def _reading(
    agreement: Agreement, days: Days, line: RateLine, factor: Decimal, price: Price
) -> Reading:
    return Reading(
        agreement=agreement,
        rate_line=line,
        factor=factor.quantize(FACTOR_PLACES),
        period_on=days.starts_on,
        period_ends_on=days.ends_on,
        gross=price.gross,
        currency=agreement.currency,
        explanation=list(map(_line_in_plain_values, price.lines)),
    )


def _line_in_plain_values(line: PricedLine) -> dict[str, object]:
    return {
        "part": line.part.value,
        "bracket": line.bracket,
        "quantity": str(line.quantity),
        "unit_price": str(line.unit_price),
        "factor": str(line.factor),
        "amount": str(line.amount),
    }


def _add_usage(reading: Reading, use: MeteredUse | None) -> None:
    reading.quantity = use.quantity if use else ZERO
    reading.events = use.events if use else 0
    reading.summary = {
        "uses": list(use.uses) if use else [],
        "rights": list(use.rights) if use else [],
        "territories": list(use.territories) if use else [],
        "languages": list(use.languages) if use else [],
        "production_ids": list(use.production_ids) if use else [],
    }


def _add_span(reading: Reading, rows: Sequence[Row]) -> None:
    """Set the range of log indexes of the segment's usage; 0 and 0 if it has none."""
    reading.first_index = min((row["first_index"] for row in rows), default=0)
    reading.last_index = max((row["last_index"] for row in rows), default=0)


def _codes(codes: list[str] | None) -> tuple[str, ...] | None:
    return None if codes is None else tuple(codes)
