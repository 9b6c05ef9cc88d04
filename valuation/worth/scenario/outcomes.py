"""Outcomes: what a plan comes to, with all that a page or a memo says of it, as plain JSON."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from typing import Any

import numpy as np

from valuation.worth.discounting.cashflow import rates_of_return
from valuation.worth.draw.distributions import Draws
from valuation.worth.draw.sensitivity import (
    REPETITIONS,
    NothingVaries,
    shapley_effects,
    sobol_indices,
    tornado,
)
from valuation.worth.draw.simulation import MONTHS_A_YEAR, Histogram, Model, Spread, simulate
from valuation.worth.scenario.plans import Plan, model_of

# Points of each Sobol index, and random orders of each Shapley effect; see docs/worth.md.
INDEX_POINTS = 2**13
ORDERS = 64
ONE = Decimal(1)

# Hears how many steps are through, of how many. What it raises ends the valuation.
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Sway:
    """How much one input sways V.

    `low` and `high` are V with the input at its P10 and P90, all others at their medians. `first`
    and `total` are its shares of V's variance by itself and with others, where inputs are
    independent; `effect` is its Shapley effect where some move together. Each has its standard
    error; None: nothing varies.
    """

    key: str
    low: float
    high: float
    first: float | None = None
    first_error: float | None = None
    total: float | None = None
    total_error: float | None = None
    effect: float | None = None
    effect_error: float | None = None

    @property
    def width(self) -> float:
        return abs(self.high - self.low)


@dataclass(frozen=True, slots=True)
class Result:
    """What a plan comes to, in its currency; items are in the plan's order.

    `flows` are V's mean by month; `returns` all yearly rates at which they come to nothing, the one
    nearest zero first; `payback` the month by whose end they have paid themselves back: 0 where
    they never were below zero, None where they never come back.
    """

    worth: Spread
    present: Spread
    below_zero: float
    expected_shortfall: float
    item_means: tuple[float, ...]
    items: tuple[Spread, ...]
    histogram: Histogram
    flows: tuple[float, ...]
    returns: tuple[float, ...]
    payback: int | None
    sways: tuple[Sway, ...]


def result_of(plan: Plan, progress: Progress = lambda done, of: None) -> Result:
    """Value a plan. The same plan comes to the same result. Raises UnsoundPlan, BadDraws."""
    model = model_of(plan)
    count = _Counted(plan.draws + _steps_of_sways(model), progress)
    outcome = simulate(
        model,
        draws=plan.draws,
        seed=plan.seed,
        discount=float(plan.discount),
        progress=count.reached,
    )
    return Result(
        worth=outcome.worth,
        present=outcome.present,
        below_zero=outcome.below_zero,
        expected_shortfall=outcome.expected_shortfall,
        item_means=outcome.item_means,
        items=outcome.item_spreads,
        histogram=outcome.histogram,
        flows=outcome.flows,
        returns=tuple(_yearly_returns(outcome.flows)),
        payback=payback_of(outcome.flows),
        sways=tuple(_sways(model, plan, count)),
    )


class _Counted:
    """Counts the points at which V was computed."""

    def __init__(self, steps: int, progress: Progress) -> None:
        self.steps, self.done, self.tell = steps, 0, progress

    def reached(self, done: int) -> None:
        self.done = done
        self.tell(min(self.done, self.steps), self.steps)

    def count(self, worth: Callable[[Draws], Draws]) -> Callable[[Draws], Draws]:
        def counted(points: Draws) -> Draws:
            self.reached(self.done + len(points))
            return worth(points)

        return counted


def _steps_of_sways(model: Model) -> int:
    inputs = len(model.inputs)
    if not inputs:
        return 0
    if model.correlation is None:
        return INDEX_POINTS * (inputs + 2)
    return REPETITIONS * ORDERS * 5 * inputs


def _sways(model: Model, plan: Plan, count: _Counted) -> Iterator[Sway]:
    """Yield how each input sways V, the widest swing first."""
    apart = replace(model, correlation=None)
    if not model.inputs:
        return
    keys = [one.key for one in model.inputs]
    swings = tornado(apart.worth_at, len(keys))
    shares = list(_shares(model, apart, plan.seed, count))
    sways = [
        Sway(key, swing.at_low, swing.at_high, **share)
        for key, swing, share in zip(keys, swings, shares, strict=True)
    ]
    yield from sorted(sways, key=lambda sway: -sway.width)


def _shares(model: Model, apart: Model, seed: int, count: _Counted) -> Iterator[dict[str, float]]:
    inputs = len(model.inputs)
    worth = count.count(apart.worth_at)
    try:
        if model.correlation is None:
            for index in sobol_indices(worth, inputs, points=INDEX_POINTS, seed=seed):
                yield {
                    "first": index.first.share,
                    "first_error": index.first.error,
                    "total": index.total.share,
                    "total_error": index.total.error,
                }
        else:
            for effect in shapley_effects(worth, model.correlation, orders=ORDERS, seed=seed):
                yield {"effect": effect.share, "effect_error": effect.error}
    except NothingVaries:
        yield from [{}] * inputs


def _yearly_returns(flows: Sequence[float]) -> list[float]:
    monthly = rates_of_return([Decimal(repr(flow)) for flow in flows])
    yearly = [float((ONE + rate) ** MONTHS_A_YEAR - ONE) for rate in monthly]
    return sorted(yearly, key=abs)


def payback_of(flows: Sequence[float]) -> int | None:
    """Return the month by whose end the flows have paid themselves back for good."""
    sums = np.cumsum(flows) if flows else np.zeros(1)
    below = np.flatnonzero(sums < 0)
    if not len(below):
        return 0
    return None if sums[-1] < 0 else int(below[-1]) + 2


# As JSON and back


def to_json(result: Result) -> dict[str, Any]:
    """Return a result as plain JSON; floats come back the same, to the last bit."""
    content: dict[str, Any] = _without_minus_zero(asdict(result))
    return content


def _without_minus_zero(value: Any) -> Any:
    """JSON in a database has no minus zero."""
    match value:
        case dict():
            return {key: _without_minus_zero(inner) for key, inner in value.items()}
        case tuple() | list():
            return [_without_minus_zero(inner) for inner in value]
        case float():
            return value + 0.0
        case _:
            return value


def from_json(content: Mapping[str, Any]) -> Result:
    """Return the result that `to_json` wrote."""
    histogram = content["histogram"]
    return Result(
        **{
            **content,
            "worth": Spread(**content["worth"]),
            "present": Spread(**content["present"]),
            "item_means": tuple(content["item_means"]),
            "items": tuple(Spread(**one) for one in content["items"]),
            "histogram": Histogram(tuple(histogram["edges"]), tuple(histogram["counts"])),
            "flows": tuple(content["flows"]),
            "returns": tuple(content["returns"]),
            "sways": tuple(Sway(**one) for one in content["sways"]),
        }
    )
