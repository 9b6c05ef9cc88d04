"""Stretches of a reading's money: [start, end) from its oldest use on, in its currency.

What pays a reading pays its oldest use first. So a line of a statement is a stretch of it, what
advances paid, what was received and what is still owed are stretches, too, and what of the line was
received is where two overlap.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

ZERO = Decimal(0)


class Stretch(NamedTuple):
    """A part of a reading's money; one that ends where it starts, or before, is nothing."""

    start: Decimal
    end: Decimal

    @property
    def length(self) -> Decimal:
        return max(self.end - self.start, ZERO)


def overlap(one: Stretch, other: Stretch) -> Stretch:
    """Return what is in both; nothing, if they do not meet."""
    return Stretch(max(one.start, other.start), min(one.end, other.end))


def without(one: Stretch, others: Iterable[Stretch]) -> list[Stretch]:
    """Return what is in one and in none of the others, in order."""
    left = [one] if one.length else []
    for other in others:
        if other.length:
            left = [
                part
                for whole in left
                for part in (
                    Stretch(whole.start, min(whole.end, other.start)),
                    Stretch(max(whole.start, other.end), whole.end),
                )
                if part.length
            ]
    return left


def common(ones: Iterable[Stretch], other: Stretch) -> Decimal:
    """Return how much of some stretches, which do not meet, lies in another one."""
    return sum((overlap(one, other).length for one in ones), ZERO)
