"""The admin's site: the theme's, less what that makes for each page and no page of ours shows."""

from functools import partial
from typing import Any

from django.core.paginator import EmptyPage
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.functional import SimpleLazyObject
from unfold.sites import UnfoldAdminSite

from .navigation import navigation

LONGEST_PAGE = 6  # digits


class DeskSite(UnfoldAdminSite):
    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> Any:
        """Return the list of apps, made when it is read: only the page of an app reads it."""
        return SimpleLazyObject(partial(super().get_app_list, request, app_label))

    def get_sidebar_list(self, request: HttpRequest) -> list[dict[str, Any]]:
        return navigation(request)

    def search(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        """Answer the search of the theme; a page that it does not have is not found."""
        page = request.GET.get("page", "1")
        if not (page.isascii() and page.isdecimal()) or len(page) > LONGEST_PAGE:
            raise Http404
        try:
            return super().search(request, extra_context)
        except EmptyPage:
            raise Http404 from None
