"""“Provably clean?”: yes only for what is proved, no for what is not, unknown for all the rest."""

import json
import threading
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from talent.consent import consents
from talent.consent.matrix import Cell
from talent.lineage import contamination, graph
from talent.models import (
    CleanAnswer,
    Contamination,
    CustodyItem,
    CustodyStep,
    Dataset,
    DatasetVersion,
)
from talent.papers.record import Paper
from talent.provenance import answers, datasets, question
from talent.provenance.manifest import BadManifest
from talent.words import Answer, ContaminationCause, LineageKind, SealLevel
from tests import factories
from tests.waiting import wait_for_lock

from .conftest import BEGINS, NOON, row

LATER = NOON + timedelta(days=2)


def ask(build, at=LATER):
    agency = build.twin.performer.representations.get().agency_id
    return question.ask(build_id=build.pk, agency_id=agency, at=at)


def codes(build, at=LATER):
    asked = ask(build, at)
    return asked.judgement.answer, [finding.code for finding in asked.judgement.findings]


@pytest.fixture
def closed(record, train, hand_in, consent_to_training):
    """A build from files whose training was registered and compared."""

    def closed(*rows, version="1.0"):
        result = train(record(*rows), version=version)
        hand_in(result, *sorted({one.sha256[0] for one in rows if one.split == "train"}))
        return result.build

    consent_to_training()
    return closed


def test_a_build_is_clean_where_every_leaf_is_proved(closed):
    assert codes(closed(row("a.wav", "a"), row("b.wav", "b"))) == (Answer.YES, [])


@pytest.mark.parametrize(
    ("about", "answer", "code"),
    [
        ({"owner": ""}, Answer.UNKNOWN, "no_owner"),
        ({"basis": "unknown"}, Answer.UNKNOWN, "no_basis"),
        ({"consent": ""}, Answer.UNKNOWN, "no_consent_named"),
        ({"purposes": ()}, Answer.UNKNOWN, "no_purpose"),
        ({"purposes": ("evaluate",)}, Answer.NO, "not_for_training"),
    ],
)
def test_one_file_that_is_not_proved_is_enough_and_the_path_is_told(closed, about, answer, code):
    build = closed(row("good.wav", "a"), row("bad.wav", "b", **about))

    asked = ask(build, LATER)

    (finding,) = asked.judgement.findings
    assert (asked.judgement.answer, finding.code) == (answer, code)
    assert (finding.files, finding.examples) == (1, ("bad.wav",))
    path = answers.path_in_words(finding.path, asked)
    assert path.startswith("dataset “Voices, version 1” → build “")
    assert finding.remedy


def test_consent_counts_as_it_was_recorded_when_the_training_began(
    record, train, hand_in, consent_to_training
):
    result = train(record(row(basis="agreement", consent="")))
    hand_in(result, "a")
    build = result.build
    assert codes(build) == (Answer.NO, ["not_consented"])
    # Recorded the day after, for the time before.
    consent_to_training(at=NOON - timedelta(days=30), recorded_at=BEGINS + timedelta(days=1))

    assert codes(build) == (Answer.UNKNOWN, ["consented_later"])
    assert codes(build, at=NOON + timedelta(hours=3)) == (Answer.NO, ["not_consented"])


def test_a_withdrawal_for_the_time_before_takes_a_yes_also_where_the_consent_is_not_named(
    closed, consent_to_training, agency, agent, monkeypatch
):
    monkeypatch.setattr(answers, "drawn", lambda told, at: Paper(b"%PDF", SealLevel.NONE))
    build = closed(row(basis="agreement", consent=""))
    answers.give(build_id=build.pk, agency=agency, at=LATER, by=agent)
    consent_to_training("deny", at=BEGINS - timedelta(days=1), recorded_at=LATER)

    assert codes(build, LATER)[0] == Answer.NO
    assert [one.answer for one in CleanAnswer.objects.order_by("pk")] == ["yes", "unknown"]
    assert not Contamination.objects.exists()


def test_what_is_set_aside_to_test_counts_unless_its_trainer_signs_that_it_was_not_read(
    record, train, hand_in, consent_to_training
):
    consent_to_training()
    version = record(row(), row("test.wav", "b", split="test", purposes=("evaluate",)))
    clean, other = train(version), train(version, version="2.0")
    hand_in(clean, "a")
    hand_in(other, "a", "b")
    assert codes(clean.build) == (Answer.YES, [])
    assert codes(other.build) == (Answer.NO, ["not_for_training"])
    hand_in(other, "a")  # a later word takes no earlier one back
    assert codes(other.build) == (Answer.NO, ["not_for_training"])


def test_a_later_withdrawal_contaminates_what_was_clean(closed, consent_to_training, performer):
    build = closed(row())
    assert codes(build)[0] == Answer.YES
    consents.record(
        matrix=consents.matrix_of(performer=performer), cells=[], by=None,
        evidence=consents.Evidence("No more"), in_force_from=LATER, recorded_at=LATER,
    )  # fmt: skip

    assert codes(build, LATER) == (Answer.NO, ["contaminated"])


@pytest.mark.django_db(transaction=True)
def test_a_dataset_waits_for_a_withdrawal_that_is_under_way(
    dataset, consent_to_training, performer
):
    consent_to_training()
    sessions = []

    def record():
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                sessions.extend(cursor.fetchone())
            datasets.record_version(dataset=dataset, rows=[row()], at=LATER, by=None)
        finally:
            connection.close()

    thread = threading.Thread(target=record)
    with transaction.atomic():
        consents.record(
            matrix=consents.matrix_of(performer=performer), cells=[], by=None, recorded_at=NOON,
            evidence=consents.Evidence("No more"), in_force_from=NOON,
        )  # fmt: skip
        thread.start()
        waits = wait_for_lock(thread, sessions)
    thread.join(30)

    assert waits.get("advisory") is False
    assert Contamination.objects.get().cause == ContaminationCause.WITHDRAWN


@pytest.mark.parametrize(
    ("purpose", "steps", "answer", "code"),
    [
        ("build", [("proven", "a" * 64)], Answer.NO, ["vault_not_for_training"]),
        ("train", [("proven", "a" * 64)], Answer.YES, []),
        ("train", [("proven", "f" * 64)], Answer.NO, ["other_hash"]),
        ("train", [("stored", "")], Answer.UNKNOWN, ["not_proven"]),
        ("train", [("proven", "a" * 64), ("destroyed", "")], Answer.YES, []),
    ],
)
def test_a_file_in_the_vault_is_what_its_hash_says(
    closed, agency, performer, agent, purpose, steps, answer, code
):
    item = CustodyItem.objects.create(
        agency=agency, performer=performer, kind="recording", name="Take", purposes=[purpose],
        size=10, place="f" * 48, nonce=bytes(16), begun_at=NOON, begun_by=agent,
    )  # fmt: skip
    for kind, sha256 in steps:
        CustodyStep.objects.create(item=item, kind=kind, sha256=sha256, at=NOON, by=agent)

    assert codes(closed(row(vault_item=str(item.pk)))) == (answer, code)


def test_what_nobody_recorded_is_not_known(twin, provider, agency, agent, closed):
    from talent.models import Build

    alone = Build.objects.create(
        twin=twin, provider=provider, version="0", built_on=date(2026, 1, 1)
    )
    assert codes(alone) == (Answer.UNKNOWN, ["no_data", "not_registered"])

    base = closed(row())
    tuned = graph.node_of_build(build=alone, agency=agency, at=NOON, by=agent)
    graph.connect(source=base.lineage, target=tuned, at=NOON, by=agent)
    assert codes(alone) == (Answer.UNKNOWN, ["not_registered"])

    version = DatasetVersion.objects.get()
    for kind in (LineageKind.CAPTURE, LineageKind.OUTPUT):
        leaf = graph.add_node(agency=agency, kind=kind, name="Leaf", at=NOON, by=agent)
        graph.connect(source=leaf, target=version.node, at=NOON, by=agent)
    assert codes(base) == (Answer.UNKNOWN, ["not_described", "no_build"])


def test_retraining_without_it_makes_a_clean_build_and_never_clears_the_old_one(
    closed, agent, record, dataset
):
    first = closed(row("a.wav", "a", size=300), row("b.wav", "b", size=100))
    version = dataset.versions.get()
    bad = version.files.get(path="b.wav")
    contamination.mark(
        node=version.node, file=bad, cause=ContaminationCause.CLAIM, reason="Theirs", from_at=NOON,
        at=NOON, by=agent,
    )  # fmt: skip

    second = closed(row("a.wav", "a", size=300), version="2.0")

    assert codes(second) == (Answer.YES, [])
    asked = ask(first, LATER)
    assert asked.judgement.answer == Answer.NO
    assert list(asked.judgement.shares.values()) == [Decimal("0.25")]
    told = answers.as_data(asked)
    assert told["share_lines"] == [{"name": "Voices, version 1: Theirs", "share": "25.00 %"}]
    assert told["findings"][0]["examples"] == ["b.wav"]


def test_what_another_agency_keeps_counts_by_its_share_and_is_told_by_number(
    closed, agency, elsewhere
):
    build = closed(row())
    theirs = Dataset.objects.create(agency=elsewhere, name="Secret voices")
    of_them = {"owner": "Secret Ltd", "basis": "owned", "performer": "", "consent": ""}
    version = datasets.record_version(
        dataset=theirs, at=NOON, by=None,
        rows=[
            row("secret/a.wav", "c", size=300, **of_them),
            row("secret/b.wav", "d", size=100, **(of_them | {"basis": "unknown"})),
        ],
    )  # fmt: skip
    graph.connect(source=version.node, target=build.lineage, share=Decimal("0.5"), at=NOON, by=None)
    contamination.mark(
        node=version.node, file=version.files.get(path="secret/b.wav"), at=NOON, by=None,
        cause=ContaminationCause.CLAIM, reason="A secret letter", from_at=NOON,
    )  # fmt: skip

    asked = ask(build)

    told = json.dumps(answers.as_data(asked), ensure_ascii=False)
    assert "secret" not in told.lower()
    found = {one.code: one for one in asked.judgement.findings}
    assert set(found) == {"contaminated", "no_basis"}
    assert asked.judgement.answer == Answer.NO
    assert f"dataset “N{version.node_id}, kept elsewhere” → build" in told
    # One file of four hundred bytes in a half: its share, though nobody here may read which it is.
    assert list(asked.judgement.shares.values()) == [Decimal("0.125")]
    assert {(one.files, one.examples) for one in found.values()} == {(1, ("file 2",))}
    own = question.ask(build_id=build.pk, agency_id=elsewhere.pk, at=LATER)
    read = json.dumps(answers.as_data(own), ensure_ascii=False)
    assert "A secret letter" in read
    assert "secret/b.wav" in read
    assert "Voices, version 1" not in {node.name for node in own.nodes.values()}


def test_a_withdrawal_is_of_the_files_of_who_withdrew(closed, agency, consent_to_training):
    bea = factories.make_performer("Bea Example", agency)
    of_bea = {"performer": "Bea Example", "owner": "Bea Example"}
    consents.record(
        matrix=consents.matrix_of(performer=bea), recorded_at=NOON - timedelta(days=30), by=None,
        cells=[Cell("training_data", "training", "allow")],
        evidence=consents.Evidence("As shown"), in_force_from=NOON - timedelta(days=30),
    )  # fmt: skip
    build = closed(row("ada.wav", "a", size=300), row("bea.wav", "b", size=100, **of_bea))
    consents.record(
        matrix=consents.matrix_of(performer=bea), cells=[], by=None, recorded_at=LATER,
        evidence=consents.Evidence("No more"), in_force_from=LATER,
    )  # fmt: skip

    judged = ask(build).judgement

    assert (judged.answer, list(judged.shares.values())) == (Answer.NO, [Decimal("0.25")])
    assert judged.findings[0].examples == ("bea.wav",)


def test_a_question_takes_as_many_queries_whatever_stands_behind_a_build(
    closed, agency, agent, record
):
    small = closed(row())
    ask(small, LATER)
    with CaptureQueriesContext(connection) as few:
        ask(small, LATER)

    large = closed(*(row(f"{n}.wav", "abcdef"[n % 6]) for n in range(60)), version="2.0")
    node = large.lineage
    for number in range(12):
        made = graph.add_node(
            agency=agency, kind=LineageKind.DATASET, name=f"D{number}", at=NOON, by=agent
        )
        graph.connect(source=made, target=node, at=NOON, by=agent)
        contamination.mark(
            node=made, cause=ContaminationCause.CLAIM, reason="X", from_at=NOON, at=NOON, by=agent
        )
    with CaptureQueriesContext(connection) as many:
        ask(large, LATER)

    assert len(many) == len(few) <= 12


def test_an_answer_is_kept_with_its_document_and_what_the_document_says(
    closed, agency, agent, sealing
):
    build = closed(row())

    now = timezone.now()  # the certificate of the tests begins lately
    kept = answers.give(build_id=build.pk, agency=agency, at=now, by=agent)

    assert (kept.answer, kept.level) == ("yes", "b_b")
    assert bytes(kept.pdf).startswith(b"%PDF")
    assert kept.content["behind_it"]["files"] == 1
    # What is joined afterwards takes the yes away.
    late = graph.add_node(agency=agency, kind=LineageKind.DATASET, name="Late", at=now, by=agent)
    graph.connect(source=late, target=build.lineage, at=now, by=agent)
    assert build.clean_answers.order_by("pk").last().answer == "unknown"


def test_a_document_that_was_overtaken_is_not_kept(closed, agency, agent, monkeypatch):
    build = closed(row())

    def drawn(content, *, at):
        late = graph.add_node(
            agency=agency, kind=LineageKind.DATASET, name="Late", at=LATER, by=agent
        )
        graph.connect(source=late, target=build.lineage, at=LATER, by=agent)
        return b"%PDF", None

    monkeypatch.setattr(answers, "drawn", drawn)
    with pytest.raises(answers.LineageHasChanged):
        answers.give(build_id=build.pk, agency=agency, at=LATER, by=agent)
    assert not build.clean_answers.exists()


@pytest.mark.parametrize(
    "about",
    [
        {"performer": "Nobody Example"},
        {"consent": "9"},
        {"vault_item": "123456"},
        {"jurisdiction": "XX"},
        {"path": "../a.wav"},
        {"path": "a\nb"},
        {"sha256": "A" * 64},
        {"size": -1},
        {"split": "holdout"},
        {"purposes": ("fun",)},
        {"owner": "A\x00B"},
        {"reference": "A\ud800"},
        {"performer": "Ada\nExample"},
    ],
)
def test_a_manifest_that_names_what_is_not_there_is_refused_whole(
    record, consent_to_training, dataset, about
):
    consent_to_training()
    with pytest.raises(BadManifest):
        record(row("good.wav", "b"), replace(row(), **about))
    assert not dataset.versions.exists()


def test_the_same_manifest_again_is_the_same_version(record, consent_to_training):
    consent_to_training()
    first = record(row("a.wav", "a"), row("b.wav", "b"))
    assert record(row("b.wav", "b"), row("a.wav", "a")) == first
    assert record(row("a.wav", "a")).number == 2
