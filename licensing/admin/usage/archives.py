"""Archives: the files that old events lie in. The operator's alone."""

from django.contrib import admin
from django.utils.translation import gettext as _

from licensing.models import EventArchive
from talent.admin.base import FactAdmin
from talent.admin.columns import number


@admin.register(EventArchive)
class EventArchiveAdmin(FactAdmin):
    list_display = ["__str__", number("events"), "leaves", "file", "made_at", "detached_at"]
    ordering = ["-first_id"]
    when_empty = _("No events have left the tables yet. Old ones leave as whole files.")
    fields = ["first_id", "end_id", "first_index", "last_index", "events", "file", "sha256",
              "made_at", "detached_at"]  # fmt: skip

    @admin.display(description=_("leaves"))
    def leaves(self, archive):
        return f"{archive.first_index}–{archive.last_index}"
