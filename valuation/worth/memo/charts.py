"""Charts of a valuation, each with a table of the same figures."""

from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from django.utils.translation import gettext as _

from talent import locales
from valuation.words import Term
from valuation.worth.draw.formula import SIGNS
from valuation.worth.memo import drawings
from valuation.worth.memo.drawings import Step, Swung
from valuation.worth.memo.items import TermTable
from valuation.worth.memo.written import Written
from valuation.worth.scenario.gathering import month_of

SWAYS_SHOWN = 8


@dataclass(frozen=True)
class Drawing:
    """A chart with a table of the same figures; the first column names a row."""

    slug: str
    title: str
    spec: dict[str, Any]
    names: list[str]
    rows: list[list[str]]

    @property
    def chart_id(self) -> str:
        """The id of the specification's element on the page."""
        return f"chart-{self.slug}"


def waterfall(written: Written, tables: list[TermTable]) -> Drawing:
    means = dict.fromkeys(Term, 0.0)
    for item, mean in zip(written.plan.items, written.result.item_means, strict=True):
        means[item.term] += mean
    steps = [
        Step(_(one.term.label), SIGNS[one.term] * means[one.term], one.note, f"#{one.anchor}")
        for one in tables
    ]
    worth = written.result.worth
    net = Step("V", float(written.valuation.total), _("P5 to P95"), "#money")
    spec = drawings.waterfall(
        steps, net, worth.p5, worth.p95, written.short, written.plan.currency, written.width
    )
    rows = [[step.name, written.money(step.amount), step.below] for step in steps]
    likely = f"{written.money(worth.p5)} – {written.money(worth.p95)}"
    return Drawing(
        "waterfall",
        _("V = (savings + expansion) − (licensing + compute + depreciation)"),
        spec,
        [_("Term"), _("Mean"), _("From")],
        [*rows, ["V", written.money(net.amount), likely]],
    )


def tornado(written: Written) -> Drawing | None:
    sways = [one for one in written.result.sways if one.width][:SWAYS_SHOWN]
    if not sways:
        return None
    swings = [Swung(written.inputs[one.key].name, one.low, one.high) for one in sways]
    shares = _("Share of the variance")
    return Drawing(
        "tornado",
        _("What would change the answer"),
        drawings.tornado(swings, written.result.worth.p50, written.plan.currency, written.width),
        [_("Input"), _("V at its P10"), _("V at its P90"), shares, _("Standard error")],
        [
            [written.inputs[one.key].name, written.money(one.low), written.money(one.high),
             *_share(one.effect if one.effect is not None else one.total,
                     one.effect_error if one.effect is not None else one.total_error)]
            for one in sways
        ],
    )  # fmt: skip


def histogram(written: Written) -> Drawing | None:
    bars = written.result.histogram
    if written.result.worth.p5 == written.result.worth.p95:
        return None
    pairs = zip(bars.edges[:-1], bars.edges[1:], bars.counts, strict=True)
    return Drawing(
        "histogram",
        _("How V is spread over the draws"),
        drawings.histogram(
            bars.edges, bars.counts, _("draws"), written.plan.currency, written.width
        ),
        [_("V from"), _("V up to"), _("Draws")],
        [[written.money(low), written.money(high), written.quantity(count)]
         for low, high, count in pairs],
    )  # fmt: skip


def flows(written: Written) -> Drawing:
    begins = written.plan.begins_on
    months = [
        locales.month(month_of(begins, place), written.locale)
        for place in range(len(written.result.flows))
    ]
    short = [
        f"{locales.short_month(day, written.locale)} {day:%y}"
        for day in (month_of(begins, place) for place in range(len(months)))
    ]
    sums = list(accumulate(written.result.flows))
    so_far = _("Bars: what the month brings. Line: what it has come to by then.")
    return Drawing(
        "flows",
        _("Month by month"),
        drawings.flows(short, written.result.flows, so_far, written.plan.currency, written.width),
        [_("Month"), _("Brings"), _("So far")],
        [
            [month, written.money(amount), written.money(sum_)]
            for month, amount, sum_ in zip(months, written.result.flows, sums, strict=True)
        ],
    )


def _share(share: float | None, error: float | None) -> list[str]:
    if share is None or error is None:
        return ["–", "–"]
    return [f"{max(share, 0) * 100:.0f} %", f"± {error * 100:.1f} %"]
