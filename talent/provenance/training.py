"""The closed loop: a training is registered before it begins, and what was read is held against it.

The desk cannot watch a training. It holds what its trainer signed against what was registered: a
difference contaminates the build, and no manifest leaves it unknown.
"""

import base64
import binascii
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from talent.database.locks import lock_until_commit
from talent.errors import Refused
from talent.lineage import contamination, graph, spread
from talent.models import (
    Agency,
    Build,
    Contamination,
    ContaminationMark,
    DatasetFile,
    DatasetVersion,
    DigitalTwin,
    Provider,
    TrainerKey,
    TrainingManifest,
    TrainingResult,
    TrainingRun,
    User,
)
from talent.models.lineage import LINEAGE_LOCK
from talent.periods import local_day
from talent.words import ContaminationCause, DataPurpose, DataSplit, ManifestFinding

from .manifest import SHA256

LARGEST = 16 * 1024 * 1024  # characters of a signed manifest
LISTED = 20


class NotRegistered(Refused):
    """A training is registered too late, reads nothing, or is not the build's."""

    code = "training_not_registered"


class UnreadableManifest(Refused):
    """What was handed in is no signed manifest."""

    code = "unreadable_manifest"


@transaction.atomic
def register(
    *,
    agency: Agency,
    twin: DigitalTwin,
    provider: Provider,
    name: str,
    purpose: DataPurpose,
    environment: str,
    versions: Iterable[DatasetVersion],
    begins_at: datetime,
    at: datetime,
    by: User,
) -> TrainingRun:
    """Register what a training is going to read.

    Raises NotRegistered where it has begun, or would read what is contaminated by then.
    """
    # Waits for a withdrawal that is under way; one that comes later marks what is registered here.
    lock_until_commit(LINEAGE_LOCK)
    chosen = sorted(versions, key=lambda version: version.pk)
    if begins_at < at:
        raise NotRegistered(_("A training is registered before it begins."))
    if not chosen or any(one.dataset.agency_id != agency.pk for one in chosen):
        raise NotRegistered(_("Name the datasets' versions that it reads, of this agency."))
    _refuse_contaminated(chosen, begins_at)
    content = {
        "twin": twin.name,
        "provider": provider.name,
        "purpose": purpose.value,
        "environment": environment,
        "begins_at": begins_at.isoformat(),
        "datasets": [
            {"version": one.pk, "name": str(one), "manifest_sha256": one.manifest_sha256}
            for one in chosen
        ],
    }
    run = TrainingRun.objects.create(
        agency=agency, twin=twin, provider=provider, name=name, purpose=purpose.value,
        environment=environment, content=content, begins_at=begins_at, registered_at=at,
        registered_by=by,
    )  # fmt: skip
    run.datasets.set(chosen)
    return run


def _refuse_contaminated(versions: Sequence[DatasetVersion], begins_at: datetime) -> None:
    """Refuse versions that may not be built upon when a training begins. Raises NotRegistered."""
    counting = Contamination.objects.live().filter(from_at__lte=begins_at)
    marks = ContaminationMark.objects.filter(
        contamination__in=counting, node__in=[one.node_id for one in versions]
    )
    mark = marks.select_related("contamination__node", "node").order_by("pk").first()
    if mark is not None:
        raise NotRegistered(
            _("%(what)s may not be trained on: %(why)s. Take it out.")
            % {"what": mark.node, "why": mark.contamination}
        )


@transaction.atomic
def record_result(*, run_id: int, build: Build, at: datetime, by: User) -> TrainingResult:
    """Record which build came out of a training; it is made from the datasets registered.

    Raises NotRegistered where it is another twin's or provider's, or was recorded before.
    """
    run = TrainingRun.objects.select_for_update(of=("self",)).select_related("agency").get(
        pk=run_id
    )  # fmt: skip
    if TrainingResult.objects.filter(Q(run=run) | Q(build=build)).exists():
        raise NotRegistered(_("This training, or this build, has its result already."))
    if (build.twin_id, build.provider_id) != (run.twin_id, run.provider_id):
        raise NotRegistered(_("This build is of another twin or provider than the training."))
    if build.built_on < local_day(run.begins_at, run.agency.time_zone):
        raise NotRegistered(_("This build was made before the training began."))
    result = TrainingResult.objects.create(run=run, build=build, at=at, by=by)
    node = graph.node_of_build(build=build, agency=run.agency, at=at, by=by)
    versions = _registered(run)
    for version in versions.select_related("node"):
        share = None if len(versions) > 1 else Decimal(1)
        graph.connect(source=version.node, target=node, share=share, at=at, by=by)
    return result


@transaction.atomic
def hand_in(*, result_id: int, signed: str, at: datetime, by: User) -> TrainingManifest:
    """Keep what a trainer signed, and compare it; a difference contaminates the build at once.

    The same manifest again is the first one. Raises UnreadableManifest.
    """
    rows = TrainingResult.objects.select_related("run__provider", "build")
    result = rows.select_for_update(of=("self",)).get(pk=result_id)
    signed = signed.strip()
    known = result.manifests.filter(signed=signed).first()
    if known is not None:
        return known
    payload, key = _opened(signed, result.run.provider_id, at)
    splits = _registered_splits(result.run)
    differences = list(_differences(payload, result, splits)) if key else []
    finding = _finding(key, differences)
    manifest = TrainingManifest.objects.create(
        result=result, signed=signed, key=key, finding=finding.value, differences=differences,
        at=at, by=by, read_training_only=set(payload["files"]) <= splits.to_train,
    )  # fmt: skip
    _follow(manifest, result, at=at, by=by)
    return manifest


def _follow(manifest: TrainingManifest, result: TrainingResult, *, at: datetime, by: User) -> None:
    """Contaminate a build that read something else; let no yes of before stand that saw less."""
    node = graph.node_of_build(build=result.build, agency=result.run.agency, at=at, by=by)
    if manifest.finding == ManifestFinding.DIFFERS:
        contamination.mark(
            node=node, cause=ContaminationCause.MANIFEST, from_at=result.run.begins_at, at=at,
            by=by, reason="; ".join(manifest.differences)[:500],
        )  # fmt: skip
    elif manifest.finding != ManifestFinding.SAME or not manifest.read_training_only:
        lock_until_commit(LINEAGE_LOCK)
        spread.reopen_answers(node_id=node.pk, at=at)


def _finding(key: TrainerKey | None, differences: list[str]) -> ManifestFinding:
    if key is None:
        return ManifestFinding.NOT_SIGNED
    return ManifestFinding.DIFFERS if differences else ManifestFinding.SAME


def _registered(run: TrainingRun) -> QuerySet[DatasetVersion]:
    """Return the versions as they were registered: the registration never changes."""
    wanted = [one["version"] for one in run.content["datasets"]]
    return DatasetVersion.objects.filter(pk__in=wanted).order_by("pk")


@dataclass(frozen=True, slots=True)
class _Splits:
    """The hashes of the files that were registered: all of them, and those to train on."""

    registered: frozenset[str]
    to_train: frozenset[str]


def _registered_splits(run: TrainingRun) -> _Splits:
    files = DatasetFile.objects.filter(version__in=_registered(run))
    told = list(files.values_list("sha256", "split"))
    return _Splits(
        frozenset(sha256 for sha256, _split in told),
        frozenset(sha256 for sha256, split in told if split == DataSplit.TRAIN),
    )


def _differences(
    payload: Mapping[str, Any], result: TrainingResult, splits: _Splits
) -> Iterator[str]:
    """Say in sentences how what was read differs from what was registered."""
    if payload.get("run") != result.run_id:
        yield f"The manifest is about run {payload.get('run')!r:.40}, not {result.run_id}"
    weights = payload.get("weights_sha256")
    if result.build.sha256 and weights != result.build.sha256:
        yield "The weights are not those of the build"
    read = {str(sha256) for sha256 in payload["files"]}
    if extra := sorted(read - splits.registered):
        yield f"Read, and not registered ({len(extra)}): {_listed(extra)}"
    if left_out := sorted(splits.to_train - read):
        yield f"Registered, and not read ({len(left_out)}): {_listed(left_out)}"


def _listed(hashes: list[str]) -> str:
    return ", ".join(sha256[:16] for sha256 in hashes[:LISTED])


# The signed manifest: a JWS in compact form (RFC 7515), EdDSA with Ed25519 (RFC 8037)


def _opened(
    signed: str, provider_id: int, at: datetime
) -> tuple[Mapping[str, Any], TrainerKey | None]:
    """Return what a manifest says, and the provider's key that signed it; None: none did."""
    if len(signed) > LARGEST or signed.count(".") != 2:
        raise UnreadableManifest(_("A manifest is a JWS in compact form, of at most 16 MB."))
    header, body, signature = signed.split(".")
    algorithm = _json_of(header).get("alg")
    payload = _json_of(body)
    files = payload.get("files")
    if not isinstance(files, list) or not all(map(_is_sha256, files)):
        raise UnreadableManifest(_("A manifest lists the SHA-256 of each file under “files”."))
    if algorithm != "EdDSA":
        return payload, None
    day = at.date()
    keys = TrainerKey.objects.filter(
        Q(ends_on=None) | Q(ends_on__gt=day), provider=provider_id, starts_on__lte=day
    )
    told, proof = f"{header}.{body}".encode(), _bytes_of(signature)
    return payload, next((key for key in keys.order_by("pk") if _signs(key, proof, told)), None)


def _is_sha256(value: object) -> bool:
    return isinstance(value, str) and SHA256.fullmatch(value) is not None


def _signs(key: TrainerKey, signature: bytes, told: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(_bytes_of(key.public_key)).verify(signature, told)
    except (InvalidSignature, ValueError):
        return False
    return True


def _bytes_of(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError) as fault:
        raise UnreadableManifest(_("A part of the manifest is no base64url.")) from fault


def _json_of(text: str) -> dict[str, Any]:
    try:
        value = json.loads(_bytes_of(text), object_pairs_hook=_once)
    except (ValueError, RecursionError) as fault:
        raise UnreadableManifest(
            _("A part of the manifest is no JSON that can be read.")
        ) from fault
    if not isinstance(value, dict):
        raise UnreadableManifest(_("A part of the manifest is no JSON object."))
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object, unless it has a name twice: it could be read in two ways."""
    told = dict(pairs)
    if len(told) != len(pairs):
        raise ValueError("a name twice")
    return told
