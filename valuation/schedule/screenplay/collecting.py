"""Paragraphs become scenes: both formats hand what they read to one collector, which counts."""

import hashlib
import math
import re
from collections import Counter
from dataclasses import dataclass, field

from .headings import OMITTED, place_and_time, setting_of
from .script import MOST_SCENES, Doubt, NotAScreenplay, Scene, Script, Speaker

LINES_OF_PAGE = 54
EIGHTHS = 8
ACTION_WIDTH, SPEECH_WIDTH, ASIDE_WIDTH, CUE_LINES = 60, 35, 25, 1
# A dash parts words while a hyphen does not; what has no letter or digit is no word.
_WORD = re.compile(r"[^\W_][^\s—…]*")
_EXTENSION = re.compile(r"\(([^()]*)\)")
_UNSEEN = re.compile(r"\b(?:V\.?\s?O|O\.?\s?S|O\.?\s?C)\b", re.IGNORECASE)
_NAME = re.compile(r"[^\W_][\w.'’\-]*")
_POSSESSIVE = re.compile(r"(?:['’]S)?[.'’\-]*$", re.IGNORECASE)
FAULTS_NAMED = 5


@dataclass(slots=True)
class Speech:
    """What one character says at a turn: texts, each with whether it is an aside to the actor."""

    cue: str
    parts: list[tuple[bool, str]]


@dataclass(slots=True)
class _Begun:
    """A scene while it is read."""

    number: str
    heading: str
    line: int
    length: int | None
    omitted: bool
    typed: int = 2
    action_words: int = 0
    dual: int = 0
    last_speech: int = 0
    speakers: dict[str, list[int]] = field(default_factory=dict)
    revised_in: dict[str, None] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)
    actions: list[str] = field(default_factory=list)


class Collector:
    """Takes paragraphs in their order; what comes before the first heading belongs to no scene."""

    def __init__(self) -> None:
        self.begun: list[_Begun] = []
        self.doubts: list[Doubt] = []
        self._cues: dict[str, tuple[str, bool]] = {}

    def heading(
        self, text: str, number: str, line: int, *, length: int | None = None, omitted: bool = False
    ) -> None:
        """Begin a scene. `length` is in eighths, where the file says so."""
        if len(self.begun) >= MOST_SCENES:
            raise NotAScreenplay(f"there are more than {MOST_SCENES} scenes.", line)
        heading = " ".join(text.upper().split())
        left_out = omitted or heading.strip(" .") == OMITTED
        self.begun.append(_Begun(number.strip(), heading, line, length, left_out))

    def action(self, text: str) -> None:
        """Take a paragraph that tells what is seen or heard."""
        if not self.begun:
            return
        scene = self.begun[-1]
        scene.typed += _typed(text, ACTION_WIDTH) + 1
        scene.action_words += count_words(text)
        scene.texts.append(text)
        scene.actions.append(text)
        scene.last_speech = 0

    def direction(self, text: str) -> None:
        """Take a line that is neither seen nor said, such as a transition."""
        if self.begun:
            self.begun[-1].typed += 2
            self.begun[-1].texts.append(text)
            self.begun[-1].last_speech = 0

    def speech(self, said: Speech, *, beside: bool = False) -> None:
        """Take a speech; one that stands beside the speech before takes no further lines."""
        if not self.begun:
            return
        scene = self.begun[-1]
        name, unseen = self._named(said.cue)
        lines = words = asides = 0
        for aside, text in said.parts:
            if aside:
                asides += _typed(text, ASIDE_WIDTH)
            else:
                lines += 1 if len(text) <= SPEECH_WIDTH else _typed(text, SPEECH_WIDTH)
                words += count_words(text)
        counts = scene.speakers.setdefault(name, [0, 0, 0, 0])
        counts[0] += 1
        counts[1] += lines
        counts[2] += words
        counts[3] += words if unseen else 0
        typed = CUE_LINES + lines + asides + 1
        if beside and scene.last_speech:
            scene.dual += 1
            scene.typed += max(0, typed - scene.last_speech)
            scene.last_speech = 0
        else:
            scene.typed += typed
            scene.last_speech = typed
        scene.texts.append(name + ": " + " ".join([text for _aside, text in said.parts]))

    def revised(self, name: str) -> None:
        """Note that the scene at hand bears the marks of a revision."""
        if self.begun:
            self.begun[-1].revised_in[name] = None

    def doubt(self, line: int, text: str) -> None:
        self.doubts.append(Doubt(line, text))

    def script(self, title_page: dict[str, str]) -> Script:
        """Return what was read. Raises NotAScreenplay."""
        if not self.begun:
            raise NotAScreenplay(
                "no scene heading was found. One stands alone between empty lines and begins with"
                " INT. or EXT., or with a dot.",
                1,
            )
        numbers = _numbers(self.begun)
        names = {name for scene in self.begun for name in scene.speakers}
        by_word = _by_word(names)
        scenes = tuple(
            _scene(scene, number, by_word)
            for scene, number in zip(self.begun, numbers, strict=True)
        )
        order = dict.fromkeys(speaker.name for scene in scenes for speaker in scene.speakers)
        return Script(title_page, scenes, tuple(self.doubts), tuple(order))

    def _named(self, cue: str) -> tuple[str, bool]:
        """Return the character that a cue names, and whether only the voice is there."""
        known = self._cues.get(cue)
        if known is None:
            name = " ".join(_EXTENSION.sub(" ", cue).upper().split()) or cue.upper().strip()
            unseen = any(_UNSEEN.search(one) for one in _EXTENSION.findall(cue))
            known = self._cues[cue] = (name, unseen)
        return known


def _scene(begun: _Begun, number: str, by_word: dict[str, list[str]]) -> Scene:
    setting, named = setting_of(begun.heading)
    place, time = place_and_time(named)
    seen = _named_in(begun.actions, by_word)
    speakers = [
        Speaker(name, speeches, lines, words, unseen, name in seen)
        for name, (speeches, lines, words, unseen) in begun.speakers.items()
    ]
    silent = [name for name in seen if name not in begun.speakers]
    text = "\n".join([begun.heading, *begun.texts])
    return Scene(
        number=number,
        heading=begun.heading,
        setting=setting,
        place=place,
        time_of_day=time,
        line=begun.line,
        eighths=begun.length or eighths_of(begun.typed),
        typed_lines=begun.typed,
        action_words=begun.action_words,
        speakers=(*speakers, *(Speaker(name, named=True) for name in silent)),
        text=text,
        digest=hashlib.sha256(" ".join(text.split()).encode()).hexdigest(),
        dual_dialogues=begun.dual,
        revised_in=tuple(begun.revised_in),
        omitted=begun.omitted,
    )


def eighths_of(typed_lines: int) -> int:
    """Return how many eighths of a page typed lines take; each that is begun counts."""
    return max(1, math.ceil(typed_lines * EIGHTHS / LINES_OF_PAGE))


def count_words(text: str) -> int:
    """Return how many words a text has."""
    if "—" in text or "…" in text:
        text = text.replace("—", " ").replace("…", " ")
    words = text.split()
    bare = [word for word in words if not word[0].isalnum()]
    return len(words) - (sum(not _WORD.search(word) for word in bare) if bare else 0)


def _typed(text: str, width: int) -> int:
    """Return how many typed lines a text takes, broken between words."""
    if "\n" in text:
        return sum(_typed(line, width) for line in text.split("\n"))
    lines, begins, length = 1, 0, len(text)
    while length - begins > width:
        cut = text.rfind(" ", begins + 1, begins + width + 1)
        begins = cut + 1 if cut > 0 else begins + width
        lines += 1
    return lines


def _numbers(begun: list[_Begun]) -> list[str]:
    """Return each scene's number: what is printed, else counted, or its forerunner's and a letter.

    Raises NotAScreenplay where a number stands twice.
    """
    printed: dict[str, int] = {}
    twice = []
    for scene in begun:
        if scene.number and scene.number in printed:
            twice.append((scene.line, scene.number, printed[scene.number]))
        elif scene.number:
            printed[scene.number] = scene.line
    if twice:
        told = "; ".join(
            f"scene number {number} stands a second time, first in line {first}"
            if place == 0
            else f"line {line}: {number} again, first in line {first}"
            for place, (line, number, first) in enumerate(twice[:FAULTS_NAMED])
        )
        raise NotAScreenplay(f"{told}.", twice[0][0])
    if not printed:
        return [str(place) for place in range(1, len(begun) + 1)]
    return _filled_in(begun, set(printed))


def _filled_in(begun: list[_Begun], taken: set[str]) -> list[str]:
    numbers, last = [], "0"
    for scene in begun:
        number = scene.number
        if not number:
            places = (f"{last}{_letters(place)}" for place in range(len(begun) + len(taken) + 1))
            number = next(place for place in places if place not in taken)
            taken.add(number)
        else:
            last = number
        numbers.append(number)
    return numbers


def _letters(place: int) -> str:
    """Return A to Z, then AA and on."""
    letters = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def _by_word(names: set[str]) -> dict[str, list[str]]:
    """Return the names by the words that call them: their first, and their last as a surname."""
    by_word: dict[str, list[str]] = {}
    for name in sorted(names):
        if words := _NAME.findall(name):
            by_word.setdefault(words[0], []).append(name)
            if len(words) > 1:
                by_word.setdefault(words[-1], []).append(name)
    return by_word


def _named_in(actions: list[str], by_word: dict[str, list[str]]) -> list[str]:
    """Return the characters whom an action names, in capitals or with a capital first.

    A last word names whoever alone has it; a first one does where the rest of the name follows.
    """
    text = "\n".join(actions)
    present = {_bare(word).upper() for word in _NAME.findall(text) if word[0].isupper()}
    present &= by_word.keys()
    if not present:
        return []
    whole = f" {' '.join(map(_bare, _NAME.findall(text.upper())))} "
    return sorted(
        {
            name
            for word in present
            for name in by_word.get(word, ())
            if f" {name} " in whole or (len(by_word[word]) == 1 and name.endswith(f" {word}"))
        }
    )


def _bare(word: str) -> str:
    """Return a word without what stands at its end: a dot, a dash, the mark of a genitive."""
    return word if word.isalnum() else _POSSESSIVE.sub("", word)


def word_counts(text: str) -> Counter[str]:
    return Counter(word.casefold() for word in _WORD.findall(text))
