"""Withdrawals, without a database: what is withdrawn, when each use ends, and the new cells."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from talent.words import Right, Stance, Use

from .matrix import (
    TRAINING_DOOR,
    Cell,
    CellKey,
    CombinedCell,
    Version,
    cell_name,
    in_force,
    is_behind_the_door,
    label,
)

CellsToday = Mapping[CellKey, Sequence[CombinedCell]]  # combined cells today; one for each twin

EVERY_CELL: tuple[CellKey, ...] = tuple((right.value, use.value) for right in Right for use in Use)


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A cell, a right, a use or everything, withdrawn from one licensee or from all.

    An empty field means all. `licensee` is the slug, `licensee_name` the name for people.
    """

    right: str = ""
    use: str = ""
    licensee: str = ""
    licensee_name: str = ""

    def touches(self, right: str, use: str) -> bool:
        """Tell whether a cell is withdrawn; with the door to training all that lies behind it."""
        if self.right in ("", right) and self.use in ("", use):
            return True
        return is_behind_the_door(right, use) and self.touches(*TRAINING_DOOR)

    @property
    def what(self) -> str:
        """Say what is withdrawn, as the object of “I withdraw my consent to …”."""
        by = f" by {self.licensee_name or self.licensee}" if self.licensee else ""
        if self.right and self.use:
            return cell_name(self.right, self.use) + by
        if self.right:
            return f"every use of {label(Right, self.right).lower()}{by}"
        if self.use:
            return f"{label(Use, self.use)} with any right{by}"
        return f"every use{by}"


@dataclass(frozen=True, slots=True)
class MatrixChange:
    """The cells of a matrix from an instant on."""

    in_force_from: datetime
    cells: tuple[Cell, ...]


def ends_of_cells(
    withdrawal: Withdrawal, today: CellsToday, *, at: datetime, at_once: bool = False
) -> dict[CellKey, datetime]:
    """Return when each withdrawn cell ends: after the longest notice that any twin's cell asks for.

    That is the notice of a withdrawal. Cells that nobody allows end at `at`, so that they stay
    denied if a default later allows them; `at_once` ends all of them then.
    """

    ends = {}
    for key in EVERY_CELL:
        if withdrawal.touches(*key):
            cells = [cell for cell in today.get(key, ()) if cell.stance is not Stance.DENY]
            hours = max((cell.scope.withdrawal_notice_hours or 0 for cell in cells), default=0)
            ends[key] = at if at_once else at + timedelta(hours=hours)
    return ends


def matrix_changes(
    withdrawal: Withdrawal,
    own: Sequence[Version],
    ends: Mapping[CellKey, datetime],
    inherited: Mapping[CellKey, CombinedCell],
    *,
    at: datetime,
) -> tuple[MatrixChange, ...]:
    """Return the cells of an owner's matrix from each instant at which they change.

    `inherited` are cells that other layers allow. Withdrawing one from a licensee copies it into
    the owner's matrix where the owner has not set it, no wider than the others have it. Versions
    already scheduled would restore what is withdrawn, so a change without it follows each.
    """
    later = {version.in_force_from for version in own if version.in_force_from > at}
    changes = []
    for instant in sorted({*ends.values(), *later}):
        base = in_force(own, instant, at)
        cells = base.cells if base else ()
        ended = [key for key, end in ends.items() if end <= instant]
        after = _without(cells, ended, withdrawal, inherited)
        if set(after) != set(cells):
            changes.append(MatrixChange(instant, after))
    return tuple(changes)


def _without(
    cells: Sequence[Cell],
    ended: Sequence[CellKey],
    withdrawal: Withdrawal,
    inherited: Mapping[CellKey, CombinedCell],
) -> tuple[Cell, ...]:
    by_key = {(cell.right, cell.use): cell for cell in cells}
    for key in ended:
        if not withdrawal.licensee:
            by_key[key] = Cell(*key, Stance.DENY.value)
        elif cell := by_key.get(key) or _own(inherited.get(key)):
            by_key[key] = _excluding(withdrawal.licensee, cell)
    return tuple(by_key[key] for key in sorted(by_key))


def _excluding(licensee: str, cell: Cell) -> Cell:
    if cell.stance == Stance.DENY:
        return cell
    excluded = cell.scope.licensees_excluded | {licensee}
    return replace(cell, scope=replace(cell.scope, licensees_excluded=excluded))


def _own(cell: CombinedCell | None) -> Cell | None:
    return Cell(cell.right, cell.use, cell.stance.value, cell.scope) if cell else None
