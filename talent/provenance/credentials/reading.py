"""Four answers on a file's content credentials, kept apart: intact, by whom, trusted, ingredients.

What they say of the file is what their signer says, and nothing that the desk found out.
"""

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from talent.errors import Refused

KINDS = (
    "image/png", "image/jpeg", "image/webp", "image/tiff", "image/heic", "image/avif", "audio/wav",
    "audio/mpeg", "audio/mp4", "video/mp4", "video/quicktime", "application/pdf",
)  # fmt: skip
LARGEST = 64 * 1024 * 1024  # bytes of a file
LARGEST_ANSWER = 4 * 1024 * 1024
SECONDS = 30
TRAINING = ("cawg.training-mining", "c2pa.training-mining")
TRUSTED, UNTRUSTED = "signingCredential.trusted", "signingCredential.untrusted"
# Failures that say something of the signer and nothing of the file.
OF_TRUST = "signingCredential."
CHILD = Path(__file__).with_name("child.py")


class CannotRead(Refused):
    """A file is too large, of another kind, or its credentials cannot be read within bounds."""

    code = "credentials_not_readable"


@dataclass(frozen=True, slots=True)
class TrustList:
    """Certificates (PEM) of whom a list trusts, its name and its day as it says itself."""

    name: str
    dated: str
    anchors: str


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a file's credentials come to.

    `intact`: whether file and manifest are as signed; None: there are none. `signer` and `issuer`
    are what the certificate says. `trusted` by `trust_list`; None where there is no list.
    `ingredient_failures` are codes of C2PA. `actions` and `training` are the signer's words.
    """

    intact: bool | None
    failures: tuple[str, ...] = ()
    signer: str = ""
    issuer: str = ""
    trusted: bool | None = None
    trust_list: str = ""
    ingredient_failures: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    training: tuple[tuple[str, str], ...] = ()


def read(content: bytes, *, media_type: str, trust: TrustList | None = None) -> Credentials:
    """Read the credentials of a file, in a process of its own with bounds. Raises CannotRead."""
    if len(content) > LARGEST:
        raise CannotRead("Credentials are read of files of at most 64 MiB.")
    if media_type not in KINDS:
        raise CannotRead("Credentials are not read of files of this kind.")
    anchors = (trust.anchors if trust else "").encode()
    try:
        answer = subprocess.run(  # noqa: S603 - our own program
            [sys.executable, "-I", str(CHILD), media_type],
            input=b"%10d" % len(anchors) + anchors + content,
            capture_output=True, timeout=SECONDS, env={}, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as late:
        raise CannotRead("Its credentials took too long to read.") from late
    if answer.returncode or len(answer.stdout) > LARGEST_ANSWER:
        raise CannotRead("Its credentials could not be read within bounds.")
    told = json.loads(answer.stdout)
    if "fault" in told:
        if "ManifestNotFound" in told["fault"]:
            return Credentials(None)
        raise CannotRead(f"Its credentials cannot be read: {told['fault']}")
    return judged(told["read"], trust)


def judged(told: Mapping[str, Any], trust: TrustList | None) -> Credentials:
    """Return the four answers from what the library says."""
    results = told.get("validation_results", {})
    active = results.get("activeManifest", {})
    codes = [one["code"] for one in active.get("failure", [])]
    fine = {one["code"] for one in active.get("success", [])}
    of_file = tuple(sorted({code for code in codes if not code.startswith(OF_TRUST)}))
    manifest = told.get("manifests", {}).get(told.get("active_manifest"), {})
    signature = manifest.get("signature_info") or {}
    return Credentials(
        intact=not of_file and "claimSignature.validated" in fine,
        failures=of_file,
        signer=signature.get("common_name", ""),
        issuer=signature.get("issuer", ""),
        trusted=None if trust is None else TRUSTED in fine,
        trust_list=f"{trust.name}, {trust.dated}" if trust else "",
        ingredient_failures=tuple(sorted({*_of_ingredients(results), *_as_signed(manifest)})),
        actions=tuple(_actions(manifest.get("assertions", []))),
        training=tuple(_training(manifest.get("assertions", []))),
    )


def _of_ingredients(results: Mapping[str, Any]) -> Iterator[str]:
    for one in results.get("ingredientDeltas", []):
        for failure in one.get("validationDeltas", {}).get("failure", []):
            yield failure["code"]


def _as_signed(manifest: Mapping[str, Any]) -> Iterator[str]:
    """Yield the failures of ingredients that were there, and written down, when it was signed.

    Not whom the signer's program did not trust: that says nothing of the ingredient.
    """
    for ingredient in manifest.get("ingredients", []):
        found = ingredient.get("validation_results", {}).get("activeManifest", {})
        for failure in (*found.get("failure", []), *ingredient.get("validation_status", [])):
            if not failure["code"].startswith(OF_TRUST):
                yield failure["code"]


def _actions(assertions: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for one in assertions:
        if one["label"].startswith("c2pa.actions"):
            for action in one["data"].get("actions", []):
                source = str(action.get("digitalSourceType", "")).rsplit("/", 1)[-1]
                yield f"{action.get('action', '')} {source}".strip()


def _training(assertions: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    for one in assertions:
        if one["label"] in TRAINING:
            for name, entry in sorted(one["data"].get("entries", {}).items()):
                yield name, str(entry.get("use", ""))
