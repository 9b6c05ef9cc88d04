"""What planned quantities cost by a rate line, for whole columns of draws.

Pricing one quantity after the other in decimals would take half a minute for 131,072 draws. So a
line's terms are compiled once into straight pieces, and priced in floats. `licensing.pricing`
says what a price is; a law holds this to it, before the one rounding at the end.
"""

from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from licensing.pricing import PER_PERIOD, ROUNDING_UP, PriceBracket, PriceTerms
from licensing.words import Pricing
from valuation.worth.draw.distributions import Draws

ZERO, ONE, HUNDRED = Decimal(0), Decimal(1), Decimal(100)
# A quotient this near to a whole number is one: 0.3 of packages of 0.1 are three.
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
class PlanPrice:
    """One line's price of a whole period, in the line's currency."""

    terms: PriceTerms
    pieces: Pieces

    def of(self, quantities: Draws) -> Draws:
        """Return the price of each quantity (zero or more), not rounded."""
        terms = self.terms
        charged = np.maximum(self._counted(quantities) - float(terms.free_quantity), 0)
        if terms.kind == Pricing.PACKAGE:
            charged = _whole(charged / float(terms.package_size), up=True)
        amounts = self.pieces.at(charged) * float(terms.factor * (1 - terms.discount / HUNDRED))
        return np.clip(amounts, _bound(terms, terms.minimum), _bound(terms, terms.maximum))

    def _counted(self, quantities: Draws) -> Draws:
        """Round a period's quantity. That of single uses is not known in a plan."""
        if self.terms.rounding not in PER_PERIOD:
            return quantities
        step = float(self.terms.step)
        return _whole(quantities / step, up=self.terms.rounding in ROUNDING_UP) * step


def compiled(terms: PriceTerms) -> PlanPrice:
    """Compile a rate line's terms."""
    if terms.kind == Pricing.FLAT:
        fee = terms.unit_price * terms.days / terms.of_days
        return PlanPrice(terms, _pieces((PriceBracket(None, ZERO, fee),), adds_up=False))
    percent = HUNDRED if terms.kind == Pricing.PERCENTAGE else ONE
    brackets = terms.brackets or (PriceBracket(None, terms.unit_price),)
    if terms.kind in {Pricing.PER_UNIT, Pricing.PACKAGE}:
        brackets = (PriceBracket(None, terms.unit_price),)
    in_money = tuple(
        PriceBracket(bracket.up_to, bracket.unit_price / percent, bracket.flat)
        for bracket in brackets
    )
    return PlanPrice(terms, _pieces(in_money, adds_up=terms.kind != Pricing.VOLUME))


def _pieces(brackets: tuple[PriceBracket, ...], *, adds_up: bool) -> Pieces:
    """Return a piece for each bracket; where they add up, those before it are paid, too."""
    bases, begins, paid = [], ZERO, ZERO
    for bracket in brackets:
        paid += bracket.flat
        bases.append(paid - bracket.unit_price * begins if adds_up else bracket.flat)
        if bracket.up_to is not None:
            paid += bracket.unit_price * (bracket.up_to - begins)
            begins = bracket.up_to
    tops = [bracket.up_to for bracket in brackets if bracket.up_to is not None]
    slopes = [bracket.unit_price for bracket in brackets]
    return Pieces(*(np.array(part, dtype=float) for part in (tops, bases, slopes)))


def _whole(quotients: Draws, *, up: bool) -> Draws:
    return np.ceil(quotients - NEARLY) if up else np.floor(quotients + 0.5 + NEARLY)


def _bound(terms: PriceTerms, amount: Decimal | None) -> float | None:
    return None if amount is None else float(amount * terms.days / terms.of_days)
