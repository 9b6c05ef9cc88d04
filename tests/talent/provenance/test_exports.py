"""Exports are what others' own programs accept, and read back equal."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from django.urls import reverse

from talent.lineage import contamination, graph
from talent.models import LineageNode
from talent.provenance import croissant, exports, manifest
from talent.provenance.datasets import rows_of
from talent.words import ContaminationCause, LineageKind, Role
from tests import factories
from tests.factories import sign_in

from .conftest import NOON, row

# Their own process: what they import warns, and a warning fails our tests.
MLCROISSANT = """
import json, sys, mlcroissant
told = mlcroissant.Dataset(jsonld=json.load(sys.stdin)).metadata
print(json.dumps([[one.name, one.sha256] for one in told.distribution]))
"""
PROV = """
import json, sys
from prov.model import ProvDocument
told = ProvDocument.deserialize(content=sys.stdin.read(), format="json")
print(json.dumps(len(list(told.get_records()))))
"""
SPDX = """
import json, sys
from spdx_python_model import v3_0_1 as spdx
found = spdx.SHACLObjectSet()
spdx.JSONLDDeserializer().read(sys.stdin.buffer, found)
print(json.dumps(sorted(str(r.relationshipType) for r in found.foreach_type(spdx.Relationship))))
"""


def asked(program, value):
    answer = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-W", "ignore", "-c", program], input=json.dumps(value), text=True,
        capture_output=True, check=False,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr[-2_000:]
    return json.loads(answer.stdout)


@pytest.fixture
def version(record, consent_to_training, agency, agent):
    consent_to_training()
    left = graph.add_node(
        agency=agency, kind=LineageKind.CAPTURE, name="Session", at=NOON, by=agent
    )
    return record(
        row("a.wav", "a"),
        row("b.wav", "b", purposes=("train", "evaluate"), split="test", reference="CC-BY-4.0"),
        made_from=[left],
    )


@pytest.fixture
def behind(version, train, agency, agent):
    build = train(version).build
    contamination.mark(
        node=version.node, cause=ContaminationCause.CLAIM, reason="X", from_at=NOON, at=NOON,
        by=agent,
    )  # fmt: skip
    return exports.graph_behind(build.lineage, agency.pk)


def test_croissant_is_read_by_its_own_library_and_back_equal(version):
    told = exports.as_croissant(version)

    assert asked(MLCROISSANT, told) == [["a.wav", "a" * 64], ["b.wav", "b" * 64]]
    rows = rows_of(version.files.select_related("performer", "consent"))
    again = croissant.read(json.dumps(told))
    assert again == manifest.in_order(rows)
    assert manifest.digest(again) == version.manifest_sha256
    # Only what every file permits is permitted.
    rules = told["usageInfo"]
    assert [one["odrl:action"]["@id"] for one in rules["odrl:permission"]] == ["desk:train"]
    assert len(rules["odrl:prohibition"]) == 3
    assert len(told["prov:wasDerivedFrom"]) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"conformsTo": "http://example.org"},
        {"distribution": {}},
        {"distribution": [1]},
        {"distribution": [{"@type": "cr:FileSet"}]},
        {"distribution": [{"@type": "cr:FileObject", "name": ["a"]}]},
        {"distribution": [{"@type": "cr:FileObject", "name": "a.wav", "containedIn": "a.zip"}]},
        {"distribution": []},
    ],
)
def test_what_is_no_manifest_is_refused(version, change):
    told = exports.as_croissant(version)
    with pytest.raises(manifest.BadManifest):
        croissant.read(json.dumps(told | change))
    for text in ("", "[]", "[" * 100_000, '{"a": 1, "a": 2}'):
        with pytest.raises(manifest.BadManifest):
            croissant.read(text)


def test_a_hash_that_lies_is_another_manifest(version):
    rows = rows_of(version.files.select_related("performer", "consent"))
    lying = [replace(rows[0], sha256="f" * 64), *rows[1:]]
    assert manifest.digest(lying) != version.manifest_sha256


def test_lineage_and_bills_of_materials_are_accepted_by_their_validators(behind):
    prov, spdx, cyclonedx = (
        exports.FORMATS[name](behind, NOON) for name in ("prov", "spdx", "cyclonedx")
    )

    assert asked(PROV, prov) == len(behind.nodes) + len(behind.edges)
    assert [one.rsplit("/", 1)[1] for one in asked(SPDX, spdx)] == ["descendantOf", "trainedOn"]
    fault = JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(cyclonedx))
    assert fault is None
    assert [one["type"] for one in cyclonedx["components"]] == ["data", "data"]
    tainted = cyclonedx["metadata"]["component"]["properties"]
    assert tainted[0]["value"].startswith("claim since")
    # OpenLineage publishes its schema apart from any package: held against its shape alone.
    events = exports.FORMATS["openlineage"](behind, NOON)
    assert [len(one["inputs"]) for one in events] == [1, 1]
    assert "likenessdesk_taint" in events[-1]["outputs"][0]["facets"]


def test_exports_are_files_of_those_who_may_see_them(version, agent, elsewhere):
    urls = [
        reverse("admin:lineage_export", args=[version.node_id, name]) for name in exports.FORMATS
    ]
    urls.append(reverse("admin:dataset_croissant", args=[version.pk]))
    client = sign_in(agent)
    for url in urls:
        answer = client.get(url)
        assert answer.status_code == 200
        assert json.loads(answer.content)
    theirs = sign_in(factories.make_member(elsewhere, Role.BUSINESS_AFFAIRS))
    assert {theirs.get(url).status_code for url in urls} == {404}
    assert LineageNode.objects.count() == 2
