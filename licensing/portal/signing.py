"""The portal's door to documents: what waits for a signature, signing it, and what was signed."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from licensing.agreements import document
from licensing.agreements.signing import acts, rounds, signatories
from licensing.agreements.signing.acts import Actor
from licensing.models import Signatory, SigningRound
from licensing.words import Identified, RoundState, SigningEventKind
from talent.errors import Refused
from talent.models import User
from talent.portal.reader import Reader, portal_page, render_page
from talent.sign_in import proofs

SHOWN = 100
# The clause of the library that is initialled apart.
INITIALLED = "replica.initialled"
DONE = {
    "read": _("Noted that you read it. Now agree to sign electronically."),
    "agree": _("Noted that you agree to sign electronically."),
    "initial": _("Your initials are noted. Now sign."),
    "decline": _("You declined. The agency and the others are told why."),
}


def waiting_for(user: User, *, at: datetime) -> list[Signatory]:
    """Return where it is somebody's turn to sign, the nearest deadline first."""
    rows = Signatory.objects.whose_turn().filter(
        user=user, round__state=RoundState.OPEN.value, round__expires_at__gt=at
    )
    rows = rows.select_related("round__agreement__licensee", "round__agreement__twin")
    return list(rows.order_by("round__expires_at", "pk"))


@require_GET
@portal_page()
def documents(request: HttpRequest) -> HttpResponse:
    """Show what waits for the reader's signature, what waits for others, and what was signed."""
    now, user = timezone.now(), request.user
    mine = waiting_for(user, at=now)
    rows = (
        SigningRound.objects.visible_to(user)
        .filter(_of_the_reader(request.reader))
        .select_related("agreement__licensee", "agreement__twin", "document")
        .prefetch_related("signatories", "events")
        .order_by("-sent_at", "-pk")
    )
    listed = [row for row in rows[:SHOWN] if row.pk not in {one.round_id for one in mine}]
    return render_page(
        request,
        "portal/documents.html",
        "documents",
        {"waiting": mine, "rounds": listed},
    )


def _of_the_reader(reader: Reader) -> Q:
    signed = Q(pk__in=Signatory.objects.filter(user=reader.user).values("round"))
    if reader.principal is None or not reader.principal.performer_id:
        return signed
    return signed | Q(agreement__twin__in=reader.principal.twins(reader.user))


@require_GET
@portal_page()
def sign(request: HttpRequest, signatory_id: int) -> HttpResponse:
    signatory = _signatory(request, signatory_id)
    return render_page(
        request,
        "portal/sign.html",
        "documents",
        page_values(
            signatory,
            at=timezone.now(),
            locale=request.reader.locale,
            act=lambda name: reverse("portal:sign-act", args=[signatory.pk, name]),
            file=lambda name: reverse("portal:signing-file", args=[signatory.round_id, name]),
        ),
    )


@require_POST
@portal_page()
def sign_act(request: HttpRequest, signatory_id: int, act: str) -> HttpResponse:
    """Take one act of a signatory; what binds asks once more who they are."""
    signatory = _signatory(request, signatory_id)
    if act == "sign" and (asked := proofs.step_up(request)):
        return asked
    known = Identified.SECOND_FACTOR if proofs.has_second_factor(request) else Identified.PASSWORD
    actor = Actor(request.user, known, request.META.get("REMOTE_ADDR"))
    came_to = take(request, signatory, act, actor)
    return redirect(reverse("portal:sign", args=[signatory.pk]) + came_to)


@require_GET
@portal_page()
def signing_file(request: HttpRequest, round_id: int, name: str) -> HttpResponse:
    rows = SigningRound.objects.visible_to(request.user).filter(_of_the_reader(request.reader))
    found = get_object_or_404(rows.select_related("agreement"), pk=round_id)
    return file_of(found, name)


def _signatory(request: HttpRequest, signatory_id: int) -> Signatory:
    rows = Signatory.objects.filter(user=request.user).select_related(*OF_A_SIGNATORY)
    signatory: Signatory = get_object_or_404(rows, pk=signatory_id)
    return signatory


# What the mailed link's page shares

OF_A_SIGNATORY = (
    "round__agreement__agency",
    "round__agreement__licensee",
    "round__agreement__twin",
    "round__document",
    "performer",
    "user",
)


def take(request: HttpRequest, signatory: Signatory, act: str, actor: Actor) -> str:
    """Take an act with what was sent for it, say how it went, and return where to go on.

    That is the heading of what comes next on the page, as a fragment; empty for its top.
    """
    now, sent = timezone.now(), request.POST
    about = {"signatory_id": signatory.pk, "actor": actor, "at": now}
    shown = sent.get("shown", "")
    calls = {
        "read": lambda: acts.read(shown=shown, **about),
        "agree": lambda: acts.agree(shown=shown, **about),
        "initial": lambda: acts.initial(
            shown=shown, initials=sent.get("initials", "")[:20], **about
        ),
        "sign": lambda: acts.sign(shown=shown, name=sent.get("name", "")[:200], **about),
        "decline": lambda: acts.decline(reason=sent.get("reason", "")[:300], **about),
    }
    if act not in calls:
        raise Http404
    if act == "agree" and not sent.get("agreed"):
        messages.error(request, _("Tick that you agree; nobody signs electronically without."))
        return ""
    try:
        done = calls[act]()
    except Refused as refusal:
        messages.error(request, str(refusal))
        return ""
    messages.success(request, _signed_text(done) if act == "sign" else DONE[act])
    after_agreeing = "#initial" if signatory.initials else "#sign"
    return {"read": "#agree", "agree": after_agreeing, "initial": "#sign"}.get(act, "")


def _signed_text(found: SigningRound) -> str:
    if found.state == RoundState.SIGNED:
        return _("Signed. Everybody has signed, and the agreement holds from now on.")
    return _("Signed. The next one is asked now; you get a mail once everybody has signed.")


def page_values(
    signatory: Signatory, *, at: datetime, locale: str, act: Any, file: Any
) -> dict[str, Any]:
    """Return what a signatory's page shows: the document in plain words, and what comes next."""
    found = signatory.round
    content = found.document.content or {}
    turn = rounds.waiting_for(found)
    is_open = found.state == RoundState.OPEN and found.expires_at > at
    done = {kind.value: acts.has_done(signatory, kind) for kind in SigningEventKind}
    return {
        "signatory": signatory,
        "round": found,
        "agreement": found.agreement,
        "summary": content.get("summary", []),
        "beside": _beside(signatory, at, locale),
        "replica": [one for one in content.get("clauses", []) if _is_replica(one)],
        "agreed": acts.AGREED,
        "done": done,
        "is_open": is_open,
        "has_signed": done[SigningEventKind.SIGNED.value],
        "my_turn": is_open and turn is not None and turn.pk == signatory.pk,
        "turn": turn,
        "acts": {name: act(name) for name in ("read", "agree", "initial", "sign", "decline")},
        "pdf": file("document"),
        "record": file("record") if found.state == RoundState.SIGNED else "",
        "steps": _steps(found, turn),
    }


def _beside(signatory: Signatory, at: datetime, locale: str) -> list[document.Answer]:
    """Return what only the performer's side reads; nothing for anybody else."""
    performer = signatory.performer
    if performer is None or not signatories.may_see_money(signatory, at=at):
        return []
    return document.before_signing(signatory.round.agreement, performer, at=at, locale=locale)


def _is_replica(clause: dict[str, Any]) -> bool:
    return bool(clause.get("code") == INITIALLED)


def _steps(found: SigningRound, turn: Signatory | None) -> list[dict[str, Any]]:
    signed = dict(
        found.events.filter(kind=SigningEventKind.SIGNED.value).values_list("signatory", "at")
    )
    return [
        {"signatory": one, "at": signed.get(one.pk), "turn": turn is not None and one.pk == turn.pk}
        for one in found.signatories.order_by("position")
    ]


def file_of(found: SigningRound, name: str) -> HttpResponse:
    """Send the document as it is signed so far, or the signature record."""
    content = {"document": found.pdf, "record": found.record}.get(name)
    if content is None:
        raise Http404
    ending = "" if name == "document" else "-signature-record"
    return HttpResponse(
        bytes(content),
        content_type="application/pdf",
        headers={
            "Content-Disposition": f'inline; filename="agreement-{found.agreement_id}{ending}.pdf"'
        },
    )


urlpatterns = [
    path("documents/", documents, name="documents"),
    path("documents/sign/<int:signatory_id>/", sign, name="sign"),
    path("documents/sign/<int:signatory_id>/<slug:act>/", sign_act, name="sign-act"),
    path("documents/<int:round_id>/<slug:name>.pdf", signing_file, name="signing-file"),
]
