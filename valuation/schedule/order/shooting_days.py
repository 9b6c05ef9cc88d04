"""Shooting days: scenes packed into days, each at one place, so that the whole costs the least.

A performer is paid the day rate for each day on which they play and the hold rate for each day
between their first and their last on which they do not. A day costs the unit, and coming from
another place costs the move. Nobody plays on a day on which they are away, and no place is used
for more days than it can be had. The same search as for waiting alone, over states that hold the
day at hand too; its bound is weaker, so that long scripts get an order with a gap.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from .hold_days import WORD, Numbers
from .search import Children, Flags, Ints, Keys, Watch, never_stop, search

FIELD = np.uint64(16)  # place, day and minutes lie in one word, sixteen bits each
MASK = np.uint64(0xFFFF)
NEVER = -1


@dataclass(frozen=True, slots=True)
class DayProblem:
    """What days are made of; scenes, places and performers go by their place in the tuples.

    Money is in whole units (cents). `away` are the days, counted from 0, on which a performer
    cannot come; `place_days` how many days a place can be had (None: any number).
    """

    day_minutes: int
    day_cost: int
    minutes: tuple[int, ...]
    places: tuple[int, ...]
    casts: tuple[frozenset[int], ...]
    day_rates: tuple[int, ...]
    hold_rates: tuple[int, ...]
    away: tuple[frozenset[int], ...]
    moves: tuple[int, ...]
    place_days: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class ShootingDay:
    """A day, counted from 0, with its scenes; days on which nothing is shot are left out."""

    day: int
    place: int
    scenes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class DayCosts:
    """What days cost, part by part, in whole units."""

    unit: int
    moves: int
    work: int
    hold: int

    @property
    def total(self) -> int:
        return self.unit + self.moves + self.work + self.hold


@dataclass(frozen=True, slots=True)
class Board:
    """The days found, what they cost, and what any costs at least.

    `days` is None where none were found; with `exhausted`, there are none.
    """

    days: tuple[ShootingDay, ...] | None
    costs: DayCosts | None
    bound: int
    states: int
    exhausted: bool

    @property
    def proven(self) -> bool:
        return self.costs is not None and self.costs.total == self.bound


def best_days(problem: DayProblem, *, states: int, watch: Watch = never_stop) -> Board:
    """Return the cheapest days found, looking at so many states at most."""
    if not problem.minutes:
        return Board((), DayCosts(0, 0, 0, 0), 0, 0, exhausted=True)
    space = _Days(problem)
    found = search(space, states=states, watch=watch)
    if found.order is None:
        return Board(None, None, found.bound, found.states, found.exhausted)
    days = space.days_of(found.order)
    costs = costs_of(problem, days)
    return Board(days, costs, min(found.bound, costs.total), found.states, found.exhausted)


def costs_of(problem: DayProblem, days: tuple[ShootingDay, ...]) -> DayCosts:
    """Return what days cost, counted performer by performer."""
    work = hold = 0
    for performer, rate in enumerate(problem.day_rates):
        played = {one.day for one in days if any(performer in problem.casts[s] for s in one.scenes)}
        if played:
            work += rate * len(played)
            waited = max(played) - min(played) + 1 - len(played)
            hold += problem.hold_rates[performer] * waited
    moves = sum(
        problem.moves[after.place]
        for before, after in pairwise(days)
        if before.place != after.place
    )
    return DayCosts(problem.day_cost * len(days), moves, work, hold)


class _Days:
    """The space of sets of scenes with the day at hand.

    A key: the set, who plays today, how often limited places were used, and place, day, minutes.
    """

    def __init__(self, problem: DayProblem) -> None:
        self.problem = problem
        self.depth = len(problem.minutes)
        self.words, shifts = np.divmod(np.arange(self.depth), WORD)
        self.shifts = shifts.astype(np.uint64)
        people = len(problem.day_rates)
        self.people_words, people_shifts = np.divmod(np.arange(people), WORD)
        self.people_shifts = people_shifts.astype(np.uint64)
        self.set_words = -(-self.depth // WORD)
        self.today_words = -(-people // WORD)
        self.limited = [p for p, days in enumerate(problem.place_days) if days is not None]
        self._arrays()

    def _arrays(self) -> None:
        problem = self.problem
        people = range(len(problem.day_rates))
        self.minutes = np.array(problem.minutes, np.int64)
        self.places = np.array(problem.places, np.int64)
        self.plays = np.array(
            [[float(p in cast) for cast in problem.casts] for p in people], np.float64
        ).reshape(len(people), self.depth)
        self.rates = np.array(problem.day_rates, np.float64)
        self.holds = np.array(problem.hold_rates, np.float64)
        self.moves = np.array(problem.moves, np.int64)
        self.scenes_of = self.plays.sum(axis=1)
        self.cast_rate = self.rates @ self.plays
        self.at_place = np.array(
            [self.places == place for place in range(len(problem.moves))], np.float64
        )
        self.open_days = self._open_days()

    def _open_days(self) -> Ints:
        """Return, for each day and scene, the first day from it on when all its cast can come."""
        horizon = self.depth + sum(len(days) for days in self.problem.away) + 1
        horizon = max(
            [horizon, *(max(days) + self.depth + 1 for days in self.problem.away if days)]
        )
        first = np.full((horizon + 2, self.depth), NEVER, np.int64)
        for day in range(horizon, -1, -1):
            can = [all(day not in self.problem.away[p] for p in c) for c in self.problem.casts]
            first[day] = np.where(can, day, first[day + 1])
        return first

    def root(self) -> Keys:
        columns = self.set_words + self.today_words + len(self.limited) + 1
        return np.zeros((1, columns), np.uint64)

    # What a key holds

    def _left(self, keys: Keys) -> Flags:
        left: Flags = ((keys[:, self.words] >> self.shifts) & np.uint64(1)) == 0
        return left

    def _today(self, keys: Keys) -> Numbers:
        columns = keys[:, self.set_words + self.people_words]
        today: Numbers = ((columns >> self.people_shifts) & np.uint64(1)).astype(np.float64)
        return today

    def _at_hand(self, keys: Keys) -> tuple[Ints, Ints, Ints]:
        """Return place, day (NEVER before the first) and the minutes used of it."""
        word = keys[:, -1]
        place = ((word >> FIELD >> FIELD) & MASK).astype(np.int64)
        day = ((word >> FIELD) & MASK).astype(np.int64) - 1
        return place, day, (word & MASK).astype(np.int64)

    # What comes next

    def children(self, keys: Keys, costs: Ints) -> Children:
        left, today = self._left(keys), self._today(keys)
        place, day, used = self._at_hand(keys)
        same = self._same_day(left, place, day, used)
        target = np.where(left, self.open_days[day + 1], NEVER)
        target = np.where(self._place_is_free(keys), target, NEVER)
        on = self._added(keys, costs, same, self._same_cost(today), place, day, used, today)
        # The day at hand ends: who waits is paid for it, and for days on which nothing is shot.
        wait = self._there(left) * self.holds
        ended = ((1 - today) * wait).sum(axis=1).astype(np.int64) * (day != NEVER)
        idle = np.maximum(target - day[:, None] - 1, 0) * wait.sum(axis=1).astype(np.int64)[:, None]
        moved = np.where((self.places != place[:, None]) & (day != NEVER)[:, None],
                         self.moves[self.places], 0)  # fmt: skip
        cost = ended[:, None] + idle + moved + self.problem.day_cost
        fresh = self._begun(keys, costs, target, cost + self.cast_rate.astype(np.int64))
        return Children(
            np.concatenate([on.parents, fresh.parents]),
            np.concatenate([on.moves, fresh.moves]),
            np.concatenate([on.keys, fresh.keys]),
            np.concatenate([on.costs, fresh.costs]),
        )

    def _same_day(self, left: Flags, place: Ints, day: Ints, used: Ints) -> Flags:
        here = (self.places == place[:, None]) & (day != NEVER)[:, None]
        fits = self.minutes <= (self.problem.day_minutes - used)[:, None]
        can = self.open_days[np.maximum(day, 0)] == day[:, None]
        fitting: Flags = left & here & fits & can
        return fitting

    def _same_cost(self, today: Numbers) -> Ints:
        """Return what each scene adds to the day: the rates of those who do not play in it yet."""
        cost: Ints = np.rint(self.cast_rate - today @ (self.plays * self.rates[:, None])).astype(
            np.int64
        )
        return cost

    def _place_is_free(self, keys: Keys) -> Flags:
        free = np.ones((len(keys), self.depth), bool)
        for number, place in enumerate(self.limited):
            days = self.problem.place_days[place] or 0
            spent = keys[:, self.set_words + self.today_words + number] >= np.uint64(days)
            free &= ~(spent[:, None] & (self.places == place))
        return free

    def _there(self, left: Flags) -> Numbers:
        still = left.astype(np.float64) @ self.plays.T
        there: Numbers = ((still > 0) & (still < self.scenes_of)).astype(np.float64)
        return there

    def _added(
        self, keys: Keys, costs: Ints, can: Flags, cost: Ints,
        place: Ints, day: Ints, used: Ints, today: Numbers,
    ) -> Children:  # fmt: skip
        parents, scenes = np.nonzero(can)
        reached = self._shot(keys, parents, scenes)
        self._write_today(reached, today[parents] + self.plays[:, scenes].T > 0)
        reached[:, -1] = _word(place[parents], day[parents], used[parents] + self.minutes[scenes])
        return Children(parents, scenes, reached, costs[parents] + cost[parents, scenes])

    def _begun(self, keys: Keys, costs: Ints, target: Ints, cost: Ints) -> Children:
        parents, scenes = np.nonzero(target != NEVER)
        reached = self._shot(keys, parents, scenes)
        self._write_today(reached, self.plays[:, scenes].T > 0)
        for number, place in enumerate(self.limited):
            there = self.places[scenes] == place
            reached[there, self.set_words + self.today_words + number] += np.uint64(1)
        days = target[parents, scenes]
        reached[:, -1] = _word(self.places[scenes], days, self.minutes[scenes])
        return Children(
            parents, scenes + self.depth, reached, costs[parents] + cost[parents, scenes]
        )

    def _shot(self, keys: Keys, parents: Ints, scenes: Ints) -> Keys:
        reached = keys[parents]
        reached[np.arange(len(scenes)), self.words[scenes]] |= np.uint64(1) << self.shifts[scenes]
        return reached

    def _write_today(self, keys: Keys, today: Flags) -> None:
        keys[:, self.set_words : self.set_words + self.today_words] = 0
        for person in range(today.shape[1]):
            column = self.set_words + self.people_words[person]
            keys[:, column] |= today[:, person].astype(np.uint64) << self.people_shifts[person]

    # What the rest costs at least

    def bounds(self, keys: Keys) -> Ints:
        parts = [self._bounds(keys[start : start + 512]) for start in range(0, len(keys), 512)]
        return np.concatenate(parts) if parts else np.zeros(0, np.int64)

    def _bounds(self, keys: Keys) -> Ints:
        """Return at least the days still needed of each place and performer, and the moves left."""
        left = self._left(keys).astype(np.float64)
        today = self._today(keys)
        place, day, used = self._at_hand(keys)
        free = np.where(day == NEVER, 0, self.problem.day_minutes - used).astype(np.float64)
        bound = np.zeros(len(keys), np.float64)
        for number, here in enumerate(self.at_place):
            at_hand = (place == number) & (day != NEVER)
            minutes = left * (here * self.minutes)
            room = free * at_hand
            bound += self._days(minutes.sum(axis=1) - room) * self.problem.day_cost
            needed = self._days(minutes @ self.plays.T - today * room[:, None])
            bound += needed @ self.rates
            elsewhere = (left @ here > 0) & ~at_hand & (day != NEVER)
            bound += elsewhere * self.problem.moves[number]
        least: Ints = np.rint(bound).astype(np.int64)
        return least

    def _days(self, minutes: NDArray[np.float64]) -> Numbers:
        return np.ceil(np.maximum(minutes, 0) / self.problem.day_minutes)

    def days_of(self, moves: tuple[int, ...]) -> tuple[ShootingDay, ...]:
        """Return the days that moves make, from the first."""
        days: list[ShootingDay] = []
        for move in moves:
            fresh, scene = divmod(move, self.depth)
            if not fresh:
                last = days[-1]
                days[-1] = ShootingDay(last.day, last.place, (*last.scenes, scene))
                continue
            after = days[-1].day + 1 if days else 0
            number = int(self.open_days[after, scene])
            days.append(ShootingDay(number, int(self.places[scene]), (scene,)))
        return tuple(days)


def _word(place: Ints, day: Ints, used: Ints) -> Keys:
    high = (place.astype(np.uint64) << FIELD) | (day + 1).astype(np.uint64)
    word: Keys = (high << FIELD) | used.astype(np.uint64)
    return word
