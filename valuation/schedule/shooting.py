"""What stays in person, put in order: the problems that an order is found for, and what it saves.

The order is proven by performers' pay alone, work and waiting counted by the minute: so the saving
of a plan is the difference of two optima. The days are a calendar of whole days, with places,
moves and absences; they are the cheapest found, with their own bound.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from licensing.money import rounded, smallest_unit
from valuation.schedule.breakdown import Breakdown, Scene
from valuation.schedule.order.hold_days import HoldProblem, best_order
from valuation.schedule.order.search import Watch, never_stop
from valuation.schedule.order.shooting_days import (
    Board,
    DayProblem,
    ShootingDay,
    best_days,
    costs_of,
)

Cast = Mapping[str, frozenset[str]]  # by scene: the performers who play it in person

LONGEST_WEEK = 7


@dataclass(frozen=True, slots=True)
class Calendar:
    """When shooting begins, and how many days a week are shot, from Monday on."""

    starts_on: date
    days_a_week: int = 5

    def day(self, number: int) -> date:
        """Return the date of a shooting day, counted from 0."""
        day = self.starts_on
        while day.weekday() >= self.days_a_week:
            day += timedelta(days=1)
        for _ in range(number):
            day += timedelta(days=1)
            while day.weekday() >= self.days_a_week:
                day += timedelta(days=1)
        return day

    def between(self, first: date, last: date) -> Iterator[date]:
        """Yield the shooting days from one to another, both of them counted."""
        for number in range((last - first).days + 1):
            day = first + timedelta(days=number)
            if day.weekday() < self.days_a_week:
                yield day


@dataclass(frozen=True, slots=True)
class DayShot:
    """A day with the scenes that are shot, in order; who plays, and who is paid for waiting.

    Days between on which nothing is shot, as while somebody is away, have no row; who is there
    waits paid on them, too.
    """

    on: date
    location: str
    scenes: tuple[str, ...]
    work: tuple[str, ...]
    hold: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shooting:
    """Scenes in the cheapest order with its proof, and the days that they are packed into.

    `pay` is performers' work and waiting by the minute, `hold` the waiting in it, `bound` what pay
    is at least. `days` is None where no days were found (with `no_days`, there are none);
    `days_cost` is unit, moves and pay by whole days, `days_bound` what that is at least. All in the
    breakdown's currency.
    """

    order: tuple[str, ...]
    pay: Decimal
    hold: Decimal
    bound: Decimal
    minutes: int
    days: tuple[DayShot, ...] | None
    no_days: bool
    days_cost: Decimal
    days_bound: Decimal
    states: int

    @property
    def proven(self) -> bool:
        return self.pay == self.bound


def shoot(
    breakdown: Breakdown,
    cast: Cast,
    *,
    unit_day: Decimal,
    calendar: Calendar,
    states: int,
    watch: Watch = never_stop,
    known: Shooting | None = None,
) -> Shooting:
    """Order the scenes that are shot and pack them into days, looking at so many states each.

    `known` is how more of the same is shot, by more people: where nothing cheaper is found, its
    days are kept, without what is left out.
    """
    scenes = [scene for scene in breakdown.scenes if scene.key in cast]
    held = _hold_problem(breakdown, scenes, cast)
    best = best_order(held, states=states, watch=watch)
    packed = _day_problem(breakdown, scenes, cast, unit_day, calendar)
    board = best_days(packed, states=states, watch=watch)
    if known is not None and known.days is not None:
        board = _cheaper(board, packed, tuple(_kept(known.days, packed, scenes, calendar)))
    unit = smallest_unit(breakdown.currency)

    def money(units: int) -> Decimal:
        exact = Decimal(units) * unit / breakdown.day_minutes
        return rounded(exact, breakdown.currency)

    return Shooting(
        order=tuple(scenes[place].key for place in best.order),
        pay=money(best.cost),
        hold=money(best.cost - held.work),
        bound=money(best.bound),
        minutes=sum(scene.minutes for scene in scenes),
        days=_days_shot(board, breakdown, scenes, cast, calendar),
        no_days=board.days is None and board.exhausted,
        days_cost=unit * (board.costs.total if board.costs else 0),
        days_bound=unit * board.bound,
        states=best.states + board.states,
    )


def _kept(
    days: Iterable[DayShot], packed: DayProblem, scenes: Sequence[Scene], calendar: Calendar
) -> Iterator[ShootingDay]:
    """Yield days without the scenes that are left out, and without days that this empties."""
    numbers = {scene.key: number for number, scene in enumerate(scenes)}
    first = calendar.day(0)
    for day in days:
        shot = tuple(numbers[key] for key in day.scenes if key in numbers)
        if shot:
            number = sum(1 for _day in calendar.between(first, day.on)) - 1
            yield ShootingDay(number, packed.places[shot[0]], shot)


def _cheaper(board: Board, packed: DayProblem, days: tuple[ShootingDay, ...]) -> Board:
    """Return a board with other days where they are cheaper, or it has none."""
    costs = costs_of(packed, days)
    if board.costs is not None and board.costs.total <= costs.total:
        return board
    return replace(board, days=days, costs=costs, bound=min(board.bound, costs.total))


def _days_shot(
    board: Board, breakdown: Breakdown, scenes: Sequence[Scene], cast: Cast, calendar: Calendar
) -> tuple[DayShot, ...] | None:
    if board.days is None:
        return None
    places = ["", *(one.key for one in breakdown.locations)]
    shot = [(one.day, places[one.place], [scenes[s].key for s in one.scenes]) for one in board.days]
    return tuple(_days(shot, cast, calendar))


def all_in_person(breakdown: Breakdown) -> Cast:
    """Return who plays each scene if nobody is stood in for."""
    performer_of = {one.key: one.performer for one in breakdown.characters}
    return {
        scene.key: frozenset(filter(None, (performer_of[p.character] for p in scene.parts)))
        for scene in breakdown.scenes
    }


def _hold_problem(breakdown: Breakdown, scenes: Iterable[Scene], cast: Cast) -> HoldProblem:
    """Money in units a day, durations in minutes: a cost is units times minutes of a day."""
    unit = smallest_unit(breakdown.currency)
    places = {one.key: place for place, one in enumerate(breakdown.performers)}
    chosen = list(scenes)
    return HoldProblem(
        durations=tuple(scene.minutes for scene in chosen),
        casts=tuple(frozenset(places[p] for p in cast[scene.key]) for scene in chosen),
        work_rates=tuple(int(one.day_rate / unit) for one in breakdown.performers),
        hold_rates=tuple(int(one.hold_rate / unit) for one in breakdown.performers),
    )


def _day_problem(
    breakdown: Breakdown, scenes: list[Scene], cast: Cast, unit_day: Decimal, calendar: Calendar
) -> DayProblem:
    unit = smallest_unit(breakdown.currency)
    people = {one.key: place for place, one in enumerate(breakdown.performers)}
    places = {"": 0} | {one.key: n for n, one in enumerate(breakdown.locations, start=1)}
    return DayProblem(
        day_minutes=breakdown.day_minutes,
        day_cost=int(unit_day / unit),
        minutes=tuple(scene.minutes for scene in scenes),
        places=tuple(places[scene.location] for scene in scenes),
        casts=tuple(frozenset(people[p] for p in cast[scene.key]) for scene in scenes),
        day_rates=tuple(int(one.day_rate / unit) for one in breakdown.performers),
        hold_rates=tuple(int(one.hold_rate / unit) for one in breakdown.performers),
        away=tuple(
            frozenset(_absent(one.away, calendar, 2 * len(scenes))) for one in breakdown.performers
        ),
        moves=(0, *(int(one.move / unit) for one in breakdown.locations)),
        place_days=(None, *(one.days for one in breakdown.locations)),
    )


def _absent(away: Iterable[tuple[date, date]], calendar: Calendar, most_days: int) -> Iterator[int]:
    """Yield the shooting days on which somebody is away, as far ahead as a plan may reach."""
    stretches = list(away)
    if not stretches:
        return
    last = max(end for _, end in stretches)
    number, day = 0, calendar.day(0)
    while day < last and number < LONGEST_WEEK * most_days + 366:
        if any(begin <= day < end for begin, end in stretches):
            yield number
        number += 1
        day = Calendar(day + timedelta(days=1), calendar.days_a_week).day(0)


def _days(
    shot: list[tuple[int, str, list[str]]], cast: Cast, calendar: Calendar
) -> Iterator[DayShot]:
    """Yield each day on which something is shot; on others, who is there waits paid, too."""
    played: dict[str, list[int]] = {}
    for number, _, scenes in shot:
        for performer in frozenset().union(*(cast[scene] for scene in scenes)):
            played.setdefault(performer, []).append(number)
    for number, location, scenes in shot:
        work = sorted(p for p, days in played.items() if number in days)
        hold = sorted(
            p for p, days in played.items() if days[0] < number < days[-1] and number not in days
        )
        yield DayShot(calendar.day(number), location, tuple(scenes), tuple(work), tuple(hold))
