"""P29, P24: an order of shooting to its proof, and an assignment, beside the bare solver."""

import tempfile
import time
from dataclasses import dataclass
from decimal import Decimal
from itertools import permutations
from pathlib import Path
from statistics import median

import highspy

from tests.bench.harness import ROUNDS, Row, at_least, at_most, in_turn, seconds
from tests.valuation.schedule.instances import INSTANCES, problem_of
from tests.valuation.schedule.scripts import answers, script, terms
from valuation.schedule.assignment.programme import programme
from valuation.schedule.assignment.solving import Effort, solve, write_model
from valuation.schedule.options import options
from valuation.schedule.order.hold_days import HoldProblem, best_order

# The public instances that the plain programme proves in a minute, too, each a row of its own: also
# those that are so small that HiGHS is done with them before there is anything to gain.
BOTH_PROVE = ("tiny", "tiny2", "small", "small2", "concert", "film-10", "film-12")
STATES = 20_000_000
ENOUGH = Effort(nodes=1_000_000, gap=0.005)


def order_of_shooting() -> list[Row]:
    """P29: orders proven by the search over sets, beside HiGHS on the plain programme."""
    rows = []
    for name in BOTH_PROVE:
        problem = next(problem_of(one) for one in INSTANCES if one["name"] == name)
        ours = median(
            seconds(lambda one=problem: best_order(one, states=STATES)) for _ in range(ROUNDS)
        )
        begun = time.perf_counter()
        cost = plain(problem)
        plain_seconds = time.perf_counter() - begun
        if cost != best_order(problem, states=STATES).cost:
            raise AssertionError(f"The two do not agree on {name}.")
        rows.append(
            at_least(f"P29 order of {name} to its proof, beside HiGHS", 100, ours, plain_seconds)
        )
    return rows


def assignment(scenes: int = 200) -> Row:
    """P24: 200 scenes, 20 characters and 4 options to half a percent, beside the model's file."""
    breakdown = script(7, scenes=scenes, characters=20, twins=3, in_scene=8)
    chosen = terms(7, breakdown, quality_minutes=Decimal(6 * scenes), budget=None)
    asked = answers(7, breakdown)
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "plan.mps")
        write_model(programme(breakdown, chosen, options(breakdown, chosen, asked)), path)

        def ours() -> None:
            solve(programme(breakdown, chosen, options(breakdown, chosen, asked)), ENOUGH)

        def bare() -> None:
            solver = highspy.Highs()
            solver.silent()
            solver.setOptionValue("threads", 1)
            solver.setOptionValue("mip_rel_gap", ENOUGH.gap)
            solver.readModel(path)
            solver.run()

        pair = in_turn(lambda: seconds(ours), lambda: seconds(bare))
    return at_most(f"P24 assignment of {scenes} scenes × 20 × 4 to 0.5 %", 1.2, *pair)


def plain(problem: HoldProblem) -> int:
    """Return the least cost by a mixed-integer programme as a textbook has it."""
    return _Plain(problem).cost()


@dataclass
class _Plain:
    """Which scene comes before which; who has come and is still needed waits or plays."""

    problem: HoldProblem

    def cost(self) -> int:
        solver = highspy.Highs()
        solver.silent()
        solver.setOptionValue("threads", 1)
        scenes = range(len(self.problem.casts))
        before = {(s, t): solver.addBinary() for s in scenes for t in scenes if s != t}
        for s, t in before:
            if s < t:
                solver.addConstr(before[s, t] + before[t, s] == 1)
        for r, s, t in permutations(scenes, 3):
            solver.addConstr(before[r, s] + before[s, t] + before[t, r] <= 2)
        costs = []
        for performer, rate in enumerate(self.problem.hold_rates):
            plays = [s for s in scenes if performer in self.problem.casts[s]]
            for s in scenes:
                if s in plays or len(plays) < 2:
                    continue
                came, needed = solver.addBinary(), solver.addBinary()
                for t in plays:
                    solver.addConstr(came >= before[t, s])
                    solver.addConstr(needed >= before[s, t])
                waits = solver.addVariable(0, 1, rate * self.problem.durations[s])
                solver.addConstr(waits >= came + needed - 1)
                costs.append(waits)
        solver.run()
        return self.problem.work + round(solver.getObjectiveValue())
