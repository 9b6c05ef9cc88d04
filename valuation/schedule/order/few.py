"""Few scenes: every set of them, in plain integers. So few are done before arrays are laid out."""

from .ends import Waits

MOST_SCENES = 6


def best_of_few(waits: Waits) -> tuple[tuple[int, ...], int]:
    """Return the order that pays the least for waiting, and how many sets were looked at."""
    scenes = range(len(waits.casts))
    best: list[tuple[int, tuple[int, ...]] | None] = [None] * (1 << len(waits.casts))
    best[0] = (0, ())
    for shot, known in enumerate(best):
        assert known is not None  # noqa: S101 - each set follows those with a scene less
        there = _there(waits, shot)
        for scene in scenes:
            if shot >> scene & 1:
                continue
            waiting = sum(
                rate
                for performer, rate in enumerate(waits.rates)
                if (there & ~waits.casts[scene]) >> performer & 1
            )
            cost = known[0] + waits.durations[scene] * waiting
            after = best[shot | 1 << scene]
            if after is None or cost < after[0]:
                best[shot | 1 << scene] = cost, (*known[1], scene)
    last = best[-1]
    return last[1] if last else (), len(best)


def _there(waits: Waits, shot: int) -> int:
    """Return who has come and is still needed, once a set was shot."""
    came = needed = 0
    for scene, cast in enumerate(waits.casts):
        if shot >> scene & 1:
            came |= cast
        else:
            needed |= cast
    return came & needed
