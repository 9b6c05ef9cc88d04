"""Screenplays kept: what a revision keeps, what people say of scenes, what plans are made of."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from likenessdesk.demo.glass_harbour import SCRIPT
from valuation.models import Scene, Screenplay
from valuation.schedule.scripts import loading, scoring, taking_in
from valuation.schedule.scripts.scoring import Score

AT = datetime(2026, 6, 3, 9, 0, tzinfo=UTC)
LATER = datetime(2026, 6, 9, 9, 0, tzinfo=UTC)
DEMO = SCRIPT.read_text(encoding="utf-8")


@pytest.fixture
def screenplay(agency, production, affairs):
    return taking_in.begin(
        agency_id=agency.pk, production_id=production.pk, title="The Glass Harbour",
        currency="USD", content=DEMO.encode(), file_name="draft 1.fountain", by=affairs, at=AT,
    )  # fmt: skip


def revised(screenplay, text, by, renames=None):
    content = text.encode()
    seen = taking_in.look(content, screenplay).seen
    return taking_in.revise(
        screenplay_id=screenplay.pk, content=content, file_name="draft.fountain", seen=seen,
        renames=renames or {}, by=by, at=LATER,
    )  # fmt: skip


def without(text, heading):
    return re.sub(rf"{re.escape(heading)}.*?(?=\n(?:INT|EXT)\. )", "", text, flags=re.DOTALL)


def resonance(screenplay, number, value, by, seen=None):
    scene = screenplay.scenes.get(number=number, omitted=False)
    one = Score(scene.pk, {"resonance": value}, {"resonance": seen})
    return scoring.score(screenplay_id=screenplay.pk, scores=[one], by=by, at=AT)


def test_a_script_is_kept_byte_for_byte_with_what_it_says(screenplay):
    revision = screenplay.revisions.get()
    scenes = screenplay.scenes.order_by("place")

    assert bytes(revision.content) == DEMO.encode()
    assert (revision.number, revision.format, revision.scenes_new) == (1, "fountain", 15)
    assert [scene.number for scene in scenes] == [str(place) for place in range(1, 16)]
    assert set(scenes.values_list("resonance", "scored_by")) == {(None, None)}
    assert scenes[8].proposed_resonance == 8
    assert scenes[0].location.name == "HARBOUR"
    assert {part.character.name for part in scenes[5].parts.all()} == {
        "CAPTAIN MOSS", "KEAWE", "TOBY",
    }  # fmt: skip


def test_scenes_that_stayed_keep_what_people_said_of_them(screenplay, affairs, agent):
    for number, value in (("9", 10), ("13", 3), ("14", 9), ("1", 2)):
        resonance(screenplay, number, value, agent)
    text = DEMO.replace("KOKUA", "LEILANI").replace("Kokua", "Leilani")
    text = without(text, "EXT. HARBOUR - BREAKWATER - DAWN #14#")
    text = text.replace("#13#", "#20#")

    revision = revised(screenplay, text, affairs, {"KOKUA": "LEILANI"})

    said = dict(screenplay.scenes.shot().values_list("number", "resonance"))
    assert (said["9"], said["20"], said["1"], said["2"]) == (10, 3, 2, None)
    assert (revision.scenes_omitted, revision.scenes_new) == (1, 0)
    assert screenplay.scenes.get(number="14").omitted
    assert screenplay.scenes.get(number="9").changed_in == 2
    assert screenplay.scenes.get(number="9").scored_by == agent
    leilani = screenplay.characters.get(name="LEILANI")
    assert leilani.former_names == ["KOKUA"]
    assert not screenplay.characters.filter(name="KOKUA").exists()

    revised(screenplay, DEMO.replace("#15#", "#15A#"), affairs)  # and the scene comes back

    again = screenplay.scenes.get(number="14")
    assert (again.omitted, again.resonance) == (False, 9)

    gone = without(DEMO, "EXT. HARBOUR - BREAKWATER - DAWN #14#")
    gone = gone.replace(
        "EXT. ISLAND - BEACH - SUNRISE", ".OMITTED #14#\n\nEXT. ISLAND - BEACH - SUNRISE"
    )
    revised(screenplay, gone, affairs)  # as scripts say it whose numbers are fixed
    assert screenplay.scenes.get(number="14").omitted
    revised(screenplay, DEMO.replace("Fog", "Mist"), affairs)

    again = screenplay.scenes.get(number="14")
    assert (again.omitted, again.resonance) == (False, 9)


def test_numbers_that_change_places_take_their_scores_along(screenplay, affairs, agent):
    resonance(screenplay, "8", 7, agent)
    resonance(screenplay, "12", 4, agent)
    swapped = DEMO.replace("#8#", "#x#").replace("#12#", "#8#").replace("#x#", "#12#")

    revised(screenplay, swapped, affairs)

    said = dict(screenplay.scenes.values_list("number", "resonance"))
    assert (said["12"], said["8"]) == (7, 4)


def test_nobody_is_renamed_unless_somebody_says_so(screenplay, affairs):
    renamed = DEMO.replace("KOKUA", "LEILANI")
    outlook = taking_in.look(renamed.encode(), screenplay)

    assert [(one.before, one.after) for one in outlook.renamed] == [("KOKUA", "LEILANI")]
    with pytest.raises(taking_in.NotAsSeen, match="not proposed"):
        revised(screenplay, renamed, affairs, {"KEAWE": "LEILANI"})
    revised(screenplay, renamed, affairs)
    assert {"KOKUA", "LEILANI"} <= {*screenplay.characters.values_list("name", flat=True)}


def test_a_file_comes_once_and_is_taken_as_it_was_seen(screenplay, affairs):
    with pytest.raises(taking_in.RevisionKnown, match="revision 1"):
        taking_in.look(DEMO.encode(), screenplay)
    content = DEMO.replace("Fog", "Mist").encode()
    stale = taking_in.look(content, screenplay).seen
    revised(screenplay, DEMO.replace("Fog", "Rain"), affairs)

    with pytest.raises(taking_in.NotAsSeen, match="meanwhile"):
        taking_in.revise(
            screenplay_id=screenplay.pk, content=content, file_name="x", seen=stale, renames={},
            by=affairs, at=LATER,
        )  # fmt: skip
    assert screenplay.revisions.count() == 2


def test_scores_are_bound_to_what_was_seen_and_all_or_none_are_kept(screenplay, agent, affairs):
    (changed,) = resonance(screenplay, "9", 9, agent)
    assert (changed.scored_by, changed.scored_at) == (agent, AT)
    assert resonance(screenplay, "9", 9, affairs, seen=9) == []
    with pytest.raises(scoring.ScoredMeanwhile, match="Scene 9"):
        resonance(screenplay, "9", 1, affairs)
    first, second = screenplay.scenes.order_by("place")[:2]
    wrong = [
        Score(first.pk, {"crowd": 7}, {"crowd": None}),
        Score(second.pk, {"resonance": 11}, {"resonance": None}),
    ]
    with pytest.raises(scoring.ScoreRefused, match="Scene 2: resonance goes from 0 to 10, not 11"):
        scoring.score(screenplay_id=screenplay.pk, scores=wrong, by=agent, at=AT)
    first.refresh_from_db()
    assert first.crowd is None
    other = Screenplay.objects.create(
        agency=screenplay.agency, production=screenplay.production, title="Other", currency="USD"
    )
    with pytest.raises(scoring.ScoreRefused, match="not in this screenplay"):
        scoring.score(screenplay_id=other.pk, scores=wrong, by=agent, at=AT)


def test_proposals_become_somebodys_own_only_when_they_are_taken(screenplay, agent):
    resonance(screenplay, "9", 5, agent)
    scores = scoring.proposals_taken(screenplay.scenes.filter(number__in=["9", "10"]))

    scoring.score(screenplay_id=screenplay.pk, scores=scores, by=agent, at=LATER)

    nine, ten = (screenplay.scenes.get(number=number) for number in ("9", "10"))
    assert (nine.resonance, nine.face_visibility) == (5, nine.proposed_face)
    assert (ten.resonance, ten.crowd, ten.stunt, ten.scored_by) == (0, 300, False, agent)


def test_a_plan_is_made_of_scores_where_there_are_any_in_five_queries_and_some(
    screenplay, agent, twin, performer, django_assert_num_queries
):
    ada = screenplay.cast.create(
        name="Ada Example", performer=performer, day_rate=900, hold_rate=450, travel=100,
        minimum_percent=60,
    )  # fmt: skip
    ada.absences.create(from_on=date(2026, 7, 1), last_on=date(2026, 7, 3))
    kokua = screenplay.characters.get(name="KOKUA")
    kokua.player = ada
    kokua.save()
    kokua.twins.add(twin)
    resonance(screenplay, "9", 10, agent)
    Scene.objects.filter(number="1").update(omitted=True)
    Scene.objects.filter(number="5").update(face_visibility=6)

    with django_assert_num_queries(8):
        loaded = loading.load(screenplay)

    scenes = {scene.number: scene for scene in loaded.scenes}
    parts = {part.character: part for part in scenes["9"].parts}
    assert "1" not in scenes
    assert (scenes["9"].resonance, scenes["9"].proposed) == (10, False)
    assert (scenes["10"].crowd, scenes["10"].proposed) == (300, True)
    assert (scenes["9"].eighths, scenes["9"].minutes, scenes["9"].screen_seconds) == (4, 60, 30)
    assert parts[str(kokua.pk)].words == 70
    assert parts[str(kokua.pk)].face_visibility == 9
    assert [part.face_visibility for part in scenes["5"].parts] == [0]
    (member,) = loaded.performers
    assert (member.day_rate, member.minimum_share) == (Decimal(900), Decimal("0.6"))
    assert member.away == ((date(2026, 7, 1), date(2026, 7, 4)),)
    (stand_in,) = loaded.twins
    assert (stand_in.key, stand_in.performer) == (f"T{twin.pk}", member.key)
