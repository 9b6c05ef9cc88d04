"""What a session has proved: how somebody signed in, whether twice, and how long ago."""

import time
from dataclasses import dataclass

from allauth.account.adapter import get_adapter
from allauth.account.authentication import get_authentication_records
from django.conf import settings
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode

# How long a proof is good for what needs one: money, approvals, keys, overrides.
RECENT_SECONDS = 10 * 60
# Where a session keeps a form that was sent and waits for a proof.
KEPT = "sent_before_proof"


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

    Once it is given, a form that was sent goes on from a page of its own to the address that it was
    sent to, so that what answers stands there; and a page is opened again.
    """
    if is_recent(request):
        return None
    if request.method != "POST":
        return prove_again(request, back=request.get_full_path())
    request.session[KEPT] = {"to": request.get_full_path(), "sent": request.POST.urlencode()}
    return _ask(request, back=f"{reverse('go_on')}?{urlencode({'next': request.path})}")


def prove_again(request: HttpRequest, *, back: str) -> HttpResponse:
    """Redirect to the page that asks for the strongest proof that the user has, and then `back`."""
    # A form that was sent before and never proved is over: it must not go on from this link.
    request.session.pop(KEPT, None)
    return _ask(request, back=back)


@dataclass(frozen=True)
class Kept:
    """A form that was sent and waits for a proof: where it goes, and what was typed into it."""

    address: str
    fields: list[tuple[str, str]]


def kept(request: HttpRequest) -> Kept | None:
    """Return what was sent and waits, and keep it no longer; None: nothing waits."""
    waiting = request.session.pop(KEPT, None)
    if waiting is None:
        return None
    fields = [
        (name, value)
        for name, values in QueryDict(waiting["sent"]).lists()
        if name != "csrfmiddlewaretoken"
        for value in values
    ]
    return Kept(address=waiting["to"], fields=fields)


def _ask(request: HttpRequest, *, back: str) -> HttpResponse:
    """Redirect to the page that asks for the strongest proof that the user has, and then `back`."""
    way = get_adapter(request).get_reauthentication_methods(request.user)[0]["url"]
    return redirect(f"{way}?{urlencode({'next': back})}")


def _is_second(proof: dict) -> bool:
    if proof["method"] == "mfa":
        return True
    asks_twice = {one["id"] for one in settings.OIDC_PROVIDERS if one["second_factor"]}
    return proof["method"] == "socialaccount" and proof.get("provider") in asks_twice
