"""Scenes: what the script says of each, what is proposed, and what people say of it."""

from django.contrib import admin
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from talent.admin.base import DeskAdmin
from talent.admin.parts import FactInline, PartsInline
from valuation.admin.worth.scenario_items import id_in_address
from valuation.models import PartScore, Scene, ScenePart
from valuation.schedule.screenplay.writing_back import length_in_words
from valuation.schedule.scripts import scoring

SCORES = ["resonance", "face_visibility", "stunt", "crowd", "minutes", "location", "languages"]


class CharacterInline(FactInline):
    model = ScenePart
    fields = readonly_fields = [
        "character", "speeches", "lines", "words", "unseen_words", "named",
    ]  # fmt: skip
    ordering = ["-words", "pk"]
    verbose_name_plural = _("characters in it")


class PartScoreInline(PartsInline):
    model = PartScore
    fields = ["character", "scripted", "screen_seconds"]
    ordering = ["pk"]
    verbose_name_plural = _("what you say of parts")

    def _choices(self, db_field, request):
        """Offer who is in the scene."""
        rows = super()._choices(db_field, request)
        if db_field.name != "character":
            return rows
        scene = id_in_address(request)
        known = ScenePart.objects.filter(scene=scene).values("character") if scene else []
        return rows.filter(pk__in=known).order_by("name", "pk")


class Scored(admin.SimpleListFilter):
    title = _("resonance")
    parameter_name = "scored"

    def lookups(self, _request, _model_admin):
        return [("no", _("Proposed only")), ("yes", _("Scored by somebody"))]

    def queryset(self, _request, queryset):
        if self.value() == "no":
            return queryset.unscored()
        return queryset.exclude(resonance=None) if self.value() == "yes" else queryset


@admin.register(Scene)
class SceneAdmin(DeskAdmin):
    agency_path = "screenplay__agency"
    list_display = ["number", "heading", "screenplay", "length", "said_resonance", "said_face",
                    "said_stunt", "said_crowd", "location", "omitted"]  # fmt: skip
    list_filter = ["screenplay", Scored, "setting", "omitted"]
    list_select_related = ["screenplay", "location"]
    search_fields = ["number", "heading", "text"]
    ordering = ["screenplay__title", "place", "pk"]
    inlines = [CharacterInline, PartScoreInline]
    fieldsets = [
        (None, {"fields": ["screenplay", "number", "heading", "length", "omitted", "written"]}),
        (_("What you say of it"), {"fields": SCORES}),
        (_("What the desk proposes"), {"fields": ["proposals"], "description": _(
            "Counted from the script by simple signals, and nobody’s score. It counts in a plan "
            "until somebody says otherwise, and is marked there."
        )}),
        (_("Who scored it, and what changed"), {"fields": ["scored_by", "scored_at", "first_in",
                                                          "changed_in", "marks"]}),
    ]  # fmt: skip
    readonly_fields = ["screenplay", "number", "heading", "length", "omitted", "written",
                       "proposals", "scored_by", "scored_at", "first_in", "changed_in",
                       "marks"]  # fmt: skip

    def has_add_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False

    def _choices(self, db_field, request):
        """Offer the places of the scene's own screenplay."""
        rows = super()._choices(db_field, request)
        if db_field.name != "location":
            return rows
        scene = id_in_address(request)
        known = Scene.objects.filter(pk=scene).values("screenplay") if scene else []
        return rows.filter(screenplay__in=known).order_by("name", "pk")

    def save_model(self, request, obj, form, change):
        """Note who said so."""
        if set(form.changed_data) & set(SCORES):
            obj.scored_by, obj.scored_at = request.user, timezone.now()
        super().save_model(request, obj, form, change)

    @admin.display(description=_("length"), ordering="eighths")
    def length(self, scene):
        return length_in_words(scene.eighths)

    @admin.display(description=_("what it says"))
    def written(self, scene):
        lines = scene.text.split("\n")[1:]
        return format_html_join("", '<p class="desk-script">{}</p>', ((line,) for line in lines))

    @admin.display(description=_("proposals"))
    def proposals(self, scene):
        return format_html_join("", "<p>{}</p>", ((told,) for told in proposals_of(scene)))

    @admin.display(description=_("resonance"), ordering="resonance")
    def said_resonance(self, scene):
        return said(scene, "resonance")

    @admin.display(description=_("faces"), ordering="face_visibility")
    def said_face(self, scene):
        return said(scene, "face_visibility")

    @admin.display(description=_("stunt"), ordering="stunt")
    def said_stunt(self, scene):
        return said(scene, "stunt")

    @admin.display(description=_("crowd"), ordering="crowd")
    def said_crowd(self, scene):
        return said(scene, "crowd")


LABELS = {
    "resonance": _("Resonance"), "face_visibility": _("Faces"), "stunt": _("Stunt"),
    "crowd": _("Crowd"),
}  # fmt: skip


def said(scene, name):
    """Return a score, or the proposal that stands in for it, which says that it is one."""
    value = getattr(scene, name)
    if value is not None:
        return written_value(value)
    proposed = written_value(getattr(scene, scoring.PROPOSED[name]))
    return _now("%s proposed") % proposed


def written_value(value):
    if isinstance(value, bool):
        return _now("yes") if value else _now("no")
    return str(value)


def proposals_of(scene):
    """Yield each proposal in words, with what was counted."""
    for name, label in LABELS.items():
        value = written_value(getattr(scene, scoring.PROPOSED[name]))
        because = ", ".join(scene.because.get(name, ())) or _now("nothing was found")
        yield f"{label}: {value} – {because}"
