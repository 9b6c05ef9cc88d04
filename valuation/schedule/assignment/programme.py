"""The mixed-integer programme: columns to choose, and limits with names that a reader knows.

A column is a choice for a part, a twin's set-up, a performer's coming, their playing several parts
of a scene, or that a scene is shot.
Costs are whole units of the currency (cents), so that sums are exact. What forbids a choice is a
bound of its column that belongs to a limit: a limit can be lifted, and the programme solved again.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from licensing.money import rounded, smallest_unit
from talent.errors import Refused
from valuation.schedule.breakdown import Breakdown, Scene
from valuation.schedule.options import IN_PERSON, ZERO, Line, Lock, Option, PlanTerms
from valuation.words import Bar, PlanCost, PlanLimit

Cell = tuple[str, str]  # a scene and a character


class UnknownChoice(Refused):
    """A lock names a part or a twin that the breakdown does not have there."""

    code = "unknown_choice"


@dataclass(frozen=True, slots=True)
class Column:
    """Something that is chosen or not, what it costs, and of what that consists.

    `option` is the choice it stands for; without one, `about` names the twin, performer or scene.
    """

    cost: int
    lines: tuple[Line, ...]
    about: str = ""
    option: Option | None = None
    least: int = 0
    most: int = 1


@dataclass(frozen=True, slots=True)
class Row:
    """A sum of columns that lies between two bounds (None: open)."""

    columns: tuple[int, ...]
    weights: tuple[float, ...]
    least: float | None
    most: float | None


@dataclass(frozen=True, slots=True)
class Limit:
    """What bounds a plan, by a name that its reader knows.

    Either a row with `amount` in `unit`, of which one more may be asked, or columns that are held
    at a value (`holds`). `key` is its own within a programme.
    """

    key: str
    kind: PlanLimit
    name: str
    row: Row | None = None
    amount: Decimal = ZERO
    unit: str = ""
    holds: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Programme:
    """Columns, the rows that tie them together, and the limits that may be lifted."""

    currency: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    limits: tuple[Limit, ...]
    cells: dict[Cell, tuple[int, ...]] = field(default_factory=dict)


def programme(breakdown: Breakdown, terms: PlanTerms, all_options: Sequence[Option]) -> Programme:
    """Return the programme of a plan. Raises UnknownChoice."""
    return _Builder(breakdown, terms, all_options).programme()


class _Builder:
    def __init__(
        self, breakdown: Breakdown, terms: PlanTerms, all_options: Sequence[Option]
    ) -> None:
        self.breakdown, self.terms, self.options = breakdown, terms, all_options
        self.unit = smallest_unit(breakdown.currency)
        self.columns: list[Column] = []
        self.rows: list[Row] = []
        self.scenes = {scene.key: scene for scene in breakdown.scenes}
        self.performer_of = {one.key: one.performer for one in breakdown.characters}
        self.cells: dict[Cell, list[int]] = defaultdict(list)
        # By scene and performer: who plays several parts there, and the column of their playing.
        self.several = _several(breakdown, self.performer_of)
        self.plays: dict[Cell, int] = {}

    def programme(self) -> Programme:
        for option in self.options:
            self.cells[option.scene, option.character].append(len(self.columns))
            self._add(() if self._is_paid_apart(option) else option.lines, option=option)
        for places in self.cells.values():
            self._row(places, [1.0] * len(places), 1, 1)
        self._twins()
        self._several_parts()
        self._performers()
        self._scenes()
        limits = tuple(self._limits())
        cells = {cell: tuple(places) for cell, places in self.cells.items()}
        columns = tuple(self.columns)
        return Programme(self.breakdown.currency, columns, tuple(self.rows), limits, cells)

    # Columns and what ties them

    def _add(
        self, lines: tuple[Line, ...], *, about: str = "", option: Option | None = None,
        least: int = 0,
    ) -> int:  # fmt: skip
        cost = int(sum((line.amount for line in lines), ZERO) / self.unit)
        self.columns.append(Column(cost, lines, about, option, least))
        return len(self.columns) - 1

    def _row(
        self, columns: Sequence[int], weights: Sequence[float], least: float | None,
        most: float | None,
    ) -> None:  # fmt: skip
        self.rows.append(Row(tuple(columns), tuple(weights), least, most))

    def _line(self, kind: PlanCost, amount: Decimal) -> Line:
        return Line(kind, rounded(amount, self.breakdown.currency))

    def _chosen(self) -> Iterator[tuple[int, Option]]:
        yield from enumerate(self.options)

    def _needs(self, place: int, needed: int) -> None:
        """A choice needs something that is paid once. Each by itself, which bounds the best."""
        self._row((place, needed), (1.0, -1.0), None, 0)

    def _twins(self) -> None:
        set_ups = {one.twin: one.set_up for one in self.terms.twins if one.set_up}
        paid: dict[str, int] = {}
        for place, option in self._chosen():
            if option.choice in set_ups:
                if option.choice not in paid:
                    line = self._line(PlanCost.SET_UP, set_ups[option.choice])
                    paid[option.choice] = self._add((line,), about=option.choice)
                self._needs(place, paid[option.choice])

    def _is_paid_apart(self, option: Option) -> bool:
        who = (option.scene, self.performer_of[option.character])
        return option.choice == IN_PERSON and who in self.several

    def _several_parts(self) -> None:
        """Who plays several parts of a scene in person is paid, and there, once."""
        parts: dict[Cell, list[int]] = defaultdict(list)
        for place, option in self._chosen():
            if self._is_paid_apart(option):
                parts[option.scene, self.performer_of[option.character]].append(place)
        for who, places in parts.items():
            plays = self._add(self.options[places[0]].lines, about=who[0])
            self.plays[who] = plays
            for place in places:
                self._needs(place, plays)
            # Nobody comes to play nothing, though it would count for a promised share.
            self._row((plays, *places), (1.0, *(-1.0 for _ in places)), None, 0)

    def _performers(self) -> None:
        travel = {one.key: one.travel for one in self.breakdown.performers if one.travel}
        come: dict[str, int] = {}
        for place, option in self._chosen():
            performer = self.performer_of[option.character]
            if option.choice == IN_PERSON and performer in travel:
                if performer not in come:
                    line = self._line(PlanCost.TRAVEL, travel[performer])
                    come[performer] = self._add((line,), about=performer)
                self._needs(place, come[performer])

    def _scenes(self) -> None:
        """A scene is shot where somebody plays in it, a crowd does, or nobody is in it at all."""
        shot = {
            scene.key: self._add(
                self._shooting(scene),
                about=scene.key,
                least=int(not scene.parts or scene.crowd > 0),
            )
            for scene in self.breakdown.scenes
        }
        for place, option in self._chosen():
            if option.choice == IN_PERSON:
                self._needs(place, shot[option.scene])

    def _shooting(self, scene: Scene) -> tuple[Line, ...]:
        share = Decimal(scene.minutes) / self.breakdown.day_minutes
        lines = [self._line(PlanCost.UNIT, self.terms.unit_day * share)]
        if scene.stunt:
            lines.append(self._line(PlanCost.SECOND_UNIT, self.terms.second_unit))
        if scene.crowd:
            lines.append(self._line(PlanCost.CROWD, self.terms.crowd_day * scene.crowd * share))
        return tuple(lines)

    # Limits

    def _limits(self) -> Iterator[Limit]:
        yield from self._budget()
        yield from self._quality()
        yield from self._caps()
        yield from self._shares()
        yield from (self._lock(lock) for lock in self.terms.locks)
        yield from self._bars()

    def _budget(self) -> Iterator[Limit]:
        """Money that flows; the price of risk is a weight, not money."""
        if self.terms.budget is None:
            return
        costs = [
            int(
                sum((one.amount for one in column.lines if one.kind != PlanCost.RISK), ZERO)
                / self.unit
            )
            for column in self.columns
        ]
        places = [place for place, cost in enumerate(costs) if cost]
        row = Row(
            tuple(places),
            tuple(float(costs[place]) for place in places),
            None,
            float(self.terms.budget / self.unit),
        )
        yield Limit(
            "budget", PlanLimit.BUDGET, "The budget", row, self.terms.budget,
            self.breakdown.currency,
        )  # fmt: skip

    def _quality(self) -> Iterator[Limit]:
        if self.terms.quality_minutes is None:
            return
        hours = self.terms.quality_minutes * self.terms.quality_weeks / 60
        used = [(place, one.quality / 60) for place, one in self._chosen() if one.quality]
        yield Limit(
            "quality", PlanLimit.QUALITY, "Hours of checking and mending", _at_most(used, hours),
            hours, "hours",
        )  # fmt: skip

    def _caps(self) -> Iterator[Limit]:
        for cap in self.terms.caps:
            used = [(place, one.units) for place, one in self._chosen() if one.cap == cap.key]
            yield Limit(
                f"cap {cap.key}", PlanLimit.CAP, cap.name, _at_most(used, cap.left), cap.left,
                cap.unit,
            )  # fmt: skip

    def _shares(self) -> Iterator[Limit]:
        """Each performer's promised share, in minutes that they play in person."""
        for performer in self.breakdown.performers:
            if not performer.minimum_share:
                continue
            playing = {
                self.plays.get((one.scene, performer.key), place): one.scene
                for place, one in self._chosen()
                if one.choice == IN_PERSON and self.performer_of[one.character] == performer.key
            }
            mine = [
                (place, Decimal(self.scenes[scene].minutes)) for place, scene in playing.items()
            ]
            least = performer.minimum_share * sum((minutes for _, minutes in mine), ZERO)
            row = Row(
                tuple(place for place, _ in mine),
                tuple(float(minutes) for _, minutes in mine),
                float(least),
                None,
            )
            yield Limit(
                f"share {performer.key}", PlanLimit.SHARE,
                f"What {performer.name} plays in person at least", row, least, "minutes",
            )  # fmt: skip

    def _lock(self, lock: Lock) -> Limit:
        cell = self.cells.get((lock.scene, lock.character), [])
        found = [place for place in cell if self.options[place].choice == lock.choice]
        if not found:
            raise UnknownChoice(
                f"A lock says {lock.choice or 'in person'} for a part that cannot be played so:"
                f" {lock.character} in {lock.scene}."
            )
        name = f"The lock of {self._part_name(lock.scene, lock.character)}"
        key = f"lock {lock.scene} {lock.character}"
        return Limit(key, PlanLimit.LOCK, name, holds=((found[0], 1),))

    def _part_name(self, scene: str, character: str) -> str:
        names = {one.key: one.name for one in self.breakdown.characters}
        return f"{names[character]} in scene {self.scenes[scene].number}"

    def _bars(self) -> Iterator[Limit]:
        """What forbids choices: consent by twin, scripted lines by twin, resonance by scene."""
        held: dict[tuple[Bar, str], list[int]] = defaultdict(list)
        for place, option in self._chosen():
            for bar in option.bars:
                about = option.scene if bar == Bar.RESONANCE else option.choice
                held[bar, about].append(place)
        for (bar, about), places in held.items():
            yield Limit(
                f"{bar.value} {about}",
                PlanLimit(bar.value),
                self._bar_name(bar, about, places),
                holds=tuple((place, 0) for place in places),
            )

    def _bar_name(self, bar: Bar, about: str, places: Sequence[int]) -> str:
        if bar == Bar.RESONANCE:
            return f"The high resonance of scene {self.scenes[about].number}"
        twin = next(one.name for one in self.breakdown.twins if one.key == about)
        numbers = [self.scenes[self.options[place].scene].number for place in places]
        what = "The refused consent for" if bar == Bar.CONSENT else "Only scripted lines for"
        return f"{what} {twin} in scene {', '.join(dict.fromkeys(numbers))}"


def _several(breakdown: Breakdown, performer_of: Mapping[str, str]) -> set[Cell]:
    """Return who plays more than one part of a scene, with the scene."""
    players = Counter(
        (scene.key, performer_of[part.character])
        for scene in breakdown.scenes
        for part in scene.parts
    )
    return {who for who, parts in players.items() if who[1] and parts > 1}


def _at_most(used: Sequence[tuple[int, Decimal]], most: Decimal) -> Row:
    places = tuple(place for place, _ in used)
    return Row(places, tuple(float(units) for _, units in used), None, float(most))
