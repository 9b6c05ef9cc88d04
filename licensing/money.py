"""Money arithmetic: Decimals at a currency's own precision, never floats."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from fractions import Fraction
from functools import cache

from iso4217 import Currency

from talent.errors import Refused

# Prices are products of quantity, unit price and factor. The default of 28 digits would
# round some of them before the one place where money is rounded.
EXACT = Context(prec=120)


class UnknownCurrency(Refused):
    """A code is no currency of ISO 4217 that can be paid in."""

    code = "unknown_currency"


class NotPayable(Refused):
    """An amount is finer than the smallest unit of its currency."""

    code = "not_payable"


class NothingToSplitBy(Refused):
    """The weights of a split hold a negative one, or none above zero."""

    code = "nothing_to_split_by"


class MixedCurrencies(Refused):
    """Amounts of two currencies were added or subtracted."""

    code = "mixed_currencies"


@cache
def smallest_unit(currency: str) -> Decimal:
    """Return the least amount that can be paid: 0.01 for USD, 1 for JPY (ISO 4217).

    Raises UnknownCurrency, also for codes that are no money (gold, test codes).
    """
    try:
        places = Currency(currency).exponent
    except ValueError:
        places = None
    if places is None:
        raise UnknownCurrency(f"“{currency}” is not a currency of ISO 4217 that can be paid in.")
    return Decimal(1).scaleb(-places)


def rounded(amount: Decimal, currency: str) -> Decimal:
    """Round an amount to the smallest unit of its currency, halves away from zero.

    Raises UnknownCurrency.
    """
    return amount.quantize(smallest_unit(currency), ROUND_HALF_UP, context=EXACT)


def allocate(amount: Decimal, weights: Sequence[Decimal], currency: str) -> list[Decimal]:
    """Split a payable amount by weight into parts that add up to it.

    The units that rounding leaves over go to the largest remainders, the earliest
    first. A weight of zero gets nothing; minus an amount splits into minus its parts.
    Raises NotPayable, NothingToSplitBy, UnknownCurrency.
    """
    if amount != rounded(amount, currency):
        raise NotPayable(f"{amount} {currency} is finer than the currency; round it first.")
    if any(weight < 0 for weight in weights) or not any(weights):
        raise NothingToSplitBy("A split needs weights of zero or more, one of them above zero.")
    unit = smallest_unit(currency)
    units = abs(int(amount / unit))
    # Most have nobody to share with.
    parts = [units] if len(weights) == 1 else _largest_remainder(units, weights)
    sign = -1 if amount < 0 else 1
    return [sign * part * unit for part in parts]


def _largest_remainder(units: int, weights: Sequence[Decimal]) -> list[int]:
    fractions = [Fraction(weight) for weight in weights]
    total = sum(fractions)
    exact = [units * fraction / total for fraction in fractions]
    parts = [int(share) for share in exact]
    largest_first = sorted(range(len(parts)), key=lambda place: parts[place] - exact[place])
    for place in largest_first[: units - sum(parts)]:
        parts[place] += 1
    return parts


@dataclass(frozen=True, slots=True)
class Money:
    """An amount that never travels without its currency. Mixing two raises MixedCurrencies."""

    amount: Decimal
    currency: str

    def __add__(self, other: "Money") -> "Money":
        return Money(self.amount + self._same_currency(other).amount, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.amount - self._same_currency(other).amount, self.currency)

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"

    def _same_currency(self, other: "Money") -> "Money":
        if other.currency != self.currency:
            raise MixedCurrencies(f"{self} and {other} cannot be reckoned together.")
        return other
