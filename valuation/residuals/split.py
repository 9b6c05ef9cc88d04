"""Splitting: whose is how much of a reading, by the shares that count on the days of use.

A reading is told through the end of each month, or of the part of a month before a share changes.
What it costs more while the same shares count is split as one sum, by largest remainder, so that
cents do not drift from night to night; a share that changes splits only what comes after it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from licensing.money import allocate

ZERO = Decimal(0)

# By beneficiary's id; who is named twice, as the heir of two, has both parts.
Weights = tuple[tuple[int, Decimal], ...]


@dataclass(frozen=True, slots=True)
class MonthOfReading:
    """What a reading costs through the month, or part of one, that begins on a day.

    `gross` is cumulative from the reading's first day; `weights` are by beneficiary.
    """

    starts_on: date
    gross: Decimal
    weights: Weights


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Months in a row with the same weights, and the gross before the first of them."""

    before: Decimal
    months: tuple[MonthOfReading, ...]

    @property
    def weights(self) -> Weights:
        return self.months[0].weights

    @property
    def gross(self) -> Decimal:
        return self.months[-1].gross - self.before


def parts_by_month(
    months: Sequence[MonthOfReading], currency: str
) -> dict[tuple[date, int], Decimal]:
    """Return each beneficiary's part of each month; all together are the reading's gross.

    A part can be below zero where the price falls with the quantity, or a cent moves.
    """
    parts = {}
    for stretch in _stretches(months):
        given: Mapping[int, Decimal] = {}
        for month in stretch.months:
            so_far = _divide(month.gross - stretch.before, stretch.weights, currency)
            for beneficiary, amount in so_far.items():
                parts[month.starts_on, beneficiary] = amount - given.get(beneficiary, ZERO)
            given = so_far
    return parts


def parts_of_received(
    months: Sequence[MonthOfReading], received: Decimal, currency: str
) -> dict[int, Decimal]:
    """Divide what was received for a reading: the oldest use is paid first, by its own shares."""
    parts: dict[int, Decimal] = {}
    stretches = list(_stretches(months))
    left = received
    for number, stretch in enumerate(stretches, start=1):
        paid = left if number == len(stretches) else min(left, stretch.gross)
        left -= paid
        for beneficiary, amount in _divide(paid, stretch.weights, currency).items():
            parts[beneficiary] = parts.get(beneficiary, ZERO) + amount
    return parts


def _stretches(months: Sequence[MonthOfReading]) -> Iterator[_Stretch]:
    before = ZERO
    stretch: list[MonthOfReading] = []
    for month in months:
        if stretch and stretch[-1].weights != month.weights:
            yield _Stretch(before, tuple(stretch))
            before, stretch = stretch[-1].gross, []
        stretch.append(month)
    if stretch:
        yield _Stretch(before, tuple(stretch))


def _divide(amount: Decimal, weights: Weights, currency: str) -> dict[int, Decimal]:
    parts: dict[int, Decimal] = {}
    amounts = allocate(amount, [weight for _, weight in weights], currency)
    for (beneficiary, _), part in zip(weights, amounts, strict=True):
        parts[beneficiary] = parts.get(beneficiary, ZERO) + part
    return parts
