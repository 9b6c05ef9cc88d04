"""First proposals of a breakdown, each from signals that anybody can count again.

They are guesses to be looked at by a person, and are never more than that: a word says nothing of
what a scene is about, so each proposal names what was counted.
"""

import re
from dataclasses import dataclass

from .collecting import word_counts
from .script import Scene, Speaker


def _listed(words: str) -> frozenset[str]:
    return frozenset(words.split())


HIGHEST = 10
CROWD_OF_UNKNOWN_SIZE = 10
INTIMATE, LONG_SPEECH, WHOLE_PAGE = 2, 25, 8
_FEELING = _listed(
    "afraid alone baby beg blood brother child cries cry crying dead death die dies dying dream"
    " embrace embraces father forgive goodbye grave grief heart hurt kiss kisses lost love loved"
    " loves marry mother mourn orphan pain promise sister sob sobs sorry tear tears tremble"
    " trembles weep weeps"
)
_STUNTS = _listed(
    "brawl chase chases climbs crash crashes dive dives explodes explosion fall falls fight fights"
    " fire fires gallops gun jumps leaps punch punches shoots shot stab stabs struggle struggles"
    " sword tackles wrestles"
)
_CROWDS = _listed(
    "audience congregation crowd crowds dancers diners extras guests mob onlookers passengers"
    " passersby people protesters servants soldiers spectators students villagers workers"
)
_NEAR = _listed("close closeup close-up eyes face lips stares tear tears")
_FAR = _listed("backlit distance distant helmet mask masked shadow silhouette")
_TENS = {
    "ten": 10, "twelve": 12, "dozen": 12, "fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40,
    "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90, "hundred": 100,
    "hundreds": 200, "thousand": 1000,
}  # fmt: skip
_UNITS = {
    "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
}  # fmt: skip
# A number in digits or words, at most one word between, and what is counted.
_NUMBER = re.compile(
    rf"\b(?:(\d{{1,4}})|(?:({'|'.join(_UNITS)})\s+)?({'|'.join(_TENS)}))\s+(?:[\w']+\s+)??"
    rf"({'|'.join(sorted(_CROWDS))})\b",
    re.IGNORECASE,
)
_FACE, _FACE_STEP = 7, 2


@dataclass(frozen=True, slots=True)
class Proposal:
    """A value, and what was counted for it, in words."""

    value: int
    because: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Proposals:
    """What is proposed of a scene: resonance and face visibility from 0 to 10, stunts, a crowd."""

    resonance: Proposal
    face_visibility: Proposal
    stunt: Proposal
    crowd: Proposal


def proposals_of(scene: Scene) -> Proposals:
    action = _action_of(scene)
    return Proposals(
        resonance=_resonance(scene), face_visibility=_face(scene, action),
        stunt=_words(action, _STUNTS), crowd=_crowd(action),
    )  # fmt: skip


def _action_of(scene: Scene) -> str:
    """Return the scene's text without what is said."""
    cues = tuple(f"{speaker.name}: " for speaker in scene.speakers if speaker.speeches)
    return "\n".join(
        line for line in scene.text.split("\n")[1:] if not (cues and line.startswith(cues))
    )


def _resonance(scene: Scene) -> Proposal:
    """Propose points for few people, long speeches, words of feeling and length."""
    speaking = [speaker for speaker in scene.speakers if speaker.speeches]
    points: list[tuple[int, str]] = []
    if 0 < len(speaking) <= INTIMATE:
        points.append((2, f"{len(speaking)} speaking"))
    if longest := max((_mean(speaker) for speaker in speaking), default=0):
        gained = 2 if longest >= LONG_SPEECH else 0
        points.append((gained, f"{longest} words a speech"))
    feeling = _counted(scene.text, _FEELING)
    if feeling:
        points.append((min(4, len(feeling)), f"words of feeling: {', '.join(feeling)}"))
    if scene.eighths >= WHOLE_PAGE and speaking:
        points.append((1, f"{scene.eighths} eighths long"))
    counted = [(gained, said) for gained, said in points if gained]
    return Proposal(
        min(HIGHEST, sum(gained for gained, _said in counted)),
        tuple(f"{said} (+{gained})" for gained, said in counted),
    )


def _mean(speaker: Speaker) -> int:
    return speaker.words // speaker.speeches


def _face(scene: Scene, action: str) -> Proposal:
    """Propose that faces are seen, more where the action comes close and less where it is far."""
    if scene.speakers and all(speaker.is_voice_only for speaker in scene.speakers):
        return Proposal(0, ("all is said by voices only",))
    near, far = _counted(action, _NEAR), _counted(action, _FAR)
    value = _FACE + _FACE_STEP * (bool(near) - bool(far))
    because = (f"near: {', '.join(near)}",) if near else ()
    return Proposal(min(HIGHEST, value), (*because, *((f"far: {', '.join(far)}",) if far else ())))


def _words(text: str, wanted: frozenset[str]) -> Proposal:
    found = _counted(text, wanted)
    return Proposal(int(bool(found)), tuple(found))


def _crowd(action: str) -> Proposal:
    """Propose a crowd's size: a number before such a word, else a size that stands for unknown."""
    found = _counted(action, _CROWDS)
    if not found:
        return Proposal(0, ())
    sizes = [
        int(digits) if digits else _UNITS.get(units.lower(), 1) * _TENS[tens.lower()]
        for digits, units, tens, _crowd in _NUMBER.findall(action)
    ]
    return Proposal(max(sizes, default=CROWD_OF_UNKNOWN_SIZE), tuple(found))


def _counted(text: str, wanted: frozenset[str]) -> list[str]:
    """Return the wanted words that a text has, each once, by the alphabet."""
    return sorted(wanted & {word.rstrip(".,;:!?’'\")") for word in word_counts(text)})
