"""Pages of the sign-in that are the desk's own."""

from allauth.account.decorators import reauthentication_required
from allauth.account.internal.flows.login import record_authentication
from allauth.account.views import LoginView
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.views import ViewRecoveryCodesView
from allauth.mfa.totp.views import ActivateTOTPView
from allauth.mfa.webauthn.views import AddWebAuthnView
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator


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


sign_in = SignIn.as_view()
set_up_app = SetUpApp.as_view()
add_passkey = AddPasskey.as_view()
recovery_codes = RecoveryCodes.as_view()
