"""What a session has proved: how somebody signed in, whether twice, and how long ago."""

import time

from allauth.account.adapter import get_adapter
from allauth.account.authentication import get_authentication_records
from allauth.account.internal.flows.reauthentication import STATE_SESSION_KEY, suspend_request
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import urlencode

# How long a proof is good for what needs one: money, approvals, keys, overrides.
RECENT_SECONDS = 10 * 60


def has_second_factor(request: HttpRequest) -> bool:
    """Tell whether the session has proved a second factor, here or at a provider that asks one."""
    return any(map(_is_second, get_authentication_records(request, request.user)))


def is_recent(request: HttpRequest) -> bool:
    """Tell whether somebody proved who they are lately, by their second factor if they have one."""
    proofs = get_authentication_records(request, request.user)
    strongest = [proof for proof in proofs if _is_second(proof)] or proofs
    return bool(strongest) and time.time() - strongest[-1]["at"] < RECENT_SECONDS


def step_up(request: HttpRequest) -> HttpResponse | None:
    """Return a redirect that asks for a proof once more, or None if there was one lately.

    Once it is given, a form that was sent goes on from there, and a page is opened again.
    """
    if is_recent(request):
        return None
    if request.method == "POST":
        return suspend_request(request, _way(request))
    return prove_again(request, back=request.get_full_path())


def prove_again(request: HttpRequest, *, back: str) -> HttpResponse:
    """Redirect to the page that asks for the strongest proof that the user has, and then `back`.

    Raises PermissionDenied if they have none left, not even a password.
    """
    # A form that was sent before and never proved is over: it must not go on from this link.
    request.session.pop(STATE_SESSION_KEY, None)
    return redirect(f"{_way(request)}?{urlencode({'next': back})}")


def _way(request: HttpRequest) -> str:
    ways = get_adapter(request).get_reauthentication_methods(request.user)
    if not ways:
        raise PermissionDenied
    return str(ways[0]["url"])


def _is_second(proof: dict) -> bool:
    if proof["method"] == "mfa":
        return True
    asks_twice = {one["id"] for one in settings.OIDC_PROVIDERS if one["second_factor"]}
    return proof["method"] == "socialaccount" and proof.get("provider") in asks_twice
