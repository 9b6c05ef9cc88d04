"""Consents: recording versions of an owner's matrix, and reading them back."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from operator import attrgetter
from typing import Any

import msgspec
from django.db import transaction
from django.db.models import Max, Prefetch, Q

from talent.errors import Refused
from talent.lineage import contamination
from talent.models import (
    Agency,
    ConsentCell,
    ConsentMatrix,
    ConsentVersion,
    DigitalTwin,
    Performer,
    User,
)
from talent.territories import is_known_place
from talent.words import (
    BrandCategory,
    Channel,
    ConsentMethod,
    Exclusion,
    Guild,
    Meter,
    Owner,
    RepresentedBy,
    Stance,
)

from .matrix import TRAINING_DOOR, Cell, Version, blanket_reason, cell_name
from .scope import CATEGORY, LanguagesIn, Limit, Scope, in_order, is_known_language

Layer = tuple[str, object]  # an owner's kind with its guild code or id


class BlanketConsent(Refused):
    """The cells allow everything and describe nothing."""

    code = "blanket_consent"


class ContradictoryConsent(Refused):
    """The cells contradict each other or themselves: one occurs twice, or ends before it starts."""

    code = "contradictory_consent"


class UnknownCode(Refused):
    """A scope names a territory that ISO 3166 or a language that BCP 47 doesn't have, or a word."""

    code = "unknown_scope_code"


@dataclass(frozen=True)
class Evidence:
    """How a consent was given: the text that was shown, and who represented the person.

    The SHA-256 of `text_shown` is kept beside it.
    """

    text_shown: str
    method: str = ConsentMethod.ELECTRONIC.value
    represented_by: str = RepresentedBy.NONE.value
    representative: str = ""
    signed_on: date | None = None
    text_language: str = ""

    @classmethod
    def of(cls, version: ConsentVersion) -> "Evidence":
        return cls(**{field.name: getattr(version, field.name) for field in fields(cls)})


def matrix_of(
    *,
    guild: str = "",
    agency: Agency | None = None,
    performer: Performer | None = None,
    twin: DigitalTwin | None = None,
) -> ConsentMatrix:
    """Return the matrix of the one owner given; creates it on first use."""
    return ConsentMatrix.objects.get_or_create(
        guild=guild, agency=agency, performer=performer, twin=twin
    )[0]


@transaction.atomic
def record(
    *,
    matrix: ConsentMatrix,
    cells: Sequence[Cell],
    evidence: Evidence,
    in_force_from: datetime,
    recorded_at: datetime,
    by: User | None,
    reason: str = "",
) -> ConsentVersion:
    """Record a new version of a matrix; cells it leaves out are unset from `in_force_from` on.

    Raises BlanketConsent, ContradictoryConsent and UnknownCode.
    """
    if not matrix.guild:
        _refuse_blanket(cells)
    _refuse_contradictions(cells)
    _refuse_unknown_codes(cells)
    if evidence.text_language and not is_known_language(evidence.text_language):
        raise UnknownCode(f"The text's language has no such tag: {evidence.text_language}.")
    return add_version(
        matrix=matrix,
        cells=cells,
        evidence=evidence,
        in_force_from=in_force_from,
        recorded_at=recorded_at,
        by=by,
        reason=reason,
    )


@transaction.atomic
def add_version(
    *,
    matrix: ConsentMatrix,
    cells: Sequence[Cell],
    evidence: Evidence,
    in_force_from: datetime,
    recorded_at: datetime,
    by: User | None,
    reason: str = "",
) -> ConsentVersion:
    """Add a version without checking its cells: `record` has, or they only withdraw consent.

    One that allows no training contaminates the datasets that rest on an earlier one.
    """
    # The lock makes two recordings of one matrix count up one after the other.
    ConsentMatrix.objects.select_for_update(of=("self",)).get(pk=matrix.pk)
    last = matrix.versions.aggregate(number=Max("number"))["number"] or 0
    version = ConsentVersion.objects.create(
        matrix=matrix,
        number=last + 1,
        in_force_from=in_force_from,
        recorded_at=recorded_at,
        recorded_by=by,
        reason=reason,
        text_sha256=hashlib.sha256(evidence.text_shown.encode()).hexdigest(),
        **vars(evidence),
    )
    ConsentCell.objects.bulk_create(_row(version, cell) for cell in cells)
    trains = any(
        (cell.right, cell.use) == TRAINING_DOOR and cell.stance != Stance.DENY for cell in cells
    )
    contamination.follow_consent(version=version, allows_training=trains, at=recorded_at)
    return version


def versions_of(
    *,
    guilds: Iterable[str] = (),
    agencies: Iterable[int] = (),
    performers: Iterable[int] = (),
    twins: Iterable[int] = (),
    cells: Iterable[tuple[str, str]] | None = None,
    known_at: datetime,
) -> dict[Layer, list[Version]]:
    """Return all versions of these owners that were known, in two queries.

    `cells` are the (right, use) pairs wanted; None is all. Versions without a wanted cell are
    returned as well, since they unset the cells of earlier ones.
    """
    wanted = ConsentCell.objects.order_by("right", "use")
    if cells is not None:
        pairs = set(cells)
        wanted = wanted.filter(right__in={p[0] for p in pairs}, use__in={p[1] for p in pairs})
    rows = (
        ConsentVersion.objects.known(known_at)
        .filter(
            Q(matrix__guild__in=set(guilds) - {"", Guild.NONE.value})
            | Q(matrix__agency__in=set(agencies))
            | Q(matrix__performer__in=set(performers))
            | Q(matrix__twin__in=set(twins))
        )
        .select_related("matrix__agency", "matrix__performer", "matrix__twin", "recorded_by")
        .prefetch_related(Prefetch("cells", wanted, to_attr="wanted_cells"))
        .order_by("matrix", "number")
    )
    versions: dict[Layer, list[Version]] = {}
    for row in rows:
        layer, label = _owner(row.matrix)
        versions.setdefault(layer, []).append(_version(row, layer[0], label))
    return versions


def cells_of(version: ConsentVersion) -> tuple[Cell, ...]:
    """Return the cells of a recorded version."""
    return tuple(_cell(row) for row in version.cells.order_by("right", "use"))


def _owner(matrix: ConsentMatrix) -> tuple[Layer, str]:
    if matrix.guild:
        return (Owner.GUILD.value, matrix.guild), matrix.get_guild_display()
    if matrix.agency is not None:
        return (Owner.AGENCY.value, matrix.agency_id), matrix.agency.name
    if matrix.performer is not None:
        return (Owner.PERFORMER.value, matrix.performer_id), matrix.performer.name
    assert matrix.twin is not None, "the database gives every matrix one owner"  # noqa: S101
    return (Owner.TWIN.value, matrix.twin_id), matrix.twin.name


def _version(row: ConsentVersion, kind: str, owner: str) -> Version:
    return Version(
        id=str(row.pk),
        number=row.number,
        owner_kind=kind,
        owner=owner,
        in_force_from=row.in_force_from,
        recorded_at=row.recorded_at,
        cells=tuple(_cell(cell) for cell in row.wanted_cells),  # type: ignore[attr-defined]
        recorded_by=row.recorded_by.get_full_name() if row.recorded_by else "",
    )


def _cell(row: ConsentCell) -> Cell:
    return Cell(row.right, row.use, row.stance, scope_of(row), row.overrules_agency)


def scope_of(row: ConsentCell) -> Scope:
    """Return the scope that a recorded cell holds."""
    return Scope(
        territories=_set(row.territories),
        territories_excluded=frozenset(row.territories_excluded),
        languages=_set(row.languages),
        languages_in=msgspec.convert(row.languages_in, tuple[LanguagesIn, ...]),
        channels_allowed=_set(row.channels_allowed),
        channels_excluded=frozenset(row.channels_excluded),
        productions_allowed=_set(row.productions_allowed),
        productions_excluded=frozenset(row.productions_excluded),
        licensees_allowed=_set(row.licensees_allowed),
        licensees_excluded=frozenset(row.licensees_excluded),
        brands_allowed=_set(row.brands_allowed),
        brands_excluded=frozenset(row.brands_excluded),
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        notice_hours=row.notice_hours,
        withdrawal_notice_hours=row.withdrawal_notice_hours,
        exclusions=frozenset(row.exclusions),
        real_time=row.real_time,
        limits=msgspec.convert(row.limits, tuple[Limit, ...]),
    )


def _row(version: ConsentVersion, cell: Cell) -> ConsentCell:
    scope = cell.scope
    return ConsentCell(
        version=version,
        right=cell.right,
        use=cell.use,
        stance=cell.stance,
        territories=_list(scope.territories),
        territories_excluded=sorted(scope.territories_excluded),
        languages=_list(scope.languages),
        languages_in=_plain(sorted(scope.languages_in, key=attrgetter("territory"))),
        channels_allowed=_list(scope.channels_allowed),
        channels_excluded=sorted(scope.channels_excluded),
        productions_allowed=_list(scope.productions_allowed),
        productions_excluded=sorted(scope.productions_excluded),
        licensees_allowed=_list(scope.licensees_allowed),
        licensees_excluded=sorted(scope.licensees_excluded),
        brands_allowed=_list(scope.brands_allowed),
        brands_excluded=sorted(scope.brands_excluded),
        valid_from=scope.valid_from,
        valid_to=scope.valid_to,
        notice_hours=scope.notice_hours,
        withdrawal_notice_hours=scope.withdrawal_notice_hours,
        exclusions=sorted(scope.exclusions),
        real_time=scope.real_time,
        limits=_plain(sorted(scope.limits)),
        overrules_agency=cell.overrules_agency,
    )


def _plain(parts: Sequence[object]) -> Any:
    """Return parts of a scope as JSON values: sets sorted, decimals as text."""
    return msgspec.json.decode(msgspec.json.encode(parts, order="deterministic"))


def _set(codes: Sequence[str] | None) -> frozenset[str] | None:
    return None if codes is None else frozenset(codes)


def _list(codes: frozenset[str] | None) -> list[str] | None:
    return None if codes is None else sorted(codes)


def _refuse_blanket(cells: Sequence[Cell]) -> None:
    reason = blanket_reason(cells)
    if reason:
        raise BlanketConsent(reason)


def _refuse_contradictions(cells: Sequence[Cell]) -> None:
    seen: set[tuple[str, str]] = set()
    for cell in cells:
        name = cell_name(cell.right, cell.use)
        if (cell.right, cell.use) in seen:
            raise ContradictoryConsent(f"{name} stands twice in this consent.")
        seen.add((cell.right, cell.use))
        _refuse_contradictory_scope(name, cell.scope)


def _refuse_contradictory_scope(name: str, scope: Scope) -> None:
    if scope.valid_from and scope.valid_to and scope.valid_to <= scope.valid_from:
        raise ContradictoryConsent(f"{name} ends before it starts.")
    places = [there.territory for there in scope.languages_in]
    if len(places) != len(set(places)):
        raise ContradictoryConsent(f"{name} names the languages of one territory twice.")
    counts = [limit.counts for limit in scope.limits]
    if len(counts) != len(set(counts)):
        raise ContradictoryConsent(f"{name} limits the same thing twice.")
    if any(limit.maximum < 0 or not limit.maximum.is_finite() for limit in scope.limits):
        raise ContradictoryConsent(f"{name} has a limit below zero.")


def _refuse_unknown_codes(cells: Sequence[Cell]) -> None:
    for cell in cells:
        unknown = sorted(_unknown_codes(cell.scope))
        if unknown:
            name = cell_name(cell.right, cell.use)
            raise UnknownCode(f"{name} names codes that don't exist: {in_order(unknown)}.")


def _unknown_codes(scope: Scope) -> Iterator[str]:
    """Yield what no list knows. Licensees and productions are known to licensing only."""
    places = {*(scope.territories or ()), *scope.territories_excluded}
    places |= {there.territory for there in scope.languages_in}
    yield from (code for code in places if not is_known_place(code))
    languages = frozenset().union(*(there.languages for there in scope.languages_in))
    languages |= scope.languages or frozenset()
    yield from (tag for tag in languages if not is_known_language(tag))
    channels = {*(scope.channels_allowed or ()), *scope.channels_excluded}
    yield from channels - set(Channel.codes())
    yield from scope.exclusions - set(Exclusion.codes())
    yield from {limit.meter for limit in scope.limits} - set(Meter.codes())
    categories = {code for code in scope.brands_excluded if code.startswith(CATEGORY)}
    yield from categories - {CATEGORY + code for code in BrandCategory.codes()}
    # A category among the brands allowed would let in brands that nobody has read the name of.
    yield from (code for code in scope.brands_allowed or () if code.startswith(CATEGORY))
