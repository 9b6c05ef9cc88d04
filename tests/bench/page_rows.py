"""P14: a page in the middle of all events, by the key of the row before it and by OFFSET.

P20: every list of the admin and a page of a thing from each, against an empty page of the theme.
"""

from collections.abc import Iterator
from statistics import median
from typing import NamedTuple

from django.contrib import admin
from django.contrib.messages.storage.fallback import FallbackStorage
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.test import RequestFactory
from django.urls import resolve, reverse

from licensing.models import UsageEvent
from licensing.usage import feed
from talent.models import User
from tests.bench.harness import Row, at_most, in_turn, seconds

APPS = {"talent", "licensing", "valuation"}


def deep_page(events: int) -> Row:
    """Read the page that half of all events come before, as people page through a list."""
    listed = UsageEvent.objects.order_by("-id")
    deep = events // 2
    before = listed.values_list("pk", flat=True)[deep]

    def by_key() -> None:
        found, _next = feed.page_of_rows(listed, before)
        assert len(found) == feed.ROWS_ON_A_PAGE

    def by_offset() -> None:
        assert len(feed.rows_of(listed[deep : deep + feed.ROWS_ON_A_PAGE])) == feed.ROWS_ON_A_PAGE

    by_key(), by_offset()
    ours, offset = in_turn(lambda: seconds(by_key), lambda: seconds(by_offset))
    return at_most(f"P14 a page {deep:,} events deep, by OFFSET", 0.05, ours, offset)


class PageTimes(NamedTuple):
    """Medians in seconds, each page and the empty one measured in turn."""

    pages: float
    empty: float


def every_page(events: int, with_few_events: PageTimes | None) -> Iterator[Row]:
    """Compare the pages with an empty one, and with themselves at a tenth of the events."""
    now, then = page_times(), with_few_events
    yield at_most(f"P20 a page at {events:,} events, by an empty one", 3, now.pages, now.empty)
    if then:
        # The two were measured minutes apart: what the empty page took tells how busy it was.
        few = then.pages * now.empty / then.empty
        yield at_most(f"P20 a page at {events:,} events, by a tenth", 1.2, now.pages, few)


def page_times() -> PageTimes:
    """Measure each list and a page of a thing, opened a second time."""
    empty_view = admin.site.admin_view(empty_page)
    pages, empty = [], []
    for url in admin_urls():
        view, args, kwargs = resolve(url)
        request = request_of_operator(url)

        def open_page(view=view, request=request, args=args, kwargs=kwargs) -> None:
            response = view(request, *args, **kwargs)
            assert response.status_code == 200, request.path
            response.render()

        open_page()
        pages.append(seconds(open_page))
        empty.append(seconds(lambda request=request: empty_view(request).render()))
    return PageTimes(median(pages), median(empty))


def admin_urls() -> Iterator[str]:
    for model in admin.site._registry:
        if model._meta.app_label in APPS:
            name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
            yield reverse(f"{name}_changelist")
            if row := model._default_manager.order_by("-pk").first():
                yield reverse(f"{name}_change", args=[row.pk])


def empty_page(request: HttpRequest) -> TemplateResponse:
    return TemplateResponse(request, "admin/base_site.html", admin.site.each_context(request))


def request_of_operator(url: str) -> HttpRequest:
    request = RequestFactory().get(url)
    request.user, _made = User.objects.get_or_create(
        email="pages@example.com", is_staff=True, is_superuser=True
    )
    request.session = SessionStore()
    request._messages = FallbackStorage(request)
    return request
