"""Sheets of a solved plan: strips by day, who works when, what it costs, as pages and as files."""

import csv
import io
import re
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal as D

import icalendar
import pikepdf
import pytest
from django.urls import reverse
from screenplain.export.fdx import to_fdx
from screenplain.parsers import fountain as screenplain

from licensing.words import Outcome
from likenessdesk.demo.glass_harbour import SCRIPT
from talent.words import Tier
from tests.factories import sign_in
from tests.valuation.schedule.plans import make_plan, make_screenplay
from valuation.admin.schedule import plan_files
from valuation.models import PlanResult
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
from valuation.schedule.options import Answer, PlanTerms, TwinTerms
from valuation.schedule.plans import computation
from valuation.schedule.screenplay import reading
from valuation.schedule.scripts import taking_in
from valuation.schedule.sheets import files, pdf
from valuation.schedule.sheets.pdf import About, Sheet
from valuation.schedule.sheets.told import sheets
from valuation.schedule.shooting import Calendar
from valuation.schedule.solution import Asked, PlanInput, solve_plan
from valuation.words import PlanCost

MONDAY = date(2026, 7, 6)
AT = datetime(2026, 6, 30, 12, 0, tzinfo=UTC)
ABOUT = About("Northlight", "The Glass Harbour", "Harbor Nine", "As <proposed>", AT.date(), "ab12")


def scene(number, *characters, place, heading, **more):
    parts = tuple(Part(one, 2, 20) for one in characters)
    return Scene(number, number, heading, 20, 300, 150, parts, place, **more)


BREAKDOWN = Breakdown(
    "USD", 600,
    (
        scene("1", "A", "B", place="Q", heading="EXT. QUAY - DAY", proposed=True, resonance=4),
        scene("2", "A", place="H", heading="INT. HALL - NIGHT", stunt=True, crowd=30),
        scene("3", "A", "B", place="Q", heading="EXT. QUAY - NIGHT", proposed=False, resonance=9),
        scene("4", "C", place="H", heading="INT. HALL - DAY"),
        scene("5", "B", place="Q", heading="EXT. QUAY - DAY"),
    ),
    (Character("A", "ANN", "P1", ("T1",)), Character("B", "BEN", "P2"),
     Character("C", "CY", "P3", ("T2",))),
    (Performer("P1", "Ann’s player", D(3000), D(1500)), Performer("P2", "=Ben’s", D(900), D(450)),
     Performer("P3", "Cy’s", D(2000), D(1000))),
    (Twin("T1", "Ann, face", Tier.EMULATOR, "P1"), Twin("T2", "Cy, voice", Tier.EMULATOR, "P3")),
    (Location("Q", "Quay", move=D(500)), Location("H", "Hall", move=D(500))),
)  # fmt: skip


PLAN = PlanInput(
    BREAKDOWN,
    PlanTerms(unit_day=D(10_000), second_unit=D(2_000), crowd_day=D(100),
              twins=(TwinTerms("T1", set_up=D(9_000_000)), TwinTerms("T2", set_up=D(100)))),
    tuple(Asked(one, twin, Answer(Outcome.CLEARED)) for one in "12345" for twin in ("T1", "T2")),
    Calendar(MONDAY), Effort(), order_states=100_000,
)  # fmt: skip


@pytest.fixture(scope="module")
def told():
    return sheets(PLAN, solve_plan(PLAN))


def rows_of(lines):
    return list(csv.DictReader(io.StringIO("".join(lines))))


def test_every_scene_stands_on_one_day_or_among_those_that_are_not_shot(told):
    on_days = [strip.number for day in told.days for strip in day.strips]

    assert sorted(on_days) == ["1", "2", "3", "5"]
    assert [strip.number for strip in told.left] == ["4"]
    assert told.left[0].by_twin == (("CY", "Cy, voice"),)
    assert all(day.minutes <= BREAKDOWN.day_minutes for day in told.days)
    (night,) = (s for day in told.days for s in day.strips if s.number == "3")
    assert (night.kind, night.length, night.in_person) == ("ext-night", "2 4/8", (1, 2))


def test_the_day_out_of_days_adds_up_to_what_is_paid(told):
    marks = {one.name: one for one in told.worked}
    ann, ben, cy = (marks[one.name] for one in BREAKDOWN.performers)

    assert not any(cy.marks)
    for one in (ann, ben):
        worked = [mark for mark in one.marks if mark]
        assert worked[0].startswith("S")
        assert worked[-1].endswith("F")
    days = told.solution.shooting
    paid = ann.work * 3000 + ann.hold * 1500 + ben.work * 900 + ben.hold * 450
    moves = sum(
        500 for one, next_one in zip(days.days, days.days[1:], strict=False)
        if one.location != next_one.location
    )  # fmt: skip
    assert days.days_cost == paid + moves + 10_000 * len(days.days)


def test_costs_are_what_is_paid_and_what_was_weighed_stands_apart(told):
    days = (PlanCost.UNIT, PlanCost.MOVE, PlanCost.WORK, PlanCost.HOLD)
    found = told.solution
    for paid, figures, shooting, name in (
        (told.paid_in_person, found.in_person_figures, found.in_person, "in_person"),
        (told.paid, found.figures, found.shooting, "planned"),
    ):
        assert sum(getattr(row, name) for row in told.costs) == paid.total
        assert sum(getattr(row, name) for row in told.weighed) == figures.total
        assert sum(paid.of(kind) for kind in days) == shooting.days_cost
        for kind in set(PlanCost) - {*days, PlanCost.CROWD, PlanCost.RISK}:
            assert paid.of(kind) == figures.of(kind)
    rows = rows_of(files.costs_csv(told))
    for counted_by, before in (
        ("whole days", told.paid_in_person.total), ("minutes", found.in_person_figures.total),
    ):  # fmt: skip
        *kinds, total = [row for row in rows if row["counted_by"] == counted_by]
        assert D(total["in_person"]) == before
        assert D(total["change"]) == sum(D(row["change"]) for row in kinds) < 0


def test_files_say_what_the_sheets_say(told):
    schedule = rows_of(files.schedule_csv(told))
    assert [row["scene"] for row in schedule][-1] == "4"
    assert (schedule[-1]["day"], schedule[-1]["by_twin"]) == ("", "CY: Cy, voice")
    assert {row["date"] for row in schedule[:-1]} <= {one.isoformat() for one in told.dates}
    days = rows_of(files.days_csv(told))
    assert days[1]["performer"] == "'=Ben’s"  # no spreadsheet runs it
    assert int(days[0]["work"]) == told.worked[0].work
    calendar = icalendar.Calendar.from_ical(
        files.calendar(told, name="Plan", key="S7", host="desk.example", at=AT)
    )
    events = calendar.walk("VEVENT")
    assert [event["dtstart"].dt for event in events] == list(told.dates)
    assert len({event["uid"] for event in events}) == len(told.dates)
    assert "EXT. QUAY" in events[0]["description"] or "INT. HALL" in events[0]["description"]


def test_final_draft_gets_days_and_players_as_scene_titles(told):
    paragraphs = "".join(
        f'<Paragraph Type="Scene Heading" Number="{one.number}"><Text>{one.heading}</Text>'
        "</Paragraph>"
        for one in BREAKDOWN.scenes
    )
    more = '<Paragraph Type="Scene Heading" Number="6"><Text>INT. NEW - DAY</Text></Paragraph>'
    content = f"<FinalDraft><Content>{paragraphs}{more}</Content></FinalDraft>".encode()

    written = files.final_draft(told, content).decode()

    assert 'Title="Not shot: CY by Cy, voice"' in written
    assert written.count('Title="Day ') == 4
    assert written.count("<SceneProperties") == 6
    assert [one.number for one in reading.read(written.encode()).scenes] == list("123456")


@pytest.mark.parametrize("sheet", Sheet)
def test_a_sheet_is_a_document_with_its_table_attached(told, sheet):
    drawn = pdf.draw(sheet, told, ABOUT, locale="en-US").getvalue()

    with pikepdf.open(io.BytesIO(drawn)) as paper:
        (name,) = paper.attachments
        attached = paper.attachments[name].get_file().read_bytes().decode()
    assert attached == "".join(pdf.CSV[sheet](told))


def test_an_impossible_plan_and_one_without_days_say_so(told):
    nothing = sheets(PLAN, replace(told.solution, parts=(), shooting=None, figures=None))
    assert (nothing.days, nothing.left, nothing.costs) == ((), (), ())
    undated = replace(told.solution.shooting, days=None)
    ordered = sheets(PLAN, replace(told.solution, shooting=undated))
    assert [day.on for day in ordered.days] == [None]
    assert [strip.key for strip in ordered.days[0].strips] == list(undated.order)
    assert "no days were found" in pdf.draw_html(Sheet.BOARD, ordered, ABOUT, locale="en-US")


class TestFilesOfASolvedPlan:
    @pytest.fixture
    def result(self, agency, production, performer, twin, terms, affairs, agreement, consent):
        consent("allow", performer=performer)
        screenplay = make_screenplay(agency, production, affairs, twin=twin, performer=performer)
        plan = make_plan(screenplay, agreement, order_states=2_000)
        return computation.solve_now(plan_id=plan.pk, by=affairs, now=AT)

    def test_are_offered_beside_it_and_only_to_who_may_see_it(self, result, agent, stranger):
        client = sign_in(agent)
        page = client.get(reverse("admin:valuation_planresult_change", args=[result.pk]))

        links = re.findall(r'href="(/admin/[^"]*/sheet/[^"]+)"', page.content.decode())

        assert [link.rpartition("/")[2] for link in links] == [
            name for name in plan_files.FILES if name != plan_files.SCRIPT
        ]  # A script in Fountain has no scene properties.
        for link in links:
            answer = client.get(link)
            content = b"".join(answer.streaming_content) if answer.streaming else answer.content
            assert content, link
            assert str(result.pk) in answer["Content-Disposition"]
            assert sign_in(stranger).get(link).status_code in (403, 404)
        for name in ("nothing.pdf", plan_files.SCRIPT):
            assert (
                client.get(reverse("admin:plan_sheet", args=[result.pk, name])).status_code == 404
            )

    def test_a_final_draft_script_comes_back_with_its_days(self, result, agent, affairs):
        screenplay = result.plan.screenplay
        twin = io.StringIO()
        to_fdx(screenplain.parse(io.StringIO(SCRIPT.read_text(encoding="utf-8"))), twin)
        content = twin.getvalue().encode()
        taking_in.revise(
            screenplay_id=screenplay.pk, content=content, file_name="script.fdx",
            seen=taking_in.look(content, screenplay).seen, renames={}, by=affairs, at=AT,
        )  # fmt: skip

        script = sign_in(agent).get(reverse("admin:plan_sheet", args=[result.pk, "script.fdx"]))

        assert script.content.decode().count('Title="Day ') == len(result_scenes(result))
        read, kept = reading.read(script.content), reading.read(content)
        assert [one.digest for one in read.scenes] == [one.digest for one in kept.scenes]

    def test_an_impossible_plan_has_none(self, result, agent):
        empty = PlanResult.objects.create(
            plan=result.plan, solved_at=AT, code_version="1", versions_json={}, inputs={},
            inputs_sha256="", solution={}, currency="USD",
        )  # fmt: skip
        url = reverse("admin:plan_sheet", args=[empty.pk, "board.pdf"])

        assert sign_in(agent).get(url).status_code == 404


def result_scenes(result):
    days = result.solution["shooting"]["days"]
    return [scene for day in days for scene in day["scenes"]]
