"""Pricing: what a period's cumulative quantity costs, and the lines that explain it.

Always in this order: the quantity is rounded, the free quantity taken off, the rest priced (by
unit, bracket, package or percent), multiplied by the factor, discounted, topped up to the minimum
or cut to the maximum, and rounded. Money is rounded once per reading, in `price`; every other
line keeps full precision. A reading's first bracket is entered at quantity zero, so its flat fee
is owed for a silent period too; every later bracket is entered above the end of the one before.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal, localcontext

from licensing.money import EXACT, rounded
from licensing.words import EACH_EVENT, PricePart, Pricing, RoundQuantity
from talent.errors import Refused

ZERO, ONE, HUNDRED = Decimal(0), Decimal(1), Decimal(100)
FINE = Decimal("1E-12")
BRACKETED = {Pricing.GRADUATED, Pricing.VOLUME}
ROUNDING_UP = {RoundQuantity.PER_EVENT_UP, RoundQuantity.PER_PERIOD_UP}
PER_PERIOD = {RoundQuantity.PER_PERIOD_UP, RoundQuantity.PER_PERIOD_NEAREST}


class UnpriceableTerms(Refused):
    code = "unpriceable_terms"


@dataclass(frozen=True, slots=True)
class Rise:
    """What escalators have made of an amount by a period: how many times it, and their names."""

    times: Decimal = ONE
    name: str = ""


NO_RISE = Rise()


@dataclass(frozen=True, slots=True)
class Rises:
    """What escalators have made of prices, of flat fees, and of minimums and maximums.

    A percentage of revenue does not rise: the revenue does.
    """

    prices: Rise = NO_RISE
    fees: Rise = NO_RISE
    bounds: Rise = NO_RISE


NO_RISES = Rises()


@dataclass(frozen=True, slots=True)
class PriceBracket:
    """A price per unit, up to and including a quantity (None: without end), and a flat fee
    for entering it. For a percentage the price is in percent of the revenue in it."""

    up_to: Decimal | None
    unit_price: Decimal
    flat: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Bound:
    """A period's minimum or maximum that counts, and what made it so much.

    What costs `elsewhere` counts towards it: the period's readings of other factors and cards. Of
    the period's `of_days` it counts for `days`.
    """

    amount: Decimal
    elsewhere: Decimal
    rise: Rise
    days: int
    of_days: int


@dataclass(frozen=True, slots=True)
class PricedLine:
    """One part of a price: amount = quantity × unit price × factor × rise ÷ divisor, in full.

    The divisor is that of a fee by days: its quantity counts days, the divisor those of the period.
    A line up to the minimum or down to the maximum names this bound.
    """

    part: PricePart
    bracket: int | None
    quantity: Decimal
    unit_price: Decimal
    factor: Decimal
    divisor: Decimal = ONE
    rise: Rise = NO_RISE
    bound: Bound | None = None
    amount: Decimal = field(init=False, compare=False)

    def __post_init__(self) -> None:
        # Once, since each sum asks for it.
        with localcontext(EXACT):
            amount = self.quantity * self.unit_price * self.factor * self.rise.times
            # A part of a period's days is rarely a finite decimal.
            whole = amount if self.divisor == 1 else (amount / self.divisor).quantize(FINE)
        object.__setattr__(self, "amount", whole)


@dataclass(frozen=True, slots=True)
class Price:
    """What a reading costs: its lines add up to `gross`, a multiple of the currency's unit."""

    lines: tuple[PricedLine, ...]
    gross: Decimal

    @property
    def exact(self) -> Decimal:
        """The price before it was rounded."""
        return sum_of(line for line in self.lines if line.part != PricePart.ROUNDING)


@dataclass(frozen=True, slots=True)
class PriceTerms:
    """How a rate line turns a quantity into money. Terms are checked when they are made.

    `unit_price` is per unit, per package, per period (flat) or in percent of revenue;
    `brackets` replace it for graduated and volume prices, and may for a percentage.
    `free_quantity` is per period, whatever the factors. `discount` is in percent of the price.
    `minimum` and `maximum` are money per period; neither factor nor discount touches them.
    Of a period's `of_days` only `days` count: a flat price, the minimum and the maximum are that
    part of themselves. `rises` are what escalators made of them by the period. Raises
    UnpriceableTerms.
    """

    kind: Pricing
    currency: str
    unit_price: Decimal = ZERO
    brackets: tuple[PriceBracket, ...] = ()
    package_size: Decimal = ONE
    free_quantity: Decimal = ZERO
    factor: Decimal = ONE
    discount: Decimal = ZERO
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    days: int = 1
    of_days: int = 1
    rounding: RoundQuantity = RoundQuantity.NEVER
    step: Decimal = ONE
    rises: Rises = NO_RISES

    def __post_init__(self) -> None:
        if self.kind in BRACKETED or self.brackets:
            _check_brackets(self.brackets)
        if self.package_size <= 0 or self.step <= 0:
            raise UnpriceableTerms("The size of a package and of a rounding step is above zero.")
        if not 0 <= self.discount <= HUNDRED or self.free_quantity < 0:
            raise UnpriceableTerms(
                "A discount is between 0 and 100 %, and a free quantity is not negative."
            )
        if self.factor < 0:
            raise UnpriceableTerms("A factor of less than zero would turn a price into a debt.")
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise UnpriceableTerms("The minimum of a period is above its maximum.")


def _check_brackets(brackets: Sequence[PriceBracket]) -> None:
    if not brackets or brackets[-1].up_to is not None:
        raise UnpriceableTerms("The last bracket must be open, or usage above it would be free.")
    tops = [ZERO]
    for bracket in brackets[:-1]:
        if bracket.up_to is None or bracket.up_to <= tops[-1]:
            raise UnpriceableTerms("Each bracket but the last ends above the one before it.")
        tops.append(bracket.up_to)


def sum_of(lines: Iterable[PricedLine]) -> Decimal:
    """Add lines up at full precision."""
    with localcontext(EXACT):
        return sum((line.amount for line in lines), ZERO)


def price(terms: PriceTerms, quantity: Decimal) -> Price:
    """Price one reading's cumulative quantity (zero or more) in the terms' currency.

    The caller posts the gross less what was posted for the reading before.
    """
    return _round_off(_bring_within_bounds(_lines_of(terms, quantity), terms), terms.currency)


def price_period(
    terms: PriceTerms, quantities: Mapping[Decimal, Decimal], elsewhere: Decimal = ZERO
) -> dict[Decimal, Price]:
    """Price all readings of one rate line and period; quantities and prices are by factor.

    A flat price, the minimum and the maximum belong to the period, not to one reading: they are
    charged in the reading of factor 1, which is added if needed. `elsewhere` is what other
    readings cost that count towards the same minimum or maximum. The free quantity is used up by
    the smallest factor first. A line without usage is priced at factor 1 and quantity zero. A
    reading that was posted before but is missing from the result now costs nothing.
    """
    if terms.kind == Pricing.FLAT or not quantities:
        lines = _lines_of(_at(ONE, terms.free_quantity, terms), ZERO)
        return {ONE: _round_off(_bring_within_bounds(lines, terms, elsewhere), terms.currency)}
    free = _free_by_factor(terms, quantities)
    priced = {
        factor: price(_unbound(_at(factor, free[factor], terms)), quantity)
        for factor, quantity in quantities.items()
        if factor != ONE
    }
    elsewhere += sum((reading.gross for reading in priced.values()), ZERO)
    base: list[PricedLine] = []
    if ONE in quantities:
        base = _lines_of(_at(ONE, free[ONE], terms), quantities[ONE])
    base = _bring_within_bounds(base, terms, elsewhere)
    if ONE in quantities or base:
        priced[ONE] = _round_off(base, terms.currency)
    return priced


def _at(factor: Decimal, free_quantity: Decimal, terms: PriceTerms) -> PriceTerms:
    """Return terms at a factor and with a part of the free quantity.

    Those that are so are given back: to make terms checks them, which takes as long as to price.
    """
    if (terms.factor, terms.free_quantity) == (factor, free_quantity):
        return terms
    return replace(terms, factor=factor, free_quantity=free_quantity)


def _unbound(terms: PriceTerms) -> PriceTerms:
    return replace(terms, minimum=None, maximum=None)


def _free_by_factor(
    terms: PriceTerms, quantities: Mapping[Decimal, Decimal]
) -> dict[Decimal, Decimal]:
    """Share the period's free quantity out among the factors, the smallest first."""
    left, free = terms.free_quantity, {}
    for factor, quantity in sorted(quantities.items()):
        free[factor] = min(left, period_quantity(quantity, terms.rounding, terms.step))
        left -= free[factor]
    return free


def event_quantity(quantity: Decimal, rounding: RoundQuantity, step: Decimal) -> Decimal:
    """Return the quantity to charge for one event: rounded to `step` if rounding is per event."""
    return _to_step(quantity, rounding, step) if rounding in EACH_EVENT else quantity


def period_quantity(quantity: Decimal, rounding: RoundQuantity, step: Decimal) -> Decimal:
    """Return the quantity to charge for a period: rounded to `step` if rounding is per period."""
    return _to_step(quantity, rounding, step) if rounding in PER_PERIOD else quantity


def _to_step(quantity: Decimal, rounding: RoundQuantity, step: Decimal) -> Decimal:
    way = ROUND_CEILING if rounding in ROUNDING_UP else ROUND_HALF_UP
    with localcontext(EXACT):
        return _quotient(quantity, step, way) * step


def _quotient(quantity: Decimal, size: Decimal, way: str) -> Decimal:
    """Divide to a whole number, rounding up or to the nearest (halves up).

    Rounds by the exact remainder, since a quotient such as 1/3 is not exact.
    """
    whole, rest = divmod(quantity, size)
    if way == ROUND_CEILING:
        return whole + (rest > 0)
    return whole + (2 * rest >= size)


def _lines_of(terms: PriceTerms, quantity: Decimal) -> list[PricedLine]:
    if quantity < 0:
        raise ValueError(f"A cumulative quantity cannot be {quantity}.")
    with localcontext(EXACT):
        counted = period_quantity(quantity, terms.rounding, terms.step)
        charged = max(counted - terms.free_quantity, ZERO)
        lines = LINES_BY_KIND[terms.kind](terms, charged)
        return lines + _discount(terms, sum_of(lines))


def _discount(terms: PriceTerms, exact: Decimal) -> list[PricedLine]:
    """Return the line that takes the discount off a price, if there is one."""
    if not (terms.discount and exact):
        return []
    part = -terms.discount / HUNDRED
    return [PricedLine(PricePart.DISCOUNT, None, ONE, exact, part)]


def _bring_within_bounds(
    lines: list[PricedLine], terms: PriceTerms, elsewhere: Decimal = ZERO
) -> list[PricedLine]:
    """Add a line up to the minimum or down to the maximum.

    `elsewhere` is what the period's readings of other factors cost.
    """
    with localcontext(EXACT):
        exact = elsewhere + sum_of(lines)
        minimum, maximum = bound_of(terms, terms.minimum), bound_of(terms, terms.maximum)
        if minimum is not None and exact < minimum:
            return [*lines, _top_up(PricePart.MINIMUM, terms, minimum, elsewhere, exact)]
        if maximum is not None and exact > maximum:
            return [*lines, _top_up(PricePart.MAXIMUM, terms, maximum, elsewhere, exact)]
        return lines


def bound_of(terms: PriceTerms, amount: Decimal | None) -> Decimal | None:
    """Return a period's minimum or maximum, risen, or by days the payable part of it."""
    if amount is None:
        return None
    amount *= terms.rises.bounds.times
    if terms.days == terms.of_days:
        return amount
    return rounded(amount * terms.days / terms.of_days, terms.currency)


def _top_up(
    part: PricePart, terms: PriceTerms, amount: Decimal, elsewhere: Decimal, exact: Decimal
) -> PricedLine:
    bound = Bound(amount, elsewhere, terms.rises.bounds, terms.days, terms.of_days)
    return replace(_adjustment(part, amount - exact), bound=bound)


def _round_off(lines: list[PricedLine], currency: str) -> Price:
    exact = sum_of(lines)
    gross = rounded(exact, currency)
    if gross != exact:
        with localcontext(EXACT):
            lines = [*lines, _adjustment(PricePart.ROUNDING, gross - exact)]
    return Price(tuple(lines), gross)


def _adjustment(part: PricePart, amount: Decimal) -> PricedLine:
    return PricedLine(part, None, ONE, amount, ONE)


def _per_unit(terms: PriceTerms, quantity: Decimal) -> list[PricedLine]:
    return [_line(terms, PricePart.UNITS, None, quantity, terms.unit_price)]


def _line(
    terms: PriceTerms,
    part: PricePart,
    bracket: int | None,
    quantity: Decimal,
    unit_price: Decimal,
    divisor: Decimal = ONE,
) -> PricedLine:
    rise = terms.rises.fees if part == PricePart.FLAT else terms.rises.prices
    return PricedLine(part, bracket, quantity, unit_price, terms.factor, divisor, rise)


def _flat(terms: PriceTerms, quantity: Decimal) -> list[PricedLine]:
    days, of_days = Decimal(terms.days), Decimal(terms.of_days)
    if days == of_days:
        days = of_days = ONE
    return [_line(terms, PricePart.FLAT, None, days, terms.unit_price, of_days)]


def _package(terms: PriceTerms, quantity: Decimal) -> list[PricedLine]:
    packages = _quotient(quantity, terms.package_size, ROUND_CEILING)
    return [_line(terms, PricePart.PACKAGES, None, packages, terms.unit_price)]


def _graduated(terms: PriceTerms, quantity: Decimal) -> list[PricedLine]:
    """Charge every unit at the price of the bracket it falls in."""
    lines: list[PricedLine] = []
    reached = ZERO
    for number, bracket in enumerate(terms.brackets, start=1):
        top = quantity if bracket.up_to is None else min(bracket.up_to, quantity)
        if number == 1 or top > reached:
            lines += _lines_of_bracket(terms, number, top - reached)
            reached = top
    return lines


def _volume(terms: PriceTerms, quantity: Decimal) -> list[PricedLine]:
    """Charge all units at the price of the bracket that the quantity reaches."""
    reached = next(
        number
        for number, bracket in enumerate(terms.brackets, start=1)
        if bracket.up_to is None or quantity <= bracket.up_to
    )
    return _lines_of_bracket(terms, reached, quantity)


def _lines_of_bracket(terms: PriceTerms, number: int, quantity: Decimal) -> list[PricedLine]:
    bracket = terms.brackets[number - 1]
    lines = []
    if bracket.flat:
        lines.append(_line(terms, PricePart.FLAT, number, ONE, bracket.flat))
    if quantity:
        lines.append(_line(terms, PricePart.UNITS, number, quantity, bracket.unit_price))
    return lines


def _percentage(terms: PriceTerms, revenue: Decimal) -> list[PricedLine]:
    """Charge percent of revenue, or of the revenue that falls in each bracket."""
    lines = _graduated(terms, revenue) if terms.brackets else _per_unit(terms, revenue)
    return [_of_revenue(line) if line.part == PricePart.UNITS else line for line in lines]


def _of_revenue(line: PricedLine) -> PricedLine:
    percent = line.unit_price.scaleb(-2)
    return replace(line, part=PricePart.REVENUE, unit_price=percent, rise=NO_RISE)


LINES_BY_KIND: Mapping[Pricing, Callable[[PriceTerms, Decimal], list[PricedLine]]] = {
    Pricing.PER_UNIT: _per_unit,
    Pricing.GRADUATED: _graduated,
    Pricing.VOLUME: _volume,
    Pricing.PACKAGE: _package,
    Pricing.FLAT: _flat,
    Pricing.PERCENTAGE: _percentage,
}
