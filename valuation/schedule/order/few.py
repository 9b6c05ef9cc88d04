"""Few scenes: every set of them, in plain integers. So few are done before arrays are laid out."""

from .ends import Waits

MOST_SCENES = 10


def best_of_few(waits: Waits) -> tuple[tuple[int, ...], int]:
    """Return the order that pays the least for waiting, and how many sets were looked at."""
    casts, every = waits.casts, (1 << len(waits.casts)) - 1
    scenes = [(1 << scene, ~cast, waits.durations[scene]) for scene, cast in enumerate(casts)]
    played = _played_by(casts)
    paid = _Paid(waits.rates)
    least = [0] * (every + 1)
    last = [0] * (every + 1)
    for shot in range(every):
        # Who has come, and is still needed.
        there, known = played[shot] & played[every ^ shot], least[shot]
        for scene, (bit, without, duration) in enumerate(scenes):
            if shot & bit:
                continue
            cost, after = known + duration * paid[there & without], shot | bit
            if not last[after] or cost < least[after]:
                least[after], last[after] = cost, scene + 1
    return _order(last, every), every + 1


def _played_by(casts: tuple[int, ...]) -> list[int]:
    """Return for each set of scenes who plays in one of them."""
    played = [0]
    for cast in casts:
        played += [known | cast for known in played]
    return played


class _Paid(dict[int, int]):
    """What performers are paid together while they wait; each such set of them is met often."""

    def __init__(self, rates: tuple[int, ...]) -> None:
        self.rates = rates

    def __missing__(self, performers: int) -> int:
        paid = sum(rate for place, rate in enumerate(self.rates) if performers >> place & 1)
        self[performers] = paid
        return paid


def _order(last: list[int], every: int) -> tuple[int, ...]:
    order: list[int] = []
    while every:
        order.append(last[every] - 1)
        every ^= 1 << order[-1]
    return tuple(reversed(order))
