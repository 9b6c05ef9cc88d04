"""Exports of the lineage behind a node, and of a dataset's version, as an agency may give them."""

from collections.abc import Callable, Container, Mapping
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from talent.lineage import graph
from talent.models import Contamination, DatasetVersion, LineageEdge, LineageNode
from talent.words import LineageKind

from . import croissant, data_provenance, formats
from .datasets import rows_of
from .formats import Graph, Told

FORMATS: Mapping[str, Callable[[Graph, datetime], Any]] = {
    "prov": lambda told, _at: formats.prov_json(told),
    "openlineage": lambda told, _at: formats.openlineage(told),
    "cyclonedx": formats.cyclonedx,
    "spdx": formats.spdx,
}

# How people know them; no package brings the schema of OpenLineage's events.
TITLES: Mapping[str, str] = {
    "prov": "PROV-JSON",
    "openlineage": "OpenLineage (not checked against its schema)",
    "cyclonedx": "CycloneDX 1.6",
    "spdx": "SPDX 3.0.1",
}


def graph_behind(node: LineageNode, seen: QuerySet[LineageNode]) -> Graph:
    """Return what is behind a node, as its agency may tell of what the reader may see.

    What others keep goes by number. A constant number of queries.
    """
    ancestry = graph.ancestors(node.pk)
    named = seen.filter(pk__in=ancestry.nodes, agency=node.agency_id)
    own = set(named.values_list("pk", flat=True))
    rows = LineageNode.objects.filter(pk__in=ancestry.nodes).select_related("build").order_by("pk")
    taints: dict[int, list[tuple[str, datetime]]] = {}
    live = Contamination.objects.live().filter(marks__node__in=ancestry.nodes)
    for node_id, cause, since in live.order_by("pk").values_list("marks__node", "cause", "from_at"):
        taints.setdefault(node_id, []).append((cause, since))
    return Graph(
        f"N{node.pk}",
        tuple(_told(row, own, tuple(taints.get(row.pk, ()))) for row in rows),
        tuple(
            (f"N{source}", f"N{target}")
            for target, sources in sorted(ancestry.sources.items())
            for source in sorted(sources)
        ),
    )


def _told(row: LineageNode, own: Container[int], taints: tuple[tuple[str, datetime], ...]) -> Told:
    named = row.pk in own or row.kind == LineageKind.BUILD
    build = row.build
    return Told(
        f"N{row.pk}",
        row.kind,
        row.name if named else f"N{row.pk}, kept elsewhere",
        (build.sha256 if build else row.sha256) if named else "",
        row.recorded_at,
        build.version if build else "",
        taints,
    )


def as_croissant(version: DatasetVersion) -> dict[str, Any]:
    """Return a dataset's version as Croissant 1.1."""
    return croissant.written(_described(version))


def as_data_provenance(version: DatasetVersion) -> dict[str, Any]:
    """Return a dataset's version as Data Provenance Standard 1.0.0."""
    return data_provenance.written(_described(version))


def _described(version: DatasetVersion) -> croissant.Described:
    files = version.files.select_related("performer", "consent").order_by("path")
    sources = LineageEdge.objects.filter(target=version.node_id).order_by("source")
    return croissant.Described(
        f"N{version.node_id}",
        version.dataset.name,
        version.number,
        version.dataset.description,
        version.dataset.agency.name,
        version.node.recorded_at,
        tuple(rows_of(files)),
        tuple(f"N{pk}" for pk in sources.values_list("source", flat=True)),
    )
