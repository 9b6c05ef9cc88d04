"""What a plan pays: whole days, waiting included, line by line, so that anybody can count it again.

Choices weigh shooting time by the minute, because that can be proven. What is paid is another sum:
a day of work or waiting is a day, a crowd comes for the day, and so does the unit.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from math import prod

from licensing.money import rounded
from valuation.schedule.breakdown import Scene, seconds_of
from valuation.schedule.options import IN_PERSON, ZERO, TwinTerms
from valuation.schedule.shooting import DayShot, Shooting
from valuation.schedule.solution import TO_PERFORMERS, PlanInput, PlanSolution
from valuation.words import PlanCost

MINUTE, HOUR = 60, 3_600  # in seconds


@dataclass(frozen=True, slots=True)
class PaidLine:
    """A product: quantities with their units, times a price; rounded once, to `amount`.

    `about` is who or what it is paid for, `price` money for the last unit; the product is divided
    by `over`, where a quantity is counted in seconds and its price in minutes or hours.
    """

    kind: PlanCost
    about: str
    quantities: tuple[tuple[Decimal, str], ...]
    price: Decimal
    amount: Decimal
    over: int = 1


@dataclass(frozen=True, slots=True)
class Paid:
    """All that is paid, in the breakdown's currency; sums are sums of its lines."""

    lines: tuple[PaidLine, ...]

    @property
    def total(self) -> Decimal:
        return sum((line.amount for line in self.lines), ZERO)

    @property
    def to_performers(self) -> Decimal:
        return sum((self.of(kind) for kind in TO_PERFORMERS), ZERO)

    def of(self, kind: PlanCost) -> Decimal:
        return sum((line.amount for line in self.lines if line.kind == kind), ZERO)


@dataclass(frozen=True, slots=True)
class _Played:
    scene: str
    character: str
    choice: str


def paid_as_planned(plan: PlanInput, solution: PlanSolution) -> Paid | None:
    """Return what a solved plan pays; None where no shooting days were found."""
    parts = [_Played(one.scene, one.character, one.choice) for one in solution.parts]
    return _paid(plan, solution.shooting, parts)


def paid_in_person(plan: PlanInput, solution: PlanSolution) -> Paid | None:
    """Return what is paid if nobody is stood in for; None where no shooting days were found."""
    parts = [
        _Played(scene.key, part.character, IN_PERSON)
        for scene in plan.breakdown.scenes
        for part in scene.parts
    ]
    return _paid(plan, solution.in_person, parts)


def _paid(plan: PlanInput, shooting: Shooting | None, parts: Sequence[_Played]) -> Paid | None:
    if shooting is None or shooting.days is None:
        return None
    counted = _Counted(plan, shooting.days, parts)
    lines = (*counted.performers(), *counted.on_set(), *counted.twins())
    return Paid(tuple(line for line in lines if line.amount))


class _Counted:
    """What days and parts come to."""

    def __init__(
        self, plan: PlanInput, days: tuple[DayShot, ...], parts: Sequence[_Played]
    ) -> None:
        self.plan, self.days, self.parts = plan, days, parts
        self.breakdown, self.terms = plan.breakdown, plan.terms
        self.scenes = {one.key: one for one in self.breakdown.scenes}
        self.characters = {one.key: one for one in self.breakdown.characters}

    def _line(
        self, kind: PlanCost, about: str, *quantities: tuple[Decimal | int, str], price: Decimal,
        over: int = 1,
    ) -> PaidLine:  # fmt: skip
        exact = tuple((Decimal(value), unit) for value, unit in quantities)
        product = prod((value for value, _unit in exact), start=price) / over
        amount = rounded(product, self.breakdown.currency)
        return PaidLine(kind, about, exact, price, amount, over)

    def performers(self) -> Iterator[PaidLine]:
        """Yield work, waiting and travel of each who comes."""
        come = {
            self.characters[one.character].performer for one in self.parts
            if one.choice == IN_PERSON
        }  # fmt: skip
        for one in self.breakdown.performers:
            worked = [day.on for day in self.days if one.key in day.work]
            if worked:
                there = len(list(self.plan.calendar.between(worked[0], worked[-1])))
                yield self._line(PlanCost.WORK, one.name, (len(worked), "days"), price=one.day_rate)
                yield self._line(
                    PlanCost.HOLD, one.name, (there - len(worked), "days"), price=one.hold_rate
                )
            if one.key in come:
                yield self._line(PlanCost.TRAVEL, one.name, price=one.travel)

    def on_set(self) -> Iterator[PaidLine]:
        """Yield the unit's days, moves, scenes of the second unit, and each day's largest crowd."""
        yield self._line(PlanCost.UNIT, "", (len(self.days), "days"), price=self.terms.unit_day)
        moves = Counter(
            after.location for before, after in pairwise(self.days)
            if before.location != after.location
        )  # fmt: skip
        for place in self.breakdown.locations:
            yield self._line(
                PlanCost.MOVE, place.name, (moves[place.key], "moves"), price=place.move
            )
        shot = [[self.scenes[key] for key in day.scenes] for day in self.days]
        stunts = [scene for scenes in shot for scene in scenes if scene.stunt]
        yield self._line(
            PlanCost.SECOND_UNIT, _numbers(stunts), (len(stunts), "scenes"),
            price=self.terms.second_unit,
        )  # fmt: skip
        for number, scenes in enumerate(shot, start=1):
            largest = max((scene.crowd for scene in scenes), default=0)
            yield self._line(
                PlanCost.CROWD, f"day {number}", (largest, "people"), price=self.terms.crowd_day
            )

    def twins(self) -> Iterator[PaidLine]:
        """Yield each twin's set-up, once, and what each of its parts costs."""
        costs = {one.twin: one for one in self.terms.twins}
        for twin in self.breakdown.twins:
            mine = [one for one in self.parts if one.choice == twin.key]
            if mine:
                price = costs[twin.key].set_up
                yield self._line(PlanCost.SET_UP, twin.name, price=price)
            for one in mine:
                yield from self._by_twin(one, costs[twin.key], twin.name)

    def _by_twin(self, one: _Played, costs: TwinTerms, twin: str) -> Iterator[PaidLine]:
        scene = self.scenes[one.scene]
        part = next(part for part in scene.parts if part.character == one.character)
        who = f"{scene.number} {self.characters[one.character].name}: {twin}"
        seconds = (seconds_of(scene, part), "seconds")
        post = (costs.post_hours_a_minute, "hours a minute")
        artifacts = (costs.artifacts_a_minute, "faults a minute")
        mending = (costs.mending_minutes, "minutes each")
        hour = costs.artist_hour
        yield self._line(PlanCost.COMPUTE, who, seconds, price=costs.compute_a_second)
        yield self._line(PlanCost.POST, who, seconds, post, price=hour, over=MINUTE)
        yield self._line(PlanCost.QUALITY, who, seconds, artifacts, mending, price=hour, over=HOUR)
        yield self._line(PlanCost.FEE, who, (1, "scenes"), price=costs.fee_a_scene)
        yield self._line(PlanCost.FEE, who, seconds, price=costs.fee_a_second)


def _numbers(scenes: Iterable[Scene]) -> str:
    return ", ".join(scene.number for scene in scenes)
