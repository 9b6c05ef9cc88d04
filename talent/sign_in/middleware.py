"""Lets nobody further who must prove themselves twice and has not."""

from collections.abc import Callable

from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from talent.accounts import second_factor

from . import proofs, urls

# Where somebody may go meanwhile: to prove it, to set it up, and out again.
OPEN = {pattern.name for pattern in urls.urlpatterns} | {
    "admin:login",
    "admin:logout",
    "jwks",
    "mfa_index",
    "mfa_list_webauthn",
}


class SecondFactorMiddleware:
    """Sends those who need a second factor to the page where they prove it, or set one up."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_view: object) -> HttpResponse | None:
        if request.resolver_match.view_name in OPEN or not self._is_missing(request):
            return None
        if request.path.startswith("/api/"):
            return _problem()
        if is_mfa_enabled(request.user):
            return proofs.prove_again(request, back=request.get_full_path())
        messages.warning(
            request,
            _("What you may do here needs a second factor. Set one up, then you can go on."),
        )
        return redirect("mfa_index")

    def _is_missing(self, request: HttpRequest) -> bool:
        user = request.user
        if not user.is_authenticated or proofs.has_second_factor(request):
            return False
        return second_factor.is_required_of(user, roles=settings.SECOND_FACTOR_ROLES)


def _problem() -> JsonResponse:
    told = {
        "type": "urn:problem-type:likenessdesk:second_factor_needed",
        "title": "Second factor needed",
        "status": 403,
        "code": "second_factor_needed",
        "detail": "Sign in with your second factor first.",
    }
    return JsonResponse(told, status=403, content_type="application/problem+json")
