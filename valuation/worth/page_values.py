"""What the page and the memo of a valuation show: every figure written out for its reader."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import accumulate
from typing import Any

import numpy as np
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from talent import locales
from valuation.models import Valuation
from valuation.words import InputRole, SourceStanding, Spreading, Term, View
from valuation.worth import drawings, valuations
from valuation.worth.drawings import Step, Swung
from valuation.worth.formula import SIGNS
from valuation.worth.gathering import month_of
from valuation.worth.input_figures import InputFigures, weighted_values
from valuation.worth.legal_exposure import Path, PathState
from valuation.worth.outcomes import Result
from valuation.worth.plans import Plan, PlanInput, PlanItem
from valuation.worth.simulation import Spread

SWAYS_SHOWN = 8
# A hundredfold a year.
HIGHEST_RETURN = 100.0
HALF = np.array([0.5])


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


@dataclass(frozen=True)
class Sourced:
    """Where a figure comes from, and how far that holds."""

    text: str
    standing: SourceStanding

    @property
    def is_assumed(self) -> bool:
        return self.standing == SourceStanding.ASSUMPTION


@dataclass(frozen=True)
class ItemRow:
    """An item of a term as its table shows it."""

    label: str
    row: int | None
    months: str
    quantity: str
    rate: str
    ranges: list[str]
    middle: str
    mean: str
    sources: list[Sourced]


@dataclass(frozen=True)
class TermTable:
    """A term with its items; `anchor` is where its bar leads."""

    term: Term
    sum: str
    note: str
    items: list[ItemRow]

    @property
    def anchor(self) -> str:
        return f"items-{self.term.value}"


@dataclass(frozen=True)
class PathRow:
    """What a plan rests on in law, how far that is on file, and what could be claimed, if known."""

    name: str
    state: str
    source: str
    amount: str
    is_licensed: bool


@dataclass(frozen=True)
class Told:
    """All that is told of a valuation."""

    headline: str
    likely: str
    chance: str
    decides: str
    about: str
    view: str
    total: str
    terms: list[TermTable]
    waterfall: Drawing
    tornado: Drawing | None
    histogram: Drawing | None
    flows: Drawing
    money_facts: list[tuple[str, str]]
    conditions: list[tuple[str, str]]
    past_fees: list[tuple[str, str]]
    assumed: int
    legal_paths: list[PathRow]
    correlations: list[str] = field(default_factory=list)


def told(valuation: Valuation, locale: str, *, width: int | str = "container") -> Told:
    """Return what is told of a valuation that has an outcome; `width` is that of its charts."""
    return _Teller(valuation, locale, width).told()


class _Teller:
    """One valuation, written for one reader."""

    def __init__(self, valuation: Valuation, locale: str, width: int | str) -> None:
        self.valuation, self.locale, self.width = valuation, locale, width
        self.plan: Plan = valuations.plan_of(valuation)
        self.result: Result = valuations.result_of(valuation)
        self.inputs: Mapping[str, PlanInput] = {one.key: one for one in self.plan.inputs()}

    def told(self) -> Told:
        tables = [self._table(term) for term in Term]
        return Told(
            headline=self._headline(),
            likely=self._likely(),
            chance=self._chance(),
            decides=self._decides(),
            about=" · ".join(self._about()),
            view=_(self.plan.view.label),
            total=self._money(float(self.valuation.total)),
            terms=tables,
            waterfall=self._waterfall(tables),
            tornado=self._tornado(),
            histogram=self._histogram(),
            flows=self._flows(),
            money_facts=list(self._money_facts()),
            conditions=list(self._conditions()),
            past_fees=[
                (fees.agreement, locales.money(fees.amount, fees.currency, self.locale))
                for fees in self.plan.past_fees
            ],
            assumed=sum(one.standing == SourceStanding.ASSUMPTION for one in self.plan.inputs()),
            legal_paths=[self._path(path) for path in self.plan.legal_paths],
            correlations=list(self._correlations()),
        )

    # Sentences

    def _headline(self) -> str:
        whom = _whom(self.plan)
        if self.valuation.total < 0:
            text = _("Costs %(amount)s more than it brings %(whom)s")
        else:
            text = _("Worth %(amount)s %(whom)s")
        return text % {"amount": self._about_money(abs(float(self.valuation.total))), "whom": whom}

    def _likely(self) -> str:
        worth = self.result.worth
        if worth.p5 == worth.p95:
            return _("No input varies, so there is no range.")
        return _("most likely between %(low)s and %(high)s") % {
            "low": self._about_money(worth.p5), "high": self._about_money(worth.p95),
        }  # fmt: skip

    def _chance(self) -> str:
        below = self.result.below_zero
        if not below:
            return _("In no draw does it cost more than it brings.")
        if below == 1:
            return _("In every draw it costs more than it brings.")
        if below > 0.5:
            return _("%d chances in 10 that it costs more than it brings.") % round(below * 10)
        return _("1 chance in %d that it costs more than it brings.") % round(1 / below)

    def _decides(self) -> str:
        widest = next((one for one in self.result.sways if one.width), None)
        if widest is None:
            return ""
        return _("What decides it most: %s.") % self.inputs[widest.key].name

    def _about(self) -> Iterator[str]:
        yield ", ".join(self.plan.twins)
        if self.plan.production:
            yield self.plan.production
        yield from self.plan.agreements
        yield self.plan.agency
        yield _("as of %s") % locales.day(self.valuation.as_of, self.locale)

    def _correlations(self) -> Iterator[str]:
        for pair in self.plan.together:
            yield _("%(one)s and %(other)s move together by %(by)s (%(source)s)") % {
                "one": self.inputs[pair.one].name,
                "other": self.inputs[pair.other].name,
                "by": locales.quantity(Decimal(str(pair.coefficient)), self.locale),
                "source": pair.source,
            }

    def _path(self, path: Path) -> PathRow:
        states = {
            PathState.LICENSED: _("on file"),
            PathState.UNLICENSED: _("not on file"),
            PathState.CONTAMINATED: _("contaminated"),
            PathState.UNKNOWN: _("not known here"),
        }
        exposure = path.exposure
        amount = self._money(float(exposure)) if exposure else ""
        source = path.source
        if path.on is not None:
            source = f"{source}, {locales.day(path.on, self.locale)}"
        return PathRow(
            path.name, states[path.state], source, amount, path.state is PathState.LICENSED
        )

    # Terms and their items

    def _table(self, term: Term) -> TermTable:
        rows, mean = [], 0.0
        for item, spread, amount in zip(
            self.plan.items, self.result.items, self.result.item_means, strict=True
        ):
            if item.term == term:
                rows.append(self._item(item, spread, amount))
                mean += amount
        note = ngettext("%d item", "%d items", len(rows)) % len(rows)
        return TermTable(term, self._money(SIGNS[term] * mean), note, rows)

    def _item(self, item: PlanItem, spread: Spread, mean: float) -> ItemRow:
        sign = SIGNS[item.term]
        return ItemRow(
            label=item.label,
            row=item.row,
            months=self._months(item),
            quantity=self._product(item, InputRole.QUANTITY, InputRole.TIMES),
            rate=self._rate(item),
            ranges=[self._range(one) for one in item.inputs if not one.figures.is_fixed],
            middle=self._money(sign * spread.p50),
            mean=self._money(sign * mean),
            sources=list(self._sources(item)),
        )

    def _months(self, item: PlanItem) -> str:
        first, last = item.begins + 1, item.begins + item.months
        if first == last:
            return _("month %d") % first
        return _("months %(first)d–%(last)d") % {"first": first, "last": last}

    def _product(self, item: PlanItem, *roles: InputRole) -> str:
        shown = [one for one in item.inputs if one.role in roles]
        return " × ".join(
            f"{self._quantity(_to_four_figures(one.figures))} {one.unit}".strip() for one in shown
        )

    def _rate(self, item: PlanItem) -> str:
        parts = []
        if item.priced_by:
            parts.append(_("by “%s”") % item.priced_by.line)
        for one in item.inputs:
            middle = middle_of(one.figures)
            if one.role == InputRole.RATE:
                currency = item.conversion.of if item.conversion else self.plan.currency
                parts.append(locales.money(Decimal(repr(middle)), currency, self.locale))
            elif one.role == InputRole.SHARE:
                parts.append(locales.percent(Decimal(repr(middle)) * 100, self.locale))
        return " × ".join(parts)

    def _range(self, one: PlanInput) -> str:
        return f"{one.name}: {figures_in_words(one.figures, self.locale)}"

    def _sources(self, item: PlanItem) -> Iterator[Sourced]:
        if item.priced_by:
            yield Sourced(_("Rate card of %s") % item.priced_by.agreement, SourceStanding.AGREED)
        if item.conversion:
            rate = item.conversion.numerator / item.conversion.denominator
            text = f"1 {item.conversion.of} = {rate:.4f} {self.plan.currency}"
            told = f"{text}, {item.conversion.on}, {item.conversion.source}"
            yield Sourced(told, SourceStanding.PUBLISHED)
        yield from dict.fromkeys(Sourced(one.source, one.standing) for one in item.inputs)

    # Charts, each with its table

    def _waterfall(self, tables: list[TermTable]) -> Drawing:
        means = dict.fromkeys(Term, 0.0)
        for item, mean in zip(self.plan.items, self.result.item_means, strict=True):
            means[item.term] += mean
        steps = [
            Step(_(one.term.label), SIGNS[one.term] * means[one.term], one.note, f"#{one.anchor}")
            for one in tables
        ]
        worth = self.result.worth
        net = Step("V", float(self.valuation.total), _("P5 to P95"), "#money")
        spec = drawings.waterfall(
            steps, net, worth.p5, worth.p95, self._short, self.plan.currency, self.width
        )
        rows = [[step.name, self._money(step.amount), step.below] for step in steps]
        likely = f"{self._money(worth.p5)} – {self._money(worth.p95)}"
        return Drawing(
            "waterfall",
            _("V = (savings + expansion) − (licensing + compute + depreciation)"),
            spec,
            [_("Term"), _("Mean"), _("From")],
            [*rows, ["V", self._money(net.amount), likely]],
        )

    def _tornado(self) -> Drawing | None:
        sways = [one for one in self.result.sways if one.width][:SWAYS_SHOWN]
        if not sways:
            return None
        swings = [Swung(self.inputs[one.key].name, one.low, one.high) for one in sways]
        shares = _("Share of the variance")
        return Drawing(
            "tornado",
            _("What would change the answer"),
            drawings.tornado(swings, self.result.worth.p50, self.plan.currency, self.width),
            [_("Input"), _("V at its P10"), _("V at its P90"), shares, _("Standard error")],
            [
                [self.inputs[one.key].name, self._money(one.low), self._money(one.high),
                 *_share(one.effect if one.effect is not None else one.total,
                         one.effect_error if one.effect is not None else one.total_error)]
                for one in sways
            ],
        )  # fmt: skip

    def _histogram(self) -> Drawing | None:
        bars = self.result.histogram
        if self.result.worth.p5 == self.result.worth.p95:
            return None
        pairs = zip(bars.edges[:-1], bars.edges[1:], bars.counts, strict=True)
        return Drawing(
            "histogram",
            _("How V is spread over the draws"),
            drawings.histogram(
                bars.edges, bars.counts, _("draws"), self.plan.currency, self.width
            ),
            [_("V from"), _("V up to"), _("Draws")],
            [[self._money(low), self._money(high), self._quantity(count)]
             for low, high, count in pairs],
        )  # fmt: skip

    def _flows(self) -> Drawing:
        begins = self.plan.begins_on
        months = [
            locales.month(month_of(begins, place), self.locale)
            for place in range(len(self.result.flows))
        ]
        short = [
            f"{locales.short_month(day, self.locale)} {day:%y}"
            for day in (month_of(begins, place) for place in range(len(months)))
        ]
        sums = list(accumulate(self.result.flows))
        so_far = _("Bars: what the month brings. Line: what it has come to by then.")
        return Drawing(
            "flows",
            _("Month by month"),
            drawings.flows(short, self.result.flows, so_far, self.plan.currency, self.width),
            [_("Month"), _("Brings"), _("So far")],
            [
                [month, self._money(amount), self._money(sum_)]
                for month, amount, sum_ in zip(months, self.result.flows, sums, strict=True)
            ],
        )

    # InputFigures beside the answer

    def _money_facts(self) -> Iterator[tuple[str, str]]:
        worth, present = self.result.worth, self.result.present
        # Its items' means, each rounded once: what stands in the tables adds up to it.
        yield _("Mean of V"), self._money(float(self.valuation.total))
        yield _("P5, P50, P95"), " · ".join(map(self._money, (worth.p5, worth.p50, worth.p95)))
        yield (
            _("Chance that V is below zero"),
            locales.percent(Decimal(repr(round(self.result.below_zero * 100, 2))), self.locale),
        )
        yield _("Mean of the worst 5 %"), self._money(self.result.expected_shortfall)
        rate = locales.percent(self.plan.discount * 100, self.locale)
        likely = f"{self._money(present.p5)} – {self._money(present.p95)}"
        now = f"{self._money(present.mean)} ({likely})"
        yield _("Net present value at %s a year") % rate, now
        yield _("Internal rate of return"), self._returns()
        yield _("Payback"), self._payback()

    def _returns(self) -> str:
        found = [self._return(one) for one in self.result.returns]
        if not found:
            return _("none: no yearly rate makes the flows come to nothing")
        if len(found) == 1:
            return found[0]
        return _("not one rate: what comes in and goes out changes sign more than once, so go by "
                 "the net present value. Nearest to zero is %(first)s; there is also "
                 "%(others)s.") % {
            "first": found[0], "others": ", ".join(found[1:]),
        }  # fmt: skip

    def _return(self, rate: float) -> str:
        """Write a yearly rate; where next to nothing is put in first, its size says no more."""
        if rate > HIGHEST_RETURN:
            most = locales.percent(_percent(HIGHEST_RETURN), self.locale)
            return _("more than %s: little is put in before it pays") % most
        return locales.percent(_percent(rate), self.locale)

    def _payback(self) -> str:
        month = self.result.payback
        if month is None:
            return _("not within the scenario's months")
        return _("never below zero") if month == 0 else _("in month %d") % month

    def _conditions(self) -> Iterator[tuple[str, str]]:
        plan, locale = self.plan, self.locale
        yield _("Scenario"), plan.scenario
        yield _("Whose view"), _(plan.view.label)
        yield _("Currency"), locales.currency_name(plan.currency, locale)
        yield _("Months"), _("%(months)d from %(day)s") % {
            "months": plan.months, "day": locales.short_day(plan.begins_on, locale),
        }  # fmt: skip
        yield (
            _("Discount rate"),
            "{} ({})".format(
                locales.percent(plan.discount * 100, locale),
                plan.discount_source or _("no source named: an assumption"),
            ),
        )
        yield _("Draws"), _("%(draws)s of a scrambled Sobol sequence, seed %(seed)d") % {
            "draws": self._quantity(plan.draws), "seed": plan.seed,
        }  # fmt: skip

    # How figures are written

    def _money(self, value: float) -> str:
        return locales.money(_exact(value), self.plan.currency, self.locale)

    def _about_money(self, value: float) -> str:
        return locales.about(_exact(value), self.plan.currency, self.locale)

    def _short(self, value: float) -> str:
        return locales.short_money(_exact(value), self.plan.currency, self.locale)

    def _quantity(self, value: float) -> str:
        return locales.quantity(_exact(value), self.locale)


def middle_of(figures: InputFigures) -> float:
    """Return what an input is shown as: its most likely value, or else its median."""
    if figures.middle is not None:
        return float(figures.middle)
    return float(figures.distribution().at(HALF)[0])


def _to_four_figures(figures: InputFigures) -> float:
    """Return a median without the digits that nobody reads; what was filled in stays whole."""
    middle = middle_of(figures)
    return middle if figures.middle is not None else float(f"{middle:.4g}")


def figures_in_words(figures: InputFigures, locale: str) -> str:
    """Write a distribution in a line, as “PERT 1.1 – 2.3 – 6”."""

    def write(value: Decimal | None) -> str:
        return "–" if value is None else locales.quantity(value, locale)

    name = _(figures.spreading.label)
    match figures.spreading:
        case Spreading.FIXED:
            return f"{name} {write(figures.middle)}"
        case Spreading.NORMAL:
            bounds = f", {write(figures.low)} … {write(figures.high)}"
            text = f"{name} {write(figures.middle)} ± {write(figures.deviation)}"
            return text + (bounds if figures.low is not None or figures.high is not None else "")
        case Spreading.DISCRETE:
            pairs = weighted_values(figures.values)
            return f"{name}: " + ", ".join(f"{write(v)} ({write(w)})" for v, w in pairs)
        case _:
            parts = (figures.low, figures.middle, figures.high)
            return f"{name} " + " – ".join(write(one) for one in parts if one is not None)


def _whom(plan: Plan) -> str:
    if plan.view == View.INDEPENDENT:
        return _("to an independent producer")
    return _("to the production") if plan.production else _("to the studio")


def _share(share: float | None, error: float | None) -> list[str]:
    if share is None or error is None:
        return ["–", "–"]
    return [f"{max(share, 0) * 100:.0f} %", f"± {error * 100:.1f} %"]


def _exact(value: float) -> Decimal:
    """Return a float as a decimal; nothing has a sign."""
    return Decimal(repr(value + 0.0))


def _percent(rate: float) -> Decimal:
    return Decimal(repr(round(rate * 100, 2)))
