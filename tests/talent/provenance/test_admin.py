"""The doors of provenance: manifests, trainings, marks, clearings, answers, and nobody else's."""

import json
from datetime import date

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from talent.lineage import contamination, graph
from talent.models import (
    Build,
    Capture,
    CleanAnswer,
    Contamination,
    ContaminationClearing,
    CustodyItem,
    Dataset,
    DatasetVersion,
    LineageEdge,
    LineageNode,
    TrainingRun,
)
from talent.provenance import datasets
from talent.words import (
    CaptureKind,
    ClearingState,
    ContaminationCause,
    DataPurpose,
    LineageKind,
    Remuneration,
    Role,
)
from tests import factories
from tests.factories import admin_page, make_persona, sign_in

from .conftest import NOON

CSV = "path,sha256,size,owner,basis,performer,purposes\n" + "".join(
    f"{digit}.wav,{digit * 64},100,Ada Example,owned,,train\n" for digit in "ab"
)


def take(user, row, step, **given):
    """Take a step whose form has a field `name`, as a person does."""
    client, url = sign_in(user), admin_page(type(row), row.pk, name=step)
    page = client.get(url)
    answer = client.post(url, {"seen": page.context["seen"], **given})
    assert answer.status_code in (200, 302), answer
    return answer.context["form"].errors if answer.status_code == 200 else None


def sent(text):
    return SimpleUploadedFile("manifest.csv", text.encode())


def test_a_dataset_is_recorded_trained_on_compared_and_answered_for(
    agent, agency, elsewhere, performer, dataset, twin, provider, sign, short_papers
):
    client = sign_in(agent)
    url = reverse("admin:record_dataset", args=[dataset.pk])
    assert client.get(url).status_code == 200
    refused = client.post(url, {"file": sent(CSV.replace("owned", "stolen"))})
    assert "its basis is none of" in refused.text
    said = {
        "source": {"version": "1.0.0"}, "use": {"license": "CC0-1.0"},
        "provenance": {"origin-geography": [{"country": "XX\x00"}]},
    }  # fmt: skip
    refused = client.post(url, {"file": sent(CSV), "statement": sent(json.dumps(said))})
    assert "its jurisdiction is no line of text" in refused.text
    said["provenance"] = {"origin-geography": [{"country": "GB"}]}
    capture, theirs = (
        datasets.record_capture(
            agency=one, performer=performer, name="Takes", kind=CaptureKind.TAKES, owner="Ada",
            purposes=[DataPurpose.TRAIN], remuneration=Remuneration.ONCE, at=NOON, by=agent,
        ).node
        for one in (agency, elsewhere)
    )  # fmt: skip
    told = {"statement": sent(json.dumps(said)), "made_from": [theirs.pk]}
    refused = client.post(url, told | {"file": sent(CSV)})
    assert "is not one of the available choices" in refused.text
    assert client.post(url, {"file": sent(CSV)}).status_code == 302
    assert LineageEdge.objects.count() == 0
    # The same manifest again is the same version, with what is told of it besides.
    assert client.post(url, {"file": sent(CSV), "made_from": [capture.pk]}).status_code == 302
    assert LineageEdge.objects.get().source == capture
    DatasetVersion.objects.get()
    told = {"file": sent(CSV), "statement": sent(json.dumps(said)), "made_from": [capture.pk]}
    assert client.post(url, told).status_code == 302
    version = DatasetVersion.objects.latest("pk")
    assert LineageEdge.objects.filter(source=capture).count() == 2
    kept = {(one.reference, one.jurisdiction, one.owner) for one in version.files.all()}
    assert kept == {("CC0-1.0", "GB", "Ada Example")}
    assert version.files.count() == 2

    now = timezone.localtime()
    told = take(
        agent, version, "register_training", twin=twin.pk, provider=provider.pk, name="Run",
        purpose="train", environment="Barn 3", versions=[version.pk],
        begins_at_0=f"{now.year + 1}-01-02", begins_at_1="10:00:00",
    )  # fmt: skip
    assert told is None
    run = TrainingRun.objects.get()
    build = Build.objects.create(
        twin=twin, provider=provider, version="1.0", built_on=date(now.year + 1, 1, 3)
    )
    take(agent, run, "record_result", build=build.pk)
    signed = sign({"run": run.pk, "files": ["a" * 64, "b" * 64]})
    take(agent, run, "hand_in_manifest", signed=signed)
    assert "Read what was registered" in client.get(admin_page(TrainingRun, run.pk)).text

    take(agent, build, "ask_whether_clean")
    answer = CleanAnswer.objects.get()
    assert answer.answer == "yes"
    assert "Nothing is known against it." in client.get(admin_page(Build, build.pk)).text
    version = DatasetVersion.objects.earliest("pk")
    assert "2 for training" in client.get(admin_page(DatasetVersion, version.pk)).text
    page = client.get(admin_page(CleanAnswer, answer.pk))
    assert "it is the last answer" in page.text
    pdf, data = (
        reverse(f"admin:clean_answer_{kind}", args=[answer.pk]) for kind in ("pdf", "json")
    )
    assert pdf in page.text
    assert client.get(pdf).content.startswith(b"%PDF")
    assert client.get(data).json()["answer"] == "yes"

    # A persona is its agency's own, which asks about its builds as well.
    persona = Build.objects.create(
        twin=make_persona(agency), provider=provider, version="1.0", built_on=now.date()
    )
    take(agent, persona, "ask_whether_clean")
    assert CleanAnswer.objects.get(build=persona).answer == "unknown"


def test_a_mark_is_made_seen_in_the_graph_and_cleared_by_another(
    agent, affairs, accounting, agency
):
    node = graph.add_node(agency=agency, kind=LineageKind.DATASET, name="D", at=NOON, by=agent)
    made = graph.add_node(agency=agency, kind=LineageKind.DATASET, name="E", at=NOON, by=agent)
    take(agent, made, "made_from", source=node.pk, share="0.5")
    now = timezone.localtime()
    take(
        agent, node, "mark_contaminated", cause="court", reason="Case 12",
        from_at_0=f"{now:%Y-%m-%d}", from_at_1="00:00:00",
    )  # fmt: skip

    page = sign_in(agent).get(reverse("admin:lineage_graph", args=[made.pk])).text
    assert page.count("Contaminated") == 2
    assert "<svg" in page
    fact = Contamination.objects.get()
    assert "1" in sign_in(agent).get(admin_page(Contamination, fact.pk)).text
    take(affairs, fact, "ask_clearing", reason="Settled")
    # Whoever may approve, says no as well, also who could not have asked.
    take(accounting, ContaminationClearing.objects.get(), "reject_clearing", reason="Not yet")
    assert ContaminationClearing.objects.with_state().get().state == ClearingState.CLOSED
    take(affairs, fact, "ask_clearing", reason="Settled")
    clearing = ContaminationClearing.objects.latest("pk")
    own = take(affairs, clearing, "approve_clearing", reason="")
    assert Contamination.objects.live().exists(), own
    take(accounting, clearing, "approve_clearing", reason="Seen")
    assert not Contamination.objects.live().exists()


def test_what_a_build_made_is_recorded_with_what_lies_on_the_build(agent, agency, twin):
    build = graph.node_of_build(
        build=factories.make_build(twin, "1.0"), agency=agency, at=NOON, by=agent
    )
    contamination.mark(
        node=build,
        cause=ContaminationCause.COURT,
        reason="Case 12",
        from_at=NOON,
        at=NOON,
        by=agent,
    )

    assert take(agent, build, "record_output", name="Clip", sha256="A" * 64)
    assert take(agent, build, "record_output", name="Cl\u202eip")
    assert take(agent, build, "record_output", name="Clip", sha256="a" * 64) is None

    output = LineageNode.objects.get(kind=LineageKind.OUTPUT)
    assert (output.name, output.sha256, output.agency) == ("Clip", "a" * 64, agency)
    assert output.marks.get().via == build
    assert take(agent, output, "record_output", name="Cut") is None


def test_what_a_performance_left_answers_three_questions(agent, dataset, performer):
    take(
        agent, dataset, "record_capture", performer=performer.pk, kind="solves", name="Solves",
        captured_on="2026-11-01", owner="Paper Moon", purposes=["train"], remuneration="rate_line",
    )  # fmt: skip

    theirs = CustodyItem.objects.create(
        agency=dataset.agency, performer=factories.make_performer("Bea Example", dataset.agency),
        kind="motion", name="Take", purposes=["build"], size=10, place="f" * 48, nonce=bytes(16),
        begun_at=NOON, begun_by=agent,
    )  # fmt: skip
    theirs.steps.create(kind="proven", at=NOON)
    assert "custody_item" in take(
        agent, dataset, "record_capture", performer=performer.pk, kind="solves", name="Solves",
        owner="Ada", purposes=["train"], remuneration="once", custody_item=theirs.pk,
    )  # fmt: skip
    left = Capture.objects.get()
    assert (left.owner, left.purposes, left.remuneration) == ("Paper Moon", ["train"], "rate_line")


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.ACCOUNTING])
def test_who_only_reads_records_nothing(agency, dataset, role):
    reader = factories.make_member(agency, role)
    url = reverse("admin:record_dataset", args=[dataset.pk])
    assert sign_in(reader).post(url, {"file": sent(CSV)}).status_code == 403
    assert sign_in(reader).get(admin_page(Dataset, dataset.pk)).status_code == 200


def test_what_another_agency_keeps_is_not_there(agent, agency, elsewhere, dataset, twin):
    theirs = sign_in(factories.make_member(elsewhere, Role.BUSINESS_AFFAIRS))
    node = graph.add_node(agency=agency, kind=LineageKind.DATASET, name="D", at=NOON, by=agent)
    answer = CleanAnswer.objects.create(
        build=factories.make_build(twin, "1"), agency=agency, answer="no", at=NOON,
        content={}, sha256="0" * 64,
    )  # fmt: skip
    fact = contamination.mark(
        node=node, cause=ContaminationCause.CLAIM, reason="X", from_at=NOON, at=NOON, by=agent
    )
    pages = [
        reverse("admin:record_dataset", args=[dataset.pk]),
        reverse("admin:lineage_graph", args=[node.pk]),
        reverse("admin:clean_answer_pdf", args=[answer.pk]),
        reverse("admin:clean_answer_json", args=[answer.pk]),
        admin_page(Contamination, fact.pk),
        admin_page(LineageNode, node.pk),
    ]
    assert {theirs.get(page).status_code for page in pages} == {404}
