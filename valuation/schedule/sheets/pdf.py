"""The sheets of a solved plan as PDFs: strip board, one-liner, day-out-of-days, costs."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from io import BytesIO

from django.template.loader import render_to_string
from django.utils import translation

from talent import locales
from talent.papers import draw as papers

from . import files
from .told import Sheets

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
            {"day": day, "on": locales.day(day.on, locale) if day.on else ""} for day in told.days
        ],
        "kinds": files.kinds_of([*strips, *told.left]),
        "pages": list(_pages(told, locale)),
        "day_minutes": told.breakdown.day_minutes,
        **(_cost_values(told, locale) if sheet is Sheet.COSTS else {}),
    }


def _pages(told: Sheets, locale: str) -> Iterator[dict[str, object]]:
    """Yield the day-out-of-days in stretches of days that fit a page's width."""
    for first in range(0, len(told.dates), DAYS_ON_A_PAGE):
        stretch = slice(first, first + DAYS_ON_A_PAGE)
        yield {
            "days": [
                {"number": number, "on": f"{day.day} {day:%b}", "weekday": f"{day:%a}"}
                for number, day in enumerate(told.dates[stretch], start=first + 1)
            ],
            "rows": [{"one": one, "marks": one.marks[stretch]} for one in told.worked],
            "is_last": first + DAYS_ON_A_PAGE >= len(told.dates),
        }


def _cost_values(told: Sheets, locale: str) -> dict[str, object]:
    solution = told.solution

    def money(amount: object) -> str:
        return locales.money(amount, told.currency, locale)  # type: ignore[arg-type]

    before, now = told.total(solution.in_person_figures), told.total(solution.figures)
    figures, in_person = solution.figures, solution.in_person_figures
    return {
        "rows": [
            {"kind": row.kind.label, "in_person": money(row.in_person),
             "planned": money(row.planned), "change": money(row.change)}
            for row in told.costs
        ],
        "total": {"in_person": money(before), "planned": money(now), "change": money(now - before)},
        "saves": money(before - now),
        "is_dearer": now > before,
        "days_in_person": in_person.days if in_person else None,
        "days_planned": figures.days if figures else None,
        "paid_in_person": money(in_person.to_performers) if in_person else "",
        "paid_planned": money(figures.to_performers) if figures else "",
        "by_days": _by_days(told, money),
        "asked": figures.asked if figures else 0,
        "risk": locales.quantity(figures.risk, locale) if figures else "",
        "saved": [
            {"kind": one.kind.label, "low": money(one.low), "middle": money(one.middle),
             "high": money(one.high), "is_proven": one.low == one.high}
            for one in solution.saved
        ],
        "gap": locales.percent(solution.gap * 100, locale),
        "pay_proven": bool(solution.shooting and solution.shooting.proven),
    }  # fmt: skip


def _by_days(told: Sheets, money: Callable[[object], str]) -> dict[str, str]:
    """Return what unit, moves and performers come to by whole days, where days were found."""
    before, now = told.solution.in_person, told.solution.shooting
    if before is None or now is None or before.days is None or now.days is None:
        return {}
    return {
        "in_person": money(before.days_cost), "planned": money(now.days_cost),
        "change": money(now.days_cost - before.days_cost), "bound": money(now.days_bound),
    }  # fmt: skip
