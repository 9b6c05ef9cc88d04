"""A search over what has been shot so far, by layers, that proves how good its answer is.

All states with as many scenes shot lie in one layer. Of states that are alike the cheapest stays;
what cannot beat the best order known goes. A layer wider than the width keeps the most promising,
and the search is repeated, each time wider, until nothing was left out that could be better: then
the order is the best there is. What was left out says how much better another could be at most.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Keys = NDArray[np.uint64]
Flags = NDArray[np.bool_]
# Where each state of a layer came from, and by which scene; small, for all layers are kept.
Trail = tuple[NDArray[np.int32], NDArray[np.int16]]

FIRST_WIDTH = 64
# So few scenes are searched wide at once: a first look would take as long as the proof.
FEW, WIDE_FOR_FEW = 24, 1_024
WIDER = 8
MOST_WIDE = 1 << 20
# So many scenes are beyond a proof: what is left of the states goes into one pass that ends.
MANY, SURELY = 62, 0.8
CHUNK = 512
TOO_DEAR = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class Children:
    """States one scene further: each one's parent by its place, the scene, its key and its cost."""

    parents: Ints
    moves: Ints
    keys: Keys
    costs: Ints

    def at(self, places: Ints | Flags) -> "Children":
        return Children(
            self.parents[places], self.moves[places], self.keys[places], self.costs[places]
        )


class Space(Protocol):
    """What can be shot next, and what the rest costs at least.

    A key is a row of words that holds all of a state but its cost. Costs are whole units.
    """

    @property
    def depth(self) -> int: ...

    def root(self) -> Keys: ...

    def children(self, keys: Keys, costs: Ints) -> Children: ...

    def bounds(self, keys: Keys) -> Ints: ...


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a search is: states looked at, the cheapest order known, and what any costs."""

    states: int
    best: int | None
    bound: int


Watch = Callable[[Progress], bool]  # no: stop, and answer with what is known


def never_stop(progress: Progress) -> bool:
    """Go on until the answer is proven, or the states allowed are used up."""
    return True


@dataclass(frozen=True, slots=True)
class Found:
    """The cheapest order found (scenes by their place; None: none was), and its proof.

    `bound` is what every order costs at least; the answer is proven where it equals `cost`. With
    `exhausted`, all orders were looked at or ruled out.
    """

    order: tuple[int, ...] | None
    cost: int | None
    bound: int
    states: int
    exhausted: bool


def search(space: Space, *, states: int, watch: Watch = never_stop) -> Found:
    """Return the cheapest order of a space, looking at so many states at most.

    The same space and states give the same answer, unless `watch` stops it.
    """
    pursuit = _Pursuit(space, states, watch)
    width = pursuit.first_width
    while pursuit.goes_on:
        before = pursuit.states
        pursuit.run(width)
        wider = width * WIDER
        if space.depth > MANY:
            left = (states - pursuit.states) * SURELY
            wider = min(wider, int(width * left / (pursuit.states - before)))
            if wider < 2 * width:
                break
        width = min(wider, MOST_WIDE)
    return pursuit.answer()


class _Pursuit:
    """One search through its passes, each wider than the one before."""

    def __init__(self, space: Space, allowed: int, watch: Watch) -> None:
        self.space, self.allowed, self.watch = space, allowed, watch
        self.first_width = WIDE_FOR_FEW if space.depth <= FEW else FIRST_WIDTH
        self.states = 0
        self.best: int | None = None
        self.order: tuple[int, ...] | None = None
        self.bound = int(space.bounds(space.root())[0])
        self.goes_on, self.exhausted = True, False

    @property
    def ceiling(self) -> int:
        return TOO_DEAR if self.best is None else self.best

    def run(self, width: int) -> None:
        """Go through all layers once. What is cut is at least as dear as the least of `cuts`."""
        keys, costs = self.space.root(), np.zeros(1, np.int64)
        trail: list[Trail] = []
        cut = TOO_DEAR
        for _ in range(self.space.depth):
            layer, least_cut = self._next_layer(keys, costs, width)
            cut = min(cut, least_cut)
            if not self.goes_on or not len(layer.costs):
                break
            trail.append((layer.parents.astype(np.int32), layer.moves.astype(np.int16)))
            keys, costs = layer.keys, layer.costs
        else:
            self._keep(costs, trail)
        self._conclude(cut, width)

    def _next_layer(self, keys: Keys, costs: Ints, width: int) -> tuple[Children, int]:
        layer = self._expand(keys, costs)
        self.states += len(layer.costs)
        # The first pass is never cut short by the states allowed: it finds an order.
        allowed = self.states < self.allowed or width == self.first_width
        self.goes_on = self.watch(Progress(self.states, self.best, self.bound)) and allowed
        if self.best is None and len(layer.costs) <= width:
            return layer, TOO_DEAR  # Nothing is ruled out, whatever the bounds are.
        totals = layer.costs + self.space.bounds(layer.keys)
        places = np.argsort(totals, kind="stable")
        promising = places[: int(np.searchsorted(totals[places], self.ceiling))]
        if len(promising) <= width:
            # In the order of their keys, so that children of neighbours lie near each other.
            return layer.at(np.sort(promising)), TOO_DEAR
        return layer.at(np.sort(promising[:width])), int(totals[promising[width]])

    def _expand(self, keys: Keys, costs: Ints) -> Children:
        """Return all next states that may beat the best, the cheapest of each key."""
        parts, rows = [], 0
        for start in range(0, len(costs), CHUNK):
            end = start + CHUNK
            part = self.space.children(keys[start:end], costs[start:end])
            part = _cheapest(part.at(part.costs < self.ceiling))
            parts.append(Children(part.parents + start, part.moves, part.keys, part.costs))
            rows += len(part.costs)
            if rows > 2 * MOST_WIDE:
                parts = [_cheapest(_joined(parts))]
                rows = len(parts[0].costs) - MOST_WIDE
        return parts[0] if len(parts) == 1 else _cheapest(_joined(parts))

    def _keep(self, costs: Ints, trail: Sequence[Trail]) -> None:
        if len(costs) and costs.min() < self.ceiling:
            self.best = int(costs.min())
            place, order = int(costs.argmin()), []
            for parents, moves in reversed(trail):
                order.append(int(moves[place]))
                place = int(parents[place])
            self.order = tuple(reversed(order))

    def _conclude(self, cut: int, width: int) -> None:
        """Take from a whole pass what it proves; one that was stopped proves nothing."""
        if not self.goes_on:
            return
        self.bound = max(self.bound, min(cut, self.ceiling)) if cut < TOO_DEAR else self.bound
        self.exhausted = cut >= self.ceiling
        if self.exhausted and self.best is not None:
            self.bound = self.best
        self.goes_on = not self.exhausted and width < MOST_WIDE

    def answer(self) -> Found:
        return Found(self.order, self.best, self.bound, self.states, self.exhausted)


def _joined(parts: Sequence[Children]) -> Children:
    return Children(
        np.concatenate([part.parents for part in parts]),
        np.concatenate([part.moves for part in parts]),
        np.concatenate([part.keys for part in parts]),
        np.concatenate([part.costs for part in parts]),
    )


def _cheapest(children: Children) -> Children:
    """Return one state of each key: the cheapest, the first of those that cost the same."""
    if not len(children.costs):
        return children
    columns = [children.keys[:, i] for i in reversed(range(children.keys.shape[1]))]
    places = np.lexsort([children.costs, *columns])
    keys = children.keys[places]
    first = np.ones(len(places), bool)
    first[1:] = (keys[1:] != keys[:-1]).any(axis=1)
    return children.at(places[first])
