"""The pages of plans: solved in the background, locked, compared, told to a scenario, asked for."""

import pytest
from django.urls import reverse

from licensing.models import ApprovalRequest
from talent.models import Agency
from tests.factories import messages_of, sign_in, take_step
from tests.valuation.schedule.plans import AT, make_plan, make_screenplay
from valuation import tasks
from valuation.models import PlanResult, PlanRun, Scenario, ScenarioItem, SchedulePlan
from valuation.schedule.plans import computation

CHANGE = "admin:valuation_scheduleplan_change"


@pytest.fixture
def screenplay(agency, production, performer, twin, terms, affairs):
    return make_screenplay(agency, production, affairs, twin=twin, performer=performer)


@pytest.fixture
def plan(screenplay, agreement, performer, consent):
    consent("ask", performer=performer)
    return make_plan(screenplay, agreement)


@pytest.fixture
def solves(monkeypatch):
    """Solve at once what is queued, as a worker would."""

    def now(kwargs, **_options):
        computation.compute(run_id=kwargs["run_id"], now=AT)

    monkeypatch.setattr(tasks.solve_plan, "apply_async", now)


def page(client, plan):
    return client.get(reverse(CHANGE, args=[plan.pk])).content.decode()


def test_a_plan_is_solved_and_its_page_says_who_plays_what_and_why(plan, agent, solves):
    client = sign_in(agent)
    assert "Not solved yet" in page(client, plan)

    take_step(client, "solve", plan)

    shown = page(client, plan)
    assert "Weighed by the minute, no choice of parts is cheaper: that is proven." in shown
    assert "no order is cheaper" in shown
    assert "High resonance stays in person" in shown
    assert "Needs approval: " in shown
    assert "Shooting days" in shown
    result = PlanResult.objects.get()
    solution = client.get(reverse("admin:valuation_planresult_change", args=[result.pk]))
    assert "Open the plan" in solution.content.decode()
    assert "not tried to" not in shown

    left_out = {"not_tried": ["The lock of Ada"], "stopped": ["orders"]}
    result.pk, result.solution = None, result.solution | left_out
    result.save()
    shown = page(client, plan)
    assert "1 bound not tried to its end" in shown
    assert "<li>The lock of Ada</li>" in shown
    assert "answered with what was known: Orders what stays in person" in shown


def test_a_lock_is_set_by_a_step_and_what_moved_is_shown(plan, agent, solves):
    client = sign_in(agent)
    take_step(client, "solve", plan)
    solution = computation.solution_of(PlanResult.objects.get())
    part = next(one for one in solution.parts if one.choice)
    link = f"?part={part.scene}-{part.character}"
    assert link in page(client, plan)

    given = {"part": link.removeprefix("?part="), "choice": "person", "reason": "She asked for it."}
    take_step(client, "lock", plan, **given)
    take_step(client, "solve", plan)

    shown = page(client, plan)
    assert "What moved since the solution before" in shown
    assert "→ in person (locked)" in shown
    assert plan.locks.get().reason == "She asked for it."
    take_step(client, "release", plan, part=given["part"])
    assert not plan.locks.exists()


def test_a_scene_of_high_resonance_is_unlocked_with_a_reason_only(plan, agent):
    client = sign_in(agent)
    scene = plan.screenplay.scenes.get(number="9")

    without = take_step(client, "unlock", plan, scene=scene.pk, reason="")
    assert without.status_code == 200
    assert not plan.unlocks.exists()

    take_step(client, "unlock", plan, scene=scene.pk, reason="Seen from behind.")
    assert plan.unlocks.get().unlocked_by == agent
    take_step(client, "keep", plan, scene=scene.pk)
    assert not plan.unlocks.exists()


def test_the_page_of_a_run_asks_again_until_it_is_over(plan, agent, monkeypatch):
    monkeypatch.setattr(tasks.solve_plan, "apply_async", lambda **_queued: None)
    client = sign_in(agent)
    take_step(client, "solve", plan)
    progress = reverse("admin:valuation_scheduleplan_progress", args=[plan.pk])

    waiting = client.get(progress)
    assert "Waits for a worker" in waiting.content.decode()
    assert "HX-Refresh" not in waiting
    again = take_step(client, "solve", plan)
    assert "is being solved already" in again.content.decode()

    take_step(client, "cancel", plan)
    assert client.get(progress)["HX-Refresh"] == "true"
    assert PlanRun.objects.get().cancelled_by == agent
    assert "nothing is kept of it" in page(client, plan)


def test_an_impossible_plan_names_what_makes_it_so(plan, agent, solves):
    SchedulePlan.objects.update(budget=1)

    client = sign_in(agent)
    take_step(client, "solve", plan)

    shown = page(client, plan)
    assert "No plan is possible" in shown
    assert "The budget: without it the cheapest plan costs" in shown


def test_two_plans_stand_side_by_side_with_v_of_their_scenarios(
    plan, screenplay, agreement, agent, solves
):
    other = make_plan(screenplay, agreement, name="Dearer", unit_day=50_000)
    client = sign_in(agent)
    for one in (plan, other):
        take_step(client, "solve", one)

    url = reverse("admin:valuation_scheduleplan_side_by_side", args=[plan.pk])
    shown = client.get(url, {"with": other.pk}).content.decode()

    assert client.get(url, {"with": "²"}).status_code == 200
    assert "All in person" in shown
    assert "Dearer" in shown
    assert "V of its scenario" in shown
    for result in PlanResult.objects.all():
        weighed = computation.solution_of(result).figures.total
        assert weighed != result.cost
        assert f"{weighed:,.2f}" in shown
        assert f"{result.cost:,.2f}" in shown
        assert f"{result.cost:,.2f}</h2>" in page(client, result.plan)


def test_a_scenario_is_told_and_performers_are_asked_by_steps(plan, agent, agency, twin, solves):
    scenario = Scenario.objects.create(
        agency=agency, name="The Harbour", currency="USD", begins_on=AT.date()
    )
    client = sign_in(agent)
    assert take_step(client, "tell", plan).status_code == 302  # Not its turn.
    SchedulePlan.objects.update(scenario=scenario)
    take_step(client, "solve", plan)

    take_step(client, "tell", plan)
    assert ScenarioItem.objects.filter(scenario=scenario, term="c_savings").exists()

    answer = take_step(client, "ask", plan)
    assert "It is asked." in messages_of(answer)
    assert ApprovalRequest.objects.count() == PlanResult.objects.get().clearances.count() > 0


def test_nobody_sees_or_solves_another_agency_s_plan(plan, stranger, auditor, elsewhere):
    assert isinstance(elsewhere, Agency)
    for name in ("change", "side_by_side", "progress", "solve"):
        url = reverse(f"admin:valuation_scheduleplan_{name}", args=[plan.pk])
        answer = sign_in(stranger).get(url)
        assert answer.status_code in (302, 403, 404)
    assert take_step(sign_in(auditor), "solve", plan).status_code == 403
    assert not PlanRun.objects.exists()
