"""What was made from what: no cycle by any door, no yes that outlives what it saw."""

import threading
from decimal import Decimal

import pytest
from django.db import IntegrityError, close_old_connections, connection, transaction

from talent.lineage import contamination, graph
from talent.models import CleanAnswer, ContaminationMark, LineageEdge, LineageNode
from talent.words import ContaminationCause, LineageKind
from tests.waiting import wait_for_lock

from .conftest import NOON


def test_each_kind_is_made_from_what_it_can_be(node, build_node, join):
    capture = node("Session", LineageKind.CAPTURE)
    data, output = node("Data"), node("Clip", LineageKind.OUTPUT)
    first, tuned = build_node("1"), build_node("2")

    join(capture, data)
    join(data, first, Decimal("0.25"))
    join(first, tuned)
    join(tuned, output)
    for source, target in [(data, capture), (capture, first), (data, output), (first, data)]:
        with pytest.raises(graph.LineageRefused):
            join(source, target)

    behind = graph.ancestors(tuned.pk)
    assert behind.nodes == {capture.pk, data.pk, first.pk, tuned.pk}
    assert behind.sources[first.pk] == {data.pk: Decimal("0.25")}


def test_an_edge_that_comes_twice_is_the_first_one(node, build_node, join):
    data, build = node("Data"), build_node("1")

    assert join(data, build, Decimal("0.5")) == join(data, build, Decimal("0.5"))
    with pytest.raises(graph.LineageRefused, match="another share"):
        join(data, build, Decimal("0.4"))


def test_a_cycle_is_refused_and_so_it_is_by_the_database(node, join):
    first, second, third = node("One"), node("Two"), node("Three")
    join(third, first)  # what was recorded later may stand before
    join(first, second)

    with pytest.raises(graph.LineageRefused, match="made from Three already"):
        join(second, third)
    with pytest.raises(graph.LineageRefused, match="itself"):
        join(second, second)
    for source, target in [(second, third), (second, first)]:
        with pytest.raises(IntegrityError), transaction.atomic():
            LineageEdge.objects.create(source=source, target=target, at=NOON)


@pytest.mark.django_db(transaction=True)
def test_two_edges_at_once_close_no_cycle(agency, agent):
    one, two = (
        graph.add_node(agency=agency, kind=LineageKind.DATASET, name=name, at=NOON, by=agent)
        for name in ("One", "Two")
    )
    start, came = threading.Barrier(2), []

    def join(source, target):
        try:
            start.wait(10)
            graph.connect(source=source, target=target, at=NOON, by=None)
            came.append("joined")
        except graph.LineageRefused:
            came.append("refused")
        finally:
            close_old_connections()
            connection.close()

    threads = [threading.Thread(target=join, args=pair) for pair in ((one, two), (two, one))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert sorted(came) == ["joined", "refused"]
    assert LineageEdge.objects.count() == 1


def test_what_is_joined_later_takes_the_yes_from_all_that_rests_on_it(node, build_node, join):
    data, base, tuned = node("Data"), build_node("1"), build_node("2")
    join(base, tuned)
    CleanAnswer.objects.create(
        build=tuned.build, agency_id=data.agency_id, answer="yes", at=NOON, content={}
    )

    join(data, base)

    answers = CleanAnswer.objects.filter(build=tuned.build).order_by("pk")
    assert [row.answer for row in answers] == ["yes", "unknown"]
    assert not CleanAnswer.objects.filter(build=base.build).exists()


def test_a_mark_takes_the_yes_away_and_clearing_it_gives_none_back(node, build_node, join, mark):
    data, base, tuned = node("Data"), build_node("1"), build_node("2")
    join(data, base)
    join(base, tuned)
    for build in (base.build, tuned.build):
        CleanAnswer.objects.create(
            build=build, agency_id=data.agency_id, answer="yes", at=NOON, content={}
        )

    mark(base)

    for build in (base.build, tuned.build):
        assert CleanAnswer.objects.filter(build=build).latest("pk").answer == "unknown"
    mark(data)
    assert CleanAnswer.objects.count() == 4


@pytest.mark.django_db(transaction=True)
def test_a_join_waits_for_a_mark_that_is_under_way(agency, agent):
    data, other = (
        graph.add_node(agency=agency, kind=LineageKind.DATASET, name=name, at=NOON, by=agent)
        for name in ("Data", "Other")
    )
    sessions = []

    def join():
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                sessions.extend(cursor.fetchone())
            graph.connect(source=data, target=other, at=NOON, by=None)
        finally:
            connection.close()

    thread = threading.Thread(target=join)
    with transaction.atomic():
        contamination.mark(
            node=data, cause=ContaminationCause.CLAIM, reason="A letter", from_at=NOON, at=NOON,
            by=agent,
        )  # fmt: skip
        thread.start()
        waits = wait_for_lock(thread, sessions)
    thread.join(30)

    # It waits before it looks at anything, so that what it looks at has the mark.
    assert waits == {"advisory": False}
    assert ContaminationMark.objects.filter(node=other).count() == 1


def test_strangers_see_no_node_and_facts_stay(node, stranger, agent, operator):
    data = node("Data")

    assert not LineageNode.objects.visible_to(stranger).exists()
    assert list(LineageNode.objects.visible_to(agent)) == [data]
    assert list(LineageNode.objects.visible_to(operator)) == [data]
    with pytest.raises(Exception, match="Cannot update or delete"), transaction.atomic():
        LineageNode.objects.filter(pk=data.pk).update(name="Other")
