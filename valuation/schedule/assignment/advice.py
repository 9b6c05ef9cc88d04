"""What bounds a plan costs, and what would help: each change tried by solving again.

Where nothing is possible, the limits that together make it so are named: a set of which none can
be left out, found by halving (QuickXplain), each step a programme without costs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from valuation.schedule.options import ZERO
from valuation.words import PlanLimit

from .programme import Limit, Programme
from .solving import Effort, NothingFound, Solution, is_possible, solve

MOST_TRIED = 12
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

    `cost_without` (cents) is the cheapest plan if that one is lifted, by the limit's key.
    """

    limits: tuple[Limit, ...]
    cost_without: dict[str, int]


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


def prices(programme: Programme, solution: Solution, effort: Effort) -> tuple[Change, ...]:
    """Return what one unit more of each limit with a unit saves, the most saved first.

    Limits with room for another unit bind nothing and are left out.
    """
    found = [
        _tried(programme, solution, effort, limit, STEP.get(limit.kind, Decimal(1)))
        for limit in programme.limits
        if limit.row is not None and _binds(limit, solution)
    ]
    return _most_saved_first(found)


def helpful(programme: Programme, solution: Solution, effort: Effort) -> tuple[Change, ...]:
    """Return which limit without a unit, lifted by itself, would save most; the most saved first.

    Tried are those that hold a choice away from its cheapest, as many as the desk has time for.
    """
    holding = [limit for limit in programme.limits if limit.kind in LIFTABLE and limit.holds]
    holding.sort(key=lambda limit: -_at_stake(programme, limit, solution))
    worth = [one for one in holding if _at_stake(programme, one, solution) > 0][:MOST_TRIED]
    found = [_tried(programme, solution, effort, limit, None) for limit in worth]
    return _most_saved_first(found)


def _most_saved_first(found: Sequence[Change | None]) -> tuple[Change, ...]:
    real = [change for change in found if change is not None and change.saves > 0]
    return tuple(sorted(real, key=lambda change: (-change.saves, change.limit)))


def _tried(
    programme: Programme, solution: Solution, effort: Effort, limit: Limit, by: Decimal | None
) -> Change | None:
    lifted = frozenset({limit.key}) if by is None else frozenset()
    raised = {} if by is None else {limit.key: _in_weights(programme, limit, by)}
    try:
        other = solve(programme, effort, lifted=lifted, raised=raised, start=solution)
    except NothingFound:
        return None
    if other is None:
        return None
    proven = solution.cost == solution.bound and other.cost == other.bound
    saves = solution.cost - other.cost
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


def conflict(programme: Programme, effort: Effort) -> Conflict:
    """Return limits that together make a plan impossible, none of which can be left out."""
    limits = list(programme.limits)
    keys = _needed(programme, effort, [], limits, known=False)
    named = tuple(limit for limit in limits if limit.key in keys)
    costs = {}
    for limit in named:
        try:
            other = solve(programme, effort, lifted=frozenset({limit.key}))
        except NothingFound:
            continue
        if other is not None:
            costs[limit.key] = other.cost
    return Conflict(named, costs)


def _needed(
    programme: Programme, effort: Effort, fixed: list[str], limits: list[Limit], *, known: bool
) -> set[str]:
    """Return which of the limits are needed, beside the fixed ones, for nothing to be possible."""
    if known and not _possible_with(programme, effort, fixed):
        return set()
    if len(limits) == 1:
        return {limits[0].key}
    half = len(limits) // 2
    first, second = limits[:half], limits[half:]
    of_second = _needed(programme, effort, [*fixed, *(x.key for x in first)], second, known=True)
    of_first = _needed(programme, effort, [*fixed, *of_second], first, known=bool(of_second))
    return of_first | of_second


def _possible_with(programme: Programme, effort: Effort, kept: Sequence[str]) -> bool:
    keys = set(kept)
    lifted = frozenset(one.key for one in programme.limits if one.key not in keys)
    return is_possible(programme, effort, lifted)
