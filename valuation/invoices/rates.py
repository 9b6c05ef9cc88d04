"""What a line of an invoice rests on: how much stands at which rate, in the reader's words."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from licensing.money import rounded
from licensing.words import PricePart
from talent import locales

ZERO, ONE = Decimal(0), Decimal(1)
AT_A_RATE = {PricePart.UNITS.value, PricePart.PACKAGES.value}


def in_words(
    lines: Iterable[Mapping[str, Any]], amount: Decimal, currency: str, locale: str
) -> tuple[str, ...]:
    """Return the rates that the lines of a price say, such as “500 × 3.90”.

    Nothing where they do not come to the amount, or where it is no price by quantity: a difference
    from what was invoiced before, a share, a minimum, a flat fee.
    """
    lines = list(lines)
    total = sum((Decimal(line["amount"]) for line in lines), ZERO)
    priced = [line for line in lines if line["part"] != PricePart.ROUNDING.value]
    if rounded(total, currency) != amount or {line["part"] for line in priced} - AT_A_RATE:
        return ()
    return tuple(_told(line, currency, locale) for line in priced if Decimal(line["quantity"]))


def _told(line: Mapping[str, Any], currency: str, locale: str) -> str:
    price = Decimal(line["unit_price"])
    if "rise" in line and "bound" not in line:
        price *= Decimal(line["rise"])
    quantity = locales.quantity(Decimal(line["quantity"]).normalize(), locale)
    told = f"{quantity} × {locales.rate(price, currency, locale)}"
    factor = Decimal(line["factor"])
    return told if factor == ONE else f"{told} × {locales.quantity(factor, locale)}"
