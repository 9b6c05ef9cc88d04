"""What runs on this database, and what this database is: for the operator, read-only."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from django_celery_results.admin import GroupResultAdmin, TaskResultAdmin
from django_celery_results.models import GroupResult, TaskResult

from talent.models import HeldLock, Installation

from .base import FactAdmin
from .filters import AnswersAnyFilter


@admin.register(HeldLock)
class HeldLockAdmin(FactAdmin):
    list_display = ["name", "holder", "taken_at", "ends_at"]
    search_fields = ["name", "holder"]
    ordering = ["-taken_at"]
    when_empty = _("Nothing runs that only one process may do at a time.")


@admin.register(Installation)
class InstallationAdmin(FactAdmin):
    list_display = ["reason", "noted_at", "system_identifier", "database_oid"]
    list_filter = ["reason"]
    ordering = ["-pk"]
    exclude = ["sealed_text"]
    when_empty = _("The desk notes at its first start where its database lives.")


# Importing their admin has registered both.
admin.site.unregister([TaskResult, GroupResult])


@admin.register(TaskResult)
class JobAdmin(AnswersAnyFilter, TaskResultAdmin):
    """What came of background jobs, as Celery keeps it."""


@admin.register(GroupResult)
class GroupOfJobsAdmin(AnswersAnyFilter, GroupResultAdmin):
    """The same for jobs that were started together."""
