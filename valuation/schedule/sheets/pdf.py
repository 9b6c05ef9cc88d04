"""The sheets of a solved plan as PDFs: strip board, one-liner, day-out-of-days, costs."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from io import BytesIO

from django.template.loader import render_to_string
from django.utils import translation

from talent import locales
from talent.papers import draw as papers
from valuation.schedule.options import ZERO

from . import files
from .told import CostRow, Sheets

# Its words are in no other catalogue; days and money are as its reader writes them.
WRITTEN_IN = "en"
DAYS_ON_A_PAGE = 24


class Sheet(StrEnum):
    """What can be drawn of a plan."""

    BOARD = "board"
    ONE_LINER = "one-liner"
    DAYS = "day-out-of-days"
    COSTS = "costs"


TITLES = {
    Sheet.BOARD: "Strip board", Sheet.ONE_LINER: "One-line schedule",
    Sheet.DAYS: "Day-out-of-days", Sheet.COSTS: "Costs, in person and as planned",
}  # fmt: skip
LANDSCAPE = frozenset({Sheet.BOARD, Sheet.DAYS})
Lines = Callable[[Sheets], Iterator[str]]
CSV: dict[Sheet, Lines] = {
    Sheet.BOARD: files.schedule_csv, Sheet.ONE_LINER: files.schedule_csv,
    Sheet.DAYS: files.days_csv, Sheet.COSTS: files.costs_csv,
}  # fmt: skip


@dataclass(frozen=True)
class About:
    """Whose plan of what it is, and when it was solved from which input."""

    agency: str
    screenplay: str
    production: str
    plan: str
    solved_on: date
    inputs_sha256: str


def draw(sheet: Sheet, told: Sheets, about: About, *, locale: str) -> BytesIO:
    """Return a sheet as a PDF/A-3a with its CSV attached. Raises NotDrawn.

    The same plan in the same locale gives the same bytes.
    """
    html = draw_html(sheet, told, about, locale=locale)
    attached = papers.AttachedFile(
        f"{sheet.value}.csv", "".join(CSV[sheet](told)).encode(), "The same as a table", "Data"
    )
    return BytesIO(papers.draw(html, attachments=[attached], dated=about.solved_on))


def draw_html(sheet: Sheet, told: Sheets, about: About, *, locale: str) -> str:
    """Return the page that a sheet is drawn from."""
    with translation.override(WRITTEN_IN):
        return render_to_string(f"schedule/{sheet.value}.html", _values(sheet, told, about, locale))


def _values(sheet: Sheet, told: Sheets, about: About, locale: str) -> dict[str, object]:
    strips = [strip for day in told.days for strip in day.strips]
    return {
        "language": WRITTEN_IN,
        "title": TITLES[sheet],
        "is_landscape": sheet in LANDSCAPE,
        "about": about,
        "solved_on": locales.day(about.solved_on, locale),
        "told": told,
        "days": [
            {"day": day, "on": f"{day.on:%A}, {locales.day(day.on, locale)}" if day.on else ""}
            for day in told.days
        ],
        "kinds": files.kinds_of([*strips, *told.left]),
        "pages": list(_pages(told, locale)),
        "day_minutes": told.breakdown.day_minutes,
        **(_cost_values(told, locale) if sheet is Sheet.COSTS else {}),
    }


def _pages(told: Sheets, locale: str) -> Iterator[dict[str, object]]:
    """Yield the day-out-of-days in stretches of days that fit a page's width.

    Days on which nothing is shot have no number.
    """
    numbers = {day.on: day.number for day in told.days}
    for first in range(0, len(told.dates), DAYS_ON_A_PAGE):
        stretch = slice(first, first + DAYS_ON_A_PAGE)
        yield {
            "days": [
                {"number": numbers.get(day, ""), "on": f"{day.day} {day:%b}",
                 "weekday": f"{day:%a}"}
                for day in told.dates[stretch]
            ],
            "rows": [{"one": one, "marks": one.marks[stretch]} for one in told.worked],
            "is_last": first + DAYS_ON_A_PAGE >= len(told.dates),
        }  # fmt: skip


def _cost_values(told: Sheets, locale: str) -> dict[str, object]:
    solution = told.solution

    def money(amount: object) -> str:
        return locales.money(amount, told.currency, locale)  # type: ignore[arg-type]

    figures, in_person = solution.figures, solution.in_person_figures
    now = told.paid if told.is_by_days and told.paid else figures
    before = told.paid_in_person if told.is_by_days and told.paid_in_person else in_person
    return {
        **_sum_values(told.costs, money),
        "is_by_days": told.is_by_days,
        "lines": [
            {"kind": line.kind.label, "about": line.about,
             "counted": files.in_words(line, lambda value: locales.quantity(value, locale)),
             "price": locales.unit_price(line.price, told.currency, locale),
             "over": line.over if line.over > 1 else "", "amount": money(line.amount)}
            for line in told.lines
        ],
        "weighed": _sum_values(told.weighed, money),
        "days_in_person": in_person.days if in_person else None,
        "days_planned": figures.days if figures else None,
        "paid_in_person": money(before.to_performers) if before else "",
        "paid_planned": money(now.to_performers) if now else "",
        "days_bound": money(solution.shooting.days_bound) if solution.shooting else "",
        "asked": figures.asked if figures else 0,
        "risk": locales.quantity(figures.risk, locale) if figures else "",
        "saved": [
            {"kind": one.label, "low": money(one.low), "middle": money(one.middle),
             "high": money(one.high), "is_proven": one.proven}
            for one in solution.saved
        ],
        "gap": locales.percent(solution.gap * 100, locale),
        "pay_proven": bool(solution.shooting and solution.shooting.proven),
    }  # fmt: skip


def _sum_values(costs: Sequence[CostRow], money: Callable[[object], str]) -> dict[str, object]:
    """Return rows of costs with their totals, and what is saved."""
    before, now = (
        sum((getattr(row, name) for row in costs), ZERO) for name in ("in_person", "planned")
    )
    return {
        "rows": [
            {"kind": row.kind.label, "in_person": money(row.in_person),
             "planned": money(row.planned), "change": money(row.change)}
            for row in costs
        ],
        "total": {"in_person": money(before), "planned": money(now), "change": money(now - before)},
        "saves": money(before - now),
        "is_dearer": now > before,
    }  # fmt: skip
