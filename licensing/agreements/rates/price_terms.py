"""Price terms: a stored rate line as the terms that pricing works on.

The night, the specimen that a card must price before it counts, and the worked example on its page
all read a line here.
"""

from decimal import Decimal

from licensing.models import Bracket, RateLine
from licensing.pricing import NO_RISES, PriceBracket, PriceTerms, Rises
from licensing.words import CutPeriod, Pricing, RoundQuantity
from talent.database.json_rows import parts_of

ONE = Decimal(1)


def terms_of(
    line: RateLine,
    currency: str,
    *,
    factor: Decimal = ONE,
    days: int = 1,
    of_days: int = 1,
    rises: Rises = NO_RISES,
) -> PriceTerms:
    """Return what a rate line charges in a period, of which `days` of `of_days` count.

    Days matter only where the line counts a cut period by days. `rises` are what the card's
    escalators have come to. Raises UnpriceableTerms.
    """
    by_days = line.cut_period == CutPeriod.BY_DAYS
    return PriceTerms(
        kind=Pricing(line.pricing),
        currency=currency,
        unit_price=line.unit_price,
        brackets=tuple(
            PriceBracket(bracket.up_to, bracket.unit_price, bracket.flat)
            for bracket in brackets_in_order(line)
        ),
        package_size=ONE if line.package_size is None else line.package_size,
        free_quantity=line.free_quantity,
        factor=factor,
        discount=line.discount_percent,
        minimum=line.minimum or None,
        maximum=line.maximum,
        rounding=RoundQuantity(line.round_quantity),
        step=line.round_to,
        days=days if by_days else 1,
        of_days=of_days if by_days else 1,
        rises=rises,
    )


def brackets_in_order(line: RateLine) -> list[Bracket]:
    """Return a line's brackets from the lowest; the open one is last."""
    brackets = parts_of(line, "brackets")
    return sorted(brackets, key=lambda bracket: (bracket.up_to is None, bracket.up_to or 0))
