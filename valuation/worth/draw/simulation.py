"""V of a scenario over many draws: each item's amount, the terms, and how V spreads.

V = (C_savings + M_expansion) − (L_licensing + T_compute + R_depreciation). Amounts are floats in
the scenario's currency, above zero also where their term counts against V; they are rounded once,
when an outcome is stored or shown. Only one number per draw is kept, so memory grows by 8 bytes a
draw, whatever the items.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from valuation.words import Term
from valuation.worth.draw.distributions import Distribution, Draws
from valuation.worth.draw.formula import SIGNS
from valuation.worth.draw.points import blocks, factor_of, move_together

P5, P50, P95 = 0.05, 0.5, 0.95
HISTOGRAM_BARS = 40
MONTHS_A_YEAR = 12
DRAWS_OF_ITEMS = 2**14


@dataclass(frozen=True, slots=True)
class Input:
    """An uncertain figure of a scenario; several items may share one."""

    key: str
    distribution: Distribution


class Amount(Protocol):
    """How an item's amount follows from the inputs."""

    def of(self, values: Mapping[str, Draws]) -> Draws:
        """Return the amount for each draw; `values` has a column for each input's key."""


@dataclass(frozen=True, slots=True)
class Item:
    """A part of one term. It falls due in equal parts in `months` months from month `begins`."""

    term: Term
    amount: Amount
    begins: int = 0
    months: int = 1

    def due(self) -> range:
        """Return the months in which parts of it fall due."""
        return range(self.begins, self.begins + self.months)


@dataclass(frozen=True, slots=True)
class Model:
    """A scenario's inputs and items; `correlation` has a row and a column for each input."""

    inputs: tuple[Input, ...]
    items: tuple[Item, ...]
    correlation: Draws | None = None

    def values_at(self, points: Draws) -> dict[str, Draws]:
        """Return each input's values at points of the unit cube, (rows, inputs)."""
        if self.correlation is not None:
            points = move_together(points, factor_of(self.correlation))
        return {
            input_.key: input_.distribution.at(points[:, column])
            for column, input_ in enumerate(self.inputs)
        }

    def amounts_at(self, points: Draws) -> Draws:
        """Return each item's amount at each point, (items, rows)."""
        values = self.values_at(points)
        rows = len(points)
        amounts = [np.broadcast_to(item.amount.of(values), rows) for item in self.items]
        return np.stack(amounts) if amounts else np.zeros((0, rows))

    def worth_at(self, points: Draws) -> Draws:
        """Return V at each point."""
        return self._signs() @ self.amounts_at(points)

    def _signs(self) -> Draws:
        return np.array([SIGNS[item.term] for item in self.items], dtype=float)

    def _discounted(self, rate: float) -> Draws:
        """Return what is left of each item's amount now, at a yearly rate, with its sign."""
        return np.array(
            [
                SIGNS[item.term]
                * sum((1 + rate) ** (-month / MONTHS_A_YEAR) for month in item.due())
                / item.months
                for item in self.items
            ]
        )


@dataclass(frozen=True, slots=True)
class Spread:
    """How a figure is spread over the draws."""

    mean: float
    p5: float
    p50: float
    p95: float


@dataclass(frozen=True, slots=True)
class Histogram:
    """How many draws fall between each two neighbouring edges (one more than counts)."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a scenario comes to over its draws.

    `expected_shortfall` is the mean of the worst 5 % of V. `item_means` and `term_means` add up to
    V's mean; quantiles do not add up. `flows` has V's mean by month, `present` the spread of V with
    each month discounted. An item's spread is that of the first draws only, so that memory and time
    do not grow with the items.
    """

    worth: Spread
    present: Spread
    below_zero: float
    expected_shortfall: float
    term_means: Mapping[Term, float]
    item_means: tuple[float, ...]
    item_spreads: tuple[Spread, ...]
    histogram: Histogram
    flows: tuple[float, ...]
    draws: int
    seed: int


def simulate(
    model: Model,
    *,
    draws: int,
    seed: int,
    discount: float = 0.0,
    progress: Callable[[int], None] = lambda done: None,
) -> Outcome:
    """Value a model at `draws` points (a power of two). `progress` hears the draws done so far.

    `discount` is a yearly rate; months fall due at their beginning, the first now. What `progress`
    raises ends the simulation: so it is cancelled. Raises BadDraws.
    """
    worth, present, done = np.empty(draws), np.empty(draws), 0
    sums, spreads = np.zeros(len(model.items)), list[Spread]()
    left = model._discounted(discount)
    for points in blocks(max(1, len(model.inputs)), draws, seed):
        amounts = model.amounts_at(points)
        worth[done : done + len(points)] = model._signs() @ amounts
        present[done : done + len(points)] = left @ amounts
        sums += amounts.sum(axis=1)
        spreads = spreads or [spread(amount[:DRAWS_OF_ITEMS]) for amount in amounts]
        done += len(points)
        progress(done)
    means = sums / draws
    return Outcome(
        worth=spread(worth),
        present=spread(present),
        below_zero=float(np.count_nonzero(worth < 0) / draws),
        expected_shortfall=_mean_of_worst(worth),
        term_means=_by_term(model.items, means),
        item_means=tuple(map(float, means)),
        item_spreads=tuple(spreads),
        histogram=_histogram(worth),
        flows=tuple(_by_month(model.items, means)),
        draws=draws,
        seed=seed,
    )


def spread(values: Draws) -> Spread:
    """Return the mean and the quantiles of some draws."""
    p5, p50, p95 = (float(value) for value in np.quantile(values, [P5, P50, P95]))
    return Spread(float(values.mean()), p5, p50, p95)


def _mean_of_worst(worth: Draws) -> float:
    worst = max(1, int(len(worth) * P5))
    return float(np.partition(worth, worst - 1)[:worst].mean())


def _by_term(items: Sequence[Item], means: Draws) -> dict[Term, float]:
    sums = dict.fromkeys(Term, 0.0)
    for item, mean in zip(items, means, strict=True):
        sums[item.term] += float(mean)
    return sums


def _histogram(worth: Draws) -> Histogram:
    counts, edges = np.histogram(worth, bins=HISTOGRAM_BARS)
    return Histogram(tuple(map(float, edges)), tuple(map(int, counts)))


def _by_month(items: Sequence[Item], means: Draws) -> Iterator[float]:
    """Yield what each month adds to V, from the first on."""
    end = max((item.begins + item.months for item in items), default=0)
    for month in range(end):
        yield sum(
            SIGNS[item.term] * float(mean) / item.months
            for item, mean in zip(items, means, strict=True)
            if month in item.due()
        )
