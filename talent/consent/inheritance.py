"""Inheritance: what the layers above a cell allow, and whether the cell is looser than they are.

The order is guild → agency → performer → twin. A cell looser than the layers above it would look
like a permission but have no effect, so it is refused, with the reason.
"""

from collections.abc import Iterable, Sequence

from talent.words import Owner, Stance

from .bounds import beyond
from .diff import bounds_in_words
from .matrix import (
    Cell,
    CombinedCell,
    Version,
    cell_name,
    combined_limit,
    label,
    owner_rank,
    source_name,
    strictness,
)
from .scope import Scope


def layers_above(layers: Iterable[Version], owner_kind: str) -> tuple[Version, ...]:
    """Return the layers that an owner inherits from."""
    rank = owner_rank(owner_kind)
    return tuple(version for version in layers if owner_rank(version.owner_kind) < rank)


def inherited_cell(layers: Iterable[Version], right: str, use: str) -> CombinedCell | None:
    """Return the layers' combined cell; None if none of them sets it."""
    cell = combined_limit(layers, right, use)
    return cell if cell.decided_by else None


def layers_in_words(layers: Iterable[Version], right: str, use: str) -> tuple[str, ...]:
    """Say what each layer above says: "Guild Equity UK, version 2: ask; territories: GB"."""
    return tuple(
        "; ".join([f"{_owner(version)}: {cell.stance}", *_bounds(cell.scope)])
        for version in sorted(layers, key=lambda version: owner_rank(version.owner_kind))
        for cell in version.cells
        if (cell.right, cell.use) == (right, use)
    )


def _bounds(scope: Scope) -> list[str]:
    return [f"{label}: {value}" for label, value in bounds_in_words(scope).items()]


def _owner(version: Version) -> str:
    return f"{label(Owner, version.owner_kind)} {version.owner}, version {version.number}"


def loosenings(cell: Cell, layers: Sequence[Version]) -> tuple[str, ...]:
    """Say how a cell is looser than the layers above it; an empty tuple: it is not.

    A cell with `overrules_agency` is compared with the other layers only.
    """
    binding = [layer for layer in layers if not _sets_aside(cell, layer)]
    limit = inherited_cell(binding, cell.right, cell.use)
    if limit is None or cell.stance == Stance.DENY:
        return ()
    name = cell_name(cell.right, cell.use)
    if strictness(cell.stance) < strictness(limit.stance):
        assert limit.decided_by is not None, "what is inherited was said by somebody"  # noqa: S101
        verb = _VERBS[limit.stance]
        return (f"{name} {verb} by {source_name(limit.decided_by)}; that can't be loosened here.",)
    return tuple(
        f"{name}: {reason} ({_source_of(limit, field)})."
        for field, reason in beyond(cell.scope, limit.scope, unset_inherits=True)
    )


_VERBS = {Stance.DENY: "is denied", Stance.ASK: "is to be asked about", Stance.ALLOW: "is allowed"}


def _sets_aside(cell: Cell, layer: Version) -> bool:
    return cell.overrules_agency and layer.owner_kind == Owner.AGENCY


def _source_of(limit: CombinedCell, field: str) -> str:
    source = limit.source_of(field)
    return source_name(source) if source else ""
