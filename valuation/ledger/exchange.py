"""Exchange: what money is worth in another currency, and how that is posted. It is rounded once."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from licensing.money import EXACT, Money, rounded
from talent.errors import Refused
from valuation.words import AccountKind


class OtherCurrency(Refused):
    """Money is not in the currency that a rate is for."""

    code = "other_currency"


@dataclass(frozen=True, slots=True)
class Rate:
    """What one unit of `of` is worth in `in_`: a fraction, so that a cross rate is exact.

    `on` is the day of the rate, which may be some days before the day that it was asked for.
    """

    of: str
    in_: str
    numerator: Decimal
    denominator: Decimal
    on: date
    source: str

    def convert(self, money: Money) -> Money:
        """Return money in the other currency: divided and rounded once, halves away from zero."""
        if money.currency != self.of:
            raise OtherCurrency(f"{money} is not in {self.of}.")
        exact = EXACT.divide(EXACT.multiply(money.amount, self.numerator), self.denominator)
        return Money(rounded(exact, self.in_), self.in_)

    def __str__(self) -> str:
        value = EXACT.divide(self.numerator, self.denominator)
        return f"1 {self.of} = {value:.6f} {self.in_} on {self.on} ({self.source})"


@dataclass(frozen=True, slots=True)
class Exchanged:
    """Money that became other money: what the stored rate says, what really moved, the rest.

    `difference` is a loss above zero, as a debit, in the currency of `moved`.
    """

    given: Money
    worth: Money
    moved: Money

    @property
    def difference(self) -> Decimal:
        return self.moved.amount - self.worth.amount


def exchanged(given: Money, moved: Money, rate: Rate) -> Exchanged:
    """Return how `given`, owed in one currency, was settled by `moved` in another."""
    if moved.currency != rate.in_:
        raise OtherCurrency(f"{moved} is not in {rate.in_}.")
    return Exchanged(given, rate.convert(given), moved)


def between(exchange: Exchanged) -> Iterator[tuple[AccountKind, Decimal, str]]:
    """Yield what is posted between the two sides of an exchange: account, amount, currency.

    The position gives the one money and takes the other; with the sides that are settled, each
    currency adds up to nothing.
    """
    yield AccountKind.EXCHANGE, -exchange.given.amount, exchange.given.currency
    yield AccountKind.EXCHANGE, exchange.worth.amount, exchange.worth.currency
    yield AccountKind.EXCHANGE_DIFFERENCE, exchange.difference, exchange.moved.currency
