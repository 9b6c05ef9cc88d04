"""Datasets as Data Provenance Standard 1.0.0 (Data & Trust Alliance), written and read.

It tells of a dataset as a whole and lists no file: read, it says what a manifest leaves open. No
package brings its schema, so that nothing is checked against it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from talent.consent.exports import TERMS
from talent.words import DataPurpose

from .croissant import Described, parsed, permitted
from .manifest import BadManifest, FileRow

Json = dict[str, Any]

VERSION = "1.0.0"
GROUPS = ("source", "provenance", "use")
# What the standard requires and nobody recorded.
NOT_RECORDED = {"code": "not_recorded", "system": TERMS, "description": "Not recorded here"}


@dataclass(frozen=True, slots=True)
class Statement:
    """What the maker of a dataset says of all its files; empty is what they do not say.

    `jurisdiction` is an ISO 3166 code, `purposes` are codes of the desk.
    """

    licence: str
    jurisdiction: str
    purposes: tuple[str, ...]


def written(told: Described) -> Json:
    """Return a dataset in the three groups of the standard: source, provenance, use."""
    return {
        "source": {
            "version": VERSION,
            "title": told.name,
            "id": f"{TERMS}dataset:{told.number}",
            "issuer": [{"name": told.agency}],
            "description": told.description or told.name,
        },
        "provenance": {
            "origin-geography": [
                {"country": code} for code in _each(row.jurisdiction for row in told.rows)
            ]
            or [{"country": NOT_RECORDED["code"]}],
            "date": told.recorded_at.date().isoformat(),
            "generation-method": [NOT_RECORDED],
            "source": " ".join(f"{TERMS}node:{one}" for one in told.derived_from),
        },
        "use": {
            "consents": _each(
                f"{row.performer}, consent version {row.consent}"
                for row in told.rows
                if row.consent
            ),
            "license": "; ".join(_each(row.reference for row in told.rows)),
            "copyright": _each(row.owner for row in told.rows),
            "intended-purpose": [
                {"code": one.value, "system": TERMS, "description": one.label}
                for one in permitted(told.rows)
            ],
        },
    }


def _each(values: Iterable[str]) -> list[str]:
    return sorted(set(values) - {""})


def read(text: str) -> Statement:
    """Read what a dataset's maker says of all its files. Raises BadManifest.

    More than one country is none of each file's, and purposes in others' codes are not the desk's.
    """
    value = parsed(text)
    if not isinstance(value, dict) or not all(isinstance(value.get(one), dict) for one in GROUPS):
        raise BadManifest("This is no Data Provenance Standard: source, provenance and use.")
    if value["source"].get("version") != VERSION:
        raise BadManifest(f"The desk reads version {VERSION} of the Data Provenance Standard.")
    countries = _objects(value["provenance"], "origin-geography")
    purposes = _objects(value["use"], "intended-purpose")
    licence = value["use"].get("license", "")
    if not isinstance(licence, str):
        raise BadManifest("“license” is no text.")
    codes = {one.get("country") for one in countries}
    ours = [one.get("code") for one in purposes if one.get("system") == TERMS]
    country = codes.pop() if len(codes) == 1 else ""
    return Statement(
        licence,
        country if isinstance(country, str) and country != NOT_RECORDED["code"] else "",
        tuple(code for code in DataPurpose.codes() if code in ours),
    )


def _objects(group: Mapping[str, Any], name: str) -> list[Json]:
    found = group.get(name, [])
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise BadManifest(f"“{name}” is no list of objects.")
    if not all(isinstance(value, str) for one in found for value in one.values()):
        raise BadManifest(f"“{name}” holds what is no text.")
    return found


def filled(rows: Sequence[FileRow], said: Statement) -> list[FileRow]:
    """Return rows with what their maker said where the manifest says nothing."""
    return [
        replace(
            row,
            reference=row.reference or said.licence,
            jurisdiction=row.jurisdiction or said.jurisdiction,
            purposes=row.purposes or said.purposes,
        )
        for row in rows
    ]
