"""Contamination: marks all that is made from something at once, and ends by two people only."""

from datetime import timedelta

import pytest

from talent import four_eyes
from talent.consent import consents
from talent.consent.matrix import Cell
from talent.lineage import contamination, spread
from talent.models import (
    Contamination,
    ContaminationMark,
    Dataset,
    DatasetFile,
    DatasetVersion,
    LineageNode,
)
from talent.words import ContaminationCause, LineageKind, Role
from tests import factories

from .conftest import NOON


def marked(fact):
    marks = ContaminationMark.objects.filter(contamination=fact)
    return {mark.node_id: mark.distance for mark in marks}


def test_a_mark_reaches_all_that_is_made_from_it_by_the_shortest_way(node, build_node, join, mark):
    bad, good = node("Bad"), node("Good")
    base, tuned, other = build_node("1"), build_node("2"), build_node("3")
    mixed = node("Mixed")
    clip = node("Clip", LineageKind.OUTPUT)
    for source, target in [(bad, mixed), (mixed, base), (bad, base), (base, tuned), (tuned, clip)]:
        join(source, target)
    join(good, other)

    fact = mark(bad)

    assert marked(fact) == {bad.pk: 0, mixed.pk: 1, base.pk: 1, tuned.pk: 2, clip.pk: 3}
    of_clip = ContaminationMark.objects.get(contamination=fact, node=clip)
    way = spread.paths_of([of_clip.pk])[of_clip.pk]
    assert [step.node for step in way] == [bad.pk, base.pk, tuned.pk, clip.pk]
    assert spread.in_words(way, bad.agency_id).startswith("dataset “Bad” → build “")
    assert spread.in_words(way, 0).startswith(f"dataset N{bad.pk} → build “")
    public = spread.in_public_words(way)
    assert public == f"dataset N{bad.pk} → build 1 → build 2 → output N{clip.pk}"


def test_what_is_made_from_it_afterwards_is_marked_too_until_it_is_cleared(
    node, build_node, join, mark, agent, affairs, agency
):
    bad, base, tuned, later = node("Bad"), build_node("1"), build_node("2"), build_node("3")
    join(base, tuned)
    fact = mark(bad)

    join(bad, base)

    assert marked(fact) == {bad.pk: 0, base.pk: 1, tuned.pk: 2}
    third = factories.make_member(agency, Role.BUSINESS_AFFAIRS, email="third@n.example")
    asked = contamination.ask_clearing(
        contamination_id=fact.pk, reason="Licensed", by=affairs, at=NOON
    )
    contamination.approve_clearing(clearing_id=asked.pk, by=third, at=NOON + timedelta(hours=1))
    join(bad, later)
    assert later.pk not in marked(fact)
    # The mark itself stays: that it was contaminated is a fact.
    assert Contamination.objects.with_cleared_at().get().cleared_at == NOON + timedelta(hours=1)
    assert not Contamination.objects.live().exists()


def test_clearing_needs_a_reason_of_one_and_the_approval_of_another(
    node, mark, agent, affairs, operator, agency
):
    fact = mark(node("Bad"), by=affairs)
    ask = {"contamination_id": fact.pk, "reason": "A licence came", "at": NOON}
    approver = factories.make_member(agency, Role.BUSINESS_AFFAIRS, email="b@n.example")

    asked = contamination.ask_clearing(by=operator, **ask)
    for person in (operator, affairs):  # who asked, and who marked it
        with pytest.raises(four_eyes.FourEyes):
            contamination.approve_clearing(clearing_id=asked.pk, by=person, at=NOON)
    with pytest.raises(contamination.NotItsTurn):
        contamination.ask_clearing(by=agent, **ask)
    with pytest.raises(four_eyes.FourEyes):
        contamination.reject_clearing(clearing_id=asked.pk, by=agent, at=NOON, reason="No")
    contamination.reject_clearing(clearing_id=asked.pk, by=approver, at=NOON, reason="No proof")
    assert Contamination.objects.live().exists()

    again = contamination.ask_clearing(by=agent, **ask)
    contamination.approve_clearing(clearing_id=again.pk, by=approver, at=NOON)
    with pytest.raises(contamination.NotItsTurn):
        contamination.approve_clearing(clearing_id=again.pk, by=operator, at=NOON)
    with pytest.raises(contamination.NotItsTurn):
        contamination.ask_clearing(by=agent, **ask)


def test_a_file_is_named_only_of_its_own_dataset(node, mark, agency):
    data = node("Data")
    version = DatasetVersion.objects.create(
        dataset=Dataset.objects.create(agency=agency, name="Data"), number=1, node=data
    )
    file = DatasetFile.objects.create(version=version, path="a.wav", sha256="a" * 64, size=1)

    assert mark(data, file=file).file == file
    with pytest.raises(contamination.NotOfThisNode):
        mark(node("Other"), file=file)


def consents_to(matrix, stance, at):
    return consents.record(
        matrix=matrix, cells=[Cell("training_data", "training", stance)],
        evidence=consents.Evidence("As shown"), in_force_from=at, recorded_at=at, by=None,
    )  # fmt: skip


def test_a_withdrawn_consent_contaminates_what_rested_on_it_once(
    node, build_node, join, agency, performer
):
    matrix = consents.matrix_of(performer=performer)
    given = consents_to(matrix, "allow", NOON)
    data, other, build = node("Data"), node("Other"), build_node("1")
    version = DatasetVersion.objects.create(
        dataset=Dataset.objects.create(agency=agency, name="Data"), number=1, node=data
    )
    DatasetFile.objects.create(
        version=version, path="a.wav", sha256="a" * 64, size=1, consent=given, basis="consent"
    )
    join(data, build)
    join(other, build)
    consents_to(matrix, "ask", NOON + timedelta(days=1))
    assert not Contamination.objects.exists()

    ends = NOON + timedelta(days=30)
    withdrawn = consents.record(
        matrix=matrix, cells=[Cell("voice", "dubbing", "deny")], in_force_from=ends, by=None,
        evidence=consents.Evidence("As shown"), recorded_at=NOON + timedelta(days=2),
    )  # fmt: skip
    consents_to(matrix, "deny", NOON + timedelta(days=40))

    fact = Contamination.objects.get()
    assert (fact.node, fact.cause) == (data, ContaminationCause.WITHDRAWN)
    assert (fact.from_at, fact.consent) == (ends, withdrawn)
    assert marked(fact) == {data.pk: 0, build.pk: 1}
    assert LineageNode.objects.filter(marks__contamination=fact).count() == 2
