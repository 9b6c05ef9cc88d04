"""Screenplays: what is read of both formats, what is refused, and what is written back."""

import io
import re
import time
from dataclasses import replace

import fdx_parser
import fountain as fountain_py
import pytest
from hypothesis import given
from hypothesis import strategies as st
from screenplain.export.fdx import to_fdx
from screenplain.parsers import fountain as screenplain
from screenplain.types import Slug

from likenessdesk.demo.glass_harbour import SCRIPT
from valuation.schedule.screenplay import reading, revisions, signals, writing_back
from valuation.schedule.screenplay.revisions import Change, Known
from valuation.schedule.screenplay.script import NotAScreenplay, Speaker
from valuation.words import Setting

DEMO = SCRIPT.read_text(encoding="utf-8")

TWO_SPACES = "  "
ALL_KINDS = f"""Title: **All kinds**
Author: Nobody

FADE IN:

INT. ROOM - NIGHT #4A#

BEN waits. He knows *Ann Lee* is late.

ANN LEE (V.O.)
(far away)
I am coming — wait…
{TWO_SPACES}
for me.

BEN ^
At the same time.

/*
INT. BONEYARD - DAY

*/

[[INT. NOTE - DAY]]

.SNIPER VIEW

!CARL
Shouts something.

@deVRIES
Lower case.

...then nothing.

CUT TO:

> CENTRED <

# Act two

# Act three
INT. BEHIND A SECTION - DAY

ext./int. car - continuous

= A synopsis.

INT. NOT ALONE - DAY
is action, and is doubted.

.OMITTED #9#
"""


def read(text):
    return reading.read(text.encode())


def line_of(text, said):
    return text.count("\n", 0, text.index(said)) + 1


def as_fdx(text):
    file = io.StringIO()
    to_fdx(screenplain.parse(io.StringIO(text)), file)
    return file.getvalue()


def test_every_element_of_fountain_is_read_as_the_syntax_says():
    script = read(ALL_KINDS)

    room, view, car, omitted = script.scenes
    assert script.title_page == {"title": "All kinds", "author": "Nobody"}
    assert [scene.number for scene in script.scenes] == ["4A", "4AA", "4AB", "9"]
    assert (room.setting, room.place, room.time_of_day) == (Setting.INTERIOR, "ROOM", "NIGHT")
    assert room.speakers == (
        Speaker("ANN LEE", 1, 2, 6, 6, named=True), Speaker("BEN", 1, 1, 4, named=True),
    )  # fmt: skip
    assert room.dual_dialogues == 1
    assert (view.setting, view.place) == (Setting.OTHER, "SNIPER VIEW")
    assert [speaker.name for speaker in view.speakers] == ["DEVRIES"]
    assert "CARL" in view.text
    assert (car.setting, car.time_of_day) == (Setting.BOTH, "CONTINUOUS")
    assert omitted.omitted
    assert not car.omitted
    assert [doubt.line for doubt in script.doubts] == [
        line_of(ALL_KINDS, "INT. BEHIND A SECTION"), line_of(ALL_KINDS, "INT. NOT ALONE"),
    ]  # fmt: skip
    assert "BONEYARD" not in str(script)
    assert "NOTE" not in str(script)


def test_lengths_come_from_typed_lines():
    """54 lines are a page; each eighth that is begun counts."""
    speech = "\n\n".join(["BEN\nYes."] * 15)
    scene = read(f"INT. ROOM - DAY\n\n{'word ' * 24}\n\n{speech}\n").scenes[0]

    # The heading and its empty line, two lines of action of 60 signs and one empty, 15 speeches.
    assert scene.typed_lines == 2 + (2 + 1) + 15 * 3
    assert scene.eighths == 8
    assert scene.action_words == 24


def test_speeches_side_by_side_take_the_lines_of_the_longer_one():
    one = read("INT. ROOM - DAY\n\nBEN\nYes.\n\nANN ^\nNo.\n(aside)\nNever.\n").scenes[0]
    other = read("INT. ROOM - DAY\n\nBEN\nYes.\n\nANN\nNo.\n(aside)\nNever.\n").scenes[0]

    # The cue, two lines, the aside and an empty line; Ben's cue, line and empty line beside them.
    assert (one.typed_lines, other.typed_lines) == (2 + 5, 2 + 3 + 5)


@pytest.mark.parametrize(
    "text", [DEMO, ALL_KINDS.replace(".OMITTED #9#\n", "")], ids=["demo", "all"]
)
def test_scenes_are_counted_as_independent_parsers_count_them(text):
    headings = [scene.heading for scene in read(text).scenes]
    theirs = fountain_py.FountainParser().parse(text).get_scenes()
    stricter = [
        str(one.line) for one in screenplain.parse(io.StringIO(text)) if isinstance(one, Slug)
    ]

    assert headings == [re.sub(r"\s*#[^#]*#$", "", one).upper() for one in theirs]
    assert set(stricter) <= set(headings)


def test_a_script_and_its_final_draft_twin_say_the_same():
    """The twin is written by another program, and read by a third."""
    twin = as_fdx(DEMO)

    ours, theirs = read(DEMO), read(twin)

    assert len(fdx_parser.parse_fdx(twin)) == len(ours.scenes) == 15
    assert [one.digest for one in ours.scenes] == [one.digest for one in theirs.scenes]
    assert [one.speakers for one in ours.scenes] == [one.speakers for one in theirs.scenes]
    assert [one.eighths for one in ours.scenes] == [one.eighths for one in theirs.scenes]


FINAL_DRAFT = """<?xml version="1.0" encoding="UTF-8" standalone="no" ?>
<FinalDraft DocumentType="Script" Template="No" Version="5">
  <Content>
    <Paragraph Type="Scene Heading" Number="1"><SceneProperties Length="1 2/8" Page="1" Title="old">
      <Summary><Paragraph><Text>Left as it is &amp; was.</Text></Paragraph></Summary>
    </SceneProperties><Text>INT. Room - </Text><Text>day</Text></Paragraph>
    <Paragraph Type="Action"><ScriptNote><Paragraph><Text>A note.</Text></Paragraph></ScriptNote>
      <Text>Ben </Text><Text RevisionID="2">leaves.</Text></Paragraph>
    <Paragraph><DualDialogue>
      <Paragraph Type="Character"><Text>ANN</Text></Paragraph>
      <Paragraph Type="Dialogue"><Text>Stay.</Text></Paragraph>
      <Paragraph Type="Character"><Text>BEN (O.S.)</Text></Paragraph>
      <Paragraph Type="Dialogue"><Text>No.</Text></Paragraph>
    </DualDialogue></Paragraph>
    <Paragraph Type="Scene Heading" Number="2"><Text>OMITTED</Text><OmittedScene>
      <Paragraph Type="Scene Heading"><Text>INT. OLD - DAY</Text></Paragraph></OmittedScene></Paragraph>
    <Paragraph Type="Scene Heading"><Text>EXT. QUAY - NIGHT</Text></Paragraph>
  </Content>
  <Revisions><Revision ID="2" Name="Blue Rev."/></Revisions>
  <TitlePage><Content><Paragraph><Text/></Paragraph><Paragraph><Text>A Title</Text></Paragraph></Content></TitlePage>
</FinalDraft>
"""  # noqa: E501


def test_final_draft_says_numbers_lengths_revisions_and_omitted_scenes():
    script = read(FINAL_DRAFT)

    room, omitted, quay = script.scenes
    assert script.title == "A Title"
    assert (room.number, room.eighths, room.revised_in) == ("1", 10, ("Blue Rev.",))
    assert room.speakers == (Speaker("ANN", 1, 1, 1), Speaker("BEN", 1, 1, 1, 1, named=True))
    assert room.dual_dialogues == 1
    assert "A note" not in room.text
    assert omitted.omitted
    assert (quay.number, quay.heading, quay.line) == (
        "2A", "EXT. QUAY - NIGHT", line_of(FINAL_DRAFT, "EXT. QUAY"),
    )  # fmt: skip


def test_properties_are_written_back_and_nothing_else_is_touched():
    for encoding, mark in (("utf-8", b""), ("utf-16-le", b"\xff\xfe")):
        said = FINAL_DRAFT.replace("UTF-8", encoding.removesuffix("-le")).replace("\n", "\r\n")
        content = mark + said.encode(encoding)
        wanted = [{"Title": "Day 3 “A & B”"}, {}, {"Length": "3/8", "Title": "<none>"}]

        written = writing_back.with_properties(content, wanted)

        text = written[len(mark) :].decode(encoding)
        assert reading.read(written).scenes[2].eighths == 3
        assert 'Title="Day 3 “A &amp; B”"' in text
        undone = text.replace('Title="Day 3 “A &amp; B”"', 'Title="old"')
        undone = undone.replace('<SceneProperties Length="3/8" Title="&lt;none&gt;"/>', "")
        assert mark + undone.replace("<SceneProperties/>", "").encode(encoding) == content
    with pytest.raises(NotAScreenplay, match="another number of scenes"):
        writing_back.with_properties(FINAL_DRAFT.encode(), [{}])


BOMB = '<!DOCTYPE b [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>'
SCENE = "\n\nINT. ROOM - DAY #7#\n\nBEN\nYes.\n"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "The file is empty"),
        (b"\xef\xbb\xbf \n", "The file is empty"),
        (b"Only prose.\n\nNo scene in it.", "Line 1: no scene heading"),
        (b"INT. ROOM - DAY\n\nBen \xe9.", "Line 3: byte 0xE9 is no UTF-8"),
        ((SCENE * 2).encode(), "Line 9: scene number 7 stands a second time, first in line 3"),
        (b"INT. ROOM - DAY\n\nBen\x07", "Line 3: a control character"),
        (b"x" * 10_000_001, "larger than 10 MB"),
        (b'<?xml version="1.0"?>\n<!DOCTYPE F SYSTEM "/etc/passwd">\n<F/>', "Line 2: the XML"),
        (BOMB.encode() + b"<FinalDraft>&b;</FinalDraft>", "Line 1: the XML declares"),
        (BOMB.encode("utf-16"), "Line 1: the XML declares"),
        (b'<?xml version="1.0" encoding="utf-7"?><FinalDraft/>', "Line 1: scripts in “utf-7”"),
        (b"<FinalDraft>\n<Content>", "Line 2: the XML breaks off"),
        (b"<FinalDraft>&x;</FinalDraft>", "Line 1: the XML breaks off"),
        (b"<html></html>", "no Final Draft script but “html”"),
        (b"<FinalDraft/>", "the file has no content"),
        (b"<a>" * 100_000, "breaks off or is not well formed"),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_no_screenplay_is_refused_at_once_with_its_line(content, reason):
    started = time.perf_counter()

    with pytest.raises(NotAScreenplay, match=re.escape(reason)):
        reading.read(content)

    assert time.perf_counter() - started < 1


@pytest.mark.parametrize(
    "hostile", ["[[", "/*", "[[\n\n]]", "(", ".", "* _", "A\n", "[[ /* ", "[[\n\n"]
)
def test_a_hostile_script_costs_no_more_than_a_long_one(hostile):
    """Half a megabyte of marks that close at the end or never: each place is looked up once."""
    text = SCENE + hostile * (500_000 // len(hostile)) + "]]*/" + SCENE.replace("7", "8")
    started = time.perf_counter()

    assert read(text).scenes[0].number == "7"

    assert time.perf_counter() - started < 3


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be"])
def test_a_mark_at_the_beginning_says_the_encoding(encoding):
    text = ("\ufeff" if encoding == "utf-16-be" else "") + "INT. CAFÉ - DAY\r\n\r\nBEN\r\nOui.\r\n"

    scene = reading.read(text.encode(encoding)).scenes[0]

    assert (scene.place, scene.speakers) == ("CAFÉ", (Speaker("BEN", 1, 1, 1),))


@given(st.text(alphabet="INT. AB-#.>@!^()[]*/=~\n \t:é", max_size=200))
def test_no_text_breaks_the_reader(text):
    """What is read keeps its scenes' lines in order, and is the same when it is read again."""
    try:
        script = read(text)
    except NotAScreenplay:
        return
    lines = [scene.line for scene in script.scenes]
    assert lines == sorted(lines)
    assert script == read(text)
    assert all(scene.eighths >= 1 for scene in script.scenes)
    assert len({scene.number for scene in script.scenes}) == len(script.scenes)


def test_proposals_say_what_they_counted():
    scenes = {scene.number: signals.proposals_of(scene) for scene in read(DEMO).scenes}

    assert scenes["10"].crowd == signals.Proposal(300, ("crowd", "guests"))
    assert scenes["13"].stunt == signals.Proposal(1, ("crashes", "fight", "fire"))
    assert scenes["5"].face_visibility.value == 0
    assert scenes["9"].resonance.value == 8
    assert "2 speaking (+2)" in scenes["9"].resonance.because
    assert scenes["9"].resonance.value > scenes["10"].resonance.value


def known(script):
    return [
        Known(
            scene.number, scene.digest, scene.text,
            {speaker.name: speaker.words for speaker in scene.speakers}, scene.omitted,
        )
        for scene in script.scenes
    ]  # fmt: skip


def test_a_revision_keeps_what_stayed_and_proposes_who_was_renamed():
    before = known(read(DEMO))
    text = DEMO.replace("KOKUA", "LEILANI").replace("Kokua", "Leilani")
    text = re.sub(
        r"EXT\. HARBOUR - BREAKWATER.*?(?=EXT\. ISLAND - BEACH - SUNRISE)", "", text, flags=re.S
    )
    text = re.sub(
        r"(INT\. SHIP - CABIN - NIGHT #6#).*?(?=EXT\. ISLAND)",
        r"\1\n\nA wholly other thing.\n\n",
        text,
        flags=re.S,
    )
    text = text.replace("INT. TAVERN - NIGHT #13#", "INT. TAVERN - NIGHT #20#")
    after = known(read(text))

    pairs = revisions.compare(before, after)

    became = {
        (pair.before is not None and before[pair.before].number) or after[pair.after].number + "*":
        pair.change for pair in pairs
    }  # fmt: skip
    assert {number for number, change in became.items() if change is Change.SAME} == {
        "1", "2", "3", "4", "5", "8", "10",
    } - {"10"}  # fmt: skip
    assert became["13"] is Change.RENUMBERED
    assert became["9"] is became["7"] is Change.REVISED
    assert became["6"] is became["14"] is Change.OMITTED
    assert became["6*"] is Change.NEW
    (renamed,) = revisions.renamed(before, after, pairs)
    assert (renamed.before, renamed.after, renamed.alike) == ("KOKUA", "LEILANI", 1.0)


def test_nobody_is_renamed_who_says_something_else():
    one = Known("1", "a", "Ben says yes yes yes to all", {"BEN": 3, "ANN": 20})
    other = replace(
        one, digest="b", text="Carl says yes yes no to all", speakers={"CARL": 40, "ANN": 20}
    )

    pairs = revisions.compare([one], [other])

    assert [pair.change for pair in pairs] == [Change.REVISED]
    assert revisions.renamed([one], [other], pairs) == []
