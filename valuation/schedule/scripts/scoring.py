"""What people say of scenes, one by one or many at once, each bound to what they saw."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from talent.consent.scope import is_known_language
from talent.errors import Refused
from talent.models import User
from valuation.models import Scene, Screenplay
from valuation.models.schedule import HIGHEST_SCORE, MOST_CROWD, MOST_MINUTES

# What a person may say of a scene.
FIELDS = (
    "resonance", "face_visibility", "stunt", "crowd", "minutes", "location_id", "languages",
)  # fmt: skip
PROPOSED = {
    "resonance": "proposed_resonance", "face_visibility": "proposed_face",
    "stunt": "proposed_stunt", "crowd": "proposed_crowd",
}  # fmt: skip
RANGES = {
    "resonance": (0, HIGHEST_SCORE), "face_visibility": (0, HIGHEST_SCORE),
    "crowd": (0, MOST_CROWD), "minutes": (1, MOST_MINUTES),
}  # fmt: skip
BATCH = 500


class ScoreRefused(Refused):
    """A score is none, or is of a scene that is not the screenplay's."""

    code = "score_refused"


class ScoredMeanwhile(Refused):
    """Somebody else scored a scene since the page was opened."""

    code = "scored_meanwhile"


@dataclass(frozen=True)
class Score:
    """What somebody says of a scene: new values by field, None takes one back.

    `seen` are the values that they saw in these fields.
    """

    scene_id: int
    values: Mapping[str, Any]
    seen: Mapping[str, Any]


@transaction.atomic
def score(*, screenplay_id: int, scores: Iterable[Score], by: User, at: datetime) -> list[Scene]:
    """Keep what somebody says of scenes; return those that changed. All of it is kept, or nothing.

    Raises ScoreRefused and ScoredMeanwhile.
    """
    given = {one.scene_id: one for one in scores}
    scenes = Scene.objects.select_for_update(of=("self",)).filter(
        screenplay=screenplay_id, pk__in=given, omitted=False
    )
    found = {scene.pk: scene for scene in scenes.order_by("pk")}
    if len(found) != len(given):
        raise ScoreRefused("A scene is not in this screenplay, or not any more.")
    locations = _locations(screenplay_id)
    changed = [
        scene for pk, scene in found.items() if _apply(scene, given[pk], locations, by=by, at=at)
    ]
    Scene.objects.bulk_update(changed, [*FIELDS, "scored_at", "scored_by"], batch_size=BATCH)
    return changed


def _apply(scene: Scene, one: Score, locations: frozenset[int], *, by: User, at: datetime) -> bool:
    """Set a scene's new values; tell whether any is another."""
    before = {name: getattr(scene, name) for name in one.values}
    meanwhile = [name for name, value in before.items() if value != one.seen.get(name)]
    if meanwhile and before != one.values:
        raise ScoredMeanwhile(
            f"Scene {scene.number}: somebody changed it meanwhile. Open the page anew."
        )
    for name, value in one.values.items():
        _check(scene.number, name, value, locations)
        setattr(scene, name, value)
    if before == one.values:
        return False
    scene.scored_at, scene.scored_by = at, by
    return True


def _check(number: str, name: str, value: Any, locations: frozenset[int]) -> None:
    if name not in FIELDS:
        raise ScoreRefused(f"Nobody scores “{name}”.")
    if value is None:
        return
    sound = _SOUND.get(name, lambda _value: True)
    if name in RANGES:
        low, high = RANGES[name]
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            label = name.replace("_", " ")
            raise ScoreRefused(f"Scene {number}: {label} goes from {low} to {high}, not {value}.")
    elif not (value in locations if name == "location_id" else sound(value)):
        raise ScoreRefused(f"Scene {number}: “{value}” is not known here.")


_SOUND: dict[str, Callable[[Any], bool]] = {
    "stunt": lambda value: isinstance(value, bool),
    "languages": lambda value: all(map(is_known_language, value)),
}


def _locations(screenplay_id: int) -> frozenset[int]:
    screenplay = Screenplay.objects.get(pk=screenplay_id)
    return frozenset(screenplay.locations.values_list("pk", flat=True))


def proposals_taken(scenes: Iterable[Scene]) -> list[Score]:
    """Return scores that make the desk's proposals somebody's own, where nobody said anything."""
    scores = []
    for scene in scenes:
        open_fields = [name for name in PROPOSED if getattr(scene, name) is None]
        if open_fields:
            values = {name: getattr(scene, PROPOSED[name]) for name in open_fields}
            scores.append(Score(scene.pk, values, dict.fromkeys(open_fields)))
    return scores
