"""Signing by a mailed link: for somebody without an account, who proves the mailbox by a code.

Whatever is not theirs, or no longer, is a page that is not there.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from licensing.agreements.signing import links
from licensing.agreements.signing.acts import Actor
from licensing.models import Signatory
from licensing.words import Identified
from talent.accounts.tries import TooManyTries
from talent.errors import Refused

from .signing import file_of, page_values, take

MAILED, PROVED = "signing_code_mailed", "signing_proved"
PROVED_FOR = timedelta(hours=1)

View = Callable[..., HttpResponse]


def by_link(view: View) -> View:
    """Decorate a view: its first argument is whose link it is; 404 for every other link."""

    @wraps(view)
    @never_cache
    def page(request: HttpRequest, secret: str, **given: object) -> HttpResponse:
        address = request.META.get("REMOTE_ADDR", "")
        try:
            signatory = links.find(secret, address=address, at=timezone.now())
        except TooManyTries:
            signatory = None
        if signatory is None:
            raise Http404
        request.signing_secret = secret
        response: HttpResponse = view(request, signatory, **given)
        # The address is a secret: nobody whom a link on the page leads to reads it.
        response.headers["Referrer-Policy"] = "no-referrer"
        return response

    return page


@require_GET
@by_link
def mailed_signing(request: HttpRequest, signatory: Signatory) -> HttpResponse:
    if not _has_proved(request, signatory):
        waits = request.session.get(MAILED, {}).get("signatory") == str(signatory.pk)
        return render(
            request,
            "portal/mailed_code.html",
            {"signatory": signatory, "waits": waits, "secret": request.signing_secret},
        )
    here = request.signing_secret
    values = page_values(
        signatory,
        at=timezone.now(),
        locale=settings.LANGUAGE_CODE,
        act=lambda name: reverse("portal:mailed-signing-act", args=[here, name]),
        file=lambda name: reverse("portal:mailed-signing-file", args=[here, name]),
    )
    return render(request, "portal/sign.html", values)


@require_POST
@by_link
def mail_code(request: HttpRequest, signatory: Signatory) -> HttpResponse:
    try:
        request.session[MAILED] = links.mail_code(signatory, at=timezone.now())
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("A code is on its way to your mail address."))
    return redirect("portal:mailed-signing", request.signing_secret)


@require_POST
@by_link
def enter_code(request: HttpRequest, signatory: Signatory) -> HttpResponse:
    now = timezone.now()
    kept = request.session.get(MAILED) or {}
    try:
        links.check_code(signatory, kept, request.POST.get("code", "")[:20], at=now)
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        # A new name for the session, as at each sign-in.
        request.session.cycle_key()
        request.session.pop(MAILED, None)
        request.session[PROVED] = {str(signatory.pk): (now + PROVED_FOR).isoformat()}
    return redirect("portal:mailed-signing", request.signing_secret)


@require_POST
@by_link
def mailed_act(request: HttpRequest, signatory: Signatory, act: str) -> HttpResponse:
    here = reverse("portal:mailed-signing", args=[request.signing_secret])
    if not _has_proved(request, signatory):
        return redirect(here)
    actor = Actor(None, Identified.MAILED_CODE, request.META.get("REMOTE_ADDR"))
    return redirect(here + take(request, signatory, act, actor))


@require_GET
@by_link
def mailed_file(request: HttpRequest, signatory: Signatory, name: str) -> HttpResponse:
    if not _has_proved(request, signatory):
        return redirect("portal:mailed-signing", request.signing_secret)
    return file_of(signatory.round, name)


def _has_proved(request: HttpRequest, signatory: Signatory) -> bool:
    until = request.session.get(PROVED, {}).get(str(signatory.pk))
    return until is not None and datetime.fromisoformat(until) > timezone.now()


urlpatterns = [
    path("signing/<str:secret>/", mailed_signing, name="mailed-signing"),
    path("signing/<str:secret>/mail-code/", mail_code, name="mailed-signing-mail-code"),
    path("signing/<str:secret>/code/", enter_code, name="mailed-signing-code"),
    path("signing/<str:secret>/<slug:act>/", mailed_act, name="mailed-signing-act"),
    path("signing/<str:secret>/<slug:name>.pdf", mailed_file, name="mailed-signing-file"),
]
