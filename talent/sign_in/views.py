"""Pages of the sign-in that are the desk's own."""

from allauth.account.adapter import get_adapter
from allauth.account.decorators import reauthentication_required
from allauth.account.internal.flows.login import record_authentication
from allauth.account.utils import get_next_redirect_url
from allauth.account.views import LoginView
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.views import ViewRecoveryCodesView
from allauth.mfa.totp.views import ActivateTOTPView
from allauth.mfa.webauthn.views import AddWebAuthnView
from allauth.socialaccount.adapter import get_adapter as get_provider_adapter
from allauth.socialaccount.helpers import render_authentication_error
from allauth.socialaccount.providers.openid_connect import views as openid_connect
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods
from requests.exceptions import RequestException

from . import proofs, providers


class SignIn(LoginView):
    """The one page on which everybody signs in."""

    def get_context_data(self, **kwargs):
        return super().get_context_data(providers=settings.OIDC_PROVIDERS, **kwargs)


class ProvesIt:
    """Whoever has just set up a second factor has proved it, too: they can go on at once."""

    def form_valid(self, form: Form) -> HttpResponse:
        answer = super().form_valid(form)
        record_authentication(self.request, self.request.user, "mfa", reauthenticated=True)
        return answer


class SetUpApp(ProvesIt, ActivateTOTPView):
    """Sets up an authenticator app."""


class AddPasskey(ProvesIt, AddWebAuthnView):
    """Adds a passkey or a security key."""


@method_decorator([login_required, reauthentication_required(app="allauth.mfa")], name="dispatch")
class RecoveryCodes(ViewRecoveryCodesView):
    """Says how many codes are left; shows them when asked, since looking at them is kept."""

    http_method_names = ["get", "post"]

    def get(self, request: HttpRequest, *args, **kwargs) -> HttpResponse:
        codes = Authenticator.objects.filter(
            user=request.user, type=Authenticator.Type.RECOVERY_CODES
        ).first()
        left = len(codes.wrap().get_unused_codes()) if codes else 0
        return self.render_to_response({"left": left})

    def post(self, request: HttpRequest, *args, **kwargs) -> HttpResponse:
        values = self.get_context_data()
        return self.render_to_response(values | {"left": len(values["unused_codes"])})


@require_http_methods(["GET", "POST"])
def by_provider(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Send somebody to the sign-in of their organisation; say so if it cannot be reached."""
    try:
        return openid_connect.login(request, provider_id)
    except RequestException as fault:
        provider = get_provider_adapter().get_provider(request, provider_id)
        return render_authentication_error(request, provider, exception=fault)


@never_cache
@login_required
@require_GET
def go_on(request: HttpRequest) -> HttpResponse:
    """Hold, once, what somebody had sent before they were asked who they are, to send it on."""
    back = get_next_redirect_url(request) or reverse("portal:home")
    waiting = proofs.kept(request)
    if waiting is None:
        return HttpResponseRedirect(back)
    return render(request, "account/go_on.html", {"waiting": waiting, "back": back})


@never_cache
@login_required
@require_http_methods(["GET", "POST"])
def ask_provider(request: HttpRequest) -> HttpResponse:
    """Ask somebody's organisation whether it is them.

    Whoever has a password or a second factor proves that. Whose organisation is gone from the
    settings is told how to choose a password.
    """
    back = get_next_redirect_url(request) or reverse("portal:home")
    if proofs.is_recent(request):
        return HttpResponseRedirect(back)
    own = get_adapter(request).get_reauthentication_methods(request.user)
    if providers.way() not in own:
        return proofs.prove_again(request, back=back)
    known = providers.of(request.user)
    chosen = next((one for one in known if one["id"] == request.POST.get("provider")), None)
    if chosen is None:
        return render(request, "account/ask_provider.html", {"providers": known, "back": back})
    return _ask(request, chosen, back)


def _ask(request: HttpRequest, chosen: providers.Provider, back: str) -> HttpResponse:
    provider = get_provider_adapter().get_provider(request, chosen["id"])
    try:
        return provider.redirect(
            request,
            process=providers.ONCE_MORE,
            next_url=back,
            auth_params=provider.get_auth_params() | providers.ASK_ANEW,
        )
    except RequestException:
        text = _("Your organisation's sign-in cannot be reached. Try again in a while.")
        return providers.ask_again(request, {"next": back}, text)


sign_in = SignIn.as_view()
set_up_app = SetUpApp.as_view()
add_passkey = AddPasskey.as_view()
recovery_codes = RecoveryCodes.as_view()
