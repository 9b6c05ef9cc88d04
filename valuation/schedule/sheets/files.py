"""A solved plan as files for other programs: CSV, a calendar, and Final Draft's own properties."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from talent import safe_csv
from valuation.schedule.paid import PaidLine
from valuation.schedule.screenplay import reading
from valuation.schedule.screenplay.writing_back import with_properties
from valuation.words import Setting

from .told import CostRow, Day, Sheets, Strip

A_DAY = timedelta(days=1)
SCHEDULE = (
    "day", "date", "scene", "heading", "eighths", "minutes", "place", "in_person", "by_twin",
    "stunt", "crowd", "resonance", "resonance_is_proposed",
)  # fmt: skip

ONE_OF = {
    "days": "day", "moves": "move", "scenes": "scene", "people": "person", "seconds": "second",
}  # fmt: skip


def plain(value: Decimal) -> str:
    return f"{value.normalize():f}"


def schedule_csv(told: Sheets) -> Iterator[str]:
    """Yield each scene with its day, in the order of shooting; those of twins alone come last."""
    names = {number: name for number, name, _plays in told.cast}
    rows = [(day.number if day.on else None, day.on, strip) for day in told.days
            for strip in day.strips]  # fmt: skip
    rows += [(None, None, strip) for strip in told.left]
    return safe_csv.lines(
        SCHEDULE,
        (
            [
                number, on, strip.number, strip.heading, strip.eighths, strip.minutes,
                strip.location, "; ".join(names[one] for one in strip.in_person),
                "; ".join(f"{who}: {twin}" for who, twin in strip.by_twin),
                _yes_no(strip.stunt), strip.crowd, strip.resonance,
                _yes_no(strip.is_resonance_proposed),
            ]
            for number, on, strip in rows
        ),
    )  # fmt: skip


def days_csv(told: Sheets) -> Iterator[str]:
    """Yield the day-out-of-days: a row a performer, a column a shooting day."""
    header = ["number", "performer", "plays", *told.dates, "work", "hold", "first", "last"]
    return safe_csv.lines(
        [safe_csv.cell(one) for one in header],
        (
            [one.number, one.name, one.characters, *one.marks, one.work, one.hold,
             *_first_and_last(one.marks, told)]
            for one in told.worked
        ),
    )  # fmt: skip


def _first_and_last(marks: Sequence[str], told: Sheets) -> tuple[object, object]:
    there = [day for day, mark in zip(told.dates, marks, strict=True) if mark]
    return (there[0], there[-1]) if there else (None, None)


def costs_csv(told: Sheets) -> Iterator[str]:
    """Yield each kind of cost in person and as planned, and the totals that they add up to.

    First what is paid, by whole days, then what choices weighed, by the minute.
    """
    rows = list(_sums(told.costs, "whole days")) if told.is_by_days else []
    rows += _sums(told.weighed, "minutes")
    return safe_csv.lines(
        ("counted_by", "cost", "in_person", "planned", "change", "currency"),
        ([*row, told.currency] for row in rows),
    )


def _sums(costs: Sequence[CostRow], counted_by: str) -> Iterator[list[object]]:
    for row in costs:
        yield [counted_by, row.kind.label, row.in_person, row.planned, row.change]
    before, now = (sum(getattr(row, name) for row in costs) for name in ("in_person", "planned"))
    yield [counted_by, "Total", before, now, now - before]


def cost_lines_csv(told: Sheets) -> Iterator[str]:
    """Yield what is paid, line by line: quantities with their units, times a price."""
    ways = (("all in person", told.paid_in_person), ("as planned", told.paid))
    return safe_csv.lines(
        ("way", "cost", "paid_for", "quantities", "price", "divided_by", "amount", "currency"),
        (
            [way, line.kind.label, line.about, in_words(line), line.price, line.over, line.amount,
             told.currency]
            for way, paid in ways
            for line in (paid.lines if paid else ())
        ),
    )  # fmt: skip


def in_words(line: PaidLine, write: Callable[[Decimal], str] = plain) -> str:
    """Return what a line counts, as “3 days”, with numbers as `write` has them."""
    return " × ".join(
        f"{write(value)} {ONE_OF.get(unit, unit) if value == 1 else unit}"
        for value, unit in line.quantities
    )


def calendar(told: Sheets, *, name: str, key: str, host: str, at: datetime) -> bytes:
    """Return the shooting days as an iCalendar (RFC 5545), each by the same UID for good.

    `key` is the plan's own; `at` when it was solved.
    """
    # Imported here: only who asks for a calendar needs it.
    from icalendar import Calendar, Event

    days = Calendar()
    days.add("prodid", "-//Likeness Desk//Shooting days//EN")
    days.add("version", "2.0")
    days.add("method", "PUBLISH")
    days.add("x-wr-calname", name)
    names = {number: who for number, who, _plays in told.cast}
    for day in told.days:
        if day.on is None:
            continue
        event = Event()
        event.add("uid", f"{key}-day-{day.number}@{host}")
        event.add("dtstamp", at.astimezone(UTC).replace(microsecond=0))
        event.add("dtstart", day.on)
        event.add("dtend", day.on + A_DAY)
        event.add("summary", f"Day {day.number}: {day.location or name}")
        event.add("description", "\n".join(_described(day, names)))
        if day.location:
            event.add("location", day.location)
        days.add_component(event)
    content: bytes = days.to_ical()
    return content


def _described(day: Day, names: dict[int, str]) -> Iterator[str]:
    for strip in day.strips:
        who = ", ".join(names[number] for number in strip.in_person) or "nobody of the cast"
        yield f"{strip.number} {strip.heading} ({strip.length}): {who}"


def final_draft(told: Sheets, content: bytes) -> bytes:
    """Return a script with each scene's day and players in its properties, else as it was.

    Final Draft shows them as the scene's title. Raises NotAScreenplay.
    """
    said = {strip.number: _title(strip, day) for day in told.days for strip in day.strips}
    said |= {strip.number: _title(strip, None) for strip in told.left}
    scenes = reading.read(content).scenes
    return with_properties(
        content, [{"Title": said[one.number]} if one.number in said else {} for one in scenes]
    )


def _title(strip: Strip, day: Day | None) -> str:
    twins = "; ".join(f"{who} by {twin}" for who, twin in strip.by_twin)
    when = f"Day {day.number}" if day and day.on else "Ordered" if day else "Not shot"
    return f"{when}: {twins}" if twins else f"{when}: in person"


def _yes_no(value: object) -> str:
    return "yes" if value else "no"


def kinds_of(strips: Iterable[Strip]) -> dict[str, str]:
    """Return the colours that a board needs a legend for, by what they stand for."""
    names = {one.value: one.label for one in Setting}
    kinds = dict.fromkeys(strip.kind for strip in strips)
    return {kind: f"{names[kind.rpartition('-')[0]]}, {kind.rpartition('-')[2]}" for kind in kinds}
