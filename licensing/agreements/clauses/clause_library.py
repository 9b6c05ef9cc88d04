"""The clause library: versions of clauses with the deals they apply to, read from files.

A clause of the library states no number of its own: what is agreed stands in the terms, and is
said where a placeholder names it. Templates say which clauses a kind of deal has, in which order.
"""

import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any

from licensing.words import Confidence, DealKind, Situation
from talent.words import Guild, LegalClass, Life, Tier, Use, Word

from . import wording
from .placeholders import PLACEHOLDERS
from .wording import ClauseIsBroken

HERE = Path(__file__).parent
LIBRARY, TEMPLATES = HERE / "library", HERE / "templates"


@dataclass(frozen=True, slots=True)
class Applies:
    """To which deals a clause applies. Empty: to any. All that is said must fit.

    Of `situations` every one must hold; of all else one of those named.
    """

    kinds: frozenset[str] = frozenset()
    tiers: frozenset[str] = frozenset()
    classes: frozenset[str] = frozenset()
    uses: frozenset[str] = frozenset()
    guilds: frozenset[str] = frozenset()
    lives: frozenset[str] = frozenset()
    laws: frozenset[str] = frozenset()
    situations: frozenset[str] = frozenset()

    def to(self, deal: "Deal") -> bool:
        """Tell whether a clause applies to a deal."""
        asked = [
            (self.kinds, {deal.kind}),
            (self.tiers, {deal.tier}),
            (self.classes, {deal.legal_class}),
            (self.uses, deal.uses),
            (self.guilds, {deal.guild}),
            (self.lives, deal.lives),
            (self.laws, {deal.law, deal.law[:2]}),
        ]
        return self.situations <= deal.situations and all(
            not named or named & set(has) for named, has in asked
        )

    def as_json(self) -> dict[str, list[str]]:
        """Return what is said as JSON; what is not said is left out."""
        said = {column.name: getattr(self, column.name) for column in fields(self)}
        return {name: sorted(codes) for name, codes in said.items() if codes}


# What each part of `Applies` may name; a law is a country or a part of one.
APPLIES_TO: Mapping[str, type[Word] | None] = {
    "kinds": DealKind,
    "tiers": Tier,
    "classes": LegalClass,
    "uses": Use,
    "guilds": Guild,
    "lives": Life,
    "laws": None,
    "situations": Situation,
}


@dataclass(frozen=True, slots=True)
class Deal:
    """What of a deal decides which clauses apply."""

    kind: str
    tier: str
    legal_class: str
    guild: str
    law: str
    uses: frozenset[str] = frozenset()
    lives: frozenset[str] = frozenset()
    situations: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class LibraryClause:
    """A version of a clause."""

    code: str
    version: int
    section: str
    title: str
    body: str
    gloss: str = ""
    applies: Applies = field(default_factory=Applies)
    required: bool = True
    mirrors: tuple[str, ...] = ()
    source: str = ""


@dataclass(frozen=True, slots=True)
class Default:
    """A figure that a template begins with, and where it comes from."""

    field: str
    value: str | int | bool
    source: str
    confidence: Confidence


@dataclass(frozen=True, slots=True)
class Template:
    """Which clauses a kind of deal has, in their order, and what its terms begin with."""

    kind: DealKind
    title: str
    about: str
    clauses: tuple[str, ...]
    defaults: tuple[Default, ...]


def applies_of(said: Mapping[str, Any], *, where: str) -> Applies:
    """Return to which deals a clause applies. Raises ClauseIsBroken for a word that is unknown."""
    for name, codes in said.items():
        if name not in APPLIES_TO:
            raise ClauseIsBroken(f"{where}: it can't apply by {name}.")
        words = APPLIES_TO[name]
        unknown = [code for code in codes if words is not None and code not in words.codes()]
        if unknown:
            raise ClauseIsBroken(f"{where}: {name} has no {', '.join(unknown)}.")
    return Applies(**{name: frozenset(codes) for name, codes in said.items()})


def check(body: str, *, where: str) -> None:
    """Raise ClauseIsBroken for wording that cannot be read, or a placeholder that there is not."""
    for name in wording.slots(body, where=where):
        if name not in PLACEHOLDERS:
            raise ClauseIsBroken(
                f"{where}: there is no term “{name}”. Choose one of those that are listed."
            )


@cache
def read_library(directory: Path = LIBRARY) -> tuple[LibraryClause, ...]:
    """Return every clause of the library, in the order of its files.

    Raises ClauseIsBroken, naming file and clause.
    """
    found = [one for path in sorted(directory.glob("*.toml")) for one in _read(path)]
    codes = [(one.code, one.version) for one in found]
    twice = sorted({code for code, version in codes if codes.count((code, version)) > 1})
    if twice:
        raise ClauseIsBroken(f"{', '.join(twice)}: the same version stands in the library twice.")
    return tuple(found)


def _read(path: Path) -> Iterable[LibraryClause]:
    content = _toml(path)
    shared = content.get("shared", {})
    for table in content.get("clause", []):
        entry = {**shared, **table}
        where = f"{path.name}: {entry.get('code', 'a clause without a code')}"
        applies = applies_of(entry.pop("applies", {}), where=where)
        try:
            clause = LibraryClause(
                **{name: _stripped(value) for name, value in entry.items()}, applies=applies
            )
        except TypeError as error:
            raise ClauseIsBroken(f"{where}: {error}") from error
        check(clause.body, where=where)
        yield clause


def _stripped(value: Any) -> Any:
    if isinstance(value, str):
        return value.strip()
    return tuple(value) if isinstance(value, list) else value


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ClauseIsBroken(f"{path.name}: {error}") from error


@cache
def templates(directory: Path = TEMPLATES) -> dict[str, Template]:
    """Return the template of each kind of deal. Raises ClauseIsBroken, naming the file."""
    shared = _toml(directory / "shared.toml")
    order, known = shared["clauses"], {one.code for one in read_library()}
    found = {}
    for kind in DealKind:
        content = _toml(directory / f"{kind.value}.toml")
        codes = _in_order(order, content)
        if unknown := [code for code in codes if code not in known]:
            raise ClauseIsBroken(f"{kind.value}.toml: no clause {', '.join(unknown)}.")
        rows = {row["field"]: row for row in [*shared["default"], *content.get("default", [])]}
        found[kind.value] = Template(
            kind=kind,
            title=content["title"],
            about=content["about"].strip(),
            clauses=tuple(codes),
            defaults=tuple(_default(row) for row in rows.values()),
        )
    return found


def _in_order(order: Sequence[str], content: Mapping[str, Any]) -> list[str]:
    codes = [code for code in order if code not in content.get("without", [])]
    for row in content.get("also", []):
        codes.insert(codes.index(row["after"]) + 1, row["clause"])
    return codes


def _default(row: Mapping[str, Any]) -> Default:
    return Default(row["field"], row["value"], row["source"], Confidence(row["confidence"]))


def chosen(
    deal: Deal, offered: Collection[LibraryClause], *, left_out: Collection[str] = ()
) -> list[LibraryClause]:
    """Return the clauses of a deal, in the order of its template; an agency's own stand last.

    A clause that is required is never left out.
    """
    order = templates()[deal.kind].clauses
    place = {code: number for number, code in enumerate(order)}
    applying = [
        one
        for one in offered
        if one.applies.to(deal) and (one.required or one.code not in left_out)
        if one.code in place or not is_of_the_library(one.code)
    ]
    return sorted(applying, key=lambda one: (place.get(one.code, len(place)), one.code))


def is_of_the_library(code: str) -> bool:
    """Tell whether a clause is the desk's; those of agencies have codes that begin with own."""
    return not code.startswith("own.")
