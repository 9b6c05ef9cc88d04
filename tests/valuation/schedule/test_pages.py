"""The pages of screenplays: a script handed in, its strips scored, its breakdown as a file."""

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from likenessdesk.demo.glass_harbour import SCRIPT
from tests.factories import sign_in
from tests.pages import form_on
from valuation.models import Screenplay

DEMO = SCRIPT.read_text(encoding="utf-8")
TAKE_IN = "admin:valuation_screenplay_take_in"


@pytest.fixture
def screenplay(agency, production, terms, agent):
    client = sign_in(agent)
    sent = {
        "agency": agency.pk, "production": production.pk, "currency": "USD", "title": "",
        "file": SimpleUploadedFile("draft.fountain", DEMO.encode()),
    }  # fmt: skip
    seen = client.post(reverse(TAKE_IN), sent)
    page = client.get(seen.url).content.decode()
    assert not Screenplay.objects.exists()  # Looking at it keeps nothing.
    assert "EXT. HARBOUR - BREAKWATER - DAWN" in page
    client.post(seen.url)
    return Screenplay.objects.get()


def board(screenplay, query=""):
    return reverse("admin:valuation_screenplay_board", args=[screenplay.pk]) + query


def fields_of(page):
    """Return what a browser would send of a board."""
    inputs = re.findall(r'<input[^>]*\bname="([^"]+)"[^>]*', page)
    data = {}
    for name in inputs:
        tag = re.search(rf'<input[^>]*\bname="{re.escape(name)}"[^>]*>', page)[0]
        value = re.search(r'\bvalue="([^"]*)"', tag)
        if "checkbox" not in tag and name != "scene":
            data[name] = (value[1] if value else "").replace("&quot;", '"')
    for name, options in re.findall(r'<select[^>]*\bname="([^"]+)"[^>]*>(.*?)</select>', page):
        chosen = re.search(r'<option value="([^"]*)" selected', options)
        data[name] = chosen[1] if chosen else ""
    data["scene"] = re.findall(r'name="scene" value="(\d+)"', page)
    return data


def test_a_script_is_taken_in_and_called_as_its_title_page_says(screenplay, agent, stranger):
    assert screenplay.title == "The Glass Harbour"
    page = sign_in(agent).get(board(screenplay)).content.decode()
    assert page.count('class="desk-strip desk-strip-') == 15
    assert "proposed 300" in page
    file = reverse("admin:screenplay_file", args=[screenplay.pk, 1])
    assert sign_in(agent).get(file).content == DEMO.encode()
    for url in (board(screenplay), file):
        assert sign_in(stranger).get(url).status_code in (403, 404)


def test_the_cast_is_listed_with_what_a_day_costs_in_the_screenplay_s_currency(
    screenplay, agent, stranger
):
    member = screenplay.cast.create(name="Ada", day_rate=900, hold_rate=450)
    screenplay.characters.filter(name="TOBY").update(player=member)
    lists = reverse("admin:valuation_castmember_changelist")

    page = sign_in(agent).get(lists).content.decode()

    assert "$900.00" in page
    assert "TOBY" in page
    assert sign_in(agent).get(reverse("admin:valuation_castmember_export_list")).status_code == 200
    for name in ("character", "scene", "screenplay"):
        url = reverse(f"admin:valuation_{name}_changelist")
        assert sign_in(agent).get(url).status_code == 200
    assert "$900.00" not in sign_in(stranger).get(lists).content.decode()


def test_what_is_no_script_is_refused_on_its_page(agency, production, terms, agent):
    sent = {
        "agency": agency.pk, "production": production.pk, "currency": "USD",
        "file": SimpleUploadedFile("x.fdx", b"<!DOCTYPE a><FinalDraft/>"),
    }  # fmt: skip
    page = sign_in(agent).post(reverse(TAKE_IN), sent)

    assert "Line 1: the XML declares" in page.content.decode()
    assert not Screenplay.objects.exists()


def test_strips_are_scored_many_at_once_and_a_page_that_says_nothing_changes_nothing(
    screenplay, agent, affairs
):
    client = sign_in(agent)
    shown = fields_of(client.get(board(screenplay)).content.decode())
    client.post(board(screenplay), shown)
    assert not screenplay.scenes.exclude(scored_at=None).exists()

    nine, ten = (screenplay.scenes.get(number=number) for number in ("9", "10"))
    typed = shown | {f"resonance-{nine.pk}": "10", f"languages-{ten.pk}": "de, fr-CA"}
    client.post(board(screenplay), typed | {f"stunt-{ten.pk}": "no"})

    nine.refresh_from_db()
    ten.refresh_from_db()
    assert (nine.resonance, nine.scored_by, nine.crowd) == (10, agent, None)
    assert (ten.languages, ten.stunt, ten.resonance) == (["de", "fr-CA"], False, None)

    # Somebody else's page is older: what they left alone is not undone by what they type.
    stale = shown | {f"crowd-{nine.pk}": "3", f"resonance-{nine.pk}": "2"}
    again = sign_in(affairs).post(board(screenplay), stale).content.decode()
    nine.refresh_from_db()
    assert (nine.resonance, nine.crowd) == (10, None)
    assert "Scene 9: somebody changed it meanwhile" in again
    typed = fields_of(again)
    assert typed[f"resonance-{nine.pk}"] == "2"
    assert typed[f"languages-{ten.pk}"] == "de fr-CA"

    wrong = sign_in(affairs).post(board(screenplay), shown | {f"crowd-{ten.pk}": "many"})
    assert "Scene 10: Crowd is a whole number, not “many”" in wrong.content.decode()


def test_proposals_are_taken_for_the_chosen_strips_only(screenplay, agent):
    client = sign_in(agent)
    shown = fields_of(client.get(board(screenplay)).content.decode())
    ten = screenplay.scenes.get(number="10")

    client.post(board(screenplay), shown | {"chosen": [ten.pk], "take": "proposals"})

    assert [*screenplay.scenes.exclude(scored_at=None).values_list("number", "crowd")] == [
        ("10", 300)
    ]


def test_strips_are_filtered_and_an_auditor_only_reads(screenplay, auditor):
    client = sign_in(auditor)
    night = client.get(board(screenplay, "?setting=ext&time=NIGHT&scored=no")).content.decode()
    assert re.findall(r'desk-strip-number">(\w+)<', night) == ["5", "11"]
    toby = screenplay.characters.get(name="TOBY")
    assert client.get(board(screenplay, f"?who={toby.pk}")).content.count(b"<legend>") == 3
    assert "No scene is like that" in client.get(
        board(screenplay, "?time=%00&place=99999999999999999999")
    ).content.decode()  # fmt: skip
    nine = screenplay.scenes.get(number="9")
    shown = fields_of(client.get(board(screenplay)).content.decode())
    client.post(board(screenplay), shown | {f"resonance-{nine.pk}": "1"})
    nine.refresh_from_db()
    assert nine.resonance is None


def test_scores_go_out_and_come_back_as_csv(screenplay, agent):
    client = sign_in(agent)
    args = [screenplay.pk]
    sent = b"".join(
        client.get(reverse("admin:valuation_screenplay_export_scores", args=args)).streaming_content
    ).decode()
    header, *rows = sent.splitlines()
    assert header.startswith("scene,heading,eighths,characters,resonance,faces,stunt")
    assert len(rows) == 15
    into = reverse("admin:valuation_screenplay_import_scores", args=args)

    def hand_in(text):
        file = SimpleUploadedFile("scores.csv", text.encode())
        return client.post(into, {"file": file}).content.decode()

    assert "nothing would change" in hand_in(sent)
    bad = hand_in("scene,resonance,stunt\n9,11,\n77,1,\n9,2,maybe\n1,2,\n1,3,\n")
    for said in ("row 2: resonance goes from 0 to 10, not 11", "row 3: scene “77” is not in",
                 "row 4: scene “9” stands in the file twice",
                 "row 6: scene “1” stands in the file twice"):  # fmt: skip
        assert said in bad, bad
    page = hand_in("Scene;Resonance;Location\n9;10;HARBOUR\n10;0;FRENCH PORT\n")
    assert "2 scenes would change" in page
    seen = {name: re.search(rf'name="{name}"[^>]*value="(\w+)"', page)[1] for name in ("seen",)}
    content = re.search(r"<textarea[^>]*>\n?(.*?)</textarea>", page, re.DOTALL)[1]
    client.post(into, seen | {"content": content})
    nine = screenplay.scenes.get(number="9")
    assert (nine.resonance, nine.location.name, nine.scored_by) == (10, "HARBOUR", agent)
    screenplay.scenes.filter(number="9").update(resonance=1)

    client.post(into, seen | {"content": content})  # seen when it said something else

    assert screenplay.scenes.get(number="9").resonance == 1


def test_a_revision_is_looked_at_and_renames_only_whom_somebody_ticks(screenplay, agent):
    client = sign_in(agent)
    revise = reverse("admin:valuation_screenplay_revise", args=[screenplay.pk])
    text = DEMO.replace("KOKUA", "LEILANI").replace("Kokua", "Leilani")
    seen = client.post(revise, {"file": SimpleUploadedFile("two.fountain", text.encode())})
    page = client.get(seen.url).content.decode()
    assert "KOKUA is LEILANI now (100 % of the words, in 5 scenes)" in page

    client.post(seen.url, {"seen": "another"})
    assert screenplay.revisions.count() == 1
    client.post(seen.url, {
        "seen": re.search(r'name="seen" value="(\w+)"', page)[1], "renamed": "KOKUA\tLEILANI",
    })  # fmt: skip

    assert screenplay.revisions.count() == 2
    assert screenplay.characters.get(name="LEILANI").former_names == ["KOKUA"]
    again = client.post(revise, {"file": SimpleUploadedFile("two.fountain", text.encode())})
    assert "This file is revision 2" in again.content.decode()


def test_a_scene_says_who_scored_it_and_keeps_what_was_said_before(screenplay, agent):
    scene = screenplay.scenes.get(number="9")
    url = reverse("admin:valuation_scene_change", args=[scene.pk])
    client = sign_in(agent)
    page = client.get(url).content.decode()
    assert "Resonance: 8 – 2 speaking (+2)" in page
    assert "the bottle" not in page
    assert "She kisses his grey arm" in page

    answer = client.post(url, form_on(client, url) | {"resonance": "9"})

    scene.refresh_from_db()
    assert answer.status_code == 302
    assert (scene.resonance, scene.scored_by) == (9, agent)
    assert scene.crowd is None
    history = client.get(reverse("admin:valuation_scene_history", args=[scene.pk]))
    assert "resonance" in history.content.decode().lower()


def test_a_part_is_said_to_be_found_on_set_and_short_on_the_page_of_its_scene(screenplay, agent):
    scene = screenplay.scenes.get(number="9")
    keawe, toby = (screenplay.characters.get(name=name) for name in ("KEAWE", "TOBY"))
    url = reverse("admin:valuation_scene_change", args=[scene.pk])
    client = sign_in(agent)

    def say(character):
        return client.post(url, form_on(client, url) | {
            "part_scores-TOTAL_FORMS": "1", "part_scores-0-id": "",
            "part_scores-0-scene": scene.pk, "part_scores-0-character": character.pk,
            "part_scores-0-screen_seconds": "12",
        })  # fmt: skip

    assert say(toby).status_code == 200  # He is not in the scene.
    assert not scene.part_scores.exists()
    assert say(keawe).status_code == 302

    said = scene.part_scores.get()
    assert (said.character, said.scripted, said.screen_seconds) == (keawe, False, 12)
