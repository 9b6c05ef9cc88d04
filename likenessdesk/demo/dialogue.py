"""Dialogue: from the text of a play to the usage sheet a dubbing studio would send.

The text is the third act of Oscar Wilde's The Importance of Being Earnest (1895, in the public
domain), one speech a line, stage directions left out. `python -m likenessdesk.demo.dialogue`
writes the sheet of one character again.

A line of dialogue is ten words (SAG-AFTRA's interactive agreement); a word has a letter or a
digit, and a dash parts words while a hyphen does not. Characters count as typed, with spaces.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

HERE = Path(__file__).parent
PLAY = HERE / "earnest_act_3.txt"
SHEET = HERE / "lady_bracknell_italian.csv"
# What its columns mean to the desk.
MAPPING = HERE / "lady_bracknell_italian.json"

COLUMNS = (
    "Act", "Cue", "Character", "First words", "Language", "Country", "Recorded on",
    "Lines", "Words", "Characters",
)  # fmt: skip
WORDS_PER_LINE = 10
CUES_PER_SESSION = 12
# The studio's four dubbing sessions.
SESSIONS = (date(2026, 7, 13), date(2026, 7, 14), date(2026, 8, 17), date(2026, 9, 7))

_BETWEEN_WORDS = re.compile(r"[\s—…]+")
_HAS_A_LETTER = re.compile(r"\w")


@dataclass(frozen=True)
class Speech:
    """What one character says at one turn; cues count from the start of the act."""

    cue: int
    character: str
    text: str

    @property
    def words(self) -> list[str]:
        return [word for word in _BETWEEN_WORDS.split(self.text) if _HAS_A_LETTER.search(word)]

    @property
    def lines(self) -> Decimal:
        """Tenths of a line; what a part of a line costs is for the contract to say."""
        return Decimal(len(self.words)) / WORDS_PER_LINE


def speeches(play: str) -> Iterator[Speech]:
    """Read `Character: what is said` lines, in order."""
    for cue, line in enumerate(play.splitlines(), start=1):
        character, _, text = line.partition(": ")
        yield Speech(cue, character, text)


def sheet(said: Iterable[Speech], character: str, *, language: str, country: str) -> str:
    """Return the CSV for one dubbed character: a row per speech, twelve to a session."""
    own = [speech for speech in said if speech.character == character]
    file = io.StringIO()
    rows = csv.writer(file, lineterminator="\n")
    rows.writerow(COLUMNS)
    for place, speech in enumerate(own):
        recorded_on = session(place, SESSIONS)
        rows.writerow(row(speech, language, country, recorded_on))
    return file.getvalue()


def session(place: int, sessions: Sequence[date]) -> date:
    return sessions[min(place // CUES_PER_SESSION, len(sessions) - 1)]


def row(speech: Speech, language: str, country: str, recorded_on: date) -> list[object]:
    opening = " ".join(speech.text.split()[:4])
    return [
        "III", speech.cue, speech.character, opening, language, country, recorded_on,
        speech.lines, len(speech.words), len(speech.text),
    ]  # fmt: skip


def write() -> None:
    said = speeches(PLAY.read_text(encoding="utf-8"))
    content = sheet(said, "Lady Bracknell", language="it", country="IT")
    SHEET.write_text(content, encoding="utf-8")


if __name__ == "__main__":
    write()
