"""Screenplays: a list, and a page that leads to the board, the cast and the files."""

from django.contrib import admin
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action

from talent.admin.base import DeskAdmin
from talent.admin.parts import FactInline, PartsInline
from talent.admin.tenancy import seats_with
from valuation.models import Screenplay, ScreenplayRevision, ShootingLocation
from valuation.words import ScriptFormat

from . import board, breakdown_files, uploads

ADDS = "valuation.add_screenplay"
CHANGES = "valuation.change_scene"


class LocationInline(PartsInline):
    model = ShootingLocation
    fields = ["name", "country", "days", "move"]
    ordering = ["name", "pk"]
    verbose_name_plural = _("places, with their days")


class RevisionInline(FactInline):
    model = ScreenplayRevision
    fields = readonly_fields = [
        "number", "file", "uploaded_at", "uploaded_by", "scenes_same", "scenes_changed",
        "scenes_new", "scenes_omitted",
    ]  # fmt: skip
    ordering = ["-number"]
    verbose_name_plural = _("revisions")

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("uploaded_by").defer("content")

    @admin.display(description=_("file"))
    def file(self, revision):
        url = reverse("admin:screenplay_file", args=[revision.screenplay_id, revision.number])
        return format_html('<a class="desk-link" href="{}">{}</a>', url, revision.file_name)


@admin.register(Screenplay)
class ScreenplayAdmin(DeskAdmin):
    agency_path = "agency"
    list_display = ["title", "production", "scenes_now", "unscored", "agency"]
    list_filter = ["agency"]
    list_select_related = ["agency", "production"]
    search_fields = ["title", "production__title"]
    ordering = ["title", "pk"]
    actions_list = ["take_in", "export_list", "export_workbook"]
    actions_detail = ["board", "revise", "import_scores", "export_scores"]
    fieldsets = [
        (None, {"fields": ["title", "agency", "production", "currency"]}),
        (_("How it is shot"), {"fields": ["day_minutes", "eighths_per_day", "languages"]}),
    ]
    inlines = [LocationInline, RevisionInline]
    when_empty = _(
        "No screenplay yet. Take one in as Fountain or Final Draft, and it stands here as strips."
    )

    def get_urls(self):
        def view(answer):
            return self.admin_site.admin_view(answer)

        return [
            path("read/<str:digest>/", view(self.read_view), name="screenplay_read"),
            path("<int:pk>/file/<int:number>/", view(self.file_view), name="screenplay_file"),
            *super().get_urls(),
        ]

    def get_queryset(self, request):
        shot = Q(scenes__omitted=False)
        return super().get_queryset(request).annotate(
            scenes_now=Count("scenes", filter=shot),
            unscored=Count("scenes", filter=shot & Q(scenes__resonance=None)),
        )  # fmt: skip

    def get_readonly_fields(self, request, obj=None):
        """Leave a screenplay with its agency and production."""
        return ["agency", "production"]

    def has_add_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False

    def has_take_in_permission(self, request, obj=None):
        return seats_with(request.user, ADDS).exists()

    def has_revise_permission(self, request, obj=None):
        if obj is None:
            return self.has_take_in_permission(request)
        row = obj if isinstance(obj, Screenplay) else self.get_object(request, str(obj))
        return self.has_seat(request, ADDS, row)

    def has_score_permission(self, request, obj=None):
        row = (
            obj
            if obj is None or isinstance(obj, Screenplay)
            else self.get_object(request, str(obj))
        )
        return request.user.has_perm(CHANGES) and self.has_seat(request, CHANGES, row)

    @admin.display(description=_("scenes"), ordering="scenes_now")
    def scenes_now(self, screenplay):
        return screenplay.scenes_now

    @admin.display(description=_("not scored"), ordering="unscored")
    def unscored(self, screenplay):
        return screenplay.unscored

    # Files

    @action(description=_("Take in a screenplay"), permissions=["take_in"], icon="upload_file")
    def take_in(self, request):
        """Read a file, and lead to the page that shows what it says."""
        return uploads.upload(self, request)

    @action(description=_("New revision"), permissions=["revise"], icon="published_with_changes")
    def revise(self, request, object_id):
        """Read a file, and lead to the page that shows what becomes of each scene."""
        return uploads.upload(self, request, self.get_object(request, str(object_id)))

    def read_view(self, request, digest):
        return uploads.read(self, request, digest)

    def file_view(self, request, pk, number):
        """Send a revision as it was handed in."""
        if not self.has_view_permission(request):
            return HttpResponse(status=403)
        screenplay = self.get_object(request, str(pk))
        revision = screenplay.revisions.filter(number=number).first()
        if revision is None:
            return redirect("admin:valuation_screenplay_change", pk)
        ending = "fdx" if revision.format == ScriptFormat.FINAL_DRAFT else "fountain"
        name = f"screenplay-{screenplay.pk}-{number}.{ending}"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return HttpResponse(
            bytes(revision.content), content_type="application/octet-stream", headers=headers
        )

    # Scores

    @action(description=_("Board"), permissions=["view"], icon="view_agenda")
    def board(self, request, object_id):
        """Show the scenes as strips, to be scored many at once."""
        return board.answer(self, request, self.get_object(request, str(object_id)))

    @action(description=_("Import scores"), permissions=["score"], icon="upload")
    def import_scores(self, request, object_id):
        """Read a CSV of scores, show what it changes, and keep it once that is confirmed."""
        return breakdown_files.take_in(self, request, self.get_object(request, str(object_id)))

    @action(description=_("Scores as CSV"), permissions=["view"], icon="download")
    def export_scores(self, request, object_id):
        """Send the scenes with their scores, in the form in which they are imported."""
        return breakdown_files.send(self.get_object(request, str(object_id)))
