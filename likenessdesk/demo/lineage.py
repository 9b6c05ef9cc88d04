"""The demo's lineage: a build that is provably clean, and one that a claim contaminates."""

import base64
import hashlib
import json
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from talent.lineage import contamination
from talent.models import (
    Build,
    Dataset,
    DatasetVersion,
    DigitalTwin,
    LineageNode,
    Provider,
    TrainerKey,
    User,
)
from talent.provenance import answers, datasets, training
from talent.provenance.manifest import FileRow
from talent.words import (
    CaptureKind,
    ContaminationCause,
    DataPurpose,
    LicenceBasis,
    Remuneration,
    Role,
)

FILES = 6
CLAIM = "A library says that this is one of its songs; its letter came by mail"


def tell_of_lineage(at: datetime) -> None:
    """Train a persona of nobody's likeness twice, and answer for both, if no lineage is there.

    The key that signs is thrown away: nobody trains anything in the demo.
    """
    twin = DigitalTwin.objects.filter(owner__isnull=False).order_by("pk").first()
    if twin is None or twin.agency is None or LineageNode.objects.exists():
        return
    by = _agent(twin)
    provider, secret = _provider(twin, at)
    dataset = Dataset.objects.create(
        agency=twin.agency,
        name=f"{twin}: voices made by the house",
        description="Synthesised by the house itself; nobody's voice is in it.",
    )
    clean = _version(dataset, FILES, at, by)
    mixed = _version(dataset, FILES + 2, at, by)
    built = [
        _train(twin, provider, secret, version, name, at, by)
        for name, version in (("house-1", clean), ("house-2", mixed))
    ]
    for file in mixed.files.order_by("-path")[:2]:
        contamination.mark(
            node=mixed.node, file=file, cause=ContaminationCause.CLAIM, reason=CLAIM, from_at=at,
            at=at, by=by,
        )  # fmt: skip
    _leave_takes(dataset, at, by)
    for build in built:
        answers.give(build_id=build.pk, agency=twin.agency, at=at + timedelta(seconds=1), by=by)


def _agent(twin: DigitalTwin) -> User:
    seats = twin.agency.memberships.current().filter(role=Role.AGENT.value)
    return seats.select_related("user").order_by("pk")[0].user


def _provider(twin: DigitalTwin, at: datetime) -> tuple[Provider, Ed25519PrivateKey]:
    secret = Ed25519PrivateKey.generate()
    provider = twin.builds.select_related("provider").order_by("pk")[0].provider
    TrainerKey.objects.create(
        provider=provider, public_key=_base64(secret.public_key().public_bytes_raw()),
        starts_on=at.date(),
    )  # fmt: skip
    return provider, secret


def _version(dataset: Dataset, files: int, at: datetime, by: User) -> DatasetVersion:
    rows = [
        FileRow(
            f"lines/{number:02}.wav", hashlib.sha256(f"{dataset} {number}".encode()).hexdigest(),
            96_000 * (1 + number), owner=dataset.agency.name, basis=LicenceBasis.OWNED.value,
            jurisdiction="US", purposes=(DataPurpose.TRAIN.value,),
            remuneration=Remuneration.NONE.value,
        )
        for number in range(files)
    ]  # fmt: skip
    return datasets.record_version(dataset=dataset, rows=rows, at=at, by=by)


def _train(
    twin: DigitalTwin, provider: Provider, secret: Ed25519PrivateKey, version: DatasetVersion,
    name: str, at: datetime, by: User,
) -> Build:  # fmt: skip
    run = training.register(
        agency=version.dataset.agency, twin=twin, provider=provider, name=f"Training of {name}",
        purpose=DataPurpose.TRAIN, environment="8 GPUs at the provider, code of November",
        versions=[version], begins_at=at, at=at, by=by,
    )  # fmt: skip
    build = Build.objects.create(
        twin=twin, provider=provider, version=name, built_on=at.date(),
        sha256=hashlib.sha256(name.encode()).hexdigest(),
    )  # fmt: skip
    result = training.record_result(run_id=run.pk, build=build, at=at, by=by)
    read = list(version.files.values_list("sha256", flat=True))
    told = {"run": run.pk, "files": read, "weights_sha256": build.sha256}
    text = ".".join(_base64(json.dumps(part).encode()) for part in ({"alg": "EdDSA"}, told))
    signed = f"{text}.{_base64(secret.sign(text.encode()))}"
    training.hand_in(result_id=result.pk, signed=signed, at=at, by=by)
    return build


def _leave_takes(dataset: Dataset, at: datetime, by: User) -> None:
    representation = dataset.agency.representations.select_related("performer").order_by("pk")[0]
    datasets.record_capture(
        agency=dataset.agency, performer=representation.performer, kind=CaptureKind.TAKES,
        name=f"Takes of {representation.performer} that were not used",
        owner=representation.performer.name, purposes=[DataPurpose.EDIT],
        remuneration=Remuneration.RATE_LINE, captured_on=at.date(), at=at, by=by,
    )  # fmt: skip


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
