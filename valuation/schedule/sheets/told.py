"""What the sheets of a solved plan say: strips by day, who works when, what it costs and saves."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from valuation.schedule.breakdown import Breakdown, Scene
from valuation.schedule.options import IN_PERSON
from valuation.schedule.screenplay.headings import place_and_time, setting_of
from valuation.schedule.screenplay.writing_back import length_in_words
from valuation.schedule.shooting import DayShot, Shooting
from valuation.schedule.solution import NO_MONEY, Figures, PlanSolution
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

    `cast` are numbers, names and characters; `costs` leaves out what neither way costs.
    """

    days: tuple[Day, ...]
    left: tuple[Strip, ...]
    cast: tuple[tuple[int, str, str], ...]
    worked: tuple[Worked, ...]
    dates: tuple[date, ...]
    costs: tuple[CostRow, ...]
    solution: PlanSolution
    breakdown: Breakdown

    @property
    def currency(self) -> str:
        return self.breakdown.currency

    def total(self, figures: Figures | None) -> Decimal:
        return figures.total if figures else Decimal(0)


def sheets(breakdown: Breakdown, solution: PlanSolution) -> Sheets:
    """Return what the sheets of a plan say. An impossible one has none of it."""
    teller = _Teller(breakdown, solution)
    shooting = solution.shooting
    shot = shooting.days if shooting else None
    days = tuple(teller.days(shooting)) if shooting else ()
    on_a_day = {strip.key for day in days for strip in day.strips}
    left = [teller.strip(scene) for scene in breakdown.scenes if scene.key not in on_a_day]
    return Sheets(
        days=days,
        left=tuple(left) if shooting else (),
        cast=tuple(teller.cast()),
        worked=tuple(teller.worked(shot or ())),
        dates=tuple(day.on for day in shot or ()),
        costs=tuple(_costs(solution)),
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

    def worked(self, days: Iterable[DayShot]) -> Iterator[Worked]:
        shot = tuple(days)
        for performer in self.breakdown.performers:
            marks = _marks(performer.key, shot)
            yield Worked(
                self.numbers[performer.key], performer.name, self._played(performer.key), marks
            )


def _kind(setting: Setting, time: str) -> str:
    return f"{setting.value}-{'night' if any(word in time for word in DARK) else 'day'}"


def _marks(performer: str, days: tuple[DayShot, ...]) -> tuple[str, ...]:
    """Return a performer's marks: SW on the first day, WF on the last, SWF if there is but one."""
    marks = [
        WORK if performer in day.work else HOLD if performer in day.hold else "" for day in days
    ]
    worked = [place for place, mark in enumerate(marks) if mark == WORK]
    if worked:
        marks[worked[0]] = START + marks[worked[0]]
        marks[worked[-1]] += FINISH
    return tuple(marks)


def _costs(solution: PlanSolution) -> Iterator[CostRow]:
    if solution.figures is None or solution.in_person_figures is None:
        return
    for kind in PlanCost:
        if kind in NO_MONEY:
            continue
        before, now = solution.in_person_figures.of(kind), solution.figures.of(kind)
        if before or now:
            yield CostRow(kind, before, now)
