"""What the sheets of a solved plan say: strips by day, who works when, what it costs and saves."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from valuation.schedule.breakdown import Breakdown, Scene
from valuation.schedule.options import IN_PERSON
from valuation.schedule.paid import Paid, PaidLine, paid_as_planned, paid_in_person
from valuation.schedule.screenplay.headings import place_and_time, setting_of
from valuation.schedule.screenplay.writing_back import length_in_words
from valuation.schedule.shooting import DayShot, Shooting
from valuation.schedule.solution import NO_MONEY, Figures, PlanInput, PlanSolution
from valuation.words import PlanCost, Setting

# As call sheets write them: start, work, hold, finish.
START, WORK, HOLD, FINISH = "S", "W", "H", "F"
DARK = ("NIGHT", "EVENING", "MIDNIGHT")


@dataclass(frozen=True, slots=True)
class Strip:
    """A scene on a sheet: who plays it in person, and whom twins stand in for.

    `in_person` are numbers of the cast list; `by_twin` pairs of a character and a twin's name.
    `is_resonance_proposed` says that nobody has scored it.
    """

    key: str
    number: str
    heading: str
    kind: str
    length: str
    eighths: int
    minutes: int
    location: str
    in_person: tuple[int, ...]
    by_twin: tuple[tuple[str, str], ...]
    stunt: bool
    crowd: int
    resonance: int
    is_resonance_proposed: bool


@dataclass(frozen=True, slots=True)
class Day:
    """A shooting day; `on` is None where a plan has an order and no days."""

    number: int
    on: date | None
    location: str
    strips: tuple[Strip, ...]

    @property
    def length(self) -> str:
        return length_in_words(sum(strip.eighths for strip in self.strips))

    @property
    def minutes(self) -> int:
        return sum(strip.minutes for strip in self.strips)


@dataclass(frozen=True, slots=True)
class Worked:
    """A row of the day-out-of-days: a performer's mark for each shooting day, and their sums."""

    number: int
    name: str
    characters: str
    marks: tuple[str, ...]

    @property
    def work(self) -> int:
        return sum(WORK in mark for mark in self.marks)

    @property
    def hold(self) -> int:
        return sum(mark == HOLD for mark in self.marks)

    @property
    def paid(self) -> int:
        return self.work + self.hold


@dataclass(frozen=True, slots=True)
class CostRow:
    """A kind of cost: all in person, as the plan has it, and what that changes."""

    kind: PlanCost
    in_person: Decimal
    planned: Decimal

    @property
    def change(self) -> Decimal:
        return self.planned - self.in_person


@dataclass(frozen=True, slots=True)
class Sheets:
    """All that a plan's sheets say. `left` are scenes that are not shot: twins play them wholly.

    `cast` are numbers, names and characters. `dates` are all shooting days from the first to the
    last, also those on which nothing is shot. `costs` are by whole days, or, where none were found,
    as weighed; they leave out what neither way costs. `weighed` is by the minute. `paid` and
    `paid_in_person` are None where no days were found.
    """

    days: tuple[Day, ...]
    left: tuple[Strip, ...]
    cast: tuple[tuple[int, str, str], ...]
    worked: tuple[Worked, ...]
    dates: tuple[date, ...]
    costs: tuple[CostRow, ...]
    weighed: tuple[CostRow, ...]
    paid: Paid | None
    paid_in_person: Paid | None
    solution: PlanSolution
    breakdown: Breakdown

    @property
    def currency(self) -> str:
        return self.breakdown.currency

    @property
    def is_by_days(self) -> bool:
        """Tell whether costs are by whole days on both sides."""
        return self.paid is not None and self.paid_in_person is not None

    @property
    def lines(self) -> tuple[PaidLine, ...]:
        return self.paid.lines if self.paid else ()


def sheets(plan: PlanInput, solution: PlanSolution) -> Sheets:
    """Return what the sheets of a solved plan say. An impossible one has none of it."""
    breakdown = plan.breakdown
    teller = _Teller(breakdown, solution)
    shooting = solution.shooting
    shot = (shooting.days if shooting else None) or ()
    dates = tuple(plan.calendar.between(shot[0].on, shot[-1].on)) if shot else ()
    weighed = tuple(_costs(solution.in_person_figures, solution.figures))
    paid, in_person = paid_as_planned(plan, solution), paid_in_person(plan, solution)
    days = tuple(teller.days(shooting)) if shooting else ()
    on_a_day = {strip.key for day in days for strip in day.strips}
    left = [teller.strip(scene) for scene in breakdown.scenes if scene.key not in on_a_day]
    return Sheets(
        days=days,
        left=tuple(left) if shooting else (),
        cast=tuple(teller.cast()),
        worked=tuple(teller.worked(shot, dates)),
        dates=dates,
        costs=tuple(_costs(in_person, paid)) if paid and in_person else weighed,
        weighed=weighed,
        paid=paid,
        paid_in_person=in_person,
        solution=solution,
        breakdown=breakdown,
    )


class _Teller:
    def __init__(self, breakdown: Breakdown, solution: PlanSolution) -> None:
        self.breakdown = breakdown
        self.scenes = {scene.key: scene for scene in breakdown.scenes}
        self.places = {place.key: place.name for place in breakdown.locations}
        self.twins = {twin.key: twin.name for twin in breakdown.twins}
        self.characters = {one.key: one for one in breakdown.characters}
        self.numbers = {one.key: number for number, one in enumerate(breakdown.performers, start=1)}
        self.parts: dict[str, list[tuple[str, str]]] = {}
        for part in solution.parts:
            self.parts.setdefault(part.scene, []).append((part.character, part.choice))

    def cast(self) -> Iterator[tuple[int, str, str]]:
        for performer in self.breakdown.performers:
            yield self.numbers[performer.key], performer.name, self._played(performer.key)

    def _played(self, performer: str) -> str:
        return ", ".join(
            one.name for one in self.breakdown.characters if one.performer == performer
        )

    def days(self, shooting: Shooting) -> Iterator[Day]:
        """Yield shooting days, or all that is shot as one stretch where no days were found."""
        if shooting.days is None:
            yield Day(1, None, "", tuple(self.strip(self.scenes[key]) for key in shooting.order))
            return
        for number, day in enumerate(shooting.days, start=1):
            strips = tuple(self.strip(self.scenes[key]) for key in day.scenes)
            yield Day(number, day.on, self.places.get(day.location, ""), strips)

    def strip(self, scene: Scene) -> Strip:
        setting, named = setting_of(scene.heading)
        _place, time = place_and_time(named)
        played = self.parts.get(scene.key, [])
        in_person = {
            self.numbers[performer]
            for character, choice in played
            if choice == IN_PERSON and (performer := self.characters[character].performer)
        }
        return Strip(
            key=scene.key,
            number=scene.number,
            heading=scene.heading,
            kind=_kind(setting, time),
            length=length_in_words(scene.eighths),
            eighths=scene.eighths,
            minutes=scene.minutes,
            location=self.places.get(scene.location, ""),
            in_person=tuple(sorted(in_person)),
            by_twin=tuple(
                (self.characters[character].name, self.twins.get(choice, choice))
                for character, choice in played
                if choice != IN_PERSON
            ),
            stunt=scene.stunt,
            crowd=scene.crowd,
            resonance=scene.resonance,
            is_resonance_proposed=scene.proposed,
        )

    def worked(self, days: Iterable[DayShot], dates: tuple[date, ...]) -> Iterator[Worked]:
        shot = tuple(days)
        for performer in self.breakdown.performers:
            marks = _marks({day.on for day in shot if performer.key in day.work}, dates)
            yield Worked(
                self.numbers[performer.key], performer.name, self._played(performer.key), marks
            )


def _kind(setting: Setting, time: str) -> str:
    return f"{setting.value}-{'night' if any(word in time for word in DARK) else 'day'}"


def _marks(worked: set[date], dates: tuple[date, ...]) -> tuple[str, ...]:
    """Return a performer's marks: SW on the first day, WF on the last, SWF if there is but one."""
    if not worked:
        return ("",) * len(dates)
    first, last = min(worked), max(worked)
    marks = {day: WORK if day in worked else HOLD for day in dates if first <= day <= last}
    marks[first] = START + marks[first]
    marks[last] += FINISH
    return tuple(marks.get(day, "") for day in dates)


def _costs(in_person: Paid | Figures | None, planned: Paid | Figures | None) -> Iterator[CostRow]:
    if in_person is None or planned is None:
        return
    for kind in PlanCost:
        before, now = in_person.of(kind), planned.of(kind)
        if kind not in NO_MONEY and (before or now):
            yield CostRow(kind, before, now)
