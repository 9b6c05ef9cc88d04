"""The portal's account pages: sign-in, invitations, passwords and personal settings."""

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login, update_session_auth_hash, views
from django.contrib.auth.forms import AuthenticationForm, PasswordResetForm, SetPasswordForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import path, reverse_lazy
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from talent import accounts, locales, outbox
from talent.errors import Refused
from talent.models import User

from .reader import portal_page, render_page


class SignInForm(AuthenticationForm):
    """Signs a user in; counts each try before it checks the password."""

    def clean(self):
        email = self.cleaned_data.get("username", "")
        address = self.request.META.get("REMOTE_ADDR", "")
        try:
            accounts.count_try(email, address)
        except Refused as refusal:
            raise ValidationError(str(refusal), refusal.code) from refusal
        cleaned = super().clean()
        accounts.forget_tries(email, address)
        return cleaned


class SignIn(views.LoginView):
    authentication_form = SignInForm
    next_page = reverse_lazy("portal:home")


class ResetForm(PasswordResetForm):
    """Asks for a password reset; its mail goes through the outbox."""

    def send_mail(self, subject_template_name, email_template_name, context, *_args, **_kwargs):
        outbox.post(
            recipient=context["email"],
            subject=_("A new password for Likeness Desk"),
            body=render_to_string(email_template_name, context),
            at=timezone.now(),
        )


class AccountForm(forms.ModelForm):
    """How a person is called, and how days and figures are written for them."""

    class Meta:
        model = User
        fields = ["first_name", "last_name", "locale", "time_zone"]
        labels = {"locale": gettext_lazy("Dates and figures"), "time_zone": gettext_lazy("Zone")}
        help_texts = {
            "locale": gettext_lazy("As in en-US, en-GB, de-DE. Empty: as your browser says."),
            "time_zone": gettext_lazy("As in Europe/Berlin or America/Los_Angeles."),
        }

    def clean_locale(self):
        locale = self.cleaned_data["locale"]
        if locale and locales.known(locale).language != locale.split("-")[0].lower():
            raise ValidationError(_("No such language. Write it as in en-GB or de-DE."))
        return locale

    def clean_time_zone(self):
        zone = self.cleaned_data["time_zone"]
        if not locales.known_zone(zone):
            raise ValidationError(_("No such zone. Write it as in Europe/Berlin."))
        return zone


@require_http_methods(["GET", "POST"])
@portal_page()
def account(request: HttpRequest) -> HttpResponse:
    form = AccountForm(request.POST or None, instance=request.user)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("Saved."))
        return redirect("portal:account")
    return render_page(request, "portal/account.html", "account", {"form": form})


@sensitive_post_parameters()
@never_cache
@require_http_methods(["GET", "POST"])
def activate(request: HttpRequest, code: str, token: str) -> HttpResponse:
    """Let an invited person choose a password, and sign them in."""
    template = "registration/activate.html"
    try:
        user = accounts.invited_user(code, token)
    except Refused as refusal:
        return render(request, template, {"refusal": str(refusal)}, status=410)
    form = SetPasswordForm(user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        form.save()
        login(request, user, settings.AUTHENTICATION_BACKENDS[0])
        return redirect("portal:home")
    return render(request, template, {"form": form, "invited": user})


class ChangePassword(views.PasswordChangeView):
    success_url = reverse_lazy("password_change_done")

    def form_valid(self, form):
        response = super().form_valid(form)
        update_session_auth_hash(self.request, form.user)
        return response


urlpatterns = [path("account/", account, name="account")]
# Named as Django names them, so that its own pages and mails find them.
account_urlpatterns = [
    path("sign-in/", SignIn.as_view(), name="login"),
    path("sign-out/", views.LogoutView.as_view(), name="logout"),
    path("welcome/<str:code>/<str:token>/", activate, name="activate"),
    path("password/", ChangePassword.as_view(), name="password_change"),
    path("password/done/", views.PasswordChangeDoneView.as_view(), name="password_change_done"),
    path(
        "password/reset/",
        views.PasswordResetView.as_view(
            form_class=ResetForm, email_template_name="emails/password_reset.txt"
        ),
        name="password_reset",
    ),
    path("password/reset/sent/", views.PasswordResetDoneView.as_view(), name="password_reset_done"),
    path(
        "password/reset/<str:uidb64>/<str:token>/",
        views.PasswordResetConfirmView.as_view(),
        name="password_reset_confirm",
    ),
    path(
        "password/reset/complete/",
        views.PasswordResetCompleteView.as_view(),
        name="password_reset_complete",
    ),
]
