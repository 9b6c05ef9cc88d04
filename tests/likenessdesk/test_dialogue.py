"""Dialogue: how a play becomes a usage sheet."""

import csv
from decimal import Decimal

import pytest

from likenessdesk.demo import dialogue
from likenessdesk.demo.dialogue import PLAY, SHEET, Speech


@pytest.mark.parametrize(
    ("text", "words", "lines"),
    [
        ("I beg your pardon?", 4, "0.4"),
        ("A three-volume novel of more than usually revolting sentimentality.", 9, "0.9"),
        ("till she is thirty-five—a remark which I am bound to say", 12, "1.2"),
        ("And now, as regards Algernon! … Algernon!", 6, "0.6"),
        ("Lætitia!", 1, "0.1"),
        ("…", 0, "0"),
    ],
)
def test_a_line_is_ten_words(text, words, lines):
    speech = Speech(1, "Somebody", text)

    assert len(speech.words) == words
    assert speech.lines == Decimal(lines)


def test_the_sheet_that_ships_is_the_one_the_play_gives():
    said = dialogue.speeches(PLAY.read_text(encoding="utf-8"))

    given = dialogue.sheet(said, "Lady Bracknell", language="it", country="IT")

    assert SHEET.read_text(encoding="utf-8") == given


def test_the_sheet_holds_every_speech_of_the_part():
    with SHEET.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))

    assert len(rows) == 48
    assert sum(int(row["Words"]) for row in rows) == 1652
    assert sum(int(row["Characters"]) for row in rows) == 9201
    assert rows[0]["First words"] == "Gwendolen! What does this"
    assert [row["Recorded on"] for row in rows[11:13]] == ["2026-07-13", "2026-07-14"]


def test_nothing_but_the_play_stands_in_the_text():
    text = PLAY.read_text(encoding="utf-8")

    assert len(list(dialogue.speeches(text))) == 181
    assert not any(mark in text for mark in ("Gutenberg", "http", "[", "]", "***"))
