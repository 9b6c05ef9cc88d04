"""Providers of OpenID Connect in the settings: for whom they speak, how they are asked again."""

import time
from collections.abc import Mapping
from typing import Any

from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode

from talent.models import User

from . import proofs

Provider = dict[str, Any]

# What allauth keeps of who was sent to a provider to be asked again: this, and no new sign-in.
ONCE_MORE = "once more"
# Has it ask again whom it knows already (OpenID Connect Core 1.0, 3.1.2.1), and say when it did.
ASK_ANEW = {"prompt": "login", "max_age": "0"}


def named(name: str) -> Provider:
    """Return a provider's settings by its id there. Raises StopIteration for an unknown one."""
    return next(one for one in settings.OIDC_PROVIDERS if one["id"] == name)


def speaks_for(provider: Provider, email: str) -> bool:
    """Tell whether a mail address lies in a domain of the provider's settings."""
    return email.rpartition("@")[2].lower() in provider["mail_domains"]


def of(user: User) -> list[Provider]:
    """Return the providers through which somebody has come in and still can."""
    if not settings.OIDC_PROVIDERS:
        return []
    linked = set(SocialAccount.objects.filter(user=user).values_list("provider", flat=True))
    known = [one for one in settings.OIDC_PROVIDERS if one["id"] in linked]
    return [one for one in known if speaks_for(one, user.email)]


def has_lost_theirs(user: User) -> bool:
    """Tell whether somebody has been here without a password, and no provider lets them in."""
    return not user.has_usable_password() and user.last_login is not None and not of(user)


def way() -> dict[str, str]:
    """Return how those without password and second factor prove who they are, for allauth."""
    return {"id": "provider", "description": "", "url": reverse("provider_reauthenticate")}


def was_asked_now(auth_time: object) -> bool:
    """Tell whether a provider asked somebody lately: its claim `auth_time`, seconds of Unix time.

    One that does not say when is believed: it was told to ask.
    """
    if auth_time is None:
        return True
    is_time = isinstance(auth_time, int | float) and not isinstance(auth_time, bool)
    return is_time and time.time() - auth_time < proofs.RECENT_SECONDS


def ask_again(request: HttpRequest, state: Mapping[str, Any], text: str) -> HttpResponse:
    """Lead back, to where they were sent from, whom a provider did not prove, and say why."""
    messages.error(request, text)
    return to_page(state.get("next"))


def to_page(back: str | None) -> HttpResponse:
    """Redirect to the page that asks a provider once more, or goes on from what it said."""
    query = f"?{urlencode({'next': back})}" if back else ""
    return redirect(f"{reverse('provider_reauthenticate')}{query}")
