"""Rounds: a document is sent out to be signed, goes from one to the next, and comes back or not."""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction

from licensing.agreements import agreements, document
from licensing.agreements.findings import findings
from licensing.models import (
    Agreement,
    AgreementDocument,
    Signatory,
    SigningEvent,
    SigningRound,
)
from licensing.words import AgreementStatus, DocumentKind, RoundState, SigningEventKind
from talent.errors import Refused
from talent.models import User
from talent.papers import certificate

from . import notices
from .signatories import Proposed

CALLED_BACK = "The terms were changed. All read the new document before they sign it."
SHORTEST, LONGEST = timedelta(hours=1), timedelta(days=365)


class NotToBeSent(Refused):
    """Only a draft that is not out already is sent for signature, and it leaves time to sign."""

    code = "not_to_be_sent"


class RoundIsOver(Refused):
    """The round was signed by all, declined, cancelled, or its time is over."""

    code = "round_is_over"


def send(
    *,
    agreement: Agreement,
    signatories: Sequence[Proposed],
    expires_at: datetime,
    at: datetime,
    by: User,
) -> SigningRound:
    """Send a draft out to be signed, by each in the order given, until an instant.

    What the rules say is frozen first, the document is drawn if the last one no longer says what
    was agreed, and the desk seals it. Call it outside any transaction: drawing takes a second.
    Raises NotToBeSent, NoSeal, what `refuse_unsignable` and `refuse_blocked` raise, CannotBeDrawn,
    NotDrawn and NotSealable.
    """
    _refuse_to_send(agreement, signatories, expires_at, at)
    certificate.of_the_desk()
    refuse_unlawful(agreement, at=at)
    paper = _document_to_sign(agreement, at=at, by=by)
    return _send(paper, signatories, expires_at, at, by)


@transaction.atomic
def _send(
    paper: AgreementDocument,
    signatories: Sequence[Proposed],
    expires_at: datetime,
    at: datetime,
    by: User,
) -> SigningRound:
    """Seal a document and send it out, if it still says what is agreed."""
    locked = agreements.lock(paper.agreement)
    _refuse_to_send(locked, signatories, expires_at, at)
    if not document.is_current(paper, at=at):
        raise NotToBeSent("The terms were changed just now. Look at them, and send it again.")
    found = findings.freeze(locked, paper.digest, at, by)
    seal = certificate.of_the_desk()

    from . import papers  # It draws and seals, which takes a second to import.

    pdf = papers.sealed(paper, signatories, found=found, expires_at=expires_at, at=at, seal=seal)
    made = SigningRound.objects.create(
        agreement=locked, document=paper, findings=found, sent_at=at, sent_by=by,
        expires_at=expires_at, pdf=pdf, digest=digest_of(pdf),
    )  # fmt: skip
    Signatory.objects.bulk_create(
        Signatory(
            round=made, position=position, role=one.role.value, name=one.name, email=one.email,
            user=one.user, performer=one.performer, initials=one.initials,
        )
        for position, one in enumerate(signatories, start=1)
    )  # fmt: skip
    note(made, SigningEventKind.SENT, at=at, by=by, shown=pdf)
    notices.tell_next(made, waiting_for(made), at=at)
    return made


@transaction.atomic
def cancel(*, round_id: int, reason: str, at: datetime, by: User) -> SigningRound:
    """Take a round back; what was signed in it binds nobody. Raises RoundIsOver."""
    found = locked_round(round_id)
    refuse_over(found, at=at)
    end(found, RoundState.CANCELLED, at=at)
    note(found, SigningEventKind.CANCELLED, at=at, by=by, words=reason)
    notices.tell_all(found, SigningEventKind.CANCELLED, at=at, words=reason)
    return found


def out_for_signature(agreement: Agreement, *, at: datetime) -> SigningRound | None:
    """Return the round in which an agreement is out for signature; None: it is not out."""
    rows = SigningRound.objects.open().filter(agreement=agreement, expires_at__gt=at)
    return rows.prefetch_related("signatories", "events").select_related("document").first()


@transaction.atomic
def call_back(*, agreement: Agreement, at: datetime, by: User) -> SigningRound | None:
    """Take back what is out for signature if its terms were changed; None: nothing is.

    Call it in the transaction that changed them. What is not in the document may be changed
    meanwhile.
    """
    found = out_for_signature(agreement, at=at)
    if found is None or document.is_current(found.document, at=at):
        return None
    return cancel(round_id=found.pk, reason=CALLED_BACK, at=at, by=by)


def refuse_unlawful(agreement: Agreement, *, at: datetime) -> None:
    """Refuse what the consent in force does not hold, cannot be rated, or a rule forbids."""
    agreements.refuse_unsignable(agreement, at=at)
    findings.refuse_blocked(agreement, at=at)


def _refuse_to_send(
    agreement: Agreement, signatories: Sequence[Proposed], expires_at: datetime, at: datetime
) -> None:
    if agreement.status != AgreementStatus.DRAFT:
        raise NotToBeSent(f"{agreement.reference} is {agreement.status}; only a draft is sent.")
    if SigningRound.objects.open().filter(agreement=agreement).exists():
        raise NotToBeSent(
            f"{agreement.reference} is out for signature already. Cancel that round first."
        )
    if not SHORTEST <= expires_at - at <= LONGEST:
        raise NotToBeSent("Leave between an hour and a year to sign.")
    if not signatories:
        raise NotToBeSent("Nobody is named who signs.")


def _document_to_sign(agreement: Agreement, *, at: datetime, by: User) -> AgreementDocument:
    """Return the document that says what is agreed now: the last one if it still does."""
    last = document.latest(agreement)
    if last is not None and last.kind == DocumentKind.TO_SIGN and document.is_current(last, at=at):
        return last
    return document.draw(agreement=agreement, kind=DocumentKind.TO_SIGN, at=at, by=by)


# What rounds are made of


def locked_round(round_id: int) -> SigningRound:
    """Lock a round and before it its agreement, so that of two who sign at once one waits."""
    found = SigningRound.objects.select_related("agreement").get(pk=round_id)
    agreements.lock(found.agreement)
    rows = SigningRound.objects.select_for_update(of=("self",)).select_related(
        "agreement__agency", "agreement__licensee", "agreement__twin__performer", "document"
    )
    locked: SigningRound = rows.get(pk=round_id)
    return locked


def refuse_over(found: SigningRound, *, at: datetime) -> None:
    """Refuse what is no longer out for signature. Raises RoundIsOver."""
    if found.state != RoundState.OPEN:
        raise RoundIsOver(
            f"This is over: {RoundState(found.state).label.lower()}. Nothing more is signed here."
        )
    if found.expires_at <= at:
        raise RoundIsOver("The time to sign is over. Ask the agency to send it anew.")


def waiting_for(found: SigningRound) -> Signatory | None:
    """Return whose turn it is; None once all have signed."""
    rows = Signatory.objects.whose_turn().filter(round=found)
    return rows.select_related("user").first()


def end(found: SigningRound, state: RoundState, *, at: datetime) -> None:
    found.state, found.ended_at = state.value, at
    found.save(update_fields=["state", "ended_at", "record", "record_digest"])


def note(
    found: SigningRound,
    kind: SigningEventKind,
    *,
    at: datetime,
    by: User | None = None,
    shown: bytes | None = None,
    words: str = "",
) -> SigningEvent:
    """Note what the desk or its staff did in a round."""
    return SigningEvent.objects.create(
        round=found, kind=kind.value, at=at, by=by, words=words[:500],
        digest=digest_of(shown) if shown is not None else "",
        size=len(shown) if shown is not None else None,
    )  # fmt: skip


def digest_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
