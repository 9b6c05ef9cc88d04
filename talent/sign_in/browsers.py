"""Browsers that an account knows: a signed cookie says who signed in there before.

What strangers try must not keep anybody out: a known browser's tries are counted by themselves
(talent/accounts/tries.py). The cookie opens nothing.
"""

import hashlib
import secrets

from django.conf import settings
from django.core.signing import BadSignature
from django.http import HttpRequest, HttpResponse

COOKIE = "known_browser"
SALT = "talent.sign_in.browsers"
KEPT = 180 * 24 * 60 * 60
ACCOUNTS = 5


def name_for(request: HttpRequest, email: str) -> str:
    """Return what an account calls this browser; empty if it does not know it."""
    return _accounts(request).get(_digest(email), "")


def remember(request: HttpRequest, response: HttpResponse, email: str) -> None:
    """Make the browser known to an account that has just proved itself there."""
    accounts = _accounts(request)
    name = accounts.pop(_digest(email), "") or secrets.token_urlsafe(12)
    newest = {_digest(email): name, **accounts}
    kept = dict(list(newest.items())[:ACCOUNTS])
    response.set_signed_cookie(
        COOKIE,
        ".".join(f"{account}:{one}" for account, one in kept.items()),
        salt=SALT,
        max_age=KEPT,
        httponly=True,
        secure=settings.SESSION_COOKIE_SECURE,
        samesite="Lax",
    )


def _accounts(request: HttpRequest) -> dict[str, str]:
    try:
        told = request.get_signed_cookie(COOKIE, "", salt=SALT, max_age=KEPT)
    except BadSignature:
        return {}
    pairs = (part.partition(":") for part in told.split(".") if part)
    return {account: name for account, _sep, name in pairs}


def _digest(email: str) -> str:
    return hashlib.sha256(email.strip().lower().encode()).hexdigest()[:32]
