"""Lineage and bills of materials in the words of others: PROV, OpenLineage, SPDX, CycloneDX."""

import hashlib
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from talent.consent.exports import TERMS
from talent.words import LineageKind

Json = dict[str, Any]

PRODUCER = f"{TERMS}lineage"
OPENLINEAGE = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
FACET = f"{TERMS}taint-1"


@dataclass(frozen=True, slots=True)
class Told:
    """A node as others are told of it: `number` as in N12, `taints` as (cause, from when)."""

    number: str
    kind: str
    name: str
    sha256: str
    recorded_at: datetime
    version: str = ""
    taints: tuple[tuple[str, datetime], ...] = ()


@dataclass(frozen=True, slots=True)
class Graph:
    """Nodes behind one, and its edges as (from, to) by number. `about` is the one asked for."""

    about: str
    nodes: tuple[Told, ...]
    edges: tuple[tuple[str, str], ...]

    def behind(self, number: str) -> list[Told]:
        """Return what a node is made from directly."""
        sources = {source for source, target in self.edges if target == number}
        return [node for node in self.nodes if node.number in sources]

    @property
    def subject(self) -> Told:
        """The node that was asked for."""
        return next(node for node in self.nodes if node.number == self.about)


def prov_json(graph: Graph) -> Json:
    """Return the graph as PROV-JSON (W3C member submission, 24 April 2013)."""
    return {
        "prefix": {"desk": TERMS},
        "entity": {
            f"desk:{node.number}": {
                "prov:label": node.name,
                "prov:type": {"$": f"desk:{node.kind}", "type": "prov:QUALIFIED_NAME"},
                **({"desk:sha256": node.sha256} if node.sha256 else {}),
                **({"desk:contaminated": _causes(node)} if node.taints else {}),
            }
            for node in graph.nodes
        },
        "wasDerivedFrom": {
            f"_:d{number}": {
                "prov:generatedEntity": f"desk:{target}",
                "prov:usedEntity": f"desk:{source}",
            }
            for number, (source, target) in enumerate(graph.edges, 1)
        },
    }


def _causes(node: Told) -> str:
    return "; ".join(f"{cause} since {since.isoformat()}" for cause, since in node.taints)


def openlineage(graph: Graph) -> list[Json]:
    """Return a completed run for each node that is made from others (OpenLineage 2-0-2).

    A contamination is a facet of its own, since the standard has no word for it.
    """
    return [
        _run(node, graph.behind(node.number)) for node in graph.nodes if graph.behind(node.number)
    ]


def _run(node: Told, sources: Iterable[Told]) -> Json:
    return {
        "eventType": "COMPLETE",
        "eventTime": node.recorded_at.astimezone(UTC).isoformat(),
        "producer": PRODUCER,
        "schemaURL": OPENLINEAGE,
        "run": {"runId": str(_uuid(node.number))},
        "job": {"namespace": PRODUCER, "name": f"make {node.number}"},
        "inputs": [_dataset(one) for one in sources],
        "outputs": [_dataset(node)],
    }


def _dataset(node: Told) -> Json:
    facets: Json = {}
    if node.taints:
        facets["likenessdesk_taint"] = {
            "_producer": PRODUCER,
            "_schemaURL": FACET,
            "causes": [
                {"cause": cause, "since": since.isoformat()} for cause, since in node.taints
            ],
        }
    return {"namespace": PRODUCER, "name": node.number, "facets": facets}


def cyclonedx(graph: Graph, at: datetime) -> Json:
    """Return the bill of materials of a build as CycloneDX 1.6: the model and what is behind it."""
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{_uuid(f'bom {graph.about} {at.isoformat()}')}",
        "version": 1,
        "metadata": {
            "timestamp": at.astimezone(UTC).isoformat(),
            "component": _component(graph.subject),
        },
        "components": [_component(node) for node in graph.nodes if node.number != graph.about],
        "dependencies": [
            {
                "ref": node.number,
                "dependsOn": sorted(one.number for one in graph.behind(node.number)),
            }
            for node in graph.nodes
        ],
    }


def _component(node: Told) -> Json:
    is_model = node.kind == LineageKind.BUILD
    return {
        "type": "machine-learning-model" if is_model else "data",
        "bom-ref": node.number,
        "name": node.name,
        **({"version": node.version} if node.version else {}),
        **({"hashes": [{"alg": "SHA-256", "content": node.sha256}]} if node.sha256 else {}),
        **(
            {"properties": [{"name": "likenessdesk:contaminated", "value": _causes(node)}]}
            if node.taints
            else {}
        ),
    }


def spdx(graph: Graph, at: datetime) -> Json:
    """Return the same as SPDX 3.0.1 (AI and Dataset profiles) in JSON-LD."""
    created = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    document = f"{TERMS}spdx:{graph.about}"
    elements = [*_packages(graph), *_relations(graph)]
    return {
        "@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld",
        "@graph": [
            {
                "type": "CreationInfo",
                "@id": "_:creation",
                "specVersion": "3.0.1",
                "created": created,
                "createdBy": [f"{TERMS}desk"],
            },
            {
                "type": "Organization",
                "spdxId": f"{TERMS}desk",
                "creationInfo": "_:creation",
                "name": "Likeness Desk",
            },
            *elements,
            {
                "type": "SpdxDocument",
                "spdxId": document,
                "creationInfo": "_:creation",
                "profileConformance": ["core", "software", "ai", "dataset"],
                "rootElement": [_spdx_id(graph.about)],
                "element": [one["spdxId"] for one in elements],
            },
        ],
    }


def _packages(graph: Graph) -> Iterator[Json]:
    for node in graph.nodes:
        common: Json = {
            "spdxId": _spdx_id(node.number),
            "creationInfo": "_:creation",
            "name": node.name,
            "releaseTime": node.recorded_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        if node.taints:
            common["comment"] = f"Contaminated: {_causes(node)}"
        if node.sha256:
            common["verifiedUsing"] = [
                {"type": "Hash", "algorithm": "sha256", "hashValue": node.sha256}
            ]
        if node.kind == LineageKind.BUILD:
            yield {"type": "ai_AIPackage", "software_packageVersion": node.version, **common}
        else:
            yield {"type": "dataset_DatasetPackage", "dataset_datasetType": ["other"], **common}


def _relations(graph: Graph) -> Iterator[Json]:
    kinds = {node.number: node.kind for node in graph.nodes}
    for source, target in graph.edges:
        trained = kinds[target] == LineageKind.BUILD and kinds[source] == LineageKind.DATASET
        yield {
            "type": "Relationship",
            "spdxId": f"{TERMS}spdx:{source}-{target}",
            "creationInfo": "_:creation",
            "from": _spdx_id(target),
            "relationshipType": "trainedOn" if trained else "descendantOf",
            "to": [_spdx_id(source)],
        }


def _spdx_id(number: str) -> str:
    return f"{TERMS}node:{number}"


def _uuid(text: str) -> uuid.UUID:
    """Return the same number for the same text."""
    return uuid.UUID(bytes=hashlib.sha256(text.encode()).digest()[:16], version=4)
