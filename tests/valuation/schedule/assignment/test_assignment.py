"""The assignment against every choice there is, to the cent, and why nothing is possible."""

from dataclasses import replace
from decimal import Decimal as D
from itertools import combinations, product

import pytest

from licensing.words import Outcome
from tests.valuation.schedule.scripts import answers, script, terms
from valuation.schedule.assignment.advice import advice, conflict
from valuation.schedule.assignment.programme import UnknownChoice, programme
from valuation.schedule.assignment.solving import Effort, is_possible, solve
from valuation.schedule.options import IN_PERSON, Answer, Lock, options
from valuation.words import Bar, PlanCost, PlanLimit

EXACT = Effort()
# Scripts whose best plan takes money that another, with more risk, does not.
SHORT_OF_MONEY = (6, 17)


def built(seed, *, scenes=4, asked=None, players=2, **changes):
    breakdown = script(seed, scenes=scenes)
    if players == 1:
        everyone = tuple(replace(one, performer="P0") for one in breakdown.characters)
        breakdown = replace(breakdown, characters=everyone)
    chosen = terms(seed, breakdown, **changes)
    every = options(breakdown, chosen, answers(seed, breakdown) if asked is None else asked)
    return breakdown, chosen, every, programme(breakdown, chosen, every)


def counted(breakdown, chosen, picked):
    """Return what picked options cost in money and with risk, counted apart from the programme."""
    day = breakdown.day_minutes
    performer_of = {one.key: one.performer for one in breakdown.characters}
    in_person = [one for one in picked if one.choice == IN_PERSON]
    cost = sum(line.amount for one in picked if one.choice != IN_PERSON for line in one.lines)
    # Who plays two parts of a scene is paid once.
    cost += sum({(one.scene, performer_of[one.character]): one.cost for one in in_person}.values())
    cost += sum(t.set_up for t in chosen.twins if any(one.choice == t.twin for one in picked))
    came = {performer_of[one.character] for one in in_person}
    cost += sum(p.travel for p in breakdown.performers if p.key in came)
    for scene in breakdown.scenes:
        if not scene.parts or scene.crowd or any(one.scene == scene.key for one in in_person):
            share = D(scene.minutes) / day
            cost += (chosen.unit_day * share).quantize(D("0.01"), "ROUND_HALF_UP")
            cost += chosen.second_unit if scene.stunt else 0
            if scene.crowd:
                crowd = chosen.crowd_day * scene.crowd * share
                cost += crowd.quantize(D("0.01"), "ROUND_HALF_UP")
    risk = sum(x.amount for one in picked for x in one.lines if x.kind == PlanCost.RISK)
    return cost, cost - risk


def holds(breakdown, chosen, picked):
    """Tell whether picked options keep all that bounds a plan."""
    quality = chosen.quality_minutes * chosen.quality_weeks
    return (
        not any(one.bars for one in picked)
        and sum(one.quality for one in picked) <= quality
        and all(sum(o.units for o in picked if o.cap == c.key) <= c.left for c in chosen.caps)
        and all(has_share(breakdown, one, picked) for one in breakdown.performers)
        and all(
            any(
                (o.scene, o.character, o.choice) == (x.scene, x.character, x.choice) for o in picked
            )
            for x in chosen.locks
        )
        and (chosen.budget is None or counted(breakdown, chosen, picked)[1] <= chosen.budget)
    )


def has_share(breakdown, performer, picked):
    minutes = {scene.key: scene.minutes for scene in breakdown.scenes}
    performer_of = {one.key: one.performer for one in breakdown.characters}
    mine = [one for one in picked if performer_of[one.character] == performer.key]
    played = sum(minutes[key] for key in {one.scene for one in mine if one.choice == IN_PERSON})
    theirs = sum(minutes[key] for key in {one.scene for one in mine})
    return played >= (performer.minimum_share or 0) * theirs


def every_choice(every):
    cells = {}
    for option in every:
        cells.setdefault((option.scene, option.character), []).append(option)
    return product(*cells.values())


@pytest.mark.parametrize(
    ("seed", "players"), [*((seed, 2) for seed in range(10)), *((seed, 1) for seed in range(4))]
)
def test_no_choice_is_cheaper(seed, players):
    breakdown, chosen, every, model = built(seed, players=players)
    allowed = [p for p in every_choice(every) if holds(breakdown, chosen, p)]
    cheapest = min(counted(breakdown, chosen, p)[0] for p in allowed)

    solution = solve(model, EXACT)

    picked = [c.option for p in solution.chosen if (c := model.columns[p]).option]
    lines = [line.amount for place in solution.chosen for line in model.columns[place].lines]
    assert D(solution.cost) / 100 == cheapest == sum(lines)
    assert holds(breakdown, chosen, picked)
    assert counted(breakdown, chosen, picked)[0] == cheapest
    assert solution.bound == solution.cost


@pytest.mark.parametrize("seed", SHORT_OF_MONEY)
def test_a_budget_is_kept_and_another_hundred_saves_what_solving_again_finds(seed):
    breakdown, chosen, every, _model = built(seed, risk_price=D(60))
    ways = [
        counted(breakdown, chosen, p) for p in every_choice(every) if holds(breakdown, chosen, p)
    ]
    # Fifty short of what the best takes: less money, and more risk.
    budget = min(ways)[1] - 50
    *_, model = built(seed, risk_price=D(60), budget=budget)

    solution = solve(model, EXACT)
    changes = {one.limit: one for one in advice(model, solution, EXACT).prices}

    def best(most):
        return min(cost for cost, money in ways if money <= most)

    assert D(solution.cost) / 100 == best(budget)
    assert D(changes["budget"].saves) / 100 == best(budget) - best(budget + 100) > 0


def test_a_promised_share_is_played_in_person_and_a_minute_less_of_it_has_a_price():
    breakdown = script(6)
    chosen = terms(6, breakdown, resonance_from=11, quality_minutes=None)
    yes = {
        (s.key, t.key): Answer(Outcome.CLEARED) for s in breakdown.scenes for t in breakdown.twins
    }
    free = solve(programme(breakdown, chosen, options(breakdown, chosen, yes)), EXACT)
    whole = tuple(replace(one, minimum_share=D(1)) for one in breakdown.performers)
    promised = replace(breakdown, performers=whole)
    model = programme(promised, chosen, options(promised, chosen, yes))

    solution = solve(model, EXACT)

    assert {o.choice for p in solution.chosen if (o := model.columns[p].option)} == {IN_PERSON}
    assert solution.cost > free.cost
    lifted = {limit.key for limit in model.limits if limit.kind == PlanLimit.SHARE}
    assert len(lifted) == len(whole)
    assert solve(model, EXACT, lifted=lifted).cost <= free.cost


def test_a_twin_whose_costs_nobody_said_is_no_option():
    breakdown, chosen, _, _ = built(3)
    fewer = replace(chosen, twins=chosen.twins[1:])

    every = options(breakdown, fewer, answers(3, breakdown))

    assert chosen.twins[0].twin not in {option.choice for option in every}


def test_a_lock_holds_and_lifting_it_saves_what_it_cost():
    *_, every, model = built(1)
    free = solve(model, EXACT)
    picked = {
        (o.scene, o.character): o.choice for p in free.chosen if (o := model.columns[p].option)
    }
    cell, choice = next(
        ((o.scene, o.character), o.choice)
        for o in every
        if not o.bars and picked[o.scene, o.character] != o.choice
    )
    *_, locked = built(1, locks=(Lock(*cell, choice),))

    solution = solve(locked, EXACT)

    options_now = [o for p in solution.chosen if (o := locked.columns[p].option)]
    assert choice in {o.choice for o in options_now if (o.scene, o.character) == cell}
    assert solution.cost >= free.cost
    told = advice(locked, solution, EXACT)
    (found,) = (c for c in told.helpful if c.kind == PlanLimit.LOCK)
    assert (found.by, found.saves, found.proven) == (None, solution.cost - free.cost, True)


@pytest.mark.parametrize("seed", [20, 25])
def test_what_a_change_saves_is_what_solving_anew_finds_and_the_rest_is_named(seed, monkeypatch):
    """Tried is only what is cheaper than the plan; what that leaves out must save nothing."""
    *_, model = built(seed, scenes=12, resonance_from=5, quality_minutes=D(900))
    solution = solve(model, EXACT)

    told = advice(model, solution, EXACT)
    monkeypatch.setattr("valuation.schedule.assignment.advice.MOST_TRIED", 1)
    short = advice(model, solution, EXACT)

    saves = {one.limit: one.saves for one in (*told.prices, *told.helpful)}
    anew = {
        one.key: solution.cost - solve(model, EXACT, lifted={one.key}).cost
        for one in model.limits
        if one.holds
    }
    assert {key: saved for key, saved in anew.items() if saved} == {
        one.limit: one.saves for one in told.helpful
    }
    assert told.helpful
    assert told.not_tried == ()
    assert all(one.proven for one in told.helpful)
    left_out = {one.name for one in model.limits if saves.get(one.key) and one.holds}
    left_out -= {one.name for one in short.helpful}
    assert left_out
    assert left_out <= set(short.not_tried)


def test_high_resonance_stays_in_person_until_it_is_unlocked():
    breakdown, _, every, _ = built(2, resonance_from=0)
    assert all(Bar.RESONANCE in o.bars for o in every if o.choice != IN_PERSON)

    scene = breakdown.scenes[0].key
    *_, every, _ = built(2, resonance_from=0, unlocked=frozenset({scene}))

    assert {o.scene for o in every if o.choice != IN_PERSON and Bar.RESONANCE not in o.bars} == {
        scene
    }


def test_consent_that_nobody_gave_is_a_refusal_and_a_static_replica_plays_no_free_lines():
    breakdown, _, every, model = built(5, asked={})
    assert all(Bar.CONSENT in o.bars for o in every if o.choice != IN_PERSON)
    solution = solve(model, EXACT)
    assert all(o.choice == IN_PERSON for p in solution.chosen if (o := model.columns[p].option))

    yes = {
        (s.key, t.key): Answer(Outcome.CLEARED) for s in breakdown.scenes for t in breakdown.twins
    }
    *_, every, _ = built(5, asked=yes)
    free = {(s.key, p.character) for s in breakdown.scenes for p in s.parts if not p.scripted}
    barred = {(o.scene, o.character) for o in every if Bar.STATIC in o.bars}
    assert barred == free
    assert {o.choice[-1] for o in every if Bar.STATIC in o.bars} <= {"0"}


def test_what_makes_a_plan_impossible_is_named_and_nothing_that_does_not():
    *_, every, model = built(6, budget=D(1))
    lock = Lock(every[0].scene, every[0].character, IN_PERSON)
    *_, locked = built(6, budget=D(1), locks=(lock,))

    assert solve(model, EXACT) is None
    found = conflict(locked, EXACT)

    keys = {one.key for one in found.limits}
    every_key = {one.key for one in locked.limits}
    assert not is_possible(locked, EXACT, every_key - keys)
    for size in range(len(keys)):
        for fewer in combinations(sorted(keys), size):
            assert is_possible(locked, EXACT, every_key - set(fewer))
    assert "budget" in keys
    without = solve(locked, EXACT, lifted={"budget"})
    assert found.cost_without["budget"] == without.cost


def test_a_lock_against_consent_names_both():
    breakdown, _, every, _ = built(7)
    refused = next(o for o in every if Bar.CONSENT in o.bars)
    *_, model = built(7, locks=(Lock(refused.scene, refused.character, refused.choice),))

    found = conflict(model, EXACT)

    kinds = {one.kind for one in found.limits}
    assert {PlanLimit.LOCK} < kinds <= {PlanLimit.LOCK, *map(PlanLimit, refused.bars)}
    number = next(s.number for s in breakdown.scenes if s.key == refused.scene)
    assert all(number in one.name for one in found.limits)


def test_a_lock_of_what_is_not_there_is_refused():
    with pytest.raises(UnknownChoice, match="cannot be played so"):
        built(8, locks=(Lock("S1", "C0", "T99"),))


def test_the_same_nodes_and_seed_give_the_same_answer():
    *_, model = built(9, scenes=25)
    effort = replace(EXACT, nodes=3, seed=5)

    assert solve(model, effort) == solve(model, effort)
    short = solve(model, effort)
    assert short.bound <= solve(model, EXACT).cost <= short.cost


def test_who_watches_can_stop_it():
    breakdown = script(1, scenes=120, characters=12, in_scene=6)
    chosen = terms(1, breakdown, quality_minutes=D(900))
    every = options(breakdown, chosen, answers(1, breakdown))
    seen = []

    solution = solve(
        programme(breakdown, chosen, every),
        EXACT,
        watch=lambda known: seen.append(known) or known.cost is None,
    )

    assert seen
    assert solution.bound <= solution.cost
