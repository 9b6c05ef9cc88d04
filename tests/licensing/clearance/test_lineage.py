"""Where a build comes from decides: contaminated is refused with the path, unknown is not clean."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from licensing.clearance.replays import every_replay
from licensing.models import ClearanceDecision
from talent.lineage import contamination, graph
from talent.models import CleanAnswer, Contamination
from talent.words import ContaminationCause, LineageKind, Role
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def lineage(agency, agent, twin):
    """A dataset and the build that was trained on it."""
    now = timezone.now()
    build = factories.make_build(twin, "1.0")
    data = graph.add_node(
        agency=agency, kind=LineageKind.DATASET, name="Ada's takes, version 1", at=now, by=agent
    )
    node = graph.node_of_build(build=build, agency=agency, at=now, by=agent)
    graph.connect(source=data, target=node, at=now, by=agent)
    return data, build


@pytest.fixture
def ask(studio, twin, agreement, performer, consent, lineage):
    consent(performer=performer)

    def ask():
        answer = studio.post(
            "/api/v1/clearances",
            {
                "twin": f"T{twin.pk}", "agreement": agreement.reference, "build": "1.0",
                "right": "voice", "use": "dubbing", "at": timezone.now().isoformat(),
                "territory": "FR", "language": "fr", "channel": "streaming",
                "quantities": {"lines": "10"},
            },
            content_type="application/json",
        )  # fmt: skip
        body = answer.json()
        (step,) = (step for step in body["trace"] if step["dimension"] == "provenance")
        return body, step

    return ask


def mark(node, by, **about):
    now = timezone.now()
    told = {
        "cause": ContaminationCause.COURT, "reason": "Case 12/26", "from_at": now, "at": now
    }  # fmt: skip
    return contamination.mark(node=node, by=by, **(told | about))


def test_the_next_clearance_is_refused_with_the_path_and_again_possible_once_it_is_cleared(
    ask, lineage, agent, affairs, accounting
):
    data, _build = lineage
    body, step = ask()
    assert (body["outcome"], step["finding"], step["code"]) == ("cleared", "not_known", "unproven")

    fact = mark(data, agent)
    body, step = ask()

    assert (body["outcome"], step["code"]) == ("refused", "contaminated")
    path = f"dataset N{data.pk} → build 1.0"
    assert body["text"] == f"Refused: Build 1.0 is not provably clean: {path}."
    assert "takes" not in str(body)
    stored = ClearanceDecision.objects.latest("pk").decision
    assert "dataset “Ada's takes, version 1” → build “" in stored["staff_text"]
    assert "court" in stored["staff_text"]

    asked = contamination.ask_clearing(
        contamination_id=fact.pk, reason="Lifted", by=affairs, at=timezone.now()
    )
    assert ask()[0]["outcome"] == "refused"
    contamination.approve_clearing(clearing_id=asked.pk, by=accounting, at=timezone.now())
    body, step = ask()
    assert (body["outcome"], step["code"]) == ("cleared", "unproven")
    # Each stands on what was known then, also when it is decided anew on the facts of its time.
    assert all(replay.same and not replay.differences for replay in every_replay())


def test_a_contamination_counts_from_its_day_on(ask, lineage, agent):
    mark(lineage[0], agent, from_at=timezone.now() + timedelta(days=3))

    body, step = ask()

    assert (body["outcome"], step["code"]) == ("cleared", "unproven")


def test_a_proven_build_passes_until_something_is_known_against_it(
    ask, lineage, agent, affairs, accounting
):
    data, build = lineage
    CleanAnswer.objects.create(
        build=build, agency_id=data.agency_id, answer="yes", at=timezone.now(), content={}
    )
    assert ask()[1]["finding"] == "pass"

    fact = mark(data, agent)
    assert ask()[1]["code"] == "contaminated"
    asked = contamination.ask_clearing(
        contamination_id=fact.pk, reason="Lifted", by=affairs, at=timezone.now()
    )
    contamination.approve_clearing(clearing_id=asked.pk, by=accounting, at=timezone.now())
    # Cleared is not proved: the answer was given before it was known.
    assert ask()[1]["code"] == "unproven"
    CleanAnswer.objects.create(
        build=build, agency_id=data.agency_id, answer="yes", at=timezone.now(), content={}
    )
    assert ask()[1]["finding"] == "pass"


def test_an_answer_takes_as_many_queries_however_many_contaminations_lie_on_a_build(
    ask, lineage, agent
):
    mark(lineage[0], agent)
    ask()
    with CaptureQueriesContext(connection) as one:
        ask()
    for _more in range(4):
        mark(lineage[0], agent)
    with CaptureQueriesContext(connection) as many:
        ask()

    assert len(many) == len(one)


def test_another_agencys_staff_are_no_part_of_it(lineage, elsewhere):
    theirs = factories.make_member(elsewhere, Role.AGENT)
    mark(lineage[0], None)

    assert not Contamination.objects.visible_to(theirs).exists()
