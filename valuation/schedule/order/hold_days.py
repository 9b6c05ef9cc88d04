"""The talent scheduling problem: scenes in an order that pays the least for waiting.

Who has played a first scene and not yet the last is paid through: by the day rate where they
play, by the hold rate where they wait. What they play costs the same in every order, so an order
is as good as what it pays for waiting. The search is exact: over the set of scenes shot, with a
bound from each two performers who are there, one of whom must wait for the other. A narrow look
finds a good order; whether any is better is proven from both ends at once, or, where a script is
too long for that, by wider looks.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from . import few
from .ends import MOST_SCENES, Waits, best_by_ends
from .search import Children, Flags, Found, Ints, Keys, Progress, Watch, never_stop, search

WORD = 64
# The part of the states allowed that a first look for a good order may take.
FIRST_LOOK = 50
# Bounds are counted for so many sets at once: they stay near the processor, and NumPy's libraries
# do not part so little between threads, which would wait for each other.
AT_ONCE = 128
Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class HoldProblem:
    """Scenes by their durations and casts (places in the rates), in whole units.

    Rates are per unit of duration: `work_rates` while a performer plays, `hold_rates` while they
    wait between their first scene and their last.
    """

    durations: tuple[int, ...]
    casts: tuple[frozenset[int], ...]
    work_rates: tuple[int, ...]
    hold_rates: tuple[int, ...]

    @property
    def work(self) -> int:
        """What they play costs, in any order."""
        return sum(
            duration * sum(self.work_rates[performer] for performer in cast)
            for duration, cast in zip(self.durations, self.casts, strict=True)
        )


@dataclass(frozen=True, slots=True)
class BestOrder:
    """Scenes in their order, what it costs (work and waiting), and what any order costs at least.

    `states` is how many sets of scenes were looked at.
    """

    order: tuple[int, ...]
    cost: int
    bound: int
    states: int

    @property
    def proven(self) -> bool:
        return self.cost == self.bound


def best_order(problem: HoldProblem, *, states: int, watch: Watch = never_stop) -> BestOrder:
    """Return the cheapest order; each way it is sought looks at so many sets of scenes at most."""
    blocks = _blocks(problem)
    waits = [scenes for scenes, cast in blocks if cast]
    never = [scenes for scenes, cast in blocks if not cast]
    if not waits:
        return BestOrder(_in_a_row(never), problem.work, problem.work, 0)
    found = _proven(_waits(problem, [block for block in blocks if block[1]]), states, watch)
    places = range(len(waits)) if found.order is None else found.order
    order = _in_a_row([*(waits[place] for place in places), *never])
    cost = waiting(problem, order)
    return BestOrder(order, problem.work + cost, problem.work + _bound(found, cost), found.states)


def _proven(waits: Waits, states: int, watch: Watch) -> Found:
    """Return an order, and its proof where so many sets of scenes are enough for one."""
    if len(waits.casts) <= few.MOST_SCENES:
        order, seen = few.best_of_few(waits)
        return Found(order, None, 0, seen, exhausted=True)
    space = _Waiting(waits)
    if len(waits.casts) > MOST_SCENES:  # No proof is in reach: wider looks from the first.
        return search(space, states=states, watch=watch)
    look = search(space, states=max(states // FIRST_LOOK, 1), watch=watch)
    if look.exhausted or look.cost is None or look.states >= states:
        return look

    def told(known: Progress) -> bool:
        return watch(Progress(look.states + known.states, look.cost, look.bound))

    ends = best_by_ends(waits, space, ceiling=look.cost, states=states, watch=told)
    seen = look.states + ends.states
    if ends.complete:
        return replace(look, order=ends.order or look.order, states=seen, exhausted=True)
    return _wider(space, replace(look, states=seen), states, watch)


def _wider(space: "_Waiting", look: Found, states: int, watch: Watch) -> Found:
    """Return the better of a first look and of a wide one."""

    def told(known: Progress) -> bool:
        return watch(Progress(look.states + known.states, look.cost, max(look.bound, known.bound)))

    wide = search(space, states=states, watch=told)
    better = look if wide.cost is None or wide.cost > (look.cost or 0) else wide
    bound = max(look.bound, wide.bound)
    seen = look.states + wide.states
    return replace(better, bound=bound, states=seen, exhausted=wide.exhausted)


def _in_a_row(blocks: Iterable[tuple[int, ...]]) -> tuple[int, ...]:
    return tuple(scene for scenes in blocks for scene in scenes)


def _bound(found: Found, cost: int) -> int:
    return cost if found.exhausted else min(found.bound, cost)


def waiting(problem: HoldProblem, order: Sequence[int]) -> int:
    """Return what an order pays for waiting, counted performer by performer."""
    total = 0
    for performer, rate in enumerate(problem.hold_rates):
        plays = [place for place, scene in enumerate(order) if performer in problem.casts[scene]]
        if plays:
            total += rate * sum(
                problem.durations[scene]
                for scene in order[plays[0] : plays[-1]]
                if performer not in problem.casts[scene]
            )
    return total


Block = tuple[tuple[int, ...], frozenset[int]]


def _blocks(problem: HoldProblem) -> list[Block]:
    """Return scenes with those who can come to wait in them; the same cast is shot in one go.

    Who plays in one block only never waits, so they are left out, which may make casts alike.
    """
    blocks: list[Block] = [((scene,), cast) for scene, cast in enumerate(problem.casts)]
    while True:
        joined: dict[frozenset[int], tuple[int, ...]] = {}
        for scenes, cast in blocks:
            joined[cast] = joined.get(cast, ()) + scenes
        counts = {p: sum(p in cast for cast in joined) for cast in joined for p in cast}
        fewer = [
            (scenes, frozenset(p for p in cast if counts[p] > 1 and problem.hold_rates[p]))
            for cast, scenes in joined.items()
        ]
        if fewer == blocks:
            return blocks
        blocks = fewer


def _waits(problem: HoldProblem, blocks: Sequence[Block]) -> Waits:
    performers = sorted({p for _, cast in blocks for p in cast})
    bits = {performer: 1 << place for place, performer in enumerate(performers)}
    return Waits(
        tuple(sum(problem.durations[scene] for scene in scenes) for scenes, _ in blocks),
        tuple(sum(bits[performer] for performer in cast) for _, cast in blocks),
        tuple(problem.hold_rates[performer] for performer in performers),
    )


class _Waiting:
    """The space of sets of blocks that are shot; a key is the set, one bit a block."""

    def __init__(self, waits: Waits) -> None:
        self.depth = len(waits.casts)
        self.rates = np.array(waits.rates, np.float64)
        self.durations = np.array(waits.durations, np.float64)
        self.plays = np.array(
            [[cast >> p & 1 for cast in waits.casts] for p in range(len(waits.rates))], np.float64
        )
        self.sizes = self.plays.sum(axis=0)
        self.scenes_of = self.plays.sum(axis=1)
        self.words, shifts = np.divmod(np.arange(self.depth), WORD)
        self.shifts = shifts.astype(np.uint64)
        self._pairs()

    def _pairs(self) -> None:
        """Prepare the bound: for two performers, what either pays to wait for the other."""
        self.one, self.other = np.triu_indices(len(self.rates), 1)
        alone = self.plays[self.one] * (1 - self.plays[self.other])
        alone_other = self.plays[self.other] * (1 - self.plays[self.one])
        # Columns: a block's worth if `other` waits while `one` plays it, and the reverse.
        self.other_waits = (alone * self.rates[self.other][:, None]).T.copy()
        self.one_waits = (alone_other * self.rates[self.one][:, None]).T.copy()

    def root(self) -> Keys:
        return np.zeros((1, -(-self.depth // WORD)), np.uint64)

    def _left(self, keys: Keys) -> Flags:
        left: Flags = ((keys[:, self.words] >> self.shifts) & np.uint64(1)) == 0
        return left

    def _there(self, left: Numbers) -> Numbers:
        """Return who has played a block and not yet the last of theirs."""
        still = left @ self.plays.T
        there: Numbers = ((still > 0) & (still < self.scenes_of)).astype(np.float64)
        return there

    def children(self, keys: Keys, costs: Ints) -> Children:
        left = self._left(keys)
        there = self._there(left.astype(np.float64))
        wait = (there @ self.rates)[:, None] - there @ (self.plays * self.rates[:, None])
        wait *= self.durations
        parents, moves = np.nonzero(self._choices(left, there))
        reached = keys[parents]
        rows = np.arange(len(moves))
        reached[rows, self.words[moves]] |= np.uint64(1) << self.shifts[moves]
        return Children(
            parents, moves, reached, costs[parents] + np.rint(wait[parents, moves]).astype(np.int64)
        )

    def _choices(self, left: Flags, there: Numbers) -> Flags:
        """Return what may come next: where a block needs just who is there, that block alone.

        Nobody waits while it is shot, and shooting it now can only shorten a wait of later.
        """
        here = there.sum(axis=1)[:, None]
        fits = left & (self.sizes == here) & (there @ self.plays == here)
        sure = fits.any(axis=1)
        left = left.copy()
        left[sure] = False
        left[sure, fits[sure].argmax(axis=1)] = True
        return left

    def bounds(self, keys: Keys) -> Ints:
        starts = range(0, len(keys), AT_ONCE)
        parts = [self._bounds(keys[start : start + AT_ONCE]) for start in starts]
        return np.concatenate(parts) if parts else np.zeros(0, np.int64)

    def _bounds(self, keys: Keys) -> Ints:
        """Return what is still paid for waiting at least.

        Of two who are there, one leaves first; the other waits in all that the first plays without
        them. A block counts for each who play it in equal parts, so that no wait counts twice.
        """
        left = self._left(keys).astype(np.float64)
        there = self._there(left)
        share = left * self.durations / np.maximum(there @ self.plays, 1)
        least = np.minimum(share @ self.other_waits, share @ self.one_waits)
        least *= there[:, self.one]
        least *= there[:, self.other]
        # A little less, so that what floats round up is never taken for a cost.
        bound: Ints = np.ceil(least.sum(axis=1) * (1 - 1e-9) - 1e-6).astype(np.int64)
        return bound
