"""Charts of a valuation, each with a table of the same figures."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import accumulate
from typing import Any

from django.utils.translation import gettext as _

from talent import locales
from valuation.words import Term
from valuation.worth.draw.formula import SIGNS
from valuation.worth.draw.simulation import MONTHS_A_YEAR
from valuation.worth.memo import drawings
from valuation.worth.memo.drawings import Step, Swung
from valuation.worth.memo.items import TermTable
from valuation.worth.memo.written import Written
from valuation.worth.pictures import Axis, Point, curves
from valuation.worth.scenario.gathering import month_of
from valuation.worth.scenario.plans import TwinForecast

SWAYS_SHOWN = 8
LEAST_MONTHS_SHOWN = 24
NEARLY_ALL = Decimal("0.99")


@dataclass(frozen=True)
class Drawing:
    """A chart with a table of the same figures; the first column names a row.

    `anchors` are the places of the page or memo that say what a row is made of, if it has any.
    """

    slug: str
    title: str
    spec: dict[str, Any]
    names: list[str]
    rows: list[list[str]]
    anchors: list[str] = field(default_factory=list)

    @property
    def linked_rows(self) -> list[tuple[str, list[str]]]:
        """Return the rows, each with where its first cell leads; empty: nowhere."""
        return list(zip(self.anchors or [""] * len(self.rows), self.rows, strict=True))

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
    spec = drawings.waterfall(steps, net, worth.p5, worth.p95, written.short, written.look)
    rows = [[step.name, written.money(step.amount), step.below] for step in steps]
    likely = f"{written.money(worth.p5)} – {written.money(worth.p95)}"
    return Drawing(
        "waterfall",
        _("V = (savings + expansion) − (licensing + compute + depreciation)"),
        spec,
        [_("Term"), _("Mean"), _("From")],
        [*rows, ["V", written.money(net.amount), likely]],
        [*(one.anchor for one in tables), "money"],
    )


def tornado(written: Written) -> Drawing | None:
    sways = [one for one in written.result.sways if one.width][:SWAYS_SHOWN]
    if not sways:
        return None
    swings = [Swung(written.inputs[one.key].name, one.low, one.high) for one in sways]
    shares = _("Share of the variance")
    places = {
        one.key: place for place, item in enumerate(written.plan.items) for one in item.inputs
    }
    return Drawing(
        "tornado",
        _("What would change the answer"),
        drawings.tornado(swings, written.result.worth.p50, written.look),
        [_("Input"), _("V at its P10"), _("V at its P90"), shares, _("Standard error")],
        [
            [written.inputs[one.key].name, written.money(one.low), written.money(one.high),
             *_share(written, one.effect if one.effect is not None else one.total,
                     one.effect_error if one.effect is not None else one.total_error)]
            for one in sways
        ],
        [f"item-{places[one.key]}" for one in sways],
    )  # fmt: skip


def histogram(written: Written) -> Drawing | None:
    bars = written.result.histogram
    if written.result.worth.p5 == written.result.worth.p95:
        return None
    pairs = zip(bars.edges[:-1], bars.edges[1:], bars.counts, strict=True)
    return Drawing(
        "histogram",
        _("How V is spread over the draws"),
        drawings.histogram(bars.edges, bars.counts, _("draws"), written.look),
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
        drawings.flows(short, written.result.flows, so_far, written.look),
        [_("Month"), _("Brings"), _("So far")],
        [
            [month, written.money(amount), written.money(sum_)]
            for month, amount, sum_ in zip(months, written.result.flows, sums, strict=True)
        ],
    )


def forecasts(written: Written) -> list[Drawing]:
    """Draw what each twin's other licences bring, without the plan and with it."""
    return [
        _forecast(written, one, f"forecast-{place}")
        for place, one in enumerate(written.plan.forecasts, start=1)
    ]


def _forecast(written: Written, one: TwinForecast, slug: str) -> Drawing:
    without, with_plan = _("Without the plan"), _("With the plan")
    shown = _months_shown(one)
    points: list[Point] = [
        (series, month + 1, float(amount))
        for series, months in ((without, one.without), (with_plan, one.with_plan))
        for month, amount in enumerate(months[:shown])
    ]
    spec = curves(
        points,
        Axis(_("months from the valuation")),
        Axis(_("%s a month") % written.plan.currency),
        written.locale,
        width=written.width,
    )
    worth = [written.money(float(amount)) for amount in
             (one.before, one.after, one.before - one.after)]  # fmt: skip
    return Drawing(
        slug,
        _("What the other licences of %s are expected to bring") % one.twin,
        spec,
        [_("Year"), without, with_plan, _("Lost, in today’s money")],
        [*_years(written, one), [_("Worth today"), *worth]],
    )


def _months_shown(one: TwinForecast) -> int:
    """Return the first whole years by which nearly all of a loss has come about."""
    lost, so_far = sum(one.lost, Decimal(0)), Decimal(0)
    for month, amount in enumerate(one.lost, start=1):
        so_far += amount
        if abs(so_far) >= abs(lost) * NEARLY_ALL and month >= LEAST_MONTHS_SHOWN:
            return -(-month // MONTHS_A_YEAR) * MONTHS_A_YEAR
    return len(one.lost)


def _years(written: Written, one: TwinForecast) -> Iterator[list[str]]:
    """Yield the years in which something is lost, and all after them as one."""
    years = -(-len(one.lost) // MONTHS_A_YEAR)
    losing = [month // MONTHS_A_YEAR + 1 for month, amount in enumerate(one.lost) if amount]
    apart = max(losing, default=0)
    for first, last in [*((year, year) for year in range(1, apart + 1)), (apart + 1, years)]:
        if first > years:
            break
        months = slice((first - 1) * MONTHS_A_YEAR, last * MONTHS_A_YEAR)
        sums = (sum(told[months]) for told in (one.without, one.with_plan, one.lost))
        name = str(first) if first == last else f"{first}–{last}"
        yield [name, *(written.money(float(amount)) for amount in sums)]


def _share(written: Written, share: float | None, error: float | None) -> list[str]:
    """Write a share of the variance, and its error; one that its error hides is below their sum."""
    if share is None or error is None:
        return ["–", "–"]
    known = max(share, 0)
    if known < error:
        shown = _("below %s") % _percent(written, known + error, 0)
    else:
        shown = _percent(written, known, 0)
    return [shown, f"± {_percent(written, error, 1)}"]


def _percent(written: Written, share: float, places: int) -> str:
    return locales.percent(Decimal(repr(round(share * 100, places))), written.locale)
