"""In a real browser: a script taken apart, scored, cast and planned; what people say moves it."""

import re
from datetime import date
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from licensing.models import Agreement
from talent.consent import consents
from talent.consent.matrix import Cell
from tests.factories import admin_page
from valuation import tasks
from valuation.models import PlanResult, SchedulePlan, Screenplay
from valuation.schedule.plans import computation
from valuation.schedule.solution import solution_from_json

pytestmark = pytest.mark.judge("chromium")


@pytest.fixture
def worker(monkeypatch):
    """Solve at once what is queued, as a worker would."""

    def now(kwargs, **_options):
        computation.compute(run_id=kwargs["run_id"], now=timezone.now())

    monkeypatch.setattr(tasks.solve_plan, "apply_async", now)


@pytest.fixture
def plan(desk, worker):
    """A plan in which Captain Moss's lines may be said by a twin, for little."""
    agreement = Agreement.objects.get(reference="MER-2026-002")
    screenplay = Screenplay.objects.get(agency__slug="meridian")
    plan = SchedulePlan.objects.create(
        screenplay=screenplay, name="As proposed", starts_on=date(2026, 12, 7), use="feature",
        channel="streaming", territory="US", language="en", unit_day=Decimal(40_000),
        order_states=2_000,
    )  # fmt: skip
    plan.twins.create(
        twin=agreement.twin, agreement=agreement, rights=["face"], compute_a_second=Decimal(1)
    )
    return plan


def played_by_twins():
    """Return the numbers of the scenes that the newest solution gives a twin."""
    result = PlanResult.objects.latest("pk")
    scenes = dict(
        Screenplay.objects.get(pk=result.plan.screenplay_id).scenes.values_list("pk", "number")
    )
    solution = solution_from_json(result.solution)
    return {scenes[int(part.scene)] for part in solution.parts if part.choice}


def veto(performer):
    """Record that a performer lets nobody use their face in a feature any more."""
    now = timezone.now()
    consents.record(
        matrix=consents.matrix_of(performer=performer),
        cells=[Cell("face", "feature", "deny")], in_force_from=now, recorded_at=now, by=None,
        evidence=consents.Evidence("Not any more."),
    )  # fmt: skip


def solve(page, plan):
    page.goto(reverse("admin:valuation_scheduleplan_solve", args=[plan.pk]))
    page.get_by_role("button", name="Solve").click()
    expect(page.get_by_text("is being solved in the background")).to_be_visible()


def test_what_people_say_of_a_script_moves_its_plan(plan, sign_in, barriers, tmp_path):
    page = sign_in("alma@meridian.example", at=admin_page(SchedulePlan, plan.pk))
    solve(page, plan)
    assert {"1", "6"} <= played_by_twins()  # Captain Moss, in scenes of little resonance.

    # Scores: on the board, by the keyboard alone.
    page.goto(reverse("admin:valuation_screenplay_board", args=[plan.screenplay_id]))
    assert barriers(page) == []
    one = page.get_by_role("group", name=re.compile(r"^1 EXT. HARBOUR"))
    one.get_by_label("Resonance").focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("9")
    page.keyboard.press("Enter")
    expect(page.get_by_text("One scene changed.")).to_be_visible()
    solve(page, plan)
    assert "1" not in played_by_twins()

    # A lock: scene 6 is played in person, whatever it costs.
    page.goto(reverse("admin:valuation_scheduleplan_lock", args=[plan.pk]))
    page.get_by_label("Part").select_option(label="6 CAPTAIN MOSS")
    page.get_by_label("Played").select_option(label="In person")
    page.get_by_label("Why").fill("The cabin is the heart of the voyage.")
    page.get_by_role("button", name="Lock a part").click()
    expect(page.get_by_text("It is locked.")).to_be_visible()
    solve(page, plan)
    assert not {"1", "6"} & played_by_twins()
    assert played_by_twins()  # The rest is chosen around them.

    # A veto: the performer no longer allows it, and no twin plays.
    veto(plan.twins.get().twin.performer)
    solve(page, plan)
    assert played_by_twins() == set()

    # Its sheets open, from the solution's page.
    page.goto(admin_page(PlanResult, PlanResult.objects.latest("pk").pk))
    assert barriers(page) == []
    for sheet in ("Strip board", "One-line schedule", "Day-out-of-days", "Costs"):
        link = page.get_by_role("link", name=sheet, exact=True)
        answer = page.request.get(link.get_attribute("href"))
        assert answer.body().startswith(b"%PDF-")
    phone = sign_in(
        "alma@meridian.example", viewport={"width": 390, "height": 800}, color_scheme="dark",
        at=reverse("admin:valuation_screenplay_board", args=[plan.screenplay_id]),
    )  # fmt: skip
    assert barriers(phone) == []
