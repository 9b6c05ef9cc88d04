"""Forms of the sign-in: as allauth's, in the desk's words, and every code counted."""

from allauth.account.forms import LoginForm
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.webauthn.forms import AddWebAuthnForm
from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from talent.accounts import tries

CODE = {"autocomplete": "one-time-code", "inputmode": "numeric", "autofocus": True}


class SignInForm(LoginForm):
    """Asks for the mail address and the password."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for name, label in (("login", _("Mail address")), ("password", _("Password"))):
            field = self.fields[name]
            field.label, field.help_text = label, ""
            field.widget.attrs.pop("placeholder", None)
        self.fields["login"].widget.attrs |= {
            "autocomplete": "username webauthn",
            "autofocus": True,
        }


class CountedCode:
    """A form with a code of a second factor: each try counts until one is right."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["code"].widget = forms.TextInput(attrs=CODE)
        self.fields["code"].label = _("Code")

    def clean_code(self):
        counts = tries.code_counts(user_id=self.user.pk)
        try:
            tries.count(counts, at=timezone.now())
        except tries.TooManyTries as refusal:
            raise ValidationError(str(refusal), refusal.code) from refusal
        code = super().clean_code()
        tries.take_back(counts)
        return code


class CodeForm(CountedCode, AuthenticateForm):
    """Asks for a code of the authenticator app, or a recovery code, when somebody signs in."""


class CodeAgainForm(CountedCode, ReauthenticateForm):
    """Asks for it once more before something that matters."""


class FirstCodeForm(CountedCode, ActivateTOTPForm):
    """Asks for the first code of an app that is being set up."""


class PasskeyForm(AddWebAuthnForm):
    """Adds a passkey; or a plain security key, which only comes beside a password."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["name"].label = _("What to call it")
        signs_in = self.fields["passwordless"]
        signs_in.initial = True
        signs_in.label = _("It signs me in by itself: it asks for a PIN, a finger or a face")
