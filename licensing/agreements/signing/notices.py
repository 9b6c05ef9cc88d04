"""Notices: the mails of a signing round, written with what caused them."""

from collections.abc import Iterable
from datetime import datetime

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse

from licensing.models import Signatory, SigningRound
from licensing.recipients import staff_of
from licensing.words import SignatoryRole, SigningEventKind
from talent import outbox
from talent.access import roles_with
from talent.words import Role

from . import links
from .signatories import SIGNS

SUBJECTS = {
    SigningEventKind.SENT: "Please sign",
    SigningEventKind.REMINDED: "Still to be signed",
    SigningEventKind.SIGNED: "Signed by all",
    SigningEventKind.DECLINED: "Declined",
    SigningEventKind.EXPIRED: "Not signed in time",
    SigningEventKind.CANCELLED: "Taken back",
}


def tell_next(
    found: SigningRound,
    signatory: Signatory | None,
    *,
    at: datetime,
    kind: SigningEventKind = SigningEventKind.SENT,
) -> None:
    """Ask whoever's turn it is to sign."""
    if signatory is None:
        return
    for email, name, link in _reached(found, signatory, at=at):
        _post(found, kind, email, name, link, at=at, signatory=signatory)


def tell_all(
    found: SigningRound,
    kind: SigningEventKind,
    *,
    at: datetime,
    words: str = "",
    signatory: Signatory | None = None,
) -> None:
    """Tell everybody of a round how it ended: its signatories, and the agency's staff."""
    rows = Signatory.objects.filter(round=found).select_related("user").order_by("position")
    told: dict[str, tuple[str, str]] = {}
    for one in rows:
        # A link leads to what was signed; where nothing was, there is nothing to lead to.
        with_link = kind is SigningEventKind.SIGNED
        for email, name, link in _reached(found, one, at=at, with_link=with_link):
            told.setdefault(email, (name, link))
    for email, (name, link) in told.items():
        _post(found, kind, email, name, link, at=at, words=words, signatory=signatory)


def _reached(
    found: SigningRound, signatory: Signatory, *, at: datetime, with_link: bool = True
) -> Iterable[tuple[str, str, str]]:
    """Yield mail address, name and link of everybody who acts for a signatory."""
    if signatory.role == SignatoryRole.AGENCY:
        page = reverse("admin:licensing_signinground_change", args=[found.pk])
        roles = [Role(code) for code in roles_with(SIGNS)]
        for user in staff_of([found.agreement.agency_id], *roles):
            yield user.email, user.first_name, settings.DESK_URL + page
    elif signatory.user is not None:
        page = reverse("portal:sign", args=[signatory.pk])
        yield signatory.user.email, signatory.user.first_name, settings.DESK_URL + page
    else:
        link = ""
        if with_link:
            secret = links.new_link(signatory, at=at)
            link = settings.DESK_URL + reverse("portal:mailed-signing", args=[secret])
        yield signatory.email, signatory.name, link


def _post(
    found: SigningRound,
    kind: SigningEventKind,
    email: str,
    name: str,
    link: str,
    *,
    at: datetime,
    words: str = "",
    signatory: Signatory | None = None,
) -> None:
    agreement = found.agreement
    outbox.post(
        recipient=email,
        subject=f"{SUBJECTS[kind]}: {agreement.reference}, {agreement.twin.name}",
        body=render_to_string(
            "emails/signing.txt",
            {
                "kind": kind.value,
                "name": name,
                "agreement": agreement,
                "link": link,
                "round": found,
                "words": words,
                "signatory": signatory,
            },
        ),
        at=at,
    )
