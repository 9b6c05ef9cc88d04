"""A file becomes a screenplay's revision: looked at first, then kept with the scenes it says."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from talent.errors import Refused
from talent.models import User
from talent.plain_text import as_line, is_line
from valuation.models import (
    Character,
    Scene,
    ScenePart,
    Screenplay,
    ScreenplayRevision,
    ShootingLocation,
)
from valuation.schedule.screenplay import reading, revisions, signals
from valuation.schedule.screenplay.revisions import Change, Known, Pair, Renamed
from valuation.schedule.screenplay.script import NotAScreenplay, Script
from valuation.schedule.screenplay.script import Scene as ReadScene
from valuation.words import ScriptFormat

LONGEST_NAME, LONGEST_NUMBER, LONGEST_HEADING = 200, 20, 500
BATCH = 500


class RevisionKnown(Refused):
    """The screenplay has this very file already."""

    code = "revision_known"


class NotAsSeen(Refused):
    """Somebody revised the screenplay since the page was opened."""

    code = "not_as_seen"


@dataclass(frozen=True)
class Outlook:
    """What taking a file in would do: the script read, what becomes of each scene, who may be whom.

    `seen` is a digest of it and of what it stands on.
    """

    script: Script
    pairs: tuple[Pair, ...]
    before: tuple[Scene, ...]
    renamed: tuple[Renamed, ...]
    seen: str

    def count(self, *changes: Change) -> int:
        return sum(pair.change in changes for pair in self.pairs)


def content_digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def format_of(content: bytes) -> ScriptFormat:
    text, _encoding, _skipped = reading.decoded(content)
    is_draft = reading.is_final_draft(text)
    return ScriptFormat.FINAL_DRAFT if is_draft else ScriptFormat.FOUNTAIN


def look(content: bytes, screenplay: Screenplay | None = None) -> Outlook:
    """Return what taking a file in would do; nothing is written.

    Raises NotAScreenplay and RevisionKnown.
    """
    script = reading.read(content)
    _refuse_too_long(script)
    digest = content_digest(content)
    if screenplay is None:
        before: tuple[Scene, ...] = ()
        newest = 0
    else:
        _refuse_known(screenplay, digest)
        # Those that were omitted come first, so that a number means the scene that has it now.
        before = tuple(screenplay.scenes.order_by("-omitted", "place"))
        newest = _newest(screenplay)
    known = _known_before(before)
    after = _known_after(script)
    pairs = [pair for pair in revisions.compare(known, after) if not _was_omitted(pair, before)]
    return Outlook(
        script=script, pairs=tuple(pairs), before=before,
        renamed=tuple(revisions.renamed(known, after, pairs)) if before else (),
        seen=hashlib.sha256(f"{digest} {newest}".encode()).hexdigest(),
    )  # fmt: skip


def _was_omitted(pair: Pair, before: Sequence[Scene]) -> bool:
    """Tell whether a scene is gone that was gone before."""
    return pair.after is None and pair.before is not None and before[pair.before].omitted


@transaction.atomic
def begin(
    *, agency_id: int, production_id: int, title: str, currency: str, content: bytes,
    file_name: str, by: User, at: datetime,
) -> Screenplay:  # fmt: skip
    """Keep a new screenplay with its first revision. Raises NotAScreenplay."""
    outlook = look(content)
    screenplay = Screenplay.objects.create(
        agency_id=agency_id, production_id=production_id, title=title, currency=currency
    )
    _keep(screenplay, outlook, content, file_name, {}, by, at)
    return screenplay


@transaction.atomic
def revise(
    *, screenplay_id: int, content: bytes, file_name: str, seen: str, renames: Mapping[str, str],
    by: User, at: datetime,
) -> ScreenplayRevision:  # fmt: skip
    """Keep another revision: scenes that stayed keep what people said of them, others come and go.

    `renames` are the names of characters by those that they have now, as somebody confirmed them.
    Raises NotAScreenplay, RevisionKnown and NotAsSeen.
    """
    # Locked, so that two revisions cannot both be compared with the one before.
    screenplay = Screenplay.objects.select_for_update().get(pk=screenplay_id)
    outlook = look(content, screenplay)
    if outlook.seen != seen:
        raise NotAsSeen("Somebody revised this screenplay meanwhile. Look at the file again.")
    return _keep(screenplay, outlook, content, file_name, renames, by, at)


def _keep(
    screenplay: Screenplay, outlook: Outlook, content: bytes, file_name: str,
    renames: Mapping[str, str], by: User, at: datetime,
) -> ScreenplayRevision:  # fmt: skip
    number = _newest(screenplay) + 1
    revision = ScreenplayRevision.objects.create(
        screenplay=screenplay, number=number, file_name=as_line(file_name)[-LONGEST_NAME:],
        format=format_of(content).value, content=content, sha256=content_digest(content),
        scenes_same=outlook.count(Change.SAME, Change.RENUMBERED),
        scenes_changed=outlook.count(Change.REVISED), scenes_new=outlook.count(Change.NEW),
        scenes_omitted=outlook.count(Change.OMITTED), uploaded_at=at, uploaded_by=by,
    )  # fmt: skip
    _rename(screenplay, outlook, renames)
    scenes = _write_scenes(screenplay, outlook, number)
    _write_parts(screenplay, scenes, outlook.script)
    return revision


def _write_scenes(screenplay: Screenplay, outlook: Outlook, number: int) -> list[Scene]:
    """Write the scenes of a revision; return them in its order."""
    locations = _locations(screenplay, outlook.script)
    scenes: list[Scene] = []
    gone, kept, new = [], [], []
    for pair in outlook.pairs:
        if pair.after is None:
            scene = outlook.before[pair.before or 0]
            scene.omitted = True
            gone.append(scene)
            continue
        read = outlook.script.scenes[pair.after]
        if pair.before is None:
            location = None if read.omitted else locations[_location_name(read)]
            scene = Scene(screenplay=screenplay, location=location, first_in=number)
            new.append(scene)
        else:
            scene = outlook.before[pair.before]
            kept.append(scene)
        _fill(scene, read, pair.after, number)
        scenes.append(scene)
    # Numbers that change places are freed first: each stands once at any time.
    freed = [scene for scene in kept if scene.number in _taken_by_others(kept)]
    wanted = {scene.pk: scene.number for scene in freed}
    for scene in freed:
        scene.number = f"~{scene.pk}"
    Scene.objects.bulk_update([*gone, *freed], ["omitted", "number"], batch_size=BATCH)
    for scene in freed:
        scene.number = wanted[scene.pk]
    Scene.objects.bulk_update(kept, [*_READ, "number"], batch_size=BATCH)
    Scene.objects.bulk_create(new, batch_size=BATCH)
    return scenes


def _taken_by_others(kept: Iterable[Scene]) -> set[str]:
    """Return the numbers that scenes are to have while another has them still."""
    numbers = {scene.pk: scene.number for scene in kept}
    rows = Scene.objects.filter(pk__in=numbers).values_list("pk", "number")
    moved = {pk for pk, number in rows if numbers[pk] != number}
    return {numbers[pk] for pk in moved}


_READ = [
    "place", "heading", "setting", "set_name", "time_of_day", "eighths", "action_words",
    "dual_dialogues", "text", "digest", "marks", "omitted", "changed_in", "proposed_stunt",
    "proposed_crowd", "proposed_face", "proposed_resonance", "because",
]  # fmt: skip


def _fill(scene: Scene, read: ReadScene, place: int, revision: int) -> None:
    """Give a scene what the script says of it, and what is proposed; no score is touched."""
    scene.place, scene.number, scene.omitted = place, read.number, read.omitted
    if read.omitted and scene.pk:
        return  # What it said is kept, for a revision that has it again.
    proposed = signals.proposals_of(read)
    if scene.digest != read.digest:
        scene.changed_in = revision
    scene.heading = read.heading
    scene.setting, scene.set_name = read.setting.value, read.place
    scene.time_of_day, scene.eighths = read.time_of_day, read.eighths
    scene.action_words, scene.dual_dialogues = read.action_words, read.dual_dialogues
    scene.text, scene.digest = read.text, read.digest
    scene.marks = ", ".join(read.revised_in)[:300]
    scene.proposed_stunt = bool(proposed.stunt.value)
    scene.proposed_crowd = proposed.crowd.value
    scene.proposed_face = proposed.face_visibility.value
    scene.proposed_resonance = proposed.resonance.value
    scene.because = {
        "resonance": proposed.resonance.because, "stunt": proposed.stunt.because,
        "crowd": proposed.crowd.because, "face_visibility": proposed.face_visibility.because,
    }  # fmt: skip


def _locations(screenplay: Screenplay, script: Script) -> dict[str, ShootingLocation]:
    """Return the locations that scenes are proposed to be shot at, by name; missing ones are added.

    A set “HOUSE - HALL” is proposed to be shot where the rest of the house is.
    """
    wanted = {_location_name(scene) for scene in script.scenes}
    known = {one.name: one for one in screenplay.locations.all()}
    missing = [
        ShootingLocation(screenplay=screenplay, name=name) for name in sorted(wanted - set(known))
    ]
    for one in ShootingLocation.objects.bulk_create(missing):
        known[one.name] = one
    return known


def _location_name(scene: ReadScene) -> str:
    return (scene.place.partition(" - ")[0].strip() or scene.heading)[:LONGEST_NAME]


def _rename(screenplay: Screenplay, outlook: Outlook, renames: Mapping[str, str]) -> None:
    """Rename characters as somebody confirmed it, of those that were proposed."""
    proposed = {(one.before, one.after) for one in outlook.renamed}
    for before, after in renames.items():
        if (before, after) not in proposed:
            raise NotAsSeen(f"It was not proposed that {before} is {after} now.")
        character = screenplay.characters.get(name=before)
        character.name = after
        character.former_names = [*character.former_names, before]
        character.save(update_fields=["name", "former_names"])


def _write_parts(screenplay: Screenplay, scenes: Sequence[Scene], script: Script) -> None:
    """Write who is in each scene, anew: it is what the script says and nothing else."""
    known = {one.name: one for one in screenplay.characters.all()}
    missing = [
        Character(screenplay=screenplay, name=name)
        for name in script.characters
        if name not in known
    ]
    for one in Character.objects.bulk_create(missing):
        known[one.name] = one
    ScenePart.objects.filter(scene__screenplay=screenplay).delete()
    ScenePart.objects.bulk_create(
        [
            ScenePart(
                scene=scene, character=known[said.name], speeches=said.speeches, lines=said.lines,
                words=said.words, unseen_words=said.unseen_words, named=said.named,
            )
            for scene, read in zip(scenes, script.scenes, strict=True)
            for said in read.speakers
        ],
        batch_size=BATCH,
    )  # fmt: skip


def _known_before(scenes: Sequence[Scene]) -> list[Known]:
    spoken: dict[int, dict[str, int]] = {scene.pk: {} for scene in scenes}
    parts = ScenePart.objects.filter(scene__in=spoken, speeches__gt=0)
    for scene_id, name, words in parts.values_list("scene", "character__name", "words"):
        spoken[scene_id][name] = words
    return [
        Known(scene.number, scene.digest, scene.text, spoken[scene.pk], scene.omitted)
        for scene in scenes
    ]


def _known_after(script: Script) -> list[Known]:
    return [
        Known(
            scene.number, scene.digest, scene.text,
            {said.name: said.words for said in scene.speakers if said.speeches}, scene.omitted,
        )
        for scene in script.scenes
    ]  # fmt: skip


def _newest(screenplay: Screenplay) -> int:
    newest = screenplay.revisions.order_by("-number").values_list("number", flat=True).first()
    return newest or 0


def _refuse_known(screenplay: Screenplay, digest: str) -> None:
    known = screenplay.revisions.filter(sha256=digest).values_list("number", flat=True).first()
    if known:
        raise RevisionKnown(f"This file is revision {known} of the screenplay already.")


def _refuse_too_long(script: Script) -> None:
    """Refuse what no column holds, and names that no page could show as one line."""
    for scene in script.scenes:
        if len(scene.number) > LONGEST_NUMBER:
            raise NotAScreenplay(f"a scene number has at most {LONGEST_NUMBER} signs.", scene.line)
        if len(scene.heading) > LONGEST_HEADING:
            raise NotAScreenplay(f"a heading has at most {LONGEST_HEADING} signs.", scene.line)
        for said in scene.speakers:
            if len(said.name) > LONGEST_NAME or not is_line(said.name):
                raise NotAScreenplay("a cue is no name of a character.", scene.line)
