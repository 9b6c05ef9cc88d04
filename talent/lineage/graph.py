"""The graph of what was made from what: nodes, edges without cycles, and what stands behind one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import connection, transaction
from django.utils.translation import gettext as _

from talent.database.locks import lock_until_commit
from talent.database.sql import sql_file
from talent.errors import Refused
from talent.models import Agency, Build, LineageEdge, LineageNode, User
from talent.models.lineage import LINEAGE_LOCK
from talent.words import LineageKind

from . import spread

ANCESTORS = sql_file(__file__, "ancestors.sql")
BUILDS_MADE_FROM = sql_file(__file__, "builds_made_from.sql")

# What may be made from what. A model's output may be trained on, and a build may be fine-tuned.
MADE_FROM: Mapping[str, frozenset[str]] = {
    LineageKind.CAPTURE.value: frozenset(),
    LineageKind.DATASET.value: frozenset(
        {LineageKind.CAPTURE.value, LineageKind.DATASET.value, LineageKind.OUTPUT.value}
    ),
    LineageKind.BUILD.value: frozenset({LineageKind.DATASET.value, LineageKind.BUILD.value}),
    LineageKind.OUTPUT.value: frozenset({LineageKind.BUILD.value, LineageKind.OUTPUT.value}),
}


class LineageRefused(Refused):
    """An edge closes a cycle, joins what cannot be made from each other, or was told otherwise."""

    code = "lineage_refused"


def add_node(
    *, agency: Agency, kind: LineageKind, name: str, at: datetime, by: User | None, sha256: str = ""
) -> LineageNode:
    """Record a capture or a dataset's version. Builds and outputs have their own ways."""
    return LineageNode.objects.create(
        agency=agency, kind=kind.value, name=name, sha256=sha256, recorded_at=at, recorded_by=by
    )


@transaction.atomic
def record_output(
    *, source: LineageNode, name: str, at: datetime, by: User | None, sha256: str = ""
) -> LineageNode:
    """Record what a build made, or what was made of an output. Raises LineageRefused."""
    node = LineageNode.objects.create(
        agency=source.agency, kind=LineageKind.OUTPUT.value, name=name, sha256=sha256,
        recorded_at=at, recorded_by=by,
    )  # fmt: skip
    connect(source=source, target=node, at=at, by=by)
    return node


def node_of_build(*, build: Build, agency: Agency, at: datetime, by: User | None) -> LineageNode:
    """Return a build's node; creates it on first use."""
    told = {
        "agency": agency, "kind": LineageKind.BUILD.value, "name": str(build), "recorded_at": at,
        "recorded_by": by,
    }  # fmt: skip
    return LineageNode.objects.get_or_create(build=build, defaults=told)[0]


@transaction.atomic
def connect(
    *, source: LineageNode, target: LineageNode, at: datetime, by: User | None,
    share: Decimal | None = None,
) -> LineageEdge:  # fmt: skip
    """Record that `target` was made from `source`; what lies on the source reaches the target.

    The same edge again is the first one. Raises LineageRefused.
    """
    lock_until_commit(LINEAGE_LOCK)
    known = LineageEdge.objects.filter(source=source, target=target).first()
    if known is not None:
        if known.share != share:
            raise LineageRefused(_("This was recorded before, with another share."))
        return known
    if source.kind not in MADE_FROM[target.kind]:
        told = {"target": target.get_kind_display(), "source": source.get_kind_display()}
        raise LineageRefused(_("No %(target)s is made from a %(source)s.") % told)
    if source.pk == target.pk:
        raise LineageRefused(_("Nothing is made from itself."))
    if target.pk in ancestors(source.pk).nodes:
        told = {"source": source.name, "target": target.name}
        raise LineageRefused(
            _("%(source)s is made from %(target)s already, so not the other way round.") % told
        )
    edge = LineageEdge.objects.create(source=source, target=target, share=share, at=at, by=by)
    spread.reopen_answers(node_id=target.pk, at=at)
    spread.inherit(source_id=source.pk, target_id=target.pk)
    return edge


@dataclass(frozen=True, slots=True)
class Ancestry:
    """A node and all behind it: the sources of each, with their shares (None: not known)."""

    node: int
    sources: Mapping[int, Mapping[int, Decimal | None]]

    @property
    def nodes(self) -> frozenset[int]:
        """The ids of all of them, the node's own too."""
        return frozenset(self.sources)


def ancestors(node_id: int) -> Ancestry:
    """Return what a node is made from, at any depth. One query."""
    sources: dict[int, dict[int, Decimal | None]] = {}
    with connection.cursor() as cursor:
        cursor.execute(ANCESTORS, {"node": node_id})
        for node, source, share in cursor.fetchall():
            made_from = sources.setdefault(node, {})
            if source is not None:
                made_from[source] = share
    return Ancestry(node_id, sources)


def builds_made_from(node_id: int) -> list[int]:
    """Return the ids of the builds that fall with a node: its own, and all made from it."""
    with connection.cursor() as cursor:
        cursor.execute(BUILDS_MADE_FROM, {"node": node_id})
        return [build_id for (build_id,) in cursor.fetchall()]
