"""The consent matrix: stances, versions and how layers combine, without any framework.

Layers combine guild → agency → performer → twin. Adding a layer can only narrow the result, except
that a performer may overrule an agency's default. A guild and an agency never allow anything by
themselves: they bound what the performer, or who may speak for them, has said.
"""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache, lru_cache

from talent.words import Owner, Right, Stance, Use

from .scope import EVERYWHERE, MERGES, Limit, Scope, common_scope

CellKey = tuple[str, str]  # a right and a use
TRAINING_DOOR: CellKey = (Right.TRAINING_DATA.value, Use.TRAINING.value)

# Whose matrices may allow: a performer's own, for all their twins, and those of single twins.
VOICES = frozenset({Owner.PERFORMER.value, Owner.TWIN.value})
# A composite's own matrix is its agency's word. It narrows, but speaks for none of its sources.
VOICES_IN_A_COMPOSITE = frozenset({Owner.PERFORMER.value})


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
    """What all layers together say about one right in one use, and which layer decided it.

    `door_limits` are those of the door to training, which count the training of every right.
    """

    right: str
    use: str
    stance: Stance
    scope: Scope
    decided_by: Source | None
    scope_by: tuple[tuple[str, Source], ...] = ()
    door_limits: tuple[Limit, ...] = ()

    def source_of(self, field: str) -> Source | None:
        """Return the version that set a field of the scope, or else the one that set the stance."""
        return dict(self.scope_by).get(field, self.decided_by)


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
    kinds in `voices` has the cell it is denied, whatever a guild or an agency says, and so is real
    time that none of them allows. Training has one door: with any right it needs that cell and
    training data's own.
    """
    layers = tuple(layers)
    cell = _spoken_cell(layers, right, use, voices)
    if use != Use.TRAINING:
        return cell
    door = _spoken_cell(layers, *TRAINING_DOOR, voices)
    both = _stricter_of(cell, door) if is_behind_the_door(right, use) else door
    return replace(both, door_limits=door.scope.limits)


def is_behind_the_door(right: str, use: str) -> bool:
    """Tell whether a cell also needs that of training data in training."""
    return use == Use.TRAINING and right != Right.TRAINING_DATA


def keys_needed(right: str, use: str) -> tuple[CellKey, ...]:
    """Return the cells by which a right in a use is judged: its own, and the door to training."""
    own = (right, use)
    return (own, TRAINING_DOOR) if is_behind_the_door(right, use) else (own,)


def _spoken_cell(
    layers: Sequence[Version], right: str, use: str, voices: Container[str]
) -> CombinedCell:
    cells = _cells_of(sorted(layers, key=_rank), right, use, voices)
    combined = _combined(cells, right, use)
    spoken = any(source.owner_kind in voices for _cell, source in cells)
    if not spoken and combined.stance is not Stance.DENY:
        return CombinedCell(right, use, Stance.DENY, EVERYWHERE, decided_by=None)
    expressly = any(cell.scope.real_time for cell, by in cells if by.owner_kind in voices)
    return combined if expressly else _without_real_time(combined)


def _without_real_time(cell: CombinedCell) -> CombinedCell:
    """Return a cell that real time was allowed in by a guild or an agency only: it is unset."""
    if not cell.scope.real_time:
        return cell
    scope_by = tuple((name, by) for name, by in cell.scope_by if name != "real_time")
    return replace(cell, scope=replace(cell.scope, real_time=None), scope_by=scope_by)


def _stricter_of(cell: CombinedCell, door: CombinedCell) -> CombinedCell:
    """Return a cell no wider than the door to training, naming who decided."""
    scope = common_scope(cell.scope, door.scope)
    # Real time unset is no permission, and the other cell's permission does not replace it.
    scope = replace(scope, real_time=bool(cell.scope.real_time and door.scope.real_time))
    decisive = max(cell, door, key=lambda one: strictness(one.stance))
    by_door = {
        name: by for name, by in door.scope_by if getattr(scope, name) != getattr(cell.scope, name)
    }
    sources = {**dict(cell.scope_by), **by_door}
    return CombinedCell(
        cell.right, cell.use, decisive.stance, scope, decisive.decided_by, tuple(sources.items())
    )


def combined_limit(layers: Iterable[Version], right: str, use: str) -> CombinedCell:
    """Combine what layers say about a cell as a bound on what others may say below them.

    Where no layer has the cell it is denied, with nobody who decided so.
    """
    return _combined(_cells_of(sorted(layers, key=_rank), right, use, VOICES), right, use)


def _combined(cells: Sequence[tuple[Cell, Source]], right: str, use: str) -> CombinedCell:
    if not cells:
        return CombinedCell(right, use, Stance.DENY, EVERYWHERE, decided_by=None)
    decisive, source = max(cells, key=lambda pair: strictness(pair[0].stance))
    scope, sources = _combined_scope(cells)
    return CombinedCell(right, use, _stance(decisive.stance), scope, source, sources)


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
                "channel, production, licensee, brand or end. A consent has to say what it is for; "
                "name the uses meant, or bound them."
            )
    return ""


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


def _cells_of(
    layers: Sequence[Version], right: str, use: str, voices: Container[str]
) -> list[tuple[Cell, Source]]:
    cells = [
        (cell, _source(version))
        for version in layers
        for cell in version.cells
        if cell.right == right and cell.use == use
    ]
    if not any(cell.overrules_agency and source.owner_kind in voices for cell, source in cells):
        return cells
    return [pair for pair in cells if pair[1].owner_kind != Owner.AGENCY]


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
            sources |= {n: source for n in MERGES if getattr(after, n) != getattr(scope, n)}
        scope = after
    return scope, tuple(sources.items())


def _bounded(scope: Scope) -> bool:
    lists = (
        scope.territories,
        scope.languages,
        scope.channels_allowed,
        scope.productions_allowed,
        scope.licensees_allowed,
        scope.brands_allowed,
    )
    return any(codes is not None for codes in lists) or scope.valid_to is not None
