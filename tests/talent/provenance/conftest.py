"""A build that was trained on a dataset of one performer, in the closed loop."""

import base64
import json
from datetime import UTC, date, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from talent.consent import consents
from talent.consent.matrix import Cell
from talent.models import Build, Dataset, Provider, TrainerKey
from talent.provenance import datasets, training
from talent.provenance.manifest import FileRow
from talent.words import DataPurpose

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
BEGINS = NOON + timedelta(hours=2)


def row(path="a.wav", digit="a", **about):
    told = {
        "owner": "Ada Example", "basis": "consent", "performer": "Ada Example", "consent": "1",
        "jurisdiction": "GB", "purposes": ("train",), "remuneration": "rate_line",
    }  # fmt: skip
    return FileRow(path, digit * 64, about.pop("size", 300), **(told | about))


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@pytest.fixture
def consent_to_training(performer):
    def consent_to_training(stance="allow", at=NOON - timedelta(days=30), recorded_at=None):
        return consents.record(
            matrix=consents.matrix_of(performer=performer),
            cells=[Cell("training_data", "training", stance)],
            evidence=consents.Evidence("As shown"), in_force_from=at,
            recorded_at=recorded_at or at, by=None,
        )  # fmt: skip

    return consent_to_training


@pytest.fixture
def dataset(agency):
    return Dataset.objects.create(agency=agency, name="Voices")


@pytest.fixture
def record(dataset, agent):
    def record(*rows, **about):
        return datasets.record_version(dataset=dataset, rows=rows, at=NOON, by=agent, **about)

    return record


@pytest.fixture
def provider(db):
    return Provider.objects.create(name="Render Barn")


@pytest.fixture
def secret(provider):
    """The provider's key, whose public part the desk knows."""
    secret = Ed25519PrivateKey.generate()
    public = b64(secret.public_key().public_bytes_raw())
    TrainerKey.objects.create(provider=provider, public_key=public, starts_on="2026-01-01")
    return secret


@pytest.fixture
def sign(secret):
    def sign(payload, *, key=None, header=None):
        told = [header or {"alg": "EdDSA"}, payload]
        text = ".".join(b64(json.dumps(one).encode()) for one in told)
        return f"{text}.{b64((key or secret).sign(text.encode()))}"

    return sign


@pytest.fixture
def train(agency, twin, provider, agent):
    """Register a training and record its build."""

    def train(*versions, version="1.0"):
        run = training.register(
            agency=agency, twin=twin, provider=provider, name=f"Run {version}",
            purpose=DataPurpose.TRAIN, environment="8 × H100, code 3f2a", versions=versions,
            begins_at=BEGINS, at=NOON, by=agent,
        )  # fmt: skip
        build = Build.objects.create(
            twin=twin, provider=provider, version=version, built_on=date(2026, 11, 21)
        )
        return training.record_result(run_id=run.pk, build=build, at=NOON, by=agent)

    return train


@pytest.fixture
def hand_in(sign, agent):
    def hand_in(result, *digits, **about):
        payload = {"run": result.run_id, "files": [digit * 64 for digit in digits]}
        signed = sign(payload | about.pop("payload", {}), **about)
        return training.hand_in(result_id=result.pk, signed=signed, at=NOON, by=agent)

    return hand_in
