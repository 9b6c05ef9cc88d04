"""Break-even: after how many titles or hours a twin has paid for itself, for one buyer or another.

What a twin costs once (capture, training, legal work) is spread over the titles that use it. Each
title saves what it would have cost to shoot, less what the twin costs in it. A buyer with a small
budget saves little a title, so that the same capital may never come back: the bottleneck.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from talent.errors import Refused

ZERO, ONE = Decimal(0), Decimal(1)


class BadBudget(Refused):
    """A cost, a share or a number of titles is out of its range."""

    code = "bad_budget"


@dataclass(frozen=True, slots=True)
class Capital:
    """What a twin costs once, and what it costs and saves in use; amounts in one currency.

    `saved_share` is the part of a title's budget that the twin saves, from 0 to 1; `a_title` what
    each title costs with it (licence, QA), `an_hour` what each hour of it costs to make.
    """

    once: Decimal
    a_title: Decimal
    an_hour: Decimal
    saved_share: Decimal

    def __post_init__(self) -> None:
        if min(self.once, self.a_title, self.an_hour) < 0:
            raise BadBudget("Costs are zero or more.")
        if not ZERO <= self.saved_share <= ONE:
            raise BadBudget("The saved part of a budget is from 0 to 1.")


@dataclass(frozen=True, slots=True)
class Buyer:
    """Somebody who makes titles: one title's budget, and its hours of the twin."""

    name: str
    budget: Decimal
    hours_a_title: Decimal

    def __post_init__(self) -> None:
        if self.budget < 0 or self.hours_a_title < 0:
            raise BadBudget("A budget and hours are zero or more.")


@dataclass(frozen=True, slots=True)
class BreakEven:
    """After how many titles and hours the capital has come back; None: never."""

    buyer: Buyer
    gain_a_title: Decimal
    titles: int | None
    hours: Decimal | None


def break_even(capital: Capital, buyer: Buyer) -> BreakEven:
    """Return after how many whole titles, and hours of them, a twin has paid for itself."""
    gain = gain_a_title(capital, buyer)
    if gain <= 0:
        return BreakEven(buyer, gain, None, None)
    titles = int((capital.once / gain).to_integral_value(ROUND_CEILING))
    return BreakEven(buyer, gain, titles, capital.once / gain * buyer.hours_a_title)


def gain_a_title(capital: Capital, buyer: Buyer) -> Decimal:
    """Return what one title saves beyond what the twin costs in it."""
    saved = capital.saved_share * buyer.budget
    return saved - capital.a_title - capital.an_hour * buyer.hours_a_title


def smallest_budget(capital: Capital, hours_a_title: Decimal, titles: int) -> Decimal | None:
    """Return the least budget at which the twin has paid for itself after some titles; None: no."""
    if titles < 1:
        raise BadBudget("It takes at least one title.")
    if not capital.saved_share:
        return None
    needed = capital.once / titles + capital.a_title + capital.an_hour * hours_a_title
    return needed / capital.saved_share


def bifurcation(
    capital: Capital, hours_a_title: Decimal, budgets: Sequence[Decimal]
) -> list[BreakEven]:
    """Return the break-even at each budget: below some budget there is none."""
    return [break_even(capital, Buyer("", budget, hours_a_title)) for budget in budgets]


def amortised(capital: Capital, titles: int) -> Decimal:
    """Return what each of some titles bears of what the twin cost once."""
    if titles < 1:
        raise BadBudget("It takes at least one title.")
    return capital.once / titles
