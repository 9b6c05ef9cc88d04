"""Proposals: cells in the place of an owner's matrix, put into the facts of others' decisions."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from licensing.decision.request import Contributor, Facts
from licensing.wire.names import Prefix, name_of
from talent.consent.consents import versions_of
from talent.consent.matrix import Cell, Version, in_force
from talent.models import ConsentMatrix, Performer
from talent.words import Owner

ALWAYS = datetime(1900, 1, 1, tzinfo=UTC)

Key = tuple[str, str]


@dataclass(frozen=True)
class Proposal:
    """Cells in the place of an owner's matrix, and whom they are about."""

    layer: tuple[str, str]  # the owner's kind and name, as versions carry them
    cells: dict[Key, Cell]
    changed: frozenset[Key]
    performers: frozenset[str] | None  # None: everybody in the facts
    twin: str | None
    agency: int | None
    guild: str

    @classmethod
    def of(cls, matrix: ConsentMatrix, cells: Sequence[Cell], at: datetime) -> "Proposal":
        now = current_cells(matrix, at)
        said = {(cell.right, cell.use): cell for cell in cells}
        before = {(cell.right, cell.use): cell for cell in now}
        changed = {key for key in said.keys() | before if said.get(key) != before.get(key)}
        return cls(
            _layer_of(matrix),
            said,
            frozenset(changed),
            _people_of(matrix),
            name_of(Prefix.TWIN, matrix.twin_id),
            matrix.agency_id,
            matrix.guild,
        )

    def counts_for(self, person: Contributor, facts: Facts, agency_id: int) -> bool:
        """Tell whether the proposed matrix is a layer of somebody's consent."""
        about_person = self.performers is None or person.id in self.performers
        about_twin = self.twin is None or (facts.twin is not None and facts.twin.id == self.twin)
        return about_person and about_twin and self.agency in (None, agency_id)

    def put_into(self, facts: Facts, key: Key, agency_id: int) -> Facts:
        """Return facts in which the proposed cells always counted, in the place of the owner's."""
        kind, owner = self.layer
        cell = self.cells.get(key)
        proposed = Version("proposed", 0, kind, owner, ALWAYS, ALWAYS, (cell,) if cell else ())
        people = tuple(
            replace(
                person,
                versions=(
                    *(v for v in person.versions if (v.owner_kind, v.owner) != self.layer),
                    proposed,
                ),
            )
            if self.counts_for(person, facts, agency_id)
            else person
            for person in facts.contributors
        )
        return replace(facts, contributors=people)


def _layer_of(matrix: ConsentMatrix) -> tuple[str, str]:
    if matrix.guild:
        return Owner.GUILD.value, matrix.get_guild_display()
    if matrix.agency:
        return Owner.AGENCY.value, matrix.agency.name
    if matrix.performer:
        return Owner.PERFORMER.value, matrix.performer.name
    return Owner.TWIN.value, matrix.twin.name


def _people_of(matrix: ConsentMatrix) -> frozenset[str] | None:
    if matrix.performer_id:
        return frozenset({str(matrix.performer_id)})
    if matrix.guild:
        members = Performer.objects.filter(guild=matrix.guild)
        return frozenset(map(str, members.values_list("pk", flat=True)))
    return None


def current_cells(matrix: ConsentMatrix, at: datetime) -> tuple[Cell, ...]:
    """Return what a matrix says at an instant; an unsaved one says nothing."""
    if matrix.pk is None:
        return ()
    found = versions_of(
        guilds=[matrix.guild] if matrix.guild else [],
        agencies=[matrix.agency_id] if matrix.agency_id else [],
        performers=[matrix.performer_id] if matrix.performer_id else [],
        twins=[matrix.twin_id] if matrix.twin_id else [],
        known_at=at,
    )
    current = in_force([one for versions in found.values() for one in versions], at, at)
    return current.cells if current else ()
