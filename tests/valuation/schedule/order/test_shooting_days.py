"""Shooting days: small scripts against every way to part them into days."""

import random
from dataclasses import replace
from itertools import permutations, product

import pytest

from valuation.schedule.order import search
from valuation.schedule.order.shooting_days import (
    DayProblem,
    ShootingDay,
    best_days,
    costs_of,
)

ALL = 5_000_000
SCENES = 5


def random_problem(seed):
    chance = random.Random(seed)  # noqa: S311
    performers, places = 3, 2
    return DayProblem(
        day_minutes=10,
        day_cost=chance.choice([0, 40]),
        minutes=tuple(chance.randint(2, 7) for _ in range(SCENES)),
        places=tuple(chance.randrange(places) for _ in range(SCENES)),
        casts=tuple(
            frozenset(p for p in range(performers) if chance.random() < 0.5) for _ in range(SCENES)
        ),
        day_rates=tuple(chance.randint(5, 30) for _ in range(performers)),
        hold_rates=tuple(chance.randint(1, 20) for _ in range(performers)),
        away=tuple(
            frozenset(d for d in range(6) if chance.random() < 0.2) for _ in range(performers)
        ),
        moves=tuple(chance.randint(0, 25) for _ in range(places)),
        place_days=(None, chance.choice([None, 2])),
    )


def every_way(problem):
    """Yield each order with each choice of where days end, as far as it is possible."""
    scenes = range(len(problem.minutes))
    for order in permutations(scenes):
        for ends in product([False, True], repeat=len(order) - 1):
            days = parted(problem, order, (True, *ends))
            if days is not None:
                yield days


def parted(problem, order, begins):
    groups = []
    for scene, begin in zip(order, begins, strict=True):
        if begin:
            groups.append([])
        groups[-1].append(scene)
    days, day = [], -1
    for group in groups:
        cast = frozenset().union(*(problem.casts[s] for s in group))
        # The first scene says when the day is; the others must be able to come then.
        day += 1
        while any(day in problem.away[p] for p in problem.casts[group[0]]):
            day += 1
        place = problem.places[group[0]]
        if (
            any(day in problem.away[p] for p in cast)
            or {problem.places[s] for s in group} != {place}
            or sum(problem.minutes[s] for s in group) > problem.day_minutes
        ):
            return None
        days.append(ShootingDay(day, place, tuple(group)))
    for place, most in enumerate(problem.place_days):
        if most is not None and sum(one.place == place for one in days) > most:
            return None
    return tuple(days)


@pytest.mark.parametrize("width", [1, search.WIDE_FOR_FEW])
@pytest.mark.parametrize("seed", range(12))
def test_no_days_are_cheaper(seed, width, monkeypatch):
    """With narrow looks first, bounds rule states out: too high a bound would lose the best."""
    monkeypatch.setattr(search, "WIDE_FOR_FEW", width)
    problem = random_problem(seed)
    ways = list(every_way(problem))

    board = best_days(problem, states=ALL)

    if not ways:
        assert (board.days, board.exhausted) == (None, True)
        return
    assert board.proven
    assert board.costs.total == min(costs_of(problem, days).total for days in ways)
    assert board.days in ways


def test_costs_are_counted_day_by_day():
    problem = DayProblem(
        day_minutes=10, day_cost=100, minutes=(6, 6, 6), places=(0, 1, 0),
        casts=(frozenset({0}), frozenset({1}), frozenset({0, 1})), day_rates=(30, 7),
        hold_rates=(5, 1), away=(frozenset(), frozenset()), moves=(11, 13), place_days=(None, None),
    )  # fmt: skip
    days = tuple(ShootingDay(day, problem.places[s], (s,)) for day, s in enumerate((0, 1, 2)))

    costs = costs_of(problem, days)

    assert (costs.unit, costs.moves, costs.work, costs.hold) == (300, 24, 74, 5)
    # Both scenes of the first place in a row save a move, and a day on hold.
    assert best_days(problem, states=ALL).costs.total == 300 + 11 + 74


def test_a_place_that_can_be_had_too_short_leaves_no_days():
    problem = replace(random_problem(0), minutes=(7,) * SCENES, places=(0,) * SCENES)

    assert best_days(replace(problem, place_days=(4, None)), states=ALL).days is None
    assert len(best_days(replace(problem, place_days=(5, None)), states=ALL).days) == 5


def test_a_long_script_gets_days_with_a_gap():
    chance = random.Random(3)  # noqa: S311
    problem = DayProblem(
        day_minutes=600, day_cost=20_000, minutes=tuple(chance.randint(60, 240) for _ in range(70)),
        places=tuple(chance.randrange(6) for _ in range(70)),
        casts=tuple(frozenset(chance.sample(range(8), chance.randint(1, 4))) for _ in range(70)),
        day_rates=(900,) * 8, hold_rates=(450,) * 8, away=(frozenset(),) * 8,
        moves=(3_000,) * 6, place_days=(None,) * 6,
    )  # fmt: skip

    board = best_days(problem, states=1)

    assert sorted(s for day in board.days for s in day.scenes) == list(range(70))
    assert all(sum(problem.minutes[s] for s in day.scenes) <= 600 for day in board.days)
    assert 0 < board.bound <= board.costs.total < 2 * board.bound
