"""The CSV of a valuation's draws, summed up: V, its items, its months, what sways it."""

from collections.abc import Iterator

from talent import safe_csv
from valuation.models import Valuation
from valuation.worth.draw.simulation import Spread
from valuation.worth.legal.risks import legal_exposure
from valuation.worth.scenario import valuations

HEADER = ["part", "name", "term", "mean", "p5", "p50", "p95", "note"]


def summary_csv(valuation: Valuation) -> Iterator[str]:
    """Yield the lines of a CSV: amounts in the valuation's currency, exact as they were drawn."""
    return safe_csv.lines(HEADER, _rows(valuation))


def _rows(valuation: Valuation) -> Iterator[list[object]]:
    plan, result = valuations.plan_of(valuation), valuations.result_of(valuation)
    yield ["V", plan.scenario, "", *_spread(result.worth), plan.currency]
    yield ["net present value", plan.scenario, "", *_spread(result.present), plan.currency]
    yield ["chance of V below zero", "", "", result.below_zero, "", "", "", ""]
    yield ["expected shortfall", "", "", result.expected_shortfall, "", "", "", "worst 5 %"]
    for item, mean, spread in zip(plan.items, result.item_means, result.items, strict=True):
        figures = [mean, spread.p5, spread.p50, spread.p95]
        yield ["item", item.label, item.term.label, *figures, valuations.source_of(item)]
    legal = legal_exposure(plan.legal_paths)
    for path in plan.legal_paths:
        claimed = "unknown" if path.exposure is None else path.exposure
        said = path.assessment
        told = f"{path.source}; {said.source}" if said else path.source
        yield ["legal path beside V", path.name, path.state.value, claimed, "", "", "", told]
    unknown = f"{len(legal.unknown)} not assessed: unknown, not zero"
    yield ["legal exposure beside V", "", "", legal.total, "", "", "", unknown]
    names = {one.key: one.name for one in plan.inputs()}
    for sway in result.sways:
        share = sway.total if sway.effect is None else sway.effect
        yield ["sway", names[sway.key], "", share, sway.low, "", sway.high, "share, V at P10, P90"]
    for month, amount in enumerate(result.flows, start=1):
        yield ["month", month, "", amount, "", "", "", ""]
    bars = result.histogram
    for low, high, count in zip(bars.edges[:-1], bars.edges[1:], bars.counts, strict=True):
        yield ["histogram", "", "", count, low, "", high, "draws, from, to"]


def _spread(spread: Spread) -> list[float]:
    return [spread.mean, spread.p5, spread.p50, spread.p95]
