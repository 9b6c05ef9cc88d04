"""The public instances of the talent scheduling problem, with the optima that were published."""

import json
from pathlib import Path

from valuation.schedule.order.hold_days import HoldProblem

VECTORS = Path(__file__).parent / "vectors" / "talent_scheduling.json"
INSTANCES = json.loads(VECTORS.read_text())["instances"]


def problem_of(instance):
    casts = zip(*instance["casts"], strict=True)
    rates = tuple(instance["rates"])
    return HoldProblem(
        durations=tuple(instance["durations"]),
        casts=tuple(frozenset(p for p, plays in enumerate(c) if plays == "1") for c in casts),
        work_rates=rates,
        hold_rates=rates,
    )
