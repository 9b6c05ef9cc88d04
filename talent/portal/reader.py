"""Who reads the portal: for whom they act, which pages they see, and how pages are rendered."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, wraps
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse, reverse_lazy
from django.utils.translation import gettext_lazy
from django.utils.translation.trans_real import parse_accept_lang_header
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from talent import locales
from talent.models import User
from talent.principals import Principal, principals_of
from talent.words import Power

CHOSEN = "portal_principal"
PAGES = (
    ("home", gettext_lazy("Home"), None),
    ("approvals", gettext_lazy("Approvals"), Power.DECIDE),
    ("documents", gettext_lazy("Documents"), None),
    ("offers", gettext_lazy("Offers"), Power.DECIDE),
    ("twins", gettext_lazy("My twins"), Power.SEE_TWINS),
    ("consents", gettext_lazy("Consent"), Power.SEE_TWINS),
    ("usage", gettext_lazy("Usage"), Power.SEE_USAGE),
    ("earnings", gettext_lazy("Earnings"), Power.SEE_MONEY),
    ("statements", gettext_lazy("Statements"), Power.SEE_MONEY),
    ("worth", gettext_lazy("Worth"), Power.SEE_MONEY),
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
        """Return the principal the reader chose, if still allowed, else the first; None: nobody."""
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
        """Return the start of the current month in the reader's time zone."""
        local = now.astimezone(ZoneInfo(self.time_zone))
        return local.replace(day=1, hour=0, minute=0, second=0, microsecond=0)

    def may(self, power: Power) -> bool:
        return self.principal is not None and power in self.principal.powers


def _browsers_locale(request: HttpRequest) -> str:
    wanted = parse_accept_lang_header(request.headers.get("Accept-Language", "")[:200])
    return wanted[0][0] if wanted and wanted[0][0] != "*" else settings.LANGUAGE_CODE


View = Callable[..., HttpResponse]


def portal_page(power: Power | None = None) -> Callable[[View], View]:
    """Decorate a view: sign-in needed, `request.reader` set, never cached.

    A reader without `power` gets a 404.
    """

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


def render_page(request: HttpRequest, template: str, page: str, values: dict) -> HttpResponse:
    """Render a page of the portal for its reader."""
    return render(request, template, {"reader": request.reader, "page": page, **values})


@require_POST
@portal_page()
def act_for(request: HttpRequest) -> HttpResponse:
    """Store in the session for whom the reader acts from now on."""
    keys = {principal.key for principal in request.reader.principals}
    if request.POST.get("principal") not in keys:
        raise Http404
    request.session[CHOSEN] = request.POST["principal"]
    return redirect("portal:home")


def act_as(request: HttpRequest, principal: Principal) -> None:
    """Act for another principal from now on, since the reader followed a link to their page."""
    if request.reader.principal != principal:
        request.session[CHOSEN] = principal.key
        request.reader = Reader(request)


urlpatterns = [path("for/", act_for, name="act-for")]
