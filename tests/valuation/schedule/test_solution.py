"""A plan solved: who plays what, in which order, what it saves; kept as JSON and solved again."""

import json
import subprocess
from dataclasses import replace
from datetime import date
from decimal import Decimal as D
from itertools import permutations
from resource import RUSAGE_CHILDREN, getrusage

import pytest

from tests.valuation.schedule.scripts import answers, script, terms
from valuation.schedule import shooting
from valuation.schedule.assignment.solving import Effort
from valuation.schedule.options import IN_PERSON, Lock
from valuation.schedule.paid import paid_as_planned, paid_in_person
from valuation.schedule.plans.computation import SOLVES
from valuation.schedule.shooting import Calendar
from valuation.schedule.solution import (
    Asked,
    PlanInput,
    digest_of,
    input_from_json,
    solution_from_json,
    solve_plan,
    to_json,
)
from valuation.words import Bar, PlanCost, PlanStage

FRIDAY = date(2026, 12, 4)


def plan(seed, *, scenes=6, **changes):
    breakdown = script(seed, scenes=scenes, characters=3)
    asked = answers(seed, breakdown, refused=0.05)
    return PlanInput(
        breakdown,
        terms(seed, breakdown, quality_minutes=D(5_000), **changes),
        tuple(Asked(scene, twin, answer) for (scene, twin), answer in asked.items()),
        Calendar(FRIDAY),
        Effort(),
        order_states=100_000,
    )


def cheapest_pay(breakdown, cast):
    """Return the least that any order pays for work and waiting, by the minute."""
    scenes = [scene for scene in breakdown.scenes if scene.key in cast]
    best = None
    for order in permutations(scenes):
        total = D(0)
        for performer in breakdown.performers:
            places = [n for n, scene in enumerate(order) if performer.key in cast[scene.key]]
            for n, scene in enumerate(order):
                if n in places:
                    total += performer.day_rate * scene.minutes
                elif places and places[0] < n < places[-1]:
                    total += performer.hold_rate * scene.minutes
        best = total if best is None else min(best, total)
    return (best / breakdown.day_minutes).quantize(D("0.01"), "ROUND_HALF_UP")


def cast_of(breakdown, parts):
    performer_of = {one.key: one.performer for one in breakdown.characters}
    shot = {s.key: set() for s in breakdown.scenes if s.crowd or not s.parts}
    for part in parts:
        if part.choice == IN_PERSON:
            shot.setdefault(part.scene, set()).add(performer_of[part.character])
    return shot


@pytest.mark.parametrize("seed", [2, 5, 9])
def test_what_is_saved_is_the_difference_of_two_optima(seed):
    given = plan(seed)

    found = solve_plan(given)

    everyone = {
        scene.key: {f"P{part.character[1:]}" for part in scene.parts}
        for scene in given.breakdown.scenes
    }
    before = cheapest_pay(given.breakdown, everyone)
    after = cheapest_pay(given.breakdown, cast_of(given.breakdown, found.parts))
    assert (found.in_person.pay, found.shooting.pay) == (before, after)
    assert {part.choice for part in found.parts} - {IN_PERSON}
    # By whole days it is what the lines of what is paid say, counted day by day.
    days, *beside = found.saved
    paid, in_person = paid_as_planned(given, found), paid_in_person(given, found)
    by_day = (PlanCost.UNIT, PlanCost.MOVE, PlanCost.WORK, PlanCost.HOLD)
    assert days.whole_days
    assert days.low == days.middle == days.high
    assert days.middle == sum(in_person.of(kind) - paid.of(kind) for kind in by_day)
    for saved in beside:
        assert saved.low == saved.high == in_person.of(saved.kind) - paid.of(saved.kind)


def test_a_saving_without_shooting_days_is_counted_by_the_minute_and_with_a_gap_is_a_range():
    given = plan(5)
    nowhere = tuple(replace(one, days=0) for one in given.breakdown.locations)

    found = solve_plan(replace(given, breakdown=replace(given.breakdown, locations=nowhere)))
    loose = solve_plan(replace(plan(2, scenes=26), order_states=50))

    assert found.shooting.days is None
    assert not found.saved[0].whole_days
    assert found.saved[0].middle == found.in_person.pay - found.shooting.pay
    before, after = loose.in_person, loose.shooting
    assert loose.saved[0].low == max(before.days_bound - after.days_cost, 0)
    assert 0 <= loose.saved[0].low < loose.saved[0].middle < loose.saved[0].high


def test_a_plan_keeps_the_days_of_all_in_person_where_no_cheaper_ones_are_found(monkeypatch):
    """A search cut short may miss days that are at hand: the same without what is left out."""
    given = plan(2)
    best = solve_plan(given)
    before, after = best.in_person, best.shooting
    found = shooting.best_days

    def finds_nothing_twice(problem, **limits):
        board = found(problem, **limits)
        if len(problem.minutes) == len(given.breakdown.scenes) and not finds_nothing_twice.calls:
            finds_nothing_twice.calls = 1
            return board
        return replace(board, days=None, costs=None, bound=0, exhausted=False)

    finds_nothing_twice.calls = 0
    monkeypatch.setattr(shooting, "best_days", finds_nothing_twice)
    kept = solve_plan(given)

    shot = {key for part in after.days for key in part.scenes}
    left = [[key for key in day.scenes if key in shot] for day in before.days]
    assert [list(day.scenes) for day in kept.shooting.days] == [scenes for scenes in left if scenes]
    assert {day.on for day in kept.shooting.days} <= {day.on for day in before.days}
    assert after.days_cost <= kept.shooting.days_cost <= before.days_cost
    paid = paid_as_planned(given, kept)
    by_day = (PlanCost.UNIT, PlanCost.MOVE, PlanCost.WORK, PlanCost.HOLD)
    assert kept.shooting.days_cost == sum(paid.of(kind) for kind in by_day)


def test_the_cost_is_the_sum_of_what_the_figures_name():
    found = solve_plan(plan(2))

    costs = dict(found.figures.costs)
    assert costs[PlanCost.HOLD] == found.shooting.hold > 0
    assert found.cost == sum(costs.values()) - costs[PlanCost.HOLD]
    assert found.figures.total == found.cost - costs[PlanCost.RISK] + costs[PlanCost.HOLD]
    assert found.bound == found.cost
    assert found.gap == 0


def test_who_plays_two_parts_of_a_scene_is_paid_there_once():
    given = plan(2, resonance_from=0)  # All is played in person.
    both = tuple(replace(one, performer="P0") for one in given.breakdown.characters)
    alone = replace(given, breakdown=replace(given.breakdown, characters=both))

    found = solve_plan(alone)

    player = given.breakdown.performers[0]
    by_hand = [
        (player.day_rate * scene.minutes / 600).quantize(D("0.01"), "ROUND_HALF_UP")
        for scene in given.breakdown.scenes
    ]
    assert all(len(scene.parts) == 2 for scene in given.breakdown.scenes)
    assert found.figures.of(PlanCost.WORK) == sum(by_hand)
    assert found.in_person_figures.of(PlanCost.WORK) == sum(by_hand)
    assert sum(part.cost for part in found.parts) == sum(by_hand)
    assert abs(found.shooting.pay - found.shooting.hold - sum(by_hand)) < D("0.05")


def test_days_hold_every_scene_once_on_working_days_and_say_who_waits():
    given = plan(2)

    found = solve_plan(given)

    days = found.shooting.days
    assert sorted(s for day in days for s in day.scenes) == sorted(found.shooting.order)
    assert days[0].on == FRIDAY
    assert all(day.on.weekday() < 5 for day in days)
    assert len(days) == found.figures.days
    for performer in given.breakdown.performers:
        work = [day.on for day in days if performer.key in day.work]
        held = [day.on for day in days if performer.key in day.hold]
        assert all(work[0] < on < work[-1] for on in held)


def test_a_plan_kept_as_json_is_the_same_and_is_solved_the_same():
    given = plan(5, locks=(Lock("S1", "C0", IN_PERSON),), unlocked=frozenset({"S2"}))
    kept = json.loads(json.dumps(to_json(given)))

    again = input_from_json(kept)

    assert again == given
    assert digest_of(kept) == digest_of(to_json(given))
    assert digest_of(kept) != digest_of(to_json(replace(given, order_states=5)))
    found = solve_plan(given)
    assert solve_plan(again) == found == solution_from_json(json.loads(json.dumps(to_json(found))))


def test_a_lock_shows_in_the_part_and_what_was_given_up():
    given = plan(5)
    free = solve_plan(given)
    part = next(one for one in free.parts if one.choice != IN_PERSON)
    lock = Lock(part.scene, part.character, IN_PERSON)

    locked = solve_plan(replace(given, terms=replace(given.terms, locks=(lock,))))

    (now,) = (p for p in locked.parts if (p.scene, p.character) == (part.scene, part.character))
    assert (now.choice, now.locked) == (IN_PERSON, True)
    assert (part.choice, part.cost, ()) in now.others
    assert locked.cost > free.cost


def test_what_high_resonance_keeps_in_person_is_said_beside_what_it_would_cost():
    given = plan(5, resonance_from=0)

    found = solve_plan(given)

    assert {part.choice for part in found.parts} == {IN_PERSON}
    assert all(Bar.RESONANCE in bars for part in found.parts for _, _, bars in part.others)
    assert found.helpful[0].saves > 0


def test_a_plan_that_cannot_be_says_what_together_makes_it_so():
    found = solve_plan(plan(5, budget=D(10)))

    assert not found.is_possible
    assert "budget" in {one.key for one in found.conflict}
    assert found.shooting is None
    budget = next(one for one in found.conflict if one.key == "budget")
    assert budget.cost_without == solve_plan(plan(5)).cost


def test_a_long_script_ends_within_its_nodes_and_says_what_it_left_out():
    given = plan(7, scenes=63, resonance_from=4)
    short = replace(given, effort=Effort(nodes=1), order_states=150_000)

    found = solve_plan(short, lambda told: told.stage != PlanStage.EXPLAINS)

    assert found.nodes <= 1
    assert found.in_person.states <= short.order_states
    assert found.bound <= found.cost
    assert found.in_person.days_bound < found.in_person.days_cost
    assert found.not_tried
    assert found.stopped == (PlanStage.EXPLAINS,)


@pytest.mark.deep
@pytest.mark.parametrize(("scenes", "seconds"), [(100, 30), (200, 90)])
def test_a_feature_film_is_planned_within_its_time_and_memory(scenes, seconds):
    breakdown = script(7, scenes=scenes, characters=20, twins=3, in_scene=6)
    given = replace(
        plan(7),
        breakdown=breakdown,
        terms=terms(7, breakdown, quality_minutes=D(6 * scenes)),
        asked=tuple(Asked(*where, one) for where, one in answers(7, breakdown).items()),
        order_states=2_000_000,
    )
    content, one_thread = json.dumps(to_json(given)).encode(), {"OPENBLAS_NUM_THREADS": "1"}
    before = getrusage(RUSAGE_CHILDREN)

    ran = subprocess.run(SOLVES, input=content, capture_output=True, check=True, env=one_thread)  # noqa: S603

    used = getrusage(RUSAGE_CHILDREN)
    found = solution_from_json(json.loads(ran.stdout.splitlines()[-1])["solution"])
    assert used.ru_utime - before.ru_utime < seconds
    assert used.ru_maxrss < 512 * 1024
    assert found.gap == 0
    assert not found.stopped


def test_who_watches_hears_of_each_stage():
    stages = []

    solve_plan(plan(5), lambda told: stages.append(told.stage) or True)

    asked = [stage for stage in PlanStage if stage in stages]
    assert asked[-3:] == [PlanStage.EXPLAINS, PlanStage.ORDERS_ALL, PlanStage.ORDERS]
    assert stages == sorted(stages, key=list(PlanStage).index)
