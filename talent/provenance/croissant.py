"""Datasets as Croissant 1.1 (MLCommons, 29 January 2026), written and read.

With PROV-O for what a dataset is derived from, and ODRL as its usage block: both are read from the
manifest and the lineage, and stored nowhere.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from talent.consent.exports import TERMS
from talent.words import DataPurpose

from .manifest import LARGEST, BadManifest, FileRow, checked, in_order

Json = dict[str, Any]

MEDIA_TYPE = 'application/ld+json; profile="http://mlcommons.org/croissant/1.1"'
CONFORMS_TO = "http://mlcommons.org/croissant/1.1"
ACCEPTED = {CONFORMS_TO, "http://mlcommons.org/croissant/1.0"}
TYPES = ("sc:Dataset", "Dataset", "https://schema.org/Dataset", "http://schema.org/Dataset")
REQUIRED = ("name", "description", "license", "url", "creator", "datePublished")
SIZE = re.compile(r"([0-9]{1,16})(?: B)?")

# The terms of the standard's own context, so that a file can be read without fetching anything.
CONTEXT: Json = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
    "prov": "http://www.w3.org/ns/prov#",
    "odrl": "http://www.w3.org/ns/odrl/2/",
    "desk": TERMS,
}
# What the manifest says beside what Croissant has words for.
OURS = (
    "split", "owner", "basis", "performer", "consent", "reference", "jurisdiction", "remuneration",
    "vault_item",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Described:
    """A version of a dataset with its manifest; `derived_from` are the numbers of nodes (N12)."""

    number: str
    name: str
    version: int
    description: str
    agency: str
    recorded_at: datetime
    rows: tuple[FileRow, ...]
    derived_from: tuple[str, ...] = ()


def written(told: Described) -> Json:
    """Return a dataset as Croissant 1.1; its media type is `MEDIA_TYPE`."""
    uid = f"{TERMS}dataset:{told.number}"
    licences = sorted({row.reference for row in told.rows if row.reference})
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "name": told.name,
        "description": told.description or told.name,
        "conformsTo": CONFORMS_TO,
        "url": uid,
        "version": f"{told.version}.0.0",
        "datePublished": told.recorded_at.isoformat(),
        "creator": {"@type": "sc:Organization", "name": told.agency},
        "license": licences or [f"{TERMS}as-told-by-file"],
        "usageInfo": usage(uid, told.rows),
        "prov:wasDerivedFrom": [{"@id": f"{TERMS}node:{one}"} for one in told.derived_from],
        "distribution": [_file(number, row) for number, row in enumerate(in_order(told.rows), 1)],
    }


def _file(number: int, row: FileRow) -> Json:
    return {
        "@type": "cr:FileObject",
        "@id": f"file-{number}",
        "name": row.path,
        "contentUrl": row.path,
        "contentSize": f"{row.size} B",
        "encodingFormat": "application/octet-stream",
        "sha256": row.sha256,
        "desk:purposes": list(row.purposes),
        **{f"desk:{name}": value for name in OURS if (value := getattr(row, name))},
    }


def usage(uid: str, rows: Iterable[FileRow]) -> Json:
    """Return what a dataset may be used for as an ODRL set: what all its files permit, no more."""
    allows = permitted(rows)
    rules = {
        verb: [
            {"odrl:target": {"@id": uid}, "odrl:action": {"@id": f"desk:{purpose.value}"}}
            for purpose in DataPurpose
            if (purpose in allows) is allowed
        ]
        for verb, allowed in (("odrl:permission", True), ("odrl:prohibition", False))
    }
    return {"@type": "odrl:Set", "@id": f"{uid}:usage", **rules}


def permitted(rows: Iterable[FileRow]) -> list[DataPurpose]:
    """Return the purposes that every file permits."""
    files = list(rows)
    return [purpose for purpose in DataPurpose if all(purpose in row.purposes for row in files)]


def read(text: str) -> list[FileRow]:
    """Read the manifest of a Croissant file that `written` could have made, or another desk.

    Files of other makers say nothing of owner or basis: that is then not known. Raises BadManifest.
    """
    value = parsed(text)
    if not isinstance(value, dict) or not _conforms(value):
        raise BadManifest("This is no dataset in Croissant 1.0 or 1.1.")
    if value.get("@type") not in TYPES:
        raise BadManifest("Its type is not that of a dataset.")
    if lacking := [name for name in REQUIRED if not value.get(name)]:
        raise BadManifest(f"The dataset lacks what Croissant requires: {', '.join(lacking)}.")
    files = value.get("distribution")
    if not isinstance(files, list):
        raise BadManifest("The dataset lists no files.")
    _refuse_archives([one for one in files if isinstance(one, dict)])
    return checked([_row(one) for one in files])


def parsed(text: str) -> object:
    """Return what a JSON text says, if it can be read in one way alone. Raises BadManifest."""
    if len(text) > LARGEST:
        raise BadManifest(f"A manifest has at most {LARGEST} characters.")
    try:
        return json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError) as fault:
        raise BadManifest("This is no JSON that can be read in one way.") from fault


def _conforms(value: Mapping[str, Any]) -> bool:
    """Tell whether a dataset says that it is Croissant; it may conform to more than one thing."""
    told = value.get("conformsTo", value.get("dct:conformsTo"))
    return any(one in ACCEPTED for one in _names_in(told))


def _names_in(value: object) -> list[str]:
    """Return what a property names, which may be one or many, by text or by its `@id`."""
    many = value if isinstance(value, list) else [value]
    named = (one.get("@id") if isinstance(one, dict) else one for one in many)
    return [one for one in named if isinstance(one, str)]


def _refuse_archives(files: Sequence[Mapping[str, Any]]) -> None:
    """Refuse files that lie in others, by what is wrong with where they lie."""
    known = {name for file in files for name in _names_in(file.get("@id"))}
    within = {
        name: _names_in(file["containedIn"])[:1]
        for file in files
        if "containedIn" in file
        for name in _names_in(file.get("@id"))
    }
    through: set[str] = set()
    for file in within:
        way, place = {file}, within[file]
        while place and place[0] not in through:
            if place[0] not in known:
                raise BadManifest(f"A file lies in “{place[0]:.80}”, which is not listed.")
            if place[0] in way:
                raise BadManifest(f"“{place[0]:.80}” lies in itself.")
            way.add(place[0])
            place = within.get(place[0], [])
        through |= way


def _row(file: object) -> FileRow:
    if not isinstance(file, dict) or file.get("@type") not in ("cr:FileObject", "FileObject"):
        raise BadManifest("The desk reads files alone: no file sets, no archives.")
    if "containedIn" in file:
        raise BadManifest("A file lies in an archive. Record each file with its own hash.")
    size = SIZE.fullmatch(str(file.get("contentSize", "")))
    purposes = file.get("desk:purposes", [])
    return FileRow(
        path=_text(file, "name"),
        sha256=_text(file, "sha256"),
        size=int(size[1]) if size else -1,
        purposes=_texts(purposes),
        **{name: _text(file, f"desk:{name}") for name in OURS if f"desk:{name}" in file},
    )


def _text(file: Mapping[str, Any], name: str) -> str:
    value = file.get(name, "")
    if not isinstance(value, str):
        raise BadManifest(f"“{name}” of a file is no text.")
    return value


def _texts(values: object) -> tuple[str, ...]:
    if not isinstance(values, list) or not all(isinstance(one, str) for one in values):
        raise BadManifest("The purposes of a file are no list of texts.")
    return tuple(values)


def _once(pairs: Sequence[tuple[str, Any]]) -> Json:
    told = dict(pairs)
    if len(told) != len(pairs):
        raise ValueError("a name twice")
    return told
