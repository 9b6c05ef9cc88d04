"""The charts of a statement: bars of money, in per cent of the room that they have.

They are drawn by the page itself, beside their figures, so that they need no picture and no text of
their own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import accumulate, pairwise

ZERO, HUNDRED = Decimal(0), Decimal(100)
# A bar that would be too thin to be seen is this wide.
THINNEST = Decimal("0.6")


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar: where it begins and how long it is, in per cent; whether its amount is below zero."""

    left: Decimal
    width: Decimal
    below: bool

    @property
    def style(self) -> str:
        return f"margin-left:{self.left}%;width:{self.width}%"


def steps(amounts: Sequence[Decimal]) -> list[Bar]:
    """Return a bar for each amount that begins where the one before it ended, and one of the sum.

    The last begins at nothing.
    """
    levels = list(accumulate(amounts, initial=ZERO))
    return _bars([*pairwise(levels), (ZERO, levels[-1])])


def lengths(amounts: Sequence[Decimal]) -> list[Bar]:
    """Return a bar for each amount, all of which begin at nothing."""
    return _bars([(ZERO, amount) for amount in amounts])


def _bars(spans: Sequence[tuple[Decimal, Decimal]]) -> list[Bar]:
    ends = [ZERO, *(end for span in spans for end in span)]
    lowest, room = min(ends), max(ends) - min(ends)
    if not room:
        return [Bar(ZERO, ZERO, below=False) for _span in spans]
    bars = []
    for start, end in spans:
        width = max(_percent(abs(end - start), room), THINNEST if start != end else ZERO)
        left = min(_percent(min(start, end) - lowest, room), HUNDRED - width)
        bars.append(Bar(left, width, below=end < start))
    return bars


def _percent(part: Decimal, whole: Decimal) -> Decimal:
    return (HUNDRED * part / whole).quantize(Decimal("0.01"))
