"""Price indexes and their figures, which the operator enters for every agency's escalators."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from licensing.models import IndexFigure, PriceIndex
from talent.admin.base import DeskAdmin
from talent.admin.parts import PartsInline


class IndexFigureInline(PartsInline):
    model = IndexFigure
    ordering = ["-month_on"]
    per_page = 36


@admin.register(PriceIndex)
class PriceIndexAdmin(DeskAdmin):
    list_display = ["name", "source"]
    search_fields = ["name", "source"]
    ordering = ["name"]
    inlines = [IndexFigureInline]
    # A figure prices periods anew, also those that were paid.
    asks_again = True
    when_empty = _("No rate card follows an index yet. The operator enters them.")
