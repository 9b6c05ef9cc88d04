"""Plans kept: consent gathered, solved by a process of its own, told to a scenario, asked for."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from licensing.models import ApprovalRequest, Cap, ClearanceDecision
from licensing.words import Outcome
from likenessdesk.demo.glass_harbour import SCRIPT
from talent.words import Tier
from tests.factories import sign_in
from tests.valuation.schedule.plans import AT, make_plan, make_screenplay
from valuation.models import PlanResult, PlanRun, Scenario, ScenarioItem
from valuation.schedule.options import IN_PERSON
from valuation.schedule.paid import paid_as_planned
from valuation.schedule.plans import asking, computation, gathering, locks, runs, savings
from valuation.schedule.scripts import taking_in
from valuation.schedule.solution import (
    CODE_VERSION,
    PlanSolution,
    Saved,
    input_from_json,
    solution_from_json,
)
from valuation.words import Bar, PlanCost, PlanStage

LATER = AT + timedelta(minutes=2)
CHANGE = "admin:valuation_scheduleplan_change"


@pytest.fixture
def screenplay(agency, production, performer, twin, terms, affairs):
    return make_screenplay(agency, production, affairs, twin=twin, performer=performer)


@pytest.fixture
def plan(screenplay, agreement):
    return make_plan(screenplay, agreement)


def solved(plan, at=AT, by=None):
    return computation.solve_now(plan_id=plan.pk, by=by, now=at)


def revise(plan, old, new, by):
    content = SCRIPT.read_bytes().replace(old, new)
    taking_in.revise(
        screenplay_id=plan.screenplay_id, content=content, file_name="two.fountain",
        seen=taking_in.look(content, plan.screenplay).seen, renames={}, by=by, at=LATER,
    )  # fmt: skip


def outcomes(plan, at=AT):
    return {one.answer.outcome for one in gathering.gather(plan, at=at).asked}


@pytest.mark.parametrize(
    ("stance", "outcome"),
    [("allow", Outcome.CLEARED), ("ask", Outcome.NEEDS_APPROVAL), ("deny", Outcome.REFUSED)],
)
def test_what_consent_says_decides_what_a_plan_may_choose(
    plan, performer, consent, stance, outcome
):
    consent(stance, performer=performer)

    given = gathering.gather(plan, at=AT)

    assert {one.answer.outcome for one in given.asked} == {outcome}
    keawe = next(one for one in given.breakdown.characters if one.name == "KEAWE")
    in_script = {s.key for s in given.breakdown.scenes for p in s.parts if p.character == keawe.key}
    assert {one.scene for one in given.asked} == in_script
    assert all(one.answer.why for one in given.asked)


def test_the_facts_are_read_once_however_many_scenes_there_are(plan, performer, consent):
    consent(performer=performer)
    gathering.gather(plan, at=AT)  # The plan's own rows are read once.
    with CaptureQueriesContext(connection) as all_scenes:
        gathering.gather(plan, at=AT)
    plan.screenplay.scenes.filter(place__gt=5).update(omitted=True)

    with CaptureQueriesContext(connection) as few:
        given = gathering.gather(plan, at=AT)

    assert len(given.breakdown.scenes) == 6
    assert len(few) == len(all_scenes)


def test_without_an_agreement_or_terms_nothing_is_allowed(plan, performer, consent):
    consent(performer=performer)
    plan.twins.update(agreement=None)
    assert outcomes(plan) == {Outcome.REFUSED}

    plan.screenplay.production.licensee.terms.all().delete()
    assert outcomes(plan) == set()
    assert {part.choice for part in computation.solution_of(solved(plan)).parts} == {IN_PERSON}


def test_a_plan_is_solved_by_a_process_of_its_own_and_kept_with_its_input(
    plan, performer, consent, affairs
):
    consent(performer=performer)

    result = solved(plan, by=affairs)

    found = computation.solution_of(result)
    assert {part.choice for part in found.parts} == {IN_PERSON, f"T{plan.twins.get().twin_id}"}
    paid = paid_as_planned(input_from_json(result.inputs), found)
    assert (result.cost, result.days) == (paid.total, found.figures.days)
    assert result.code_version == CODE_VERSION
    assert computation.solution_of(PlanResult.objects.get(pk=result.pk)) == found
    # The same plan is not solved twice; another one is.
    assert solved(plan, at=LATER) == result
    plan.budget = result.cost
    plan.save()
    assert solved(plan, at=LATER) != result
    with pytest.raises(DatabaseError), transaction.atomic():
        PlanResult.objects.filter(pk=result.pk).update(cost=0)


def test_what_is_left_of_a_cap_bounds_the_seconds_of_a_twin(plan, performer, consent, agreement):
    consent(performer=performer)
    free = computation.solution_of(solved(plan))
    cap = Cap.objects.create(
        agreement=agreement, meter="seconds", limit=D(60), starts_on=AT.date(), year_start_month=1
    )
    plan.twins.update(cap=cap)

    bounded = computation.solution_of(solved(plan))

    seconds = {
        one.key: one.screen_seconds for one in gathering.gather(plan, at=AT).breakdown.scenes
    }

    def used(solution):
        return sum(seconds[part.scene] for part in solution.parts if part.choice)

    assert used(bounded) <= 60 < used(free)


def test_a_scene_of_high_resonance_needs_a_reason_and_a_lock_a_part(
    plan, performer, consent, affairs, twin
):
    consent(performer=performer)
    scene = plan.screenplay.scenes.get(number="9")
    found = computation.solution_of(solved(plan))
    high = [part for part in found.parts if part.scene == str(scene.pk) and part.others]
    assert all(Bar.RESONANCE in bars for part in high for _, _, bars in part.others)

    locks.unlock_scene(plan=plan, scene=scene, reason="Seen from behind.", by=affairs, at=AT)
    given = gathering.gather(plan, at=AT)
    assert given.terms.unlocked == {str(scene.pk)}
    locks.keep_scene(plan=plan, scene_id=scene.pk)
    assert gathering.gather(plan, at=AT).terms.unlocked == frozenset()

    keawe, moss = (plan.screenplay.characters.get(name=n) for n in ("KEAWE", "CAPTAIN MOSS"))
    first = plan.screenplay.scenes.get(number="1")
    said = {"plan": plan, "reason": "He wants to.", "by": affairs, "at": AT}
    locks.lock(scene=first, character=keawe, twin=twin, **said)
    locks.lock(scene=first, character=keawe, twin=None, **said)
    (lock,) = gathering.gather(plan, at=AT).terms.locks
    assert (lock.scene, lock.choice) == (str(first.pk), IN_PERSON)
    with pytest.raises(locks.NoSuchPart):
        locks.lock(scene=first, character=moss, twin=twin, **said)
    elsewhere = plan.screenplay.characters.create(name="NOBODY")
    with pytest.raises(locks.NoSuchPart):
        locks.lock(scene=first, character=elsewhere, twin=None, **said)
    first.omitted = True
    first.save()
    assert gathering.gather(plan, at=AT).terms.locks == ()
    assert locks.release(plan=plan, scene_id=first.pk, character_id=keawe.pk) == 1


def test_what_is_said_of_a_part_bars_a_static_replica_and_counts_its_seconds_through_revisions(
    plan, performer, consent, twin, affairs
):
    consent("ask", performer=performer)
    twin.tier, twin.capture_method, twin.captured_on = Tier.STATIC.value, "scan", AT.date()
    twin.training_hours = None
    twin.save()
    parts = [part for part in computation.solution_of(solved(plan)).parts if part.choice]
    first, second = parts[:2]
    plan.screenplay.scenes.get(pk=first.scene).part_scores.create(
        character_id=first.character, scripted=False
    )
    short = plan.screenplay.scenes.get(pk=second.scene).part_scores.create(
        character_id=second.character, screen_seconds=3
    )

    result = solved(plan)

    found = {(one.scene, one.character): one for one in computation.solution_of(result).parts}
    unscripted = found[first.scene, first.character]
    assert unscripted.choice == IN_PERSON
    assert [bars for _, _, bars in unscripted.others] == [(Bar.STATIC,)]
    assert found[second.scene, second.character].cost < second.cost
    asked = {one.scene.key: one for one in asking.questions(result)}
    assert "in about 3 seconds" in asked[second.scene].description.lines
    assert ("seconds", D(3)) in asked[second.scene].sent.units

    revise(plan, b"Fog", b"Thick fog", affairs)
    short.screen_seconds = 10_000  # longer than the scene
    short.save()
    scenes = {one.key: one for one in gathering.gather(plan, at=LATER).breakdown.scenes}
    (now,) = (p for p in scenes[first.scene].parts if p.character == first.character)
    assert not now.scripted
    (now,) = (p for p in scenes[second.scene].parts if p.character == second.character)
    assert now.screen_seconds == scenes[second.scene].screen_seconds


def test_an_impossible_plan_is_kept_with_what_makes_it_so(plan, performer, consent):
    consent(performer=performer)
    plan.budget = D(1)
    plan.save()

    result = solved(plan)

    found = computation.solution_of(result)
    assert (result.cost, result.days) == (None, None)
    assert "budget" in {one.key for one in found.conflict}


class TestRun:
    def test_ends_with_a_result_and_tells_its_stages(self, plan, affairs, monkeypatch):
        noted = []
        monkeypatch.setattr(
            computation, "_note", lambda run, told: noted.append(PlanStage(told["stage"]))
        )
        run = runs.ask(plan=plan, by=affairs, now=AT)
        with pytest.raises(runs.AlreadySolving):
            runs.ask(plan=plan, by=affairs, now=AT)

        result = computation.compute(run_id=run.pk, now=AT)

        run.refresh_from_db()
        assert (run.result, run.finished_at, run.stage) == (result, AT, PlanStage.DONE)
        # A slow machine tells of a stage again and again.
        assert list(dict.fromkeys(noted))[-2:] == [PlanStage.ORDERS_ALL, PlanStage.ORDERS]
        assert computation.compute(run_id=run.pk, now=LATER) is None  # A second worker.

    def test_cancelled_ends_its_process_and_keeps_nothing(self, plan, affairs, monkeypatch):
        run = runs.ask(plan=plan, by=affairs, now=AT)
        processes = []
        begin = computation.subprocess.Popen

        def watched(*args, **kwargs):
            processes.append(begin(["sleep", "60"], stdout=kwargs["stdout"]))
            PlanRun.objects.update(cancelled_at=AT, cancelled_by=affairs)
            return processes[-1]

        monkeypatch.setattr(computation.subprocess, "Popen", watched)
        assert computation.compute(run_id=run.pk, now=LATER) is None

        run.refresh_from_db()
        assert (run.finished_at, run.result, run.failure) == (LATER, None, "")
        assert processes[0].returncode is not None
        assert not PlanResult.objects.exists()

    def test_whose_process_is_killed_says_so_and_can_be_started_again(
        self, plan, affairs, monkeypatch
    ):
        begin = computation.subprocess.Popen

        def killed(*args, **kwargs):
            process = begin(*args, **kwargs)
            os.kill(process.pid, signal.SIGKILL)
            return process

        run = runs.ask(plan=plan, by=affairs, now=AT)
        with monkeypatch.context() as patch:
            patch.setattr(computation.subprocess, "Popen", killed)
            assert computation.compute(run_id=run.pk, now=AT) is None

        run.refresh_from_db()
        assert "was killed (signal 9)" in run.failure
        assert not PlanResult.objects.exists()
        again = runs.ask(plan=plan, by=affairs, now=AT)
        assert computation.compute(run_id=again.pk, now=AT) is not None

    def test_says_why_it_is_not_solved(self, plan, affairs):
        plan.screenplay.scenes.update(omitted=True)
        run = runs.ask(plan=plan, by=affairs, now=AT)

        assert computation.compute(run_id=run.pk, now=AT) is None

        run.refresh_from_db()
        assert "no scene" in run.failure

    def test_that_no_worker_took_makes_room(self, plan, affairs):
        first = runs.ask(plan=plan, by=affairs, now=AT)

        second = runs.ask(plan=plan, by=affairs, now=LATER)

        first.refresh_from_db()
        assert first.failure == "No worker took it."
        runs.cancel(run=second, by=affairs, now=LATER)
        second.refresh_from_db()
        assert (second.finished_at, second.cancelled_by) == (LATER, affairs)


WORKER = """
import sys
import django
django.setup()
from django.utils import timezone
from valuation.schedule.plans import computation
computation.SOLVES = ["sleep", "60"]
computation.compute(run_id=int(sys.argv[1]), now=timezone.now())
"""


@pytest.mark.django_db(transaction=True)
def test_a_run_whose_worker_is_killed_says_so_on_its_page_and_is_started_again(
    environment, plan, affairs, agent
):
    """A real `kill -9`, in the midst of its work."""
    client = sign_in(agent)
    page = reverse("admin:valuation_scheduleplan_progress", args=[plan.pk])
    asked_at = timezone.now()
    run = runs.ask(plan=plan, by=affairs, now=asked_at)
    worker = subprocess.Popen(  # noqa: S603 - our own
        [sys.executable, "-c", WORKER, str(run.pk)], start_new_session=True,
        env=environment | {"DJANGO_SETTINGS_MODULE": "likenessdesk.settings"},
    )  # fmt: skip
    try:
        wait_for(lambda: PlanRun.objects.exclude(started_at=None).exists())
        assert "This page looks again" in client.get(page).content.decode()
        with pytest.raises(runs.AlreadySolving):
            runs.ask(plan=plan, by=affairs, now=asked_at)
        worker.kill()
        worker.wait()
        wait_for(lambda: runs.why_lost(run, asked_at))

        shown = client.get(page)

        assert "Its process was killed before its end." in shown.content.decode()
        assert "every 2s" not in shown.content.decode()
        run.refresh_from_db()
        assert run.finished_at is None  # Looking changes nothing.
        again = runs.ask(plan=plan, by=affairs, now=asked_at)
        assert computation.compute(run_id=again.pk, now=asked_at) is not None
        run.refresh_from_db()
        assert run.failure == "Its process was killed before its end."
    finally:
        with suppress(ProcessLookupError):
            os.killpg(worker.pid, signal.SIGKILL)


def wait_for(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "It did not happen within a minute."
        time.sleep(0.02)


@pytest.fixture
def scenario(agency, twin):
    scenario = Scenario.objects.create(
        agency=agency, name="The Harbour", currency="USD", begins_on=AT.date()
    )
    scenario.twins.add(twin)
    return scenario


class TestSavings:
    def test_are_told_to_a_scenario_as_figures_with_their_evidence(
        self, plan, scenario, performer, consent, affairs
    ):
        consent(performer=performer)
        result = solved(plan)
        found = computation.solution_of(result)
        other = ScenarioItem.objects.create(scenario=scenario, term="c_savings", label="Pickups")

        items = savings.tell_scenario(result=result, scenario=scenario, by=affairs, at=AT)

        figures = {item.inputs.get().name: item.inputs.get() for item in items}
        assert len(items) == len(found.saved) == len(figures)
        days = figures[found.saved[0].label]
        assert days.middle == found.in_person.days_cost - found.shooting.days_cost > 0
        assert days.spreading == "fixed"
        assert "Both proven optimal." in days.source
        assert str(found.in_person.days_cost) in days.source
        # Told twice, they are the same rows; what others said stays.
        again = savings.tell_scenario(result=result, scenario=scenario, by=affairs, at=AT)
        assert {item.pk for item in again} == {item.pk for item in items}
        assert scenario.items.count() == len(items) + 1
        assert scenario.items.filter(pk=other.pk).exists()

    def test_that_are_not_proven_are_a_range(self, plan, scenario, performer, consent, affairs):
        consent(performer=performer)
        result = solved(plan)
        saved = (Saved(PlanCost.WORK, D(10), D(20), D(25)), Saved(PlanCost.UNIT, *[D(7)] * 3))
        ranged = replace(computation.solution_of(result), saved=saved)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(savings, "solution_of", lambda _result: ranged)
            first, second = savings.tell_scenario(
                result=result, scenario=scenario, by=affairs, at=AT
            )
            patch.setattr(savings, "solution_of", lambda _result: replace(ranged, saved=saved[:1]))
            savings.tell_scenario(result=result, scenario=scenario, by=affairs, at=AT)

        row = first.inputs.get()
        assert (row.spreading, row.low, row.middle, row.high) == ("triangular", 10, 20, 25)
        assert not ScenarioItem.objects.filter(pk=second.pk).exists()

    def test_are_not_told_to_another_agency_s_scenario(self, plan, scenario, elsewhere, affairs):
        scenario.agency = elsewhere
        scenario.save()

        with pytest.raises(savings.NothingToTell):
            savings.tell_scenario(result=solved(plan), scenario=scenario, by=affairs, at=AT)


class TestAsking:
    def test_sends_a_clearance_for_each_part_and_asks_performers_once(
        self, plan, performer, consent, affairs, ada
    ):
        consent("ask", performer=performer)
        result = solved(plan)
        parts = [part for part in computation.solution_of(result).parts if part.choice]
        assert not ClearanceDecision.objects.exists()

        asked = asking.ask_for(result=result, by=affairs, at=LATER)

        assert len(asked) == len(parts) > 1
        assert all(row.request is not None for row in asked), {row.remark for row in asked}
        assert {row.decision.outcome for row in asked} == {Outcome.NEEDS_APPROVAL}
        numbers = {f"Scene {row.scene.number}" for row in asked}
        assert {request.scene.split(":")[0] for request in ApprovalRequest.objects.all()} == numbers
        assert asking.ask_for(result=result, by=affairs, at=LATER) == []
        assert ApprovalRequest.objects.count() == len(parts)

    def test_of_an_earlier_solution_shows_until_it_is_answered_and_goes_on_if_needed(
        self, plan, performer, consent, affairs, agent, monkeypatch
    ):
        consent("ask", performer=performer)
        earlier = solved(plan)
        first, *rest = asking.ask_for(result=earlier, by=affairs, at=LATER)
        locks.lock(plan=plan, scene=first.scene, character=first.character, twin=None,
                   reason="In person.", by=affairs, at=LATER)  # fmt: skip
        newest = solved(plan)

        with pytest.raises(asking.NothingToAsk, match="solved anew"):
            asking.ask_for(result=earlier, by=affairs, at=LATER)
        left = asking.left_over(newest, at=LATER)
        client = sign_in(agent)
        monkeypatch.setattr(timezone, "now", lambda: LATER)
        shown = client.get(reverse(CHANGE, args=[plan.pk])).content.decode()
        again = asking.ask_for(result=newest, by=affairs, at=LATER)

        assert {one.asked.request: one.is_needed for one in left} == {
            first.request: False, **{one.request: True for one in rest},
        }  # fmt: skip
        assert shown.count("not needed by this solution") == 1
        assert {one.request for one in again} == {one.request for one in rest}
        assert [one.asked for one in asking.left_over(newest, at=LATER)] == [first]
        due = max(one.due_at for one in ApprovalRequest.objects.all())
        assert asking.left_over(newest, at=due) == []

    def test_asks_nothing_of_what_changed_since_it_was_solved(
        self, plan, performer, consent, affairs, agent
    ):
        consent("ask", performer=performer)
        result = solved(plan)
        part = next(one for one in computation.solution_of(result).parts if one.choice)
        scene = plan.screenplay.scenes.get(pk=part.scene)
        character = plan.screenplay.characters.get(pk=part.character)
        client, page = sign_in(agent), reverse(CHANGE, args=[plan.pk])

        def is_refused():
            with pytest.raises(asking.NothingToAsk, match="Solve it again"):
                asking.ask_for(result=result, by=affairs, at=LATER)
            return "Not up to date." in client.get(page).content.decode()

        assert "Not up to date." not in client.get(page).content.decode()
        locks.lock(plan=plan, scene=scene, character=character, twin=None, reason="No.",
                   by=affairs, at=LATER)  # fmt: skip
        assert is_refused()
        locks.release(plan=plan, scene_id=scene.pk, character_id=character.pk)
        plan.screenplay.scenes.filter(pk=scene.pk).update(resonance=10)
        assert is_refused()
        plan.screenplay.scenes.filter(pk=scene.pk).update(resonance=scene.resonance)
        revise(plan, b"EXT. HARBOUR", b"EXT. HAVEN", affairs)
        assert is_refused()
        assert not ClearanceDecision.objects.exists()

    def test_a_consent_withdrawn_since_is_a_refusal_when_it_is_asked(
        self, plan, performer, consent, affairs
    ):
        consent("allow", performer=performer)
        result = solved(plan)
        consent("deny", performer=performer, at=AT + timedelta(minutes=1))

        asked = asking.ask_for(result=result, by=affairs, at=LATER)

        assert {row.decision.outcome for row in asked} == {Outcome.REFUSED}
        assert {row.request for row in asked} == {None}

    def test_asks_nothing_where_all_is_played_in_person(self, plan, affairs):
        with pytest.raises(asking.NothingToAsk, match="No part"):
            asking.ask_for(result=solved(plan), by=affairs, at=LATER)


@pytest.mark.parametrize(
    ("field", "value"), [("days_a_week", 8), ("nodes", 0), ("unit_day", D(-1)), ("seconds", 0)]
)
def test_a_plan_that_cannot_be_is_told_where_it_is_typed(plan, field, value):
    setattr(plan, field, value)

    with pytest.raises(ValidationError):
        plan.full_clean()


def test_an_old_solution_reads_as_it_was_kept(plan):
    assert solution_from_json({}) == PlanSolution()
