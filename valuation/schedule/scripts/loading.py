"""A kept screenplay as the plain values that plans are made of, in a fixed number of queries."""

import math
from datetime import timedelta
from decimal import Decimal

from django.db.models import Prefetch

from licensing.wire.names import Prefix, name_of
from talent.models import DigitalTwin
from talent.words import Tier
from valuation.models import CastMember, Character, PartScore, Scene, ScenePart, Screenplay
from valuation.schedule import breakdown
from valuation.schedule.breakdown import Breakdown

# A page of script is a minute of film, so that an eighth is seven seconds and a half.
SECONDS_OF_EIGHTH = Decimal("7.5")


def load(screenplay: Screenplay) -> Breakdown:
    """Return a screenplay taken apart, without omitted scenes. Raises UnsoundBreakdown."""
    parts = ScenePart.objects.select_related("character").order_by("character__name")
    scenes = screenplay.scenes.shot().order_by("place").prefetch_related(
        Prefetch("parts", queryset=parts), "part_scores"
    )  # fmt: skip
    characters = [*screenplay.characters.order_by("pk").prefetch_related("twins")]
    cast = [*screenplay.cast.order_by("pk").prefetch_related("absences")]
    members = {one.performer_id: one.pk for one in cast if one.performer_id}
    twins = {
        twin.pk: _twin(twin, members.get(twin.performer_id) or one.player_id)
        for one in characters
        for twin in one.twins.all()
    }
    return Breakdown(
        currency=screenplay.currency,
        day_minutes=screenplay.day_minutes,
        scenes=tuple(_scene(scene, screenplay) for scene in scenes),
        characters=tuple(map(_character, characters)),
        performers=tuple(map(_performer, cast)),
        twins=tuple(twins.values()),
        locations=tuple(
            breakdown.Location(str(one.pk), one.name, one.days, one.move)
            for one in screenplay.locations.order_by("pk")
        ),
    )


def _scene(scene: Scene, screenplay: Screenplay) -> breakdown.Scene:
    seconds = math.ceil(scene.eighths * SECONDS_OF_EIGHTH)
    faces = _said(scene.face_visibility, scene.proposed_face)
    scored = {one.character_id: one for one in scene.part_scores.all()}
    return breakdown.Scene(
        key=str(scene.pk),
        number=scene.number,
        heading=scene.heading,
        eighths=scene.eighths,
        minutes=scene.minutes or proposed_minutes(scene, screenplay),
        screen_seconds=seconds,
        parts=tuple(_part(part, scored.get(part.character_id), faces, seconds)
                    for part in scene.parts.all()),
        location="" if scene.location_id is None else str(scene.location_id),
        resonance=_said(scene.resonance, scene.proposed_resonance),
        proposed=scene.resonance is None,
        stunt=scene.proposed_stunt if scene.stunt is None else scene.stunt,
        crowd=_said(scene.crowd, scene.proposed_crowd),
        languages=tuple(screenplay.languages if scene.languages is None else scene.languages),
    )  # fmt: skip


def proposed_minutes(scene: Scene, screenplay: Screenplay) -> int:
    """Return the part of a day that a scene takes by its length alone, in minutes."""
    return max(1, round(scene.eighths * screenplay.day_minutes / screenplay.eighths_per_day))


def _said(value: int | None, proposed: int) -> int:
    return proposed if value is None else value


def _part(
    part: ScenePart, score: PartScore | None, face_visibility: int, seconds: int
) -> breakdown.Part:
    """Return a part; a scene that a revision made shorter has no part that lasts longer."""
    said = None if score is None else score.screen_seconds
    return breakdown.Part(
        character=str(part.character_id), speeches=part.speeches, words=part.words,
        face_visibility=0 if part.is_voice_only else face_visibility,
        scripted=score is None or score.scripted,
        screen_seconds=None if said is None else min(said, seconds),
    )  # fmt: skip


def _character(character: Character) -> breakdown.Character:
    return breakdown.Character(
        key=str(character.pk),
        name=character.name,
        performer="" if character.player_id is None else str(character.player_id),
        twins=tuple(sorted(name_of(Prefix.TWIN, twin.pk) for twin in character.twins.all())),
    )


def _performer(member: CastMember) -> breakdown.Performer:
    percent = member.minimum_percent
    return breakdown.Performer(
        key=str(member.pk),
        name=member.name,
        day_rate=member.day_rate,
        hold_rate=member.hold_rate,
        travel=member.travel,
        away=tuple(
            (absence.from_on, absence.last_on + timedelta(days=1))
            for absence in sorted(member.absences.all(), key=lambda one: one.from_on)
        ),
        minimum_share=None if percent is None else percent / 100,
    )


def _twin(twin: DigitalTwin, player_id: int | None) -> breakdown.Twin:
    return breakdown.Twin(
        key=name_of(Prefix.TWIN, twin.pk), name=twin.name, tier=Tier(twin.tier),
        performer="" if player_id is None else str(player_id),
    )  # fmt: skip
