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
from talent.provenance import croissant, data_provenance, exports, manifest
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
    return exports.graph_behind(build.lineage, LineageNode.objects.filter(agency=agency))


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


def test_the_data_provenance_standard_tells_of_all_files_and_fills_what_a_manifest_leaves_open(
    version,
):
    told = exports.as_data_provenance(version)
    for group, required in {
        "source": ["version", "title", "id", "issuer", "description"],
        "provenance": ["origin-geography", "date", "generation-method"],
        "use": ["license", "consents"],
    }.items():
        assert all(told[group][name] for name in required)
    assert told["use"]["copyright"] == ["Ada Example"]
    assert [one["code"] for one in told["use"]["intended-purpose"]] == ["train"]
    (source,) = exports.as_croissant(version)["prov:wasDerivedFrom"]
    assert told["provenance"]["source"] == source["@id"]

    said = data_provenance.read(json.dumps(told))
    assert (said.licence, said.jurisdiction, said.purposes) == ("CC-BY-4.0", "GB", ("train",))
    bare = manifest.FileRow("c.wav", "c" * 64, 3)
    full = replace(bare, reference="Own", jurisdiction="US", purposes=("edit",))
    first, second = data_provenance.filled([bare, full], said)
    assert (first.reference, first.jurisdiction, first.purposes) == ("CC-BY-4.0", "GB", ("train",))
    assert (second, first.owner, first.basis) == (full, "", "unknown")
    many = {"origin-geography": [{"country": "GB"}, {"country": "US"}]}
    others = {"intended-purpose": [{"code": "train", "system": "https://x.example"}]}
    said = data_provenance.read(json.dumps(told | {"provenance": many, "use": others}))
    assert said == data_provenance.Statement("", "", ())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"use": []}, "source, provenance and use"),
        ({"source": {"version": "2.0.0"}}, "version 1.0.0"),
        ({"use": {"license": 3}}, "“license” is no text"),
        ({"use": {"intended-purpose": {}}}, "“intended-purpose” is no list"),
        ({"provenance": {"origin-geography": [{"country": ["GB"]}]}}, "what is no text"),
    ],
)
def test_a_statement_that_is_none_is_refused(change, said):
    told = {"source": {"version": "1.0.0"}, "provenance": {}, "use": {}}
    assert data_provenance.read(json.dumps(told)) == data_provenance.Statement("", "", ())
    with pytest.raises(manifest.BadManifest, match=said):
        data_provenance.read(json.dumps(told | change))


FILE = {
    "@type": "cr:FileObject", "@id": "a", "name": "a.wav", "contentSize": "3 B", "sha256": "a" * 64,
}  # fmt: skip
HELD = {"containedIn": {"@id": "b"}}
ZIP = FILE | {"@id": "b", "name": "b.zip"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"@type": "cr:FileObject"}, "type is not that of a dataset"),
        ({"license": None}, "requires: license"),
        ({"creator": [], "datePublished": ""}, "requires: creator, datePublished"),
        ({"conformsTo": ["http://mlcommons.org/croissant/0.8"]}, "no dataset in Croissant"),
        ({"distribution": None}, "lists no files"),
        ({"distribution": [FILE | {"sha256": "a" * 63}]}, "SHA-256 is not 64"),
        ({"distribution": [FILE | {"sha256": ["a" * 64]}]}, "“sha256” of a file is no text"),
        ({"distribution": [FILE | {"contentSize": "3 MB"}]}, "size is no number of bytes"),
        ({"distribution": [FILE | {"contentSize": "9" * 5_000}]}, "size is no number of bytes"),
        ({"distribution": [FILE | {"name": "../a.wav"}]}, "leads out of the dataset"),
        ({"distribution": [FILE, FILE]}, "is there twice"),
        ({"distribution": [FILE | HELD]}, "lies in “b”, which is not listed"),
        ({"distribution": [FILE | HELD, ZIP | {"containedIn": "a"}]}, "lies in itself"),
        ({"distribution": [FILE | HELD, ZIP]}, "Record each file with its own hash"),
        (
            {"distribution": [FILE | HELD, ZIP | {"containedIn": ["c"]}, FILE | {"@id": "c"}]},
            "Record each file with its own hash",
        ),
        ({"distribution": [FILE | {"desk:owner": "A\x00B"}]}, "owner is no line of text"),
        ({"distribution": [FILE | {"desk:purposes": [["train"]]}]}, "no list of texts"),
    ],
)
def test_a_croissant_file_that_breaks_the_specification_is_refused_by_what_is_wrong(change, said):
    told = {
        "@type": "sc:Dataset", "conformsTo": croissant.CONFORMS_TO, "name": "Voices",
        "description": "Voices", "license": "CC0-1.0", "url": "https://x.example",
        "creator": "X", "datePublished": "2026-11-01", "distribution": [FILE],
    }  # fmt: skip
    many = told | {"conformsTo": ["https://other.example", croissant.CONFORMS_TO]}
    assert [one.size for one in croissant.read(json.dumps(many))] == [3]

    with pytest.raises(manifest.BadManifest, match=said):
        croissant.read(json.dumps(told | change))


def test_a_croissant_file_of_too_many_characters_or_a_long_chain_ends_soon(monkeypatch):
    chain = [
        FILE | {"@id": str(one), "name": f"{one}", "containedIn": str(one + 1)}
        for one in range(20_000)
    ]
    with pytest.raises(manifest.BadManifest, match="not listed"):
        croissant._refuse_archives(chain)
    monkeypatch.setattr(croissant, "LARGEST", 10)
    with pytest.raises(manifest.BadManifest, match="at most 10 characters"):
        croissant.read("[" * 11)


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


def test_exports_are_files_of_those_who_may_see_them(version, agent, elsewhere, train, performer):
    urls = [
        reverse("admin:lineage_export", args=[version.node_id, name]) for name in exports.FORMATS
    ]
    urls += [
        reverse(f"admin:{name}", args=[version.pk])
        for name in ("dataset_croissant", "dataset_data_provenance")
    ]
    client = sign_in(agent)
    for url in urls:
        answer = client.get(url)
        assert answer.status_code == 200
        assert json.loads(answer.content)
    theirs = sign_in(factories.make_member(elsewhere, Role.BUSINESS_AFFAIRS))
    assert {theirs.get(url).status_code for url in urls} == {404}
    assert LineageNode.objects.count() == 2
    # Who represents the same performer sees the build, and not what it was made from.
    build = train(version).build
    factories.represent(elsewhere, performer)
    url = reverse("admin:lineage_export", args=[build.lineage.pk, "prov"])
    assert "Voices" in client.get(url).text
    told = theirs.get(url)
    assert told.status_code == 200
    assert f"N{version.node_id}, kept elsewhere" in told.text
    assert "Voices" not in told.text
