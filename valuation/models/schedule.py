"""Schedule: screenplays with their revisions, scenes and their scores, the cast, where is shot."""

from typing import Any, ClassVar, Self

import pghistory
import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q

from licensing.models import Production
from talent.models import Agency, DigitalTwin, Performer, User
from talent.models.columns import (
    coded,
    country,
    currency,
    has_known_code,
    is_one_line,
    money,
    printed_line,
    tags,
)
from talent.models.consent import APPEND_ONLY
from valuation.words import ScriptFormat, Setting

HIGHEST_SCORE = 10
MOST_MINUTES, MOST_EIGHTHS, MOST_CROWD = 24 * 60, 8 * 40, 100_000
MOST_SECONDS = 6 * 60 * 60

RESONANCE_GUIDE = (
    "From 0 to 10: how much the film loses if nobody feels it. 0 to 3 gets the story on, 4 to 6 "
    "matters to somebody in it, 7 and 8 is a turn of a life, 9 and 10 is what is remembered."
)
FACE_GUIDE = (
    "From 0 to 10: 0 is never seen, 3 far off or from behind, 7 as in most scenes, 10 close and "
    "for long."
)


class ScreenplayQuerySet(models.QuerySet["Screenplay"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(agency__in=Agency.objects.visible_to(user))


@pghistory.track()
class Screenplay(models.Model):
    """A script that an agency takes apart for a production; its files are its revisions."""

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    production = models.ForeignKey(Production, models.PROTECT, related_name="+")
    title = printed_line()
    currency = currency(help_text="Of all day rates and costs of this breakdown.")
    day_minutes = models.PositiveSmallIntegerField(
        "shooting time of a day",
        default=600,
        db_default=600,
        help_text="In minutes, without breaks and travel.",
    )
    eighths_per_day = models.PositiveSmallIntegerField(
        "eighths of a page a day",
        default=40,
        db_default=40,
        help_text="What is shot in a day: 40 are five pages. Scenes without a time of their own "
        "take their part of it.",
    )
    languages = tags(
        verbose_name="languages to localise into",
        default=list,
        blank=True,
        help_text="Such as de, fr-CA. Scenes may differ.",
    )

    objects = ScreenplayQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="screenplay_title_once",
                fields=["agency", "production", "title"],
                violation_error_message="The production has a screenplay of this title.",
            ),
            is_one_line("screenplay_title_is_a_line", "title"),
            models.CheckConstraint(
                name="screenplay_day_is_a_day",
                condition=Q(day_minutes__range=(60, MOST_MINUTES)),
                violation_error_message="A day of shooting has between 60 and 1,440 minutes.",
            ),
            models.CheckConstraint(
                name="screenplay_shoots_some",
                condition=Q(eighths_per_day__range=(1, MOST_EIGHTHS)),
                violation_error_message="Between 1 and 320 eighths are shot in a day.",
            ),
        ]

    def __str__(self) -> str:
        return self.title


class PartOfScreenplayQuerySet(models.QuerySet[Any]):
    """Rows that are seen with their screenplay."""

    def visible_to(self, user: User) -> Self:
        return self.filter(screenplay__in=Screenplay.objects.visible_to(user))


class ScreenplayRevision(models.Model):
    """A file of a screenplay as it was handed in, byte for byte; it is never changed."""

    screenplay = models.ForeignKey(Screenplay, models.PROTECT, related_name="revisions")
    number = models.PositiveSmallIntegerField()
    file_name = models.CharField(max_length=200)
    format = coded(ScriptFormat)
    content = models.BinaryField(editable=False)
    sha256 = models.CharField("SHA-256", max_length=64)
    scenes_same = models.PositiveSmallIntegerField("scenes as before", default=0)
    scenes_changed = models.PositiveSmallIntegerField("scenes changed", default=0)
    scenes_new = models.PositiveSmallIntegerField("new scenes", default=0)
    scenes_omitted = models.PositiveSmallIntegerField("scenes omitted", default=0)
    uploaded_at = models.DateTimeField()
    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    named_by: ClassVar[tuple[str, ...]] = ("screenplay",)

    objects = PartOfScreenplayQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="screenplay_revision_number_once", fields=["screenplay", "number"]
            ),
            models.UniqueConstraint(
                name="screenplay_revision_once",
                fields=["screenplay", "sha256"],
                violation_error_message="The screenplay has a revision of just this content.",
            ),
            has_known_code("screenplay_revision_format_is_known", "format", ScriptFormat),
            is_one_line("screenplay_revision_file_is_a_line", "file_name"),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"{self.screenplay}, revision {self.number}"


@pghistory.track()
class ShootingLocation(models.Model):
    """Where scenes are shot, on how many days it can be had, and what coming there costs."""

    screenplay = models.ForeignKey(Screenplay, models.CASCADE, related_name="locations")
    name = printed_line()
    country = country(blank=True, default="", help_text="Consents and rules look at it.")
    days = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="On how many days it can be had. Empty: as many as needed."
    )
    move = money(
        default=0,
        db_default=0,
        verbose_name="cost of a move",
        help_text="What coming there from another place costs, in the screenplay's currency.",
    )

    objects = PartOfScreenplayQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="shooting_location_once",
                fields=["screenplay", "name"],
                violation_error_message="The screenplay has a location of this name.",
            ),
            is_one_line("shooting_location_name_is_a_line", "name"),
            models.CheckConstraint(
                name="shooting_location_move_costs",
                condition=Q(move__gte=0),
                violation_error_message="A move costs nothing or more.",
            ),
        ]

    def __str__(self) -> str:
        return self.name


@pghistory.track()
class CastMember(models.Model):
    """Who plays characters in person, and what a day of theirs costs."""

    screenplay = models.ForeignKey(Screenplay, models.CASCADE, related_name="cast")
    name = printed_line(help_text="As it stands on call sheets.")
    performer = models.ForeignKey(
        Performer,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Empty: somebody whom the desk does not know.",
    )
    day_rate = money(help_text="For a day of work, in the screenplay's currency.")
    hold_rate = money(
        default=0, db_default=0, help_text="For a day between the first and the last without work."
    )
    travel = money(default=0, db_default=0, help_text="Paid once, when they come at all.")
    minimum_percent = models.DecimalField(
        "least share in person",
        max_digits=5,
        decimal_places=2,
        null=True,
        blank=True,
        help_text="In percent of the shooting time of their scenes, as promised. Empty: none.",
    )

    objects = PartOfScreenplayQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="cast_member_once",
                fields=["screenplay", "name"],
                violation_error_message="The cast has somebody of this name.",
            ),
            is_one_line("cast_member_name_is_a_line", "name"),
            models.CheckConstraint(
                name="cast_member_costs",
                condition=Q(day_rate__gte=0, hold_rate__gte=0, travel__gte=0),
                violation_error_message="Rates are zero or more.",
            ),
            models.CheckConstraint(
                name="cast_member_share_is_a_share",
                condition=Q(minimum_percent=None)
                | Q(minimum_percent__gte=0, minimum_percent__lte=100),
                violation_error_message="A share lies between 0 and 100 percent.",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class AbsenceQuerySet(models.QuerySet["Absence"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(member__screenplay__in=Screenplay.objects.visible_to(user))


@pghistory.track()
class Absence(models.Model):
    """Days on which a member of the cast cannot come, from the first up to the last."""

    member = models.ForeignKey(CastMember, models.CASCADE, related_name="absences")
    from_on = models.DateField("from")
    last_on = models.DateField("up to and with")

    objects = AbsenceQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="absence_ends_after_it_begins",
                condition=Q(last_on__gte=F("from_on")),
                violation_error_message="The last day is not before the first.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.from_on} – {self.last_on}"


@pghistory.track()
class Character(models.Model):
    """A character of a script: who plays them, and which twins may."""

    screenplay = models.ForeignKey(Screenplay, models.CASCADE, related_name="characters")
    name = printed_line()
    player = models.ForeignKey(
        CastMember,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="characters",
        verbose_name="played by",
    )
    twins = models.ManyToManyField(
        DigitalTwin,
        blank=True,
        verbose_name="digital twins",
        related_name="+",
        help_text="Those that may stand in. Whether they may in a scene is asked of the consent.",
    )
    former_names = tags(
        default=list, blank=True, editable=False, help_text="As earlier revisions call them."
    )

    objects = PartOfScreenplayQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="character_once",
                fields=["screenplay", "name"],
                violation_error_message="The screenplay has a character of this name.",
            ),
            is_one_line("character_name_is_a_line", "name"),
        ]

    def __str__(self) -> str:
        return self.name


class SceneQuerySet(models.QuerySet["Scene"]):
    def shot(self) -> Self:
        """Keep what the newest revision has."""
        return self.filter(omitted=False)

    def unscored(self) -> Self:
        """Keep those of whose resonance nobody has said anything."""
        return self.filter(resonance=None, omitted=False)

    def visible_to(self, user: User) -> Self:
        return self.filter(screenplay__in=Screenplay.objects.visible_to(user))


@pghistory.track(exclude=["text"])
class Scene(models.Model):
    """A scene as the newest revision has it, and what people say of it.

    What a person has not said is null; beside it stands what the desk proposes, with what it
    counted. The two are never mixed.
    """

    screenplay = models.ForeignKey(Screenplay, models.PROTECT, related_name="scenes")
    place = models.PositiveSmallIntegerField("place in the script", editable=False)
    number = models.CharField(max_length=20, editable=False)
    heading = models.CharField(max_length=500, editable=False)
    setting = coded(Setting, editable=False)
    set_name = models.CharField("set", max_length=500, editable=False)
    time_of_day = models.CharField(max_length=100, blank=True, editable=False)
    eighths = models.PositiveSmallIntegerField("eighths of a page", editable=False)
    action_words = models.PositiveIntegerField("words of action", editable=False)
    dual_dialogues = models.PositiveSmallIntegerField(default=0, editable=False)
    text = models.TextField(editable=False)
    digest = models.CharField(max_length=64, editable=False)
    marks = models.CharField(
        "marked as revised in", max_length=300, blank=True, default="", editable=False
    )
    omitted = models.BooleanField(default=False, editable=False)
    # The revisions in which it came, was changed last, and was seen last.
    first_in = models.PositiveSmallIntegerField("since revision", editable=False)
    changed_in = models.PositiveSmallIntegerField("changed in revision", editable=False)

    location = models.ForeignKey(
        ShootingLocation, models.SET_NULL, null=True, blank=True, related_name="scenes"
    )
    minutes = models.PositiveSmallIntegerField(
        "shooting time", null=True, blank=True, help_text="In minutes. Empty: by its length."
    )
    stunt = models.BooleanField(null=True, blank=True)
    crowd = models.PositiveIntegerField(
        null=True, blank=True, help_text="How many background performers it needs."
    )
    face_visibility = models.PositiveSmallIntegerField(null=True, blank=True, help_text=FACE_GUIDE)
    resonance = models.PositiveSmallIntegerField(
        "emotional resonance", null=True, blank=True, help_text=RESONANCE_GUIDE
    )
    languages = tags(
        verbose_name="languages to localise into",
        null=True,
        blank=True,
        help_text="Empty: those of the screenplay.",
    )
    scored_at = models.DateTimeField(null=True, editable=False)
    scored_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", editable=False
    )

    proposed_stunt = models.BooleanField(editable=False)
    proposed_crowd = models.PositiveIntegerField(editable=False)
    proposed_face = models.PositiveSmallIntegerField(editable=False)
    proposed_resonance = models.PositiveSmallIntegerField(editable=False)
    # What was counted for each of these, in words.
    because = models.JSONField(default=dict, editable=False)

    objects = SceneQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="scene_number_once",
                fields=["screenplay", "number"],
                condition=Q(omitted=False),
            ),
            has_known_code("scene_setting_is_known", "setting", Setting),
            models.CheckConstraint(
                name="scene_scores_are_scores",
                condition=(Q(resonance=None) | Q(resonance__lte=HIGHEST_SCORE))
                & (Q(face_visibility=None) | Q(face_visibility__lte=HIGHEST_SCORE)),
                violation_error_message="Resonance and face visibility go from 0 to 10.",
            ),
            models.CheckConstraint(
                name="scene_takes_a_time",
                condition=Q(minutes=None) | Q(minutes__range=(1, MOST_MINUTES)),
                violation_error_message="A scene takes between 1 and 1,440 minutes.",
            ),
            models.CheckConstraint(
                name="scene_crowd_fits",
                condition=Q(crowd=None) | Q(crowd__lte=MOST_CROWD),
                violation_error_message="A crowd has at most 100,000 people.",
            ),
            models.CheckConstraint(
                name="scene_scored_by_somebody",
                condition=Q(scored_at=None, scored_by=None)
                | Q(scored_at__isnull=False, scored_by__isnull=False),
            ),
        ]
        indexes = [
            # The board and the loader read a screenplay's scenes in their order.
            models.Index(name="scene_in_order", fields=["screenplay", "place"])
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.heading}"


class ScenePartQuerySet(models.QuerySet[Any]):
    """Rows of a part, which are seen with its scene."""

    def visible_to(self, user: User) -> Self:
        return self.filter(scene__screenplay__in=Screenplay.objects.visible_to(user))


class ScenePart(models.Model):
    """A character in a scene: what they say there, as the newest revision has it."""

    scene = models.ForeignKey(Scene, models.CASCADE, related_name="parts")
    character = models.ForeignKey(Character, models.PROTECT, related_name="parts")
    speeches = models.PositiveSmallIntegerField()
    lines = models.PositiveIntegerField("typed lines")
    words = models.PositiveIntegerField()
    unseen_words = models.PositiveIntegerField("words of the voice only")
    named = models.BooleanField("named by the action")

    named_by: ClassVar[tuple[str, ...]] = ("character",)

    objects = ScenePartQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="scene_part_once", fields=["scene", "character"])
        ]

    def __str__(self) -> str:
        return str(self.character)

    @property
    def is_voice_only(self) -> bool:
        return self.words == self.unseen_words > 0 and not self.named


@pghistory.track()
class PartScore(models.Model):
    """What people say of a part, beside what the script says; revisions leave it as it is."""

    scene = models.ForeignKey(Scene, models.CASCADE, related_name="part_scores")
    character = models.ForeignKey(Character, models.PROTECT, related_name="part_scores")
    scripted = models.BooleanField(
        "says what is written",
        default=True,
        db_default=True,
        help_text="No, where words and acting are found on set: a static replica may not play it.",
    )
    screen_seconds = models.PositiveIntegerField(
        "seconds in the film",
        null=True,
        blank=True,
        help_text="How long they are on. Empty: as long as the scene, a page a minute.",
    )

    named_by: ClassVar[tuple[str, ...]] = ("scene", "character")

    objects = ScenePartQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="part_score_once",
                fields=["scene", "character"],
                violation_error_message="That is said of this character in the scene already.",
            ),
            models.CheckConstraint(
                name="part_score_lasts",
                condition=Q(screen_seconds=None) | Q(screen_seconds__range=(1, MOST_SECONDS)),
                violation_error_message="A part lasts between 1 second and 6 hours.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.character} in {self.scene}"
