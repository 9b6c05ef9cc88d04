"""How a stated line was priced: how much of it in which bracket, and by which factors."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from licensing.money import rounded
from licensing.words import PricePart
from valuation.models import ResidualLine
from valuation.statements.snapshot import PricedPart

ZERO, ONE = Decimal(0), Decimal(1)
CENT = Decimal("0.01")

Ways = tuple[tuple[tuple[str, str, str], ...], ...]


@dataclass(frozen=True, slots=True)
class Priced:
    """The parts of a line's price, which come to its gross; and the factors of its factor."""

    parts: tuple[PricedPart, ...]
    factors: Ways
    gross: Decimal | None


def priced(group: Sequence[ResidualLine]) -> Priced:
    """Return how the residual lines of one reading, which are stated as one line, were priced.

    A reading's price is of its quantity so far. What earlier statements stated of it filled the
    lowest brackets, and is taken off these. Where that does not come to the amount that is stated
    (one price for all of the quantity, a minimum, a share that changed), there are no parts.
    """
    last = max(group, key=lambda line: (line.month_on, line.pk))
    explanation = last.explanation
    weight, weights = Decimal(explanation["weight"]), Decimal(explanation["weights"])
    share = weight / weights if weights else ZERO
    amount = sum((line.amount for line in group), ZERO)
    quantity = sum((line.quantity for line in group), ZERO)
    so_far = tuple(map(_part, explanation["lines"]))
    parts = next(
        (
            candidate
            for candidate in (so_far, _without_before(so_far, quantity, last.currency))
            if _comes_to(candidate, amount, share, len(group))
        ),
        (),
    )
    gross = sum((part.amount for part in parts), ZERO)
    return Priced(
        parts=parts,
        factors=_ways(explanation.get("factors", ())),
        gross=rounded(gross, last.currency) if parts and share != ONE else None,
    )


def _part(line: Mapping[str, Any]) -> PricedPart:
    price = Decimal(line["unit_price"])
    if "rise" in line and "bound" not in line:
        price *= Decimal(line["rise"])
    return PricedPart(
        part=PricePart(line["part"]),
        bracket=line["bracket"],
        quantity=Decimal(line["quantity"]).normalize(),
        price=price,
        amount=Decimal(line["amount"]),
    )


def _without_before(
    parts: Iterable[PricedPart], quantity: Decimal, currency: str
) -> tuple[PricedPart, ...]:
    """Return the parts of the last `quantity` units, rounded once as what is stated was."""
    units = [part for part in parts if part.part == PricePart.UNITS]
    before = sum((part.quantity for part in units), ZERO) - quantity
    left: list[PricedPart] = []
    for part in sorted(units, key=lambda part: part.bracket or 0):
        taken = min(part.quantity, max(before, ZERO))
        before -= taken
        rest = part.quantity - taken
        if rest:
            left.append(replace(part, quantity=rest, amount=part.amount * rest / part.quantity))
    gross = sum((part.amount for part in left), ZERO)
    rounding = rounded(gross, currency) - gross
    if rounding:
        left.append(PricedPart(part=PricePart.ROUNDING, quantity=ZERO, price=ZERO, amount=rounding))
    return tuple(left)


def _comes_to(parts: Sequence[PricedPart], amount: Decimal, share: Decimal, months: int) -> bool:
    """Tell whether parts explain an amount; shares are divided to the cent, month by month."""
    if not parts:
        return False
    gross = sum((part.amount for part in parts), ZERO)
    if share == ONE:
        return gross == amount
    return abs(gross * share - amount) <= CENT * months


def _ways(factors: Iterable[Iterable[Iterable[str]]]) -> Ways:
    ways = (
        tuple((str(dimension), str(value), str(times)) for dimension, value, times in way)
        for way in factors
    )
    return tuple(way for way in ways if way)
