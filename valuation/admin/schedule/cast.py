"""The cast of a screenplay: who plays whom, what their days cost, which twins may stand in."""

from django.contrib import admin
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from talent.admin.base import DeskAdmin
from talent.admin.columns import amount
from talent.admin.parts import FactInline, PartsInline
from valuation.admin.worth.scenario_items import id_in_address
from valuation.models import Absence, CastMember, Character, ScenePart


class AbsenceInline(PartsInline):
    model = Absence
    fields = ["from_on", "last_on"]
    ordering = ["from_on", "pk"]
    verbose_name_plural = _("days on which they cannot come")


@admin.register(CastMember)
class CastMemberAdmin(DeskAdmin):
    agency_path = "screenplay__agency"
    list_display = ["name", "screenplay", "plays", amount("day_rate", _("a day")),
                    amount("hold_rate", _("a day of waiting")), "minimum_percent"]  # fmt: skip
    list_filter = ["screenplay"]
    list_select_related = ["screenplay"]
    search_fields = ["name", "performer__name", "characters__name"]
    ordering = ["screenplay__title", "name", "pk"]
    autocomplete_fields = ["screenplay", "performer"]
    fieldsets = [
        (None, {"fields": ["screenplay", "name", "performer"]}),
        (_("What they cost"), {"fields": ["day_rate", "hold_rate", "travel"]}),
        (_("What was promised"), {"fields": ["minimum_percent"]}),
    ]
    inlines = [AbsenceInline]
    when_empty = _("Nobody is cast yet. Add who plays in person, with what a day of theirs costs.")

    def get_queryset(self, request):
        """Read with each in which currency they are paid: the screenplay's."""
        rows = super().get_queryset(request).annotate(currency=F("screenplay__currency"))
        return rows.prefetch_related("characters")

    def get_readonly_fields(self, request, obj=None):
        """Leave somebody in the screenplay that they were cast for."""
        return ["screenplay"] if obj else []

    @admin.display(description=_("plays"))
    def plays(self, member):
        return ", ".join(sorted(one.name for one in member.characters.all())) or "–"


class ScenesOfCharacterInline(FactInline):
    model = ScenePart
    fields = readonly_fields = ["in_scene", "speeches", "lines", "words", "unseen_words", "named"]
    ordering = ["scene__place"]
    per_page = 50
    verbose_name_plural = _("scenes")

    def get_queryset(self, request):
        rows = super().get_queryset(request).filter(scene__omitted=False)
        return rows.select_related("scene")

    @admin.display(description=_("scene"))
    def in_scene(self, part):
        return part.scene


@admin.register(Character)
class CharacterAdmin(DeskAdmin):
    """Characters come from the script; here is said who plays them."""

    agency_path = "screenplay__agency"
    list_display = ["name", "screenplay", "player", "stand_ins"]
    list_filter = ["screenplay"]
    list_select_related = ["screenplay", "player"]
    search_fields = ["name", "player__name", "twins__name"]
    ordering = ["screenplay__title", "name", "pk"]
    autocomplete_fields = ["twins"]
    fields = ["screenplay", "name", "once_called", "player", "twins"]
    readonly_fields = ["screenplay", "name", "once_called"]
    inlines = [ScenesOfCharacterInline]

    def get_queryset(self, request):
        return super().get_queryset(request).prefetch_related("twins")

    def has_add_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False

    def _choices(self, db_field, request):
        """Offer who is cast in the same screenplay."""
        rows = super()._choices(db_field, request)
        if db_field.name != "player":
            return rows
        character = id_in_address(request)
        known = Character.objects.filter(pk=character).values("screenplay") if character else []
        return rows.filter(screenplay__in=known).order_by("name", "pk")

    @admin.display(description=_("digital twins"))
    def stand_ins(self, character):
        return ", ".join(sorted(twin.name for twin in character.twins.all())) or "–"

    @admin.display(description=_("once called"))
    def once_called(self, character):
        return ", ".join(character.former_names) or "–"
