"""Specimens: each line of a rate card is priced before the card counts, so that no night fails."""

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from math import prod

from licensing.models import Multiplier, RateCard, RateLine
from licensing.pricing import PriceTerms, price
from licensing.words import Factor, Meter, Pricing, RoundQuantity
from talent.consent.scope import is_known_language
from talent.errors import Refused
from talent.territories import is_known_place

from .price_terms import terms_of
from .rate_cards import CardIncomplete

ZERO, ONE = Decimal(0), Decimal(1)
LEAST = Decimal("0.000001")  # of what a quantity holds
MUCH = Decimal(10) ** 13
FACTOR_PLACES = 8
YES_OR_NO = {"yes", "no"}


def refuse_unpriceable(card: RateCard) -> None:
    """Raise CardIncomplete for a card with a line, or a multiplier, that cannot be priced.

    Each line is priced at and around the end of each of its brackets, without use and with very
    much, without a factor, at each factor, and at the largest that several come to.
    """
    multipliers = list(card.multipliers.all())
    _refuse_unknown_values(multipliers)
    _refuse_too_fine(multipliers)
    factors = _factors(multipliers)
    for line in card.lines.all():
        _refuse_meaningless(line)
        try:
            _price_specimens(line, card.agreement.currency, factors)
        except (Refused, ArithmeticError, ValueError) as failure:
            raise CardIncomplete(f"“{line.label}” cannot be priced. {failure}") from failure


def _price_specimens(line: RateLine, currency: str, factors: list[Decimal]) -> None:
    for factor in factors:
        terms = terms_of(line, currency, factor=factor)
        for quantity in quantities_to_try(terms):
            price(terms, quantity)


def quantities_to_try(terms: PriceTerms) -> list[Decimal]:
    """Return the quantities at which a price may turn: none, about each edge, and very much."""
    edges = [bracket.up_to for bracket in terms.brackets if bracket.up_to is not None]
    if terms.kind == Pricing.PACKAGE:
        edges.append(terms.package_size)
    around = {terms.free_quantity + edge for edge in [ZERO, *edges]}
    near = {edge + step for edge in around for step in (-LEAST, ZERO, LEAST)}
    return sorted({ZERO, ONE, MUCH, *(quantity for quantity in near if quantity > 0)})


def _factors(multipliers: list[Multiplier]) -> list[Decimal]:
    """Return no factor, each one, and the largest product of one of each dimension."""
    largest: dict[str, Decimal] = defaultdict(lambda: ONE)
    for row in multipliers:
        largest[row.dimension] = max(largest[row.dimension], row.factor)
    return sorted({ONE, *(row.factor for row in multipliers), prod(largest.values(), start=ONE)})


def _refuse_unknown_values(multipliers: list[Multiplier]) -> None:
    """Raise CardIncomplete for a multiplier that no use could ever meet."""
    for row in multipliers:
        known = {
            Factor.TERRITORY: is_known_place(row.value),
            Factor.LANGUAGE: is_known_language(row.value),
            Factor.REAL_TIME: row.value in YES_OR_NO,
            Factor.EXCLUSIVITY: row.value in YES_OR_NO,
        }[Factor(row.dimension)]
        if not known:
            raise CardIncomplete(
                f"The multiplier for {Factor(row.dimension).label.lower()} names “{row.value}”, "
                "which no use has: name a territory or language by its code, or yes or no."
            )


def _refuse_too_fine(multipliers: list[Multiplier]) -> None:
    """Raise CardIncomplete for factors that together have more places than a reading keeps."""
    finest: dict[str, int] = defaultdict(int)
    for row in multipliers:
        places = max(0, -int(Decimal(row.factor).normalize().as_tuple().exponent))
        finest[row.dimension] = max(finest[row.dimension], places)
    if sum(finest.values()) > FACTOR_PLACES:
        raise CardIncomplete(
            f"Its multipliers come to a factor of more than {FACTOR_PLACES} decimal places where "
            "several apply: round them."
        )


def _refuse_meaningless(line: RateLine) -> None:
    """Raise CardIncomplete for what a line says and its kind of price has no use for."""
    if line.pricing == Pricing.FLAT and (
        line.free_quantity or line.round_quantity != RoundQuantity.NEVER
    ):
        raise CardIncomplete(
            f"“{line.label}” is a flat fee, which has no quantity of which some could be free or "
            "rounded."
        )
    if line.pricing == Pricing.PERCENTAGE and line.meter != Meter.REVENUE:
        raise CardIncomplete(
            f"“{line.label}” is a percentage of {Meter(line.meter).label.lower()}: only revenue "
            "has one."
        )
    for name, unknown in _unknown_conditions(line):
        raise CardIncomplete(f"“{line.label}” names a {name} that there is not: {unknown}.")


def _unknown_conditions(line: RateLine) -> Iterator[tuple[str, str]]:
    for code in line.territories or ():
        if not is_known_place(code):
            yield "territory", code
    for code in line.languages or ():
        if not is_known_language(code):
            yield "language", code
