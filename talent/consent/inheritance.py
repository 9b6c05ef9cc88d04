"""Inheritance: what the layers above a cell allow, and whether the cell is looser than they are.

The order is guild → agency → performer → twin. A cell looser than the layers above it would look
like a permission but have no effect, so it is refused, with the reason.
"""

from collections.abc import Iterable, Sequence

from talent.words import Owner, Stance

from .diff import bounds_in_words
from .matrix import (
    Cell,
    CombinedCell,
    Scope,
    Version,
    cell_name,
    combined_limit,
    covers,
    in_order,
    label,
    owner_rank,
    source_name,
    strictness,
)


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
        for field, reason in _wider(cell.scope, limit.scope)
    )


_VERBS = {Stance.DENY: "is denied", Stance.ASK: "is to be asked about", Stance.ALLOW: "is allowed"}


def _sets_aside(cell: Cell, layer: Version) -> bool:
    return cell.overrules_agency and layer.owner_kind == Owner.AGENCY


def _source_of(limit: CombinedCell, field: str) -> str:
    source = limit.source_of(field)
    return source_name(source) if source else ""


def _wider(scope: Scope, limit: Scope) -> list[tuple[str, str]]:
    """Yield each field in which a scope allows more than its limit."""
    reasons = [
        ("territories", _outside("territories", scope.territories, limit.territories)),
        ("languages", _outside("languages", scope.languages, limit.languages)),
        ("licensees_allowed", _unlisted_licensees(scope, limit)),
        ("licensees_excluded", _excluded_licensees(scope, limit)),
        ("valid_from", _early_start(scope, limit)),
        ("valid_to", _late_end(scope, limit)),
        ("notice_hours", _shorter_notice(scope, limit)),
        ("real_time", _real_time(scope, limit)),
        ("maximum_hours", _more_hours(scope, limit)),
    ]
    return [(field, reason) for field, reason in reasons if reason]


def _outside(noun: str, claimed: frozenset[str] | None, limit: frozenset[str] | None) -> str:
    outside = [code for code in claimed or () if not covers(limit, code)]
    if not outside:
        return ""
    return f"{noun} {in_order(outside)} are outside {in_order(limit) if limit else 'none at all'}"


def _unlisted_licensees(scope: Scope, limit: Scope) -> str:
    if limit.licensees_allowed is None:
        return ""
    outside = (scope.licensees_allowed or frozenset()) - limit.licensees_allowed
    return f"licensees {in_order(outside)} are not among those allowed" if outside else ""


def _excluded_licensees(scope: Scope, limit: Scope) -> str:
    both = (scope.licensees_allowed or frozenset()) & limit.licensees_excluded
    return f"licensees {in_order(both)} are excluded" if both else ""


def _early_start(scope: Scope, limit: Scope) -> str:
    if scope.valid_from is None or limit.valid_from is None or scope.valid_from >= limit.valid_from:
        return ""
    return f"it would start before {limit.valid_from.date()}"


def _late_end(scope: Scope, limit: Scope) -> str:
    if scope.valid_to is None or limit.valid_to is None or scope.valid_to <= limit.valid_to:
        return ""
    return f"it would go on after {limit.valid_to.date()}"


def _shorter_notice(scope: Scope, limit: Scope) -> str:
    if scope.notice_hours is None or limit.notice_hours is None:
        return ""
    shorter = scope.notice_hours < limit.notice_hours
    return f"the notice is shorter than {limit.notice_hours} hours" if shorter else ""


def _real_time(scope: Scope, limit: Scope) -> str:
    refused = scope.real_time and limit.real_time is False
    return "real-time generation is not allowed" if refused else ""


def _more_hours(scope: Scope, limit: Scope) -> str:
    if scope.maximum_hours is None or limit.maximum_hours is None:
        return ""
    more = scope.maximum_hours > limit.maximum_hours
    return f"it is more than {limit.maximum_hours} hours" if more else ""
