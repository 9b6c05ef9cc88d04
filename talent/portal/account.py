"""The portal's account pages: sign-in, invitations, passwords and personal settings."""

from allauth.account.internal.flows.login import record_authentication
from allauth.account.signals import password_changed
from allauth.account.utils import perform_login
from allauth.mfa.models import Authenticator
from django import forms
from django.contrib import messages
from django.contrib.auth import views
from django.contrib.auth.forms import PasswordResetForm, SetPasswordForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import path, reverse_lazy
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from talent import locales, outbox
from talent.accounts import invitations, tries
from talent.errors import Refused
from talent.models import User
from talent.sign_in import browsers, providers, sessions
from talent.sign_in.adapters import EVENTS, client_address, tell

from .reader import portal_page, render_page


class ResetForm(PasswordResetForm):
    """Asks for a password reset; its mail goes through the outbox."""

    def get_users(self, email):
        """Find those with a password, and those whose organisation lets them in no more."""
        yield from super().get_users(email)
        for user in User.objects.filter(email=email.lower(), is_active=True):
            if providers.has_lost_theirs(user):
                yield user

    def send_mail(self, subject_template_name, email_template_name, context, *_args, **_kwargs):
        outbox.post(
            recipient=context["email"],
            subject=_("A new password for Likeness Desk"),
            body=render_to_string(email_template_name, context),
            at=timezone.now(),
        )


class AskForReset(views.PasswordResetView):
    """Sends a link. The answer does not tell whether there is an account, or a limit was met."""

    form_class = ResetForm
    email_template_name = "emails/password_reset.txt"

    def form_valid(self, form):
        counts = tries.reset_counts(
            email=form.cleaned_data["email"], address=client_address(self.request)
        )
        try:
            tries.count(counts, at=timezone.now())
        except tries.TooManyTries:
            return redirect(self.get_success_url())
        return super().form_valid(form)


class AccountForm(forms.ModelForm):
    """How a person is called, and how days and figures are written for them."""

    time_zone = forms.ChoiceField(
        label=gettext_lazy("Zone"),
        choices=lambda: locales.zones(locales.FALLBACK.language),
        error_messages={"invalid_choice": gettext_lazy("No such zone.")},
    )

    locale = forms.ChoiceField(
        label=gettext_lazy("Dates and figures as in"),
        required=False,
        error_messages={"invalid_choice": gettext_lazy("No such language.")},
    )

    class Meta:
        model = User
        fields = ["first_name", "last_name", "locale", "time_zone"]

    def __init__(self, *args, reader_locale: str, **kwargs) -> None:
        """Offer languages by their names in the reader's own."""
        super().__init__(*args, **kwargs)
        offered = locales.written_locales(reader_locale)
        current = self.instance.locale
        if current and current not in dict(offered):
            offered = [(current, locales.language(current, reader_locale)), *offered]
        self.fields["locale"].choices = [("", _("as your browser says")), *offered]


@require_http_methods(["GET", "POST"])
@portal_page()
def account(request: HttpRequest) -> HttpResponse:
    language = request.reader.language
    form = AccountForm(request.POST or None, instance=request.user, reader_locale=language)
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
        user = invitations.invited_user(code, token)
    except Refused as refusal:
        return render(request, template, {"refusal": str(refusal)}, status=410)
    form = SetPasswordForm(user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        form.save()
        record_authentication(request, user, "password")
        return perform_login(request, user)
    return render(request, template, {"form": form, "invited": user})


class ChangePassword(views.PasswordChangeView):
    success_url = reverse_lazy("password_change_done")

    def form_valid(self, form):
        response = super().form_valid(form)
        # The session has another key now: keep it in the list of sessions.
        password_changed.send(sender=User, request=self.request, user=form.user)
        tell(form.user, EVENTS["password_changed"])
        return response


class SetNewPassword(views.PasswordResetConfirmView):
    """Sets a password by the link of a mail; whoever has a second factor proves it as always."""

    def form_valid(self, form):
        response = super().form_valid(form)
        # The mailbox is theirs: strangers' tries shall not keep them out here.
        browsers.remember(self.request, response, form.user.email)
        tell(form.user, EVENTS["password_changed"])
        return response


@require_http_methods(["GET"])
@portal_page()
def safety(request: HttpRequest) -> HttpResponse:
    """Show how somebody signs in, and where they are signed in."""
    factors = Authenticator.objects.filter(user=request.user).order_by("pk")
    values = {
        "app": next((one for one in factors if one.type == Authenticator.Type.TOTP), None),
        "passkeys": [one for one in factors if one.type == Authenticator.Type.WEBAUTHN],
        "codes": next(
            (one for one in factors if one.type == Authenticator.Type.RECOVERY_CODES), None
        ),
        "sessions": sessions.sessions_of(request),
        "providers": providers.of(request.user),
    }
    return render_page(request, "portal/safety.html", "account", values)


@require_POST
@portal_page()
def end_sessions(request: HttpRequest) -> HttpResponse:
    """End one of one's own sessions, or all but this one."""
    ended = sessions.end(request, session=request.POST.get("session", ""))
    messages.success(
        request,
        ngettext("One session is ended.", "%(count)d sessions are ended.", ended)
        % {"count": ended},
    )
    return redirect("mfa_index")


urlpatterns = [path("account/", account, name="account")]
# Named as Django and allauth name them, so that their own pages and mails find them.
account_urlpatterns = [
    path("account/safety/", safety, name="mfa_index"),
    path("account/safety/", safety, name="mfa_list_webauthn"),
    path("account/sessions/", end_sessions, name="end_sessions"),
    path("welcome/<str:code>/<str:token>/", activate, name="activate"),
    path("password/", ChangePassword.as_view(), name="password_change"),
    path("password/done/", views.PasswordChangeDoneView.as_view(), name="password_change_done"),
    path(
        "password/reset/",
        AskForReset.as_view(),
        name="password_reset",
    ),
    path("password/reset/sent/", views.PasswordResetDoneView.as_view(), name="password_reset_done"),
    path(
        "password/reset/<str:uidb64>/<str:token>/",
        SetNewPassword.as_view(),
        name="password_reset_confirm",
    ),
    path(
        "password/reset/complete/",
        views.PasswordResetCompleteView.as_view(),
        name="password_reset_complete",
    ),
]
