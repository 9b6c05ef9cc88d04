"""Filters of lists: what is no filter is answered as Django does, never with a failure."""

from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ERROR_FLAG
from django.http import HttpRequest
from django.shortcuts import redirect


def holds_nul(request: HttpRequest) -> bool:
    """Tell whether an address holds NUL, which no text of PostgreSQL does."""
    return "%00" in request.META.get("QUERY_STRING", "")


class AnswersAnyFilter:
    """A list that answers a filter with NUL as Django does any other filter that is none."""

    def changelist_view(self, request, extra_context=None):
        if holds_nul(request):
            return redirect(f"{request.path}?{ERROR_FLAG}=1")
        return super().changelist_view(request, extra_context)

    def get_changelist_instance(self, request):
        """Raises IncorrectLookupParameters, too, for a number that no year of a calendar has."""
        try:
            return super().get_changelist_instance(request)
        except OverflowError as too_far:
            raise IncorrectLookupParameters from too_far

    def get_search_results(self, request, queryset, search_term):
        """Find nothing by NUL, in the choices of a form neither."""
        if "\0" in search_term:
            return queryset.none(), False
        return super().get_search_results(request, queryset, search_term)
