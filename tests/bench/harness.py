"""The harness: ours and its yardstick in turn, in one run; only their ratio means anything."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from statistics import median

ROUNDS = 3


@dataclass(frozen=True)
class Row:
    """One measurement: `ratio` is ours by the yardstick, or the inverse where more is better."""

    name: str
    value: float
    unit: str
    against: float
    ratio: float
    goal: str
    met: bool

    def as_json(self) -> dict:
        return asdict(self)

    def __str__(self) -> str:
        verdict = "met" if self.met else "not met"
        return (
            f"{self.name:<52} {self.value:>10.3f} {self.unit:<4} against {self.against:>10.3f}"
            f"   ratio {self.ratio:>9.4f}   goal {self.goal:<8} {verdict}"
        )


def seconds(step: Callable[[], object]) -> float:
    begun = time.perf_counter()
    step()
    return time.perf_counter() - begun


def in_turn(
    ours: Callable[[], float], yardstick: Callable[[], float], rounds: int = ROUNDS
) -> tuple[float, float]:
    """Measure both in turn, so that a busy moment hits both; return the medians in seconds."""
    pairs = [(ours(), yardstick()) for _ in range(rounds)]
    return median(pair[0] for pair in pairs), median(pair[1] for pair in pairs)


def at_most(name: str, goal: float, ours: float, yardstick: float) -> Row:
    """Return a row whose goal is to take at most so many times the yardstick."""
    ratio = ours / yardstick
    return Row(name, ours, "s", yardstick, ratio, f"≤ {goal}", ratio <= goal)


def at_least(name: str, goal: float, ours: float, yardstick: float) -> Row:
    """Return a row whose goal is to be at least so many times as fast as the yardstick."""
    ratio = yardstick / ours
    return Row(name, ours, "s", yardstick, ratio, f"≥ {goal}", ratio >= goal)
