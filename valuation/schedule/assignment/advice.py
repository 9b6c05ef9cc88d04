"""What bounds a plan costs, and what would help: each change tried by solving again.

Where nothing is possible, the limits that together make it so are named: a set of which none can
be left out, found by halving (QuickXplain), each step a programme without costs.

All tries together search no further than the choice itself may, each with its share of what is
left. What was not tried, or not to its end, is named.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from valuation.schedule.options import ZERO
from valuation.words import PlanLimit

from .programme import Limit, Programme
from .solving import Effort, NothingFound, Solution, Watch, is_possible, solve

MOST_TRIED = 100
# What one more of a limit's unit is; of money a hundred.
STEP = {PlanLimit.BUDGET: Decimal(100)}
LIFTABLE = {PlanLimit.LOCK, PlanLimit.RESONANCE, PlanLimit.CONSENT, PlanLimit.STATIC}


@dataclass(frozen=True, slots=True)
class Change:
    """A change of one limit, and what the best plan costs less with it (cents).

    `by` is how much more of the limit's unit, None: that it is lifted. `proven` says that both
    plans compared are the best there are; without it the saving may be another.
    """

    limit: str
    kind: PlanLimit
    name: str
    by: Decimal | None
    unit: str
    saves: int
    proven: bool


@dataclass(frozen=True, slots=True)
class Conflict:
    """Limits that cannot hold together, none of which can be left out; and what each costs to lift.

    `cost_without` (cents) is the cheapest plan if that one is lifted, by the limit's key. Without
    `is_least` the search was cut short, and some of them may not be needed for it.
    """

    limits: tuple[Limit, ...]
    cost_without: dict[str, int]
    is_least: bool


@dataclass(frozen=True, slots=True)
class Advice:
    """What would help, the most saved first, and the names of limits not tried to their end.

    `prices` are of one unit more, `helpful` of limits without a unit, lifted.
    """

    prices: tuple[Change, ...]
    helpful: tuple[Change, ...]
    not_tried: tuple[str, ...]


def use_of(limit: Limit, solution: Solution) -> Decimal:
    """Return how much of a limit's row a solution uses, in the row's own weights."""
    if limit.row is None:
        return ZERO
    chosen = set(solution.chosen)
    return sum(
        (
            Decimal(repr(weight))
            for place, weight in zip(limit.row.columns, limit.row.weights, strict=True)
            if place in chosen
        ),
        ZERO,
    )


def advice(
    programme: Programme, solution: Solution, effort: Effort, watch: Watch | None = None
) -> Advice:
    """Return what each change by itself saves, of those that may, as many as the desk has time for.

    One unit more is tried of limits that leave no room for it; lifted are those that hold a choice
    away from its cheapest, what may save the most first.
    """
    binding = [limit for limit in programme.limits if _binds(limit, solution)]
    holding = _holding(programme, solution)
    tried: list[tuple[Limit, Decimal | None]] = [
        (limit, STEP.get(limit.kind, Decimal(1))) for limit in binding
    ]
    tried += [(limit, None) for limit in holding[:MOST_TRIED]]
    found = list(_each(programme, solution, effort, tried, watch))
    left_out = [limit for (limit, _by), one in zip(tried, found, strict=True) if one is None]
    return Advice(
        prices=_most_saved_first([one for one in found[: len(binding)] if one]),
        helpful=_most_saved_first([one for one in found[len(binding) :] if one]),
        not_tried=tuple(limit.name for limit in [*left_out, *holding[MOST_TRIED:]]),
    )


def _holding(programme: Programme, solution: Solution) -> list[Limit]:
    """Return limits without a unit that may cost something, what is at stake by the most first."""
    stakes = {
        limit.key: _at_stake(programme, limit, solution)
        for limit in programme.limits
        if limit.kind in LIFTABLE and limit.holds
    }
    worth = [limit for limit in programme.limits if stakes.get(limit.key, 0) > 0]
    return sorted(worth, key=lambda limit: -stakes[limit.key])


def _most_saved_first(found: Sequence[Change]) -> tuple[Change, ...]:
    real = [change for change in found if change.saves > 0]
    return tuple(sorted(real, key=lambda change: (-change.saves, change.limit)))


def _each(
    programme: Programme, solution: Solution, effort: Effort,
    tried: Sequence[tuple[Limit, Decimal | None]], watch: Watch | None,
) -> Iterator[Change | None]:  # fmt: skip
    """Yield what each change saves; None where the search ended before it could tell."""
    nodes = effort.nodes
    for number, (limit, by) in enumerate(tried):
        share = replace(effort.shared_by(len(tried)), nodes=max(nodes // (len(tried) - number), 1))
        lifted = frozenset({limit.key}) if by is None else frozenset()
        raised = {} if by is None else {limit.key: _in_weights(programme, limit, by)}
        try:
            other = solve(
                programme, share, lifted=lifted, raised=raised, start=solution, watch=watch
            )
        except NothingFound:
            other = None
        nodes -= other.nodes if other else share.nodes
        yield _change(solution, other, limit, by, effort) if other else None


def _change(
    solution: Solution, other: Solution, limit: Limit, by: Decimal | None, effort: Effort
) -> Change | None:
    saves = solution.cost - other.cost
    if saves <= 0 and other.gap > effort.gap:
        return None
    proven = solution.cost == solution.bound and other.cost == other.bound
    return Change(limit.key, limit.kind, limit.name, by, limit.unit, saves, proven)


def _in_weights(programme: Programme, limit: Limit, by: Decimal) -> Decimal:
    """Return units of a limit as its row counts them: money is counted in whole cents."""
    if limit.kind != PlanLimit.BUDGET or limit.row is None or limit.row.most is None:
        return by
    return by * Decimal(repr(limit.row.most)) / limit.amount if limit.amount else by


def _binds(limit: Limit, solution: Solution) -> bool:
    row = limit.row
    if row is None:
        return False
    used = float(use_of(limit, solution))
    # A choice that draws more than what is left is what one unit more may allow.
    largest = max(row.weights, default=0)
    if row.most is None:
        return used - (row.least or 0) < largest
    return row.most - used < largest


def _at_stake(programme: Programme, limit: Limit, solution: Solution) -> int:
    """Return at most what a limit's choices could save by themselves, scenes' sharing left out."""
    chosen = set(solution.chosen)
    stake = 0
    for place, _value in limit.holds:
        option = programme.columns[place].option
        if option is None:
            continue
        cell = programme.cells[option.scene, option.character]
        now = next((programme.columns[p].cost for p in cell if p in chosen), 0)
        others = [programme.columns[p].cost for p in cell if p not in chosen]
        stake += max(0, now - min(others, default=now)) + _shooting(programme, option.scene)
    return stake


def _shooting(programme: Programme, scene: str) -> int:
    return sum(one.cost for one in programme.columns if one.option is None and one.about == scene)


def conflict(programme: Programme, effort: Effort, watch: Watch | None = None) -> Conflict:
    """Return limits that together make a plan impossible, none of which can be left out."""
    limits = list(programme.limits)
    search = _Contradiction(programme, effort, watch)
    keys = search.needed([], limits, known=False)
    named = tuple(limit for limit in limits if limit.key in keys)
    share = effort.shared_by(len(named))
    costs = {}
    for limit in named:
        try:
            other = solve(programme, share, lifted=frozenset({limit.key}), watch=watch)
        except NothingFound:
            continue
        if other is not None:
            costs[limit.key] = other.cost
    return Conflict(named, costs, search.is_least)


class _Contradiction:
    """The search for limits that contradict each other."""

    def __init__(self, programme: Programme, effort: Effort, watch: Watch | None) -> None:
        self.programme, self.effort, self.watch = programme, effort, watch
        self.is_least = True

    def needed(self, fixed: list[str], limits: list[Limit], *, known: bool) -> set[str]:
        """Return which limits are needed, beside the fixed ones, for nothing to be possible."""
        if known and not self._possible_with(fixed):
            return set()
        if len(limits) == 1:
            return {limits[0].key}
        half = len(limits) // 2
        first, second = limits[:half], limits[half:]
        of_second = self.needed([*fixed, *(one.key for one in first)], second, known=True)
        of_first = self.needed([*fixed, *of_second], first, known=bool(of_second))
        return of_first | of_second

    def _possible_with(self, kept: Sequence[str]) -> bool:
        """Tell whether a plan is possible; where the search cannot tell, one more is kept."""
        keys = set(kept)
        lifted = frozenset(one.key for one in self.programme.limits if one.key not in keys)
        try:
            return is_possible(self.programme, self.effort, lifted, self.watch)
        except NothingFound:
            self.is_least = False
            return True
