"""A script taken apart: its scenes, who is in each, who plays them, and where it is shot.

What the screenplay and the staff's scores say, as plain values that the solvers read. Rows of the
database are loaded into them; a plan keeps them, so that it is solved again as it was.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from talent.errors import Refused
from talent.words import Tier

MOST_SCENES = 1_000
HIGHEST_SCORE = 10


class UnsoundBreakdown(Refused):
    """A breakdown cannot be planned; the text says which row, and why."""

    code = "unsound_breakdown"


@dataclass(frozen=True, slots=True)
class Performer:
    """Who plays characters in person.

    Rates are money per shooting day in the breakdown's currency: `day_rate` for a day on which they
    work, `hold_rate` for one between their first and their last on which they do not. `travel` is
    paid once, when they come at all. `away` are stretches [from, to) on which they cannot come.
    `minimum_share` is the least part of the shooting time of their scenes, from 0 to 1, that
    they play in person; None: nobody promised one.
    """

    key: str
    name: str
    day_rate: Decimal
    hold_rate: Decimal
    travel: Decimal = Decimal(0)
    away: tuple[tuple[date, date], ...] = ()
    minimum_share: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Twin:
    """A digital twin that may stand in for a performer; `key` is its number (T7)."""

    key: str
    name: str
    tier: Tier
    performer: str


@dataclass(frozen=True, slots=True)
class Character:
    """A character of the script, under the key of who plays it; "" while nobody does."""

    key: str
    name: str
    performer: str = ""
    twins: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """A character in a scene: speeches and words of theirs there.

    `scripted` is no where what they say is found on set; `face_visibility` goes from 0 (never
    seen) to 10 (close up). `screen_seconds` is how long they are on in the finished film; None: as
    long as the scene.
    """

    character: str
    speeches: int = 0
    words: int = 0
    scripted: bool = True
    face_visibility: int = HIGHEST_SCORE
    screen_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class Location:
    """Where scenes are shot. `days` is how many it can be had, None: as many as are needed.

    `move` is what it costs to come there from another one, in the breakdown's currency.
    """

    key: str
    name: str
    days: int | None = None
    move: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Scene:
    """A strip: `number` as the script prints it, `key` its own in the breakdown.

    `eighths` are eighths of a page, `minutes` the shooting time it takes on set, `screen_seconds`
    what it lasts in the film. `resonance` goes from 0 to 10; `proposed` says that the desk counted
    it and nobody has confirmed it. `crowd` is how many background performers it needs, `languages`
    (BCP 47) what it is localised into.
    """

    key: str
    number: str
    heading: str
    eighths: int
    minutes: int
    screen_seconds: int
    parts: tuple[Part, ...] = ()
    location: str = ""
    resonance: int = 0
    proposed: bool = True
    stunt: bool = False
    crowd: int = 0
    languages: tuple[str, ...] = ()


def seconds_of(scene: Scene, part: Part) -> int:
    """Return the seconds of the finished film that a part has."""
    return scene.screen_seconds if part.screen_seconds is None else part.screen_seconds


@dataclass(frozen=True, slots=True)
class Breakdown:
    """All scenes of a script with their cast, in the script's order.

    `day_minutes` is the shooting time of one day. All money is in `currency`.
    """

    currency: str
    day_minutes: int
    scenes: tuple[Scene, ...]
    characters: tuple[Character, ...] = ()
    performers: tuple[Performer, ...] = ()
    twins: tuple[Twin, ...] = ()
    locations: tuple[Location, ...] = ()

    def __post_init__(self) -> None:
        _refuse_size(self)
        names = {
            "scene": _keys("scene", self.scenes),
            "character": _keys("character", self.characters),
            "performer": _keys("performer", self.performers),
            "twin": _keys("twin", self.twins),
            "location": _keys("location", self.locations) | {""},
        }
        for scene in self.scenes:
            _check_scene(scene, self.day_minutes, names)
        for character in self.characters:
            _known(character.name, "performer", character.performer, names["performer"] | {""})
            for twin in character.twins:
                _known(character.name, "twin", twin, names["twin"])


def _refuse_size(breakdown: Breakdown) -> None:
    if not breakdown.scenes:
        raise UnsoundBreakdown("The breakdown has no scene, so there is nothing to plan.")
    if len(breakdown.scenes) > MOST_SCENES:
        raise UnsoundBreakdown(f"A breakdown has at most {MOST_SCENES} scenes.")
    if breakdown.day_minutes <= 0:
        raise UnsoundBreakdown("A shooting day has at least one minute.")


def _keys(
    kind: str, rows: Iterable[Scene | Character | Performer | Twin | Location]
) -> frozenset[str]:
    keys: set[str] = set()
    for row in rows:
        if row.key in keys:
            raise UnsoundBreakdown(f"The {kind} {row.key} stands in the breakdown twice.")
        keys.add(row.key)
    return frozenset(keys)


def _check_scene(scene: Scene, day_minutes: int, names: dict[str, frozenset[str]]) -> None:
    label = f"Scene {scene.number}"
    _known(label, "location", scene.location, names["location"])
    if not 0 < scene.minutes <= day_minutes:
        raise UnsoundBreakdown(
            f"{label} takes {scene.minutes} minutes; it must take some, and fit a day of"
            f" {day_minutes}. Part a longer scene."
        )
    if not 0 <= scene.resonance <= HIGHEST_SCORE:
        raise UnsoundBreakdown(f"{label} has a resonance of {scene.resonance}, out of 0 to 10.")
    seen: set[str] = set()
    for part in scene.parts:
        _known(label, "character", part.character, names["character"])
        if part.character in seen:
            raise UnsoundBreakdown(f"{label} names the character {part.character} twice.")
        seen.add(part.character)


def _known(label: str, kind: str, key: str, keys: frozenset[str]) -> None:
    if key not in keys:
        raise UnsoundBreakdown(f"{label} names the {kind} {key}, which is not in the breakdown.")
