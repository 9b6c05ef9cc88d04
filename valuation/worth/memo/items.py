"""Terms with their items, as their tables show them, each with where it comes from."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from licensing.agreements.rates.explained import factors_in_words
from talent import locales
from valuation.words import InputRole, SourceStanding, Term
from valuation.worth.draw.formula import SIGNS
from valuation.worth.draw.simulation import Spread
from valuation.worth.memo.inputs import figures_in_words, to_four_figures
from valuation.worth.memo.written import Written
from valuation.worth.scenario.plans import Guaranteed, PlanCharge, PlanInput, PlanItem

# Of the steps of escalators so many are told; of more, the first ones and the last.
MOST_STEPS = 5
# The last word of a unit without the s of its plural; “press” and “bus” have none.
PLURAL = re.compile(r"([^\W\dsui])s$")


@dataclass(frozen=True)
class Sourced:
    """Where a figure comes from, and how far that holds."""

    text: str
    standing: SourceStanding
    # Whose rate card or guarantee it is, by the agreement's reference.
    agreement: str = ""

    @property
    def is_assumed(self) -> bool:
        return self.standing == SourceStanding.ASSUMPTION


@dataclass(frozen=True)
class ItemRow:
    """An item of a term as its table shows it; `place` is its own in the plan.

    `row` is the scenario's item. One that the desk itself knew is of an agreement or a twin.
    """

    place: int
    label: str
    row: int | None
    twin: str
    months: str
    quantity: str
    rate: str
    ranges: list[str]
    middle: str
    mean: str
    sources: list[Sourced]
    explained: list[str]
    left_out: list[str]

    @property
    def anchor(self) -> str:
        return f"item-{self.place}"


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


def table(written: Written, term: Term) -> TermTable:
    rows, mean = [], 0.0
    of_items = zip(written.plan.items, written.result.items, written.result.item_means, strict=True)
    for place, (item, spread, amount) in enumerate(of_items):
        if item.term == term:
            rows.append(_item(written, place, item, spread, amount))
            mean += amount
    note = ngettext("%d item", "%d items", len(rows)) % len(rows)
    return TermTable(term, written.money(SIGNS[term] * mean), note, rows)


def _item(written: Written, place: int, item: PlanItem, spread: Spread, mean: float) -> ItemRow:
    sign = SIGNS[item.term]
    return ItemRow(
        place=place,
        label=item.label,
        row=item.row,
        twin=item.twin,
        months=_months(written, item),
        quantity=_product(written, item, InputRole.QUANTITY, InputRole.TIMES),
        rate=_rate(written, item),
        ranges=list(_ranges(written, item)),
        middle=written.money(sign * spread.p50),
        mean=written.money(sign * mean),
        sources=list(_sources(written, item)),
        explained=list(_explained(written, item)),
        left_out=list(item.priced_by.left_out) if item.priced_by else [],
    )


def _months(written: Written, item: PlanItem) -> str:
    first, last = item.begins + 1, item.begins + item.months
    if first == last:
        return _("month %d") % first
    return _("months %(first)d–%(last)d") % {"first": first, "last": last}


def _product(written: Written, item: PlanItem, *roles: InputRole) -> str:
    shown = [one for one in item.inputs if one.role in roles]
    return " × ".join(
        _counted(written.quantity(to_four_figures(one.figures)), one.unit) for one in shown
    )


def _counted(quantity: str, unit: str) -> str:
    """Write a quantity with its unit, which people name in the plural: “9 days”, “1 day”."""
    if quantity == "1":
        unit = PLURAL.sub(r"\1", unit)
    return f"{quantity} {unit}".strip()


def _rate(written: Written, item: PlanItem) -> str:
    parts = []
    if item.priced_by:
        parts.append(_("by “%s”") % item.priced_by.line)
    if item.guaranteed:
        told = item.guaranteed
        parts.append(locales.money(told.promised, told.currency, written.locale))
    for one in item.inputs:
        middle = to_four_figures(one.figures)
        if one.role == InputRole.RATE:
            currency = item.conversion.of if item.conversion else written.plan.currency
            parts.append(locales.unit_price(Decimal(repr(middle)), currency, written.locale))
        elif one.role == InputRole.SHARE:
            parts.append(locales.percent(Decimal(repr(middle)) * 100, written.locale))
    return " × ".join(parts)


def _ranges(written: Written, item: PlanItem) -> Iterator[str]:
    if item.guaranteed:
        yield _("follows what the plan earns")
    yield from (_range(written, one) for one in item.inputs if not one.figures.is_fixed)


def _range(written: Written, one: PlanInput) -> str:
    return f"{one.name}: {figures_in_words(one.figures, written.locale)}"


def _explained(written: Written, item: PlanItem) -> Iterator[str]:
    """Yield how a rate card or a guarantee comes to an item's amount."""
    if item.priced_by:
        if item.priced_by.factors:
            factors = factors_in_words([item.priced_by.factors], written.locale)
            yield _("%(factors)s: × %(factor)s in all") % {
                "factors": factors,
                "factor": locales.quantity(item.priced_by.factor, written.locale),
            }
        yield from _rises(written, item.priced_by.charges)
    if item.guaranteed:
        yield from _topped_up(written, item.guaranteed)


def _rises(written: Written, charges: Sequence[PlanCharge]) -> Iterator[str]:
    """Yield what escalators make of prices, fees and bounds, from the first step to the last."""
    told: dict[str, date] = {}
    for charge in charges:
        rises = charge.terms.rises
        for rise in dict.fromkeys((rises.prices, rises.fees, rises.bounds)):
            if rise.name:
                times = locales.quantity(round(rise.times, 6), written.locale)
                told.setdefault(f"× {times} ({rise.name})", charge.period_on)
    texts = [
        _("From %(day)s: %(rise)s") % {"day": locales.day(on, written.locale), "rise": rise}
        for rise, on in told.items()
    ]
    if len(texts) > MOST_STEPS:
        texts = [*texts[: MOST_STEPS - 2], "…", texts[-1]]
    yield from texts


def _topped_up(written: Written, one: Guaranteed) -> Iterator[str]:
    currency = one.currency
    amounts = {
        name: locales.money(amount, currency, written.locale)
        for name, amount in (("promised", one.promised), ("earned", one.earned))
    }
    yield _("Guaranteed: %(promised)s; use had earned %(earned)s of it by %(day)s") % {
        **amounts, "day": locales.day(written.valuation.as_of, written.locale),
    }  # fmt: skip
    yield _("What the items of this plan do not earn either is owed on %s") % locales.day(
        one.ends_on - timedelta(days=1), written.locale
    )


def _sources(written: Written, item: PlanItem) -> Iterator[Sourced]:
    if item.priced_by:
        whose = item.priced_by.agreement
        yield Sourced(_("Rate card of %s") % whose, SourceStanding.AGREED, whose)
    if item.guaranteed:
        whose = item.guaranteed.agreement
        yield Sourced(_("Guarantee of %s") % whose, SourceStanding.AGREED, whose)
    if item.conversion:
        rate = item.conversion.numerator / item.conversion.denominator
        text = f"1 {item.conversion.of} = {rate:.4f} {written.plan.currency}"
        told = f"{text}, {item.conversion.on}, {item.conversion.source}"
        yield Sourced(told, SourceStanding.PUBLISHED)
    yield from dict.fromkeys(Sourced(one.source, one.standing) for one in item.inputs)
