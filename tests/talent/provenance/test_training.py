"""The closed loop: registered before, compared after; a difference contaminates."""

from datetime import date, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from talent.lineage import contamination
from talent.models import Contamination, TrainerKey
from talent.provenance import training
from talent.words import ContaminationCause, DataPurpose, ManifestFinding

from .conftest import NOON, b64, row


@pytest.fixture
def result(record, train, consent_to_training):
    consent_to_training()
    return train(record(row("a.wav", "a"), row("b.wav", "b"), row("t.wav", "c", split="test")))


def test_what_was_read_as_registered_contaminates_nothing(result, hand_in):
    kept = hand_in(result, "a", "b")
    assert (kept.finding, kept.differences) == (ManifestFinding.SAME, [])
    assert hand_in(result, "a", "b") == kept
    assert not Contamination.objects.exists()
    assert result.build.lineage.made_from.count() == 1


@pytest.mark.parametrize(
    ("digits", "payload", "said"),
    [
        ("abd", {}, "Read, and not registered"),
        ("a", {}, "Registered, and not read"),
        ("ab", {"run": 10**9}, "is about run"),
        ("ab", {"run": "1"}, "is about run"),
        ("ab", {"weights_sha256": "9" * 64}, "weights"),
    ],
)
def test_a_difference_contaminates_the_build_from_the_training_on(
    result, hand_in, digits, payload, said
):
    result.build.sha256 = "8" * 64
    result.build.save()
    weights = {"weights_sha256": "8" * 64}

    kept = hand_in(result, *digits, payload=weights | payload)

    assert kept.finding == ManifestFinding.DIFFERS
    fact = Contamination.objects.get()
    assert (fact.node, fact.cause) == (result.build.lineage, ContaminationCause.MANIFEST)
    assert fact.from_at == result.run.begins_at
    assert said in fact.reason


@pytest.mark.parametrize("how", ["other key", "algorithm", "ended key", "tampered"])
def test_what_no_known_key_signed_proves_nothing(result, hand_in, sign, agent, how):
    if how == "ended key":
        TrainerKey.objects.update(ends_on=NOON.date())
    about = {
        "other key": {"key": Ed25519PrivateKey.generate()},
        "algorithm": {"header": {"alg": "none"}},
    }.get(how, {})
    if how != "tampered":
        kept = hand_in(result, "a", "b", **about)
    else:
        head, _body, signature = sign({"run": result.run_id, "files": []}).split(".")
        files = b64(b'{"run": %d, "files": ["%s", "%s"]}' % (result.run_id, b"a" * 64, b"b" * 64))
        kept = training.hand_in(
            result_id=result.pk, signed=f"{head}.{files}.{signature}", at=NOON, by=agent
        )

    assert (kept.finding, kept.key) == (ManifestFinding.NOT_SIGNED, None)
    assert not Contamination.objects.exists()


@pytest.mark.parametrize(
    "signed",
    [
        "", "a.b", "a.b.c", "e30.e30.e30", "e30.W10.e30", "é.é.é",
        "e30." + b64(b"[" * 100_000) + ".e30", "e30." + b64(b'{"files": [1]}') + ".e30",
        "e30." + b64(b'{"files": [], "files": []}') + ".e30",
        "e30." + b64(b'{"files": ["a\\u0000"]}') + ".e30",
    ],
    ids=range(10),
)  # fmt: skip
def test_what_is_no_manifest_is_refused(result, agent, signed):
    with pytest.raises(training.UnreadableManifest):
        training.hand_in(result_id=result.pk, signed=signed, at=NOON, by=agent)


def test_a_training_is_registered_before_it_begins(
    record, consent_to_training, agency, elsewhere, twin, provider, agent
):
    consent_to_training()
    version = record(row())
    told = {
        "agency": agency, "twin": twin, "provider": provider, "name": "Run", "by": agent,
        "purpose": DataPurpose.TRAIN, "environment": "Here", "versions": [version], "at": NOON,
        "begins_at": NOON,
    }  # fmt: skip
    for about in (
        {"begins_at": NOON - timedelta(seconds=1)}, {"versions": []}, {"agency": elsewhere}
    ):  # fmt: skip
        with pytest.raises(training.NotRegistered):
            training.register(**(told | about))
    assert training.register(**told).content["datasets"][0]["version"] == version.pk
    contamination.mark(
        node=version.node, cause=ContaminationCause.CLAIM, reason="Theirs", by=agent, at=NOON,
        from_at=NOON + timedelta(seconds=1),
    )  # fmt: skip
    training.register(**told)
    with pytest.raises(training.NotRegistered, match="may not be trained on"):
        training.register(**(told | {"begins_at": NOON + timedelta(seconds=1)}))


def test_a_result_is_of_its_own_training_and_once(result, train, twin, provider, agent, record):
    from talent.models import Build

    with pytest.raises(training.NotRegistered, match="already"):
        training.record_result(run_id=result.run_id, build=result.build, at=NOON, by=agent)
    early = Build.objects.create(
        twin=twin, provider=provider, version="early", built_on=date(2026, 11, 1)
    )
    other = training.register(
        agency=result.run.agency, twin=twin, provider=provider, name="Two", environment="Here",
        purpose=DataPurpose.TRAIN, versions=result.run.datasets.all(), at=NOON, by=agent,
        begins_at=NOON,
    )  # fmt: skip
    with pytest.raises(training.NotRegistered, match="before the training"):
        training.record_result(run_id=other.pk, build=early, at=NOON, by=agent)
