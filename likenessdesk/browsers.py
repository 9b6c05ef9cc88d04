"""What browsers are told: what a page may load and run, and when somebody's session ends."""

import time
from collections.abc import Callable
from typing import Any

from csp.constants import UNSAFE_EVAL
from csp.middleware import CSPMiddleware
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import SESSION_KEY, logout
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.middleware.http import ConditionalGetMiddleware
from django.urls import reverse
from django.utils.translation import ngettext
from django_htmx.http import HttpResponseClientRefresh

SEEN = "seen_at"
# Sent by pages that ask for news by themselves: nobody need sit before them.
BY_ITSELF = "Desk-By-Itself"
# So often at most a session is written because somebody is there.
NOTED_EVERY = 60
# By these headers pages differ between readers, and public files never.
OF_READERS = {"cookie", "accept-language"}


class ContentPolicy(CSPMiddleware):
    """Sends the content security policy of settings.py with every answer."""

    def get_policy_parts(
        self, request: HttpRequest, response: HttpResponseBase, *args: Any, **kwargs: Any
    ) -> Any:
        """Let the admin's theme evaluate the expressions that its own pages are written with."""
        parts = super().get_policy_parts(request, response, *args, **kwargs)
        if request.path.startswith(reverse("admin:index")):
            parts.update = {**(parts.update or {}), "script-src": [UNSAFE_EVAL]}
        return parts


class PublicFiles(ConditionalGetMiddleware):
    """Lets caches keep what is for everybody: it has an `ETag`, and nothing of whoever asked."""

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """Take cookies and what varies by them from an answer that says it is public."""
        if "public" not in response.get("Cache-Control", ""):
            return response
        response.cookies.clear()
        varies = [name.strip() for name in response.get("Vary", "").split(",")]
        kept = [name for name in varies if name and name.casefold() not in OF_READERS]
        response.headers.pop("Vary", None)
        if kept:
            response.headers["Vary"] = ", ".join(kept)
        return super().process_response(request, response)


class IdleEnd:
    """Ends a session that nobody has used for a while. Staff's ends sooner."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if SESSION_KEY not in request.session:
            return self.get_response(request)
        now = int(time.time())
        idle = now - request.session.setdefault(SEEN, now)
        minutes = _idle_minutes(request)
        if idle >= minutes * 60:
            logout(request)
            text = ngettext(
                "You were signed out after %d minute without use.",
                "You were signed out after %d minutes without use.",
                minutes,
            )
            messages.info(request, text % minutes)
            # A part of a page has no place for the sign-in: the whole page is asked for again.
            if request.htmx:
                return HttpResponseClientRefresh()
        elif idle >= NOTED_EVERY and BY_ITSELF not in request.headers:
            request.session[SEEN] = now
        return self.get_response(request)


def _idle_minutes(request: HttpRequest) -> int:
    if request.user.is_staff:
        return settings.SESSION_IDLE_MINUTES
    return settings.PORTAL_IDLE_MINUTES
