"""What talent knows for decisions, as parts of another room's statement: twins and consents.

A decision waits for its facts, so one statement brings them all, prepared on its connection. What
lies in talent's tables is asked for by SQL of this room: the statement puts `relations` into its
WITH and `ROWS` into what it selects, and hands the answer to `read_rows`.
`consents.versions_of` reads the same versions by the models; a test holds both alike.
"""

from collections import defaultdict
from dataclasses import dataclass, replace

import msgspec

from talent.json_rows import JsonRows, Rows, gather, point
from talent.models import Beneficiary, Build, CompositeSource, DigitalTwin, Performer
from talent.sql import Sql, sql_file
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
    """Return the relations of a WITH; the file's head says what they hold and need.

    `licensed`, `agreed` and `guilds` are SELECTs of one column: twins that the agency knows, twins
    that are wanted, and guilds that count, each besides those that talent itself knows of.
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
        """The version with the name of its owner; the database knows only the code of a guild."""
        if self.version.owner_kind == Owner.GUILD:
            return replace(self.version, owner=Guild(str(self.owner_id)).label)
        return self.version


class DecisionRows(msgspec.Struct):
    """What `ROWS` selects."""

    twins: Rows
    performers: Rows
    owners: Rows
    sources: Rows
    builds: Rows
    versions: list[_OwnedVersion]


@dataclass(frozen=True, slots=True)
class TwinsAndConsents:
    """Twins with their performers, sources and owners; their builds; and the consents' versions."""

    twins: list[DigitalTwin]
    performers: dict[int, Performer]
    builds: list[Build]
    versions: dict[Layer, list[Version]]


def read_rows(rows: DecisionRows) -> TwinsAndConsents:
    """Return the rows as models that know each other, and versions by their owners."""
    performers = {row.pk: row for row in _PERFORMERS.read(rows.performers)}
    owners = {row.pk: row for row in _OWNERS.read(rows.owners)}
    twins, sources = _TWINS.read(rows.twins), _SOURCES.read(rows.sources)
    point(twins, performer=performers, owner=owners)
    point(sources, performer=performers)
    gather(twins, "sources", sources, "twin_id")
    versions: dict[Layer, list[Version]] = defaultdict(list)
    for owned in rows.versions:
        versions[owned.layer].append(owned.labelled)
    return TwinsAndConsents(twins, performers, _BUILDS.read(rows.builds), dict(versions))
