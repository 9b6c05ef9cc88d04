"""The portal's doors to who and what is allowed: sign-in, account, twins, consent."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, wraps
from zoneinfo import ZoneInfo

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login, update_session_auth_hash, views
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import AuthenticationForm, PasswordResetForm, SetPasswordForm
from django.core.exceptions import ValidationError
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import path, reverse, reverse_lazy
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.utils.translation.trans_real import parse_accept_lang_header
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from talent import accounts, locales, outbox
from talent.consent import overview
from talent.errors import Refused
from talent.models import CompositeSource, DigitalTwin, User
from talent.principals import Principal, principals_of
from talent.words import Power, TwinStatus

CHOSEN = "portal_principal"
PAGES = (
    ("home", gettext_lazy("Home"), None),
    ("approvals", gettext_lazy("Approvals"), Power.DECIDE),
    ("twins", gettext_lazy("My twins"), Power.SEE_TWINS),
    ("consents", gettext_lazy("Consent"), Power.SEE_TWINS),
    ("usage", gettext_lazy("Usage"), Power.SEE_USAGE),
    ("earnings", gettext_lazy("Earnings"), Power.SEE_MONEY),
    ("statements", gettext_lazy("Statements"), Power.SEE_MONEY),
)


@dataclass(frozen=True)
class Page:
    name: str
    label: str
    url: str


class Reader:
    """Who reads a page: for whom they act, and how their dates and figures are written."""

    def __init__(self, request: HttpRequest) -> None:
        self.user: User = request.user
        self.locale = self.user.locale or _browsers_locale(request)
        self.language = locales.known(self.locale).language
        self.time_zone = self.user.time_zone
        self._chosen = request.session.get(CHOSEN, "")

    @cached_property
    def principals(self) -> list[Principal]:
        return principals_of(self.user)

    @cached_property
    def principal(self) -> Principal | None:
        """Return whom the reader chose, if still allowed, else the first."""
        chosen = (p for p in self.principals if p.key == self._chosen)
        return next(chosen, self.principals[0] if self.principals else None)

    @property
    def name(self) -> str:
        return self.user.get_full_name() or self.user.email

    @property
    def pages(self) -> list[Page]:
        return [
            Page(name, label, reverse(f"portal:{name}"))
            for name, label, power in PAGES
            if power is None or self.may(power)
        ]

    def month_start(self, now: datetime) -> datetime:
        """Return when the month began where the reader is."""
        local = now.astimezone(ZoneInfo(self.time_zone))
        return local.replace(day=1, hour=0, minute=0, second=0, microsecond=0)

    def may(self, power: Power) -> bool:
        return self.principal is not None and power in self.principal.powers


def _browsers_locale(request: HttpRequest) -> str:
    wanted = parse_accept_lang_header(request.headers.get("Accept-Language", "")[:200])
    return wanted[0][0] if wanted and wanted[0][0] != "*" else settings.LANGUAGE_CODE


View = Callable[..., HttpResponse]


def portal_page(power: Power | None = None) -> Callable[[View], View]:
    """Give a view its reader; whoever lacks the power finds no page. Figures are never cached."""

    def decorated(view: View) -> View:
        @wraps(view)
        @never_cache
        @login_required(login_url=reverse_lazy("login"))
        def page(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
            request.reader = Reader(request)
            if power is not None and not request.reader.may(power):
                raise Http404
            return view(request, *args, **kwargs)

        return page

    return decorated


def shown(request: HttpRequest, template: str, page: str, values: dict) -> HttpResponse:
    """Render a page of the portal for its reader."""
    return render(request, template, {"reader": request.reader, "page": page, **values})


@require_POST
@portal_page()
def act_for(request: HttpRequest) -> HttpResponse:
    """Remember for whom the reader acts from here on."""
    keys = {principal.key for principal in request.reader.principals}
    if request.POST.get("principal") not in keys:
        raise Http404
    request.session[CHOSEN] = request.POST["principal"]
    return redirect("portal:home")


def act_as(request: HttpRequest, principal: Principal) -> None:
    """Act for somebody from here on, because the reader followed a link to what is theirs."""
    if request.reader.principal != principal:
        request.session[CHOSEN] = principal.key
        request.reader = Reader(request)


# Twins.


@require_GET
@portal_page(Power.SEE_TWINS)
def twins(request: HttpRequest) -> HttpResponse:
    reader = request.reader
    rows = list(twins_of(reader).annotate(build_count=Count("builds", distinct=True)))
    shares = overview.sources_of(rows, reader.principal.performer_id)
    values = [_twin(row, shares.get(row.pk), reader) for row in rows]
    return shown(request, "portal/twins.html", "twins", {"twins": values})


def twins_of(reader: Reader):
    return reader.principal.twins(reader.user).order_by("name", "pk")


def _twin(row: DigitalTwin, share: CompositeSource | None, reader: Reader) -> dict:
    return {
        "name": row.name,
        "url": reverse("portal:consent", args=[row.pk]),
        "tier": row.get_tier_display(),
        "legal_class": row.get_legal_class_display(),
        "status": row.get_status_display(),
        "active": row.status == TwinStatus.ACTIVE,
        "captured_on": row.captured_on,
        "capture": row.get_capture_method_display(),
        "builds": row.build_count,
        "share": share and locales.quantity(share.weight, reader.locale),
    }


# Accounts.


class SignInForm(AuthenticationForm):
    """Counts the tries before it looks at the password."""

    def clean(self):
        email = self.cleaned_data.get("username", "")
        address = self.request.META.get("REMOTE_ADDR", "")
        try:
            accounts.let_try(email, address)
        except Refused as refusal:
            raise ValidationError(str(refusal), refusal.code) from refusal
        cleaned = super().clean()
        accounts.forget_tries(email, address)
        return cleaned


class SignIn(views.LoginView):
    authentication_form = SignInForm
    next_page = reverse_lazy("portal:home")


class ResetForm(PasswordResetForm):
    """Mails the link through the outbox."""

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
    return shown(request, "portal/account.html", "account", {"form": form})


def activation_link(request: HttpRequest) -> accounts.LinkTo:
    """Return what makes the addresses in invitations, on the host that was asked."""
    return lambda code, token: request.build_absolute_uri(reverse("activate", args=[code, token]))


@sensitive_post_parameters()
@never_cache
@require_http_methods(["GET", "POST"])
def activate(request: HttpRequest, code: str, token: str) -> HttpResponse:
    """Let an invited person choose a password, and sign them in."""
    template = "registration/activate.html"
    try:
        user = accounts.invited(code, token)
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


urlpatterns = [
    path("for/", act_for, name="act-for"),
    path("twins/", twins, name="twins"),
    path("account/", account, name="account"),
]
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
