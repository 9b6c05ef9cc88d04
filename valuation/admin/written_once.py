"""Rows that are written once, by whom and when."""

from django.utils import timezone

from talent.admin.base import DeskAdmin


class WrittenOnce(DeskAdmin):
    """Rows that count from a day on: added by a form, never edited; others are another row."""

    agency_path = "agency"
    asks_again = True

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False

    def save_model(self, request, obj, form, change):
        obj.written_by, obj.written_at = request.user, timezone.now()
        super().save_model(request, obj, form, change)
