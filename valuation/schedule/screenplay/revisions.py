"""A revised script beside the one before: which scenes stayed, and who may be called otherwise.

A scene stayed where its number and most of its words did, or all of its words under another
number. What people said of it is kept then, and only then.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from .collecting import word_counts

# Below these parts of words in common it is another scene, or somebody else.
SAME_SCENE, SAME_CHARACTER = 0.5, 0.6


class Change(StrEnum):
    """What became of a scene."""

    SAME = "same"
    REVISED = "revised"
    RENUMBERED = "renumbered"
    NEW = "new"
    OMITTED = "omitted"


@dataclass(frozen=True, slots=True)
class Known:
    """A scene as it is kept or as it was read; `speakers` are words by character."""

    number: str
    digest: str
    text: str
    speakers: Mapping[str, int]
    omitted: bool = False


@dataclass(frozen=True, slots=True)
class Pair:
    """A scene before and after by their places; None: it is new, or it is gone."""

    change: Change
    before: int | None
    after: int | None


@dataclass(frozen=True, slots=True)
class Renamed:
    """A name that is gone and one that is new, who may be one character; `alike` from 0 to 1."""

    before: str
    after: str
    alike: float
    scenes: int


def compare(before: Sequence[Known], after: Sequence[Known]) -> list[Pair]:
    """Return what became of each scene: first those of the new script, in its order."""
    by_number = {scene.number: place for place, scene in enumerate(before)}
    by_digest: dict[str, list[int]] = {}
    for place, scene in enumerate(before):
        by_digest.setdefault(scene.digest, []).append(place)
    left = set(range(len(before)))
    found: dict[int, Pair] = {}
    # First what is the same in both, so that a moved scene is not taken by a number that was freed.
    for step in (_same, _renumbered, _revised):
        for place, scene in enumerate(after):
            if place not in found:
                match = step(scene, before, by_number, by_digest, left)
                if match is not None:
                    left.discard(match[1])
                    found[place] = Pair(match[0], match[1], place)
    pairs = [found.get(place, Pair(Change.NEW, None, place)) for place in range(len(after))]
    pairs = [_omitted_if(pair, after) for pair in pairs]
    return [*pairs, *(Pair(Change.OMITTED, place, None) for place in sorted(left))]


def _omitted_if(pair: Pair, after: Sequence[Known]) -> Pair:
    gone = pair.after is not None and after[pair.after].omitted and pair.before is not None
    return Pair(Change.OMITTED, pair.before, pair.after) if gone else pair


Found = tuple[Change, int] | None


def _same(
    scene: Known, before: Sequence[Known], by_number: Mapping[str, int],
    _by_digest: Mapping[str, list[int]], left: set[int],
) -> Found:  # fmt: skip
    place = by_number.get(scene.number)
    if place is None or place not in left or before[place].digest != scene.digest:
        return None
    return Change.SAME, place


def _renumbered(
    scene: Known, _before: Sequence[Known], _by_number: Mapping[str, int],
    by_digest: Mapping[str, list[int]], left: set[int],
) -> Found:  # fmt: skip
    places = [place for place in by_digest.get(scene.digest, ()) if place in left]
    # Two scenes of the same words cannot be told apart, so neither is taken for the other.
    return (Change.RENUMBERED, places[0]) if len(places) == 1 else None


def _revised(
    scene: Known, before: Sequence[Known], by_number: Mapping[str, int],
    _by_digest: Mapping[str, list[int]], left: set[int],
) -> Found:  # fmt: skip
    place = by_number.get(scene.number)
    if place is None or place not in left:
        return None
    alike = scene.omitted or likeness(before[place].text, scene.text) >= SAME_SCENE
    return (Change.REVISED, place) if alike else None


def likeness(one: str, other: str) -> float:
    """Return which part of two texts' words they have in common, from 0 to 1."""
    return _common(word_counts(one), word_counts(other))


def _common(one: Counter[str], other: Counter[str]) -> float:
    whole = (one | other).total()
    return (one & other).total() / whole if whole else 1.0


def renamed(
    before: Sequence[Known], after: Sequence[Known], pairs: Iterable[Pair]
) -> list[Renamed]:
    """Propose who is called otherwise now: a name that is gone, and a new one that says its words.

    Only proposals: nobody is renamed by likeness. Each name is proposed once, the likest first.
    """
    said_before, said_after = _said(before), _said(after)
    gone = said_before.keys() - said_after.keys()
    come = said_after.keys() - said_before.keys()
    together: Counter[tuple[str, str]] = Counter()
    scenes: Counter[tuple[str, str]] = Counter()
    for pair in pairs:
        if pair.before is None or pair.after is None:
            continue
        for old in before[pair.before].speakers.keys() & gone:
            for new in after[pair.after].speakers.keys() & come:
                words = before[pair.before].speakers[old], after[pair.after].speakers[new]
                together[old, new] += min(words)
                scenes[old, new] += 1
    proposals = [
        Renamed(old, new, shared / max(said_before[old], said_after[new], 1), scenes[old, new])
        for (old, new), shared in together.items()
    ]
    return _each_once(sorted(proposals, key=lambda one: (-one.alike, one.before, one.after)))


def _each_once(proposals: Iterable[Renamed]) -> list[Renamed]:
    taken: set[tuple[str, str]] = set()
    kept = []
    for one in proposals:
        names = {("before", one.before), ("after", one.after)}
        if one.alike >= SAME_CHARACTER and not names & taken:
            kept.append(one)
            taken |= names
    return kept


def _said(scenes: Iterable[Known]) -> Counter[str]:
    said: Counter[str] = Counter()
    for scene in scenes:
        said.update(scene.speakers)
    return said
