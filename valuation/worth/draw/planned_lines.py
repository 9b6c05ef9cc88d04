"""Planned lines: what the items of a plan cost by one rate line, period by period, and what a
guarantee tops up over them.

Months are a plan's: 0 is its first. An item's quantity falls evenly on its months. Items of one
line climb its brackets together, as their uses will, and share what it owes.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np

from valuation.worth.draw.distributions import Draws
from valuation.worth.draw.plan_prices import ONE, PeriodPrice


@dataclass(frozen=True, slots=True)
class PlannedUse:
    """An item's use of a line: its months, and the factor that the card has for such use."""

    begins: int
    months: int
    factor: Decimal = ONE

    def part_in(self, begins: int, ends: int) -> float:
        """Return which part of its quantity falls in the months [begins, ends)."""
        first, last = max(begins, self.begins), min(ends, self.begins + self.months)
        return max(0, last - first) / self.months


@dataclass(frozen=True, slots=True)
class PlannedPeriod:
    """A line's price in the months [begins, ends): a rating period, or its part under one card.

    What parts of one rating period (`of`) cost later counts towards what an earlier one owes
    `once` for the period.
    """

    begins: int
    ends: int
    price: PeriodPrice
    of: Hashable = None
    once: bool = False


@dataclass(frozen=True, slots=True)
class PlannedLine:
    """One rate line over a plan: its periods in their order, and the items that use it."""

    periods: tuple[PlannedPeriod, ...]
    uses: Mapping[int, PlannedUse]

    def of(self, quantities: Mapping[int, Draws], *, until: int | None = None) -> dict[int, Draws]:
        """Return what each item costs, not rounded; `until`: in the months before that one.

        A period that is not over owes no minimum yet, as in the nights of it.
        """
        sums: dict[int, Draws] = {key: np.zeros(1) for key in self.uses}
        for period, elsewhere_of, times in self._once_each(until):
            amounts = self._in_period(period, elsewhere_of, quantities, until)
            for key, amount in amounts.items():
                sums[key] = sums[key] + amount * times
        return sums

    def _once_each(
        self, until: int | None
    ) -> Iterator[tuple[PlannedPeriod, Sequence[PlannedPeriod], int]]:
        """Yield periods with those that count towards them; what is alike once, and how often."""
        alike: dict[Hashable, list[PlannedPeriod]] = defaultdict(list)
        for place, period in enumerate(self.periods):
            if until is not None and period.begins >= until:
                continue
            later = [other for other in self.periods[place + 1 :] if other.of == period.of]
            cut = until is not None and period.ends > until
            if later or cut:
                yield period, later if period.once and not cut else (), 1
            else:
                alike[id(period.price), tuple(self._parts(period).items())].append(period)
        for periods in alike.values():
            yield periods[0], (), len(periods)

    def _parts(self, period: PlannedPeriod) -> dict[int, float]:
        parts = {key: use.part_in(period.begins, period.ends) for key, use in self.uses.items()}
        return {key: part for key, part in parts.items() if part}

    def _in_period(
        self,
        period: PlannedPeriod,
        later: Sequence[PlannedPeriod],
        quantities: Mapping[int, Draws],
        until: int | None,
    ) -> dict[int, Draws]:
        """Price one period, and divide what it comes to among the items that use it."""
        is_over = until is None or period.ends <= until
        ends = period.ends if until is None else min(until, period.ends)
        uses = {key: use for key, use in self.uses.items() if use.part_in(period.begins, ends)}
        if not uses:
            return {}
        used = {
            key: np.asarray(quantities[key] * use.part_in(period.begins, ends), dtype=float)
            for key, use in uses.items()
        }
        by_factor: dict[Decimal, Draws] = defaultdict(lambda: np.zeros(1))
        for key, use in uses.items():
            by_factor[use.factor] = by_factor[use.factor] + used[key]
        elsewhere = sum(
            (
                sum(self._in_period(one, (), quantities, None).values(), np.zeros(1))
                for one in later
            ),
            np.zeros(1),
        )
        amounts = period.price.of(by_factor, elsewhere=elsewhere, is_over=is_over)
        return _divided(amounts, uses, used)


def _divided(
    amounts: Mapping[Decimal, Draws], uses: Mapping[int, PlannedUse], used: Mapping[int, Draws]
) -> dict[int, Draws]:
    """Divide what each factor comes to by what was used at it; what no use causes, evenly."""
    sums: dict[int, Draws] = {key: np.zeros(1) for key in uses}
    for factor, amount in amounts.items():
        bearing = [key for key, use in uses.items() if use.factor == factor] or list(uses)
        whole = sum((used[key] for key in bearing), np.zeros(1))
        for key in bearing:
            part = np.where(whole > 0, used[key] / np.where(whole > 0, whole, 1), 1 / len(bearing))
            sums[key] = sums[key] + amount * part
    return sums


@dataclass(frozen=True, slots=True)
class PricedAmount:
    """An item's amount where a line prices its quantity: quantities by item, as products."""

    line: PlannedLine
    key: int
    quantities: Mapping[int, "Product"]
    times: "Product"

    def of(self, values: Mapping[str, Draws]) -> Draws:
        return self._in_all(values, None)

    def within(self, begins: int, ends: int, values: Mapping[str, Draws]) -> Draws:
        """Return what it comes to in the months [begins, ends)."""
        return self._in_all(values, ends) - self._in_all(values, begins)

    def _in_all(self, values: Mapping[str, Draws], until: int | None) -> Draws:
        quantities = {key: one.of(values) for key, one in self.quantities.items()}
        return self.line.of(quantities, until=until)[self.key] * self.times.of(values)

    def unconverted(self) -> "PricedAmount":
        """Return it in the line's currency."""
        return replace(self, times=replace(self.times, converted=1.0))


@dataclass(frozen=True, slots=True)
class ToppedUp:
    """What is missing of a guarantee when its months [begins, ends) end: its true-up.

    What was `earned` already and what the items earn in these months count towards it.
    """

    promised: float
    earned: float
    begins: int
    ends: int
    items: tuple[PricedAmount, ...]
    converted: float = 1.0

    def of(self, values: Mapping[str, Draws]) -> Draws:
        earned = np.full(1, self.earned)
        for item in self.items:
            earned = earned + item.within(self.begins, self.ends, values)
        return np.maximum(self.promised - earned, 0.0) * self.converted


@dataclass(frozen=True, slots=True)
class Product:
    """A product of figures: what is fixed of it as one constant, and the keys of what varies.

    `converted` is the rate of exchange that it is multiplied by.
    """

    constant: float
    keys: tuple[str, ...] = ()
    converted: float = 1.0

    def of(self, values: Mapping[str, Draws]) -> Draws:
        amount = np.full(1, self.constant * self.converted)
        for key in self.keys:
            amount = amount * values[key]
        return amount
