"""The order of shooting: public instances proven, small ones against every order there is."""

import random
from itertools import permutations

import pytest

from tests.valuation.schedule.instances import INSTANCES, problem_of
from valuation.schedule.order import few, search
from valuation.schedule.order.ends import Waits, best_by_ends
from valuation.schedule.order.hold_days import HoldProblem, _Waiting, best_order, waiting

ALL = 20_000_000
FILM117 = 913  # no published optimum: what every order below was compared with, once by HiGHS


def paid(problem, order):
    """Count what an order pays, scene by scene, apart from the code under test."""
    total = 0
    for place, scene in enumerate(order):
        for performer, rate in enumerate(problem.work_rates):
            plays = performer in problem.casts[scene]
            came = any(performer in problem.casts[s] for s in order[:place])
            comes = any(performer in problem.casts[s] for s in order[place + 1 :])
            held = problem.hold_rates[performer] if came and comes else 0
            total += problem.durations[scene] * (rate if plays else held)
    return total


def random_problem(seed, scenes, performers):
    chance = random.Random(seed)  # noqa: S311
    return HoldProblem(
        durations=tuple(chance.randint(1, 5) for _ in range(scenes)),
        casts=tuple(
            frozenset(p for p in range(performers) if chance.random() < 0.45) for _ in range(scenes)
        ),
        work_rates=tuple(chance.randint(1, 20) for _ in range(performers)),
        hold_rates=tuple(chance.randint(0, 9) for _ in range(performers)),
    )


def waits_of(problem):
    """Return the problem with every scene by itself."""
    casts = tuple(sum(1 << performer for performer in cast) for cast in problem.casts)
    return Waits(problem.durations, casts, problem.hold_rates)


@pytest.mark.parametrize("instance", INSTANCES, ids=lambda one: one["name"])
def test_a_public_instance_is_proven_at_its_published_optimum(instance):
    problem = problem_of(instance)

    best = best_order(problem, states=ALL)

    assert best.proven
    assert best.cost == (instance["optimum"] or FILM117)
    assert sorted(best.order) == list(range(len(problem.casts)))
    assert paid(problem, best.order) == best.cost


@pytest.mark.parametrize("seed", range(25))
def test_no_order_is_cheaper(seed):
    problem = random_problem(seed, scenes=6, performers=1 + seed % 6)

    best = best_order(problem, states=ALL)

    assert best.proven
    assert best.cost == min(paid(problem, order) for order in permutations(range(6)))
    assert problem.work + waiting(problem, best.order) == paid(problem, best.order) == best.cost


@pytest.mark.parametrize("seed", range(8))
def test_wider_looks_and_both_ends_prove_what_every_set_says(seed, monkeypatch):
    """Bounds rule sets out of both: too high a bound would lose the best order."""
    problem = random_problem(seed, scenes=9, performers=3 + seed % 5)
    waits = waits_of(problem)
    order, _seen = few.best_of_few(waits)
    least = waiting(problem, order)
    monkeypatch.setattr(search, "WIDE_FOR_FEW", 1)
    space = _Waiting(waits)

    looked = search.search(space, states=ALL)
    below = [best_by_ends(waits, space, ceiling=least + one, states=ALL) for one in (1, 0)]

    assert (looked.exhausted, looked.cost) == (True, least)
    assert [one.complete for one in below] == [True, True]
    assert waiting(problem, below[0].order) == least
    assert below[1].order is None
    best = best_order(problem, states=ALL)
    assert (best.proven, best.cost) == (True, problem.work + least)


@pytest.mark.deep
def test_many_performers_in_many_scenes_are_proven():
    """Dense casts wait nearly always, so that bounds rule out little."""
    problem = random_problem(3, scenes=26, performers=12)

    best = best_order(problem, states=ALL)

    assert best.proven
    assert paid(problem, best.order) == best.cost


def test_a_search_cut_short_says_how_much_better_another_order_may_be():
    problem = random_problem(5, scenes=16, performers=10)
    best = best_order(problem, states=ALL)

    short = best_order(problem, states=1)

    assert best.proven
    assert not short.proven
    assert short.bound <= best.cost <= short.cost
    assert short == best_order(problem, states=1)
    assert short.states < best.states


def test_who_watches_sees_the_bound_rise_and_can_stop():
    problem = random_problem(5, scenes=16, performers=10)
    seen = []

    best_order(problem, states=ALL, watch=lambda progress: seen.append(progress) or True)
    stopped = best_order(problem, states=ALL, watch=lambda progress: progress.best is None)

    assert [one.bound for one in seen] == sorted(one.bound for one in seen)
    assert len({one.best for one in seen}) > 1
    assert stopped.bound <= best_order(problem, states=ALL).cost <= stopped.cost


def test_more_scenes_than_a_word_has_bits_are_ordered():
    problem = random_problem(1, scenes=66, performers=6)

    best = best_order(problem, states=1)

    assert sorted(best.order) == list(range(66))
    assert best.bound <= best.cost == paid(problem, best.order)


@pytest.mark.parametrize("casts", [(), (frozenset(), frozenset()), (frozenset({0}),)])
def test_nobody_waits_where_nobody_can(casts):
    problem = HoldProblem((3,) * len(casts), casts, (5,), (2,))

    best = best_order(problem, states=ALL)

    assert (best.cost, best.proven, len(best.order)) == (problem.work, True, len(casts))
