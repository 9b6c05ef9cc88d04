"""Filters by what waits for a decision: the desk's tiles count the same rows and link to them."""

from collections.abc import Callable
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _


class Waiting(admin.SimpleListFilter):
    """Leaves what waits: `narrow` is the method of the queryset that finds it."""

    title = _("decision")
    parameter_name = "left"
    label: ClassVar[Any] = ""
    narrow: ClassVar[Callable[[Any], QuerySet]]

    def lookups(self, request, model_admin):
        return [("yes", self.label)]

    def queryset(self, request, queryset):
        return type(self).narrow(queryset) if self.value() == "yes" else queryset
