"""What planned quantities cost by a rate line in a rating period, for whole columns of draws.

Pricing one quantity after the other in decimals would take half a minute for 131,072 draws. So
`licensing.pricing` is asked once for each straight piece of a line's price, with its escalators and
its discount, and what lies between is worked out in floats. A law holds this to `price_period`,
before the one rounding at the end.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np

from licensing.pricing import PER_PERIOD, ROUNDING_UP, PriceTerms, bound_of, price
from licensing.words import Pricing, RoundQuantity
from valuation.worth.draw.distributions import Draws

ZERO, ONE, TWO = Decimal(0), Decimal(1), Decimal(2)
# A quotient this near to a whole number is one: 0.3 of packages of 0.1 are three. So is a quantity
# so little above the end of a bracket at its end: a third of 300 is 100.
NEARLY = 1e-9


@dataclass(frozen=True, slots=True)
class Pieces:
    """The amount of a charged quantity up to and including each top is base + slope × quantity."""

    tops: Draws
    bases: Draws
    slopes: Draws

    def at(self, quantities: Draws) -> Draws:
        piece = np.searchsorted(self.tops, quantities, side="left")
        return self.bases[piece] + self.slopes[piece] * quantities


@dataclass(frozen=True, slots=True)
class PeriodPrice:
    """One rate line's price of one rating period, in the line's currency.

    `pieces` price what is charged at factor 1; the minimum and the maximum are the period's.
    """

    terms: PriceTerms
    pieces: Pieces
    minimum: float | None
    maximum: float | None

    def of(
        self,
        quantities: Mapping[Decimal, Draws],
        *,
        elsewhere: Draws | float = 0.0,
        is_over: bool = True,
    ) -> dict[Decimal, Draws]:
        """Return what the quantities of each factor (zero or more) cost, by factor, not rounded.

        As `price_period` has it: the smallest factor uses up the free quantity first, and what the
        period owes whatever is used stands at factor 1. The minimum is owed once it is over.
        """
        priced = dict(self._of_use(quantities))
        base = priced.pop(ONE, np.zeros(1))
        sum_ = sum(priced.values(), np.asarray(elsewhere, dtype=float)) + base
        bounded = np.clip(sum_, self.minimum if is_over else None, self.maximum)
        return {**priced, ONE: base + (bounded - sum_)}

    def _of_use(self, quantities: Mapping[Decimal, Draws]) -> Iterator[tuple[Decimal, Draws]]:
        if self.terms.kind == Pricing.FLAT or not quantities:
            yield ONE, self.pieces.at(np.zeros(1))
            return
        left: Draws | float = float(self.terms.free_quantity)
        for factor, quantity in sorted(quantities.items()):
            counted = self._counted(quantity)
            free = np.minimum(left, counted)
            left = left - free
            yield factor, self.pieces.at(self._charged(counted - free)) * float(factor)

    def _counted(self, quantities: Draws) -> Draws:
        """Round a period's quantity. That of single uses is not known in a plan."""
        if self.terms.rounding not in PER_PERIOD:
            return quantities
        step = float(self.terms.step)
        return _whole(quantities / step, up=self.terms.rounding in ROUNDING_UP) * step

    def _charged(self, counted: Draws) -> Draws:
        if self.terms.kind != Pricing.PACKAGE:
            return counted
        return _whole(counted / float(self.terms.package_size), up=True)


def compiled(terms: PriceTerms) -> PeriodPrice:
    """Compile a rate line's terms in a period; quantities bring their factors."""
    return PeriodPrice(terms, _pieces(terms), *_bounds(terms))


def _pieces(terms: PriceTerms) -> Pieces:
    """Ask pricing for two amounts within each piece: the line through both is the piece."""
    plain = replace(
        terms,
        factor=ONE,
        free_quantity=ZERO,
        package_size=ONE,
        minimum=None,
        maximum=None,
        rounding=RoundQuantity.NEVER,
    )
    brackets = () if terms.kind in UNBRACKETED else terms.brackets
    tops = [bracket.up_to for bracket in brackets if bracket.up_to is not None]
    bases, slopes = [], []
    for begins, ends in zip([ZERO, *tops], [*tops, None], strict=True):
        far = begins + TWO if ends is None else ends
        near = (begins + far) / TWO
        if terms.kind == Pricing.PACKAGE:
            near, far = ONE, TWO
        low, high = price(plain, near).exact, price(plain, far).exact
        slope = (high - low) / (far - near)
        slopes.append(slope)
        bases.append(low - slope * near)
    pieces = Pieces(*(np.array(part, dtype=float) for part in (tops, bases, slopes)))
    return replace(pieces, tops=pieces.tops * (1 + NEARLY))


# Their brackets, if any are stored, price nothing.
UNBRACKETED = {Pricing.FLAT, Pricing.PER_UNIT, Pricing.PACKAGE}


def _bounds(terms: PriceTerms) -> Iterator[float | None]:
    for amount in (terms.minimum, terms.maximum):
        counts = bound_of(terms, amount)
        yield None if counts is None else float(counts)


def _whole(quotients: Draws, *, up: bool) -> Draws:
    return np.ceil(quotients - NEARLY) if up else np.floor(quotients + 0.5 + NEARLY)
