"""What the desk does otherwise than allauth: counts, mails, words, sealed secrets, providers."""

import base64
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import record_authentication
from allauth.core import context as current
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialAccount, SocialLogin
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ImproperlyConfigured, PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from talent import envelope, outbox
from talent.accounts import tries
from talent.models import User
from talent.plain_text import is_line

from . import browsers, proofs, providers

PURPOSE = "second factors"
NO_ADDRESS = "0.0.0.0"  # noqa: S104 (nothing is bound to it: it stands for an unknown address)

# What happened to an account, by the name that allauth has for its mail or message.
EVENTS = {
    "totp_activated": gettext_lazy("An authenticator app was added to your account."),
    "totp_deactivated": gettext_lazy("The authenticator app was removed from your account."),
    "webauthn_added": gettext_lazy("A passkey was added to your account."),
    "webauthn_removed": gettext_lazy("A passkey was removed from your account."),
    "recovery_codes_generated": gettext_lazy("Your account has new recovery codes."),
    "password_changed": gettext_lazy("The password of your account was changed."),
    "password_set": gettext_lazy("Your account has a password now."),
    "account_connected": gettext_lazy("Your account can be opened through your organisation."),
}


def client_address(request: HttpRequest) -> str:
    """Return whom a request comes from, behind as many proxies as the settings trust."""
    return AccountAdapter(request).get_client_ip(request)


def tell(user: User, event: str) -> None:
    """Mail somebody what happened to their account, so that they notice what they did not do."""
    outbox.post(
        recipient=user.email,
        subject=_("Your account at Likeness Desk"),
        body=render_to_string("emails/account_changed.txt", {"user": user, "event": event}),
        at=timezone.now(),
    )


class AccountAdapter(DefaultAccountAdapter):
    """Signs people in, and asks them again, by the desk's own counts and in its own words."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "email_password_mismatch": gettext_lazy(
            "This mail address and password do not belong together, or the account is closed."
        ),
        "incorrect_password": gettext_lazy("This is not your password."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Say no: an invitation is the only way in."""
        return False

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        return reverse("portal:home")

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        """Check a password, counted before it is known whether it is right."""
        email = credentials.get("email", "")
        counts = tries.sign_in_counts(
            email=email,
            address=self.get_client_ip(request),
            browser=browsers.name_for(request, email),
        )
        _count(counts)
        user = super().authenticate(request, **credentials)
        if user is not None:
            tries.take_back(counts)
        return user

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Leave out allauth's own count, by which a stranger could lock an account."""

    def reauthenticate(self, user: User, password: str) -> bool:
        counts = tries.code_counts(user_id=user.pk)
        _count(counts)
        right = user.check_password(password)
        if right:
            tries.take_back(counts)
        return right

    def post_login(self, request: HttpRequest, user: User, **about: Any) -> HttpResponse:
        response = super().post_login(request, user, **about)
        browsers.remember(request, response, user.email)
        return response

    def is_reauthentication_required(self, **_about: Any) -> bool:
        return not proofs.is_recent(current.request)

    def get_reauthentication_methods(self, user: User) -> list[dict[str, Any]]:
        """Return how somebody proves who they are once more: by their second factor if they can."""
        ways = super().get_reauthentication_methods(user)
        factors = [way for way in ways if way["id"].startswith("mfa")]
        return factors or ways or [providers.way()]

    def get_client_ip(self, request: HttpRequest) -> str:
        try:
            return super().get_client_ip(request)
        except ImproperlyConfigured:  # came past one of the proxies
            return request.META.get("REMOTE_ADDR") or NO_ADDRESS
        except PermissionDenied:  # a socket has no address
            return NO_ADDRESS

    def add_message(
        self,
        request: HttpRequest,
        level: int,
        message_template: str | None = None,
        message_context: dict[str, Any] | None = None,
        extra_tags: str = "",
        message: str | None = None,
    ) -> None:
        """Say in the desk's words what happened; leave unsaid what the next page shows anyway."""
        told = message or EVENTS.get(_name_of(message_template or ""), "")
        if told:
            messages.add_message(request, level, told, extra_tags=extra_tags)

    def send_notification_mail(
        self, template_prefix: str, user: User, *_context: Any, **_more: Any
    ) -> None:
        if event := EVENTS.get(_name_of(template_prefix)):
            tell(user, str(event))


class FactorAdapter(DefaultMFAAdapter):
    """Second factors: their secrets lie sealed in the database."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": gettext_lazy("This code is not right, or it was used before."),
    }

    def get_totp_issuer(self) -> str:
        return "Likeness Desk"

    def _get_site_name(self) -> str:
        return "Likeness Desk"

    def generate_authenticator_name(self, user: User, type: str) -> str:  # noqa: A002
        return _("Passkey of %(day)s") % {"day": date_format(timezone.now())}

    def encrypt(self, text: str) -> str:
        sealed = envelope.seal(text.encode(), key=_key(), about=PURPOSE)
        return base64.b64encode(sealed).decode()

    def decrypt(self, encrypted_text: str) -> str:
        sealed = base64.b64decode(encrypted_text)
        return envelope.open_envelope(sealed, key=_key(), about=PURPOSE).decode()


class ProviderAdapter(DefaultSocialAccountAdapter):
    """Sign-in through an organisation's own provider, for people whom the desk has invited."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        return False

    def populate_user(
        self, request: HttpRequest, sociallogin: SocialLogin, data: dict[str, Any]
    ) -> User:
        """Leave out what a provider says of names; nothing was looked up before this.

        Raises ImmediateHttpResponse for a number there that no text can hold.
        """
        if not is_line(sociallogin.account.uid):
            raise ImmediateHttpResponse(_refused(request))
        return sociallogin.user

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Find the invited person; a provider speaks for the mail domains of its settings only.

        Raises ImmediateHttpResponse, which shows why the door stays shut, or leads back whom it
        was asked about once more.
        """
        if sociallogin.state.get("process") == providers.ONCE_MORE:
            raise ImmediateHttpResponse(_come_back(request, sociallogin))
        provider = providers.named(sociallogin.account.provider)
        if sociallogin.is_existing:
            if not providers.speaks_for(provider, sociallogin.user.email):
                raise ImmediateHttpResponse(_refused(request))
            return
        user = self._invited(provider, sociallogin)
        if user is None:
            raise ImmediateHttpResponse(_refused(request))
        sociallogin.user = user
        sociallogin.account = SocialAccount.objects.create(
            user=user, provider=sociallogin.account.provider, uid=sociallogin.account.uid
        )
        self.send_notification_mail("socialaccount/email/account_connected", user)

    def on_authentication_error(
        self,
        request: HttpRequest,
        provider: Any,
        error: Any = None,
        exception: Exception | None = None,
        extra_context: dict[str, Any] | None = None,
    ) -> None:
        """Lead whom a provider was asked about once more back to where they were asked.

        Raises ImmediateHttpResponse for them.
        """
        state = (extra_context or {}).get("state") or {}
        if state.get("process") == providers.ONCE_MORE:
            text = _("Your organisation's sign-in did not say that it is you.")
            raise ImmediateHttpResponse(providers.ask_again(request, state, text))

    def _invited(self, provider: dict[str, Any], sociallogin: SocialLogin) -> User | None:
        """Return who was invited under the address that the provider vouches for.

        Nobody who came before as somebody else there: an address may have been given to another.
        """
        known = SocialAccount.objects.filter(provider=provider["id"]).values("user")
        users = User.objects.filter(is_active=True).exclude(pk__in=known)
        for given in sociallogin.email_addresses:
            vouched = given.verified or provider["mail_is_verified"]
            if vouched and providers.speaks_for(provider, given.email):
                user = users.filter(email=given.email.lower()).first()
                if user is not None:
                    return user
        return None


def _count(counts: list[tries.Count]) -> None:
    try:
        tries.count(counts, at=timezone.now())
    except tries.TooManyTries as refusal:
        raise ValidationError(str(refusal), refusal.code) from refusal


def _key() -> bytes:
    return envelope.key_for(PURPOSE, key_encryption_key=settings.KEY_ENCRYPTION_KEY)


def _name_of(template: str) -> str:
    return template.rpartition("/")[2].removesuffix(".txt")


def _come_back(request: HttpRequest, sociallogin: SocialLogin) -> HttpResponse:
    """Keep what a provider has just said of who is signed in here already, and go on from there."""
    account, state = sociallogin.account, sociallogin.state
    if not (sociallogin.is_existing and sociallogin.user == request.user):
        text = _("Somebody else signed in there, so it is not known whether it is you.")
        return providers.ask_again(request, state, text)
    told = account.extra_data.get("id_token") or {}
    if not providers.was_asked_now(told.get("auth_time")):
        text = _("Your organisation did not ask you anew. Sign out there, then try again.")
        return providers.ask_again(request, state, text)
    record_authentication(
        request,
        request.user,
        "socialaccount",
        provider=account.provider,
        uid=account.uid,
        reauthenticated=True,
    )
    return providers.to_page(state.get("next"))


def _refused(request: HttpRequest) -> HttpResponse:
    text = _("Nobody with this address was invited to the desk. Ask your agency for an invitation.")
    messages.error(request, text)
    return redirect("account_login")
