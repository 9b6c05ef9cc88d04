"""A process of its own that solves one plan: input on stdin, lines of JSON on stdout.

It needs neither the database nor settings, so it can be ended at any instant. Each line but the
last says how far it is; the last is the solution, or why there is none.

    python -m valuation.schedule.process < plan.json
"""

import os
import sys
import time
from typing import IO

import msgspec

from talent.errors import Refused
from valuation.schedule.solution import Tell, input_from_json, solve_plan, to_json
from valuation.words import PlanStage

# Whoever watches reads a line a second at most.
TELLS_EACH = 0.5
# Each stage ends by then with what is known, so that a plan has an answer before it is given up.
MOST_SECONDS = {
    PlanStage.ASSIGNS: 240,
    PlanStage.EXPLAINS: 120,
    PlanStage.ORDERS_ALL: 150,
    PlanStage.ORDERS: 150,
}


def main(given: IO[bytes], answers: IO[bytes]) -> None:
    """Solve the plan that is given, and answer line by line."""

    def answer(**content: object) -> None:
        answers.write(msgspec.json.encode(content) + b"\n")
        answers.flush()

    told_at, begun, stage = 0.0, 0.0, None

    def watch(tell: Tell) -> bool:
        nonlocal told_at, begun, stage
        now = time.monotonic()
        begun = begun if tell.stage == stage else now
        if tell.stage != stage or now - told_at >= TELLS_EACH:
            told_at, stage = now, tell.stage
            answer(stage=tell.stage, cost=tell.cost, bound=tell.bound)
        return now - begun < MOST_SECONDS[tell.stage]

    try:
        solution = solve_plan(input_from_json(msgspec.json.decode(given.read())), watch)
    except Refused as refusal:
        answer(refused=str(refusal))
    else:
        answer(solution=to_json(solution))


def alone() -> IO[bytes]:
    """Return where answers go; what a library prints of its own goes nowhere."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    return answers


if __name__ == "__main__":
    main(sys.stdin.buffer, alone())
