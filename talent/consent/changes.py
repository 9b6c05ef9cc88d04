"""Changes: recording a new version of a matrix, within what the layers above its owner allow."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Max, Q

from talent.consent import consents, inheritance, matrix
from talent.consent.consents import Evidence, Layer
from talent.consent.diff import differences
from talent.consent.matrix import VOICES, Cell, CellKey, Version
from talent.errors import Refused
from talent.models import Agency, ConsentMatrix, ConsentVersion, Performer, Representation, User
from talent.words import Owner


class ConsentLoosens(Refused):
    """Cells allow more than the layers above them; `reasons` holds the reasons by cell."""

    code = "loosens_inherited"

    def __init__(self, reasons: dict[CellKey, tuple[str, ...]]) -> None:
        super().__init__(" ".join(reason for texts in reasons.values() for reason in texts))
        self.reasons = reasons


class ConsentChangedMeanwhile(Refused):
    """Somebody recorded another version after this one was read."""

    code = "consent_changed_meanwhile"

    def __init__(self, version: ConsentVersion) -> None:
        super().__init__(
            f"Version {version.number} was recorded meanwhile, so nothing was saved. Compare it "
            "with what you have here, then save on top of it."
        )
        self.version = version


class NothingChanged(Refused):
    """The new version would say the same, on the same evidence, as the one it replaces."""

    code = "nothing_changed"


@dataclass(frozen=True)
class MatrixToEdit:
    """A matrix as an editor opens it: a version to start from, and the layers above it.

    `current` is the version in force, else the newest; `cells` are its cells. `latest` is the
    highest version number, and `scheduled` the newest version that takes effect later.
    `is_personal` tells the matrix of a performer or twin, which may allow, from a rule.
    """

    current: ConsentVersion | None
    cells: tuple[Cell, ...]
    latest: int
    scheduled: Version | None
    above: tuple[Version, ...]
    is_personal: bool


def matrix_to_edit(consent: ConsentMatrix, *, by: User, at: datetime) -> MatrixToEdit:
    """Return a matrix to edit, in a fixed number of queries.

    Of the agencies above it, only those that `by` may see are included: another agency's default
    doesn't bind this agency's agreements.
    """
    own, layers = _versions(consent, by, at)
    in_force = matrix.in_force(own, at, at)
    current = in_force or max(own, key=lambda version: version.number, default=None)
    later = (version for version in own if version.in_force_from > at)
    return MatrixToEdit(
        current=ConsentVersion.objects.get(pk=current.id) if current else None,
        cells=current.cells if current else (),
        latest=max((version.number for version in own), default=0),
        scheduled=max(later, key=lambda version: version.number, default=None),
        above=_in_force(layers, consent, at, at),
        is_personal=_layer(consent)[0] in VOICES,
    )


@transaction.atomic
def change(
    *,
    consent: ConsentMatrix,
    cells: Sequence[Cell],
    evidence: Evidence,
    based_on: int,
    in_force_from: datetime | None,
    at: datetime,
    by: User,
    reason: str = "",
) -> ConsentVersion:
    """Record a new version of a matrix; `in_force_from` None means from `at` on.

    `based_on` is the latest version number that the editor had read. Cells that did not change are
    not checked against the layers above, even if one has since become stricter: the strictest
    layer counts in any case.

    Raises ConsentChangedMeanwhile if a version was recorded after `based_on`, NothingChanged,
    ConsentLoosens for changed cells looser than the layers above, and what `consents.record`
    raises.
    """
    # The lock makes the second of two savers see the first one's version.
    ConsentMatrix.objects.select_for_update(of=("self",)).get(pk=consent.pk)
    latest = consent.versions.aggregate(number=Max("number"))["number"] or 0
    if latest != based_on:
        raise ConsentChangedMeanwhile(consent.versions.get(number=latest))
    own, layers = _versions(consent, by, at)
    before = matrix.in_force(own, at, at) or max(own, key=lambda v: v.number, default=None)
    _refuse_nothing(before, cells, evidence, in_force_from)
    starts = in_force_from or at
    above = _in_force(layers, consent, max(starts, at), at)
    _refuse_loosening(before.cells if before else (), cells, above)
    return consents.record(
        matrix=consent,
        cells=cells,
        in_force_from=starts,
        recorded_at=at,
        by=by,
        evidence=evidence,
        reason=reason,
    )


def _refuse_nothing(
    before: Version | None,
    cells: Sequence[Cell],
    evidence: Evidence,
    in_force_from: datetime | None,
) -> None:
    if before is None or differences(before.cells, cells):
        return
    row = ConsentVersion.objects.get(pk=before.id)
    if Evidence.of(row) == evidence and in_force_from in (None, row.in_force_from):
        raise NothingChanged(
            f"Nothing changed: version {before.number} says the same, so no version was recorded."
        )


def _refuse_loosening(
    before: Iterable[Cell], cells: Iterable[Cell], above: Sequence[Version]
) -> None:
    unchanged = set(before)
    reasons = {
        (cell.right, cell.use): texts
        for cell in cells
        if cell not in unchanged and (texts := inheritance.loosenings(cell, above))
    }
    if reasons:
        raise ConsentLoosens(reasons)


def _versions(
    consent: ConsentMatrix, by: User, at: datetime
) -> tuple[list[Version], dict[Layer, list[Version]]]:
    """Return the matrix's own versions, and those of the layers it inherits from."""
    people = _people(consent)
    layers = consents.versions_of(
        guilds={consent.guild, *(person.guild for person in people)},
        agencies=[consent.agency_id] if consent.agency_id else _agencies(consent, people, by, at),
        performers={person.pk for person in people},
        twins=[consent.twin_id] if consent.twin_id else [],
        known_at=at,
    )
    own = layers.pop(_layer(consent), [])
    return own, layers


def _people(consent: ConsentMatrix) -> list[Performer]:
    """Return whose consent a matrix is part of: its performer, or everybody in its twin."""
    if consent.performer is not None:
        return [consent.performer]
    if consent.twin is None:
        return []
    if consent.twin.performer is not None:
        return [consent.twin.performer]
    return list(Performer.objects.filter(composite_sources__twin=consent.twin).order_by("pk"))


def _agencies(
    consent: ConsentMatrix, people: Sequence[Performer], by: User, at: datetime
) -> list[int]:
    """Return the agencies, of those `by` may see, whose default the matrix inherits from."""
    terms = Representation.objects.filter(performer__in=people).on(at.date())
    inherits = Q(pk__in=terms.values("agency"))
    if consent.twin is not None:
        inherits |= Q(pk=consent.twin.agency_id)
    agencies = Agency.objects.visible_to(by).filter(inherits)
    return list(agencies.values_list("pk", flat=True))


def _layer(consent: ConsentMatrix) -> Layer:
    if consent.guild:
        return Owner.GUILD.value, consent.guild
    if consent.agency_id:
        return Owner.AGENCY.value, consent.agency_id
    if consent.performer_id:
        return Owner.PERFORMER.value, consent.performer_id
    return Owner.TWIN.value, consent.twin_id


def _in_force(
    layers: dict[Layer, list[Version]], consent: ConsentMatrix, at: datetime, known_at: datetime
) -> tuple[Version, ...]:
    latest = (matrix.in_force(versions, at, known_at) for versions in layers.values())
    kind, _id = _layer(consent)
    return inheritance.layers_above((version for version in latest if version), kind)
