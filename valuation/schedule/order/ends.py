"""The ends of an order: what is shot before everybody has come, and what after somebody has gone.

While all are there, a scene makes the same people wait wherever it lies. So what an order pays is
what waiting would cost if all were always there, less what its two ends save: in each scene, those
who have not come yet, or are gone. Backwards the problem is the same one, so one table of sets
serves both ends, and the best order joins two of its sets that share no scene.

No order is missed. Let L be the least beginning of the best order by which all have come, and R the
same from its end. If they share no scene, all are there between them: the two of the table. Else
an end that is one scene short of L, and all the rest: that lies within R. A set is looked at
beyond the first by which all have come only as such a rest, never further.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .search import Flags, Ints, Keys, Progress, Watch, never_stop

ONE = np.uint64(1)
MOST_SCENES = 62
# Sixteen bytes each, held three times while they are joined: some 400 MB.
MOST_SETS = 7_000_000
ROWS_AT_ONCE = 2_000_000
PAIRS_AT_ONCE = 1_000_000
BITS = 12
LOOKED_AT = 2_000


class Bounded(Protocol):
    """What the rest of an order costs at least, by the set of scenes that were shot."""

    def bounds(self, keys: Keys) -> Ints: ...


@dataclass(frozen=True, slots=True)
class Waits:
    """Scenes that make somebody wait: durations, casts as bits, and performers' hold rates."""

    durations: tuple[int, ...]
    casts: tuple[int, ...]
    rates: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Ends:
    """The best order below a ceiling (None: there is none), and how many sets were looked at.

    `complete` is no where the search was stopped; then it proves nothing.
    """

    order: tuple[int, ...] | None
    states: int
    complete: bool


class Stopped(Exception):
    """Somebody stops the search, or it grows beyond what it may."""


def best_by_ends(
    waits: Waits, bounded: Bounded, *, ceiling: int, states: int, watch: Watch = never_stop
) -> Ends:
    """Return the order that pays the least for waiting, if any pays less than the ceiling."""
    if len(waits.casts) > MOST_SCENES:
        return Ends(None, 0, complete=False)
    table = _Table(waits, bounded, ceiling, states, watch)
    try:
        table.fill()
    except Stopped:
        return Ends(None, table.states, complete=False)
    joined = _Join(table.most - ceiling).best(*table.sets())
    if joined is None:
        return Ends(None, table.states, complete=True)
    return Ends(table.order(*joined), table.states, complete=True)


class _ByBits:
    """What members of a set come to, for many sets at once, by tables of some bits each."""

    def __init__(self, values: Sequence[int], combine: np.ufunc) -> None:
        self.combine = combine
        parts = [values[start : start + BITS] for start in range(0, max(len(values), 1), BITS)]
        self.tables = [self._table(part) for part in parts]

    def _table(self, values: Sequence[int]) -> Ints:
        table = np.zeros(1, np.int64)
        for value in values:
            table = np.concatenate([table, self.combine(table, value)])
        return table

    def __call__(self, sets: NDArray[np.uint64]) -> Ints:
        total = np.zeros(len(sets), np.int64)
        for part, table in enumerate(self.tables):
            places = (sets >> np.uint64(BITS * part)) & np.uint64(len(table) - 1)
            total = self.combine(total, table[places.astype(np.int64)])
        return total


class _Table:
    """Sets of scenes, layer by layer, by what is saved if they are shot first (or last)."""

    def __init__(
        self, waits: Waits, bounded: Bounded, ceiling: int, states: int, watch: Watch
    ) -> None:
        self.waits, self.bounded, self.ceiling = waits, bounded, ceiling
        self.allowed, self.watch, self.states = states, watch, 0
        self.rates = _ByBits(waits.rates, np.add)
        self.casts = _ByBits(waits.casts, np.bitwise_or)
        self.everybody = (1 << len(waits.rates)) - 1
        self.all_scenes = np.uint64((1 << len(waits.casts)) - 1)
        waiting = [
            duration * sum(r for p, r in enumerate(waits.rates) if not cast >> p & 1)
            for duration, cast in zip(waits.durations, waits.casts, strict=True)
        ]
        self.waiting = _ByBits(waiting, np.add)
        self.most = sum(waiting)
        self.layers: list[tuple[NDArray[np.uint64], Ints]] = []

    def fill(self) -> None:
        """Look at all sets that may begin a better order than the ceiling. Raises Stopped."""
        sets, saved = np.zeros(1, np.uint64), np.zeros(1, np.int64)
        self.layers.append((sets, saved))
        while len(sets):
            sets, saved = self._promising(*self._next(sets, saved))
            self.layers.append((sets, saved))
            not_all = self.casts(sets) != self.everybody
            sets, saved = sets[not_all], saved[not_all]

    def _look_at(self, sets: int) -> None:
        """Tell how far it is, with so many sets more. Raises Stopped."""
        self._refuse_more_than_may_be(sets)
        self.states += sets
        if not self.watch(Progress(self.states, self.ceiling, 0)):
            raise Stopped

    def _refuse_more_than_may_be(self, sets: int) -> None:
        kept = sum(len(layer) for layer, _saved in self.layers)
        if self.states + sets > self.allowed or kept + sets > MOST_SETS:
            raise Stopped

    def _next(self, sets: NDArray[np.uint64], saved: Ints) -> tuple[NDArray[np.uint64], Ints]:
        """Return the sets with one scene more, each with the most that any order of it saves."""
        away = self._away(sets)
        parts: list[tuple[NDArray[np.uint64], Ints]] = []
        for scene, bit in self._bits():
            lacks = (sets & bit) == 0
            parts.append((sets[lacks] | bit, saved[lacks] + self._saves(scene, away[lacks])))
            if sum(len(part) for part, _saved in parts) > ROWS_AT_ONCE:
                parts = [_best_of_each(parts)]
                self._refuse_more_than_may_be(len(parts[0][0]))
        return _best_of_each(parts)

    def _bits(self) -> Iterator[tuple[int, np.uint64]]:
        for scene in range(len(self.waits.casts)):
            yield scene, ONE << np.uint64(scene)

    def _away(self, sets: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """Return who has not come yet, or is gone, once sets were shot."""
        there = self.casts(sets) & self.casts(self.all_scenes ^ sets)
        return (self.everybody & ~there).astype(np.uint64)

    def _saves(self, scene: int, away: NDArray[np.uint64]) -> Ints:
        others = away & np.uint64(self.everybody & ~self.waits.casts[scene])
        return self.waits.durations[scene] * self.rates(others)

    def _promising(self, sets: NDArray[np.uint64], saved: Ints) -> tuple[NDArray[np.uint64], Ints]:
        self._look_at(len(sets))
        paid = self.waiting(sets) - saved
        promising: Flags = paid + self.bounded.bounds(sets[:, None]) < self.ceiling
        return sets[promising], saved[promising]

    def sets(self) -> tuple[NDArray[np.uint64], Ints]:
        """Return all sets, whoever saves the most first."""
        saved = np.concatenate([saved for _sets, saved in self.layers])
        places = np.argsort(-saved, kind="stable")
        return np.concatenate([sets for sets, _saved in self.layers])[places], saved[places]

    def order(self, first: int, last: int) -> tuple[int, ...]:
        """Return the order that joins two ends; what neither holds lies between them."""
        ends = first | last
        between = [scene for scene, bit in self._bits() if not ends & int(bit)]
        return (*self._played(first), *between, *reversed(self._played(last)))

    def _played(self, shot: int) -> tuple[int, ...]:
        """Return the order of a set that saves the most, found back layer by layer."""
        order: list[int] = []
        while shot:
            sets, saved = self.layers[shot.bit_count()]
            most = int(saved[np.searchsorted(sets, np.uint64(shot))])
            scene = next(s for s, bit in self._bits() if self._came_by(s, int(bit), shot, most))
            order.append(scene)
            shot ^= 1 << scene
        return tuple(reversed(order))

    def _came_by(self, scene: int, bit: int, shot: int, most: int) -> bool:
        """Tell whether a set saves the most with a scene as its last one."""
        if not shot & bit:
            return False
        sets, saved = self.layers[shot.bit_count() - 1]
        before = np.array([shot ^ bit], np.uint64)
        place = int(np.searchsorted(sets, before[0]))
        if place == len(sets) or sets[place] != before[0]:
            return False
        if before[0] and self.casts(before)[0] == self.everybody:
            return False  # Nothing was looked at beyond it.
        return int(saved[place] + self._saves(scene, self._away(before))[0]) == most


def _best_of_each(
    parts: Sequence[tuple[NDArray[np.uint64], Ints]],
) -> tuple[NDArray[np.uint64], Ints]:
    sets = np.concatenate([sets for sets, _saved in parts])
    saved = np.concatenate([saved for _sets, saved in parts])
    places = np.argsort(sets, kind="stable")  # parts are in order already
    sets, saved = sets[places], saved[places]
    begins = np.flatnonzero(np.concatenate([np.ones(1, bool), sets[1:] != sets[:-1]]))
    return sets[begins], np.maximum.reduceat(saved, begins)


Side = tuple[NDArray[np.uint64], Ints]  # sets with what they save, the most first


class _Join:
    """The two sets without a common scene that save the most together, more than is needed.

    Sets are parted by a scene that both sides like to have: the first has it, or the last, or
    neither; what cannot save enough with the best of the other side is dropped each time.
    """

    def __init__(self, needed: int) -> None:
        self.needed = needed
        self.found: tuple[int, int] | None = None

    def best(self, sets: NDArray[np.uint64], saved: Ints) -> tuple[int, int] | None:
        self._join((sets, saved), (sets, saved), alike=True)
        return self.found

    def _join(self, first: Side, last: Side, *, alike: bool) -> None:
        first, last = self._enough(first, last)
        if not len(first[0]) or not len(last[0]):
            return
        if len(first[0]) * len(last[0]) <= PAIRS_AT_ONCE:
            self._compare(first, last)
            return
        bit = _liked_by_both(first[0], last[0])
        if bit is None:  # The best of both share nothing, and no pair saves more.
            self._compare(_upto(first, 1), _upto(last, 1))
            return
        self._join(_with(first, bit), _without(last, bit), alike=False)
        if not alike:  # Turned round it is the same.
            self._join(_without(first, bit), _with(last, bit), alike=False)
        self._join(_without(first, bit), _without(last, bit), alike=alike)

    def _enough(self, first: Side, last: Side) -> tuple[Side, Side]:
        """Leave out what saves too little even with the best of the other side."""
        while len(first[0]) and len(last[0]):
            firsts = int(np.searchsorted(-first[1], last[1][0] - self.needed))
            lasts = int(np.searchsorted(-last[1], first[1][0] - self.needed))
            if (firsts, lasts) == (len(first[0]), len(last[0])):
                break
            first, last = _upto(first, firsts), _upto(last, lasts)
        return first, last

    def _compare(self, first: Side, last: Side) -> None:
        apart = (first[0][:, None] & last[0]) == 0
        together = np.where(apart, first[1][:, None] + last[1], -1)
        place = int(together.argmax())
        if together.flat[place] > self.needed:
            self.needed = int(together.flat[place])
            one, other = divmod(place, len(last[0]))
            self.found = int(first[0][one]), int(last[0][other])


def _liked_by_both(first: NDArray[np.uint64], last: NDArray[np.uint64]) -> np.uint64 | None:
    """Return the scene, as a bit, over which the best of both sides clash most; None: over none."""
    bits = ONE << np.arange(MOST_SCENES, dtype=np.uint64)

    def counted(sets: NDArray[np.uint64]) -> Ints:
        counts: Ints = ((sets[:LOOKED_AT, None] & bits) != 0).sum(axis=0)
        return counts

    clashes = counted(first) * counted(last)
    most = int(clashes.argmax())
    return bits[most] if clashes[most] else None


def _with(side: Side, bit: np.uint64) -> Side:
    has = (side[0] & bit) != 0
    return side[0][has], side[1][has]


def _without(side: Side, bit: np.uint64) -> Side:
    lacks = (side[0] & bit) == 0
    return side[0][lacks], side[1][lacks]


def _upto(side: Side, end: int) -> Side:
    return side[0][:end], side[1][:end]
