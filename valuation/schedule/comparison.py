"""Two solutions of plans side by side: which parts moved, and by how much their figures differ."""

from collections.abc import Iterator
from dataclasses import dataclass

from valuation.schedule.solution import PlannedPart, PlanSolution


@dataclass(frozen=True, slots=True)
class Moved:
    """A part that is played otherwise: by whom before and now ("": in person; None: no part)."""

    scene: str
    character: str
    before: str | None
    now: str | None
    locked: bool


def moved(before: PlanSolution, now: PlanSolution) -> Iterator[Moved]:
    """Yield the parts that two solutions play otherwise, in the order of the later one."""
    old, new = _choices(before), _choices(now)
    for cell in dict.fromkeys([*new, *old]):
        was, is_now = old.get(cell), new.get(cell)
        choice_before = was.choice if was else None
        choice_now = is_now.choice if is_now else None
        if choice_before != choice_now:
            locked = is_now is not None and is_now.locked
            yield Moved(*cell, choice_before, choice_now, locked)


def _choices(solution: PlanSolution) -> dict[tuple[str, str], PlannedPart]:
    return {(part.scene, part.character): part for part in solution.parts}
