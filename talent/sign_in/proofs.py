"""What a session has proved: how somebody signed in, whether twice, and how long ago."""

import time

from allauth.account.adapter import get_adapter
from allauth.account.authentication import get_authentication_records
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


def step_up(request: HttpRequest, *, back: str = "") -> HttpResponse | None:
    """Return a redirect that asks for a proof once more, or None if there was one lately.

    Afterwards the reader comes to `back`, by default the same page. What they had typed is not
    sent again by itself: nothing happens that they do not see.
    """
    if is_recent(request):
        return None
    return prove_again(request, back=back or request.get_full_path())


def prove_again(request: HttpRequest, *, back: str) -> HttpResponse:
    """Redirect to the page that asks for the strongest proof that the user has.

    Raises PermissionDenied if they have none left, not even a password.
    """
    ways = get_adapter(request).get_reauthentication_methods(request.user)
    if not ways:
        raise PermissionDenied
    return redirect(f"{ways[0]['url']}?{urlencode({'next': back})}")


def _is_second(proof: dict) -> bool:
    if proof["method"] == "mfa":
        return True
    asks_twice = {one["id"] for one in settings.OIDC_PROVIDERS if one["second_factor"]}
    return proof["method"] == "socialaccount" and proof.get("provider") in asks_twice
