"""Twins and consents for decisions, as fragments of the SQL with which licensing loads all facts.

One prepared statement loads all facts of a decision. Its SQL for talent's tables comes from here:
the statement puts `relations` into its WITH clause and `ROWS` into its SELECT list, and the
result is decoded by `read_rows`. `consents.versions_of` reads the same versions through the
models; a test checks that both agree.
"""

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import datetime

import msgspec

from talent.database.json_rows import JsonRows, Rows, gather, point
from talent.database.sql import Sql, sql_file
from talent.models import Beneficiary, Build, CompositeSource, DigitalTwin, Performer
from talent.words import Guild, Owner

from .consents import Layer
from .matrix import Version

NO_GUILD = frozenset({Guild.NONE.value, ""})

_TWINS = JsonRows(DigitalTwin)
_PERFORMERS = JsonRows(Performer, without=["external_ids"])
_OWNERS = JsonRows(Beneficiary, without=["address"])
_SOURCES = JsonRows(CompositeSource)
_BUILDS = JsonRows(Build)

ROWS = sql_file(
    __file__,
    "decision_rows.sql",
    twins=_TWINS.sql("twin"),
    performers=_PERFORMERS.sql("performer"),
    owners=_OWNERS.sql("owner"),
    sources=_SOURCES.sql("source"),
    builds=_BUILDS.sql("build"),
)


def relations(*, licensed: str, agreed: str, guilds: str) -> Sql:
    """Return the common table expressions; the SQL file's head says what they hold and need.

    `licensed`, `agreed` and `guilds` are SELECTs of one column: ids of twins that the agency knows,
    ids of twins that are wanted, and codes of guilds that count. Each adds to what talent finds.
    """
    return sql_file(
        __file__, "decision_relations.sql", licensed=licensed, agreed=agreed, guilds=guilds
    )


class _OwnedVersion(msgspec.Struct):
    """A version with the id of its owner, or the guild's code."""

    owner_id: int | str
    version: Version

    @property
    def layer(self) -> Layer:
        return self.version.owner_kind, self.owner_id

    @property
    def labelled(self) -> Version:
        """The version with its owner's name; for a guild the SQL gives only the code."""
        if self.version.owner_kind == Owner.GUILD:
            return replace(self.version, owner=Guild(str(self.owner_id)).label)
        return self.version


class BuildMark(msgspec.Struct, array_like=True, frozen=True):
    """That a contamination reaches a build: from when it counts, when it was known and cleared."""

    build_id: int
    mark_id: int
    from_at: datetime
    known_at: datetime
    cleared_at: datetime | None
    cause: str

    def counts(self, known_at: datetime) -> bool:
        """Tell whether it is a contamination by what was known at an instant."""
        cleared = self.cleared_at is not None and self.cleared_at <= known_at
        return self.known_at <= known_at and not cleared


class BuildAnswer(msgspec.Struct, array_like=True, frozen=True):
    """Whether a build was provably clean, as it was answered at an instant."""

    build_id: int
    answer: str
    at: datetime


class DecisionRows(msgspec.Struct):
    """The columns that `ROWS` selects."""

    twins: Rows
    performers: Rows
    owners: Rows
    sources: Rows
    builds: Rows
    marks: list["BuildMark"]
    answers: list["BuildAnswer"]
    versions: list[_OwnedVersion]


@dataclass(frozen=True, slots=True)
class TwinsAndConsents:
    """Twins with their performers, sources and owners, the consents' versions, and their builds.

    Each build has what contaminates it, and the answers to whether it is clean, oldest first.
    """

    twins: list[DigitalTwin]
    performers: dict[int, Performer]
    builds: list[Build]
    marks: tuple[BuildMark, ...]
    answers: tuple[BuildAnswer, ...]
    versions: dict[Layer, list[Version]]


def read_rows(rows: DecisionRows) -> TwinsAndConsents:
    """Return the rows as models linked to each other, and the versions by layer."""
    performers = {row.pk: row for row in _PERFORMERS.read(rows.performers)}
    owners = {row.pk: row for row in _OWNERS.read(rows.owners)}
    twins, sources = _TWINS.read(rows.twins), _SOURCES.read(rows.sources)
    point(twins, performer=performers, owner=owners)
    point(sources, performer=performers)
    gather(twins, "sources", sources, "twin_id")
    versions: dict[Layer, list[Version]] = defaultdict(list)
    for owned in rows.versions:
        versions[owned.layer].append(owned.labelled)
    return TwinsAndConsents(
        twins,
        performers,
        _BUILDS.read(rows.builds),
        tuple(rows.marks),
        tuple(rows.answers),
        dict(versions),
    )
