"""What stands on an item's page below it: reads, grants, clocks, holds, steps."""

from django.contrib import admin
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from talent.models import CustodyGrant, CustodyRead, CustodyStep, LegalHold, RetentionFact

from ..parts import FactInline


class StepInline(FactInline):
    model = CustodyStep
    fields = readonly_fields = ["kind", "at", "by", "note"]
    ordering = ["pk"]
    per_page = 20

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("by")


class GrantInline(FactInline):
    model = CustodyGrant
    fields = readonly_fields = ["asked_by", "purpose", "reason", "starts_at", "ends_at", "how_far"]
    ordering = ["-pk"]
    per_page = 20
    show_change_link = True

    def get_queryset(self, request):
        return super().get_queryset(request).with_state().select_related("asked_by")

    @admin.display(description=_("how far"))
    def how_far(self, grant):
        return grant.state_at(timezone.now()).label


class ReadInline(FactInline):
    model = CustodyRead
    fields = readonly_fields = ["at", "by", "cause", "purpose", "reason", "address", "came_of_it"]
    ordering = ["-pk"]
    per_page = 20

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("by", "end")

    @admin.display(description=_("what came of it"))
    def came_of_it(self, read):
        return came_of(read)


class HoldInline(FactInline):
    model = LegalHold
    fields = readonly_fields = ["kind", "reason", "at", "by"]
    ordering = ["-pk"]
    per_page = 20

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("by")


class RetentionInline(FactInline):
    model = RetentionFact
    fields = readonly_fields = ["starts", "on", "why", "source", "at", "by"]
    ordering = ["-pk"]
    per_page = 20

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("by")


def came_of(read: CustodyRead) -> str:
    """Say how a read ended, and after how much."""
    if not hasattr(read, "end"):
        return _now("Under way, or cut off with its server")
    return f"{read.end.get_ending_display()}: {filesizeformat(read.end.sent)}"
