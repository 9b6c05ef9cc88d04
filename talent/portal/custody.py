"""The portal's page of what is held of the reader: where, for what, until when, who read it.

From there they ask for its destruction or a copy, and name a key of their own.
"""

from collections.abc import Callable

from django import forms
from django.contrib import messages
from django.db.models import Prefetch, QuerySet
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.defaultfilters import filesizeformat
from django.urls import path
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from talent.custody import destruction, grants, keys, own_keys
from talent.custody.destruction import KEPT_STATES
from talent.custody.retention.standing import Standing, standings
from talent.errors import Refused
from talent.models import (
    CustodyGrant,
    CustodyItem,
    CustodyRead,
    Destruction,
    DestructionCertificate,
    HeldElsewhere,
    OwnKey,
    Performer,
)
from talent.sign_in import proofs
from talent.sign_in.adapters import client_address
from talent.words import (
    CustodyPurpose,
    CustodyStepKind,
    DestructionCause,
    DestructionState,
    GrantState,
    Power,
    ReadCause,
)

from .reader import Reader, portal_page, render_page

# Of uploads that came to nothing, nothing is held.
SHOWN = (*KEPT_STATES, CustodyStepKind.DESTROYED)


class WhyForm(forms.Form):
    reason = forms.CharField(max_length=300)


class KeyForm(forms.Form):
    recipient = forms.CharField(max_length=100)


class AnswerForm(forms.Form):
    answer = forms.CharField(max_length=100)


def _mine(request: HttpRequest) -> QuerySet[CustodyItem]:
    performer = request.reader.principal.performer_id
    return CustodyItem.objects.filter(performer=performer).in_state(*SHOWN)


@require_GET
@portal_page(Power.SEE_TWINS)
def held(request: HttpRequest) -> HttpResponse:
    """Show the reader's items, newest first, each with all its reads."""
    reader = request.reader
    reads = CustodyRead.objects.select_related("by", "grant").order_by("-pk")
    destructions = Destruction.objects.select_related("certificate").prefetch_related("steps")
    items = list(
        _mine(request)
        .select_related("agency", "performer")
        .prefetch_related(
            Prefetch("reads", reads),
            Prefetch("destructions", destructions),
            Prefetch("grants", CustodyGrant.objects.filter(purpose="").with_state()),
        )
        .order_by("-pk")
    )
    until = standings(items, at=timezone.now())
    own = keys.own_recipients([item.pk for item in items])
    performer = reader.principal.performer_id
    others = HeldElsewhere.objects.filter(performer=performer).with_state()
    rows = [_item(item, until[item.pk], own.get(item.pk, ""), reader) for item in items]
    told = {
        "items": sorted(rows, key=lambda row: not row["is_held"]),
        "elsewhere": others.order_by("-pk"),
        "key": own_keys.of(performer) if performer else None,
        "recipients": _recipients() if items else [],
        "may_decide": reader.may(Power.DECIDE),
    }
    return render_page(request, "portal/held.html", "twins", told)


def _recipients() -> list[str]:
    """Return the keys of desk and escrow; none while the desk's own is away, which staff mend."""
    try:
        return [str(recipient) for recipient in keys.recipients()]
    except Refused:
        return []


def _item(item: CustodyItem, until: Standing, own: str, reader: Reader) -> dict:
    now = timezone.now()
    mine = [one for one in item.grants.all() if one.asked_by_id == reader.user.pk]
    asked = [one for one in item.destructions.all() if one.state != DestructionState.CLOSED]
    states = {grant.state_at(now): grant for grant in mine}
    return {
        "pk": item.pk,
        "until": until,
        "own": own,
        "name": item.name,
        "kind": item.get_kind_display(),
        "agency": item.agency,
        "is_held": item.state != CustodyStepKind.DESTROYED,
        "may_be_read": item.state == CustodyStepKind.PROVEN,
        "state": CustodyStepKind(item.state).label,
        "size": filesizeformat(item.size),
        "stored_at": item.begun_at,
        "captured_on": item.captured_on,
        "purposes": [CustodyPurpose(code).label for code in item.purposes],
        "reads": [_read(read) for read in item.reads.all()],
        "copy": states.get(GrantState.OPEN),
        "copy_waits": states.get(GrantState.WAITING),
        "destruction_waits": bool(asked),
        "may_keep": any(
            one.state == DestructionState.WAITING and one.asked_by_id == reader.user.pk
            for one in asked
        ),
        "certificate": next(
            (one.pk for one in item.destructions.all() if hasattr(one, "certificate")), None
        ),
    }


def _read(read: CustodyRead) -> dict:
    for_what = {
        ReadCause.BREAK_GLASS.value: _("Without a grant"),
        ReadCause.OWNER.value: _("Your own copy"),
    }
    return {
        "who": read.by.get_full_name() or read.by.email,
        "at": read.at,
        "for_what": for_what.get(read.cause) or read.get_purpose_display(),
        "without_grant": read.cause == ReadCause.BREAK_GLASS,
        "reason": read.reason,
    }


@require_GET
@portal_page(Power.SEE_TWINS)
def certificate(request: HttpRequest, destruction_id: int) -> HttpResponse:
    """Send the certificate of one of the reader's items as a PDF."""
    mine = DestructionCertificate.objects.filter(
        destruction__item__performer=request.reader.principal.performer_id
    )
    stored = get_object_or_404(mine, destruction=destruction_id)
    response = HttpResponse(bytes(stored.pdf), content_type="application/pdf")
    response["Content-Disposition"] = f'attachment; filename="destruction-{destruction_id}.pdf"'
    return response


# What the reader asks for


def _answered(
    request: HttpRequest, ask: Callable[[], object], done: str, *, back: str = "portal:held"
) -> HttpResponse:
    """Do what was asked, and say on the page of items, or another, how it went."""
    try:
        ask()
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, done)
    return redirect(back)


def _why(request: HttpRequest) -> str:
    form = WhyForm(request.POST)
    return form.cleaned_data["reason"] if form.is_valid() else _("The performer asks for it.")


@require_POST
@portal_page(Power.DECIDE)
def ask_to_destroy(request: HttpRequest, item_id: int) -> HttpResponse:
    """Ask for an item's destruction; somebody at the agency approves it."""
    item = get_object_or_404(_mine(request), pk=item_id)
    if asked := proofs.step_up(request):
        return asked
    return _answered(
        request,
        lambda: destruction.ask(
            item_id=item.pk, cause=DestructionCause.ASKED, reason=_why(request), by=request.user,
            at=timezone.now(),
        ),
        _("Asked for. Once your agency approves it, you find the certificate here."),
    )  # fmt: skip


@require_POST
@portal_page(Power.DECIDE)
def ask_copy(request: HttpRequest, item_id: int) -> HttpResponse:
    """Ask for a copy that is encrypted to the reader's own key; two of the agency approve it."""
    item = get_object_or_404(_mine(request), pk=item_id)
    if asked := proofs.step_up(request):
        return asked
    return _answered(
        request,
        lambda: grants.ask_copy(
            item_id=item.pk, reason=_why(request), by=request.user, at=timezone.now()
        ),
        _("Asked for. Once two people of your agency approve it, you fetch it here, once."),
    )


@require_POST
@portal_page(Power.DECIDE)
def fetch_copy(request: HttpRequest, grant_id: int) -> HttpResponse:
    """Send the reader's own copy as an age file; that uses the grant up."""
    mine = CustodyGrant.objects.filter(
        item__in=_mine(request).values("pk"), asked_by=request.user, purpose=""
    )
    grant = get_object_or_404(mine.select_related("item"), pk=grant_id)
    if asked := proofs.step_up(request):
        return asked
    try:
        reading = grants.read(
            grant_id=grant.pk, by=request.user, clock=timezone.now, address=client_address(request)
        )
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("portal:held")
    response = StreamingHttpResponse(reading.content, content_type="application/octet-stream")
    response["Cache-Control"] = "no-store"
    response["Content-Disposition"] = content_disposition_header(
        as_attachment=True, filename=f"{grant.item.name}.age"
    )
    return response


@require_POST
@portal_page(Power.DECIDE)
def keep(request: HttpRequest, item_id: int) -> HttpResponse:
    """Take back what the reader asked for: an item's destruction, while nobody approved it."""
    item = get_object_or_404(_mine(request), pk=item_id)
    asked = Destruction.objects.filter(item=item, asked_by=request.user).order_by("pk").last()
    if asked is None:
        raise Http404
    return _answered(
        request,
        lambda: destruction.reject(
            destruction_id=asked.pk, by=request.user, at=timezone.now(),
            reason=_("Whoever asked for it takes it back."),
        ),
        _("Taken back: it is kept as before."),
    )  # fmt: skip


@require_POST
@portal_page(Power.DECIDE)
def take_back_copy(request: HttpRequest, grant_id: int) -> HttpResponse:
    """Take back what the reader asked for: a copy that was not fetched."""
    mine = CustodyGrant.objects.filter(
        item__in=_mine(request).values("pk"), asked_by=request.user, purpose=""
    )
    grant = get_object_or_404(mine, pk=grant_id)
    return _answered(
        request,
        lambda: grants.reject(
            grant_id=grant.pk, by=request.user, at=timezone.now(),
            reason=_("Whoever asked for it takes it back."),
        ),
        _("Taken back: no copy is made."),
    )  # fmt: skip


# A key of one's own


def _named(request: HttpRequest) -> OwnKey | None:
    """Return the key that the reader named last and has not proven; None: there is none."""
    named = OwnKey.objects.filter(performer=request.reader.principal.performer_id)
    last = named.prefetch_related("steps").order_by("pk").last()
    return None if last is None or last.steps.all() else last


@require_GET
@portal_page(Power.DECIDE)
def own_key(request: HttpRequest) -> HttpResponse:
    """Show the reader's own key, and how to name one and prove that they have it."""
    performer = get_object_or_404(Performer, pk=request.reader.principal.performer_id)
    told = {"key": own_keys.of(performer.pk), "named": _named(request)}
    return render_page(request, "portal/own_key.html", "twins", told)


@require_POST
@portal_page(Power.DECIDE)
def name_key(request: HttpRequest) -> HttpResponse:
    """Name a key: the page then has a file that only its owner opens."""
    performer = get_object_or_404(Performer, pk=request.reader.principal.performer_id)
    if asked := proofs.step_up(request):
        return asked
    form = KeyForm(request.POST)
    if form.is_valid():
        try:
            own_keys.name(
                performer=performer, recipient=form.cleaned_data["recipient"], by=request.user,
                at=timezone.now(),
            )  # fmt: skip
        except Refused as refusal:
            messages.error(request, str(refusal))
    return redirect("portal:own-key")


@require_GET
@portal_page(Power.DECIDE)
def challenge(request: HttpRequest) -> HttpResponse:
    """Send the file that proves whoever opens it."""
    named = _named(request)
    if named is None:
        return redirect("portal:own-key")
    content = iter([bytes(named.challenge)])
    return FileResponse(content, as_attachment=True, filename="prove.age")


@require_POST
@portal_page(Power.DECIDE)
def prove_key(request: HttpRequest) -> HttpResponse:
    """Take what the file said."""
    named, form = _named(request), AnswerForm(request.POST)
    if named is None or not form.is_valid():
        return redirect("portal:own-key")
    if asked := proofs.step_up(request):
        return asked
    try:
        own_keys.prove(
            key_id=named.pk, answer=form.cleaned_data["answer"], by=request.user, at=timezone.now()
        )
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("portal:own-key")
    messages.success(request, _("Proven. Choose below which items are written to it, too."))
    return redirect("portal:held")


@require_POST
@portal_page(Power.DECIDE)
def end_key(request: HttpRequest) -> HttpResponse:
    """Write nothing to the reader's own key any more."""
    key = own_keys.of(request.reader.principal.performer_id)
    if asked := proofs.step_up(request):
        return asked
    if key is None:
        return redirect("portal:own-key")
    return _answered(
        request,
        lambda: own_keys.end(key_id=key.pk, by=request.user, at=timezone.now()),
        _("Ended. Copies that you took before still open with it."),
        back="portal:own-key",
    )


@require_POST
@portal_page(Power.DECIDE)
def write_to_key(request: HttpRequest, item_id: int) -> HttpResponse:
    """Write an item to the reader's own key, too."""
    item = get_object_or_404(_mine(request), pk=item_id)
    if asked := proofs.step_up(request):
        return asked
    return _answered(
        request,
        lambda: own_keys.write_to(item_id=item.pk, by=request.user, at=timezone.now()),
        _("Your key opens it now, too."),
    )


@require_POST
@portal_page(Power.DECIDE)
def take_off_key(request: HttpRequest, item_id: int) -> HttpResponse:
    """Write one item to the reader's own key no more."""
    item = get_object_or_404(_mine(request), pk=item_id)
    if asked := proofs.step_up(request):
        return asked
    return _answered(
        request,
        lambda: own_keys.take_off(item_id=item.pk, by=request.user, at=timezone.now()),
        _("Your key opens it no more. Copies that you took before still do."),
    )


urlpatterns = [
    path("held/", held, name="held"),
    path("held/destruction-<int:destruction_id>.pdf", certificate, name="destruction"),
    path("held/<int:item_id>/destroy/", ask_to_destroy, name="held-destroy"),
    path("held/<int:item_id>/copy/", ask_copy, name="held-copy"),
    path("held/<int:item_id>/own-key/", write_to_key, name="held-own-key"),
    path("held/<int:item_id>/own-key/end/", take_off_key, name="held-off-key"),
    path("held/<int:item_id>/keep/", keep, name="held-keep"),
    path("held/copies/<int:grant_id>/", fetch_copy, name="held-fetch"),
    path("held/copies/<int:grant_id>/take-back/", take_back_copy, name="held-take-back"),
    path("held/key/", own_key, name="own-key"),
    path("held/key/name/", name_key, name="own-key-name"),
    path("held/key/prove.age", challenge, name="own-key-file"),
    path("held/key/prove/", prove_key, name="own-key-prove"),
    path("held/key/end/", end_key, name="own-key-end"),
]
