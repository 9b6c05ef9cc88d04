"""The consent matrix: stances, scope, inheritance and the subset rule, without any framework.

Layers combine guild → agency → performer → twin. Adding a layer can only narrow the result, except
that a performer may overrule an agency's default. A guild and an agency never allow anything by
themselves: they bound what the performer, or who may speak for them, has said.
"""

from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any

import pycountry

from talent.words import Owner, Right, Stance, Use

CellKey = tuple[str, str]  # a right and a use
NOTHING: frozenset[str] = frozenset()

# Whose matrices may allow: a performer's own, for all their twins, and those of single twins.
VOICES = frozenset({Owner.PERFORMER.value, Owner.TWIN.value})
# A composite's own matrix is its agency's word. It narrows, but speaks for none of its sources.
VOICES_IN_A_COMPOSITE = frozenset({Owner.PERFORMER.value})


@dataclass(frozen=True, slots=True)
class Scope:
    """Where, when and for whom a stance holds.

    None is unset (nothing narrowed here); an empty set of territories, languages or allowed
    licensees means none at all. Dates are half-open; `maximum_hours` are synthetic hours.
    """

    territories: frozenset[str] | None = None
    languages: frozenset[str] | None = None
    licensees_allowed: frozenset[str] | None = None
    licensees_excluded: frozenset[str] = NOTHING
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    notice_hours: int | None = None
    exclusions: frozenset[str] = NOTHING
    real_time: bool | None = None
    maximum_hours: Decimal | None = None


EVERYWHERE = Scope()


@dataclass(frozen=True, slots=True)
class Cell:
    """What one owner says about one right in one use."""

    right: str
    use: str
    stance: str
    scope: Scope = EVERYWHERE
    overrules_agency: bool = False


@dataclass(frozen=True, slots=True)
class Version:
    """One recorded state of an owner's matrix; once recorded it never changes."""

    id: str
    number: int
    owner_kind: str
    owner: str
    in_force_from: datetime
    recorded_at: datetime
    cells: tuple[Cell, ...] = ()
    recorded_by: str = ""

    def __hash__(self) -> int:
        return hash(self.id)


@dataclass(frozen=True, slots=True)
class Source:
    """The version that set a stance or field: its owner, who recorded it, in force since when."""

    owner_kind: str
    owner: str
    version: str
    number: int
    in_force_from: datetime
    recorded_by: str


@dataclass(frozen=True, slots=True)
class CombinedCell:
    """What all layers together say about one right in one use, and which layer decided it."""

    right: str
    use: str
    stance: Stance
    scope: Scope
    decided_by: Source | None
    scope_by: tuple[tuple[str, Source], ...] = ()

    def source_of(self, field: str) -> Source | None:
        """Return the version that set a field of the scope, or else the one that set the stance."""
        return dict(self.scope_by).get(field, self.decided_by)


@dataclass(frozen=True, slots=True)
class Breach:
    """A field of a scope that a use violates, and what would be within it."""

    field: str
    reason: str
    change: str


@dataclass(frozen=True, slots=True)
class GrantSought:
    """What an agreement would grant to a licensee; None stands for any."""

    right: str
    use: str
    licensee: str
    starts_at: datetime
    ends_at: datetime | None = None
    territories: frozenset[str] | None = None
    languages: frozenset[str] | None = None
    real_time: bool = False


def in_force(versions: Iterable[Version], at: datetime, known_at: datetime) -> Version | None:
    """Return the version in force at `at`, among those recorded by `known_at`; None: none.

    The latest `in_force_from` wins; of equals, the highest number.
    """
    latest: Version | None = None
    for version in versions:
        counts = version.in_force_from <= at and version.recorded_at <= known_at
        if counts and (latest is None or _starts(version) > _starts(latest)):
            latest = version
    return latest


def _starts(version: Version) -> tuple[datetime, int]:
    return version.in_force_from, version.number


def combined_cell(
    layers: Iterable[Version], right: str, use: str, *, voices: Container[str] = VOICES
) -> CombinedCell:
    """Combine what the versions in force say about one right in one use.

    Deny outranks ask, ask outranks allow. A layer without the cell inherits. Where no layer of the
    kinds in `voices` has the cell it is denied, whatever a guild or an agency says.
    """
    cells = _cells_of(sorted(layers, key=_rank), right, use)
    combined = _combined(cells, right, use)
    spoken = any(source.owner_kind in voices for _cell, source in cells)
    if spoken or combined.stance is Stance.DENY:
        return combined
    return CombinedCell(right, use, Stance.DENY, EVERYWHERE, decided_by=None)


def combined_limit(layers: Iterable[Version], right: str, use: str) -> CombinedCell:
    """Combine what layers say about a cell as a bound on what others may say below them.

    Where no layer has the cell it is denied, with nobody who decided so.
    """
    return _combined(_cells_of(sorted(layers, key=_rank), right, use), right, use)


def _combined(cells: Sequence[tuple[Cell, Source]], right: str, use: str) -> CombinedCell:
    if not cells:
        return CombinedCell(right, use, Stance.DENY, EVERYWHERE, decided_by=None)
    decisive, source = max(cells, key=lambda pair: strictness(pair[0].stance))
    scope, sources = _combined_scope(cells)
    return CombinedCell(right, use, _stance(decisive.stance), scope, source, sources)


def common_scope(first: Scope, second: Scope) -> Scope:
    """Return what both scopes allow: lists and dates intersect, exclusions unite."""
    if first in (EVERYWHERE, second):
        return second
    return Scope(**{name: merge(first, second, name) for name, merge in _MERGES.items()})


def covers(allowed: frozenset[str] | None, code: str | None) -> bool:
    """Tell whether a list of territories or languages covers a code: `fr` covers `fr-CA`."""
    if allowed is None:
        return True
    return code is not None and (code in allowed or any(_within(code, item) for item in allowed))


def breaches(
    scope: Scope,
    *,
    at: datetime,
    licensee: str,
    territory: str | None,
    language: str | None,
    content: Sequence[str] = (),
    real_time: bool = False,
    noticed_at: datetime | None = None,
) -> tuple[Breach, ...]:
    """List how a use is outside of a scope; an empty tuple: it is inside.

    Real-time generation must be allowed explicitly. A required notice runs from `noticed_at`; None
    means that no notice was given.
    """
    if not real_time and scope == EVERYWHERE:
        return ()
    candidates = [
        _outside_list("territories", "territory", scope.territories, territory),
        _outside_list("languages", "language", scope.languages, language),
        _licensee_not_allowed(scope, licensee),
        _licensee_excluded(scope, licensee),
        _too_early(scope, at),
        _too_late(scope, at),
        _excluded_content(scope, content),
        _not_real_time(scope, real_time=real_time),
        _short_notice(scope, at, noticed_at),
    ]
    return tuple(breach for breach in candidates if breach)


def excesses(grant: GrantSought, cell: CombinedCell) -> tuple[str, ...]:
    """Say how a grant exceeds the consent; an empty tuple: it is within it.

    A cell with the stance “ask” may be granted: each use of it then needs an approval.
    """
    name = cell_name(grant.right, grant.use)
    if cell.stance is Stance.DENY:
        by = (
            f" by {source_name(cell.decided_by)}"
            if cell.decided_by
            else ", because nobody allows it"
        )
        return (f"{name} is denied{by}.",)
    scope = cell.scope
    reasons = [
        _list_exceeds("territories", grant.territories, scope.territories),
        _list_exceeds("languages", grant.languages, scope.languages),
        _licensee_exceeds(grant.licensee, scope),
        _term_exceeds(grant, scope),
        "real-time generation is not allowed" if grant.real_time and not scope.real_time else "",
    ]
    return tuple(f"{name}: {reason}." for reason in reasons if reason)


def blanket_reason(cells: Iterable[Cell]) -> str:
    """Say why a matrix is a blanket consent; an empty text where it is none.

    A right that is allowed in every use, with no place, language, licensee or end, describes
    no use at all (CA Lab. C. §927, NY GOL §5-302: a reasonably specific description).
    """
    unbounded: dict[str, set[str]] = {}
    for cell in cells:
        if cell.stance == Stance.ALLOW and not _bounded(cell.scope):
            unbounded.setdefault(cell.right, set()).add(cell.use)
    for right, uses in unbounded.items():
        if uses >= set(Use.codes()):
            return (
                f"{label(Right, right)} is allowed in every use without a territory, language, "
                "licensee or end. A consent has to say what it is for; name the uses meant, or "
                "bound them."
            )
    return ""


@lru_cache(maxsize=1024)
def is_known_territory(code: str) -> bool:
    """Tell whether ISO 3166 has the code: a country, or a subdivision such as US-CA."""
    if "-" in code:
        return pycountry.subdivisions.get(code=code) is not None  # type: ignore[no-untyped-call]
    return pycountry.countries.get(alpha_2=code) is not None


@lru_cache(maxsize=1024)
def is_known_language(tag: str) -> bool:
    """Tell whether a tag is well formed and registered (BCP 47)."""
    # Imported here, since it reads its registry on import and would slow every start.
    from language_tags import tags

    return tag.isascii() and tag.replace("-", "").isalnum() and bool(tags.check(tag))


@lru_cache(maxsize=1024)
def cell_name(right: str, use: str) -> str:
    """Name a cell the way people read it: Voice in Dubbing."""
    return f"{label(Right, right)} in {label(Use, use)}"


def source_name(source: Source) -> str:
    """Name a source: Performer Ada Sample, version 3."""
    return f"{label(Owner, source.owner_kind)} {source.owner}, version {source.number}"


def label(words: type[Right] | type[Use] | type[Owner], code: str) -> str:
    """Return a code's label, or the code itself if it is no word of ours."""
    return _labels(words).get(code, str(code))


@cache
def _labels(words: type[Right] | type[Use] | type[Owner]) -> dict[str, str]:
    return dict(words.choices())


def owner_rank(owner_kind: str) -> int:
    """Return an owner's place in the order of inheritance; an unknown one comes last."""
    return _RANKS.get(owner_kind, len(_RANKS))


def strictness(stance: str) -> int:
    """Return how strict a stance is; an unknown one as strict as deny."""
    return _STRICTNESS.get(stance, _STRICTNESS[Stance.DENY])


_RANKS = {owner.value: rank for rank, owner in enumerate(Owner)}
_STANCES = {stance.value: stance for stance in Stance}
_STRICTNESS = {Stance.ALLOW.value: 0, Stance.ASK.value: 1, Stance.DENY.value: 2}


def _rank(version: Version) -> int:
    return owner_rank(version.owner_kind)


def _stance(code: str) -> Stance:
    return _STANCES.get(code, Stance.DENY)


def _cells_of(layers: Sequence[Version], right: str, use: str) -> list[tuple[Cell, Source]]:
    cells = [
        (cell, _source(version))
        for version in layers
        for cell in version.cells
        if cell.right == right and cell.use == use
    ]
    if not any(_overrules(cell, source) for cell, source in cells):
        return cells
    return [pair for pair in cells if pair[1].owner_kind != Owner.AGENCY]


def _overrules(cell: Cell, source: Source) -> bool:
    return cell.overrules_agency and source.owner_kind in (Owner.PERFORMER, Owner.TWIN)


def _source(version: Version) -> Source:
    return Source(
        version.owner_kind,
        version.owner,
        version.id,
        version.number,
        version.in_force_from,
        version.recorded_by,
    )


def _combined_scope(
    cells: Sequence[tuple[Cell, Source]],
) -> tuple[Scope, tuple[tuple[str, Source], ...]]:
    """Return the scope of all layers and, for each field, the last layer that narrowed it."""
    sources: dict[str, Source] = {}
    scope = EVERYWHERE
    for cell, source in cells:
        after = common_scope(scope, cell.scope)
        if after != scope:
            sources |= {n: source for n in _MERGES if getattr(after, n) != getattr(scope, n)}
        scope = after
    return scope, tuple(sources.items())


def _within(code: str, wider: str) -> bool:
    code, wider = code.lower(), wider.lower()
    return code == wider or code.startswith(wider + "-")


def _overlap(first: frozenset[str] | None, second: frozenset[str] | None) -> frozenset[str] | None:
    if first is None or second is None:
        return second if first is None else first
    return frozenset(
        [code for code in first if covers(second, code)]
        + [code for code in second if covers(first, code)]
    )


def _shared(first: frozenset[str] | None, second: frozenset[str] | None) -> frozenset[str] | None:
    if first is None or second is None:
        return second if first is None else first
    return first & second


def _set_only(choose: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def pick(first: Any, second: Any) -> Any:
        if first is None or second is None:
            return second if first is None else first
        return choose(first, second)

    return pick


def _by(choose: Callable[[Any, Any], Any]) -> Callable[[Scope, Scope, str], Any]:
    return lambda first, second, name: choose(getattr(first, name), getattr(second, name))


_MERGES: dict[str, Callable[[Scope, Scope, str], Any]] = {
    "territories": _by(_overlap),
    "languages": _by(_overlap),
    "licensees_allowed": _by(_shared),
    "licensees_excluded": _by(frozenset.union),
    "valid_from": _by(_set_only(max)),
    "valid_to": _by(_set_only(min)),
    "notice_hours": _by(_set_only(max)),
    "exclusions": _by(frozenset.union),
    "real_time": _by(_set_only(min)),
    "maximum_hours": _by(_set_only(min)),
}


def _outside_list(
    field: str, noun: str, allowed: frozenset[str] | None, code: str | None
) -> Breach | None:
    if covers(allowed, code):
        return None
    if not allowed:
        return Breach(field, f"the consent names no {noun}, which means none", "")
    change = f"use one of these: {in_order(allowed)}"
    if code is None:
        return Breach(field, f"no {noun} was stated and the consent is limited", change)
    return Breach(field, f"{noun} {code} is outside the consent", change)


def _licensee_excluded(scope: Scope, licensee: str) -> Breach | None:
    if licensee not in scope.licensees_excluded:
        return None
    return Breach("licensees_excluded", "this licensee is excluded", "")


def _licensee_not_allowed(scope: Scope, licensee: str) -> Breach | None:
    if scope.licensees_allowed is None or licensee in scope.licensees_allowed:
        return None
    return Breach("licensees_allowed", "this licensee is not among those allowed", "")


def _too_early(scope: Scope, at: datetime) -> Breach | None:
    if scope.valid_from is None or at >= scope.valid_from:
        return None
    starts = scope.valid_from.date()
    return Breach("valid_from", f"the consent starts on {starts}", f"wait until {starts}")


def _too_late(scope: Scope, at: datetime) -> Breach | None:
    if scope.valid_to is None or at < scope.valid_to:
        return None
    return Breach("valid_to", f"the consent ended on {scope.valid_to.date()}", "")


def _excluded_content(scope: Scope, content: Sequence[str]) -> Breach | None:
    excluded = sorted(scope.exclusions.intersection(content))
    if not excluded:
        return None
    names = in_order(excluded)
    return Breach("exclusions", f"content is excluded: {names}", f"leave out: {names}")


def _not_real_time(scope: Scope, *, real_time: bool) -> Breach | None:
    if not real_time or scope.real_time:
        return None
    return Breach(
        "real_time", "real-time generation is not allowed", "generate ahead, not in real time"
    )


def _short_notice(scope: Scope, at: datetime, noticed_at: datetime | None) -> Breach | None:
    if not scope.notice_hours:
        return None
    hours_given = (at - noticed_at) // timedelta(hours=1) if noticed_at else 0
    if hours_given >= scope.notice_hours:
        return None
    hours = f"{scope.notice_hours} hours"
    return Breach("notice_hours", f"{hours}' notice is required", f"give {hours}' notice")


def _list_exceeds(noun: str, granted: frozenset[str] | None, allowed: frozenset[str] | None) -> str:
    if allowed is None:
        return ""
    if granted is None:
        return (
            f"the grant names no {noun}, so all of them, and the consent covers {_or_none(allowed)}"
        )
    outside = [code for code in granted if not covers(allowed, code)]
    if not outside:
        return ""
    return f"{noun} {in_order(outside)} are outside the consent, which covers {_or_none(allowed)}"


def _licensee_exceeds(licensee: str, scope: Scope) -> str:
    breach = _licensee_excluded(scope, licensee) or _licensee_not_allowed(scope, licensee)
    return breach.reason if breach else ""


def _term_exceeds(grant: GrantSought, scope: Scope) -> str:
    if scope.valid_from and grant.starts_at < scope.valid_from:
        return f"the term starts before the consent does on {scope.valid_from.date()}"
    if scope.valid_to and (grant.ends_at is None or grant.ends_at > scope.valid_to):
        return f"the term goes on after the consent ends on {scope.valid_to.date()}"
    return ""


def _bounded(scope: Scope) -> bool:
    places = (scope.territories, scope.languages, scope.licensees_allowed)
    return any(place is not None for place in places) or scope.valid_to is not None


def in_order(codes: Iterable[str]) -> str:
    """List codes in a stable order."""
    return ", ".join(sorted(codes))


def _or_none(allowed: frozenset[str]) -> str:
    return f"only {in_order(allowed)}" if allowed else "none"
