"""Differences between two versions of a matrix, in words for people to read."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from functools import partial

from talent.territories import place_name, place_names
from talent.words import Right, Stance, Use

from .matrix import Cell, cell_name
from .scope import (
    EVERYWHERE,
    LanguagesIn,
    Limit,
    Scope,
    channel_names,
    codes_in_words,
    content_names,
    in_order,
    language_names,
    limit_in_words,
)

INHERITS = "inherits"


class Kind(StrEnum):
    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field of a cell in words, before and after."""

    field: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class CellChange:
    """How one right in one use differs between two versions."""

    right: str
    use: str
    kind: Kind
    fields: tuple[FieldChange, ...]

    @property
    def name(self) -> str:
        return cell_name(self.right, self.use)


def differences(before: Iterable[Cell], after: Iterable[Cell]) -> tuple[CellChange, ...]:
    """List the cells that differ, in the order of rights and uses; what is equal is left out."""
    old = {(cell.right, cell.use): cell for cell in before}
    new = {(cell.right, cell.use): cell for cell in after}
    keys = sorted(old | new, key=_place)
    changes = (_change(key, old.get(key), new.get(key)) for key in keys)
    return tuple(change for change in changes if change)


def _place(key: tuple[str, str]) -> tuple[int, int, str, str]:
    right, use = key
    return _RIGHTS.get(right, len(_RIGHTS)), _USES.get(use, len(_USES)), right, use


_RIGHTS = {code: place for place, code in enumerate(Right.codes())}
_USES = {code: place for place, code in enumerate(Use.codes())}


def _change(key: tuple[str, str], old: Cell | None, new: Cell | None) -> CellChange | None:
    if old == new:
        return None
    kind = Kind.ADDED if old is None else Kind.REMOVED if new is None else Kind.CHANGED
    return CellChange(*key, kind, tuple(_field_changes(old, new)))


def _field_changes(old: Cell | None, new: Cell | None) -> Iterable[FieldChange]:
    stances = [_STANCES.get(cell.stance, cell.stance) if cell else INHERITS for cell in (old, new)]
    if stances[0] != stances[1]:
        yield FieldChange("stance", *stances)
    scopes = [cell.scope if cell else EVERYWHERE for cell in (old, new)]
    for field in fields(Scope):
        before, after = (getattr(scope, field.name) for scope in scopes)
        if before != after:
            words = (field_in_words(field.name, value) for value in (before, after))
            yield FieldChange(LABELS[field.name], *words)
    overrules = [bool(cell and cell.overrules_agency) for cell in (old, new)]
    if overrules[0] != overrules[1]:
        yield FieldChange("agency’s default overruled", *("yes" if o else "no" for o in overrules))


_STANCES = {stance.value: stance.label.lower() for stance in Stance}

LABELS = {
    "territories": "territories",
    "territories_excluded": "territories left out",
    "languages": "languages",
    "languages_in": "languages by territory",
    "channels_allowed": "channels allowed",
    "channels_excluded": "channels left out",
    "productions_allowed": "productions allowed",
    "productions_excluded": "productions excluded",
    "licensees_allowed": "licensees allowed",
    "licensees_excluded": "licensees excluded",
    "brands_allowed": "brands allowed",
    "brands_excluded": "brands excluded",
    "valid_from": "valid from",
    "valid_to": "valid to",
    "notice_hours": "hours of notice before a use",
    "withdrawal_notice_hours": "hours of notice of a withdrawal",
    "exclusions": "content excluded",
    "real_time": "real-time generation",
    "limits": "at most",
}

# An empty list of these allows nothing; an empty list of the others excludes nothing.
LIMITING = frozenset(
    {
        "territories", "languages", "channels_allowed", "productions_allowed", "licensees_allowed",
        "brands_allowed",
    }
)  # fmt: skip


def field_in_words(field: str, value: object) -> str:
    """Return a field of a scope in words.

    None is “not said”; an empty list is “none at all” where it allows nothing, else “nothing”.
    """
    if value is None:
        return "not said"
    if isinstance(value, frozenset):
        return _list_in_words(field, value)
    if isinstance(value, tuple):
        return ", ".join(_part_in_words(part) for part in value) or "nothing"
    if isinstance(value, bool):
        return "allowed" if value else "not allowed"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d}" if value.hour == value.minute == 0 else f"{value:%Y-%m-%d %H:%M}"
    return str(value)


def _part_in_words(part: object) -> str:
    if isinstance(part, Limit):
        return limit_in_words(part)
    assert isinstance(part, LanguagesIn), "a scope has no other parts"  # noqa: S101
    languages = language_names(part.languages) or "no language"
    return f"{languages} in {place_name(part.territory)}"


def bounds_in_words(scope: Scope) -> dict[str, str]:
    """Return the fields of a scope in words, by label; fields not set are left out."""
    return {
        label: field_in_words(name, value)
        for name, label in LABELS.items()
        if (value := getattr(scope, name)) != getattr(EVERYWHERE, name)
    }


_NAMES: dict[str, Callable[[Iterable[str]], str]] = {
    "territories": place_names,
    "territories_excluded": place_names,
    "languages": language_names,
    "exclusions": content_names,
    "channels_allowed": channel_names,
    "channels_excluded": channel_names,
    "brands_excluded": partial(codes_in_words, "brand"),
}


def _list_in_words(field: str, codes: frozenset[str]) -> str:
    if not codes:
        return "none at all" if field in LIMITING else "nothing"
    return _NAMES.get(field, in_order)(codes)
