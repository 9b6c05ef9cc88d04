"""Where somebody is signed in, and how they end it from elsewhere."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from allauth.usersessions.adapter import get_adapter
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db.models import Exists, OuterRef
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

LOOKS_LIKE_ID = re.compile(r"[0-9]{1,18}\Z")
# The first that fits: browsers also name those they descend from.
BROWSERS = [("Edg", "Edge"), ("OPR/", "Opera"), ("Firefox", "Firefox"), ("FxiOS", "Firefox"),
            ("Chrome", "Chrome"), ("CriOS", "Chrome"), ("Safari", "Safari")]  # fmt: skip
SYSTEMS = [("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"),
           ("Mac OS", "macOS"), ("Linux", "Linux")]  # fmt: skip


@dataclass(frozen=True)
class SignedIn:
    """A session of somebody's: since when, from where, and whether it is this one."""

    pk: int
    since: datetime
    address: str
    browser: str
    is_this: bool


def sessions_of(request: HttpRequest) -> list[SignedIn]:
    """Return the reader's sessions that are open, the newest first."""
    return [
        SignedIn(
            pk=session.pk,
            since=session.created_at,
            address=session.ip,
            browser=browser_of(session.user_agent),
            is_this=session.session_key == request.session.session_key,
        )
        for session in _open(request).order_by("-created_at", "-pk")
    ]


def end(request: HttpRequest, *, session: str) -> int:
    """End one of the reader's sessions, or all others if none is named; return how many.

    The session that asks goes on: signing out ends it.
    """
    others = _open(request).exclude(session_key=request.session.session_key)
    if session:
        others = others.filter(pk=int(session)) if LOOKS_LIKE_ID.match(session) else others.none()
    ended = list(others)
    get_adapter().end_sessions(ended)
    return len(ended)


def browser_of(user_agent: str) -> str:
    """Return in words what a browser says of itself, as far as people know it by name."""
    browser = _first(BROWSERS, user_agent)
    system = _first(SYSTEMS, user_agent)
    if browser and system:
        return _("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    return browser or system or _("another program")


def _open(request: HttpRequest):
    stored = Session.objects.filter(
        session_key=OuterRef("session_key"), expire_date__gt=timezone.now()
    )
    return UserSession.objects.filter(Exists(stored), user=request.user)


def _first(names: Iterable[tuple[str, str]], user_agent: str) -> str:
    return next((name for sign, name in names if sign in user_agent), "")
