"""What a plan pays by whole days, counted by hand, and beside what the choice weighed."""

from dataclasses import replace
from datetime import date
from decimal import Decimal as D
from math import prod

import pytest

from licensing.money import rounded
from talent.words import Tier
from valuation.schedule.assignment.solving import Effort
from valuation.schedule.breakdown import (
    Breakdown,
    Character,
    Location,
    Part,
    Performer,
    Scene,
    Twin,
)
from valuation.schedule.options import IN_PERSON, PlanTerms, TwinTerms
from valuation.schedule.paid import paid_as_planned, paid_in_person
from valuation.schedule.sheets import files
from valuation.schedule.sheets.pdf import About, Sheet, draw_html
from valuation.schedule.sheets.told import sheets
from valuation.schedule.shooting import Calendar, DayShot, Shooting
from valuation.schedule.solution import Figures, PlanInput, PlannedPart, PlanSolution
from valuation.words import PlanCost

FRIDAY, TUESDAY, WEDNESDAY = date(2026, 7, 3), date(2026, 7, 7), date(2026, 7, 8)


def scene(number, place, *parts, **more):
    return Scene(number, number, f"INT. {place}", 8, 300, 100, parts, place, **more)


PLAN = PlanInput(
    Breakdown(
        "USD", 600,
        (
            scene("1", "Q", Part("ANN"), Part("BEN")),
            scene("2", "H", Part("ANN"), stunt=True, crowd=30),
            scene("3", "Q", Part("BEN"), Part("CY", screen_seconds=40), crowd=4),
            scene("4", "Q", crowd=10),
        ),
        (Character("ANN", "ANN", "A"), Character("BEN", "BEN", "B"),
         Character("CY", "CY", "C", ("T1",))),
        (Performer("A", "Ann’s", D(3000), D(1500), travel=D(400)),
         Performer("B", "Ben’s", D(900), D(450), travel=D(100)),
         Performer("C", "Cy’s", D(7000), D(7000), travel=D(7000))),
        (Twin("T1", "Cy, face", Tier.EMULATOR, "C"),),
        (Location("Q", "Quay", move=D(700)), Location("H", "Hall", move=D(500))),
    ),
    PlanTerms(
        unit_day=D(10_000), second_unit=D(2_000), crowd_day=D(100), budget=D(40_000),
        twins=(TwinTerms("T1", set_up=D(250), compute_a_second=D("0.10"),
                         post_hours_a_minute=D("1.5"), artifacts_a_minute=D(2),
                         mending_minutes=D(9), artist_hour=D(80), fee_a_scene=D(50),
                         fee_a_second=D("0.25")),),
    ),
    (), Calendar(FRIDAY), Effort(),
)  # fmt: skip
# Nothing is shot on Monday, when both are still needed.
SHOOTING = Shooting(
    order=("1", "2", "3", "4"), pay=D(1), hold=D(0), bound=D(1), minutes=1_200,
    days=(
        DayShot(FRIDAY, "Q", ("1",), ("A", "B"), ()),
        DayShot(TUESDAY, "H", ("2",), ("A",), ("B",)),
        DayShot(WEDNESDAY, "Q", ("3", "4"), ("B",), ()),
    ),
    no_days=False, days_cost=D(0), days_bound=D(0), states=0,
)  # fmt: skip
PLAYED = (("1", "ANN", ""), ("1", "BEN", ""), ("2", "ANN", ""), ("3", "BEN", ""), ("3", "CY", "T1"))
FIGURES = Figures(((PlanCost.WORK, D(1)),), 3, 0, D(0))
SOLUTION = PlanSolution(
    parts=tuple(PlannedPart(*played, D(0), D(0), None, (), locked=False) for played in PLAYED),
    shooting=SHOOTING, in_person=SHOOTING, figures=FIGURES, in_person_figures=FIGURES,
)  # fmt: skip
BY_HAND = {
    PlanCost.WORK: 2 * 3000 + 2 * 900,
    PlanCost.HOLD: 1 * 1500 + 2 * 450,  # Ann on Monday; Ben on Monday and Tuesday
    PlanCost.TRAVEL: 400 + 100,
    PlanCost.UNIT: 3 * 10_000,
    PlanCost.MOVE: 500 + 700,
    PlanCost.SECOND_UNIT: 2_000,
    PlanCost.CROWD: 30 * 100 + 10 * 100,  # the largest crowd of a day, once
    PlanCost.SET_UP: 250,
    PlanCost.COMPUTE: 4,  # 40 seconds
    PlanCost.POST: 80,  # 40 seconds × 1.5 hours a minute = 1 hour
    PlanCost.QUALITY: 16,  # 40 seconds × 2 a minute × 9 minutes = 12 minutes
    PlanCost.FEE: 50 + 10,
}


def test_whole_days_are_paid_as_counted_by_hand():
    paid = paid_as_planned(PLAN, SOLUTION)

    assert {kind: paid.of(kind) for kind in PlanCost if paid.of(kind)} == BY_HAND
    assert paid.total == sum(BY_HAND.values()) == D(48_310)
    assert paid.to_performers == 7_800 + 2_400 + 60


def test_each_line_can_be_counted_again():
    for line in paid_as_planned(PLAN, SOLUTION).lines:
        product = prod((value for value, _unit in line.quantities), start=line.price) / line.over
        assert line.amount == rounded(product, "USD") > 0


def test_in_person_everybody_comes_and_no_twin_is_paid():
    shot = replace(SHOOTING.days[2], work=("B", "C"))
    everyone = replace(SHOOTING, days=(*SHOOTING.days[:2], shot))

    paid = paid_in_person(PLAN, replace(SOLUTION, in_person=everyone))

    work = BY_HAND[PlanCost.WORK] + 7000
    assert (paid.of(PlanCost.WORK), paid.of(PlanCost.TRAVEL)) == (work, 7500)
    assert paid.of(PlanCost.SET_UP) == paid.of(PlanCost.FEE) == 0


@pytest.mark.parametrize("shooting", [None, replace(SHOOTING, days=None)])
def test_without_days_nobody_knows_what_is_paid(shooting):
    assert paid_as_planned(PLAN, replace(SOLUTION, shooting=shooting)) is None


def test_the_day_out_of_days_counts_what_is_paid_also_while_nothing_is_shot():
    told = sheets(PLAN, SOLUTION)

    ann, ben, cy = told.worked
    assert [day.isoformat() for day in told.dates] == [
        "2026-07-03", "2026-07-06", "2026-07-07", "2026-07-08",
    ]  # fmt: skip
    assert (ann.marks, ben.marks) == (("SW", "H", "WF", ""), ("SW", "H", "H", "WF"))
    assert not any(cy.marks)
    assert (ann.hold, ben.hold, ben.paid) == (1, 2, 4)


def test_sheets_say_what_is_paid_first_and_what_was_weighed_apart():
    told = sheets(PLAN, SOLUTION)
    about = About("An agency", "A script", "A production", "A plan", FRIDAY, "ab12")

    page = draw_html(Sheet.COSTS, told, about, locale="en-US")
    lines = "".join(files.cost_lines_csv(told))

    assert "$48,310.00" in page
    assert "What the choice weighed" in page
    assert "40 seconds × 1.5 hours a minute" in page
    post = 'as planned,Post-production,"3 CY: Cy, face",40 seconds × 1.5 hours a minute,80,60,'
    assert post in lines
    assert {part.choice for part in SOLUTION.parts} == {IN_PERSON, "T1"}
