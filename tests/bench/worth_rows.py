"""P15, P16: a scenario drawn many times, and how fast its figures settle.

    python -m tests.bench.worth_rows

measures the error of V's mean and quantiles by the number of draws and draws docs/worth-draws.svg.
"""

import random
import sys
import time
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from statistics import mean

import numpy as np

from talent.words import Tier
from tests.bench.harness import Row, at_least, at_most, in_turn, seconds
from tests.valuation.worth.draw.product import Product
from valuation.words import Term, View
from valuation.worth.draw.distributions import Normal, Pert, Triangular, Uniform
from valuation.worth.draw.points import BLOCK
from valuation.worth.draw.simulation import Input, Item, Model, simulate
from valuation.worth.scenario.plans import Plan, PlanInput, PlanItem, model_of
from valuation.worth.scenario.templates import templates

DRAWS, MONTHS, INPUTS = 2**17, 36, 20
SAMPLE = 300
SEEDS = range(24)
PICTURE = Path(__file__).resolve().parents[2] / "docs" / "worth-draws.svg"
KINDS = (Uniform(1, 3), Triangular(1, 2, 4), Normal(2, 0.5), Pert(1, 2, 5))


def simulation() -> list[Row]:
    """P15: V of twenty inputs over 36 months, beside a loop in Python, and beside bare numbers."""
    model = twenty_inputs()
    ours, loop = in_turn(
        lambda: seconds(lambda: simulate(model, draws=DRAWS, seed=7)),
        lambda: seconds(lambda: loop_in_python(SAMPLE)) * DRAWS / SAMPLE,
    )
    again, bare = in_turn(
        lambda: seconds(lambda: simulate(model, draws=DRAWS, seed=7)),
        lambda: seconds(bare_numbers),
    )
    return [
        at_least("P15 scenario of 131,072 draws, beside a Python loop", 80, ours, loop),
        at_most("P15 the same, beside random numbers and a product", 6, again, bare),
    ]


def settled_mean() -> Row:
    """P16: the error of V's mean by 4,096 Sobol points, beside that by 100,000 plain draws."""
    model = of_template()
    truth = simulate(model, draws=2**20, seed=1).worth.mean
    ours = rms(simulate(model, draws=4096, seed=seed).worth.mean - truth for seed in SEEDS)
    plain = rms(plain_mean(model, 100_000, seed) - truth for seed in SEEDS)
    ratio = ours / plain
    name = "P16 error of the mean, 4,096 Sobol points against 100,000"
    return Row(name, ours, "USD", plain, ratio, "≤ 0.1", ratio <= 0.1)


def twenty_inputs() -> Model:
    inputs = [Input(f"x{number}", KINDS[number % len(KINDS)]) for number in range(INPUTS)]
    terms = list(Term)
    return Model(
        tuple(inputs),
        tuple(
            Item(
                terms[number % len(terms)],
                Product((f"x{2 * number}", f"x{2 * number + 1}")),
                begins=number,
                months=MONTHS - number,
            )
            for number in range(INPUTS // 2)
        ),
    )


def loop_in_python(draws: int) -> float:
    """Do the same one draw, one item and one month after the other."""
    chance = random.Random(7)  # noqa: S311 - no secret
    sums = 0.0
    for _ in range(draws):
        drawn = [
            (chance.uniform(1, 3), chance.triangular(1, 4, 2), chance.gauss(2, 0.5),
             1 + 4 * chance.betavariate(2, 4))[number % 4]
            for number in range(INPUTS)
        ]  # fmt: skip
        for number in range(INPUTS // 2):
            amount = drawn[2 * number] * drawn[2 * number + 1]
            for _month in range(number, MONTHS):
                sums += amount / (MONTHS - number)
    return sums


def bare_numbers() -> None:
    """Draw as many random numbers and multiply them with a matrix: the least there is to do."""
    chance, weights = np.random.default_rng(7), np.ones((INPUTS, MONTHS))
    for _ in range(0, DRAWS, BLOCK):
        chance.random((BLOCK, INPUTS)) @ weights


def of_template() -> Model:
    """Return the model of the template of an emulator: what a scenario really is."""
    items = tuple(
        PlanItem(
            item.term, item.label, item.begins_in - 1, item.months,
            tuple(
                PlanInput(f"{place}-{one.role.value}", one.role, one.name, "",
                          one.by_view[View.STUDIO].figures, "", one.by_view[View.STUDIO].standing)
                for one in item.inputs
            ),
        )
        for place, item in enumerate(templates().items[Tier.EMULATOR])
    )  # fmt: skip
    return model_of(
        Plan("", "", View.STUDIO, (), "", (), "USD", date(2026, 12, 1), 24, Decimal(0), "", 1024,
             7, items)
    )  # fmt: skip


def plain_mean(model: Model, draws: int, seed: int) -> float:
    points = np.random.default_rng(seed).random((draws, len(model.inputs)))
    return float(model.worth_at(points).mean())


def rms(errors: Sequence[float] | object) -> float:
    return float(np.sqrt(mean(error**2 for error in errors)))  # type: ignore[attr-defined]


def errors_by_draws(model: Model) -> list[tuple[int, str, float]]:
    """Return (draws, figure, error): the root mean square over seeds, as a share of P5 to P95."""
    truth = [simulate(model, draws=2**20, seed=seed).worth for seed in (101, 102, 103)]
    exact = {name: mean(getattr(one, name) for one in truth) for name in ("mean", "p5", "p95")}
    width = exact["p95"] - exact["p5"]
    found = []
    for power in range(10, 19):
        spreads = [simulate(model, draws=2**power, seed=seed).worth for seed in SEEDS]
        for name, true in exact.items():
            error = rms([getattr(one, name) - true for one in spreads])
            found.append((2**power, name, error / width))
    return found


def draw_picture(found: list[tuple[int, str, float]]) -> None:
    from valuation.charts import CONFIG, SCHEMA
    from valuation.statements.pdf import svg_of

    labels = {"mean": "mean", "p5": "P5", "p95": "P95"}
    values = [
        {"draws": draws, "figure": labels[name], "error": share * 100}
        for draws, name, share in found
    ]
    axis = {"title": "draws", "values": [2**power for power in range(10, 19, 2)], "format": ",d"}
    spec = {
        "$schema": SCHEMA, "width": 460, "height": 240, "background": "white",
        "data": {"values": values},
        "mark": {"type": "line", "point": True},
        "encoding": {
            "x": {"field": "draws", "type": "quantitative", "scale": {"type": "log", "base": 2},
                  "axis": axis},
            "y": {"field": "error", "type": "quantitative", "scale": {"type": "log"},
                  "axis": {"title": "error, % of P5 to P95"}},
            "color": {"field": "figure", "type": "nominal", "title": None},
            "strokeDash": {"field": "figure", "type": "nominal", "title": None},
        },
        "config": CONFIG,
    }  # fmt: skip
    PICTURE.write_text(svg_of(spec))


def main() -> None:
    begun = time.perf_counter()
    found = errors_by_draws(of_template())
    for draws, name, share in found:
        sys.stdout.write(f"{draws:>8,} {name:<5} {share * 100:.4f} %\n")
    draw_picture(found)
    sys.stdout.write(f"{time.perf_counter() - begun:.0f} s\n")


if __name__ == "__main__":
    import os

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "likenessdesk.settings")
    import django

    django.setup()
    main()
