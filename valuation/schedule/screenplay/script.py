"""What a screenplay says: scenes in its order, and who speaks in each, with every count explained.

An eighth of a page is the trade's measure of a scene. Counts go by the usual typed page: 54 lines,
60 characters of action or 35 of dialogue to a line.
"""

from dataclasses import dataclass

from talent.errors import Refused
from valuation.words import Setting

# Two hours are 120 pages, about 250 kB of Fountain and 2 MB of Final Draft's XML.
MOST_BYTES = 10_000_000
MOST_SCENES = 5_000


class NotAScreenplay(Refused):
    """A file cannot be read as a screenplay; the text says in which line, and why."""

    code = "not_a_screenplay"

    def __init__(self, reason: str, line: int | None = None) -> None:
        self.reason, self.line = reason, line
        super().__init__(reason if line is None else f"Line {line}: {reason}")


@dataclass(frozen=True, slots=True)
class Speaker:
    """A character in a scene: their speeches there, typed lines and words of these.

    `unseen_words` are the words said as a voice only (V.O., O.S., O.C.). `named` tells whether the
    action names them, which whoever has no speech is.
    """

    name: str
    speeches: int = 0
    lines: int = 0
    words: int = 0
    unseen_words: int = 0
    named: bool = False

    @property
    def is_voice_only(self) -> bool:
        return self.words == self.unseen_words > 0 and not self.named


@dataclass(frozen=True, slots=True)
class Scene:
    """A scene as the script has it.

    `number` is printed, or counted where the script prints none; `line` is where it begins in the
    file, `typed_lines` what it takes of typed pages. `text` is what it says, a paragraph a line,
    and `digest` the SHA-256 of that without its number. `revised_in` names the revisions whose
    marks it bears.
    """

    number: str
    heading: str
    setting: Setting
    place: str
    time_of_day: str
    line: int
    eighths: int
    typed_lines: int
    action_words: int
    speakers: tuple[Speaker, ...]
    text: str
    digest: str
    dual_dialogues: int = 0
    revised_in: tuple[str, ...] = ()
    omitted: bool = False


@dataclass(frozen=True, slots=True)
class Doubt:
    """Something that was read, and may be meant otherwise."""

    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Script:
    """A whole screenplay: its title page by key, its scenes, and what to look at again."""

    title_page: dict[str, str]
    scenes: tuple[Scene, ...]
    doubts: tuple[Doubt, ...] = ()
    characters: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        return self.title_page.get("title", "")
