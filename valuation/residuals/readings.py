"""Readings: what each rate line metered in a segment to date, and what that costs."""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal

from licensing.models import Agreement, RateCard, RateLine
from licensing.words import Pricing, RoundQuantity
from talent.periods import Days
from valuation.models import Reading
from valuation.residuals.pricing import Bracket, Priced, Terms, price_period
from valuation.residuals.rating import (
    Cell,
    Line,
    Multiplier,
    Rated,
    ReadingInput,
    readings_of,
)
from valuation.residuals.segments import Segment, owed_unused, sorted_brackets
from valuation.residuals.totals import Row, cell_of

ZERO = Decimal(0)
FACTOR_PLACES = Decimal("0.00000001")

Key = tuple[int, Decimal]


def read(
    agreement: Agreement, segment: Segment, rows: Sequence[Row], as_of: date
) -> dict[Key, Reading]:
    """Return a segment's readings from its usage totals, unsaved, by rate line and factor.

    A line without use is read only where it costs something unused. Raises what rating and
    pricing refuse.
    """
    metered: dict[int, dict[Decimal, ReadingInput]] = {}
    for reading in rated(segment.card, map(cell_of, rows)).readings:
        metered.setdefault(reading.line_key, {})[reading.factor] = reading
    found = {}
    for line in segment.card.lines.all():
        by_factor = metered.get(line.pk, {})
        if by_factor or owed_unused(line, segment.days, as_of):
            quantities = {factor: one.quantity for factor, one in by_factor.items()}
            prices = price_period(_terms(agreement, line, segment.days, as_of), quantities)
            for factor, priced in prices.items():
                reading = _reading(agreement, segment.days, line, factor, priced)
                _add_usage(reading, by_factor.get(factor))
                _add_span(reading, rows)
                found[key_of(reading)] = reading
    return found


def rated(card: RateCard, cells: Iterable[Cell]) -> Rated:
    """Rate cells of usage by a rate card's lines and multipliers."""
    return readings_of(
        cells,
        [as_line(line) for line in card.lines.all()],
        [Multiplier(one.dimension, one.value, one.factor) for one in card.multipliers.all()],
    )


def key_of(reading: Reading) -> Key:
    return reading.rate_line_id, reading.factor


def emptied(reading: Reading) -> Reading:
    """Return a reading that nothing is read for any more: it costs nothing."""
    reading.quantity, reading.events, reading.gross = ZERO, 0, ZERO
    reading.explanation = []
    return reading


def as_line(line: RateLine) -> Line:
    """Return a rate line's conditions for rating."""
    return Line(
        key=line.pk,
        meter=line.meter,
        rights=_listed(line.rights),
        uses=_listed(line.uses),
        territories=_listed(line.territories),
        languages=_listed(line.languages),
        channels=_listed(line.channels),
        prompt_classes=_listed(line.prompt_classes),
        production_id=line.production_id,
        unlicensed=line.unlicensed,
        charge_group=line.charge_group,
        rounding=RoundQuantity(line.round_quantity),
        step=line.round_to,
    )


def _terms(agreement: Agreement, line: RateLine, days: Days, as_of: date) -> Terms:
    """Return a line's terms of price; its minimum is topped up once the period has ended."""
    brackets = [Bracket(one.up_to, one.unit_price, one.flat) for one in sorted_brackets(line)]
    return Terms(
        kind=Pricing(line.pricing),
        currency=agreement.currency,
        unit_price=line.unit_price,
        brackets=tuple(brackets),
        package_size=line.package_size or Decimal(1),
        minimum=line.minimum if line.minimum and days.ends_on <= as_of else None,
        rounding=RoundQuantity(line.round_quantity),
        step=line.round_to,
    )


def _reading(
    agreement: Agreement, days: Days, line: RateLine, factor: Decimal, priced: Priced
) -> Reading:
    return Reading(
        agreement=agreement,
        rate_line=line,
        factor=factor.quantize(FACTOR_PLACES),
        period_on=days.starts_on,
        period_ends_on=days.ends_on,
        gross=priced.gross,
        currency=agreement.currency,
        explanation=[
            {
                "part": one.part.value,
                "bracket": one.bracket,
                "quantity": str(one.quantity),
                "unit_price": str(one.unit_price),
                "factor": str(one.factor),
                "amount": str(one.amount),
            }
            for one in priced.lines
        ],
    )


def _add_usage(reading: Reading, metered: ReadingInput | None) -> None:
    reading.quantity = metered.quantity if metered else ZERO
    reading.events = metered.events if metered else 0
    reading.summary = {
        "uses": list(metered.uses) if metered else [],
        "rights": list(metered.rights) if metered else [],
        "territories": list(metered.territories) if metered else [],
        "languages": list(metered.languages) if metered else [],
        "production_ids": list(metered.production_ids) if metered else [],
    }


def _add_span(reading: Reading, rows: Sequence[Row]) -> None:
    """Name the leaves the reading lies among; one without use lies among none."""
    reading.first_index = min((row["first_index"] for row in rows), default=0)
    reading.last_index = max((row["last_index"] for row in rows), default=0)


def _listed(codes: list[str] | None) -> tuple[str, ...] | None:
    return None if codes is None else tuple(codes)
