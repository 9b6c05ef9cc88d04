"""The admin has no sign-in of its own: its doors lead to the desk's."""

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode

# Secrets and sessions are their owners', not rows to be looked at.
for model in (EmailAddress, Authenticator, SocialAccount, SocialApp, SocialToken, UserSession):
    admin.site.unregister(model)


def sign_in(request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
    """Redirect to the one sign-in page; refuse who is signed in and has no seat in the admin."""
    wanted = request.GET.get("next", "")
    if not url_has_allowed_host_and_scheme(wanted, {request.get_host()}, request.is_secure()):
        wanted = reverse("admin:index")
    if not request.user.is_authenticated:
        return redirect(f"{reverse('login')}?{urlencode({'next': wanted})}")
    if not admin.site.has_permission(request):
        raise PermissionDenied
    return HttpResponseRedirect(wanted)  # `redirect` takes what has no slash for a view's name.


def change_password(request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
    return redirect("password_change")


admin.site.login = sign_in
admin.site.password_change = change_password
